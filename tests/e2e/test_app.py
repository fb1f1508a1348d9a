"""In the browser, as a new user: find a flip, share it, add a prediction, open real data."""

import functools
import http.server
import re
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from tests.charts import says_what_it_is_about
from tests.e2e.conftest import RANKINGS, ROOT, open_app

SHARED = ROOT.parent / "shared" / "data"

ORDER = """() => { const gd = [...document.querySelectorAll('.js-plotly-plot')]
  .find((g) => g._fullLayout.title.text.includes('how surely'));
  const t = gd._fullData[0]; return Object.fromEntries(t.ids.map((id, i) => [id, t.x[i]])); }"""


def expected(**view):
    evaluation = Evaluation(load(ROOT / "data" / "demo.h5ad"))
    return rank(score_view(evaluation, View(**view))).table["score"].dropna()


def assert_drawn(app, table):
    drawn = app.page.evaluate(ORDER)
    assert list(drawn) == list(table.index)
    np.testing.assert_allclose(list(drawn.values()), table, rtol=1e-6)


def test_a_click_on_the_reference_flips_the_ranking_and_the_link_keeps_it(app):
    app.open("?metric=pearson_delta", RANKINGS, charts=4)
    assert_drawn(app, expected(metric="pearson_delta"))
    app.pick("pert. mean", View(metric="pearson_delta", ref="perturbation").token, charts=4)
    table = expected(metric="pearson_delta", ref="perturbation")
    assert_drawn(app, table)
    assert table.index[0] != expected(metric="pearson_delta").index[0]
    said = app.page.locator(".st-key-pv-said")
    said.get_by_text("is now first").wait_for()
    said.get_by_text("Perturbation mean has no score: it is the reference.").wait_for()
    assert "ref=perturbation" in app.page.url
    app.page.reload()
    app.wait(RANKINGS, token=View(metric="pearson_delta", ref="perturbation").token, charts=4)
    assert_drawn(app, table)


def test_the_back_button_goes_back_to_the_view_before(app):
    app.open("?metric=mse", RANKINGS, charts=2)
    app.pick("DE", View(metric="mse", genes="de").token, charts=4)
    app.page.go_back()
    app.wait(RANKINGS, token=View(metric="mse").token, charts=4)


def test_nothing_is_drawn_twice_for_one_click(app):
    app.open("?metric=pearson_delta", RANKINGS, charts=4)
    app.choices().still()
    before = [c["draws"] for c in app.charts()]
    app.pick("pert. mean", View(metric="pearson_delta", ref="perturbation").token, charts=4)
    app.still()
    assert [c["draws"] - b for c, b in zip(app.charts(), before, strict=True)] == [1] * len(before)


def test_what_is_not_drawn_yet_does_not_fade(app):
    app.open("", RANKINGS, charts=2)
    app.page.evaluate("() => { document.querySelector('.stElementContainer').dataset.stale = 'true'; }")
    style = """() => { const s = getComputedStyle(document.querySelector('.stElementContainer'));
      return [s.transitionProperty, s.opacity]; }"""
    assert app.page.evaluate(style) == ["none", "1"]


def test_the_downloads_stand_side_by_side_under_each_chart(app):
    app.open("", RANKINGS, charts=4)
    for key in ("order", "bump"):
        frame = app.page.locator(f".st-key-pv-frame-{key}")
        svg, csv = (frame.get_by_role("button", name=name).bounding_box() for name in (re.compile("^SVG"), "CSV"))
        box = frame.bounding_box()
        assert abs(svg["y"] - csv["y"]) < 2 and svg["x"] + svg["width"] <= csv["x"] + 1
        assert abs(csv["y"] + csv["height"] - box["y"] - box["height"]) < 3
        assert abs(csv["x"] + csv["width"] - box["x"] - box["width"]) < 4
    figures_say_what_they_are_about(app.page, frame)


def figures_say_what_they_are_about(page, frame):
    """SVG as shown and for a paper, and CSV, of one chart: data set, simulated, four questions, source, link."""
    for name, opens in (("SVG: How does", ""), ("SVG for a paper, 180 mm wide", "More sizes"), ("CSV", "")):
        if opens:
            frame.get_by_role("button", name=re.compile(opens)).click()
        with page.expect_download() as taken:
            frame.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).press("Enter")
        says_what_it_is_about(taken.value.path(), taken.value.suggested_filename, "Demo: simulated screen")


def test_a_point_of_the_bump_chart_opens_its_view(app):
    app.open("?metric=l2", RANKINGS, charts=4)
    place = app.page.evaluate(
        """() => { const gd = [...document.querySelectorAll('.js-plotly-plot')].at(-1), l = gd._fullLayout;
          gd.scrollIntoView();
          const t = gd._fullData[0], labels = l.xaxis.ticktext.map((s) => s.replace(/<.*?>/g, ' '));
          const i = labels.findIndex((s) => /^centroid\\W+accuracy/i.test(s));
          const box = gd.getBoundingClientRect();
          return [box.x + l.xaxis._offset + l.xaxis.c2p(t.x[i]), box.y + l.yaxis._offset + l.yaxis.c2p(t.y[i])]; }"""
    )
    app.page.mouse.move(*place)
    app.page.mouse.click(*place)
    app.wait(RANKINGS, token=View(metric="centroid_accuracy").token, charts=4)


def test_a_prediction_from_a_csv_is_checked_then_ranked(app, tmp_path):
    b = load(ROOT / "data" / "demo.h5ad")
    rows = ~b.is_control
    rng = np.random.default_rng(3)
    table = pd.DataFrame(b.truth[rows] + rng.normal(0, 0.01, b.truth[rows].shape), b.conditions[rows], b.genes)
    path = tmp_path / "my <b>model.csv"
    table.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=1).to_csv(path)

    app.open("data", "Which data, whose predictions?")
    app.page.get_by_role("radio", name="Add your own").click()
    app.page.locator('input[type="file"]').set_input_files(path)
    app.page.get_by_role("button", name="Add to the ranking").click(timeout=120_000)
    app.page.get_by_text("Added. It is now among the methods on every page.").wait_for(timeout=120_000)
    app.page.get_by_role("link", name="Rankings").click()
    app.wait(RANKINGS, charts=4)
    assert next(iter(app.page.evaluate(ORDER))).startswith("my-b-model")


def test_a_bad_file_gets_a_sentence_and_changes_nothing(app, tmp_path):
    path = tmp_path / "broken.h5ad"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 200)
    app.open("data", "Which data, whose predictions?")
    app.page.get_by_role("radio", name="Add your own").click()
    app.page.locator('input[type="file"]').set_input_files(path)
    alert = app.page.get_by_test_id("stAlert").filter(has_text="broken.h5ad")
    alert.wait_for(timeout=120_000)
    assert "Traceback" not in app.page.content()
    app.page.get_by_role("link", name="Rankings").click()
    app.wait(RANKINGS, charts=4)
    assert_drawn(app, expected())


@pytest.mark.skipif(not SHARED.exists(), reason="the real data of ../shared/data are not here")
def test_norman_is_one_click_away_and_flips(browser, serve, tmp_path_factory):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=SHARED)
    handler.log_message = lambda *_: None
    mirror = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=mirror.serve_forever, daemon=True).start()
    cache = str(tmp_path_factory.mktemp("cache"))
    url = serve(PERTURBVIZ_MIRROR=f"http://127.0.0.1:{mirror.server_port}", PERTURBVIZ_CACHE=cache)
    for app in open_app(browser, url):
        app.open("", RANKINGS, charts=2)
        app.page.get_by_role("button", name="Open Norman (real)").click()
        app.wait(RANKINGS, token="data=norman&metric=pearson_delta&genes=all", charts=4)
        app.page.goto(f"{url}/?data=norman")
        app.wait(RANKINGS, token="data=norman&genes=all", charts=4)
        l2 = app.page.evaluate(ORDER)
        assert round(l2["half_sum"], 1) == 17.2
        assert round(l2["additive"], 1) == 19.3
        app.page.goto(f"{url}/?data=norman&genes=all&metric=pearson_delta&ref=perturbation")
        app.wait(RANKINGS, charts=4)
        delta = app.page.evaluate(ORDER)
        assert (round(delta["additive"], 3), round(delta["half_sum"], 3)) == (0.620, 0.594)
    mirror.shutdown()
    assert (Path(cache) / "norman_pseudobulk.npz").exists()
