"""Against other implementations on random data: scipy, scikit-learn, scPertEval, cell-eval (skipped where absent)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from scipy import stats
from scipy.spatial.distance import cdist

from perturbviz.metrics import CATALOGUE
from perturbviz.metrics.correlation import average_ranks
from perturbviz.metrics.expressed import de_overlap, direction_match, precision_at_k
from perturbviz.metrics.nonadditive import auroc, average_precision
from perturbviz.metrics.retrieval import centroid_accuracy, pds, perturbench_rank, squared_distances
from perturbviz.metrics.spread import gene_correlations, sd_ratios
from perturbviz.metrics.weighted import de_weights

P, G = 12, 40
F = {name: metric.function for name, metric in CATALOGUE.items()}
ONE_BLOCK = np.zeros(P, int)


@pytest.fixture
def data():
    rng = np.random.default_rng(7)
    truth = rng.normal(size=(P, G))
    truth[:, :5] = np.round(truth[:, :5])  # ties
    return SimpleNamespace(
        truth=truth,
        prediction=0.5 * truth + rng.normal(size=(P, G)),
        control=rng.normal(size=G),
        stat=rng.normal(size=(P, G)) * 3,
        padj=rng.uniform(0, 0.2, (P, G)),
    )


def rowwise(function, a, b, *more):
    return np.array([function(*line) for line in zip(a, b, *more, strict=True)])


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        ("mse", skm.mean_squared_error),
        ("rmse", skm.root_mean_squared_error),
        ("mae", skm.mean_absolute_error),
        ("l2", lambda y, p: np.linalg.norm(y - p)),
        ("pearson", lambda y, p: stats.pearsonr(y, p).statistic),
        ("pearson_delta", lambda y, p: stats.pearsonr(y, p).statistic),
        ("spearman", lambda y, p: stats.spearmanr(y, p).statistic),
        ("r2", skm.r2_score),
        ("r2_delta", skm.r2_score),
        ("cosine", lambda y, p: skm.pairwise.cosine_similarity([y], [p])[0, 0]),
    ],
)
def test_scipy_and_sklearn(data, metric, reference):
    expected = rowwise(reference, data.truth, data.prediction)
    np.testing.assert_allclose(F[metric](data.truth, data.prediction), expected, rtol=1e-10)


def test_ranks_are_scipys(data):
    for values in (data.truth, np.round(data.truth), np.zeros((3, 4)), np.ones((2, 1))):
        np.testing.assert_array_equal(average_ranks(values), stats.rankdata(values, axis=1))


@pytest.mark.parametrize(
    ("metric", "reference"), [("wmse", skm.mean_squared_error), ("weighted_r2_delta", skm.r2_score)]
)
def test_weighted_as_sklearn(data, metric, reference):
    weights = de_weights(data.stat)
    expected = rowwise(lambda y, p, w: reference(y, p, sample_weight=w), data.truth, data.prediction, weights)
    np.testing.assert_allclose(F[metric](data.truth, data.prediction, weights=weights), expected, rtol=1e-10)


def test_weighted_pearson_as_numpy_cov(data):
    weights = de_weights(data.stat)

    def reference(y, p, w):
        cov = np.cov(y, p, aweights=w)
        return cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])

    expected = rowwise(reference, data.truth, data.prediction, weights)
    ours = F["weighted_pearson_delta"](data.truth, data.prediction, weights=weights)
    np.testing.assert_allclose(ours, expected, rtol=1e-10)


def test_squared_distances(data):
    ours = squared_distances(data.prediction, data.truth)
    np.testing.assert_allclose(ours, cdist(data.prediction, data.truth, "sqeuclidean"), rtol=1e-10)


@pytest.mark.parametrize(("ours", "theirs"), [("l1", "cityblock"), ("l2", "euclidean"), ("cosine", "cosine")])
@pytest.mark.parametrize("excluded", [False, True])
def test_pds_by_plain_loop(data, ours, theirs, excluded):
    own = np.where(np.arange(P) % 3 == 0, -1, np.arange(P)) if excluded else np.full(P, -1)
    y, p = (
        (data.truth - data.control, data.prediction - data.control)
        if ours == "cosine"
        else (data.truth, data.prediction)
    )
    expected = []
    for i in range(P):
        keep = np.arange(G) != own[i]
        distance = cdist(p[[i]][:, keep], y[:, keep], theirs)[0]
        expected.append(1 - (distance < distance[i]).sum() / P)
    values = pds(
        data.truth, data.prediction, block=ONE_BLOCK, own_gene=own, distance=ours, control=np.tile(data.control, (P, 1))
    )
    np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [("rmse", "euclidean"), ("cosine", "cosine")])
def test_perturbench_rank_by_plain_loop(data, ours, theirs):
    y, p = (
        (data.truth - data.control, data.prediction - data.control)
        if ours == "cosine"
        else (data.truth, data.prediction)
    )
    distance = cdist(p, y, theirs)
    expected = [(distance[:, i] < distance[i, i]).sum() / P for i in range(P)]
    values = perturbench_rank(
        data.truth, data.prediction, block=ONE_BLOCK, distance=ours, control=np.tile(data.control, (P, 1))
    )
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_over_perturbations(data):
    expected = [stats.pearsonr(data.truth[:, g], data.prediction[:, g]).statistic for g in range(G)]
    np.testing.assert_allclose(gene_correlations(data.truth, data.prediction), expected, rtol=1e-10)
    expected = data.prediction.std(axis=0, ddof=1) / data.truth.std(axis=0, ddof=1)
    np.testing.assert_allclose(sd_ratios(data.truth, data.prediction), expected, rtol=1e-10)


def test_interactions_as_sklearn(data):
    arguments = {"additive": np.zeros((P, G)), "thresholds": (-0.8, 0.9)}
    label = ((data.truth >= 0.9) | (data.truth <= -0.8)).ravel()
    score = np.round(np.abs(data.prediction), 1).ravel()  # ties
    prediction = np.round(data.prediction, 1)
    np.testing.assert_allclose(
        average_precision(data.truth, prediction, **arguments), skm.average_precision_score(label, score)
    )
    np.testing.assert_allclose(auroc(data.truth, prediction, **arguments), skm.roc_auc_score(label, score))


# -- scPertEval ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def scperteval():
    module = pytest.importorskip("scperteval.protocols.metrics", reason="scperteval is a development requirement")
    from scperteval.blocks import de

    return SimpleNamespace(metrics=module, mejia_weights=de.mejia_weights)


@pytest.mark.parametrize("metric", ["mse", "l2", "pearson", "r2"])
def test_scperteval_plain(data, scperteval, metric):
    theirs = getattr(scperteval.metrics, metric)
    expected = rowwise(lambda y, p: theirs(y, p, None), data.truth, data.prediction)
    np.testing.assert_allclose(F[metric](data.truth, data.prediction), expected, rtol=1e-10)


def test_scperteval_weights(data, scperteval):
    stat = data.stat.copy()
    stat[0, :3] = np.nan
    stat[1] = 2.0  # no spread: uniform
    np.testing.assert_allclose(de_weights(stat), np.stack([scperteval.mejia_weights(s) for s in stat]), atol=1e-15)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("wmse", "weighted_mse"), ("weighted_r2_delta", "weighted_r2"), ("weighted_pearson_delta", "weighted_pearson")],
)
def test_scperteval_weighted(data, scperteval, ours, theirs):
    def reference(y, p, stat):
        context = SimpleNamespace(
            de=lambda *_: SimpleNamespace(statistic=stat), current_pert="", cfg=SimpleNamespace(truth="")
        )
        return getattr(scperteval.metrics, theirs)(y, p, context)

    expected = rowwise(reference, data.truth, data.prediction, data.stat)
    values = F[ours](data.truth, data.prediction, weights=de_weights(data.stat))
    np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_scperteval_retrieval(data, scperteval):
    nir = scperteval.metrics.nir(list(data.truth), list(data.prediction), None)
    np.testing.assert_allclose(centroid_accuracy(data.truth, data.prediction, block=ONE_BLOCK), nir)
    columns = scperteval.metrics.rank_retrieval(list(data.truth), list(data.prediction), None)
    ours = perturbench_rank(data.truth, data.prediction, block=ONE_BLOCK)
    np.testing.assert_allclose(ours, columns * (P - 1) / P)


def test_scperteval_de_overlap(data, scperteval):
    truth, k = data.truth[:, 5:], 10  # without ties

    def reference(y, p):
        return scperteval.metrics.de_overlap(SimpleNamespace(statistic=y), np.abs(p), None, k=k)

    expected = rowwise(reference, truth, data.prediction[:, 5:])
    np.testing.assert_allclose(de_overlap(truth, data.prediction[:, 5:], k=k), expected)


# -- cell-eval -----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def cell_eval():
    pytest.importorskip("cell_eval", reason="cell-eval is a development requirement")
    from cell_eval import _types
    from cell_eval.metrics import _anndata, _de

    return SimpleNamespace(types=_types, array=_anndata, de=_de)


@pytest.fixture
def names():
    return [f"P{i:02d}" for i in range(P)]


@pytest.fixture
def pair(data, names, cell_eval):
    """One cell a perturbation, the same control on both sides; half of the perturbed genes are measured."""
    from anndata import AnnData

    obs = pd.DataFrame({"target": ["ctrl", *names]}, index=[str(i) for i in range(P + 1)])
    var = pd.DataFrame(index=[f"P{2 * i:02d}" for i in range(G)])
    real, predicted = (AnnData(np.vstack([data.control, x]), obs=obs, var=var) for x in (data.truth, data.prediction))
    own = np.array([list(var.index).index(n) if n in var.index else -1 for n in names])
    return SimpleNamespace(pair=cell_eval.types.PerturbationAnndataPair(real, predicted, "target", "ctrl"), own=own)


@pytest.mark.parametrize("distance", ["l1", "l2", "cosine"])
def test_cell_eval_discrimination(data, names, pair, cell_eval, distance):
    theirs = cell_eval.array.discrimination_score(pair.pair, metric=distance)
    ours = pds(
        data.truth,
        data.prediction,
        block=ONE_BLOCK,
        own_gene=pair.own,
        distance=distance,
        control=np.tile(data.control, (P, 1)),
    )
    assert (pair.own >= 0).sum() == P // 2
    np.testing.assert_allclose(ours, [theirs[n] for n in names], atol=1e-12)


@pytest.mark.parametrize(("metric", "delta"), [("mse", False), ("mae", False), ("pearson_delta", True)])
def test_cell_eval_array_metrics(data, names, pair, cell_eval, metric, delta):
    theirs = getattr(cell_eval.array, metric)(pair.pair)
    reference = data.control if delta else 0
    ours = F[metric](data.truth - reference, data.prediction - reference)
    np.testing.assert_allclose(ours, [float(theirs[n]) for n in names], rtol=1e-6)


def test_cell_eval_de_metrics(data, names, cell_eval):
    pl = pytest.importorskip("polars")
    truth, prediction, padj = data.truth[:, 5:], data.prediction[:, 5:], data.padj[:, 5:]  # no tied changes

    def table(change, fdr):
        return pl.DataFrame(
            {
                "target": np.repeat(names, change.shape[1]).tolist(),
                "feature": np.tile([f"g{g}" for g in range(change.shape[1])], P).tolist(),
                "log2_fold_change": change.ravel(),
                "p_value": fdr.ravel(),
                "fdr": fdr.ravel(),
            }
        )

    # what is predicted has no p-values: every gene takes part, ordered by the size of its change
    comparison = cell_eval.types.initialize_de_comparison(table(truth, padj), table(prediction, np.zeros_like(padj)))

    def theirs(function, **arguments):
        values = function(comparison, **arguments) if arguments else function(comparison)
        return [values[n] for n in names]

    overlap = cell_eval.de.de_overlap_metric
    np.testing.assert_allclose(de_overlap(truth, prediction, k="significant", padj=padj), theirs(overlap, k=None))
    for k in (1, 5, 20):
        np.testing.assert_allclose(
            precision_at_k(truth, prediction, k=k, padj=padj), theirs(overlap, k=k, metric="precision")
        )
    np.testing.assert_allclose(
        direction_match(truth, prediction, k="significant", padj=padj), theirs(cell_eval.de.DEDirectionMatch())
    )
