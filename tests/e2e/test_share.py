"""In two browsers: somebody adds predictions, saves and shares; somebody else opens the link and drops the file."""

import re

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from tests.e2e.conftest import RANKINGS, ROOT, open_app

DATA = "Which data, whose predictions?"
PICTURE = """() => [...document.querySelectorAll('.js-plotly-plot')].map((g) => [g._fullLayout.title.text,
  g._fullData.map((t) => [
    t.ids ?? null, t.marker?.color, t.line?.color, Array.from(t.x ?? []), Array.from(t.y ?? [])])])"""


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    """Predictions for the demo's doubles, named so that they come before the methods of the file."""
    demo = load(ROOT / "data" / "demo.h5ad")
    rows = demo.n_perturbed == 2
    path = tmp_path_factory.mktemp("csv") / "AAA model.csv"
    noise = np.random.default_rng(0).normal(0, 0.1, (rows.sum(), demo.adata.n_vars))
    pd.DataFrame(demo.truth[rows] + noise, demo.conditions[rows], demo.genes).to_csv(path)
    return path


def test_a_second_browser_sees_the_same_picture_with_link_and_file(browser, serve, csv, tmp_path):
    url = serve()
    for sender in open_app(browser, url):
        page = sender.page
        sender.open("data", DATA)
        page.get_by_role("radio", name="Add your own").click()
        page.locator('input[type="file"]').set_input_files(csv)
        page.locator(".st-key-_use button").click(timeout=120_000)
        page.wait_for_url(re.compile("data=[0-9a-f]{16}"), timeout=120_000)
        page.get_by_role("link", name="Rankings").first.click()
        sender.wait(RANKINGS, charts=4).still()
        sent = page.evaluate(PICTURE)
        page.get_by_role("button", name="Share", exact=True).click()
        page.get_by_text("Send this link and this file").wait_for(timeout=60_000)
        link = page.locator(".st-key-_link code, [data-testid='stCode'] code").first.inner_text()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save Demo").click()
        name = download.value.suggested_filename
        download.value.save_as(tmp_path / name)
    data = re.search(r"data=([0-9a-f]{16})", link)[1]
    assert load(tmp_path / name).content_id == data and name.endswith(f"-{data[:8]}.h5ad")
    assert link.startswith(url) and "method=" not in link

    for receiver in open_app(browser, url):
        page = receiver.page
        receiver.open(link.removeprefix(url).lstrip("/"), RANKINGS)
        page.get_by_text(f"This link needs the file “{name}”").wait_for()
        page.locator('input[type="file"]').set_input_files(csv)  # not the one that is needed
        page.get_by_text("holds other data than the link is about").wait_for(timeout=120_000)
        page.locator('input[type="file"]').set_input_files(tmp_path / name)
        receiver.wait(RANKINGS, charts=4).still()
        assert page.evaluate(PICTURE) == sent
        assert f"data={data}" in page.url
        page.get_by_role("link", name="Errors").first.click()
        receiver.wait("How far off are the predictions?", charts=1)


def test_another_file_can_be_opened_under_the_view_of_a_link(browser, serve):
    for app in open_app(browser, serve()):
        app.open("errors?data=0123456789abcdef&metric=mse", "How far off are the predictions?")
        app.page.locator('input[type="file"]').set_input_files(ROOT / "data" / "demo.h5ad")
        app.page.get_by_text("holds other data than the link is about").wait_for(timeout=60_000)
        app.page.get_by_role("button", name="Open this file").click()
        app.wait("How far off are the predictions?", charts=1)
        assert "metric=mse" in app.page.url and "0123456789abcdef" not in app.page.url
