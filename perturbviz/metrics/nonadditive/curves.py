"""How well an ordering of pairs finds the truly non-additive ones: TPR-FDP, precision-recall and ROC curves.

Every curve starts from a `Ranking`: pairs sorted by score, and how many positives are among the first l. Ties are
explicit: within a group of equal scores the number of positives grows evenly, its expected value under a random order,
so nothing depends on the order of the file; average precision and AUROC treat the group as one threshold (mid-ranks).
A constant score gives chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from perturbviz.errors import UserError
from perturbviz.metrics.nonadditive.calls import Side, call_score

FloatArray = npt.NDArray[np.float64]
Kind = Literal["tpr_fdp", "precision_recall", "roc"]

#: FDP at which TPR is read off, as in the paper.
FDP_GRID = np.linspace(0.0, 1.0, 101)
#: Recall and false positive rate at which the other curves are read off (few enough points to draw).
RATE_GRID = np.linspace(0.0, 1.0, 401)[1:]


@dataclass(frozen=True)
class Ranking:
    """Pairs ordered by score, descending.

    `true_positives[l - 1]` is the (expected) number of positives among the first l pairs; `group_ends` are the
    positions l where a group of equal scores ends, None if all scores differ.
    """

    true_positives: FloatArray = field(repr=False)
    group_ends: npt.NDArray[np.intp] | None = field(repr=False)

    @property
    def n(self) -> int:
        """Number of pairs."""
        return len(self.true_positives)

    @property
    def n_positive(self) -> int:
        """Number of positives."""
        return round(float(self.true_positives[-1])) if self.n else 0

    @property
    def prevalence(self) -> float:
        """Share of positives: precision of a random order, and 1 - its FDP."""
        return self.n_positive / self.n if self.n else np.nan

    def recall_at(self, n: int) -> float:
        """Share of all positives among the first n pairs; NaN without positives."""
        return self._found(n) / self.n_positive if self.n_positive else np.nan

    def precision_at(self, n: int) -> float:
        """Share of positives among the first n pairs (all of them if there are fewer); NaN without positives."""
        return self._found(n) / min(n, self.n) if self.n_positive else np.nan

    def _found(self, n: int) -> float:
        if n < 1:
            raise UserError(f"The number of top calls must be at least 1, not {n}.")
        return float(self.true_positives[min(n, self.n) - 1])

    def average_precision(self) -> float:
        """Sum over thresholds of recall gained × precision there (Σ (R_i - R_{i-1}) P_i); NaN without positives."""
        if not self.n_positive:
            return np.nan
        tp, called = self._thresholds
        return float(np.diff(tp, prepend=0.0) @ (tp / called) / self.n_positive)

    def auroc(self) -> float:
        """Probability that a positive ranks above a negative, ties counting half; NaN if either is absent."""
        n_negative = self.n - self.n_positive
        if not self.n_positive or not n_negative:
            return np.nan
        tp, called = self._thresholds
        negatives_left = n_negative - (called - tp)
        before = np.append(n_negative, negatives_left[:-1]) if self.group_ends is not None else negatives_left
        gained = np.diff(tp, prepend=0.0)
        return float(gained @ (negatives_left + before) / (2.0 * self.n_positive * n_negative))

    @cached_property
    def _thresholds(self) -> tuple[FloatArray, FloatArray]:
        """True positives and calls at each distinct score; without ties only at the positives, which suffices."""
        if self.group_ends is None:
            at_positive = np.flatnonzero(np.diff(self.true_positives, prepend=0.0))
            return self.true_positives[at_positive], (at_positive + 1).astype(float)
        return self.true_positives[self.group_ends - 1], self.group_ends.astype(float)


def rank(score: npt.ArrayLike, positive: npt.ArrayLike) -> Ranking:
    """Order pairs by score, descending.

    Parameters
    ----------
    score
        Any shape; NaN and infinite ones are left out.
    positive
        Same shape, boolean: the truly non-additive ones.

    Raises
    ------
    UserError
        If there are not as many scores as truths.
    """
    value, truth = np.asarray(score, dtype=float).ravel(), np.asarray(positive, dtype=bool).ravel()
    if value.shape != truth.shape:
        raise UserError(f"There are {len(value)} scores but {len(truth)} truths; each pair needs both.")
    known = np.isfinite(value)
    if not known.all():
        value, truth = value[known], truth[known]
    ordered = np.sort(value)
    # Sorting values and looking the few positives up is several times faster than sorting pairs. All positives of a
    # group of equal scores are counted from its first position; the group is then spread evenly.
    first = len(value) - np.searchsorted(ordered, np.sort(value[truth]), side="right")
    found = np.cumsum(np.bincount(first, minlength=len(value)), dtype=float)
    distinct = ordered[1:] != ordered[:-1]
    if distinct.all():
        return Ranking(found, None)
    ends = np.append(np.flatnonzero(distinct[::-1]) + 1, len(value))
    size = np.diff(ends, prepend=0)
    tied = np.flatnonzero(size > 1)
    size, start = size[tied], ends[tied] - size[tied]
    after, before = found[ends[tied] - 1], np.append(0.0, found)[start]
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    even = np.repeat(before, size) + np.repeat((after - before) / size, size) * (within + 1)
    found[np.repeat(start, size) + within] = even
    found[ends[tied] - 1] = after  # a whole number, whatever the steps were rounded to
    return Ranking(found, ends)


def sided(
    observed: npt.ArrayLike, predicted: npt.ArrayLike, lower: float, upper: float, side: Side = "both"
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Score and truth of each pair with both deviations known, flat.

    Parameters
    ----------
    observed, predicted
        Deviations from additivity, same shape.
    lower, upper
        Thresholds of the observed deviation.
    side
        "both" (the paper): order by |predicted|, positive at or beyond either threshold; "synergy" (its
        preprint's notebook): order by predicted, positive strictly above `upper`; "suppression": the mirror image.

    Raises
    ------
    UserError
        If there are not as many observed as predicted deviations.
    """
    obs, pred = np.asarray(observed, dtype=float).ravel(), np.asarray(predicted, dtype=float).ravel()
    if obs.shape != pred.shape:
        raise UserError(f"There are {len(obs)} observed but {len(pred)} predicted deviations; each pair needs both.")
    known = np.isfinite(obs) & np.isfinite(pred)
    if not known.all():
        obs, pred = obs[known], pred[known]
    score = call_score(pred, side)
    if side == "both":
        return score, (obs >= upper) | (obs <= lower)
    return score, obs > upper if side == "synergy" else obs < lower


@dataclass(frozen=True)
class Curve:
    """A curve on a fixed grid, small enough to draw; `prevalence` places its reference line."""

    kind: Kind
    x: FloatArray = field(repr=False)
    y: FloatArray = field(repr=False)
    prevalence: float
    n_positive: int
    #: Average precision for precision-recall, area under the curve for ROC, NaN for TPR-FDP.
    area: float


def tpr_fdp(ranking: Ranking, grid: npt.ArrayLike = FDP_GRID) -> Curve:
    """Best true positive rate at a false discovery proportion of at most x (NM25 Fig. 1; preprint notebook).

    After each l the point (FDP_l, TPR_l); sorted by FDP, running maximum of TPR, linear interpolation with R's
    `approx` rules: equal FDP are averaged, 0 left of the smallest, 1 right of the largest. It picks its cut-off knowing
    the truth, so it is optimistic; a random order attains FDP = 1 - prevalence.

    Returns
    -------
    Curve over `grid`; y all NaN without positives.
    """
    x = np.asarray(grid, dtype=float)
    if not ranking.n_positive:
        return Curve("tpr_fdp", x, np.full(len(x), np.nan), ranking.prevalence, 0, np.nan)
    found = ranking.true_positives
    called = np.arange(1.0, ranking.n + 1)
    fdp = (called - found) / called
    ordered = np.sort(fdp)
    # TPR grows with l, so its maximum over FDP ≤ t is TPR at the last l with FDP ≤ t, found in the minima from behind.
    from_behind = np.minimum.accumulate(fdp[::-1])[::-1]
    right = np.clip(np.searchsorted(ordered, x, side="left"), 0, len(ordered) - 1)
    left = np.clip(np.searchsorted(ordered, x, side="right") - 1, 0, len(ordered) - 1)
    x0, x1 = ordered[left], ordered[right]
    knots = np.unique(np.concatenate([x0, x1]))
    height = _mean_height(knots, ordered, from_behind, fdp, found) / ranking.n_positive
    y0, y1 = height[np.searchsorted(knots, x0)], height[np.searchsorted(knots, x1)]
    share = np.divide(x - x0, x1 - x0, out=np.zeros_like(x), where=x1 > x0)
    y = np.where(x < ordered[0], 0.0, np.where(x > ordered[-1], 1.0, y0 + share * (y1 - y0)))
    return Curve("tpr_fdp", x, y, ranking.prevalence, ranking.n_positive, np.nan)


def _mean_height(
    knots: FloatArray, ordered: FloatArray, from_behind: FloatArray, fdp: FloatArray, found: FloatArray
) -> FloatArray:
    """Running maximum of true positives at each knot of FDP, averaged over the positions with exactly that FDP."""
    last = np.searchsorted(from_behind, knots, side="right") - 1
    height = found[last]
    times = np.searchsorted(ordered, knots, side="right") - np.searchsorted(ordered, knots, side="left")
    for i in np.flatnonzero(times > 1):
        before = np.searchsorted(from_behind, knots[i], side="left") - 1
        floor = found[before] if before >= 0 else 0.0
        height[i] = np.maximum(found[fdp == knots[i]], floor).mean()
    return height


def precision_recall(ranking: Ranking, grid: npt.ArrayLike = RATE_GRID) -> Curve:
    """Precision at the first position whose recall reaches x; area is the average precision."""
    x = np.asarray(grid, dtype=float)
    if not ranking.n_positive:
        return Curve("precision_recall", x, np.full(len(x), np.nan), ranking.prevalence, 0, np.nan)
    found = ranking.true_positives
    wanted = x * ranking.n_positive * (1.0 - 1e-12)  # x·P rounded up would miss the position that reaches it
    at = np.minimum(np.searchsorted(found, wanted), ranking.n - 1)
    return Curve(
        "precision_recall",
        x,
        found[at] / (at + 1.0),
        ranking.prevalence,
        ranking.n_positive,
        ranking.average_precision(),
    )


def roc(ranking: Ranking, grid: npt.ArrayLike = RATE_GRID) -> Curve:
    """True positive rate at false positive rate x, (0, 0) prepended; area is the exact AUROC."""
    x = np.asarray(grid, dtype=float)
    n_negative = ranking.n - ranking.n_positive
    if not ranking.n_positive or not n_negative:
        nan = np.full(len(x) + 1, np.nan)
        return Curve("roc", np.append(0.0, x), nan, ranking.prevalence, ranking.n_positive, np.nan)
    found = ranking.true_positives
    false = np.arange(1.0, ranking.n + 1) - found
    wanted = x * n_negative
    called = np.searchsorted(false, wanted * (1.0 + 1e-12), side="right")  # as many as false positives allow
    before, after = np.maximum(called - 1, 0), np.minimum(called, ranking.n - 1)
    tp, fp = np.where(called > 0, found[before], 0.0), np.where(called > 0, false[before], 0.0)
    step = false[after] - fp
    share = np.clip(np.divide(wanted - fp, step, out=np.zeros_like(x), where=step > 0), 0.0, 1.0)
    y = (tp + share * (found[after] - tp)) / ranking.n_positive
    return Curve("roc", np.append(0.0, x), np.append(0.0, y), ranking.prevalence, ranking.n_positive, ranking.auroc())


@dataclass(frozen=True)
class MeanCurve:
    """Curves of several seeds averaged at each x."""

    kind: Kind
    x: FloatArray = field(repr=False)
    mean: FloatArray = field(repr=False)
    #: Mean ± standard error over seeds (sd / √seeds, as the paper prints); NaN with one seed.
    low: FloatArray = field(repr=False)
    high: FloatArray = field(repr=False)
    prevalence: float
    #: Mean and standard error of the area over seeds.
    area: float
    area_se: float
    n_seeds: int


def mean_curve(curves: Sequence[Curve]) -> MeanCurve:
    """Average curves of one kind on one grid, one per seed; seeds without positives (all NaN) are left out.

    Splits of one screen overlap, so the band shows how much the split matters, not a confidence interval.

    Raises
    ------
    UserError
        If there is no curve, or they differ in kind or grid.
    """
    if not curves:
        raise UserError("There is no curve to average.")
    kinds = {c.kind for c in curves}
    if len(kinds) > 1 or any(not np.array_equal(c.x, curves[0].x) for c in curves):
        raise UserError("Only curves of one kind on one grid can be averaged.")
    valid = [c for c in curves if not np.isnan(c.y).all()]
    if not valid:
        nan = np.full(len(curves[0].x), np.nan)
        return MeanCurve(curves[0].kind, curves[0].x, nan, nan, nan, np.nan, np.nan, np.nan, 0)
    y, areas = np.array([c.y for c in valid]), np.array([c.area for c in valid])
    n = len(valid)
    spread = y.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(y.shape[1], np.nan)
    return MeanCurve(
        kind=curves[0].kind,
        x=curves[0].x,
        mean=y.mean(axis=0),
        low=y.mean(axis=0) - spread,
        high=y.mean(axis=0) + spread,
        prevalence=float(np.mean([c.prevalence for c in valid])),
        area=float(areas.mean()),
        area_se=float(areas.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan,
        n_seeds=n,
    )
