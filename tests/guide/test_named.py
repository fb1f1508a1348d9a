"""The one list of named views: each a view, each once, and a step somebody keeps is the view it was."""

from dataclasses import asdict

from perturbviz.benchmark import load
from perturbviz.guide.lessons import LESSONS
from perturbviz.guide.named import PRESETS, TALK, USUAL, VIEWS, NamedView
from perturbviz.scoring.view import View
from perturbviz.ui.navigation import PAGES
from tests.pages.conftest import ROOT


def test_every_view_is_one_and_stands_in_the_list_once():
    assert len({v.id for v in VIEWS}) == len(VIEWS)
    pages = {p.name for p in PAGES}
    for named in VIEWS:
        view = named.view(None)
        assert View.from_query(view.to_query()) == view, named.id
        assert named.page in pages and named.title and named.heading


def test_presets_talk_and_lessons_take_their_views_from_it_and_nothing_else_is_in_it():
    used = {v.id for v in (*PRESETS, *USUAL, *TALK, *(v for item in LESSONS for v in item.views))}
    assert used == {v.id for v in VIEWS}
    assert len(TALK) == 12 and len({v.heading for v in TALK}) == 12
    assert len({v.label for v in PRESETS}) == len(PRESETS)


def test_a_view_that_is_kept_comes_back_as_it_was_whatever_the_data_open_on():
    demo = load(ROOT / "data" / "demo.h5ad")
    kept = View(data="norman", metric="mse", genes="own", own=("A", "B"), show=("mean",), ref="perturbation")
    step = NamedView("", "kept", "", asdict(kept), "errors", more={"p": "X+Y"})
    assert step.view(demo, "demo") == step.view(None) == kept
    assert View.from_query(step.query(demo, "demo")) == kept and step.query(demo, "demo")["p"] == ["X+Y"]
