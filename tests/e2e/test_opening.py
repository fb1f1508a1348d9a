"""In the browser, with nothing downloaded: every public data set that opens by a click, from home and Data.

What is open stays open: on all nine pages and back, after a reload and the browser's Back, with the address naming it.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from perturbviz.catalogue.entries import CATALOGUE, Dataset
from perturbviz.ui.navigation import PAGES, PageCard
from tests.catalogue.test_published import published

from .conftest import PATIENCE, ROOT, App, open_app

SHARED = ROOT.parent / "shared" / "data"
HOME = PAGES[0].question
ENTRIES = [entry for entry in CATALOGUE.values() if entry.opens]
BAD = """() => [...document.querySelectorAll('[data-testid="stException"], [data-testid="stAlertContentError"]')]
  .map((e) => e.innerText).concat(
    [...document.querySelectorAll('[data-testid="stAlert"]')].map((e) => e.innerText)
      .filter((t) => /not here|could not|cannot be opened|The table holds|There is no/.test(t)))"""


@pytest.fixture
def mirror(tmp_path: Path, serve_folder) -> str:
    """All files of the catalogue that are small enough to be kept, and a small imitation of the paper's two."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    published(folder)
    for entry in ENTRIES:
        if not entry.published:
            shutil.copy(SHARED / entry.filename, folder / entry.filename)
    return serve_folder(folder)


def assert_open(app: App, entry: Dataset) -> None:
    """The address names the data set, at the latest when the run ends, and nothing complains."""
    app.page.wait_for_url(re.compile(rf"[?&]data={entry.id}(&|$)"), timeout=PATIENCE)
    assert app.page.evaluate(BAD) == [], (entry.id, app.page.url)


def from_home(app: App, entry: Dataset) -> None:
    """By the button of the demo's banner, or from the list in the sidebar."""
    app.open("", HOME, charts=2)
    if entry.id == "norman":
        app.page.get_by_role("button", name="Open Norman (real)").click()
    else:
        app.choices()
        box = app.page.locator(".st-key-data input")
        box.fill(entry.title)
        app.page.get_by_role("option", name=entry.title, exact=True).click()
    app.page.wait_for_url(re.compile(rf"data={entry.id}(&|$)"), timeout=PATIENCE)


def from_data(app: App, entry: Dataset) -> None:
    """By its card on the Data page, which then says so."""
    app.page.get_by_role("radio", name="Public data").click()
    card = app.page.locator(f".st-key-pv-entry-{entry.id}")
    card.get_by_role("button").first.click()
    app.page.wait_for_url(re.compile(rf"data={entry.id}(&|$)"), timeout=PATIENCE)
    app.page.get_by_role("radio", name="Public data").click()
    card.get_by_text("opened").wait_for(timeout=PATIENCE)
    assert_open(app, entry)


def walk(app: App, entry: Dataset, pages: Sequence[PageCard]) -> None:
    """These pages and back to the first, a reload, and Back."""
    for page in [*pages, PAGES[0]]:
        app.page.get_by_test_id("stTopNavLink").filter(has_text=page.label).click()
        app.wait(page.question)
        assert_open(app, entry)
    app.page.reload()
    app.wait(HOME, charts=1)
    assert_open(app, entry)
    app.page.go_back()
    app.wait()
    assert_open(app, entry)


def click_a_column(app: App) -> None:
    """A point of the last chart of a table of scores opens the metric of its column."""
    app.page.get_by_role("link", name="Rankings").click()
    app.wait(HOME, charts=4)
    place = app.page.evaluate(
        """() => { const gd = [...document.querySelectorAll('.js-plotly-plot')].at(-1), l = gd._fullLayout;
          gd.scrollIntoView(); const t = gd._fullData[0], i = l.xaxis.ticktext.indexOf('rΔ vs control');
          const box = gd.getBoundingClientRect();
          return [box.x + l.xaxis._offset + l.xaxis.c2p(t.x[i]), box.y + l.yaxis._offset + l.yaxis.c2p(t.y[i])]; }"""
    )
    app.page.mouse.move(*place)
    app.page.mouse.click(*place)
    app.page.wait_for_url(re.compile("metric=pearson_delta"), timeout=PATIENCE)
    app.page.locator(".st-key-pv-said").get_by_text("Pearson delta vs the control mean").wait_for()


@pytest.fixture
def empty(serve, mirror, tmp_path) -> tuple[str, Path]:
    """A server that has downloaded nothing, and the folder of its downloads."""
    cache = tmp_path / "cache"
    return serve(PERTURBVIZ_MIRROR=mirror, PERTURBVIZ_CACHE=str(cache)), cache


@pytest.mark.skipif(not SHARED.exists(), reason="the real data of ../shared/data are not here")
def test_every_data_set_opens_from_home_and_stays_open_on_all_pages(browser, empty):
    """In a new window each: all nine pages with the first data set of each kind, one with the others."""
    assert len(PAGES) == 9 and len(ENTRIES) > 4
    (url, cache), walked = empty, set()
    # large ones are not in the list until they are there: a slip must not download gigabytes
    entries = [entry for entry in ENTRIES if not entry.large]
    for entry in entries:
        kind = (entry.kind, entry.value_space, bool(entry.published))
        for app in open_app(browser, url):
            from_home(app, entry)
            walk(app, entry, PAGES if kind not in walked else PAGES[1:2])
            if entry.id == "ahlmann-eltze-2025-scores":
                click_a_column(app)
        walked.add(kind)
    assert {path.name for path in cache.iterdir()} >= {entry.filename for entry in entries}


@pytest.mark.skipif(not SHARED.exists(), reason="the real data of ../shared/data are not here")
def test_every_data_set_opens_from_its_card_one_after_the_other(browser, empty):
    """In one window: each is opened while another is open."""
    url, cache = empty
    for app in open_app(browser, url):
        app.open("data", "Which data, whose predictions?")
        for entry in ENTRIES:
            from_data(app, entry)
        walk(app, ENTRIES[-1], PAGES[1:2])
    assert {path.name for path in cache.iterdir()} >= {entry.filename for entry in ENTRIES}
