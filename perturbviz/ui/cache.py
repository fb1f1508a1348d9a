"""What is computed once and then shared by all sessions: scores, rankings, rank tables, curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from threading import Lock, Timer
from typing import Any

import numpy as np
import streamlit as st

from perturbviz.analyses.all_views import Setting, SplitChoice, sweep
from perturbviz.analyses.error_parts import error_parts
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import CATALOGUE, canonical
from perturbviz.panels.captions import made_additive, who_saw_the_truth
from perturbviz.scoring.coverage import Coverage
from perturbviz.scoring.coverage import coverage as measure
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import subset_problem
from perturbviz.scoring.published_scores import scores_of_view
from perturbviz.scoring.rank_table import RankTable, Which, asked_first, published_rank_table
from perturbviz.scoring.rank_table import rank_table as made_rank_table
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores, quick_and_slow, score_many, score_view, view_rows
from perturbviz.scoring.validity import metric_problem, offered_pairs
from perturbviz.scoring.view import DEFAULT_N, View
from perturbviz.ui.memo import memo

Source = Benchmark | ScoreTable

AHEAD = 3e8  # values (rows x methods x genes) up to which looking ahead is worth its time
REST = 1.0  # seconds without a click before looking ahead begins, which takes a core from whoever clicks on
_AHEAD = "_looking_ahead"  # session: what the last run asked for
_MOST = 400  # cached scores and rankings; a few dozen kB each


@memo(12)
def about_simulated(benchmark: Benchmark) -> tuple[str, str]:
    """Who leads simulated data by construction, and who has seen the truth; "" where there is nothing to say."""
    return made_additive(benchmark), who_saw_the_truth(benchmark)


def _rows(benchmark: Benchmark, view: View) -> tuple[Benchmark, View]:
    return benchmark, View(split=view.split, truth=view.truth)


@memo(12, plain=_rows)
def evaluation(benchmark: Benchmark, view: View) -> Evaluation:
    """The scored rows of a benchmark under a view's split and truth."""
    return Evaluation(benchmark, view.parts, view.truth)


def _scored(source: Source, view: View) -> tuple[Source, View]:
    """Without the average; with a reference only where the metric has a use for one."""
    if isinstance(source, ScoreTable):
        kept = ("metric", "show", "genes", "n", "targets", "context", "seed", "rows")
        return source, View(**{k: getattr(view, k) for k in kept})
    plain = view.with_(data="", avg="mean")
    return source, plain if plain.reference != "none" else plain.with_(ref="control")


@memo(_MOST, plain=_scored)
def scores(source: Source, view: View) -> Scores:
    """Scores of the shown methods under a view; raises UserError where the view makes no sense here."""
    if isinstance(source, ScoreTable):
        return scores_of_view(source, view)
    return score_view(evaluation(source, view), view)


@memo(_MOST, plain=lambda source, view: (source, view.with_(data="")))
def ranking(source: Source, view: View) -> Ranking:
    """Ranking of the shown methods under a view, with intervals."""
    return rank(scores(source, view), view.avg)


def _covered(benchmark: Benchmark, view: View) -> tuple[Benchmark, View]:
    return benchmark, View(**{k: getattr(view, k) for k in ("split", "truth", "size", "context", "seed", "show")})


@memo(_MOST, plain=_covered)
def coverage(benchmark: Benchmark, view: View) -> Coverage:
    """How much of what the view asks for the shown methods predict."""
    here = evaluation(benchmark, view)
    return measure(here, view, [m for m in here.methods if not view.show or m in view.show])


@memo(32)
def metric_options(benchmark: Benchmark) -> tuple[list[str], dict[str, str]]:
    """Metrics offered on a benchmark (with their parameter choices), and why others are not; not to be changed."""
    offered, refused = [], {}
    for name, metric in CATALOGUE.items():
        problem = metric_problem(name, benchmark)
        if problem:
            refused[metric.card.name] = problem
            continue
        parameter = metric.card.parameter
        offered.append(name)
        if parameter:
            others = [f"{name}@{c}" for c in parameter.choices if c != parameter.default]
            offered += [m for m in others if not metric_problem(m, benchmark)]
    return offered, refused


def _tabled(source: Source, view: View, which: Which = "all") -> tuple[Source, View, Which]:
    if which == "all" or isinstance(source, ScoreTable):
        return source, view.with_(data="", metric="l2", ref="control"), "all"
    return source, view.with_(data="", ref=view.ref if view.reference != "none" else "control"), which


@memo(_MOST, plain=_tabled)
def rank_table(source: Source, view: View, which: Which = "all") -> RankTable:
    """Ranks of the shown methods under the metrics and references that make sense on the view's genes.

    ``which`` of them as of :func:`perturbviz.scoring.rank_table.asked_first`. Computed once for all of them, so that
    switching metric or reference afterwards costs nothing.
    """
    if isinstance(source, ScoreTable):
        return published_rank_table(source, lambda metric: ranking(source, view.with_(metric=metric)))
    here = evaluation(source, view)
    methods = [m for m in here.methods if not view.show or m in view.show]
    rows = view_rows(here, view, methods)
    pairs = asked_first(offered_pairs(here, view.subset), which, (view.metric, view.reference))
    pairs, left_out = quick_and_slow(here, pairs, view.subset, rows, len(methods))
    views = {(m, r): view.with_(metric=m, ref="control" if r == "none" else r) for m, r in pairs}
    # another average asks for nothing new
    found = {pair: one for pair in pairs if (one := scores.known(source, views[pair])) is not None}
    new = score_many(
        here,
        [p for p in pairs if p not in found],
        view.subset,
        methods,
        rows,
        include_held_out_in_reference=view.ref_from == "all",
    )
    for pair, one in new.items():
        scores.keep(one, source, views[pair])
    found |= new
    return made_rank_table(here, view.subset, {p: found[p] for p in pairs}, view.avg, left_out)


@memo(_MOST, plain=lambda benchmark, view: (benchmark, view.with_(data="", metric="mse", ref="control", avg="mean")))
def parts_of_errors(benchmark: Benchmark, view: View) -> tuple[tuple[str, ...], np.ndarray]:
    """The shown methods, and shift, scale and pattern of the MSE of each: (methods, 3)."""
    here = evaluation(benchmark, view)
    methods = tuple(m for m in here.methods if not view.show or m in view.show)
    return methods, error_parts(here, view_rows(here, view, methods), view.subset, methods)


def curves(benchmark: Benchmark, view: View) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Averages of the view's metric against the number of genes: kind of order -> (n, (methods, n) averages).

    Metrics that are sums over genes are swept together, so that switching between them costs nothing; the others come
    at a handful of n.
    """
    alone = "" if Setting(view.metric, view.reference, view.subset).accumulates else view.metric
    return _swept(benchmark, view, alone).get((canonical(view.metric), view.reference), {})


def _of_sweep(benchmark: Benchmark, view: View, metric: str) -> tuple[Benchmark, View, str]:
    plain = view.with_(data="", metric="l2", ref="control", genes="expressed", n=DEFAULT_N, own=())
    return benchmark, plain, metric


@memo(60, plain=_of_sweep)
def _swept(
    benchmark: Benchmark, view: View, metric: str
) -> dict[tuple[str, str], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """By metric and reference: one metric, or all that are sums over genes where none is named."""
    swept = sweep(
        evaluation(benchmark, view),
        metrics=(metric,) if metric else None,
        kinds=("expressed", "de"),
        targets=(view.targets,),
        base=view,
        hows=(view.avg,),
        splits=(SplitChoice(view.split, view.seed),),
        accumulated_only=not metric,
        threads=1,
    )
    places: dict[tuple[str, str], dict[str, list[tuple[int, int]]]] = {}
    for i, s in enumerate(swept.settings):
        places.setdefault((s.metric, s.reference), {}).setdefault(s.subset.kind, []).append((s.subset.n, i))
    return {
        key: {
            kind: (np.array([n for n, _ in sorted(at)]), swept.scores[[i for _, i in sorted(at)], 0, 0].T)
            for kind, at in kinds.items()
        }
        for key, kinds in places.items()
    }


@memo(1)
def background() -> ThreadPoolExecutor:
    """One thread for all sessions: looking ahead must never take more than one core."""
    return ThreadPoolExecutor(1, "look-ahead")


def large(evaluation: Evaluation) -> bool:
    """Whether a first look at everything takes many seconds."""
    return len(evaluation.rows) * len(evaluation.methods) * evaluation.benchmark.adata.n_vars > AHEAD


class Ahead:
    """Calls that are found and made by an executor once the user rests, unless the next click comes before."""

    def __init__(self, executor: Executor, calls: Callable[[], Iterable[Callable[[], Any]]]) -> None:
        self._executor, self._calls, self._made = executor, calls, list[Future]()
        self._making, self._stopped = Lock(), False
        self._timer = Timer(REST, self._begin)
        self._timer.daemon = True
        self._timer.start()

    def _begin(self) -> None:
        with self._making:
            if not self._stopped:
                self._made = [self._executor.submit(call) for call in self._calls()]

    def stop(self) -> None:
        """Let go of what has not begun yet."""
        self._timer.cancel()
        with self._making:
            self._stopped = True
            for future in self._made:
                future.cancel()


def stop_looking_ahead() -> None:
    """At every click: what the last one made likely is worth nothing now, and would be in the way."""
    before: Ahead | None = st.session_state.pop(_AHEAD, None)
    if before is not None:
        before.stop()


def look_ahead(benchmark: Benchmark, view: View) -> None:
    """Compute in the background what one click on another gene subset would ask for, when the user rests."""
    here = evaluation(benchmark, view)
    if not large(here):
        st.session_state[_AHEAD] = Ahead(background(), partial(_likely, benchmark, view, here))


def _likely(benchmark: Benchmark, view: View, here: Evaluation) -> Iterator[Callable[[], Any]]:
    """Rank tables of the other gene subsets that are not known yet."""
    for kind in ("expressed", "all", "de"):
        wanted = view.with_(genes=kind, n=min(view.n, benchmark.adata.n_vars))
        known = rank_table.known(benchmark, wanted, "few") is not None
        if kind != view.genes and not known and not subset_problem(wanted.subset, here):
            yield partial(rank_table, benchmark, wanted, "few")
