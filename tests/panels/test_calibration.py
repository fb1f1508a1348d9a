"""Panels of calibration on two data sets: what they say are the numbers they bring."""

import json

import numpy as np
import pytest

from perturbviz.analyses.calibration import calibration_map, systematic_variation
from perturbviz.benchmark import load
from perturbviz.panels import calibration as panels
from perturbviz.panels.figures.calibration import MARKS
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.view import View
from tests.pages.conftest import ROOT
from tests.panels.test_panels import said
from tests.wiring.world import World

PAIRS = (("mse", "none"), ("pearson_delta", "control"), ("pearson_delta", "perturbation"))


@pytest.fixture(scope="module", params=["demo", "world"])
def benchmark(request):
    return load(ROOT / "data" / "demo.h5ad") if request.param == "demo" else World().benchmark


@pytest.fixture(scope="module")
def judged(benchmark):
    """All three settings on all genes, on DE genes the first two."""
    evaluation = Evaluation(benchmark)
    every, de = View(genes="all").subset, View(genes="de", n=7).subset
    found = calibration_map(evaluation, [every], "duplicate", PAIRS)
    return found + calibration_map(evaluation, [de], "duplicate", PAIRS[:2])


def test_points_counts_and_table_are_of_the_same_values(judged):
    for found in judged:
        panel, numbers = panels.paired(found), panels.paired(found).numbers()
        said(panel)
        better = found.card.goodness(numbers["positive"]) > found.card.goodness(numbers["negative"])
        assert f"The technical duplicate is better in {int(better.sum())}" in panel.caption
        assert len(numbers) == len(found.rows) and panel.axes == (found.metric, found.reference)
        fraction = panels.fractions(found)
        said(fraction)
        median = next(t for t in fraction.figure.data if t.get("uid") == "median")
        assert median["y"][0] == pytest.approx(np.nanmedian(fraction.numbers()["drf"]))
        assert f"covers {median['y'][0]:.0%}." in fraction.caption and f"{median['y'][0]:.2f}" in fraction.alt


def test_every_cell_of_the_map_opens_what_it_shows(benchmark, judged):
    columns = [View(genes="all"), View(genes="de", n=7)]
    here = View(metric="pearson_delta", ref="control", genes="de", n=7)
    panel = panels.verdicts(judged, PAIRS, columns, here, "duplicate", benchmark.adata.n_vars)
    said(panel)
    assert panel.question == "Which metrics can tell the technical duplicate from the average?"
    assert list(panel.numbers()["drf"]) == [c.drf for c in judged] and f"Of {len(judged)} settings" in panel.caption
    z = next(t for t in panel.figure.data if t.get("uid") == "map")["z"]
    assert np.isnan(z).sum() == 1  # not judged on DE genes
    clicks = next(t for t in panel.figure.data if t.get("uid") == "cells")
    by_cell = {(round(x), round(y)): c for x, y, c in zip(clicks["x"], clicks["y"], clicks["customdata"], strict=True)}
    rows = list(dict.fromkeys((c.metric, c.reference) for c in judged))
    for one in judged:
        place = (0 if one.genes == "all" else 1, rows.index((one.metric, one.reference)))
        opened = panels.clicked(by_cell[place])
        assert (opened["metric"], opened.get("ref", "none")) == (one.metric, one.reference)
        assert z[place[1], place[0]] == pytest.approx(one.drf, abs=1e-6)
        assert json.loads(by_cell[place])["genes"] == one.genes.partition(":")[0]
    ring = panel.figure.layout["shapes"][-1]
    assert ((ring["x0"] + ring["x1"]) / 2, (ring["y0"] + ring["y1"]) / 2) == (1, rows.index(PAIRS[1]))
    assert all(MARKS[c.verdict] in panel.caption for c in judged)


def test_the_shared_shift_is_that_of_the_table(benchmark):
    found = systematic_variation(Evaluation(benchmark))
    panel = panels.variation(found)
    said(panel)
    mean = panel.numbers()["cosine"].mean()
    assert found.score == pytest.approx(mean) and f"{mean:.2f}" in panel.alt and f"{mean:.2f}" in panel.caption
