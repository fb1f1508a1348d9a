"""Where a lesson is played: the data under its two views, and what it shows on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from perturbviz.benchmark import Benchmark
from perturbviz.panels.captions import escape, names, ordinal
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import score_view, view_rows
from perturbviz.scoring.view import View

MAX_ROWS = 400  # rows looked at where a sample will do
COLUMNS = ["method", "name", "x", "value"]

Verdict: TypeAlias = Literal["holds", "partly", "not here", "cannot be asked"]


@dataclass(frozen=True, eq=False)
class Reveal:
    """What a lesson shows on the loaded data.

    Attributes
    ----------
    verdict
        How far the lesson's title is true here; the lesson says what each grade asks for.
    sentence
        What was found, or why nothing can be (Markdown, names escaped).
    numbers
        One line per method and place on the horizontal axis: method, name, x, value.
    question, x_title, y_title
        What a chart of the numbers asks, and its axes.
    kind
        "value", "rank" (1 on top), or either with "log" for a logarithmic horizontal axis.
    answer
        What was to be guessed: the right options, methods, or the first methods in order; several where they are tied.
    heroes
        Methods that the sentence is about: drawn stronger than the others.
    """

    verdict: Verdict
    sentence: str
    numbers: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    question: str = ""
    x_title: str = ""
    y_title: str = ""
    kind: str = "value"
    answer: tuple[str, ...] = ()
    heroes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Stage:
    """Data and the two views of a lesson."""

    evaluation: Evaluation
    start: View
    after: View

    @property
    def benchmark(self) -> Benchmark:
        """The data."""
        return self.evaluation.benchmark

    @cached_property
    def before(self) -> Ranking:
        """Ranking under the lesson's view."""
        return self.ranking(self.start)

    def ranking(self, view: View) -> Ranking:
        """Ranking under another view."""
        same = view.parts == self.evaluation.parts
        evaluation = self.evaluation if same else Evaluation(self.benchmark, view.parts, self.evaluation.truth_from)
        return rank(score_view(evaluation, view), view.avg)

    def name(self, method: str) -> str:
        """Display name, escaped for Markdown."""
        return escape(self.evaluation.name(method))

    def names(self, methods: Iterable[str]) -> str:
        """Display names in a row: A, B and C."""
        return names([self.name(m) for m in methods])

    @property
    def models(self) -> tuple[str, ...]:
        """Methods that are neither baselines nor controls."""
        return tuple(m for m in self.benchmark.methods if self.benchmark.about(m).get("kind") != "control")

    def rows(self) -> np.ndarray:
        """Scored rows of the lesson's view."""
        return view_rows(self.evaluation, self.start, self.evaluation.methods)

    def lines(self, columns: Mapping[Any, Any]) -> pd.DataFrame:
        """Numbers of a chart: {x: {method: value}} -> method, name, x, value."""
        return pd.DataFrame(
            [(m, self.evaluation.name(m), x, v) for x, values in columns.items() for m, v in values.items()],
            columns=COLUMNS,
        )


def grade(holds: bool, partly: bool) -> Verdict:
    """The highest grade whose condition is met."""
    return "holds" if holds else "partly" if partly else "not here"


def cannot_be_asked(why: str) -> Reveal:
    """The question cannot be asked of these data."""
    return Reveal("cannot be asked", f"This cannot be asked of these data. {escape(why)}")


def lacks(stage: Stage, *methods: str) -> str:
    """Why the lesson has nothing to compare with, "" where all the baselines are there."""
    missing = [m for m in methods if m not in stage.evaluation.methods]
    what = {"mean": "training perturbations", "no_change": "a control mean"}
    return f"It needs {names([what[m] for m in missing])}, which this data set does not hold." if missing else ""


def place(ranking: Ranking, method: str) -> str:
    """4th of 9."""
    return f"{ordinal(ranking.table.loc[method, 'rank'])} of {len(ranking.defined)}"


def swaps(before: Ranking, after: Ranking) -> list[tuple[str, str]]:
    """(a, b): a is clearly ahead of b in one ranking and clearly behind it in the other."""
    both = [m for m in before.defined if m in after.defined]
    old, new = ({m: r.lines[m]["rank"] for m in both} for r in (before, after))
    crossed = [(a, b) for a in both for b in both if old[a] < old[b] and new[a] > new[b]]
    return [(a, b) for a, b in crossed if before.separable(a, b) and after.separable(a, b)]


def sample(rows: np.ndarray) -> np.ndarray:
    """At most ``MAX_ROWS`` rows, evenly taken."""
    return rows if len(rows) <= MAX_ROWS else rows[np.linspace(0, len(rows) - 1, MAX_ROWS).astype(int)]
