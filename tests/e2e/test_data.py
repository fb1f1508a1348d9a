"""In the browser: the Data page. Colours, one's own CSV on Norman, the paper's file by its mirror, privacy."""

import re

import pandas as pd
import pytest

from perturbviz.catalogue.download import open_dataset
from tests.catalogue.test_published import published
from tests.e2e.conftest import RANKINGS, ROOT, open_app

HEADING = "Which data, whose predictions?"
SHARED = ROOT.parent / "shared" / "data"
DRAWN = """() => JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map((g) => g._fullData.map((t) =>
  [t.marker?.color, t.line?.color])))"""
ORDER = """() => { const gd = [...document.querySelectorAll('.js-plotly-plot')]
  .find((g) => g._fullLayout.title.text.includes('how surely')); return gd._fullData[0].ids; }"""


def add_file(app, path):
    app.page.get_by_role("radio", name="Add your own").click()
    app.page.locator('input[type="file"]').set_input_files(path)
    app.page.get_by_role("button", name="Add to the ranking").click(timeout=120_000)
    app.page.get_by_text("Added. It is now among the methods on every page.").wait_for(timeout=120_000)


def test_a_colour_is_picked_and_holds_on_other_pages(app):
    app.open("data", HEADING)
    app.page.get_by_text("Colours of the methods").click()
    app.page.get_by_test_id("stColorPickerBlock").first.click()
    field = app.page.locator("input[id^='rc-editable-input']").first
    field.fill("#0FA3B1")
    field.press("Enter")
    app.page.keyboard.press("Escape")
    app.page.wait_for_url(re.compile(r"col="), timeout=60_000)
    app.page.get_by_role("link", name="Rankings").click()
    app.wait(RANKINGS, charts=4)
    assert "#0fa3b1" in app.page.evaluate(DRAWN).lower()
    assert "col=additive-twist" in app.page.url
    app.page.reload()
    app.wait(RANKINGS, charts=4)
    assert "#0fa3b1" in app.page.evaluate(DRAWN).lower()


@pytest.mark.skipif(not SHARED.exists(), reason="the real data of ../shared/data are not here")
def test_an_own_csv_is_ranked_on_norman_and_nobody_else_sees_it(browser, serve, serve_folder, tmp_path):
    mirror, cache = serve_folder(SHARED), str(tmp_path / "cache")
    norman = open_dataset("norman", cache, mirror)
    rows = norman.n_perturbed == 2
    table = pd.DataFrame(norman.truth[rows] * 0.9, norman.conditions[rows], norman.genes)
    table.sample(frac=1, random_state=0).sample(frac=1, axis=1, random_state=0).to_csv(tmp_path / "shrunk.csv")
    url = serve(PERTURBVIZ_MIRROR=mirror, PERTURBVIZ_CACHE=cache)
    for app in open_app(browser, url):
        app.open("data?data=norman", HEADING)
        app.page.get_by_text("the talk says 101 singles").wait_for()
        add_file(app, tmp_path / "shrunk.csv")
        app.page.get_by_role("link", name="Rankings").click()
        app.wait(RANKINGS, charts=4)
        assert app.page.evaluate(ORDER)[0] == "shrunk"
        mine = re.search(r"data=([0-9a-f]{16})", app.page.url)[1]
    for other in open_app(browser, url):  # another session, with the very link
        other.open(f"?data={mine}", RANKINGS)
        other.page.get_by_text("This link needs").wait_for()


def test_the_paper_s_predictions_are_fetched_converted_and_ranked(browser, serve, serve_folder, tmp_path):
    (tmp_path / "srv").mkdir()
    mirror = serve_folder(published(tmp_path / "srv"))
    for app in open_app(browser, serve(PERTURBVIZ_MIRROR=mirror, PERTURBVIZ_CACHE=str(tmp_path / "cache"))):
        app.open("data", HEADING)
        app.page.get_by_role("radio", name="Public data").click()
        app.page.get_by_role("button", name="Get 1.6 GB").click()
        app.page.get_by_text("7 runs of 4 methods").wait_for(timeout=120_000)
        app.page.get_by_role("link", name="Rankings").click()
        app.wait(RANKINGS, charts=4)
        assert {"gears", "scgpt", "lpm"} <= set(app.page.evaluate(ORDER))
    assert [p.name for p in (tmp_path / "cache").glob("*.h5ad")] == ["ahlmann_eltze_2025_double.h5ad"]
