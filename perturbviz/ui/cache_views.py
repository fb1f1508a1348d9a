"""Sweeps over all views, computed in the background with progress and shared by all sessions."""

from __future__ import annotations

import time
from concurrent.futures import Future

import pandas as pd
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
from perturbviz.ui.memo import memo


class _Running:
    """A sweep under way and how far it is."""

    def __init__(self) -> None:
        self.share = 0.0
        self.future: Future[Sweep] | None = None

    def advance(self, share: float) -> None:
        """Called by the sweep, from its own thread."""
        self.share = share


def unasked(evaluation: Evaluation, view: View) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Metrics of a sweep, and (metric, reference) pairs that it leaves out because they would take minutes."""
    methods = [m for m in evaluation.methods if not view.show or m in view.show]
    pairs = [(m, "none") for m in default_metrics()]
    rows = view_rows(evaluation, view, ())
    kept, left_out = quick_and_slow(evaluation, pairs, GeneSubset("all"), rows, len(methods))
    return [m for m, _ in kept], left_out


def _base(benchmark: Benchmark, view: View) -> tuple[Benchmark, View]:
    """Without what every sweep goes through by itself."""
    return benchmark, view.with_(
        data="", metric="l2", ref="control", genes="expressed", n=DEFAULT_N, own=(), targets=True, seed="", avg="mean"
    )


@memo(8, plain=_base)
def _running(benchmark: Benchmark, view: View) -> _Running:
    """The sweep of a view, begun when it is first asked for."""
    evaluation, running = cache.evaluation(benchmark, view), _Running()
    running.future = cache.background().submit(
        sweep,
        evaluation,
        base=view,
        metrics=unasked(evaluation, view)[0],
        sizes=DIRECT_SIZES,
        threads=1,
        progress=running.advance,
    )
    return running


def all_views(benchmark: Benchmark, view: View) -> Sweep:
    """Every view of the shown methods; a progress bar while it is computed, at once afterwards."""
    running = _running(benchmark, view)
    future = running.future
    assert future is not None
    if not future.done():
        bar = st.progress(0.0, "Scoring every view …")
        while not future.done():
            bar.progress(min(max(running.share, 0.0), 1.0), f"Scoring every view … {running.share:.0%}")
            time.sleep(0.15)
        bar.empty()
    if future.exception() is not None:  # another try begins anew
        _running.drop(benchmark, view)
    return future.result()


def _defensible(benchmark: Benchmark, view: View, choice: ViewFilter) -> tuple[Benchmark, View, ViewFilter]:
    return *_base(benchmark, view), choice


@memo(40, plain=_defensible)
def views(benchmark: Benchmark, view: View, choice: ViewFilter) -> Views:
    """Defensible views among all of a benchmark."""
    return defensible(all_views(benchmark, view), choice)


@memo(40, plain=_defensible)
def deciding(benchmark: Benchmark, view: View, choice: ViewFilter) -> pd.DataFrame:
    """Which choice decides."""
    return deciding_choices(views(benchmark, view, choice))


@memo(40, plain=_defensible)
def agreeing(benchmark: Benchmark, view: View, choice: ViewFilter) -> Agreement:
    """Agreement between metrics."""
    return agreement(views(benchmark, view, choice))


@memo(100, plain=lambda source, view: (source, view.with_(data="")))
def robust(source: cache.Source, view: View) -> Robustness:
    """Robustness of one view."""
    return robustness(cache.scores(source, view), view.avg)
