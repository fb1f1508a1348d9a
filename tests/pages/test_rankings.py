import time

import numpy as np
import pytest

from perturbviz.benchmark import load
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from perturbviz.ui import cache
from perturbviz.ui.controls import sidebar
from perturbviz.ui.sections import first_screen
from tests.charts import figures
from tests.pages.conftest import ROOT


@pytest.fixture(scope="module")
def demo():
    return Evaluation(load(ROOT / "data" / "demo.h5ad"))


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def drawn_order(figure):
    trace = figure["data"][0]
    return dict(zip(trace["ids"], np.asarray(trace["x"], float), strict=True))


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"metric": "pearson_delta"},
        {"metric": "pearson_delta", "ref": "perturbation"},
        {"metric": "mse", "genes": "de", "n": "100"},
        {"metric": "centroid_accuracy", "genes": "all"},
        {"avg": "median", "split": "test", "targets": "false"},
    ],
)
def test_the_order_chart_shows_what_the_package_computes(open_page, demo, query):
    at = open_page(**query)
    view = View.from_query(query or {"metric": "pearson_delta"})
    evaluation = demo if view.split == "held-out" else Evaluation(demo.benchmark, view.parts)
    expected = rank(score_view(evaluation, view), view.avg).table["score"].dropna()
    drawn = drawn_order(chart(at, "order"))
    assert list(drawn) == list(expected.index)
    np.testing.assert_allclose(list(drawn.values()), expected, rtol=1e-6)
    assert chart(at, "order")["layout"]["meta"]["token"] == view.token


def test_a_toggle_says_what_changed(open_page):
    at = open_page(metric="pearson_delta")
    at.segmented_control(key="ref").set_value("perturbation").run()
    text = " ".join(m.value for m in at.markdown)
    assert "**Additive** is now first (0.575)." in text
    assert "Cautious falls from 2nd to 8th (0.811 → 0.028): its changes are 0.34 times the observed size." in text
    assert "Perturbation mean has no score: it is the reference." in text
    assert at.query_params["ref"] in ("perturbation", ["perturbation"])


def test_reference_none_leads_to_the_plain_twin_and_back(open_page):
    at = open_page(metric="pearson_delta")
    at.segmented_control(key="ref").set_value("none").run()
    assert at.selectbox(key="metric").value == "pearson"
    at.segmented_control(key="ref").set_value("perturbation").run()
    assert at.selectbox(key="metric").value == "pearson_delta"
    assert at.query_params["ref"] in ("perturbation", ["perturbation"])


def test_a_pinned_view_stays_beside_the_current_one(open_page):
    at = open_page(metric="l2")
    next(b for b in at.button if b.label == "Pin this view").click().run()
    at.selectbox(key="metric").set_value("pearson_delta").run()
    keys = {f["key"] for f in figures(at)}
    assert {"pinned", "order"} <= keys
    assert drawn_order(chart(at, "pinned")) != drawn_order(chart(at, "order"))
    next(b for b in at.button if b.label == "Unpin").click().run()
    assert "pinned" not in {f["key"] for f in figures(at)}


def test_a_link_about_data_that_is_not_here_says_what_to_do(open_page):
    at = open_page(data="0123456789abcdef")
    assert any("Ask the sender for the file and drop it here" in i.value for i in at.info)


def test_values_of_a_link_that_do_not_exist_give_way_to_the_default(open_page):
    at = open_page(metric="nonsense", genes="none", n="-3", avg="x")
    assert at.selectbox(key="metric").value == "l2"
    assert drawn_order(chart(at, "order"))


def test_the_gene_slider_changes_the_genes_that_count(open_page, demo):
    at = open_page(genes="de", n="20", metric="rmse")
    before = drawn_order(chart(at, "order"))
    at.select_slider(key="n").set_value(500).run()
    after = drawn_order(chart(at, "order"))
    assert before != after
    assert at.query_params["n"] in ("500", ["500"])


def test_metrics_that_would_take_minutes_are_left_out_by_name(open_page, monkeypatch):
    monkeypatch.setattr("perturbviz.scoring.scores.COMPARISONS", 0)
    at = open_page("rankings", n="23")  # a view that no other test has put into the caches
    said = next(c.value for c in at.caption if c.value.startswith("Not among them:"))
    assert "Centroid accuracy" in said and "L2" not in said


def test_another_average_scores_nothing_again(open_page, monkeypatch):
    asked, there = [], cache.score_many

    def score_many(evaluation, pairs, subset, *rest, **more):
        if subset.key == "expressed:33":  # other subsets are looked ahead at
            asked.append(len(pairs))
        return there(evaluation, pairs, subset, *rest, **more)

    monkeypatch.setattr(cache, "score_many", score_many)
    at = open_page("rankings", n="33")
    means = drawn_order(chart(at, "order"))
    at.query_params["avg"] = "median"
    at.run()
    assert asked[0] >= 5 and asked[1:] == [0]
    assert drawn_order(chart(at, "order")) != means


def test_the_controls_come_before_the_page(open_page, monkeypatch):
    """They settle what the page works on; a page that ends early or fails has its sidebar."""
    order = []
    for module, name in ((sidebar, "draw"), (first_screen, "screen")):
        there = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, there=there, name=name: order.append(name) or there(*a))
    at = open_page("rankings", n="29")
    assert order == ["draw", "screen"]
    order.clear()
    at.button_group(key="genes").set_value("all").run()
    assert order == ["draw", "screen"]


def test_what_a_control_said_is_kept_while_it_is_not_drawn(open_page):
    at = open_page("rankings", genes="expressed", n="300", ref="perturbation", metric="pearson_delta")
    for _ in range(2):  # once when the values come from the link, once when they were the widgets'
        at.button_group(key="genes").set_value("all").run()
        at.button_group(key="ref").set_value("control").run()
        at.button_group(key="genes").set_value("expressed").run()
        at.button_group(key="ref").set_value("perturbation").run()
        assert not at.exception, at.exception[0].message
        assert at.select_slider(key="n").value == 300


def test_a_page_that_is_left_alone_computes_what_another_gene_subset_would_ask_for(open_page, demo):
    at = open_page("rankings", n="777")  # nobody else asks for that many
    end, other = time.monotonic() + 60, View(genes="de", n=777)
    while time.monotonic() < end and cache.rank_table.known(demo.benchmark, other, "few") is None:
        time.sleep(0.05)
    assert cache.rank_table.known(demo.benchmark, other, "few") is not None
    assert not at.exception
