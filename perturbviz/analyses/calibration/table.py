"""The calibration of many metrics on many gene subsets: DRF, BDS, a verdict in words and its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz import stats
from perturbviz.analyses.calibration.controls import (
    SHUFFLED,
    in_words,
    positive_controls,
    preferred_truth,
    with_controls,
)
from perturbviz.analyses.calibration.fractions import bds, drf
from perturbviz.analyses.calibration.verdict import VERDICTS, Duel, compete, judge
from perturbviz.benchmark.memo import kept
from perturbviz.benchmark.splits import HELD_OUT
from perturbviz.metrics import Card, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.rankings import sharing, units
from perturbviz.scoring.scores import Scores, score_many
from perturbviz.scoring.validity import offered_pairs
from perturbviz.scoring.view import metric_label

NEGATIVES = ("mean", "no_change", SHUFFLED)

COLUMNS = [
    "metric",
    "reference",
    "genes",
    "positive",
    "negative",
    "drf",
    "drf_low",
    "drf_high",
    "bds",
    "bds_low",
    "bds_high",
    "n",
    "verdict",
    "reason",
    "replicate",
    "better",
    "equal",
    "worse",
    "p",
    "other_replicate",
    "other_verdict",
    "disputed",
]


@dataclass(frozen=True, eq=False)
class Calibration:
    """One metric, reference and gene subset.

    Attributes
    ----------
    positive, negative
        Control methods that were compared.
    drf, drf_interval, bds, bds_interval
        Median dynamic range fraction and mean bound discrimination over perturbations, with 95% intervals.
    n
        Perturbations (or data sets, for metrics with one value a data set) with both controls defined.
    duel
        For how many of them the positive control is better, equal and worse.
    verdict, reason
        Key of ``VERDICTS``, and why.
    rows, values
        Scored rows and (positive, negative, drf) of each: (3, R).
    other
        The same with the other replicate that can be made; None where there is one only.
    """

    card: Card
    metric: str
    reference: str
    genes: str
    positive: str
    negative: str
    drf: float
    drf_interval: tuple[float, float]
    bds: float
    bds_interval: tuple[float, float]
    n: int
    duel: Duel
    verdict: str
    reason: str
    rows: pd.DataFrame
    values: np.ndarray
    other: Calibration | None = None

    @property
    def label(self) -> str:
        """Metric with its reference, short."""
        return metric_label(self.metric, self.reference)

    @property
    def says(self) -> str:
        """The verdict in words, naming its replicate: "tells the technical duplicate from the perturbation mean"."""
        return VERDICTS[self.verdict].format(replicate=in_words(self.positive), empty=in_words(self.negative))

    @property
    def disputed(self) -> bool:
        """Whether the other replicate leads to another verdict."""
        return self.other is not None and self.other.verdict != self.verdict

    def line(self) -> dict:
        """One line of the table with the columns of ``COLUMNS``."""
        return dict(
            zip(
                COLUMNS,
                [
                    self.metric,
                    self.reference,
                    self.genes,
                    self.positive,
                    self.negative,
                    self.drf,
                    *self.drf_interval,
                    self.bds,
                    *self.bds_interval,
                    self.n,
                    self.says,
                    self.reason,
                    in_words(self.positive),
                    self.duel.better,
                    self.duel.equal,
                    self.duel.worse,
                    self.duel.p,
                    in_words(self.other.positive) if self.other else "",
                    self.other.says if self.other else "",
                    self.disputed,
                ],
                strict=True,
            )
        )


def calibrate(scores: Scores, positive: str, negatives: Sequence[str] = NEGATIVES, other: str = "") -> Calibration:
    """Judge one metric from the scores of its controls.

    The negative control is the first that is defined: the perturbation mean, the control mean where that one is the
    reference, shuffled labels where neither is defined. Rows where either control is undefined are left out, of all
    numbers alike, and counted in the reason (published code counts them as lost in the bound discrimination score).

    Parameters
    ----------
    other
        Another positive control, judged as well and kept beside; "" for none.
    """
    at = {m: scores.values[scores.methods.index(m)] for m in (positive, *negatives) if m in scores.methods}
    high = at[positive]
    negative = next((m for m in negatives if m in at and not np.isnan(at[m]).all()), negatives[-1])
    low = at.get(negative, np.full_like(high, np.nan))
    each = drf(high, low, scores.card)
    both = ~np.isnan(high) & ~np.isnan(low)
    per_set = scores.card.unit != "perturbation"
    unit = np.arange(len(scores.rows)) if per_set else units(scores.rows)
    shared = None if per_set else sharing(scores.rows, unit)
    wins = np.where(both, bds(high, low, scores.card), np.nan)
    drf_median, drf_interval = _with_interval(each, unit, shared, "median")
    bds_mean, bds_interval = _with_interval(wins, unit, shared, "mean")
    duel = compete(high, low, scores.card, unit, shared)
    if duel.n == 0:
        verdict, reason = "unknown", scores.reasons.get(positive, "") or "no negative control is defined"
    else:
        verdict, reason = judge(duel, drf_median, in_words(positive), per_set)
        if lost := len(both) - int(both.sum()):
            reason += f"; {lost} of {len(both)} values are undefined and left out"
    return Calibration(
        scores.card,
        scores.metric,
        scores.reference,
        scores.genes,
        positive,
        negative,
        drf_median,
        drf_interval,
        bds_mean,
        bds_interval,
        duel.n,
        duel,
        verdict,
        reason,
        scores.rows,
        np.stack([high, low, each]),
        calibrate(scores, other, (negative,)) if other else None,
    )


def _with_interval(
    values: np.ndarray, unit: np.ndarray, shared: stats.Sharing | None, how: str
) -> tuple[float, tuple[float, float]]:
    """Average and its 95% interval; none (NaN) with one value a split (``shared`` None), since splits overlap."""
    if shared is None or np.isnan(values).all():
        return float(stats.average(values, how)), (np.nan, np.nan)
    found = stats.estimate(values[None], unit, shared, how)
    return float(found.value[0]), (float(found.low[0]), float(found.high[0]))


def calibration_map(
    evaluation: Evaluation,
    subsets: Iterable[GeneSubset],
    positive: str = "",
    pairs: Sequence[tuple[str, str]] | None = None,
    rows: np.ndarray | None = None,
    negative: str = "",
) -> list[Calibration]:
    """Every metric and reference that makes sense, on several gene subsets.

    Parameters
    ----------
    evaluation
        Of the benchmark without controls; they are added here, for a truth that leaves them cells of their own.
    positive, negative
        Controls to compare; where empty, the best positive one there is and the first negative one that is defined.
    pairs
        (metric, reference) to judge, with parameters if wanted (``pds@l2``); all that make sense where None.
    rows
        Positions in the rows of :func:`control_evaluation`; all where None.

    Raises
    ------
    UserError
        Where no positive control can be made, or one of ``pairs`` makes no sense here.
    """
    controlled = control_evaluation(evaluation)
    positive = positive or positive_controls(evaluation.benchmark, controlled.truth_from)[0]
    negatives = (negative,) if negative else NEGATIVES
    other = next((m for m in positive_controls(evaluation.benchmark, controlled.truth_from) if m != positive), "")
    methods = [m for m in (positive, other, *negatives) if m in controlled.methods]
    out = []
    for subset in subsets:
        wanted = offered_pairs(controlled, subset) if pairs is None else pairs
        scores = score_many(controlled, wanted, subset, methods, rows)
        out += [calibrate(scores[p], positive, negatives, other) for p in wanted]
    return out


@kept
def control_evaluation(evaluation: Evaluation) -> Evaluation:
    """The evaluation with controls among its methods, and a truth that leaves them cells of their own."""
    truth = preferred_truth(evaluation.benchmark)
    parts = tuple(p for p in evaluation.parts if p != "train") or HELD_OUT
    return Evaluation(with_controls(evaluation.benchmark, truth), parts, truth)


def table(calibrations: Iterable[Calibration]) -> pd.DataFrame:
    """One line a calibration, columns ``COLUMNS``."""
    return pd.DataFrame([c.line() for c in calibrations], columns=COLUMNS)


def family_of(metric: str) -> str:
    """Family of a metric, for grouping."""
    return parse_metric(metric)[0].card.family
