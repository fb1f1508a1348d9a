"""Small things on screen: what a metric with one value says, what is offered, what a link carries."""

from dataclasses import replace

import numpy as np
import pytest

from perturbviz.benchmark import load
from perturbviz.guide.lessons import LESSONS, lesson
from perturbviz.panels import captions
from perturbviz.panels.figures import rankings as figures
from perturbviz.panels.figures.theme import method_colours
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.validity import metric_problem
from perturbviz.scoring.view import View
from perturbviz.ui import cache
from tests.charts import figures as drawn
from tests.pages.conftest import ROOT


@pytest.fixture(scope="module")
def demo():
    return Evaluation(load(ROOT / "data" / "demo.h5ad"))


def test_counted():
    assert captions.counted(1, "perturbation") == "1 perturbation"
    assert captions.counted(1200, "perturbation") == "1,200 perturbations"
    assert captions.counted(2, "is", "are") == "2 are"


def test_a_metric_with_one_value_counts_no_perturbations(demo):
    view = View(metric="nonadditive_recall", seed="1", genes="all")
    ranking = rank(score_view(demo, view))
    line = captions.four_questions(view, ranking.scores)
    assert "all together, one value" in line and "1 perturbations" not in line
    assert "one value holds all perturbations" in captions.uncertainty(ranking)
    assert "*" not in captions.spread(ranking, "mean")
    figure = figures.order(ranking.table, method_colours(ranking.table.index), "share").figure()
    assert not any("nan" in text for text in figure.data[0].text)
    assert all("no interval" in text for text in figure.data[0].text)


def test_an_interval_is_in_the_hover_text_where_there_is_one(demo):
    table = rank(score_view(demo, View(metric="mse"))).table
    figure = figures.order(table, method_colours(table.index), "MSE").figure()
    assert all("95% interval" in text and "nan" not in text for text in figure.data[0].text)


def test_parameters_are_offered_only_where_they_can_be_computed(demo):
    keys = [k for k in demo.benchmark.adata.layers if not k.startswith("de_padj")]
    adata = demo.benchmark.adata.copy()
    for name in set(adata.layers) - set(keys):
        del adata.layers[name]
    bare = replace(demo.benchmark, adata=adata)
    for benchmark in (demo.benchmark, bare):
        offered, _ = cache.metric_options(benchmark)
        assert [m for m in offered if metric_problem(m, benchmark)] == []
    assert "de_overlap@significant" not in offered and "de_overlap" in offered


def test_the_lesson_about_the_replicate_shows_it(open_page, demo):
    queries = [item.views[0].query(demo.benchmark, "demo") for item in LESSONS]
    assert [i.id for i, q in zip(LESSONS, queries, strict=True) if "controls" in q] == ["duplicate"]
    at = open_page(**lesson("duplicate").views[0].query(demo.benchmark, "demo"))
    order = next(f for f in drawn(at) if f["key"] == "order")
    assert "duplicate" in str(order["data"][0]["ids"]) and np.isfinite(order["data"][0]["x"]).all()


def test_a_link_to_another_view_keeps_what_belongs_to_the_data(monkeypatch):
    from perturbviz.ui import session

    values = {"lm": "K5__demo", "col": "gears:112233", "pin": "metric=l2", "data": "demo"}
    monkeypatch.setattr(session.st, "session_state", values)
    link = session.link("errors", View(metric="mse"))
    assert (
        link.startswith("errors?") and "lm=K5__demo" in link and "col=gears%3A112233" in link and "metric=mse" in link
    )
    assert "pin" not in link
