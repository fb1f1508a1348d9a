"""What the Goodhart lab computes once and then shares: judges, arenas, slider steps, optima, tables, the classes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.goodhart import Arena, Judge, Knobs, Setting
from perturbviz.analyses.goodhart.classroom import Registry
from perturbviz.analyses.goodhart.partition import Partition, partition
from perturbviz.benchmark import Benchmark
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import quick_and_slow, view_rows
from perturbviz.scoring.validity import offered_pairs
from perturbviz.scoring.view import View, metric_label
from perturbviz.stats import average
from perturbviz.ui import cache

#: Values (rows x genes) that the gameability table looks at, over all seeds and both sides.
MOST_VALUES = 600_000


@dataclass(frozen=True, eq=False)
class Lab:
    """Everything a view fixes, whichever metric it shows: the rows, the settings that make sense, who competes.

    Attributes
    ----------
    view
        With metric and reference at their defaults.
    methods
        Shown methods, the competitors.
    """

    evaluation: Evaluation
    view: View
    token: str
    methods: tuple[str, ...]
    rows: np.ndarray

    @cached_property
    def judge(self) -> Judge:
        """Scores the rows of the view."""
        return self.judge_of(self.rows)

    def judge_of(self, rows: np.ndarray) -> Judge:
        """Scores some of the rows."""
        return Judge(self.evaluation, rows, self._offered[0], self.view.subset, self.view.ref_from == "all")

    @cached_property
    def _offered(self) -> tuple[tuple[Setting, ...], tuple[Setting, ...]]:
        subset = self.view.subset
        pairs = offered_pairs(self.evaluation, subset)
        return quick_and_slow(self.evaluation, pairs, subset, self.rows, len(self.methods))

    @property
    def left_out(self) -> tuple[Setting, ...]:
        """Pairs that would take minutes."""
        return self._offered[1]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """(metric, reference) pairs."""
        return self.judge.settings

    @cached_property
    def labels(self) -> list[str]:
        """Symbol of every setting."""
        return [metric_label(*s) for s in self.settings]

    @cached_property
    def table(self) -> pd.DataFrame:
        """Scores of the competitors: methods x settings (columns 0 ...); the Rankings page's, where it was seen."""
        benchmark = self.evaluation.benchmark
        cache.rank_table(benchmark, self.view)
        columns = {}
        for i, (metric, reference) in enumerate(self.settings):
            ref = "control" if reference == "none" else reference
            scores = cache.scores(benchmark, self.view.with_(metric=metric, ref=ref))
            columns[i] = pd.Series(average(scores.values, self.view.avg), index=scores.methods)
        return pd.DataFrame(columns).reindex(list(self.methods))

    @cached_property
    def genes(self) -> int:
        """Largest number of genes a row is scored on."""
        return max((b.n for b in self.judge.blocks), default=0)

    def parts(self, most: int = 0) -> Partition:
        """Rows to tune on and to report on."""
        return partition(self.evaluation, self.rows, most)

    @property
    def most(self) -> int:
        """Rows a seed and side, for the gameability table."""
        seeds = max(self.evaluation.rows["seed"].nunique(), 1)
        return max(8, MOST_VALUES // max(2 * self.genes * seeds, 1))


def lab(benchmark: Benchmark, view: View, held_out: bool = False) -> Lab:
    """Lab of a view; ``held_out``: on test and validation rows, whatever part of the split the view shows."""
    plain = view.with_(data="", metric="l2", ref="control")
    if held_out:
        plain = plain.with_(split="held-out")
    return _lab(benchmark.content_id, plain.token, cache.evaluation(benchmark, plain), plain)


@st.cache_resource(max_entries=6, show_spinner=False)
def _lab(content_id: str, token: str, _evaluation: Evaluation, _view: View) -> Lab:
    methods = tuple(m for m in _evaluation.methods if not _view.show or m in _view.show)
    rows = view_rows(_evaluation, _view, methods)
    return Lab(_evaluation, _view, f"{content_id}|{token}", methods, rows)


@st.cache_resource(max_entries=8, show_spinner=False)
def _arena(token: str, method: str, _lab: Lab) -> Arena:
    return Arena(_lab.evaluation, method, _lab.rows)


def step(where: Lab, method: str, knobs: Knobs) -> dict[Setting, float]:
    """Average scores of a transformed method on all settings; raises UserError where a knob means nothing here."""
    knobs = knobs.effective
    return _step(where.token, method, knobs.link, where, knobs)


@st.cache_resource(max_entries=600, show_spinner=False)
def _step(token: str, method: str, link: str, _lab: Lab, _knobs: Knobs) -> dict[Setting, float]:
    arena = _arena(token, method, _lab)
    return _lab.judge.averages(arena.transform(_knobs), _lab.view.avg)


# -- results of long computations, made with a progress bar and so outside Streamlit's caches --------------------------
class Kept:
    """The last results by key, shared by all sessions."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._results: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any) -> Any:
        """The result of a key, or None."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def make(self, key: Any, compute: Callable[[], Any]) -> Any:
        """The result of a key, computed where it is not there."""
        found = self.get(key)
        if found is None:
            found = compute()
            with self._lock:
                self._results[key] = found
                while len(self._results) > self._most:
                    self._results.popitem(last=False)
        return found


@st.cache_resource(show_spinner=False)
def optima() -> Kept:
    """Optima found."""
    return Kept(40)


@st.cache_resource(show_spinner=False)
def tables() -> Kept:
    """Gameability tables."""
    return Kept(12)


@st.cache_resource(show_spinner=False)
def registry() -> Registry:
    """The classes of this server."""
    return Registry()
