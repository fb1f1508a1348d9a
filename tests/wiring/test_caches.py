"""Caches of the app: what is kept for one view or benchmark is never shown for another.

Each function is asked about one view and then about another that differs in a single field. The second answer must be
the one that a newly started app gives which looks at all of a question.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.goodhart import Knobs
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.models.recipe import Recipe
from perturbviz.scoring.view import View
from perturbviz.ui import (
    cache,
    cache_calibration,
    cache_goodhart,
    cache_interactions,
    cache_linear,
    cache_rankings,
    cache_views,
)
from perturbviz.ui.cache_interactions import Question, Rule
from perturbviz.ui.memo import MEMOS, forget
from tests.wiring.world import OWN

SHOWN = ("net", "flat", "partial", "mean")
BASE = View(metric="pearson_delta", ref="perturbation", genes="own", own=OWN, rows="own", show=SHOWN)
FULL = BASE.with_(genes="all")
#: One other value of every field of a view (of ``data`` there is none: it names the benchmark, which is asked as such).
CHANGES: dict[str, Any] = {
    "metric": "mse",
    "ref": "control",
    "ref_from": "all",
    "genes": "de",
    "n": 5,
    "targets": False,
    "own": ("g05", "g21", "g17", "B"),
    "split": "test",
    "size": "doubles",
    "context": "y",
    "seed": "2",
    "rows": "common",
    "avg": "median",
    "show": ("net", "partial"),
    "truth": "half_a",
}


#: Views that differ from one another in a single field.
VIEWS = {
    "": BASE,
    "all genes": FULL,
    **{f"{field}={value}": BASE.with_(**{field: value}) for field, value in CHANGES.items()},
    **{f"expressed:{n}": BASE.with_(genes="expressed", n=n) for n in (12, 5)},
}


def plain(value: Any) -> Any:
    """A result as nested lists and dictionaries that can be compared."""
    if isinstance(value, (str, bool, int, float, type(None), np.ndarray, np.generic)):
        return value
    if isinstance(value, pd.Series):
        return {"index": list(value.index), "values": value.to_numpy()}
    if isinstance(value, pd.DataFrame):
        return {str(c): value[c].to_numpy() for c in value} | {"index": list(value.index)}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in ("evaluation", "card")}
    raise TypeError(type(value))


def same(a: Any, b: Any) -> bool:
    try:
        np.testing.assert_equal(plain(a), plain(b))
    except AssertionError:
        return False
    return True


# -- what the pages ask for ----------------------------------------------------------------------------------------
def scores(bench: Benchmark, view: View) -> Any:
    return cache.scores(bench, view).to_frame()


def ranking(bench: Benchmark, view: View) -> Any:
    found = cache.ranking(bench, view)
    return found.table, found.scores.to_frame()


def rank_table(bench: Benchmark, view: View) -> Any:
    found = cache.rank_table(bench, view)
    return found.settings, found.ranks, found.averages


def curves(bench: Benchmark, view: View) -> Any:
    return cache.curves(bench, view)


def home(bench: Benchmark, view: View) -> Any:
    """What the first page draws and says."""
    ranking, table, evaluation = (
        cache.ranking(bench, view),
        cache.rank_table(bench, view),
        cache.evaluation(bench, view),
    )
    look = cache_rankings.look(evaluation, ())
    panels = cache_rankings.order(ranking, look), cache_rankings.bump(table, ranking, look)
    two = cache_rankings.rulers(bench, view)
    return (
        [(p.question, p.caption, p.alt, p.numbers()) for p in panels],
        [cache_rankings.four_questions(view, ranking.scores), cache_rankings.overturned(table, ranking, look)],
        [cache_rankings.lead(evaluation, ranking, two.by_reference, view.show), cache_rankings.ruler_words(bench, two)],
        [cache_rankings.subsets(evaluation, view.metric, view.n, view.targets)],
    )


def judged(bench: Benchmark, view: View, positive: str = "", negative: str = "") -> Any:
    return cache_calibration.judged(bench, view, positive, negative)


def calibration_map(bench: Benchmark, view: View, positive: str = "", negative: str = "") -> Any:
    pieces = cache_calibration.parts(bench, [view])
    return [cache_calibration.part(bench, piece, positive, negative) for piece in pieces]


def scale(bench: Benchmark, view: View, positive: str = "", negative: str = "") -> Any:
    found = cache_calibration.scale(bench, view, positive, negative)
    return found if isinstance(found, str) else (found.table, found.positive, found.negative)


def variation(bench: Benchmark, view: View) -> Any:
    return cache_calibration.variation(bench, view)


def lab(bench: Benchmark, view: View) -> Any:
    found = cache_goodhart.lab(bench, view)
    return found.rows, found.methods, found.table


def step(bench: Benchmark, view: View, method: str = "net", knobs: Knobs = Knobs(amplify=2.0)) -> Any:  # noqa: B008
    return cache_goodhart.step(cache_goodhart.lab(bench, view), method, knobs)


def pairs(bench: Benchmark, view: View, rule: Rule = Rule(level=0.2), method: str = "net") -> Any:  # noqa: B008
    q = Question(bench, view, rule, view.show)
    found, bound = cache_interactions.pairs(q), cache_interactions.threshold(q)
    return (
        [found.rows, list(found.genes), found.deviation, found.predicted(method)],
        [bound.kind, bound.lower, bound.upper, cache_interactions.true_classes(q)],
        [cache_interactions.confusion(q, method), cache_interactions.every(q).deviation],
        [cache_interactions.scores(q, method), cache_interactions.best_false_calls(q, method)],
    )


def found(bench: Benchmark, view: View, method: str = "net", side: str = "both", n: int = 20) -> Any:
    q = Question(bench, view, Rule(level=0.2), view.show)
    return (
        cache_interactions.found(q, method, side, n).table,
        cache_interactions.composition(q, method, n),
        cache_interactions.recurring(q, "genes" if side == "both" else "doubles", n),
    )


def every_view(bench: Benchmark, view: View) -> Any:
    found = cache_views.all_views(bench, view)
    return found.methods, [s.label for s in found.splits], [repr(s) for s in found.settings], found.scores


def linear_model(bench: Benchmark, view: View, link: str = "linear_pca_pca_k2_l0.1_s") -> Any:
    evaluation, recipe = cache.evaluation(bench, view), Recipe.from_link(link)
    predicted = cache_linear.predictions(evaluation, recipe).values
    return predicted, cache_linear.ranking(evaluation, evaluation, view, view.show, {"own": ("Own", recipe)}).table


def diagnostics(bench: Benchmark, view: View, link: str = "linear_pca_pca_k2_l0.1_s") -> Any:
    evaluation, recipe = cache.evaluation(bench, view), Recipe.from_link(link)
    return cache_linear.curve(evaluation, recipe), cache_linear.error_maps(evaluation, recipe)


#: What is asked for, and what else decides the answer besides the view (asked on all genes, where all of it matters).
ASKED: dict[Callable[..., Any], list[tuple[Any, ...]]] = {
    **{ask: [] for ask in (scores, ranking, rank_table, home, curves, variation, every_view, lab)},
    **{ask: [("duplicate", ""), ("", "shuffled")] for ask in (judged, calibration_map, scale)},
    step: [("flat",), ("net", Knobs(amplify=0.5)), ("net", Knobs(blend=0.5, blend_to="flat"))],
    pairs: [
        *((Rule(level=0.05),), (Rule("significance", 0.2),), (Rule(level=0.2), "flat")),
        *((Rule(by_hand=True, lower=low, upper=0.5),) for low in (-0.5, -0.7)),
    ],
    found: [("flat",), ("net", "synergy"), ("net", "both", 9)],
    linear_model: [("linear_pca_pca_k1_l0.1_s",), ("linear_pca_pca_k2_l10_s",)],
    diagnostics: [("linear_pca_random_k2_l0.1_s",), ("linear_pca_pca_k2_l0.1",)],
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A few metrics and knobs, of which all would take long; no warnings that nobody looks at."""
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    some = (("l2", "none"), ("pearson_delta", "control"), ("pearson_delta", "perturbation"))
    for module in (cache, cache_calibration, cache_goodhart):
        monkeypatch.setattr(module, "offered_pairs", lambda *a: some)
    monkeypatch.setattr(cache, "sweep", partial(cache.sweep, sizes=(5, 12, 40)))
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.005)))
    monkeypatch.setattr(cache_views, "unasked", lambda *a: (["l2", "pearson_delta"], ()))
    for name, value in {"DIMS": (1, 2), "RIDGES": (0.1,), "DRAWS": 1}.items():
        monkeypatch.setattr(cache_linear, name, value)
    forget()
    yield
    forget()


def answer(ask: Callable[..., Any], bench: Benchmark, view: View, *more: Any) -> Any:
    """What is shown: the result, or the sentence that stands in its place."""
    try:
        return ask(bench, view, *more)
    except UserError as error:
        return str(error)


def test_forgetting_forgets(bench):
    asked = [
        lambda: cache.scores(bench, BASE),
        lambda: cache_goodhart.lab(bench, BASE),
        lambda: cache_interactions.pairs(Question(bench, BASE, Rule(), SHOWN)),
        lambda: cache_linear.training(bench, "1", "x"),
    ]
    for ask in asked:
        first = ask()
        assert ask() is first
        forget()
        assert ask() is not first


def test_every_field_of_a_view_is_changed_here():
    assert {f.name for f in fields(View)} - {"data"} == set(CHANGES)


@pytest.mark.parametrize("ask", ASKED, ids=lambda f: f.__name__)
def test_a_view_that_differs_in_one_field_gets_its_own_answer(bench, ask, monkeypatch):
    questions = {**{change: (view,) for change, view in VIEWS.items()}, **{str(o): (FULL, *o) for o in ASKED[ask]}}
    alone = {}
    with monkeypatch.context() as patch:  # nothing of a question is left out, so that nothing can be by mistake
        for one in MEMOS:
            patch.setattr(one, "plain", None)
        for change, question in questions.items():
            forget()
            alone[change] = answer(ask, bench, *question)
    if ask is scores:  # each field matters, so that something is tested
        assert [change for change in VIEWS if change and same(alone[change], alone[""])] == ["n=5", "avg=median"]
        assert not same(alone["expressed:12"], alone["expressed:5"])
    for option in ASKED[ask]:
        assert not same(alone[str(option)], alone["all genes"]), option
    forget()
    for change in [*questions, ""]:
        now = answer(ask, bench, *questions[change])
        assert same(now, alone[change]), f"{change} is answered with what was kept for another view"


def changed(world, what: str) -> Benchmark:
    """The data set with another value somewhere, and the same title."""
    adata = world.adata()
    if what == "split":
        test = np.flatnonzero(adata.obs["split__1"] == "test")[:6]
        adata.obs.iloc[test, adata.obs.columns.get_loc("split__1")] = "train"
    elif what == "control_mean":
        adata.varm["control_mean"].iloc[3, 0] += 1
    elif what == "X":
        adata.X[5, 3] += 1
    else:
        adata.layers[what][:, 3] += 1
    return Benchmark.from_adata(adata)


@pytest.mark.parametrize("what", ["X", "split", "control_mean", "pred__net__2", "half_b", "de_padj_b"])
def test_another_benchmark_of_the_same_title_gets_its_own_answer(world, bench, what):
    other, view = changed(world, what), BASE
    assert other.content_id != bench.content_id
    for ask in (scores, rank_table, home, judged, linear_model, pairs):
        forget()
        expected = answer(ask, other, view)
        forget()
        answer(ask, bench, view)
        assert same(answer(ask, other, view), expected), ask.__name__
