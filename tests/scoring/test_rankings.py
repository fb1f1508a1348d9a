"""Averages, ranks and the bootstrap: against brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import gaussian_kde, rankdata

from perturbviz.metrics import CATALOGUE
from perturbviz.panels.captions import bump_note
from perturbviz.panels.figures.errors import offsets
from perturbviz.scoring.rankings import n_units, per_unit, rank, ranks, shifts, units
from perturbviz.scoring.scores import Scores
from perturbviz.stats import average, bootstrap
from perturbviz.stats.bootstrap import _weighted_median


def make_scores(values, perturbations=None, metric="mse", seeds=None) -> Scores:
    values = np.asarray(values, float)
    methods = tuple(f"m{i}" for i in range(len(values)))
    perturbations = perturbations or [f"P{i}" for i in range(values.shape[1])]
    rows = pd.DataFrame(
        {"seed": seeds or "", "context": "c", "perturbation": perturbations, "n_perturbed": 1},
        index=range(values.shape[1]),
    )
    n = np.full(values.shape[1], 10)
    return Scores(CATALOGUE[metric].card, metric, "none", "all", methods, methods, rows, values, n, {})


@pytest.mark.parametrize(("how", "function"), [("mean", np.nanmean), ("median", np.nanmedian)])
def test_average_leaves_nan_out(how, function):
    values = np.array([[1.0, np.nan, 4.0, 10.0], [np.nan] * 4])
    result = average(values, how)
    assert result[0] == function(values[0]) and np.isnan(result[1])


def test_ranks_better_first_ties_share_undefined_have_none():
    score = np.array([[3.0, 1.0, np.nan, 1.0, np.inf], [2.0, 2.0, 2.0, 2.0, 2.0]])
    np.testing.assert_array_equal(ranks(score, CATALOGUE["mse"].card), [[3, 1.5, np.nan, 1.5, 4], [3, 3, 3, 3, 3]])
    np.testing.assert_array_equal(ranks(score, CATALOGUE["pearson"].card), [[2, 3.5, np.nan, 3.5, 1], [3] * 5])
    np.testing.assert_array_equal(
        ranks(np.array([0.0, 1.5, 0.9, np.nan]), CATALOGUE["sd_ratio"].card), [3, 2, 1, np.nan]
    )


@given(arrays(float, (3, 6), elements=st.one_of(st.floats(-5, 5).map(lambda x: round(x)), st.just(np.nan))))
def test_ranks_equal_scipy_on_what_is_defined(score):
    result = ranks(score, CATALOGUE["pearson"].card)
    for line, got in zip(score, result, strict=True):
        have = ~np.isnan(line)
        assert np.isnan(got[~have]).all()
        np.testing.assert_array_equal(got[have], rankdata(-line[have]))


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=8).flatmap(
        lambda v: st.tuples(st.just(v), st.lists(st.integers(0, 4), min_size=len(v), max_size=len(v)))
    )
)
def test_weighted_median_is_the_median_of_repeated_values(pair):
    values, counts = np.array(pair[0]), np.array(pair[1])
    result = _weighted_median(values, counts[:, None].astype(np.uint8))[0]
    if counts.sum() == 0:
        assert np.isnan(result)
    else:
        assert result == pytest.approx(np.median(np.repeat(values, counts)))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["mean", "median"]))
def test_bootstrap_against_brute_force(seed, how):
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, 4, 9)
    unit[:4] = range(4)
    values = rng.normal(size=(3, 9))
    values[0, 2], values[1, [1, 5]] = np.nan, np.nan
    n, count = 20, 4
    weight = np.random.default_rng(3).multinomial(count, np.full(count, 1 / count), size=n)
    expected = np.empty((n, 3))
    for k in range(n):
        rows = np.concatenate([np.tile(np.flatnonzero(unit == u), times) for u, times in enumerate(weight[k])])
        expected[k] = average(values[:, rows], how)
    np.testing.assert_allclose(bootstrap(values, unit, how, n, seed=3), expected, rtol=1e-12)


def test_all_seeds_of_a_perturbation_are_one_unit():
    scores = make_scores([[1.0, 2, 3, 4]], ["A", "B", "A", "B"], seeds=["1", "1", "2", "2"])
    np.testing.assert_array_equal(units(scores.rows), [0, 1, 0, 1])
    resampled = bootstrap(scores.values, units(scores.rows), n=200)
    assert set(np.round(resampled[:, 0], 9)) == {2.0, 2.5, 3.0}  # A twice, one each, B twice


def test_another_context_is_another_unit():
    rows = pd.DataFrame({"context": ["x", "y"], "perturbation": ["A", "A"]})
    assert len(set(units(rows))) == 2


def test_ranking_table():
    rng = np.random.default_rng(0)
    good, poor = rng.normal(1, 0.1, 40), rng.normal(2, 0.1, 40)
    result = rank(make_scores([poor, good, np.full(40, np.nan)]), n=300)
    assert list(result.table.index) == ["m1", "m0", "m2"] and result.defined == ["m1", "m0"]
    first, undefined = result.table.loc["m1"], result.table.loc["m2"]
    assert first["low"] < first["score"] < first["high"] and first["p_first"] == 1
    assert (first["rank"], first["rank_low"], first["rank_high"], first["n"]) == (1, 1, 1, 40)
    assert undefined[["score", "low", "high", "rank", "p_first"]].isna().all() and undefined["n"] == 0
    # about two standard errors of a mean of 40
    assert first["high"] - first["low"] == pytest.approx(2 * 1.96 * good.std() / np.sqrt(40), rel=0.25)


def test_tied_methods_share_the_first_place():
    values = np.random.default_rng(0).normal(size=10)
    table = rank(make_scores([values, values]), n=50).table
    assert (table["rank"] == 1.5).all() and (table["p_first"] == 1).all()


def test_one_unit_has_no_interval():
    table = rank(make_scores([[1.0, 2.0], [2.0, 3.0]], ["*", "*"], seeds=["1", "2"]), n=50).table
    assert list(table["rank"]) == [1, 2] and table[["low", "high", "rank_low", "p_first"]].isna().all(axis=None)


def test_paired_difference_uses_common_rows_only():
    base = np.random.default_rng(1).normal(size=30)
    other = base + 0.5
    other[:10] = np.nan
    shifted = base.copy()
    shifted[:10] += 100  # what only the first method has must not count
    result = rank(make_scores([shifted, other]), n=200)
    difference, low, high = result.difference("m0", "m1")
    assert (difference, low, high) == pytest.approx((-0.5, -0.5, -0.5))
    assert result.separable("m0", "m1")


def test_paired_differences_are_sharper_than_the_intervals():
    rng = np.random.default_rng(2)
    common = rng.normal(size=60) * 5
    result = rank(make_scores([common, common + 0.2 + 0.01 * rng.normal(size=60)]), n=300)
    a, b = result.table.loc["m0"], result.table.loc["m1"]
    assert a["high"] > b["low"] and result.separable("m0", "m1")


def test_a_pair_is_compared_once_however_often_it_is_asked_for():
    first = np.arange(12.0)
    result = rank(make_scores([first, first + 0.5 + np.sin(first)]))
    assert result.difference("m0", "m1") is result.difference("m0", "m1")
    low, high = result.difference("m0", "m1")[1:]
    assert result.difference("m1", "m0")[1:] == pytest.approx((-high, -low))


def test_shifts_count_places_gained():
    before, after = (
        rank(make_scores([[1.0, 1], [2, 2], [3, 3]]), n=5),
        rank(make_scores([[3.0, 3], [2, 2], [1, 1]]), n=5),
    )
    assert shifts(before, after).to_dict() == {"m2": 2.0, "m1": 0.0, "m0": -2.0}


@pytest.mark.parametrize("n", [3, 60, 400])
def test_swarms_are_as_wide_as_the_density_of_scipy(n):
    values = np.random.default_rng(n).gamma(2.0, size=n)
    density = gaussian_kde(values)(values)
    widths = np.abs(offsets(values, width=1.0))
    assert (widths <= density / density.max() + 1e-9).all()
    spread = offsets(np.append(values, np.nan), width=1.0)
    assert spread[-1] == 0 and np.array_equal(spread[:-1], offsets(values, width=1.0))
    ranks_of_values = np.argsort(np.argsort(values)) + 1
    sequence = [int(f"{r:b}"[::-1], 2) / 2 ** len(f"{r:b}") for r in ranks_of_values]  # van der Corput, base 2
    np.testing.assert_allclose(offsets(values, width=1.0), (2 * np.array(sequence) - 1) * density / density.max())


def test_labels_keep_apart_and_stay_as_near_as_they_can():
    from perturbviz.panels.figures.marks import apart

    assert apart([0, 5, 10], 1) == [0, 5, 10]  # nothing to do
    assert apart([0, 0, 10], 1) == [-0.5, 0.5, 10]  # only those that touch move, each as far as the other
    packed = apart([0, 0.1, 0.2, 0.9, 1.0], 1)
    assert np.diff(packed) == pytest.approx(1) and np.mean(packed) == pytest.approx(0.44)
    assert apart([], 1) == []


@given(st.lists(st.tuples(st.sampled_from(["", "K562", "RPE1"]), st.sampled_from(["A", "B", "A+B", "C"])), max_size=30))
def test_units_are_numbered_as_they_first_appear(pairs):
    rows = pd.DataFrame(pairs, columns=["context", "perturbation"], dtype=object)
    expected = rows.groupby(["context", "perturbation"], sort=False).ngroup().to_numpy()
    np.testing.assert_array_equal(units(rows), expected)
    assert n_units(rows) == len(set(pairs))
    values = np.arange(2.0 * len(pairs)).reshape(2, -1)
    np.testing.assert_array_equal(per_unit(values, rows)[0], per_unit(values, rows, units(rows))[0])


def test_note_of_the_rank_shifts_counts_firsts_and_leaves_out_what_is_undefined():
    nan = np.nan
    table = pd.DataFrame([[1, 1, 2], [2, nan, 1], [nan, nan, nan], [3, 2, nan]], index=list("abcd"), dtype=float)
    assert bump_note(table, ["x", "y", "z"], str.upper) == (
        "Of 3 metrics: A is first on 2, B on 1. A moves most, from 1st to 2nd."
    )
    assert bump_note(table.iloc[:0], [], str.upper) == ""
    assert bump_note(table.loc[["c"]], ["x", "y", "z"], str.upper) == ""
