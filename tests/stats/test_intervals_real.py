"""Intervals, ties and headlines of the demo and of two real screens of combinations: reference numbers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.all_views.defensible import SAME_QUESTION
from perturbviz.benchmark import load as load_benchmark
from perturbviz.panels import captions
from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, parse_subset
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import score

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FILES = {"carpool": DATA / "carpool_thp1_pseudobulk.npz", "norman": DATA / "norman_pseudobulk.npz"}
SUBSETS = {"all": GeneSubset("all"), "expressed:1000": GeneSubset("expressed", 1000)}


@cache
def evaluation(name: str) -> Evaluation:
    if name == "demo":
        return Evaluation(load_benchmark(ROOT / "data" / "demo.h5ad"))
    if not FILES[name].exists():
        pytest.skip(f"{FILES[name].name} is not in the folder shared/data beside the repository")
    return Evaluation(assemble(load(FILES[name]))[0])


def ranking(name: str, metric: str, reference: str = "control", genes: str = "all", **how: str) -> Ranking:
    return rank(score(evaluation(name), metric, reference, SUBSETS[genes]), **how)


#: Data, genes, metric, reference, methods a and b; difference, its error if independent, its error, ends of the
#: interval.
TABLE = [
    ("carpool", "expressed:1000", "l2", "control", "additive", "half_sum", 0.90730, 0.085701, 0.19877, 0.4979, 1.317),
    ("carpool", "expressed:1000", "l2", "control", "additive", "mean", -0.20973, 0.10367, 0.31274, -0.8538, 0.4344),
    ("carpool", "expressed:1000", "pearson_delta", "perturbation", "additive", "half_sum", 0.036341, 0.0096532)
    + (0.027192, -0.0197, 0.0923),
    ("carpool", "all", "pearson_delta", "control", "half_sum", "mean", 0.04784, 0.0091824, 0.030426, -0.0148, 0.1105),
    ("norman", "all", "l2", "control", "additive", "half_sum", 2.0847, 0.30182, 0.64143, 0.8057, 3.364),
    ("norman", "all", "pearson_delta", "perturbation", "additive", "half_sum", 0.025875, 0.0039686, 0.0088789)
    + (0.00817, 0.04358),
    ("norman", "all", "centroid_accuracy", "control", "additive", "half_sum", 0.099852, 0.015399, 0.026986)
    + (0.0460, 0.1537),
    ("demo", "expressed:1000", "pearson_delta", "perturbation", "noisy-oracle", "additive", -0.078088, 0.010431)
    + (0.013061, -0.1043, -0.0519),
    ("demo", "expressed:1000", "centroid_accuracy", "control", "additive", "half_sum", 0.018208, 0.0054618)
    + (0.0070844, 0.0040, 0.0324),
]
COUNTS = {"carpool": (158, 26, 1.26195), "norman": (126, 72, 1.12581), "demo": (75, 56, 1.11897)}


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line[0]} {line[2]} {line[4]} - {line[5]}")
def test_intervals_of_paired_differences(line):
    name, genes, metric, reference, a, b, difference, independent, error, low, high = line
    found = ranking(name, metric, reference, genes)
    i, j = map(found.scores.methods.index, (a, b))
    estimates = found._comparisons.against(i)
    got = estimates.value[j], estimates.means.independent[j], estimates.error[j]
    assert got == pytest.approx((difference, independent, error), rel=1e-3)
    assert found.difference(a, b)[1:] == pytest.approx((low, high), abs=6e-5 if abs(high) < 0.2 else 6e-4)
    assert found.separable(a, b) == (low > 0 or high < 0)
    n, n_targets, correction = COUNTS[name]
    assert (estimates.means.n_units[j], estimates.means.n_targets[j]) == (n, n_targets)
    assert estimates.means.correction[j] == pytest.approx(correction, rel=1e-5)


def test_a_lead_that_shared_targets_explain_is_not_called_certain():
    found = ranking("carpool", "pearson_delta", "perturbation", "expressed:1000")
    assert "resamples" not in captions.headline(found) and "100%" not in captions.headline(found)
    assert "Half-sum ties with it" in captions.headline(found)
    assert (
        "Combinations that share a target are not independent; intervals allow for that (26 targets in 158 "
        "combinations) and are about other targets."
    ) in captions.uncertainty(found)
    assert found.table["tier"].tolist()[:3] == [1, 1, 2] and np.isnan(found.table["tier"].iloc[3])


def test_an_identity_shares_the_first_place():
    found = ranking("carpool", "pearson_delta", "control", "expressed:1000")
    assert captions.headline(found).startswith(
        "**Additive** and **Half-sum** share first place by Pearson delta vs the control mean: 0.809, before "
        "**Perturbation mean** with 0.694"
    )
    both = found.table.loc[["additive", "half_sum"]]
    assert (both["rank"] == 1.5).all() and (both["tier"] == 1).all() and both["p_first"].nunique() == 1
    assert found.leaders == ["additive", "half_sum"] and not found.separable("additive", "half_sum")


@pytest.mark.parametrize("name", ["demo", "carpool", "norman"])
@pytest.mark.parametrize("subset", ["all", "expressed:100", "expressed:1000", "de:20", "de:50", "de:1000"])
@pytest.mark.parametrize("metric", ["pearson_delta", "cosine", "weighted_pearson_delta"])
def test_metrics_blind_to_scale_tie_additive_and_half_sum_on_every_perturbation(name, subset, metric):
    if name == "norman":
        subset = subset.replace("expressed:1", "de:2")  # it holds changes, not expression
    scores = score(evaluation(name), metric, "control", parse_subset(subset), ["additive", "half_sum", "mean"])
    for how in ("mean", "median"):
        table = rank(scores, how).table
        assert table.loc["additive", "rank"] == table.loc["half_sum", "rank"]
        assert table.loc["additive", "p_first"] == table.loc["half_sum", "p_first"]
        assert table.loc["additive", "tier"] == table.loc["half_sum", "tier"]


@pytest.mark.parametrize("name", ["demo", "carpool", "norman"])
@pytest.mark.parametrize("subset", ["all", "own"])
def test_distances_ranked_by_l2_ask_what_centroid_accuracy_asks(name, subset):
    genes = GeneSubset("own", own=tuple(evaluation(name).benchmark.genes[:300])) if subset == "own" else SUBSETS["all"]
    one, other = (
        rank(score(evaluation(name), m, "control", genes)).table["rank"] for m in ("pds@l2", "centroid_accuracy")
    )
    assert one.to_dict() == other.to_dict()
    assert SAME_QUESTION["pds@l2"] == "centroid_accuracy"


def test_two_constants_share_the_first_place():
    found = rank(score(evaluation("demo"), "centroid_accuracy", methods=["no_change", "mean"]))
    assert "share first place" in captions.headline(found) and "is first" not in captions.headline(found)


def test_few_perturbations_tell_nothing_apart():
    scores = score(evaluation("demo"), "l2")
    labels = scores.rows["perturbation"]
    for n, said in (
        (2, "2 perturbations are too few to tell methods apart (at least 10)"),
        (1, "one perturbation is too"),
    ):
        found = rank(scores.select(keep=labels.isin(labels.unique()[:n]).to_numpy()))
        assert said in captions.headline(found) and "draws" not in captions.headline(found)
        assert captions.uncertainty(found).startswith("No intervals: ")
        columns = ["low", "high", "rank_low", "rank_high", "p_first"]
        assert found.table[columns].isna().all(axis=None) and found.table["score"].notna().all()
        assert not any(found.separable(a, b) for a in found.defined for b in found.defined if a != b)
