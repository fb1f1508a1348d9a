"""Same predictions, opposite titles: the five choices between the verdicts of Ahlmann-Eltze and of Miller, singly.

Ahlmann-Eltze: L2 on the genes highest in control against the additive baseline (doubles) or the mean (singles). Miller:
changes from the perturbation mean on all genes, weighted by differential expression, metrics checked by a replicate,
tested against the empty prediction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from perturbviz.analyses.calibration import positive_controls
from perturbviz.analyses.calibration.controls import preferred_truth
from perturbviz.analyses.protocols.papers import Measure
from perturbviz.analyses.protocols.verdicts import (
    common_rows,
    compared,
    empty_baseline,
    label_of,
    models_of,
    says_nothing,
    scored,
    usual_baseline,
)
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneKind
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.view import View


@dataclass(frozen=True)
class Choice:
    """One of the five: what it is called, and what each side takes."""

    id: str
    name: str
    ahlmann: str
    miller: str


CHOICES: dict[str, Choice] = {
    c.id: c
    for c in (
        Choice("genes", "Genes", "1,000 highest in control", "all"),
        Choice("centring", "Centring", "none: L2", "perturbation mean: Pearson delta"),
        Choice("weighting", "Weights of genes", "none", "by differential expression"),
        Choice("positive", "Positive control", "none", "the metric must tell a replicate from the empty prediction"),
        Choice("test", "Comparison", "mean against additive or mean", "t test against the empty one"),
    )
}


@dataclass(frozen=True)
class Outcome:
    """What one setting of the switches says.

    Attributes
    ----------
    flipped
        Choices that are Miller's; the others are Ahlmann-Eltze's.
    measure, baseline
        What is measured, and what models are compared with.
    better
        Models that are better.
    holds
        Whether any is; None where nothing can be said, for the reason ``why``.
    """

    flipped: frozenset[str]
    measure: str
    baseline: str
    better: tuple[str, ...]
    holds: bool | None
    why: str = ""


@dataclass(frozen=True, eq=False)
class Board:
    """The outcomes of every setting of the switches.

    Attributes
    ----------
    models
        Methods that are judged.
    outcomes
        Choices that are Miller's -> what is said then.
    missing
        Choice -> why it cannot be made on these data.
    """

    models: tuple[str, ...]
    outcomes: dict[frozenset[str], Outcome]
    missing: dict[str, str]

    @property
    def ends(self) -> tuple[Outcome, Outcome]:
        """Ahlmann-Eltze's and Miller's verdict, as far as it can be had."""
        return self.outcomes[frozenset()], self.outcomes[frozenset(CHOICES) - frozenset(self.missing)]

    def singly(self, end: Outcome) -> dict[str, Outcome]:
        """From one end each choice flipped alone: choice -> what is said then."""
        offered = [c for c in CHOICES if c not in self.missing]
        return {c: self.outcomes[end.flipped ^ {c}] for c in offered}

    def deciding(self, end: Outcome) -> list[str]:
        """Choices that alone turn the verdict of one end."""
        return [c for c, other in self.singly(end).items() if other.holds is not None and other.holds is not end.holds]


def board(evaluation: Evaluation, view: View | None = None) -> Board:
    """Every setting of the five switches on the models of an evaluation; rows by the choices of ``view``.

    Raises
    ------
    UserError
        Where no perturbation is predicted by every method, or there is nothing to compare with.
    """
    rows = common_rows(evaluation, view)
    usual, empty = (usual_baseline(evaluation, rows), empty_baseline(evaluation)) if len(rows) else ("", "")
    models = models_of(evaluation, usual)
    if not len(rows) or not empty or not models:
        raise UserError("The papers' rules need models and a baseline that predict the same perturbations.")
    missing = {}
    if not positive_controls(evaluation.benchmark, preferred_truth(evaluation.benchmark)):
        missing["positive"] = "no replicate of the experiment is known here"
    if not evaluation.benchmark.has_training:
        missing["centring"] = "no training perturbation is known here, and so no perturbation mean"
    offered = [c for c in CHOICES if c not in missing]
    settings = [frozenset(some) for k in range(len(offered) + 1) for some in combinations(offered, k)]
    methods = tuple(m for m in evaluation.methods if not evaluation.benchmark.sees_truth(m))
    found: dict[Measure, Scores | str] = {}
    say: dict[Measure, str] = {}
    for flipped in settings:
        measure = measure_of(flipped)
        if measure not in found:
            found[measure] = scored(evaluation, measure, rows, methods)
        if "positive" in flipped and measure not in say:
            say[measure] = says_nothing(evaluation, measure)
    labels = {measure: label_of(measure, evaluation) for measure in found}
    outcomes = {
        f: _outcome(f, found, say, labels, models_by(evaluation, f, usual, empty), empty if "test" in f else usual)
        for f in settings
    }
    return Board(models, outcomes, missing)


def models_by(evaluation: Evaluation, flipped: Collection[str], usual: str, empty: str) -> tuple[str, ...]:
    """Who is judged: what is compared with is not."""
    return models_of(evaluation, empty if "test" in flipped else usual)


def measure_of(flipped: Collection[str]) -> Measure:
    """What is measured under a setting of the switches."""
    genes: GeneKind = "all" if "genes" in flipped else "expressed"
    if "centring" in flipped:
        metric = "weighted_pearson_delta" if "weighting" in flipped else "pearson_delta"
        return Measure(metric, "perturbation", genes)
    return Measure("wmse" if "weighting" in flipped else "l2", "none", genes)


def _outcome(
    flipped: frozenset[str],
    found: dict[Measure, Scores | str],
    say: dict[Measure, str],
    labels: dict[Measure, str],
    models: tuple[str, ...],
    baseline: str,
) -> Outcome:
    measure = measure_of(flipped)
    scores, label, tested = found[measure], labels[measure], "test" in flipped
    if isinstance(scores, str):
        return Outcome(flipped, label, baseline, (), None, scores)
    if why := say.get(measure, "") if "positive" in flipped else "":
        return Outcome(flipped, label, baseline, (), None, why)
    lines = compared(scores, models, baseline, "paired" if tested else "below", len(models))
    better = tuple(lines.loc[lines["better"], "method"])
    return Outcome(flipped, label, baseline, better, bool(better))
