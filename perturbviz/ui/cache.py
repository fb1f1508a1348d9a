"""What is computed once and then shared by all sessions: keyed by content ids and view tokens, never by arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from threading import Condition, Lock, Timer
from typing import Any, Protocol, cast

import numpy as np
import streamlit as st
from cachetools import LRUCache, cached

from perturbviz.analyses.all_views import Setting, SplitChoice, sweep
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import CATALOGUE, canonical
from perturbviz.panels.captions import made_additive, who_saw_the_truth
from perturbviz.scoring.coverage import Coverage
from perturbviz.scoring.coverage import coverage as measure
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import subset_problem
from perturbviz.scoring.published_scores import scores_of
from perturbviz.scoring.rank_table import RankTable, published_rank_table
from perturbviz.scoring.rank_table import rank_table as made_rank_table
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores, quick_and_slow, score_many, score_view, view_rows
from perturbviz.scoring.validity import metric_problem, offered_pairs
from perturbviz.scoring.view import DEFAULT_N, View

AHEAD = 3e8  # values (rows x methods x genes) up to which looking ahead is worth its time
REST = 1.0  # seconds without a click before looking ahead begins, which takes a core from whoever clicks on
_AHEAD = "_looking_ahead"  # session: what the last run asked for
_MOST = 400  # cached scores and rankings; a few dozen kB each


class Shared(Protocol):
    """A function with a cache that all sessions and the background thread share."""

    cache: MutableMapping[tuple[str, str], Any]
    cache_condition: Condition

    def __call__(self, content_id: str, token: str, *inputs: Any) -> Any:
        """The cached value, or the computed one."""


def shared(most: int) -> Callable[[Callable[..., Any]], Shared]:
    """Cache whose key is the first two arguments (content id and token); computed once however many ask at a time.

    Unlike Streamlit's caches it can be filled from a background thread.
    """
    decorate = cached(LRUCache(most), key=lambda content_id, token, *_: (content_id, token), condition=Condition())
    return cast("Callable[[Callable[..., Any]], Shared]", decorate)


def about_simulated(benchmark: Benchmark) -> tuple[str, str]:
    """Who leads simulated data by construction, and who has seen the truth; "" where there is nothing to say."""
    return _about_simulated(benchmark.content_id, "", benchmark)


@shared(12)
def _about_simulated(content_id: str, token: str, benchmark: Benchmark) -> tuple[str, str]:
    return made_additive(benchmark), who_saw_the_truth(benchmark)


def evaluation(benchmark: Benchmark, view: View) -> Evaluation:
    """The scored rows of a benchmark under a view's split and truth."""
    return _evaluation(benchmark.content_id, f"{view.truth}|{'|'.join(view.parts)}", benchmark, view)


@shared(12)
def _evaluation(content_id: str, token: str, benchmark: Benchmark, view: View) -> Evaluation:
    return Evaluation(benchmark, view.parts, view.truth)


def scores(source: Benchmark | ScoreTable, view: View) -> Scores:
    """Scores of the shown methods under a view; raises UserError where the view makes no sense here."""
    if isinstance(source, ScoreTable):
        table = scores_of(source, view.metric)
        return table.select([m for m in table.methods if not view.show or m in view.show])
    plain = view.with_(data="", avg="mean")
    if plain.reference == "none":
        plain = plain.with_(ref="control")
    return _scores(source.content_id, plain.token, evaluation(source, view), plain)


@shared(_MOST)
def _scores(content_id: str, token: str, evaluation: Evaluation, view: View) -> Scores:
    return score_view(evaluation, view)


def ranking(source: Benchmark | ScoreTable, view: View) -> Ranking:
    """Ranking of the shown methods under a view, with intervals."""
    return _ranking(source.content_id, view.token, scores(source, view), view.avg)


@shared(_MOST)
def _ranking(content_id: str, token: str, scores: Scores, how: str) -> Ranking:
    return rank(scores, how)


def coverage(benchmark: Benchmark, view: View) -> Coverage:
    """How much of what the view asks for the shown methods predict."""
    plain = View(**{k: getattr(view, k) for k in ("split", "truth", "size", "context", "seed", "show")})
    return _coverage(benchmark.content_id, plain.token, evaluation(benchmark, view), plain)


@shared(_MOST)
def _coverage(content_id: str, token: str, evaluation: Evaluation, view: View) -> Coverage:
    return measure(evaluation, view, [m for m in evaluation.methods if not view.show or m in view.show])


def metric_options(benchmark: Benchmark) -> tuple[list[str], dict[str, str]]:
    """Metrics offered on a benchmark (with their parameter choices), and why others are not; not to be changed."""
    return _metric_options(benchmark.content_id, "", benchmark)


@shared(32)
def _metric_options(content_id: str, token: str, benchmark: Benchmark) -> tuple[list[str], dict[str, str]]:
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


def rank_table(source: Benchmark | ScoreTable, view: View) -> RankTable:
    """Ranks of the shown methods under every metric and reference that makes sense on the view's genes.

    Computed once for all of them, so that switching metric or reference afterwards costs nothing.
    """
    if isinstance(source, ScoreTable):
        return published_rank_table(source, lambda metric: ranking(source, view.with_(metric=metric)))
    plain = view.with_(data="", metric="l2", ref="control")
    return _rank_table(source.content_id, plain.token, evaluation(source, view), plain)


@shared(_MOST)
def _rank_table(content_id: str, token: str, evaluation: Evaluation, view: View) -> RankTable:
    methods = [m for m in evaluation.methods if not view.show or m in view.show]
    rows, pairs = view_rows(evaluation, view, methods), offered_pairs(evaluation, view.subset)
    pairs, left_out = quick_and_slow(evaluation, pairs, view.subset, rows, len(methods))
    key = {
        (m, r): (content_id, view.with_(metric=m, ref="control" if r == "none" else r, avg="mean").token)
        for m, r in pairs
    }
    with _scores.cache_condition:  # another average asks for nothing new
        found = {p: _scores.cache[key[p]] for p in pairs if key[p] in _scores.cache}
    new = score_many(
        evaluation,
        [p for p in pairs if p not in found],
        view.subset,
        methods,
        rows,
        include_held_out_in_reference=view.ref_from == "all",
    )
    with _scores.cache_condition:
        for pair, one in new.items():
            _scores.cache.setdefault(key[pair], one)
    found |= new
    return made_rank_table(evaluation, view.subset, {p: found[p] for p in pairs}, view.avg, left_out)


def curves(benchmark: Benchmark, view: View) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Averages of the view's metric against the number of genes: kind of order -> (n, (methods, n) averages).

    Metrics that are sums over genes are swept together, so that switching between them costs nothing; the others come
    at a handful of n.
    """
    metrics = None if Setting(view.metric, view.reference, view.subset).accumulates else (view.metric,)
    plain = view.with_(
        data="", metric=view.metric if metrics else "l2", ref="control", genes="expressed", n=DEFAULT_N, own=()
    )
    found = _swept(benchmark.content_id, plain.token, evaluation(benchmark, view), plain, metrics)
    return found.get((canonical(view.metric), view.reference), {})


@shared(60)
def _swept(
    content_id: str, token: str, evaluation: Evaluation, view: View, metrics: tuple[str, ...] | None
) -> dict[tuple[str, str], dict[str, tuple[np.ndarray, np.ndarray]]]:
    swept = sweep(
        evaluation,
        metrics=metrics,
        kinds=("expressed", "de"),
        targets=(view.targets,),
        base=view,
        hows=(view.avg,),
        splits=(SplitChoice(view.split, view.seed),),
        accumulated_only=metrics is None,
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


@st.cache_resource(show_spinner=False)
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
        wanted = view.with_(data="", metric="l2", ref="control", genes=kind, n=min(view.n, benchmark.adata.n_vars))
        known = (benchmark.content_id, wanted.token) in _rank_table.cache
        if kind != view.genes and not known and not subset_problem(wanted.subset, here):
            yield partial(_rank_table, benchmark.content_id, wanted.token, here, wanted)
