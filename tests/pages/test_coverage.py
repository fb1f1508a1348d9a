"""Predictions that cover few perturbations and genes: said before they are added, on the ranking, with a switch."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from perturbviz.benchmark import load
from perturbviz.readers import load as read
from perturbviz.readers.base import Options
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from perturbviz.ui import uploads
from perturbviz.ui.sections.add_data import REPORTS
from tests.charts import figures
from tests.pages.conftest import ROOT


@pytest.fixture(scope="module")
def demo():
    return load(ROOT / "data" / "demo.h5ad")


@pytest.fixture(scope="module")
def csv(demo):
    """Predictions of 13 of the 75 held-out doubles, without 150 of the 2,000 genes."""
    doubles = np.flatnonzero(demo.n_perturbed == 2)
    rows, genes = doubles[:13], demo.adata.n_vars - 150
    noise = np.random.default_rng(0).normal(0, 0.2, (len(rows), genes))
    table = pd.DataFrame(demo.truth[rows, :genes] + noise, demo.conditions[rows], demo.genes[:genes])
    return table.to_csv().encode()


@pytest.fixture(scope="module")
def outcome(demo, csv, tmp_path_factory):
    """What the Data page makes of it."""
    path = tmp_path_factory.mktemp("csv") / "mine.csv"
    path.write_bytes(csv)
    return uploads.add_to(demo, [read(path, Options())], Options(), "My model")


def after_adding(outcome, page="rankings", **query):
    """The session just after its button was clicked."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.session_state["_own_data"] = {outcome.source.content_id: outcome.source}
    for key, value in {"data": outcome.source.content_id, **query}.items():
        at.query_params[key] = value
    at.run()
    if page != "rankings":
        at.session_state[REPORTS] = outcome.reports
        at.switch_page(f"pages/{page}.py").run()
    assert not at.exception
    return at


def order(at):
    """What the chart of the ranking shows."""
    return next(str(f["data"]) for f in figures(at) if f["key"] == "order")


def test_it_is_said_in_amber_before_anything_is_added(open_page, csv):
    at = open_page("data")
    at.segmented_control(key="data_section").set_value("Add your own").run()
    at.file_uploader[0].upload("mine.csv", csv).run()
    assert not at.exception
    assert [w.value for w in at.warning] == [
        "**mine** predicts 13 of 75 scored perturbations: adding compares all methods on these 13.",
        "150 of 2,000 genes are missing from the file: adding scores all methods on the other 1,850.",
    ]
    said = [m.value for m in at.markdown]
    assert any(":material/info: 13 of 75 held-out perturbations predicted" in m for m in said)
    assert any(":material/warning: 150 genes of the truth missing" in m for m in said)


def test_predictions_of_everything_are_added_without_a_warning(open_page, demo):
    rows = np.flatnonzero(~demo.is_control)
    table = pd.DataFrame(demo.truth[rows] + 0.1, demo.conditions[rows], demo.genes)
    at = open_page("data")
    at.segmented_control(key="data_section").set_value("Add your own").run()
    at.file_uploader[0].upload("all.csv", table.to_csv().encode()).run()
    assert not at.exception and not at.warning


def test_afterwards_a_link_says_where_the_new_method_stands(outcome):
    at = after_adding(outcome, "data")
    ranking = rank(score_view(Evaluation(outcome.source), View()))
    place = int(ranking.table["rank"]["My-model"])
    (link,) = [e.proto for e in at.get("page_link") if "My model" in e.proto.label]
    assert (
        link.label.startswith(f"My model is {place}")
        and f"of {len(ranking.defined)} by L2 distance: see it" in link.label
    )
    assert f"data={outcome.source.content_id}" in link.query_string


def test_the_ranking_says_what_is_compared_and_offers_the_switch(outcome):
    at = after_adding(outcome)
    assert any(
        "All methods are compared on 13 of 75 perturbations: My model predicts only 13." in m.value for m in at.markdown
    )
    assert "13 perturbations" in " ".join(c.value for c in at.caption)
    before = order(at)
    at.button(key="_rows").click().run()
    assert not at.exception and at.query_params["rows"] in ("own", ["own"])
    assert any("My model on 13; the others on all 75 perturbations" in m.value for m in at.markdown)
    assert order(at) != before
    assert at.button(key="_rows").label == "Compare all on the same 13"
    at.button(key="_rows").click().run()
    assert "rows" not in at.query_params and order(at) == before


def test_hidden_it_costs_the_others_nothing(outcome):
    shown = [m for m in Evaluation(outcome.source).methods if m != "My-model"]
    at = after_adding(outcome, show=shown)
    assert not [b for b in at.button if b.key == "_rows"]
    assert "75 perturbations" in " ".join(c.value for c in at.caption)


def test_the_shipped_data_need_no_word_about_it(open_page):
    at = open_page()
    assert not [b for b in at.button if b.key == "_rows"]
