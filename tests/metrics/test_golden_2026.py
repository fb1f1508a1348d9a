"""Published implementations of 2026 on one small fixture: the same numbers to 1e-5.

``golden/metrics_golden_2026.json`` holds what the packages return and which versions they were; null = undefined there.
Blocks made from a stated formula say so in the file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from perturbviz.metrics import CATALOGUE
from perturbviz.metrics.correlation import spearman
from perturbviz.metrics.directions import direction_fidelity, direction_reach
from perturbviz.metrics.distance import mse_parts
from perturbviz.metrics.hits import de_auprc, hit_recalls, overlap_beyond_chance
from perturbviz.metrics.known import Training, residual_cosine, retrieval_training
from perturbviz.metrics.retrieval import pds_panel
from perturbviz.metrics.spread import effect_size_spearman
from perturbviz.metrics.unexplained import lfc_nmae, normalised_mse
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score, score_many

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "metrics_golden_2026.json").read_text())
FIXTURE, OWN, DE = GOLDEN["fixture"], GOLDEN["own_formulas"], GOLDEN["de_tables"]
NAMES, CONTROL, TRUTH = FIXTURE["perturbations"], np.array(FIXTURE["control"]), np.array(FIXTURE["truth"])
PREDICTIONS = {name: np.array(values) for name, values in FIXTURE["predictions"].items()}
MODEL = PREDICTIONS["model"]
P, G = TRUTH.shape
BLOCK, CONTROLS = np.zeros(P, int), np.tile(CONTROL, (P, 1))
TARGETS = np.eye(P, G, dtype=bool)  # the first six genes are the targets of the six perturbations
NONE = np.zeros((P, G), bool)
PADJ = np.array(DE["padj_truth"])
LFC_TRUTH, LFC_MODEL = np.array(DE["lfc_truth"]), np.array(DE["lfc_pred"])
TRAINING = Training({0: np.array(OWN["training_truth"])})


def equal(ours, theirs) -> None:
    theirs = np.array([np.nan if v is None else v for v in np.atleast_1d(theirs)], float)
    np.testing.assert_allclose(np.atleast_1d(ours), theirs, rtol=1e-5, atol=1e-12)


def by_name(values: dict) -> np.ndarray:
    """A perturbation that is absent is undefined."""
    return np.array([np.nan if values.get(p) is None else values[p] for p in NAMES], float)


@pytest.mark.parametrize("distance", ["cosine", "l1", "l2"])
@pytest.mark.parametrize("name", PREDICTIONS)
def test_pds_panel(name, distance):
    ours = pds_panel(TRUTH, PREDICTIONS[name], block=BLOCK, own_targets=TARGETS, distance=distance, control=CONTROLS)
    theirs = GOLDEN["pds"][name][f"{distance}/panel"]
    equal(ours, theirs["per_perturbation"])
    equal(ours.mean(), theirs["mean"])


@pytest.mark.parametrize("targets", ["own target dropped", "all genes"])
@pytest.mark.parametrize("case", [k for k in GOLDEN["mse_noise_corrected"] if k not in ("by", "note")])
def test_noise_corrected_mse(case, targets):
    name, _, cells = case.partition(", ")
    own = {"no cells": None, "with cells": "se_of_model", "with the truth's cells": "se_truth"}[cells]
    ours = normalised_mse(
        TRUTH,
        TRUTH if name == "truth itself" else PREDICTIONS[name],
        control=CONTROLS,
        noise=np.array(FIXTURE["se_truth"]),
        control_noise=np.tile(FIXTURE["se_control"], (P, 1)),
        own_targets=TARGETS if targets == "own target dropped" else NONE,
        predicted_noise=None if own is None else np.array(FIXTURE[own]),
    )
    equal(ours, GOLDEN["mse_noise_corrected"][case][targets]["ratio_of_sums_capped"])


@pytest.mark.parametrize("fewest", [10, 3])
def test_normalised_error_of_de_genes(fewest):
    ours = lfc_nmae(LFC_TRUTH, LFC_MODEL, padj=PADJ, own_targets=TARGETS, fewest=fewest)
    equal(ours, by_name(GOLDEN["de_metrics"][f"lfc_nmae (at least {fewest} genes)"]))


def test_normalised_error_of_all_genes():
    ours = lfc_nmae(TRUTH - CONTROL, MODEL - CONTROL, padj=np.zeros((P, G)), own_targets=NONE)
    equal(ours, OWN["lfc_nmae_all_genes"])


def test_direction_fidelity():
    called = np.array(DE["padj_pred"]) < 0.05
    ours = direction_fidelity(LFC_TRUTH, LFC_MODEL, padj=PADJ, own_targets=TARGETS, called=called)
    equal(ours, by_name(GOLDEN["de_metrics"]["direction_fidelity_yield_raw"]))


def test_direction_reach():
    ours = direction_reach(LFC_TRUTH, LFC_MODEL, padj=PADJ, own_targets=TARGETS)
    equal(ours, by_name(GOLDEN["de_metrics"]["direction_reach_raw (0.9)"]))


@pytest.mark.parametrize("name", ["model", "mean", "no_change"])
def test_average_precision_of_de_genes(name):
    ours = de_auprc(TRUTH - CONTROL, PREDICTIONS[name] - CONTROL, padj=PADJ)
    equal(ours, GOLDEN["scperteval"][name]["de_auprc (score |pred - ctrl|)"])


def test_spearman_delta():
    equal(spearman(TRUTH - CONTROL, MODEL - CONTROL), OWN["spearman_delta"])


def test_order_of_effect_sizes():
    equal(effect_size_spearman(TRUTH - CONTROL, MODEL - CONTROL), OWN["effect_size_spearman"]["value"])


def test_overlap_beyond_chance():
    equal(overlap_beyond_chance(TRUTH - CONTROL, MODEL - CONTROL, k=5), OWN["overlap_beyond_chance_k5"]["value"])


def test_parts_of_the_squared_error():
    parts = mse_parts(TRUTH - CONTROL, MODEL - CONTROL)
    for i, theirs in enumerate(OWN["mse_decomposition"]["values"]):
        equal(parts[:, i], [theirs[part] for part in ("shift", "scale", "pattern")])
        equal(parts[:, i].sum(), theirs["mse"])


def test_parts_of_a_prediction_that_does_not_vary():
    truth = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_allclose(mse_parts(truth, np.zeros((1, 3)))[:, 0], [4, 0, 2 / 3])


@pytest.mark.parametrize("top", [1, 2, 3])
def test_hit_recall(top):
    genes = FIXTURE["genes"][P:]
    arguments = {"padj": PADJ[:, P:], "top": top, "least": 0.3}
    for prediction, key in ((LFC_MODEL, "recall"), (np.ones((P, G)), "recall, constant score")):
        ours = hit_recalls(LFC_TRUTH[:, P:], prediction[:, P:], **arguments)
        equal(ours, [GOLDEN["hit_recall"][key][g][top - 1] for g in genes])


def test_retrieval_among_training():
    ours = retrieval_training(TRUTH, MODEL, block=BLOCK, training=TRAINING, training_place=np.full(P, -1))
    equal(ours, OWN["retrieval_among_training"]["value"])


def test_a_training_perturbation_is_not_its_own_rival():
    truth = TRAINING.profiles[0]
    ours = retrieval_training(truth, truth, block=np.zeros(8, int), training=TRAINING, training_place=np.arange(8))
    np.testing.assert_array_equal(ours, 1)


@pytest.mark.parametrize("k", [0, 1, 2, 5])
def test_cosine_without_common_directions(k):
    ours = residual_cosine(TRUTH, MODEL, block=BLOCK, training=TRAINING, k=k)
    equal(ours, OWN["cosine_without_leading_factors"][f"k={k}"])


def test_no_direction_is_left_of_all_that_training_spans():
    assert np.isnan(residual_cosine(TRUTH, MODEL, block=BLOCK, training=TRAINING, k=7)).all()


# -- through the whole chain -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    """The fixture as a benchmark: control and training rows first, six held-out perturbations after them."""
    from perturbviz.benchmark import Benchmark
    from tests.conftest import build_adata

    training = TRAINING.profiles[0]
    conditions = ["ctrl", *(f"train{i}" for i in range(len(training))), *NAMES]
    observed = np.vstack([CONTROL[None], training, TRUTH])
    first = 1 + len(training)

    def layer(values, control=np.nan) -> np.ndarray:
        out = np.full(observed.shape, np.nan)
        out[0], out[first:] = control, values
        return out

    methods = {name: layer(PREDICTIONS[file]) for name, file in (("model", "model"), ("spike", "spike_other_targets"))}
    adata = build_adata(
        observed,
        conditions,
        FIXTURE["genes"],
        control=CONTROL,
        split=["train"] * first + ["test"] * P,
        predictions=methods,
        layers={"se": layer(FIXTURE["se_truth"], FIXTURE["se_control"]), "de_padj": layer(PADJ)},
    )
    return Evaluation(Benchmark.from_adata(adata))


WHOLE = {  # setting -> value of the model; not Spearman, where float32 decides which changes tie
    ("pds_panel", "none"): GOLDEN["pds"]["model"]["cosine/panel"]["per_perturbation"],
    ("pds_panel@l1", "none"): GOLDEN["pds"]["model"]["l1/panel"]["per_perturbation"],
    ("normalised_mse", "none"): GOLDEN["mse_noise_corrected"]["model, no cells"]["own target dropped"][
        "ratio_of_sums_capped"
    ],
    ("effect_size_spearman", "control"): OWN["effect_size_spearman"]["value"],
    ("overlap_beyond_chance@5", "control"): OWN["overlap_beyond_chance_k5"]["value"],
    ("de_auprc", "control"): GOLDEN["scperteval"]["model"]["de_auprc (score |pred - ctrl|)"],
    ("retrieval_training", "none"): OWN["retrieval_among_training"]["value"],
    ("residual_cosine@5", "none"): OWN["cosine_without_leading_factors"]["k=5"],
}


@pytest.mark.parametrize("setting", WHOLE)
def test_through_the_whole_chain(evaluation, setting):
    equal(score(evaluation, *setting, methods=["model"]).values[0], WHOLE[setting])


def test_a_metric_alone_equals_the_metric_among_all(evaluation):
    settings = [
        (name, "control" if metric.card.reference == "delta" else "none")
        for name, metric in CATALOGUE.items()
        if "additive" not in metric.card.needs
    ]
    together = score_many(evaluation, settings)
    for setting in settings:
        alone = score(evaluation, *setting)
        np.testing.assert_array_equal(alone.values, together[setting].values, err_msg=str(setting))
        assert alone.reasons == together[setting].reasons


def test_undefined_has_a_reason(evaluation):
    found = score(evaluation, "residual_cosine@5", methods=["mean", "no_change", "model"])
    assert np.isnan(found.values[0]).all() and np.isfinite(found.values[1:]).all()
    assert found.reasons["mean"].startswith("undefined: training spans no more than k directions, or no change")
    assert set(score(evaluation, "lfc_nmae", "control", methods=["model"]).reasons) == {"model"}  # T3, T5 and T6
