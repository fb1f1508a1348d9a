from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata

from perturbviz.analyses.all_views import sweep
from perturbviz.analyses.all_views.defensible import FACTORS, ViewFilter, Views, defensible, in_words
from perturbviz.analyses.robustness import (
    agreement,
    cluster_order,
    deciding_choices,
    first_places,
    flattering,
    kendall_matrix,
    one_click,
    robustness,
    shapley,
    shares_by,
    shares_of_views,
    stability,
    sweep_across,
    wins,
)
from perturbviz.analyses.robustness.ranking_methods import _holm, place_shares
from perturbviz.benchmark import load
from perturbviz.metrics import CATALOGUE
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import units
from perturbviz.scoring.scores import Scores, score_view
from perturbviz.scoring.view import View
from perturbviz.stats import average, ranks
from perturbviz.stats.ranks import ordinal
from tests.analyses.all_views.brute_force import brute_force_shapley
from tests.analyses.all_views.builders import random_benchmark

DATA = Path(__file__).parents[3] / "data"

METRICS = ["l2", "mse", "rmse", "mae", "pearson_delta", "cosine", "spearman", "gene_correlation"]


@pytest.fixture(scope="module")
def swept():
    evaluation = Evaluation(random_benchmark(0))
    return sweep(evaluation, metrics=METRICS, sizes=(5, 10, 15, 23), direct_sizes=(5, 10, 23))


@pytest.fixture(scope="module")
def views(swept):
    return defensible(swept, ViewFilter(sizes=(5, 10)))


def random_views(seed, n=60, methods=4):
    """Views that fill a random, non-rectangular part of all combinations, with random ranks, some undefined."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f: rng.integers(0, 3, n) for f in FACTORS}).drop_duplicates().reset_index(drop=True)
    goodness = rng.normal(size=(len(frame), methods)) + frame["metric"].to_numpy()[:, None] * np.arange(methods)
    goodness[rng.random(goodness.shape) < 0.1] = np.nan
    frame["vote"] = rng.dirichlet(np.ones(len(frame)))
    names = tuple(f"m{i}" for i in range(methods))
    return Views(frame, goodness, goodness, ranks(goodness), names, names, View())


# -- ranks and shares ----------------------------------------------------------------------------------------------
@given(
    st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf, -np.inf, np.nan]), min_size=4, max_size=4), max_size=6)
)
def test_ranks_are_mid_ranks_of_what_is_defined(lines):
    goodness = np.array(lines).reshape(-1, 4)
    for line, found in zip(goodness, ranks(goodness), strict=True):
        have = ~np.isnan(line)
        assert np.isnan(found[~have]).all()
        np.testing.assert_allclose(found[have], rankdata(-line[have]))


def test_rounding_does_not_decide_who_wins():
    assert ranks(np.array([[0.675, 0.675 * (1 + 1e-9), 0.6]])).tolist() == [[1.5, 1.5, 3]]


def test_every_question_is_asked_once(views, swept):
    assert "rmse" not in set(views.frame["metric"])
    assert "mse" in set(views.frame["metric"])
    assert not views.frame[list(FACTORS)].duplicated().any()
    assert (views.frame.loc[views.frame["metric"] == "mae", "reference"] == "none").all()
    g = swept.evaluation.benchmark.adata.n_vars
    assert (views.frame.loc[views.frame["n"] == g, "kind"] == "all").all()  # n of all genes is all genes
    only = defensible(swept, ViewFilter(metrics=("rmse",), sizes=(5,)))
    assert set(only.frame["metric"]) == {"rmse"}


def test_mean_and_median_of_two_values_are_one_question(views):
    correlation = views.frame[views.frame["metric"] == "gene_correlation"]
    assert set(correlation.loc[correlation["split"].str.contains(":"), "average"]) == {"mean"}
    assert set(correlation.loc[correlation["split"] == "held-out", "average"]) == {"mean", "median"}


def test_families_share_one_vote_unless_views_are_counted_raw(swept, views):
    votes = views.frame.groupby("family")["vote"].sum()
    np.testing.assert_allclose(votes, 1 / len(votes))
    raw = defensible(swept, ViewFilter(sizes=(5, 10), raw=True))
    np.testing.assert_allclose(raw.vote, 1 / len(raw))
    assert len(raw) == len(views)


def test_filter_keeps_what_it_names(swept):
    found = defensible(
        swept,
        ViewFilter(
            metrics=("mae", "cosine"),
            references=("control",),
            kinds=("de",),
            targets=(True,),
            sizes=(5,),
            splits=("test",),
            averages=("median",),
        ),
    )
    assert set(zip(found.frame["metric"], found.frame["reference"], strict=True)) == {
        ("mae", "none"),
        ("cosine", "control"),
    }
    assert len(found) == 2


def test_a_view_of_the_list_gives_its_scores(swept, views):
    rng = np.random.default_rng(0)
    for i in rng.choice(len(views), 20, replace=False):
        np.testing.assert_array_equal(swept.score_of(views.view(i)), views.scores[i])


def test_shares_of_views_are_those_of_a_plain_count(views):
    table = shares_of_views(views)
    assert table["share"].sum() == pytest.approx(1)
    expected = dict.fromkeys(views.methods, 0.0)
    for line, vote in zip(views.ranks, views.vote, strict=True):
        first = [m for m, r in zip(views.methods, line, strict=True) if r == np.nanmin(line)]
        for m in first:
            expected[m] += vote / len(first)
    for m in views.methods:
        assert table["share"][m] == pytest.approx(expected[m])
    assert table.index[0] == max(expected, key=expected.get)
    by = shares_by(views, "reference")
    np.testing.assert_allclose(by.sum(axis=1), 1)
    mass = pd.Series(views.vote).groupby(views.frame["reference"]).sum()
    np.testing.assert_allclose(by.mul(mass, axis=0).sum().reindex(table.index), table["share"])
    np.testing.assert_allclose(wins(views).sum(axis=1), 1)


# -- which choice decides ------------------------------------------------------------------------------------------
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000))
def test_deciding_choices_equal_brute_force_over_all_orders(seed):
    v = random_views(seed, n=25, methods=2)
    factors = FACTORS[:4]
    found = deciding_choices(v, factors)
    total = dict.fromkeys(factors, 0.0)
    for m, method in enumerate(v.methods):
        expected = brute_force_shapley(v.frame, v.ranks[:, m], v.vote, factors)
        whole = sum(expected.values())
        for f in factors:
            total[f] += expected[f]
            assert found.loc[f, method] == pytest.approx(expected[f] / whole, abs=1e-9)
    whole = sum(total.values())
    assert found["all"].to_dict() == pytest.approx({f: t / whole for f, t in total.items()})


def test_deciding_choices_of_real_views_equal_brute_force_on_all_six(views):
    some = views.select(np.random.default_rng(1).choice(len(views), 12, replace=False))
    found = deciding_choices(some)
    for m, method in enumerate(some.methods):
        expected = brute_force_shapley(some.frame, some.ranks[:, m], some.vote, FACTORS)
        if (whole := sum(expected.values())) > 1e-9:
            np.testing.assert_allclose(found[method], [expected[f] / whole for f in FACTORS], atol=1e-9)


def test_a_choice_that_alone_decides_gets_everything():
    codes = np.array([[a, b] for a in range(3) for b in range(4)])
    effects = shapley(codes, codes[:, :1].astype(float), np.ones(len(codes)))
    np.testing.assert_allclose(effects[:, 0], [codes[:, 0].var(), 0], atol=1e-12)


# -- agreement -----------------------------------------------------------------------------------------------------
@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_kendall_matrix_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    ranks = rng.integers(1, 5, (4, 6)).astype(float)
    ranks[rng.random(ranks.shape) < 0.15] = np.nan
    found = kendall_matrix(ranks)
    for i in range(4):
        for j in range(4):
            both = ~np.isnan(ranks[[i, j]]).any(axis=0)
            expected = kendalltau(ranks[i, both], ranks[j, both]).statistic if both.sum() > 1 else np.nan
            np.testing.assert_allclose(found[i, j], expected, atol=1e-6)


def test_cluster_order_puts_those_that_agree_together():
    tau = np.array([[1, -0.5, 0.9, -0.6], [-0.5, 1, -0.4, 0.8], [0.9, -0.4, 1, -0.5], [-0.6, 0.8, -0.5, 1]])
    order = list(cluster_order(tau))
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


def test_agreement_compares_views_that_differ_in_nothing_else(views):
    found = agreement(views)
    at = {tuple(line): i for i, line in enumerate(found.groups.to_numpy())}
    a, b = ("l2", "none"), ("cosine", "control")
    rest = [f for f in FACTORS if f not in ("metric", "reference")]
    lines = views.frame.assign(line=range(len(views)))
    first = lines[(lines["metric"] == a[0]) & (lines["reference"] == a[1])].set_index(rest)["line"]
    second = lines[(lines["metric"] == b[0]) & (lines["reference"] == b[1])].set_index(rest)["line"]
    pairs = [(i, second[k]) for k, i in first.items() if k in second.index]
    tau = [kendalltau(views.ranks[i], views.ranks[j], nan_policy="omit").statistic for i, j in pairs]
    assert found.tau[at[a], at[b]] == pytest.approx(np.nanmean(tau), abs=1e-6)
    assert found.n[at[a], at[b]] == np.isfinite(tau).sum()


# -- flattery and clicks -------------------------------------------------------------------------------------------
def test_most_and_least_flattering_views_have_the_extreme_ranks(views):
    for m, method in enumerate(views.methods):
        best, worst = flattering(views, method, 23)
        assert best.rank == np.nanmin(views.ranks[:, m])
        assert worst.rank == np.nanmax(views.ranks[:, m])
        same = np.flatnonzero(views.ranks[:, m] == best.rank)
        for i in same:  # no view with that rank leaves more room to the next one behind
            others = views.goodness[i][views.goodness[i] < views.goodness[i, m]]
            spread = np.nanmax(views.goodness[i]) - np.nanmin(views.goodness[i])
            lead = (views.goodness[i, m] - others.max()) / spread if len(others) else 0
            assert best.margin >= lead - 1e-12
        assert views.names[m] in best.words


def test_a_method_without_scores_has_no_flattering_view():
    v = random_views(0)
    v.ranks[:, 1] = v.goodness[:, 1] = np.nan
    assert flattering(v, "m1") is None


def test_places_and_views_in_words():
    assert [ordinal(r) for r in (1, 2, 3, 4, 11, 21, 1.5)] == ["1st", "2nd", "3rd", "4th", "11th", "21st", "1st–2nd"]
    view = View(metric="pearson_delta", genes="de", n=100, targets=False, avg="median", seed="2")
    assert in_words(view) == (
        "Pearson delta vs the control mean on the 100 genes that changed most without the perturbed genes, "
        "median over the held-out perturbations of split 2"
    )


def test_one_click_says_who_would_lead(swept):
    view = View(metric="pearson_delta", genes="expressed", n=10)
    now = first_places(swept, view)
    found = one_click(swept, view)
    assert {"metric", "ref", "genes", "n", "targets", "seed", "avg"} <= set(found["field"])
    for line in found.itertuples():
        score = score_view(Evaluation(swept.evaluation.benchmark, line.view.parts), line.view)
        goodness = score.card.goodness(average(score.values, line.view.avg))
        assert {
            m for m, g in zip(score.methods, goodness, strict=True) if g >= np.nanmax(goodness) * (1 - 1e-9)
        } <= set(line.leaders)
        assert line.overturns == (not set(now) & set(line.leaders))
    assert first_places(swept, view.with_(n=7)) is None


# -- resampling ----------------------------------------------------------------------------------------------------
def scores_of(values, perturbations=None, metric="mse"):
    perturbations = perturbations or [f"p{i}" for i in range(values.shape[1])]
    rows = pd.DataFrame({"seed": "", "context": "c", "perturbation": perturbations, "n_perturbed": 1})
    names = tuple(f"m{i}" for i in range(len(values)))
    return Scores(
        CATALOGUE[metric].card, metric, "none", "all", names, names, rows, values, np.ones(len(rows), int), {}
    )


def test_place_shares_give_ties_the_better_place():
    shares = place_shares(np.array([[1.5, 1.5, 3], [1, 2, 3]]))
    np.testing.assert_allclose(shares, [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])


def test_holm_equals_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    rng = np.random.default_rng(0)
    p = np.full((5, 5), np.nan)
    p[np.triu_indices(5, 1)] = rng.random(10) ** 3
    p = np.fmax(p, p.T)
    found = _holm(p)
    expected = multitest.multipletests(p[np.triu_indices(5, 1)], method="holm")[1]
    np.testing.assert_allclose(found[np.triu_indices(5, 1)], expected)
    np.testing.assert_allclose(found, found.T)


def test_robustness_separates_what_differs_and_not_what_does_not():
    rng = np.random.default_rng(0)
    base = rng.random(60)
    values = np.stack(
        [base, base + 0.5 + 0.01 * rng.random(60), base + 0.02 * rng.normal(size=60), np.full(60, np.nan)]
    )
    found = robustness(scores_of(values), n=500)
    assert set(found.methods) == {"m0", "m1", "m2"}  # one without any value takes no place
    assert found.methods[-1] == "m1"
    last = found.methods.index("m1")
    assert found.better[:last, last].all()
    assert not found.better[0, 1]
    assert not found.better[1, 0]
    assert found.blobs[last].tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.blobs.sum(axis=1), 1)
    assert set(found.places["ranking"]) == {"mean then rank", "median then rank", "rank then mean"}
    assert (found.places["low"] <= found.places["rank"]).all()


def test_seeds_of_one_perturbation_are_one_unit():
    values = np.random.default_rng(0).random((2, 6))
    scores = scores_of(values, ["a", "b", "c"] * 2)
    assert len(np.unique(units(scores.rows))) == robustness(scores, n=10).n_units == 3


def test_equal_methods_share_every_place():
    values = np.tile(np.random.default_rng(0).random(20), (2, 1))
    found = robustness(scores_of(values), n=50)
    np.testing.assert_allclose(found.blobs, [[1, 0], [1, 0]])
    assert found.significance[0, 1] == 1
    assert not found.better.any()


# -- across data sets ----------------------------------------------------------------------------------------------
def test_sweep_across_lines_up_data_sets(swept):
    view = View(metric="pearson_delta", genes="expressed", n=10)
    other = Evaluation(random_benchmark(5))
    delta = Evaluation(random_benchmark(6, space="delta"))
    found = sweep_across({"a": swept.evaluation, "b": other, "c": delta}, view, {"a": swept}, ViewFilter(sizes=(5,)))
    assert list(found.ranks.columns) == ["a", "b"] and not found.left_out
    assert "expressed" in found.problems["c"]
    expected = pd.Series(swept.score_of(view), swept.methods).dropna()
    pd.testing.assert_series_equal(found.scores["a"].sort_index(), expected.sort_index(), rtol=1e-6, check_names=False)
    won = shares_of_views(defensible(swept, ViewFilter(sizes=(5,))))["share"]
    assert won.sum() == pytest.approx(1) and found.shares["a"].to_dict() == won[list(found.names)].to_dict()
    assert -1 <= stability(found) <= 1


def test_only_common_methods_are_ranked_across_data_sets():
    demo, other = (Evaluation(load(DATA / f"{name}.h5ad")) for name in ("demo", "demo_context_b"))
    found = sweep_across({"Demo": demo, "B": other}, View(metric="l2"))
    assert set(found.names) == {"no_change", "mean"} == set(found.ranks.index)
    assert (found.ranks.loc["mean"] == 1).all() and (found.ranks.loc["no_change"] == 2).all()
    assert set(found.left_out) == set(demo.methods) - set(found.names)
    one = sweep_across({"Demo": demo, "B": other}, View(metric="pearson_delta"))
    assert not one.names and one.ranks.empty and np.isnan(stability(one))
    assert "fewer than two methods" in one.problems["B"]


def test_scores_across_data_sets_are_of_the_rows_that_the_compared_methods_predict():
    first, second = random_benchmark(1), random_benchmark(2)
    partial = np.where(np.arange(first.adata.n_obs)[:, None] % 2, first.truth, np.nan)
    more = Evaluation(first.with_predictions("partial", "Partial", {"": partial}))
    view = View(genes="all")
    with_it, without = (sweep_across({"a": a, "b": Evaluation(second)}, view) for a in (more, Evaluation(first)))
    assert "partial" in with_it.left_out
    pd.testing.assert_frame_equal(with_it.scores, without.scores)
