"""What is drawn: points stand at the values of their names, better lies right, intervals have two right ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import save
from perturbviz.panels.figures import calibration as calibration_figures
from perturbviz.panels.figures import linear as linear_figures
from perturbviz.panels.figures import rankings as ranking_figures
from perturbviz.panels.figures.theme import figure_dict
from perturbviz.report import Item
from perturbviz.report.content import sections
from perturbviz.scoring.view import View
from tests.charts import figures
from tests.pages.conftest import open_page
from tests.wiring.test_scores import agree
from tests.wiring.world import BASELINES, METHODS

__all__ = ["open_page"]  # a fixture
EVERY = (*METHODS, *BASELINES)
Charts = Callable[..., dict[str, dict[str, Any]]]
DIRECTIONS = {"l2": ("none", "lower"), "pearson_delta": ("perturbation", "higher")}


@pytest.fixture
def charts(bench, tmp_path, monkeypatch, open_page) -> Charts:
    """``charts(page, metric="l2")``: the charts of a page on the one data set, by key."""
    save(bench, tmp_path / "world.h5ad")
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))

    def open_(page: str, **query: str) -> dict[str, dict[str, Any]]:
        at = open_page(page, data="file:world.h5ad", **{"genes": "own", "own": "g07,A,g31,g03,g19,g12", **query})
        return {f["key"]: f for f in figures(at)}

    return open_


def right(axis: Mapping[str, Any], a: float, b: float) -> bool:
    """Whether a value is drawn right of (or above) another on this axis."""
    low, high = axis.get("range") or ((1, 0) if axis.get("autorange") == "reversed" else (0, 1))
    return (a > b) == (high > low)


def trace(figure: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(t for t in figure["data"] if name in (t.get("uid"), t.get("name")))


def averages(world, metric: str, reference: str, key: str = "own", rows=None) -> dict[str, float]:
    rows = world.common(world.scored(), EVERY) if rows is None else rows
    out = {}
    for method in EVERY:
        values = [v for row in rows if not np.isnan(v := world.value(metric, reference, key, method, row, rows))]
        out[method] = float(np.mean(values)) if values else np.nan
    return out


def check_order(figure: Mapping[str, Any], expected: Mapping[str, float], better: str) -> None:
    """Dots of a ranking: at the averages, best on top and to the right."""
    dots = trace(figure, "score")
    drawn = dict(zip(dots["ids"], np.asarray(dots["x"], float), strict=True))
    assert {m for m, v in expected.items() if not np.isnan(v)} == set(drawn)
    for method, value in drawn.items():
        assert agree(value, expected[method]), method
    height = dict(zip(dots["ids"], np.asarray(dots["y"], float), strict=True))
    for a in drawn:
        for b in drawn:
            gain = (drawn[a] - drawn[b]) * (1 if better == "higher" else -1)
            if gain > 1e-6:
                assert right(figure["layout"]["xaxis"], drawn[a], drawn[b]), (a, b)
                assert right(figure["layout"]["yaxis"], height[a], height[b]), (a, b)


def check_ends(dots: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Intervals reach from low to high."""
    for i, method in enumerate(dots["ids"]):
        x, up, down = (float(v[i]) for v in (dots["x"], dots["error_x"]["array"], dots["error_x"]["arrayminus"]))
        assert not up < 0 and not down < 0
        assert agree(x + up, table["high"][method]) and agree(x - down, table["low"][method])


# -- figures -------------------------------------------------------------------------------------------------------
def lopsided(better: str) -> pd.DataFrame:
    """A ranking whose intervals reach much farther up than down, best first."""
    score = [3.0, 2.0, 1.0] if better == "higher" else [1.0, 2.0, 3.0]
    place = [1.0, 2.0, 3.0]
    return pd.DataFrame(
        {
            **{"name": ["P", "Q", "R"], "score": score, "low": np.array(score) - 0.1, "high": np.array(score) + 0.7},
            **{"rank": place, "rank_low": place, "rank_high": place, "n": 9, "p_first": [1.0, 0, 0], "reason": ""},
            **{"raw": score, "tier": [1, 2, 3], "n_units": 9, "interval": ""},
        },
        index=["p", "q", "r"],
    )


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_intervals_reach_from_low_to_high_and_better_is_right_and_above(better):
    table, colours = lopsided(better), dict.fromkeys("pqr", "#123456")
    score = dict(table["score"])
    order = ranking_figures.order(table, colours, "axis", None, better == "higher")
    drawn = {"data": order.data, "layout": order.layout}
    check_ends(trace(drawn, "score"), table)
    check_order_of(drawn, "score", score, better)
    points = pd.DataFrame({m: [s - 0.5, s + 0.5] for m, s in score.items()}, index=["A", "B"])
    standing = linear_figures.standing(table, points, colours, "axis", better == "higher", [])
    drawn = {"data": standing.data, "layout": standing.layout}
    check_ends(trace(drawn, "means"), table)
    check_order_of(drawn, "means", score, better)


def check_order_of(figure: Mapping[str, Any], name: str, score: Mapping[str, float], better: str) -> None:
    dots = trace(figure, name)
    first, *_, last = sorted(score, key=score.__getitem__, reverse=better == "higher")
    at = {m: (float(x), float(y)) for m, x, y in zip(dots["ids"], dots["x"], dots["y"], strict=True)}
    assert right(figure["layout"]["xaxis"], at[first][0], at[last][0])
    assert right(figure["layout"]["yaxis"], at[first][1], at[last][1])


def test_intervals_on_the_calibrated_scale_reach_from_low_to_high():
    table = lopsided("higher")
    drawn = calibration_figures.calibrated(table, dict.fromkeys("pqr", "#123456"), ("empty", "replicate"))
    check_ends(next(t for t in drawn.data if "error_x" in t), table)


# -- pages ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("metric", DIRECTIONS)
def test_the_home_page_draws_each_method_at_its_score_with_better_to_the_right(world, charts, metric):
    reference, better = DIRECTIONS[metric]
    drawn = charts("rankings", metric=metric, **({"ref": reference} if reference != "none" else {}), avg="mean")
    check_order(drawn["order"], averages(world, metric, reference), better)
    bump = drawn["bump"]
    labels = list(bump["layout"]["xaxis"]["ticktext"])
    column = next(i for i, label in enumerate(labels) if label in ("L2", "rΔ vs pert. mean"))
    assert right(bump["layout"]["yaxis"], 1, 2)  # the first place is on top
    score = averages(world, *(("l2", "none") if labels[column] == "L2" else ("pearson_delta", "perturbation")))
    sign = 1 if labels[column] == "L2" else -1
    place = {t["uid"].removeprefix("bump-"): float(t["y"][column]) for t in bump["data"]}
    for method, value in score.items():
        others = [v for v in score.values() if not np.isnan(v)]
        ahead = sum(sign * v < sign * value - 1e-6 for v in others)
        tied = sum(abs(v - value) <= 1e-6 for v in others)
        assert agree(place[method], np.nan if np.isnan(value) else ahead + (tied + 1) / 2), method


def test_swarms_hold_every_perturbation_of_every_method(world, charts):
    drawn = charts("errors", metric="mse", rows="own")
    seen = {}
    for key, y in zip(*(trace(drawn["distribution"], "swarms")[k] for k in ("ids", "y")), strict=True):
        method, context, name = key.split("|")
        seen[method, context, name] = float(y)
    for method in EVERY:
        for context, name in world.rows:
            rows = [r for r in world.scored() if r[1:] == (context, name)]
            values = [v for r in rows if not np.isnan(v := world.value("mse", "none", "own", method, r))]
            found = seen.pop((method, context, name), np.nan)
            assert agree(found, float(np.mean(values)) if values else np.nan), (method, context, name)
    assert not seen
    differences, first = trace(drawn["paired"], "swarms"), "additive"
    for key, y in zip(differences["ids"], differences["y"], strict=True):
        method, context, name = key.split("|")
        rows = [r for r in world.scored() if r[1:] == (context, name)]
        pairs = [[world.value("mse", "none", "own", m, r) for m in (method, first)] for r in rows]
        assert agree(float(y), float(np.nanmean([a - b for a, b in pairs]))), key
    for curve in drawn["over-n"]["data"]:
        method = curve["uid"].removeprefix("curve-")
        n = list(curve["x"]).index(12)
        assert agree(float(curve["y"][n]), averages(world, "mse", "none", "expressed:12", world.scored())[method])


@pytest.mark.parametrize(("seed", "context", "name"), [("2", "y", "A+C"), ("1", "x", "A+E")])
def test_profiles_are_those_of_the_named_perturbation_in_its_seed_and_context(world, charts, seed, context, name):
    query = {"p": name, "seed": seed, "context": context, "ref": "perturbation", "rows": "own"}
    drawn = charts("profiles", metric="pearson_delta", genes="all", **query)["profile"]
    minus = world.mean(seed, context)
    for t in drawn["data"]:
        method = str(t.get("uid", "")).removeprefix("points-")
        if method not in EVERY:
            continue
        for gene, x, y in zip(t["ids"], t["x"], t["y"], strict=True):
            i = world.genes.index(gene)
            assert agree(float(x), (world.truth[context, name] - minus)[i])
            assert agree(float(y), (world.predicted(method, seed, context, name) - minus)[i])


def test_calibration_draws_the_empty_prediction_across_and_the_replicate_up(world, charts):
    drawn = charts("calibration", metric="mse", pos="duplicate")["paired"]
    seen = set()
    for t in drawn["data"]:
        for text, x, y in zip(t.get("text", []), t["x"], t["y"], strict=False):
            name, context, seed = text.split(" · ")
            row = (seed.removeprefix("seed "), context, name)
            assert agree(float(x), world.value("mse", "none", "own", "mean", row, truth="half_a")), row
            assert agree(float(y), world.value("mse", "none", "own", "duplicate", row, truth="half_a")), row
            assert t["uid"] == ("paired-better" if y < x else "paired-worse")
            seen.add(row)
    assert seen == set(world.scored(truth="half_a"))


def test_both_axes_of_the_goodhart_plane_have_better_at_the_upper_right(world, charts):
    pair = {"mx": "l2:none", "my": "pearson_delta:perturbation"}
    drawn = charts("goodhart", rows="own", **pair)["plane"]
    at, layout = trace(drawn, "methods"), drawn["layout"]
    for axis, metric in (("x", "l2"), ("y", "pearson_delta")):
        reference, better = DIRECTIONS[metric]
        expected = averages(world, metric, reference, rows=world.scored())
        for method, value in zip(at["ids"], at[axis], strict=True):
            assert agree(float(value), expected[method]), (axis, method)
        assert right(layout[f"{axis}axis"], 1, 2) == (better == "lower")


@pytest.mark.parametrize("metric", DIRECTIONS)
def test_a_report_draws_each_method_at_its_score_with_better_to_the_right(world, bench, metric):
    reference, better = DIRECTIONS[metric]
    view = View(metric=metric, ref="control" if reference == "none" else reference, genes="expressed", n=12)
    (section,) = sections([Item(bench, view)])
    expected = averages(world, metric, reference, "expressed:12")
    for method, line in section.table.iterrows():
        assert agree(line["score"], expected[method])
    drawn = {panel.key: figure_dict(panel.figure) for panel in section.panels}
    check_order(drawn["order"], expected, better)
    check_ends(trace(drawn["order"], "score"), section.table)
