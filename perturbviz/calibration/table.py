"""The calibration of many metrics on many gene subsets: DRF, BDS, a verdict in words and its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz import stats
from perturbviz.calibration.controls import CONTROL_NAMES, SHUFFLED, positive_controls, preferred_truth, with_controls
from perturbviz.calibration.fractions import bds, drf
from perturbviz.evaluation import HELD_OUT, Evaluation
from perturbviz.genesets import GeneSubset
from perturbviz.metrics import Card, parse_metric
from perturbviz.rankings import sharing, units
from perturbviz.scores import Scores, score_many
from perturbviz.stats import MIN_UNITS
from perturbviz.validity import offered_pairs
from perturbviz.view import metric_label

MIN_SETS = 5  # splits that must agree, for metrics with one value a data set (a convention: splits overlap)
WIDE = 0.2  # dynamic range fraction from which a metric has room to order predictions (a convention of this program)
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
]
VERDICTS = {
    "calibrated": "tells a replicate from the average",
    "narrow": "tells a replicate from the average, but with little room between",
    "blind": "cannot tell a replicate from the average here",
    "inverted": "ranks the average above a replicate here",
    "unknown": "cannot be judged here",
}


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
    verdict, reason
        Key of ``VERDICTS``, and why.
    rows, values
        Scored rows and (positive, negative, drf) of each: (3, R).
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
    verdict: str
    reason: str
    rows: pd.DataFrame
    values: np.ndarray

    @property
    def label(self) -> str:
        """Metric with its reference, short."""
        return metric_label(self.metric, self.reference)

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
                    VERDICTS[self.verdict],
                    self.reason,
                ],
                strict=True,
            )
        )


def calibrate(scores: Scores, positive: str, negatives: Sequence[str] = NEGATIVES) -> Calibration:
    """Judge one metric from the scores of its controls.

    The negative control is the first that is defined: the perturbation mean, the control mean where that one is the
    reference, shuffled labels where neither is defined. Rows where either control is undefined are left out, of both
    numbers alike, and counted in the reason (published code counts them as lost in the bound discrimination score).
    """
    at = {m: scores.values[scores.methods.index(m)] for m in (positive, *negatives) if m in scores.methods}
    high = at[positive]
    negative = next((m for m in negatives if m in at and not np.isnan(at[m]).all()), negatives[-1])
    low = at.get(negative, np.full_like(high, np.nan))
    each = drf(high, low, scores.card)
    both = ~np.isnan(high) & ~np.isnan(low)
    per_set = scores.card.unit != "perturbation"
    unit = np.arange(len(scores.rows)) if per_set else units(scores.rows)
    n = len(np.unique(unit[both]))
    wins = np.where(both, bds(high, low, scores.card), np.nan)
    shared = None if per_set else sharing(scores.rows, unit)
    drf_median, drf_interval = _with_interval(each, unit, shared, "median")
    bds_mean, bds_interval = _with_interval(wins, unit, shared, "mean")
    verdict, reason = _verdict(
        n, per_set, drf_median, bds_mean, bds_interval, CONTROL_NAMES[positive], scores.reasons.get(positive, "")
    )
    if n and (lost := len(both) - int(both.sum())):
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
        n,
        verdict,
        reason,
        scores.rows,
        np.stack([high, low, each]),
    )


def _with_interval(
    values: np.ndarray, unit: np.ndarray, shared: stats.Sharing | None, how: str
) -> tuple[float, tuple[float, float]]:
    """Average and its 95% interval, NaN where there is none: with one value a split (``shared`` None) splits overlap."""
    if shared is None or np.isnan(values).all():
        return float(stats.average(values, how)), (np.nan, np.nan)
    found = stats.estimate(values[None], unit, shared, how)
    return float(found.value[0]), (float(found.low[0]), float(found.high[0]))


def _verdict(
    n: int, per_set: bool, drf_: float, bds_: float, interval: tuple[float, float], positive: str, undefined: str
) -> tuple[str, str]:
    """Key of ``VERDICTS`` and the reason in words."""
    if n == 0 or np.isnan(bds_):
        return "unknown", undefined or "no negative control is defined"
    if per_set:
        what = f"the {positive.lower()} is better in {round(bds_ * n)} of {n} {'data set' if n == 1 else 'splits'}"
        if n < MIN_SETS:
            return "unknown", f"{what}: one value a split, and so few say little (at least {MIN_SETS})"
        if bds_ == 1:
            agree = f"all {n} splits agree; they overlap: no error rate"
            covers = f"{what} ({agree}), and covers {drf_:.0%} of the way to a perfect score"
            return ("calibrated" if drf_ >= WIDE else "narrow"), covers
        return ("inverted" if bds_ == 0 else "blind"), what
    what = f"the {positive.lower()} is better for {bds_:.0%} of {n} perturbations"
    if n < MIN_UNITS:
        return "unknown", f"{n} perturbations are too few (at least {MIN_UNITS})"
    if np.isnan(interval[0]):
        return "unknown", f"{what}, but all perturbations share targets, so that none is independent of another"
    if interval[1] < 0.5:
        return "inverted", what
    if interval[0] <= 0.5:
        return "blind", f"{what}, which chance gives too"
    covers = f"{what}, and covers {max(drf_, 0):.0%} of the way to a perfect score"
    return ("calibrated" if drf_ >= WIDE else "narrow"), covers


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
    methods = [positive, *(m for m in negatives if m in controlled.methods)]
    out = []
    for subset in subsets:
        wanted = offered_pairs(controlled, subset) if pairs is None else pairs
        scores = score_many(controlled, wanted, subset, methods, rows)
        out += [calibrate(scores[p], positive, negatives) for p in wanted]
    return out


def control_evaluation(evaluation: Evaluation) -> Evaluation:
    """The evaluation with controls among its methods, and a truth that leaves them cells of their own."""
    return evaluation.memo.once("controls", lambda: _with_controls(evaluation))


def _with_controls(evaluation: Evaluation) -> Evaluation:
    truth = preferred_truth(evaluation.benchmark)
    parts = tuple(p for p in evaluation.parts if p != "train") or HELD_OUT
    return Evaluation(with_controls(evaluation.benchmark, truth), parts, truth)


def table(calibrations: Iterable[Calibration]) -> pd.DataFrame:
    """One line a calibration, columns ``COLUMNS``."""
    return pd.DataFrame([c.line() for c in calibrations], columns=COLUMNS)


def family_of(metric: str) -> str:
    """Family of a metric, for grouping."""
    return parse_metric(metric)[0].card.family
