"""The Calibration page, the badge in the sidebar and the controls in the charts, without a browser."""

import json

import numpy as np
import pytest

from perturbviz.benchmark import load
from perturbviz.calibration import calibration_map
from perturbviz.evaluation import Evaluation
from perturbviz.genesets import GeneSubset
from perturbviz.ui import cache_calibration
from tests.charts import figures
from tests.pages.conftest import ROOT, unfold


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def test_the_page_shows_what_the_package_computes(open_page):
    at = open_page("calibration", metric="wmse", genes="de", n="50")
    assert {f["key"] for f in figures(at)} == {"paired", "drf", "scale", "variation", "map"}
    (one,) = calibration_map(
        Evaluation(load(ROOT / "data" / "demo.h5ad")), [GeneSubset("de", 50)], pairs=[("wmse", "none")]
    )
    median = next(t for t in chart(at, "drf")["data"] if t.get("uid") == "median")
    assert median["y"][0] == pytest.approx(one.drf)
    assert f"{one.drf:.2f}" in next(m.value for m in at.markdown if "dynamic range fraction" in m.value)
    drawn = chart(at, "map")["data"]
    clicks = {json.dumps(json.loads(c)) for c in next(t for t in drawn if t.get("uid") == "cells")["customdata"]}
    assert json.dumps({"metric": "wmse", "genes": "de", "n": 50}) in clicks  # the reference stays as it is
    assert json.dumps({"metric": "pearson_delta", "genes": "de", "n": 50, "ref": "control"}) in clicks
    z = np.asarray(next(t for t in drawn if t.get("uid") == "map")["z"], float)
    assert np.isclose(z[:, 2], one.drf, atol=1e-6).any()  # third column: DE genes
    assert not at.dataframe and np.isclose(unfold(at, "map_table").dataframe[0].value["drf"], one.drf).any()


def badges(at):
    return [m.value for m in at.sidebar.markdown if "-badge[" in m.value]


def test_the_badge_is_the_verdict_of_the_page(open_page):
    at = open_page("calibration", metric="wmse", genes="all")
    assert any(":green-badge[calibrated here]" in b for b in badges(at))
    at.selectbox(key="metric").set_value("mae").run()
    at.run()  # what was not known at once is at the next run
    assert any(":orange-badge[narrow here]" in b for b in badges(at))


def test_the_controls_are_drawn_and_half_of_the_cells_is_then_the_truth(open_page):
    at = open_page(controls="1", metric="pearson_delta")
    order = next(f for f in figures(at) if f["key"] == "order")["data"][0]
    symbols = dict(zip(order["ids"], order["marker"]["symbol"], strict=True))
    assert {m for m, s in symbols.items() if s == "circle-open"} == {"duplicate", "interpolated-duplicate", "shuffled"}
    assert at.session_state["truth"] == "half_a"
    bump = chart(at, "bump")["data"]
    assert {t["uid"] for t in bump if t["line"]["dash"] == "dash"} >= {"bump-duplicate", "bump-shuffled"}
    unfold(at, "_more").toggle(key="_controls").set_value(False).run()
    assert at.session_state["truth"] == "all"
    assert "controls" not in at.query_params
    at.toggle(key="scaled").set_value(True).run()
    scale = dict(zip(*(chart(at, "order-calibrated")["data"][0][k] for k in ("ids", "x")), strict=True))
    assert scale["mean"] == pytest.approx(0)


@pytest.fixture
def few_comparisons(monkeypatch):
    """As if every comparison took long; which metrics a map has is asked anew, before and after."""
    monkeypatch.setattr("perturbviz.scores.COMPARISONS", 0)
    cache_calibration._mapped.cache_clear()
    yield
    cache_calibration._mapped.cache_clear()


@pytest.mark.usefixtures("few_comparisons")
def test_metrics_that_would_take_minutes_are_left_out_of_the_map_by_name(open_page):
    at = open_page("calibration", metric="mse", genes="expressed", n="31")
    assert "Centroid accuracy" in next(c.value for c in at.caption if c.value.startswith("Not among them:"))
    labels = chart(at, "map")["layout"]["yaxis"]["ticktext"]
    assert not {"CA", "PDS", "rank"} & set(labels) and {"MSE", "DE∩ vs control"} <= set(labels)


def test_notes_say_how_many_of_the_points_are_drawn(open_page, monkeypatch):
    before = open_page("calibration", metric="mse")
    assert not any("an even choice between" in chart(before, key)["note"] for key in ("paired", "drf", "variation"))
    monkeypatch.setattr("perturbviz.figures.calibration.MOST", 16)
    at = open_page("calibration", metric="mse")
    for key, uids in {
        "paired": ("paired-True", "paired-False"),
        "drf": ("drf",),
        "variation": ("variation",),
    }.items():
        drawn, every = (
            sum(len(t["ids"]) for t in chart(page, key)["data"] if t.get("uid") in uids) for page in (at, before)
        )
        assert drawn == 16 < every and f"16 of {every}." in chart(at, key)["note"]
