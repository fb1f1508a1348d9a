"""Published reference implementations on a tiny fixture: the same numbers to 1e-6, through the whole chain.

``golden/metrics_golden.json`` holds what the functions of the published repositories return; null = undefined there.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from perturbviz.metrics.expressed import de_overlap, direction_match, precision_at_k
from perturbviz.metrics.nonadditive import auroc, average_precision, nonadditive_precision, nonadditive_recall
from perturbviz.metrics.retrieval import pds
from perturbviz.metrics.weighted import de_weights
from perturbviz.scoring.additivity import additive
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "metrics_golden.json").read_text())
FIXTURE = GOLDEN["fixture"]
PERTURBATIONS = FIXTURE["perts"]
SIMPLE = {  # name in the file -> (metric, reference)
    "l2": ("l2", "none"),
    "mse": ("mse", "none"),
    "rmse": ("rmse", "none"),
    "mae": ("mae", "none"),
    "pearson": ("pearson", "none"),
    "spearman": ("spearman", "none"),
    "pearson_delta_ctrl": ("pearson_delta", "control"),
    "r2_delta_ctrl": ("r2_delta", "control"),
    "cosine_delta_ctrl": ("cosine", "control"),
    "pearson_delta_pertmean": ("pearson_delta", "perturbation"),
    "r2_delta_pertmean": ("r2_delta", "perturbation"),
    "cosine_delta_pertmean": ("cosine", "perturbation"),
}
METHODS = {"pred": "m", "mean": "mean-of-truths", "nochange": "no_change"}


@pytest.fixture
def evaluation(make_benchmark):
    truth = np.array(FIXTURE["truth"])
    benchmark = make_benchmark(
        truth,
        PERTURBATIONS,
        FIXTURE["genes"],
        control=FIXTURE["ctrl"],
        split=["test"] * 4,
        predictions={"m": FIXTURE["pred"], "mean-of-truths": np.broadcast_to(truth.mean(axis=0), truth.shape)},
    )
    return Evaluation(benchmark)


def values(evaluation: Evaluation, method: str, metric: str, reference: str = "none") -> np.ndarray:
    scores = score(evaluation, metric, reference, methods=[method], include_held_out_in_reference=True)
    assert list(scores.rows["perturbation"]) == PERTURBATIONS
    if np.isnan(scores.values).any():
        assert scores.reasons[method].startswith("undefined")
    return scores.values[0]


def wanted(by_perturbation: dict) -> np.ndarray:
    return np.array([np.nan if by_perturbation[p] is None else by_perturbation[p] for p in PERTURBATIONS], float)


@pytest.mark.parametrize("theirs", GOLDEN["simple"])
@pytest.mark.parametrize("name", SIMPLE)
def test_simple_metrics(evaluation, theirs, name):
    expected = wanted({p: GOLDEN["simple"][theirs][p][name] for p in PERTURBATIONS})
    np.testing.assert_allclose(values(evaluation, METHODS[theirs], *SIMPLE[name]), expected, atol=1e-6, rtol=0)


def test_every_simple_metric_of_the_file_is_compared():
    left = set(GOLDEN["simple"]["pred"]["A"]) - set(SIMPLE)
    assert left == {"sse", "sign_match_ctrl"}  # the sum of squares is l2²; sign match by float equality is not offered


@pytest.mark.parametrize("theirs", METHODS)
def test_systema_centroid_accuracy(evaluation, theirs):
    expected = wanted(GOLDEN["systema_centroid_accuracy"][theirs])
    np.testing.assert_allclose(values(evaluation, METHODS[theirs], "centroid_accuracy"), expected, atol=1e-6)


def test_systema_equals_perturbhd_with_labels_as_targets(evaluation):
    expected = wanted(GOLDEN["perturbhd"]["label"])
    np.testing.assert_allclose(values(evaluation, "m", "centroid_accuracy"), expected, atol=1e-6)


# -- weights of differential expression ----------------------------------------------------------------------------
STAT = np.array(GOLDEN["mejia_weights"]["stat"])


def test_mejia_weights():
    np.testing.assert_allclose(de_weights(STAT[None])[0], GOLDEN["mejia_weights"]["w"], atol=1e-9)


@pytest.mark.parametrize(
    ("key", "metric", "reference"),
    [
        ("wmse_A", "wmse", "none"),
        ("weighted_r2_delta_ctrl_A", "weighted_r2_delta", "control"),
        ("weighted_r2_delta_pertmean_A", "weighted_r2_delta", "perturbation"),
        ("weighted_pearson_delta_ctrl_A", "weighted_pearson_delta", "control"),
    ],
)
def test_weighted_metrics(make_benchmark, key, metric, reference):
    score_of = np.full((4, 6), np.nan)
    score_of[0] = STAT  # the file gives the statistics of A only
    evaluation = Evaluation(
        make_benchmark(
            FIXTURE["truth"],
            PERTURBATIONS,
            FIXTURE["genes"],
            control=FIXTURE["ctrl"],
            split=["test"] * 4,
            predictions={"m": FIXTURE["pred"]},
            layers={"de_score": score_of},
        )
    )
    scores = score(evaluation, metric, reference, methods=["m"], include_held_out_in_reference=True)
    np.testing.assert_allclose(scores.values[0], [GOLDEN[key], np.nan, np.nan, np.nan], atol=1e-6)
    assert scores.reasons["m"] == "undefined for 3 of 4: the data set holds no DE scores for it"
    assert "DE scores" in scores.note and "not Miller" not in scores.note


# -- cell-eval -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("theirs", "key", "metric"),
    [
        (t, k, f"pds@{k.removeprefix('pds_')}")
        for t in METHODS
        for k in GOLDEN["cell_eval_array"][t]
        if "pds" in k and (t, k) != ("pred", "pds_l1")
    ],  # an exact tie: next test
)
def test_perturbation_discrimination(evaluation, theirs, key, metric):
    expected = wanted(GOLDEN["cell_eval_array"][theirs][key])
    np.testing.assert_allclose(values(evaluation, METHODS[theirs], metric), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("key", "own_gene", "ties"),
    [("pred", [-1, -1, -1, -1], "win"), ("pred_target_gene_named", [0, 1, 2, 3], "lose")],
)
def test_perturbation_discrimination_with_a_tie(key, own_gene, ties):
    # D is exactly as far from one other profile as from its own; cell-eval's argsort puts it first in one case and
    # last in the other. Ours is the mid-rank in both.
    def ours(how):
        return pds(
            np.array(FIXTURE["truth"]),
            np.array(FIXTURE["pred"]),
            block=np.zeros(4),
            own_gene=np.array(own_gene),
            ties=how,
        )

    np.testing.assert_allclose(ours(ties), wanted(GOLDEN["cell_eval_array"][key]["pds_l1"]), atol=1e-12)
    np.testing.assert_allclose(ours("half"), [1, 1, 0.75, 0.875], atol=1e-12)


def toy_de() -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Changes and adjusted p-values that give the tables cell-eval was run on: 3 significant genes in A, 1 in B."""
    truth = np.array([[3.0, -2.0, 1.0, 0.1, 0.05, 0.01], [2.0, 0.1, 0.05, 0.01, 0.02, 0.03]])
    prediction = np.array([[3.0, 2.5, 0.1, -2.0, 0.0, 0.05], [0.01, 2.0, 1.5, 1.0, 0.5, 0.2]])
    padj = np.array([[0.001, 0.01, 0.02, 0.5, 0.6, 0.7], [0.001, 0.5, 0.6, 0.7, 0.8, 0.9]])
    return truth, prediction, padj, GOLDEN["cell_eval_de"]


def test_de_overlap_of_significant_genes():
    # as many predicted genes as there are significant ones: two of three in A, none of one in B
    truth, prediction, padj, theirs = toy_de()
    ours = de_overlap(truth, prediction, k="significant", padj=padj)
    np.testing.assert_allclose(ours, [theirs["overlap_at_N"]["A"], theirs["overlap_at_N"]["B"]], atol=1e-6)


def test_precision_at_1():
    truth, prediction, padj, theirs = toy_de()
    ours = precision_at_k(truth, prediction, k=1, padj=padj)
    np.testing.assert_allclose(ours, [theirs["precision_at_1"]["A"], theirs["precision_at_1"]["B"]], atol=1e-6)


def test_direction_match_of_significant_genes():
    truth, prediction, padj, theirs = toy_de()
    ours = direction_match(truth, prediction, k="significant", padj=padj)
    np.testing.assert_allclose(ours, [theirs["direction_match"]["A"], theirs["direction_match"]["B"]], atol=1e-6)


def test_perturbench_rank(evaluation):
    np.testing.assert_allclose(values(evaluation, "m", "perturbench_rank"), wanted(GOLDEN["perturbench_rank_rmse"]))


# -- interactions --------------------------------------------------------------------------------------------------
def test_interaction_metrics():
    g = GOLDEN["tpr_fdp"]
    observed, predicted = np.array([g["obs"]]), np.array([g["pred"]])
    arguments = {"additive": np.zeros_like(observed), "thresholds": (-g["thr"], g["thr"])}
    np.testing.assert_allclose(average_precision(observed, predicted, **arguments), 0.816667, atol=1e-6)
    np.testing.assert_allclose(auroc(observed, predicted, **arguments), 0.75, atol=1e-6)
    for n in range(1, 9):
        order = np.argsort(-np.abs(predicted[0]), kind="stable")[:n]
        found = (np.abs(observed[0, order]) >= g["thr"]).sum()
        assert nonadditive_precision(observed, predicted, n=n, **arguments) == pytest.approx(found / n)
        assert nonadditive_recall(observed, predicted, n=n, **arguments) == pytest.approx(found / 4)


def test_additive_expectation_from_singles(make_benchmark):
    g, a, b = GOLDEN["additive"], FIXTURE["truth"][0], FIXTURE["truth"][1]
    benchmark = make_benchmark([a, b, g["AB"]], ["A", "B", "A+B"], FIXTURE["genes"], control=FIXTURE["ctrl"])
    evaluation = Evaluation(benchmark)
    np.testing.assert_allclose(additive(evaluation, np.array([0]), None)[0], g["additive"], atol=1e-6)
    np.testing.assert_allclose(evaluation.prediction("additive")[0], g["additive"], atol=1e-6)
    np.testing.assert_allclose(evaluation.truth()[0] - g["additive"], g["obs_minus_add"], atol=1e-6)
