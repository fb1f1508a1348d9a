import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.calibration import (
    bds,
    calibrated_scale,
    calibration_map,
    drf,
    interpolated_duplicate,
    systematic_variation,
    with_controls,
)
from perturbviz.analyses.calibration.controls import shuffled
from perturbviz.analyses.calibration.scale import scaled
from perturbviz.analyses.calibration.table import control_evaluation
from perturbviz.benchmark import load
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE
from perturbviz.readers import load as read
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import score
from perturbviz.scoring.view import View

ROOT = Path(__file__).parents[3]
GOLDEN = json.loads((ROOT / "tests" / "golden" / "metrics_golden.json").read_text())
SHARED = ROOT.parent / "shared" / "data"
CARDS = {name: metric.card for name, metric in CATALOGUE.items()}


@pytest.fixture(scope="module")
def demo():
    return Evaluation(load(ROOT / "data" / "demo.h5ad"))


@pytest.mark.parametrize(
    ("metric", "positive", "negative", "key"),
    [
        ("mse", 0.1, 0.4, "mse pos=.1 neg=.4"),
        ("mse", 0.5, 0.4, "mse pos=.5 neg=.4"),
        ("mse", 1, 0.4, "mse pos=1 neg=.4"),
        ("pearson", 0.9, 0.5, "pearson pos=.9 neg=.5"),
        ("pearson", 0.2, 0.5, "pearson pos=.2 neg=.5"),
        ("r2", 0.5, -1, "r2 pos=.5 neg=-1"),
        ("mse", 0, 0, "neg=perfect (lower)"),
        ("mse", 0.1, np.nan, "neg nan"),
    ],
)
def test_dynamic_range_fraction_equals_the_golden_values(metric, positive, negative, key):
    np.testing.assert_allclose(drf(positive, negative, CARDS[metric]), GOLDEN["drf"][key], atol=1e-9)


def test_dynamic_range_fraction_is_undefined_where_the_empty_prediction_is_better_than_perfect():
    assert np.isnan(drf(0.9, 1.5, CARDS["pearson"]))


def test_ties_and_undefined_values_lose():
    value = bds(np.array([0.1, 0.4, 0.4, np.nan]), np.array([0.4, 0.4, 0.1, 0.2]), CARDS["mse"])
    assert value.tolist() == [1, GOLDEN["bds"]["tie"], 0, GOLDEN["bds"]["nan"]]


def test_closest_to_one_is_judged_by_the_distance_from_one():
    assert drf(1.1, 3.0, CARDS["sd_ratio"]) == pytest.approx(1.9 / 2, abs=1e-5)
    assert bds(0.5, 2.0, CARDS["sd_ratio"]) == 1


def test_the_interpolated_duplicate_equals_the_golden_values():
    g = GOLDEN["interpolated_duplicate"]
    padj = np.array([np.nan if v == "nan" else v for v in g["padj"]], float)
    np.testing.assert_allclose(interpolated_duplicate(np.array(g["tech"]), np.array(g["mean"]), padj), g["out"])


def test_the_calibrated_scale_is_not_clipped_and_undefined_without_a_better_replicate():
    np.testing.assert_allclose(
        calibrated_scale(np.array([0.4, 0.1, 0.0, 0.7]), 0.1, 0.4, CARDS["mse"]), [0, 1, 4 / 3, -1]
    )
    assert np.isnan(calibrated_scale(np.array([0.4]), 0.5, 0.4, CARDS["mse"])).all()


def test_controls_do_not_use_the_half_that_is_the_truth(demo):
    b = demo.benchmark
    controlled = with_controls(b, "half_a", negative=False)
    changed = b.adata.copy()
    held_out = np.isin(b.splits["1"], ("test", "val"))
    rng = np.random.default_rng(0)
    for layer in {"half_a", "de_score_a", "de_padj_a"} & set(changed.layers):
        changed.layers[layer][held_out] = rng.normal(size=changed.layers[layer][held_out].shape)
    again = with_controls(type(b).from_adata(changed), "half_a", negative=False)
    for control in ("duplicate", "interpolated-duplicate"):
        np.testing.assert_array_equal(controlled.prediction(control, "1"), again.prediction(control, "1"))


def test_shuffled_labels_give_every_held_out_perturbation_another_ones_truth(demo):
    b = demo.benchmark
    out = shuffled(b, "1", b.truth)
    rows = np.flatnonzero(~np.isnan(out[:, 0]))
    assert len(rows) > 10
    assert all((out[r] != b.truth[r]).any() for r in rows)
    np.testing.assert_allclose(np.sort(out[rows, 7]), np.sort(b.truth[rows, 7]))


def test_a_benchmark_without_halves_and_errors_says_what_would_be_needed(make_benchmark):
    b = make_benchmark(np.ones((3, 4)), ["A", "B", "A+B"], control=np.zeros(4))
    with pytest.raises(UserError, match="perturbviz aggregate"):
        calibration_map(Evaluation(b), [GeneSubset("all")])


def test_a_simulated_duplicate_takes_the_place_of_missing_halves(make_benchmark):
    truth = np.random.default_rng(1).normal(size=(30, 50))
    names = [f"P{i}" for i in range(30)]
    b = make_benchmark(truth, names, control=np.zeros(50), layers={"se": np.full((30, 50), 0.05)})
    (one,) = calibration_map(Evaluation(b), [GeneSubset("all")], pairs=[("mse", "none")])
    assert (one.positive, one.negative, one.verdict) == ("simulated-duplicate", "mean", "calibrated")
    assert one.n == 30
    assert one.values[0].mean() == pytest.approx(0.05**2, rel=0.1)


def test_the_mean_as_its_own_reference_gives_way_to_the_control_mean(demo):
    found = calibration_map(
        demo, [GeneSubset("all")], pairs=[("pearson_delta", "control"), ("pearson_delta", "perturbation")]
    )
    assert [c.negative for c in found] == ["mean", "no_change"]


def test_every_number_of_the_map_equals_scores_of_the_controls(demo):
    (one,) = calibration_map(demo, [GeneSubset("de", 100)], pairs=[("wmse", "none")])
    scores = score(control_evaluation(demo), "wmse", subset=GeneSubset("de", 100), methods=[one.positive, one.negative])
    np.testing.assert_array_equal(one.values[:2], scores.values)
    assert one.drf == pytest.approx(np.median(drf(*scores.values, scores.card)))
    assert one.bds == pytest.approx((scores.values[0] < scores.values[1]).mean())
    assert one.bds_interval[0] <= one.bds <= one.bds_interval[1]


def test_too_few_perturbations_are_not_judged(demo):
    (one,) = calibration_map(demo, [GeneSubset("all")], pairs=[("mse", "none")], rows=np.arange(5))
    assert one.verdict == "unknown"
    assert "too few" in one.reason


def test_systematic_variation_is_the_mean_cosine_with_the_average_shift(demo):
    found = systematic_variation(demo)
    b = demo.benchmark
    control = b.control("A").astype(float)
    train = (b.splits["1"] == "train") & ~b.is_control
    shift = b.truth[train].astype(float).mean(axis=0) - control
    row = found.rows.index[found.rows["seed"] == "1"][0]
    own = b.truth[list(b.conditions).index(found.rows["perturbation"][row])] - control
    expected = own @ shift / np.linalg.norm(own) / np.linalg.norm(shift)
    assert found.rows["cosine"][row] == pytest.approx(expected, rel=1e-4)
    assert found.score == pytest.approx(found.rows["cosine"].mean())
    assert found.correlation > 0.8  # what the mean earns on Pearson delta is systematic variation


def test_fractions_equal_scperteval_value_by_value():
    calibrators = pytest.importorskip("scperteval.calibrators", reason="scperteval is not installed").CALIBRATORS
    rng = np.random.default_rng(3)
    for metric in ("mse", "pearson", "r2", "pds"):
        card = CARDS[metric]
        high, low = rng.uniform(-0.5, 1.2, (2, 60)) + (0.6 if card.better == "lower" else -0.3)
        high[:3], low[2:5], low[7] = np.nan, np.nan, high[7]
        protocol = SimpleNamespace(better=card.better, perfect=card.perfect)
        raws = [{"positive": a, "negative": b} for a, b in zip(high, low, strict=True)]
        for name, ours in (("drf", drf), ("bds", bds)):
            theirs = [calibrators[name].per_pert(raw, protocol) for raw in raws]
            np.testing.assert_allclose(ours(high, low, card), theirs, atol=1e-12, err_msg=f"{name} {metric}")


def test_one_value_a_data_set_is_not_judged_where_there_are_few(demo):
    (one,) = calibration_map(demo, [GeneSubset("all")], pairs=[("gene_correlation", "none")])
    assert one.n == 5
    rows = np.flatnonzero(control_evaluation(demo).rows["seed"] == "1")
    (few,) = calibration_map(demo, [GeneSubset("all")], pairs=[("gene_correlation", "none")], rows=rows)
    assert (few.n, few.verdict) == (1, "unknown")


def test_the_map_takes_parameters_and_a_chosen_empty_prediction(demo):
    (one,) = calibration_map(demo, [GeneSubset("all")], pairs=[("pds@l2", "none")], negative="shuffled")
    assert (one.metric, one.negative) == ("pds@l2", "shuffled")


@pytest.mark.parametrize("metric", ["mse", "pearson_delta"])
def test_controls_stand_at_zero_and_one_of_the_calibrated_scale(demo, metric):
    controlled = control_evaluation(demo)
    found = scaled(
        controlled,
        View(metric=metric, genes="all"),
        ["interpolated-duplicate", "mean", "cautious"],
        "interpolated-duplicate",
    )
    assert found.table.loc["mean", "score"] == pytest.approx(0, abs=1e-12)
    assert found.table.loc["interpolated-duplicate", "score"] == pytest.approx(1)
    assert (found.table["low"] <= found.table["score"]).all()
    assert (found.table["score"] <= found.table["high"]).all()


def test_no_scale_where_half_of_the_cells_is_noisier_than_the_average(demo):
    found = scaled(control_evaluation(demo), View(metric="mse", genes="all"), ["mean", "cautious"], "duplicate")
    assert found.positive[1] > found.negative[1]  # lower is better
    assert not found.defined


@pytest.mark.skipif(not SHARED.exists(), reason="the real data of ../shared/data are not here")
def test_carpool_replicates_beat_additive_and_mean_on_pearson_delta_but_not_additive_the_mean_on_l2():
    from perturbviz.readers.assemble import assemble

    benchmark, _ = assemble(read(SHARED / "carpool_thp1_pseudobulk.npz"))
    evaluation = control_evaluation(Evaluation(benchmark))
    delta = score(evaluation, "pearson_delta", "control")
    median = dict(zip(delta.methods, pd.DataFrame(delta.values.T).median(), strict=True))
    assert [round(median[m], 3) for m in ("duplicate", "additive", "mean")] == [0.883, 0.696, 0.637]
    l2 = score(evaluation, "l2")
    mean = dict(zip(l2.methods, l2.values.mean(axis=1), strict=True))
    assert round(mean["additive"], 2) == 7.39
    assert round(mean["mean"], 2) == 6.62
