"""Intervals where units share targets: against the formula written out, Student's interval and real data."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from perturbviz.stats import MIN_UNITS, bootstrap, draws, estimate, means, paired, share_targets


def pairs_of(n_targets: int) -> tuple[tuple[str, ...], ...]:
    """All combinations of two of so many targets."""
    return tuple(combinations([f"T{i}" for i in range(n_targets)], 2))


def singles_of(n: int) -> tuple[tuple[str, ...], ...]:
    return tuple((f"T{i}",) for i in range(n))


def by_definition(values, unit, sets):
    """(mean, standard error, finite-sample constant) from matrices of all pairs of units."""
    names = sorted({t for s in sets for t in s})
    rows = ~np.isnan(values)
    used = [u for u in range(len(sets)) if rows[unit == u].any()]
    m = np.array([rows[unit == u].sum() for u in used])
    d = np.array([values[rows & (unit == u)].mean() for u in used])
    member = np.array([[t in sets[u] for t in names] for u in used], float)
    share = (member @ member.T > 0).astype(float)
    w = m / m.sum()
    mean = w @ d
    u = w * (d - mean)
    x = np.diag(w) @ (member - w @ member)
    c = np.sum((member.T @ w) ** 2) / np.trace(x.T @ share @ x)
    least = len(used) / (len(used) - 1) * np.sum(u**2)
    return mean, np.sqrt(max(c * (u @ share @ u), least)), c


SETS = st.lists(st.sets(st.sampled_from("ABCDEFGHIJKL"), min_size=1, max_size=4), min_size=10, max_size=16)


@settings(max_examples=40, deadline=None)
@given(SETS, st.integers(0, 1000))
def test_sums_over_subsets_of_targets_equal_sums_over_pairs_of_units(sets, seed):
    sets = tuple(tuple(sorted(s)) for s in sets)
    rng = np.random.default_rng(seed)
    unit = np.concatenate([np.arange(len(sets)), rng.integers(0, len(sets), 8)])
    values = rng.normal(size=len(unit))
    values[rng.integers(0, len(unit), 2)] = np.nan
    found = means(values[None], unit, share_targets(sets))
    with np.errstate(all="ignore"):
        mean, error, c = by_definition(values, unit, sets)
    assert found.value[0] == pytest.approx(mean)
    if found.n_units[0] < MIN_UNITS or np.isnan(found.correction[0]):
        assert np.isnan(found.error[0])
    else:
        assert found.correction[0] == pytest.approx(c, rel=1e-6)
        assert found.error[0] == pytest.approx(error, rel=1e-6)
        assert found.error[0] >= found.independent[0]


def test_units_of_many_targets_are_compared_pair_by_pair():
    rng = np.random.default_rng(0)
    sets = tuple(tuple(f"T{i}" for i in sorted(rng.choice(60, size=k, replace=False))) for k in [11, 2, 1, 9] * 4)
    values, unit = rng.normal(size=16), np.arange(16)
    found = means(values[None], unit, share_targets(sets))
    mean, error, c = by_definition(values, unit, sets)
    assert (found.value[0], found.error[0], found.correction[0]) == pytest.approx((mean, error, c))


@pytest.mark.parametrize("n_targets", [5, 10, 20])
def test_the_constant_of_all_pairs_has_a_closed_form(n_targets):
    sets = pairs_of(n_targets)
    c = share_targets(sets).correction(np.full(len(sets), 1 / len(sets)))
    assert c == pytest.approx(n_targets * (n_targets - 1) / ((n_targets - 2) * (n_targets - 3)))


def test_singles_have_students_interval():
    values = np.random.default_rng(0).normal(3, 1, 25)
    found = estimate(values[None], np.arange(25), share_targets(singles_of(25)))
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))
    assert found.p[0] == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert found.means.correction[0] == pytest.approx(25 / 24)


def test_five_copies_of_a_split_are_one():
    values, sets = np.random.default_rng(1).normal(size=(3, 45)), pairs_of(10)
    once = estimate(values, np.arange(45), share_targets(sets))
    five = estimate(np.tile(values, 5), np.tile(np.arange(45), 5), share_targets(sets))
    for name in ("value", "low", "high", "error"):
        np.testing.assert_allclose(getattr(five, name), getattr(once, name))
    assert five.means.n_units.tolist() == [45, 45, 45]


@pytest.mark.parametrize("sets", [tuple(("A", f"T{i}") for i in range(20)), pairs_of(3) * 5])
def test_where_all_units_share_a_target_there_is_no_interval(sets):
    values = np.random.default_rng(2).normal(size=(2, len(sets)))
    found = estimate(values, np.arange(len(sets)), share_targets(sets))
    assert np.isnan([found.low, found.high, found.error]).all() and not np.isnan(found.value).any()
    assert np.isnan(draws(found)).all()


def test_too_few_units_have_no_interval_even_where_they_do_not_differ():
    for n in (1, 2, MIN_UNITS - 1, MIN_UNITS):
        found = estimate(np.full((1, n), 2.0), np.arange(n), share_targets(singles_of(n)))
        assert np.isnan(found.low[0]) == (n < MIN_UNITS)


@pytest.mark.parametrize("how", ["mean", "median"])
def test_a_paired_difference_is_that_over_the_rows_of_both(how):
    rng = np.random.default_rng(3)
    values, unit, shared = rng.normal(size=(3, 60)), np.arange(60) % 45, share_targets(pairs_of(10))
    values[1, :7], values[2, 50:] = np.nan, np.nan
    for i in range(3):
        found = paired(values, i, unit, shared, how)
        for j in range(3):
            both = ~np.isnan(values[[i, j]]).any(axis=0)
            a, b = np.where(both, values[[i, j]], np.nan)
            if how == "mean":
                alone = estimate((a - b)[None], unit, shared)
                expected = alone.value[0], alone.low[0], alone.high[0]
            else:
                drawn = bootstrap(np.stack([a, b]), unit, "median")
                value = np.nanmedian(a) - np.nanmedian(b)
                wide = means((a - b)[None], unit, shared).widening[0]
                ends = np.quantile(drawn[:, 0] - drawn[:, 1] - value, [0.025, 0.975]) * wide
                expected = value, *(value + ends)
            assert (found.value[j], found.low[j], found.high[j]) == pytest.approx(expected, nan_ok=True)


def test_draws_have_the_errors_of_the_averages_and_of_their_differences():
    rng = np.random.default_rng(4)
    sets = pairs_of(20)
    of_target = rng.normal(size=(3, 20))
    member = share_targets(sets).member.toarray()
    values = of_target @ member.T + 0.3 * rng.normal(size=(3, len(sets)))
    shared = share_targets(sets)
    found = estimate(values, np.arange(len(sets)), shared)
    drawn = draws(found, n=40_000)
    df = found.means.df[0]
    np.testing.assert_allclose(drawn.mean(axis=0), found.value, atol=0.02)
    np.testing.assert_allclose(drawn.std(axis=0), found.error * np.sqrt(df / (df - 2)), rtol=0.03)
    assert np.quantile(drawn[:, 0], 0.975) == pytest.approx(
        found.value[0] + student.ppf(0.975, df) * found.error[0], abs=0.05 * found.error[0]
    )
    gap = paired(values, 0, np.arange(len(sets)), shared)
    assert (drawn[:, 0] - drawn[:, 1]).std() == pytest.approx(gap.error[1] * np.sqrt(df / (df - 2)), rel=0.03)


def test_draws_keep_an_identity():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(1, 190))
    same = np.concatenate([values, values + 1e-8 * rng.normal(size=values.shape), 1e4 * rng.normal(size=(1, 190))])
    drawn = draws(estimate(same, np.arange(190), share_targets(pairs_of(20))))
    assert np.abs(drawn[:, 0] - drawn[:, 1]).max() < 1e-7


def share_apart(n: int, draw, repetitions: int) -> float:
    """Share of data sets in which two exchangeable methods are told apart."""
    shared, rng, apart = share_targets(singles_of(n)), np.random.default_rng(n), 0
    for _ in range(repetitions):
        found = paired(draw(rng, (2, n)), 0, np.arange(n), shared)
        apart += bool(found.low[1] > 0 or found.high[1] < 0)
    return apart / repetitions


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20])
@pytest.mark.parametrize(
    "draw",
    [lambda rng, shape: rng.normal(5, 1, shape), lambda rng, shape: rng.binomial(20, 0.3, shape) / 20],
    ids=["normal", "steps of 1/20"],
)
def test_exchangeable_methods_are_seldom_told_apart(n, draw):
    assert share_apart(n, draw, 1500) <= 0.07


def coverage(sets, share: float, repetitions: int, seed: int = 0) -> float:
    """Coverage of the 95% interval of a mean of target effects and noise, ``share`` of the variance from targets."""
    shared, rng = share_targets(sets), np.random.default_rng(seed)
    member = shared.member.toarray()
    effects = rng.normal(size=(repetitions, member.shape[1])) @ member.T * np.sqrt(share / 2)
    values = effects + rng.normal(size=effects.shape) * np.sqrt(1 - share)
    found = estimate(values, np.arange(len(sets)), shared)
    return float(((found.low <= 0) & (found.high >= 0)).mean())


@pytest.mark.parametrize("n_targets", [10, 20, 30])
def test_intervals_cover_what_they_should(n_targets):
    sets = pairs_of(n_targets)
    assert coverage(sets, 0.5, 1500) >= 0.92
    assert coverage(sets, 0.0, 1500) <= 0.985
