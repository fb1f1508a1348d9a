"""What the Goodhart lab computes once and then shares: arenas, slider steps, optima, tables, the classes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.goodhart import Arena, Knobs, Setting
from perturbviz.analyses.goodhart import gameability as games
from perturbviz.analyses.goodhart.classroom import Registry
from perturbviz.analyses.goodhart.effects import effects, scale_for
from perturbviz.analyses.goodhart.optimise import Optimum, optimise
from perturbviz.analyses.goodhart.partition import Partition, partition
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.value import ByIdentity
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.prepared import Prepared
from perturbviz.scoring.scores import quick_and_slow, view_rows
from perturbviz.scoring.validity import offered_pairs
from perturbviz.scoring.view import View, metric_label
from perturbviz.stats import average
from perturbviz.ui import cache
from perturbviz.ui.memo import memo

#: Values (rows x genes) that the gameability table looks at, over all seeds and both sides.
MOST_VALUES = 600_000


@dataclass(frozen=True, eq=False)
class Lab(ByIdentity):
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
    methods: tuple[str, ...]
    rows: np.ndarray

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """Evaluation and view; methods and rows follow from them."""
        return self.evaluation.identity, self.view

    @cached_property
    def token(self) -> str:
        """The same as a string."""
        return f"{self.evaluation.benchmark.content_id}|{self.view.token}"

    @cached_property
    def prepared(self) -> Prepared:
        """Scores the rows of the view."""
        return self.prepare(self.rows)

    def prepare(self, rows: np.ndarray) -> Prepared:
        """Scores some of the rows."""
        return Prepared(self.evaluation, rows, self._offered[0], self.view.subset, self.view.ref_from == "all")

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
        return self.prepared.settings

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
        return max((b.n for b in self.prepared.blocks), default=0)

    def parts(self, most: int = 0) -> Partition:
        """Rows to tune on and to report on."""
        return partition(self.evaluation, self.rows, most)

    @property
    def most(self) -> int:
        """Rows a seed and side, for the gameability table."""
        seeds = max(self.evaluation.rows["seed"].nunique(), 1)
        return max(8, MOST_VALUES // max(2 * self.genes * seeds, 1))


def _of_lab(benchmark: Benchmark, view: View, held_out: bool) -> tuple[Benchmark, View, bool]:
    plain = view.with_(data="", metric="l2", ref="control")
    return benchmark, plain.with_(split="held-out") if held_out else plain, False


@memo(6, plain=_of_lab)
def lab(benchmark: Benchmark, view: View, held_out: bool = False) -> Lab:
    """Lab of a view; ``held_out``: on test and validation rows, whatever part of the split the view shows."""
    evaluation = cache.evaluation(benchmark, view)
    methods = tuple(m for m in evaluation.methods if not view.show or m in view.show)
    return Lab(evaluation, view, methods, view_rows(evaluation, view, methods))


@memo(8)
def _arena(where: Lab, method: str) -> Arena:
    return Arena(where.evaluation, method, where.rows)


@memo(600, plain=lambda where, method, knobs: (where, method, knobs.effective))
def step(where: Lab, method: str, knobs: Knobs) -> dict[Setting, float]:
    """Average scores of a transformed method on all settings; raises UserError where a knob means nothing here."""
    return where.prepared.averages(_arena(where, method).transform(knobs), where.view.avg)


@memo(40)
def optimum(
    where: Lab, start: str, target: Setting, knobs: tuple[str, ...], blends: tuple[str, ...], seconds: float
) -> tuple[Optimum, pd.DataFrame, str]:
    """The best setting of some knobs for a target; scores of all metrics with it; what 1 is on their scale."""
    bar, parts, view = st.progress(0.0, "Trying settings …"), where.parts(), where.view
    try:
        found = optimise(
            where.evaluation,
            start,
            target,
            view.subset,
            parts,
            names=list(knobs),
            blend_to=list(blends),
            how=view.avg,
            include_held_out=view.ref_from == "all",
            seconds=seconds,
            progress=bar.progress,
        )
        bar.progress(1.0, "Scoring all metrics …")
        arena, prepared = Arena(where.evaluation, start, parts.reported), where.prepare(parts.reported)
        scale = scale_for(prepared)
        return found, effects(prepared, arena.start, arena.transform(found.knobs), view.avg, scale), scale.words
    finally:
        bar.empty()


@memo(12)
def gameability(where: Lab, weak: str) -> games.Gameability:
    """How far each metric can be moved from an empty prediction and from a weak one ("" for the built-in one)."""
    bar, view = st.progress(0.0, "Trying settings …"), where.view
    try:
        return games.gameability(
            where.evaluation,
            where.settings,
            view.subset,
            where.parts(where.most),
            [games.empty_start(where.evaluation), games.weak_start(where.evaluation, weak)],
            where.methods,
            how=view.avg,
            include_held_out=view.ref_from == "all",
            progress=bar.progress,
        )
    finally:
        bar.empty()


@memo(1)
def registry() -> Registry:
    """The classes of this server."""
    return Registry()
