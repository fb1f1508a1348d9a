"""Two rulers for the same predictions: which two a view is compared under, and what the order owes to the choice.

A ruler is a metric with its reference. A change of order counts where the pair is clear (paired interval) under at
least one of the two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve
from perturbviz.scoring.published_scores import name_of
from perturbviz.scoring.rankings import Ranking, one_value_a_set
from perturbviz.scoring.references import LABELS
from perturbviz.scoring.validity import metric_problem, reference_problem
from perturbviz.scoring.view import View, metric_name
from perturbviz.stats import MIN_UNITS

Ruler = tuple[str, str]
"""Metric and reference."""

FIRST_METRIC = "pearson_delta"
"""The metric of the first screen: its reference decides the order."""
_OTHERS = (FIRST_METRIC, "l2", "pearson", "mse", "centroid_accuracy")  # what a metric without a reference is put beside
MOST_OWN = 2
"""Methods of one's own that are looked at; more would be as loud as all."""
_RANK = re.compile(r"(^|_)rank(_|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Rulers:
    """The two rulers of a switch, left and right; one where there is nothing to switch to.

    Attributes
    ----------
    pair
        One or two rulers.
    why
        Why these, where the usual two cannot be had; "" otherwise.
    """

    pair: tuple[Ruler, ...]
    why: str = ""

    @property
    def by_reference(self) -> bool:
        """Whether the two differ in the reference alone."""
        return len(self.pair) == 2 and self.pair[0][0] == self.pair[1][0]


def rulers(source: Benchmark | ScoreTable, view: View) -> Rulers:
    """The two rulers between which a view is switched; one of them is the view's own.

    A metric of changes from the control mean and from the perturbation mean; a metric without a reference beside
    Pearson delta; of a table of scores the first two columns that are no ranks.
    """
    if isinstance(source, ScoreTable):
        return _published(source, view.metric)
    here = (view.metric, view.reference)

    def problem(metric: str, reference: str) -> str:
        leaks = view.ref_from == "all"
        return metric_problem(metric, source, view.truth) or reference_problem(metric, reference, source, leaks)

    if parse_metric(view.metric)[0].card.reference == "delta":
        both: list[Ruler] = [(view.metric, "control"), (view.metric, "perturbation")]
        problems = [problem(*ruler) for ruler in both]
        if not any(problems):
            return Rulers(tuple(both))
        missing = next(p for p in problems if p).partition(":")[0]
        return Rulers((here, ("l2", "none")), f"{missing}, so the switch offers L2 instead.")
    references = dict.fromkeys([view.ref, "control", "perturbation"])
    for metric in _OTHERS:
        delta = parse_metric(metric)[0].card.reference == "delta"
        for reference in references if delta else ("none",):
            other = (metric, reference)
            if other != here and not problem(*other):
                return Rulers((here, other))
    return Rulers((here,), "No other metric can be computed on these data.")


def _published(table: ScoreTable, metric: str) -> Rulers:
    """The first two columns of a table that are no ranks; a later one takes the place of the second."""
    columns = [m for m in table.metrics if not _RANK.search(m)] or list(table.metrics)
    first = columns[0]
    second = metric if metric not in columns[:1] else (*columns[1:2], first)[0]
    pair = tuple((m, table.reference(m)) for m in dict.fromkeys((first, second)))
    return Rulers(pair, "" if len(pair) == 2 else "The table holds one metric.")


def ruler_name(source: Benchmark | ScoreTable, ruler: Ruler, by_reference: bool) -> str:
    """What a ruler is called on the switch: its reference where the two differ in that alone, else its metric."""
    metric, reference = ruler
    if by_reference:
        return LABELS[reference]
    return name_of(source, metric) if isinstance(source, ScoreTable) else metric_name(metric, reference)


def change_size(evaluation: Evaluation, method: str, subset: GeneSubset) -> float:
    """Length of the predicted change from the control mean over that of the observed one, median over scored rows.

    NaN where there is no control mean, or nothing is predicted.
    """
    if not evaluation.benchmark.has_control:
        return np.nan
    ratios = []
    for block in resolve(subset, evaluation):
        control = evaluation.reference("control", block.rows, block.genes)
        observed, predicted = (
            np.sqrt(np.nansum(np.square(values - control), axis=1))
            for values in (
                evaluation.truth(block.rows, block.genes),
                evaluation.prediction(method, block.rows, block.genes),
            )
        )
        ratios.append(predicted[observed > 0] / observed[observed > 0])
    return float(np.median(np.concatenate(ratios))) if ratios else np.nan


Kind = Literal["winner", "order", "same", "unsure", "few", "one", "single"]


@dataclass(frozen=True, eq=False)
class Flip:
    """What becomes of the order of the same methods between two rulers."""

    left: Ranking
    right: Ranking

    @cached_property
    def both(self) -> tuple[str, ...]:
        """Methods with a score under both rulers, in the order of the left one."""
        return tuple(m for m in self.left.defined if m in set(self.right.defined))

    @cached_property
    def swapped(self) -> tuple[tuple[str, str], ...]:
        """Pairs whose order differs between the rulers, a tie under one of them included."""
        return tuple(
            (a, b)
            for i, a in enumerate(self.both)
            for b in self.both[i + 1 :]
            if np.sign(self._gap(self.left, a, b)) != np.sign(self._gap(self.right, a, b))
        )

    @cached_property
    def clear(self) -> tuple[tuple[str, str], ...]:
        """Those of them that are clear under at least one ruler."""
        return tuple((a, b) for a, b in self.swapped if self.left.separable(a, b) or self.right.separable(a, b))

    @staticmethod
    def _gap(ranking: Ranking, a: str, b: str) -> float:
        return float(ranking.lines[a]["rank"] - ranking.lines[b]["rank"])

    @cached_property
    def kind(self) -> Kind:
        """What can be said: see :func:`perturbviz.panels.captions.rulers.thesis`."""
        if len(self.left.lines) < 2:
            return "one"
        if self.left is self.right:
            return "single"
        if self.few:
            return "few"
        if not (self.left.certain or self.right.certain):
            return "unsure" if self.swapped else "same"
        old, new = self.left.leaders, self.right.leaders
        if not set(old) & set(new) and any({a, b} <= {*old, *new} and (a in old) != (b in old) for a, b in self.clear):
            return "winner"
        return "order" if self.clear else "same"

    @property
    def few(self) -> int:
        """How many perturbations there are, where they are too few to tell methods apart; else 0."""
        units = max((line["n_units"] for r in (self.left, self.right) for line in r.lines.values()), default=0)
        whole = one_value_a_set(self.left.scores) and one_value_a_set(self.right.scores)
        return 0 if whole or units >= MIN_UNITS else int(units)

    @cached_property
    def mover(self) -> str:
        """The method of a clear change whose rank moves most; "" where there is none."""
        moved = {m: abs(self.left.lines[m]["rank"] - self.right.lines[m]["rank"]) for pair in self.clear for m in pair}
        return max(moved, key=moved.__getitem__, default="")

    def heroes(self, own: Sequence[str] = ()) -> tuple[str, ...]:
        """Methods to look at: who is first under each ruler, the largest clear move, and one's own."""
        first = [*self.left.leaders[:1], *self.right.leaders[:1], *([self.mover] if self.mover else [])]
        kept = list(dict.fromkeys(first)) or list(self.left.lines)[:1]
        mine = [m for m in own if m in self.left.lines]
        return tuple(dict.fromkeys([*kept, *(mine if len(mine) <= MOST_OWN else ())]))
