"""Sharing: the link and the file that goes with it, and the page that receives them."""

from urllib.parse import parse_qs

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from perturbviz.benchmark import load, save
from perturbviz.models.recipe import Recipe
from perturbviz.ui.share import as_bytes
from tests.charts import figures
from tests.pages.conftest import ROOT, unfold


@pytest.fixture(scope="module")
def own():
    """The demo with a method of one's own."""
    demo = load(ROOT / "data" / "demo.h5ad")
    return demo.with_predictions("Mine", "Mine", {"": demo.truth + 0.1}, note="Read as CSV from mine.csv.")


@pytest.fixture
def sender(own):
    """A session that loaded it and looks at it."""

    def open_(**query):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
        at.session_state["_own_data"] = {own.content_id: own}
        for key, value in {"data": own.content_id, **query}.items():
            at.query_params[key] = value
        at.run()
        assert not at.exception
        return at

    return open_


def shared(at):
    """The link of the popover as a query, and the labels of its buttons."""
    unfold(at, "_link")
    assert not at.exception
    query = parse_qs(at.code[0].value.rpartition("?")[2])
    return query, [b.proto.label for b in at.get("download_button") if b.proto.label.startswith("Save ")]


def words(at):
    return [e.value for e in (*at.caption, *at.info, *at.warning, *at.error)]


def drawn(at):
    """Every trace that is drawn, as text."""
    return str([f["data"] for f in figures(at)])


@pytest.mark.parametrize("extra", [{}, {"controls": "1"}, {"lm": "models"}])
def test_a_link_to_own_data_names_the_file_that_is_saved(sender, open_page, own, tmp_path, extra):
    recipe = Recipe(sum_doubles=True)
    if "lm" in extra:
        extra = {"lm": f"{recipe.link}__{own.content_id}"}
    at = sender(**extra)
    query, buttons = shared(at)
    assert any("Send this link **and** this file" in w for w in words(at))
    assert query["data"] == [own.content_id] and query["file"][0].endswith(f"-{own.content_id[:8]}.h5ad")
    assert query["file"][0].startswith("Demo") and buttons == [f"Save {query['file'][0]}"]
    path = tmp_path / "saved.h5ad"
    path.write_bytes(as_bytes(own))
    assert load(path).content_id == own.content_id

    there = open_page(**query)
    assert any(f"This link needs the file “{query['file'][0]}”" in w for w in words(there))
    there.file_uploader[0].upload("renamed.h5ad", path.read_bytes()).run()
    assert not there.exception and not any("needs the file" in w for w in words(there))
    assert drawn(there) == drawn(at)
    again, _ = shared(there)
    assert again == query


def test_a_file_with_the_models_that_the_link_adds_is_the_same_data(open_page, own, tmp_path):
    from perturbviz.models import compete

    recipe = Recipe(sum_doubles=True)
    more = compete.enter(own, recipe.competitor(), recipe.label, slug=recipe.slug, note=recipe.link)
    at = open_page(data=own.content_id, lm=f"{recipe.link}__{own.content_id}")
    at.file_uploader[0].upload("x.h5ad", save(more, tmp_path / "x.h5ad").read_bytes()).run()
    assert not at.exception and not at.warning
    assert at.session_state["_own_data"][own.content_id].content_id == own.content_id
    assert recipe.slug in at.session_state["show"]


def test_another_file_is_not_taken_for_the_link_s(open_page, own):
    at = open_page("errors", data="0123456789abcdef", metric="mse")
    assert any("the data with the id 0123456789abcdef" in w for w in words(at))
    at.file_uploader[0].upload("other.h5ad", as_bytes(own)).run()
    assert any("holds other data than the link is about" in w for w in words(at))
    assert at.query_params["data"] in ("0123456789abcdef", ["0123456789abcdef"])
    at.file_uploader[0].upload("broken.h5ad", b"no data").run()
    assert len(at.error) == 1 and not at.exception
    at.file_uploader[0].upload("other.h5ad", as_bytes(own)).run()
    assert at.button(key="_open_other").label == "Open this file"  # clicked in the browser tests


@pytest.mark.parametrize("page", ["rankings", "profiles", "interactions", "calibration", "linear_model", "data"])
def test_every_page_takes_the_file_in_place(open_page, own, page):
    at = open_page(page, data=own.content_id, file="my data.h5ad")
    assert any("the file “my data.h5ad”" in w for w in words(at))
    at.file_uploader[0].upload("x.h5ad", as_bytes(own)).run()
    assert not at.exception and not any("needs the file" in w for w in words(at))


def test_a_file_of_somebody_s_server_is_asked_for_by_its_name(open_page, own):
    at = open_page(data="file:theirs.h5ad", ref="perturbation", metric="pearson_delta")
    assert any("the file “theirs.h5ad”" in w for w in words(at))
    at.file_uploader[0].upload("theirs.h5ad", as_bytes(own)).run()
    assert not at.exception and not at.warning
    assert at.query_params["ref"] in ("perturbation", ["perturbation"])


def test_a_shipped_benchmark_needs_no_file(open_page):
    query, buttons = shared(open_page(metric="mse"))
    assert not buttons and "file" not in query and query["metric"] == ["mse"]


def test_embeddings_of_the_models_are_sent_too(sender, own):
    at = sender()
    from perturbviz.models.recipe import file_source
    from perturbviz.ui import embeddings

    table = "gene,1,2\n" + "\n".join(f"{g},{i},{i % 7}" for i, g in enumerate(own.genes))
    source = file_source("text.csv", table.encode())
    at.session_state[embeddings.FILES] = {source: ("text.csv", table.encode())}
    at.session_state["lm"] = f"{Recipe(perturbation=source, sum_doubles=True).link}__{own.content_id}"
    at.run()
    _, buttons = shared(at)
    assert len(buttons) == 2 and buttons[1] == "Save text.csv"
    assert any("Send this link **and** these files" in w for w in words(at))


def test_what_a_page_does_not_use_is_not_in_its_link(open_page):
    foreign = {"against": "mean", "p": "FOXA1", "gene": "x", "knobs": "a2", "pos": "duplicate", "look": "spectrum"}
    at = open_page(**foreign, method="cautious", pin="metric=mse")
    at.selectbox(key="metric").set_value("mse").run()
    assert not set(at.query_params) & {*foreign, "method"} and "pin" in at.query_params
    at.session_state["section"] = "Retrieval"
    at.run()
    assert at.query_params["method"] in ("cautious", ["cautious"]) and "pin" not in at.query_params
    at.switch_page("pages/errors.py").run()
    assert "against" in at.query_params and not {"method", "section", "pin", "gene"} & set(at.query_params)
    assert np.ravel(at.query_params["p"])[0] == "FOXA1"


def test_the_interactive_page_is_made_on_demand_and_handed_out(sender, own, monkeypatch):
    """Making it is tested with the page itself; here, that it is of these data, and made only when asked for."""
    from perturbviz.report.explore import Page
    from perturbviz.ui import share

    made = []

    def explore(source, progress):
        progress(0.5)
        made.append(source.content_id)
        return Page("<!doctype html>…", source.title, 1)

    monkeypatch.setattr(share, "explore", explore)
    at = sender()
    unfold(at, "_link")
    assert made == [] and not [b for b in at.get("download_button") if b.proto.label.startswith("Download the inter")]
    at.button(key="make-page").click().run()
    assert not at.exception and made == [own.content_id]
    (button,) = [b for b in at.get("download_button") if b.proto.label.startswith("Download the interactive page")]
    assert button.proto.label.endswith("(0.0 MB)")
    at.run()
    assert made == [own.content_id]
