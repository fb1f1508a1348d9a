"""Published reference implementations on a tiny fixture: the same numbers to 1e-6, through the whole chain.

``golden/metrics_golden.json`` holds what the functions of the published repositories return; null = undefined there.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from perturbviz.evaluation import Evaluation
from perturbviz.scores import score

GOLDEN = json.loads((Path(__file__).parent / "golden" / "metrics_golden.json").read_text())
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
        truth, PERTURBATIONS, FIXTURE["genes"], control=FIXTURE["ctrl"], split=["test"] * 4,
        predictions={"m": FIXTURE["pred"], "mean-of-truths": np.broadcast_to(truth.mean(axis=0), truth.shape)},
    )  # fmt: skip
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
