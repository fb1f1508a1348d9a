"""The ceiling of simulated data: what a perfect prediction of the mean scores, outside all ranks."""

from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.calibration.ceiling import CEILING, CEILING_NAME, ceiling, has_ceiling, with_ceiling
from perturbviz.benchmark import load
from perturbviz.errors import UserError
from perturbviz.panels.figures.rankings import order
from perturbviz.panels.figures.rules import ceiling_line
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import average, rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View

DEMO = Path(__file__).parents[3] / "data" / "demo.h5ad"


@pytest.fixture(scope="module")
def demo():
    return Evaluation(load(DEMO))


@pytest.mark.parametrize(
    ("metric", "value"), [("l2", 2.846), ("centroid_accuracy", 1.0), ("sd_ratio", 0.998), ("mse", 0.00817)]
)
def test_a_perfect_mean_gets_its_reference_numbers(demo, metric, value):
    found = ceiling(demo, View(metric=metric), demo.methods)
    assert found.methods == (CEILING,) and found.names == (f"{CEILING_NAME}†",)
    assert float(average(found.values[0], "mean")) == pytest.approx(value, rel=1e-2)


def test_no_method_of_the_demo_reaches_it(demo):
    view = View(metric="l2")
    best = rank(score_view(demo, view)).table["score"].min()
    assert best == pytest.approx(4.292, rel=1e-2) and best > np.nanmean(ceiling(demo, view, demo.methods).values)


def test_it_is_a_control_of_data_that_know_it_and_no_method_of_theirs(demo, make_benchmark):
    assert has_ceiling(demo.benchmark) and CEILING not in demo.methods
    controlled = with_ceiling(demo.benchmark)
    assert controlled.about(CEILING)["kind"] == "control" and controlled.sees_truth(CEILING)
    real = make_benchmark(np.ones((2, 3)), ["a", "b"])
    assert not has_ceiling(real)
    with pytest.raises(UserError, match="Only simulated data"):
        with_ceiling(real)


def test_it_is_scored_on_the_rows_that_are_compared(demo):
    few = View(metric="l2", seed="2", genes="all")
    values = ceiling(demo, few, demo.methods).values
    rows = np.flatnonzero(demo.rows["seed"] == "2")
    obs = demo.rows["obs"].to_numpy()[rows]
    expected = demo.benchmark.layers["expected"][obs].astype(float)
    np.testing.assert_allclose(values[0], np.linalg.norm(demo.truth(rows) - expected, axis=1), rtol=1e-6)
    half = Evaluation(demo.benchmark, truth_from="half_a")
    assert np.nanmean(ceiling(half, few, half.methods).values) > np.mean(values)  # half of the cells, more noise


def test_its_line_crosses_the_whole_figure(demo):
    table = rank(score_view(demo, View(metric="l2"))).table
    plain = order(table, dict.fromkeys(table.index, "#000000"), "L2")
    drawn = ceiling_line(plain, 2.85, "Perfect", upright=True)
    drawn.figure()  # Plotly takes it
    line = drawn.data[-1]
    assert line["x"] == [2.85, 2.85] and line["y"] == [-0.5, len(table) - 0.5] and line["line"]["dash"] == "dash"
    assert len(plain.data) + 1 == len(drawn.data) and drawn.layout["annotations"][-1]["text"] == "Perfect"
