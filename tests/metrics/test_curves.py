import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from perturbviz.analyses.interactions import mean_curve, precision_recall, rank, roc, sided, tpr_fdp
from perturbviz.errors import UserError
from perturbviz.metrics.nonadditive.curves import FDP_GRID

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "metrics_golden.json").read_text())["tpr_fdp"]
OBS, PRED, THRESHOLD = GOLDEN["obs"], GOLDEN["pred"], GOLDEN["thr"]


def golden(side):
    return rank(*sided(OBS, PRED, -THRESHOLD, THRESHOLD, side))


def simulated(n=400, ties=False, seed=0):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.2
    score = rng.normal(size=n) + positive
    return (np.round(score, 1) if ties else score), positive


def naive_tpr_fdp(score, positive, grid):
    """R: arrange(desc(score)), cumulative counts, arrange(fdp), cummax, approx(ties = mean, yleft = 0, yright = 1)."""
    order = np.argsort(-score, kind="stable")
    tp = np.cumsum(positive[order])
    fdp = (np.arange(1, len(tp) + 1) - tp) / np.arange(1, len(tp) + 1)
    by = np.argsort(fdp, kind="stable")
    x, tpr = fdp[by], np.maximum.accumulate(tp[by]) / positive.sum()
    unique = np.unique(x)
    y = np.array([tpr[x == u].mean() for u in unique])
    return np.interp(grid, unique, y, left=0, right=1)


@pytest.mark.parametrize(
    ("side", "key", "at_tenths", "ap", "auroc"),
    [
        ("both", "two_sided", [0.375, 0.4875, 0.6, 0.7125, 1], 0.816667, 0.75),
        ("synergy", "one_sided_synergy", [0.5, 0.65, 0.8, 0.95, 1], 0.833333, 0.916667),
    ],
)
def test_golden(side, key, at_tenths, ap, auroc):
    ranking = golden(side)
    called = np.arange(1, ranking.n + 1)
    fdp = 1 - ranking.true_positives / called
    np.testing.assert_allclose(np.sort(fdp), GOLDEN[key]["fdp"], atol=1e-6)
    np.testing.assert_allclose(ranking.true_positives / called, GOLDEN[key]["prec"], atol=1e-6)
    np.testing.assert_allclose(ranking.true_positives / ranking.n_positive, GOLDEN[key]["rec"], atol=1e-6)
    np.testing.assert_allclose(tpr_fdp(ranking, [0, 0.1, 0.2, 0.3, 0.4]).y, at_tenths, atol=1e-6)
    assert ranking.average_precision() == pytest.approx(ap, abs=1e-6)
    assert ranking.auroc() == pytest.approx(auroc, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 80), st.floats(0.05, 0.95))
def test_tpr_fdp_equals_the_definition(seed, n, prevalence):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < prevalence
    positive[rng.integers(n)] = True
    score = rng.permutation(n) + 0.5 * positive
    curve = tpr_fdp(rank(score, positive))
    np.testing.assert_allclose(curve.y, naive_tpr_fdp(score, positive, FDP_GRID), atol=1e-12)
    assert (np.diff(curve.y) >= -1e-12).all() and curve.y[-1] == 1


def test_suppression_mirrors_synergy():
    rng = np.random.default_rng(0)
    obs, pred = rng.normal(size=(2, 300))
    synergy = tpr_fdp(rank(*sided(obs, pred, -1, 1.2, "synergy"))).y
    np.testing.assert_allclose(tpr_fdp(rank(*sided(-obs, -pred, -1.2, 1, "suppression"))).y, synergy)


def test_half_sum_orders_like_no_change():
    rng = np.random.default_rng(1)
    a, b, ab = rng.normal(size=(3, 20, 30))
    observed = ab - a - b
    no_change, half_sum = 0 - a - b, (a + b) / 2 - a - b
    curves = [tpr_fdp(rank(*sided(observed, p, -2, 2))) for p in (no_change, half_sum)]
    np.testing.assert_allclose(curves[0].y, curves[1].y)


@pytest.mark.parametrize("ties", [False, True])
def test_areas_agree_with_scikit_learn(ties):
    for seed in range(5):
        score, positive = simulated(ties=ties, seed=seed)
        ranking = rank(score, positive)
        assert (ranking.group_ends is not None) == ties
        assert ranking.average_precision() == pytest.approx(average_precision_score(positive, score), abs=1e-12)
        assert ranking.auroc() == pytest.approx(roc_auc_score(positive, score), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_roc_points_agree_with_scikit_learn(ties):
    score, positive = simulated(ties=ties)
    fpr, tpr, _ = roc_curve(positive, score, drop_intermediate=False)
    curve = roc(rank(score, positive), np.unique(fpr[1:]))
    highest = [tpr[fpr == x].max() for x in curve.x[1:]]
    np.testing.assert_allclose(curve.y[1:], highest, atol=1e-9)
    assert (curve.x[0], curve.y[0]) == (0, 0)


def test_precision_recall_at_each_recall():
    score, positive = simulated()
    ranking = rank(score, positive)
    recall = np.arange(1, positive.sum() + 1) / positive.sum()
    order = np.argsort(-score)
    at = np.flatnonzero(positive[order]) + 1
    np.testing.assert_allclose(precision_recall(ranking, recall).y, np.arange(1, len(at) + 1) / at)


def test_constant_score_is_chance():
    _, positive = simulated()
    ranking = rank(np.zeros(len(positive)), positive)
    prevalence = positive.mean()
    assert ranking.auroc() == pytest.approx(0.5)
    assert ranking.average_precision() == pytest.approx(prevalence)
    assert ranking.precision_at(17) == pytest.approx(prevalence)
    assert ranking.recall_at(100) == pytest.approx(0.25)
    np.testing.assert_allclose(precision_recall(ranking).y, prevalence)
    np.testing.assert_allclose(roc(ranking).y, roc(ranking).x, atol=1e-9)
    curve = tpr_fdp(ranking)
    assert (curve.y[curve.x < 1 - prevalence - 0.01] == 0).all() and (
        curve.y[curve.x > 1 - prevalence + 0.01] == 1
    ).all()


def test_ties_do_not_depend_on_file_order():
    score, positive = simulated(ties=True)
    order = np.random.default_rng(3).permutation(len(score))
    one, other = rank(score, positive), rank(score[order], positive[order])
    np.testing.assert_array_equal(one.true_positives, other.true_positives)


def test_recall_and_precision_at_n():
    ranking = rank([5, 4, 3, 2, 1], [1, 0, 1, 0, 0])
    assert (ranking.recall_at(1), ranking.precision_at(1)) == (0.5, 1)
    assert (ranking.recall_at(99), ranking.precision_at(99)) == (1, 0.4)
    with pytest.raises(UserError, match="at least 1"):
        ranking.recall_at(0)


def test_nothing_to_find_is_undefined():
    ranking = rank([3, 2, 1], [False, False, False])
    assert all(np.isnan(v) for v in (ranking.recall_at(2), ranking.average_precision(), ranking.auroc()))
    assert all(np.isnan(f(ranking).y).all() for f in (tpr_fdp, precision_recall, roc))
    assert np.isnan(rank([2, 1], [True, True]).auroc())
    empty = rank([], [])
    assert np.isnan(empty.prevalence) and np.isnan(tpr_fdp(empty).y).all()


def test_missing_pairs_are_left_out():
    score, positive = sided([1.0, np.nan, 3, -3], [1.0, 2, np.nan, -4], -2, 2)
    assert list(score) == [1, 4] and list(positive) == [False, True]
    with pytest.raises(UserError, match="each pair needs both"):
        sided([1.0], [1.0, 2.0], -1, 1)


def test_average_over_seeds():
    curves = [roc(rank(*simulated(seed=s))) for s in range(4)]
    mean = mean_curve(curves)
    areas = [c.area for c in curves]
    np.testing.assert_allclose(mean.mean, np.mean([c.y for c in curves], axis=0))
    assert mean.area == pytest.approx(np.mean(areas))
    assert mean.area_se == pytest.approx(np.std(areas, ddof=1) / 2)
    assert (mean.high >= mean.low).all()
    none = roc(rank([2, 1], [False, False]))
    assert mean_curve([*curves, none]).n_seeds == 4
    assert np.isnan(mean_curve([none]).mean).all()
    assert np.isnan(mean_curve(curves[:1]).low).all()
    with pytest.raises(UserError, match="one kind"):
        mean_curve([curves[0], tpr_fdp(rank(*simulated()))])


def test_curves_are_small_enough_to_draw():
    ranking = rank(*simulated())
    assert all(len(f(ranking).x) <= 401 for f in (tpr_fdp, precision_recall, roc))


def test_full_size_is_fast():
    # .04 s a layer on the machine it was written on; the bound only catches a change of complexity
    rng = np.random.default_rng(0)
    observed = rng.standard_t(4, size=300_000)
    predicted = observed + rng.normal(size=300_000)
    start = time.perf_counter()
    for side in ("both", "synergy"):
        ranking = rank(*sided(observed, predicted, -3, 3, side))
        for curve in (tpr_fdp, precision_recall, roc):
            curve(ranking)
    assert time.perf_counter() - start < 0.5
