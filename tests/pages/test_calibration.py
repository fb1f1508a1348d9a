"""The Calibration page, the badge in the sidebar and the controls in the charts, without a browser."""

import json
import shutil

import numpy as np
import pytest

from perturbviz.analyses.calibration import calibration_map
from perturbviz.benchmark import Benchmark, load, save
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
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
    assert any(":green-badge[calibrated: interpolated duplicate]" in b for b in badges(at))
    at.selectbox(key="metric").set_value("mae").run()
    at.run()  # what was not known at once is at the next run
    assert any(":orange-badge[little headroom: interpolated" in b for b in badges(at))


def test_both_replicates_are_named_everywhere_where_they_disagree(open_page):
    at = open_page("calibration", metric="l2", genes="all")
    at.run()
    both = "little headroom: interpolated · inverted: technical"
    assert any(both in b for b in badges(at))
    said = " ".join(m.value for m in at.main.markdown)
    assert both in said
    assert "tells the interpolated duplicate from the perturbation mean" in said
    assert "ranks the perturbation mean above the technical duplicate" in said
    assert "better for 23, equal for 0, worse for 52 of 75 perturbations" in said
    questions = [chart(at, key)["question"] for key in ("paired", "drf", "scale", "map")]
    assert all("interpolated duplicate" in q for q in questions)
    at.selectbox(key="pos").set_value("duplicate").run()
    assert all("technical duplicate" in chart(at, key)["question"] for key in ("paired", "drf", "scale", "map"))
    assert "With the interpolated duplicate" in chart(at, "map")["note"]


def test_data_without_replicates_offer_data_that_have_them(open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    whole = load(ROOT / "data" / "demo_context_b.h5ad").adata.copy()
    for layer in ("half_a", "half_b", "se"):
        whole.layers.pop(layer, None)
    save(Benchmark.from_adata(whole), tmp_path / "plain.h5ad")
    at = open_page("calibration", data="file:plain.h5ad")
    assert any("not known what a replicate" in i.value for i in at.info)
    assert not any("--" in i.value or "python -m" in i.value for i in at.info)
    button = at.button(key="offered_data")
    assert "CaRPool-seq" in button.label
    real = ROOT.parent / "shared" / "data" / "carpool_thp1_pseudobulk.npz"
    if not real.is_file():
        pytest.skip(f"{real.name} is not here")
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    shutil.copy(real, tmp_path / "cache" / real.name)
    button.click().run()
    assert at.session_state["data"] == "carpool" and not at.exception
    assert "technical duplicate" in chart(at, "paired")["question"]


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
    monkeypatch.setattr("perturbviz.scoring.scores.COMPARISONS", 0)
    cache_calibration.mapped.clear()
    yield
    cache_calibration.mapped.clear()


@pytest.mark.usefixtures("few_comparisons")
def test_metrics_that_would_take_minutes_are_left_out_of_the_map_by_name(open_page):
    at = open_page("calibration", metric="mse", genes="expressed", n="31")
    assert "Centroid accuracy" in next(c.value for c in at.caption if c.value.startswith("Not among them:"))
    labels = chart(at, "map")["layout"]["yaxis"]["ticktext"]
    assert not {"centroid accuracy", "PDS", "PerturBench rank"} & set(labels)
    assert {"MSE", "DE overlap vs control"} <= set(labels)


def test_notes_say_how_many_of_the_points_are_drawn(open_page, monkeypatch):
    before = open_page("calibration", metric="mse")
    assert not any("extremes included" in chart(before, key)["note"] for key in ("paired", "drf", "variation"))
    monkeypatch.setattr("perturbviz.panels.figures.calibration.MOST", 16)
    at = open_page("calibration", metric="mse")
    for key, uids in {
        "paired": ("paired-better", "paired-equal", "paired-worse"),
        "drf": ("drf",),
        "variation": ("variation",),
    }.items():
        drawn, every = (
            sum(len(t["ids"]) for t in chart(page, key)["data"] if t.get("uid") in uids) for page in (at, before)
        )
        assert drawn == 16 < every and f"16 of {every} points drawn" in chart(at, key)["note"]
