"""Sweeps over all views, computed in the background with progress and shared by all sessions."""

from __future__ import annotations

import time
from concurrent.futures import Future

import streamlit as st

from perturbviz.analyses.all_views import Sweep, default_metrics, sweep
from perturbviz.analyses.all_views.defensible import ViewFilter, Views, defensible
from perturbviz.analyses.all_views.grid import DIRECT_SIZES
from perturbviz.analyses.robustness import Agreement, Robustness, agreement, deciding_choices, robustness
from perturbviz.benchmark import Benchmark
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import quick_and_slow, view_rows
from perturbviz.scoring.view import DEFAULT_N, View
from perturbviz.ui import cache


class _Running:
    """A sweep under way and how far it is."""

    def __init__(self) -> None:
        self.share = 0.0
        self.future: Future[Sweep] | None = None

    def advance(self, share: float) -> None:
        """Called by the sweep, from its own thread."""
        self.share = share


@st.cache_resource(max_entries=8, show_spinner=False)
def _running(content_id: str, token: str) -> _Running:
    return _Running()


def unasked(evaluation: Evaluation, view: View) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Metrics of a sweep, and (metric, reference) pairs that it leaves out because they would take minutes."""
    methods = [m for m in evaluation.methods if not view.show or m in view.show]
    pairs = [(m, "none") for m in default_metrics()]
    rows = view_rows(evaluation, view, ())
    kept, left_out = quick_and_slow(evaluation, pairs, GeneSubset("all"), rows, len(methods))
    return [m for m, _ in kept], left_out


def all_views(benchmark: Benchmark, view: View) -> Sweep:
    """Every view of the shown methods; a progress bar while it is computed, at once afterwards."""
    base = view.with_(
        data="", metric="l2", ref="control", genes="expressed", n=DEFAULT_N, own=(), targets=True, seed="", avg="mean"
    )
    running = _running(benchmark.content_id, base.token)
    if running.future is None:
        evaluation = cache.evaluation(benchmark, view)
        running.future = cache.background().submit(
            sweep,
            evaluation,
            base=base,
            metrics=unasked(evaluation, base)[0],
            sizes=DIRECT_SIZES,
            threads=1,
            progress=running.advance,
        )
    if not running.future.done():
        bar = st.progress(0.0, "Scoring every view …")
        while not running.future.done():
            bar.progress(min(max(running.share, 0.0), 1.0), f"Scoring every view … {running.share:.0%}")
            time.sleep(0.15)
        bar.empty()
    return running.future.result()


def key(swept: Sweep, choice: ViewFilter) -> tuple[str, str]:
    """What the defensible views of a sweep are kept under: its data, what was scored on them, and which views count."""
    sizes = sorted({s.subset.n for s in swept.settings})
    return swept.evaluation.benchmark.content_id, f"{swept.base.token}|{sizes}|{choice}"


@cache.shared(40)
def views(content_id: str, token: str, swept: Sweep, choice: ViewFilter) -> Views:
    """Defensible views of a sweep."""
    return defensible(swept, choice)


@cache.shared(40)
def deciding(content_id: str, token: str, found: Views):
    """Which choice decides."""
    return deciding_choices(found)


@cache.shared(40)
def agreeing(content_id: str, token: str, found: Views) -> Agreement:
    """Agreement between metrics."""
    return agreement(found)


@cache.shared(100)
def robust(content_id: str, token: str, scores, how: str) -> Robustness:
    """Robustness of one view."""
    return robustness(scores, how)
