"""Opening data: what fails leaves everything as it was, and the catalogue says what is open."""

import shutil

import pytest

from perturbviz.catalogue.entries import CATALOGUE
from tests.charts import figures
from tests.pages.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
VIEW = {"metric": "pearson_delta", "ref": "perturbation", "genes": "all", "avg": "median"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """No download is here, and none can be had."""
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PERTURBVIZ_MIRROR", "http://127.0.0.1:9")


def address(at):
    return {name: value[-1] if isinstance(value, list) else value for name, value in dict(at.query_params).items()}


def public(at):
    at.switch_page("pages/data.py").run()
    return at.segmented_control(key="data_section").set_value("Public data").run()


def from_home(at):
    next(b for b in at.button if b.label == "Open Norman (real)").click().run()


def from_sidebar(at):
    at.selectbox(key="data").set_value("norman").run()


@pytest.mark.parametrize("open_norman", [from_home, from_sidebar])
def test_a_failed_download_leaves_the_page_as_it_was(open_page, open_norman):
    at = open_page(**VIEW)
    before = [(f["key"], f["layout"]["meta"]) for f in figures(at)]
    open_norman(at)
    assert not at.exception and len(at.warning) == 1
    said = at.warning[0].value
    assert "could not be downloaded" in said and "what was open before" in said and "cache" not in said
    assert [(f["key"], f["layout"]["meta"]) for f in figures(at)] == before
    assert address(at) == VIEW and at.selectbox(key="data").value == "demo"
    at.run()
    assert not at.warning  # said once


def test_a_failed_download_on_the_data_page_changes_nothing(open_page):
    at = public(open_page(**VIEW))
    at.button(key="_open_norman").click().run()
    assert not at.exception and [e.value for e in at.error if "Nothing was changed" in e.value]
    assert address(at) == VIEW | {"data_section": "Public data"} and at.selectbox(key="data").value == "demo"


def test_a_link_to_data_that_cannot_be_had_says_so_and_offers_a_way_on(open_page):
    at = open_page(data="norman", metric="pearson_delta")
    assert len(at.info) == 1 and "could not be downloaded" in at.info[0].value and not figures(at)
    assert address(at) == {"data": "norman", "metric": "pearson_delta"}
    assert [b.label for b in at.button if b.label == "Try again"]
    next(b for b in at.button if b.label == "Open the demo").click().run()
    assert figures(at) and not at.info and "data" not in address(at)


def test_what_is_downloaded_when_chosen_is_said_beside_the_list_and_not_in_its_labels(open_page, tmp_path):
    at = open_page()
    box = at.selectbox(key="data")
    assert CATALOGUE["norman"].title in box.options and not [o for o in box.options if "MB" in o or "download" in o]
    assert f"{CATALOGUE['norman'].title} (3.4 MB)" in box.help
    if not SHARED.is_dir():
        pytest.skip("the real data of ../shared/data are not here")
    (tmp_path / "cache").mkdir(exist_ok=True)
    shutil.copy(SHARED / CATALOGUE["norman"].filename, tmp_path / "cache")
    options = box.options
    at.run()
    assert at.selectbox(key="data").options == options and "3.4 MB" not in at.selectbox(key="data").help


def test_the_catalogue_lists_scores_first_and_apart_what_needs_a_command(open_page):
    at = public(open_page())
    assert [s.value for s in at.subheader] == ["Scores of published systems", "Screens and predictions"]
    keys = [b.key for b in at.button if str(b.key).startswith("_open_")]
    assert keys[:2] == ["_open_ahlmann-eltze-2025-scores", "_open_scperturbench"]
    assert {k.removeprefix("_open_") for k in keys} == {e.id for e in CATALOGUE.values() if e.opens}
    manual = [e for e in CATALOGUE.values() if not e.opens]
    assert any(e.label.startswith(f"By a command: {len(manual)} more") for e in at.expander)


def test_what_is_open_is_marked_in_the_catalogue(open_page, tmp_path):
    if not SHARED.is_dir():
        pytest.skip("the real data of ../shared/data are not here")
    (tmp_path / "cache").mkdir()
    shutil.copy(SHARED / CATALOGUE["norman"].filename, tmp_path / "cache")
    at = public(open_page())
    at.button(key="_open_norman").click().run()
    assert address(at)["data"] == "norman"
    at.segmented_control(key="data_section").set_value("Public data").run()
    assert [m.value for m in at.markdown if "opened" in m.value]
    assert "_open_norman" not in [b.key for b in at.button] and "_open_carpool" in [b.key for b in at.button]
