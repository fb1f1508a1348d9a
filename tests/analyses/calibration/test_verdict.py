"""Verdicts: ties are neither wins nor losses, chance is tested exactly, shared targets are respected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perturbviz import stats
from perturbviz.analyses.calibration import calibration_map
from perturbviz.analyses.calibration.table import COLUMNS, table
from perturbviz.analyses.calibration.verdict import MIN_SETS, Duel, compete, judge
from perturbviz.benchmark import save
from perturbviz.cli import main
from perturbviz.metrics import CATALOGUE
from perturbviz.scoring.genesets import GeneSubset
from tests.metrics.test_card_claims import evaluation, expectation

ALL, X1 = GeneSubset("all"), GeneSubset("expressed", 1000)
ERROR, HIGHER = CATALOGUE["mse"].card, CATALOGUE["direction_match"].card


def found(name: str, subset: GeneSubset, metric: str, positive: str = ""):
    (one,) = calibration_map(evaluation(name), [subset], positive, pairs=[(metric, "control")])
    return one


@pytest.mark.parametrize(
    ("subset", "duel", "verdict", "p", "mean", "interval", "fraction"),
    [
        (X1, (59, 94, 5), "narrow", 9.0e-13, 0.342, (0.109, 0.575), 0.0),
        (ALL, (80, 73, 5), "calibrated", 1.8e-18, 0.475, (0.322, 0.627), 0.45),
    ],
)
def test_direction_match_of_carpool(subset, duel, verdict, p, mean, interval, fraction):
    one = found("carpool_thp1", subset, "direction_match@20")
    d = one.duel
    assert (d.better, d.equal, d.worse) == duel and one.verdict == verdict
    assert d.p == pytest.approx(p, rel=0.02)
    assert (d.better - d.worse) / d.n == pytest.approx(mean, abs=1e-3)
    assert d.interval == pytest.approx(interval, abs=1e-3)
    assert one.drf == pytest.approx(fraction, abs=5e-3)
    assert f"better for {duel[0]}, equal for {duel[1]}, worse for {duel[2]} of 158 perturbations" in one.reason


@pytest.mark.parametrize("subset", [ALL, X1])
def test_equal_in_all_splits_is_blind(subset):
    one = found("demo", subset, "sd_ratio")
    assert one.verdict == "blind" and "equal in all 5 splits" in one.reason
    assert (one.duel.better, one.duel.equal, one.duel.worse) == (0, 5, 0)


@pytest.mark.parametrize(
    ("subset", "metric", "duel", "verdict", "p"),
    [
        (ALL, "mse", (23, 0, 52), "inverted", 0.0011),
        (ALL, "pearson_delta", (44, 1, 30), "blind", 0.13),
        (X1, "mse", (30, 0, 45), "blind", 0.11),
        (X1, "pearson_delta", (54, 1, 20), "narrow", 9.6e-5),
    ],
)
def test_the_technical_duplicate_of_the_demo(subset, metric, duel, verdict, p):
    one = found("demo", subset, metric, "duplicate")
    assert (one.duel.better, one.duel.equal, one.duel.worse) == duel
    assert one.verdict == verdict
    assert one.duel.p == pytest.approx(p, rel=0.05)


def test_replicates_that_disagree_are_both_kept():
    one = found("demo", ALL, "mse")
    assert (one.positive, one.verdict, one.bds) == ("interpolated-duplicate", "narrow", 1.0)
    assert one.other is not None and one.disputed
    assert (one.other.positive, one.other.verdict) == ("duplicate", "inverted")
    assert one.other.bds == pytest.approx(0.28, abs=5e-3)  # over the values of all splits
    assert found("demo", ALL, "wmse").disputed is False
    assert found("carpool_thp1", ALL, "mse").other is None  # it holds no p-values of the other half
    again = found("demo", ALL, "mse", "duplicate")
    assert again.other is not None
    assert (again.duel, again.verdict) == (one.other.duel, one.other.verdict)
    assert (again.other.duel, again.other.verdict) == (one.duel, one.verdict)


@pytest.mark.parametrize("name", ["demo", "carpool_thp1"])
@pytest.mark.parametrize("subset", [ALL, X1])
def test_the_weighted_error_is_calibrated_by_every_replicate(name, subset):
    one = found(name, subset, "wmse")
    assert one.verdict == "calibrated" and not one.disputed


def test_a_perfect_prediction_has_half_the_squared_error_of_a_replicate():
    b = evaluation("demo").benchmark
    a, other = (np.asarray(b.layers[k], float) for k in ("half_a", "half_b"))
    doubles = b.n_perturbed == 2
    errors = [np.square(x - a)[doubles].mean() for x in (other, expectation())]
    assert errors == pytest.approx([0.02149, 0.01092], abs=1e-4)
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.1)


# -- by hand -------------------------------------------------------------------------------------------------------
def singles(n: int) -> stats.Sharing:
    return stats.share_targets(tuple((f"G{i}",) for i in range(n)))


def test_the_sign_of_a_unit_is_that_of_its_rows_together():
    unit = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    positive, negative = np.array([1, 1, 9, 1, 9, 5, 5, np.nan]), np.full(8, 5.0)
    assert compete(positive, negative, ERROR, unit, singles(4)) == Duel(1, 2, 0)
    assert compete(-positive, -negative, HIGHER, unit, singles(4)) == Duel(1, 2, 0)


def test_rounding_is_a_tie():
    negative = np.full(12, 0.5)
    assert compete(negative + 9e-7, negative, HIGHER, np.arange(12), singles(12)) == Duel(0, 12, 0)
    assert compete(negative + 2e-6, negative, HIGHER, np.arange(12), singles(12)) == Duel(12, 0, 0)
    assert compete(1e-9 * negative, 2e-9 * negative, ERROR, np.arange(12), singles(12)) == Duel(12, 0, 0)  # relative


@pytest.mark.parametrize(
    ("duel", "fraction", "verdict", "said"),
    [
        (Duel(9, 0, 0), 0.5, "unknown", "9 perturbations are too few (at least 10)"),
        (Duel(8, 0, 2), 0.5, "blind", "which chance gives too (p = 0.11)"),
        (Duel(9, 0, 1), 0.5, "calibrated", "covers 50%"),
        (Duel(9, 90, 1), 0.1, "narrow", "better for 9, equal for 90, worse for 1 of 100 perturbations"),
        (Duel(1, 90, 9), 0.5, "inverted", "better for 1, equal for 90, worse for 9"),
        (Duel(0, 20, 0), 0.0, "blind", "the x is equal for all 20 perturbations"),
        (Duel(40, 0, 0, (0.2, 1.2)), 0.5, "calibrated", "better for all 40"),
        (Duel(40, 0, 20, (-0.1, 0.8)), 0.5, "blind", "combinations share targets, and others could turn it"),
        (Duel(0, 0, 40, (-1.2, -0.2)), 0.5, "inverted", "worse for all 40"),
        (Duel(40, 0, 0, (np.nan, np.nan), ("A",)), 0.5, "unknown", "every combination holds A"),
    ],
)
def test_verdicts_of_perturbations(duel, fraction, verdict, said):
    key, reason = judge(duel, fraction, "x", one_a_split=False)
    assert key == verdict and said in reason and reason.count("the x is") <= 1


@pytest.mark.parametrize(
    ("duel", "verdict", "said"),
    [
        (Duel(MIN_SETS - 1, 0, 0), "unknown", "so few say little"),
        (Duel(1, 0, 0), "unknown", "better in the one data set"),
        (Duel(5, 0, 0), "calibrated", "better in all 5 splits"),
        (Duel(0, 0, 5), "inverted", "they overlap: no error rate"),
        (Duel(4, 1, 0), "blind", "better in 4, equal in 1, worse in 0 of 5 splits"),
        (Duel(0, 5, 0), "blind", "equal in all 5 splits"),
    ],
)
def test_verdicts_of_splits(duel, verdict, said):
    key, reason = judge(duel, 0.5, "x", one_a_split=True)
    assert key == verdict and said in reason


def test_a_star_of_combinations_is_not_judged():
    star = stats.share_targets(tuple(("A", f"G{i}") for i in range(20)))
    duel = compete(np.zeros(20), np.ones(20), ERROR, np.arange(20), star)
    assert duel.common == ("A",) and judge(duel, 1.0, "x", False)[0] == "unknown"


def test_the_table_names_the_replicate_and_the_other_one(tmp_path):
    demo = save(evaluation("demo").benchmark, tmp_path / "demo.h5ad")
    out = tmp_path / "c.csv"
    assert main(["calibrate", str(demo), "--genes", "all", "-o", str(out)]) == 0
    read = pd.read_csv(out)
    assert list(read.columns) == COLUMNS
    assert {"metric", "reference", "genes", "drf", "bds", "n", "verdict"} <= set(read.columns)
    line = read.set_index("metric").loc["mse"]
    assert (line["replicate"], line["other_replicate"]) == ("interpolated duplicate", "technical duplicate")
    assert line["verdict"].startswith("tells the interpolated duplicate")
    assert line["other_verdict"] == "ranks the perturbation mean above the technical duplicate here"
    assert line[["better", "equal", "worse", "disputed"]].tolist() == [75, 0, 0, True]
    assert table([]).empty
