"""The verdict on a metric: for how many perturbations is a replicate better than an empty prediction; is it chance?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbviz import stats
from perturbviz.metrics import Card
from perturbviz.stats import MIN_UNITS

MIN_SETS = 5  # splits that must agree, for metrics with one value a data set (a convention: splits overlap)
WIDE = 0.2  # dynamic range fraction from which a metric has room to order predictions (a convention of this program)
LEVEL = 0.05  # of the sign test
VERDICTS = {
    "calibrated": "tells the {replicate} from the {empty}",
    "narrow": "tells the {replicate} from the {empty}, but with little room between",
    "blind": "cannot tell the {replicate} from the {empty} here",
    "inverted": "ranks the {empty} above the {replicate} here",
    "unknown": "cannot be assessed here by the {replicate}",
}


@dataclass(frozen=True)
class Duel:
    """A replicate against an empty prediction, unit by unit (perturbation and context, or split).

    Attributes
    ----------
    better, equal, worse
        Units for which the replicate is better, equal (see :data:`perturbviz.stats.TIE`) and worse.
    interval
        95% interval of the mean sign where units share targets, NaN where there is none; None where none share.
    common
        Targets that all units share, so that none is independent of another.
    """

    better: int
    equal: int
    worse: int
    interval: tuple[float, float] | None = None
    common: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Units with both values."""
        return self.better + self.equal + self.worse

    @property
    def p(self) -> float:
        """Exact two-sided sign test; equal units count for neither."""
        return stats.sign_test(self.better, self.worse)

    @property
    def by_sharing(self) -> bool:
        """Whether only shared targets leave it open: the sign test says no chance, the interval holds 0."""
        return self.p < LEVEL and self.interval is not None and not (self.interval[0] > 0 or self.interval[1] < 0)


def compete(
    positive: np.ndarray, negative: np.ndarray, card: Card, unit: np.ndarray, sharing: stats.Sharing | None
) -> Duel:
    """The duel of two series of values.

    Parameters
    ----------
    positive, negative
        (R,) values of the replicate and of the empty prediction; rows where either is NaN are left out.
    unit
        (R,) codes 0 ... U-1; the sign of a unit is that of the sum of its rows' signs.
    sharing
        Which units share targets; None for one value a data set.
    """
    size = int(unit.max(initial=-1)) + 1
    have = ~(np.isnan(positive) | np.isnan(negative))
    row = np.where(have, stats.signs(card.goodness(positive), card.goodness(negative), card.perfect), 0)
    used = np.bincount(unit[have], minlength=size) > 0
    sign = np.where(used, np.sign(np.bincount(unit, row, size)), np.nan)
    better, equal, worse = (int((sign == s).sum()) for s in (1, 0, -1))
    if sharing is None or not sharing.shared(used):
        return Duel(better, equal, worse)
    found = stats.estimate(sign[None], np.arange(size), sharing)
    common = sharing.common(used) if np.isnan(found.error[0]) else ()
    return Duel(better, equal, worse, (float(found.low[0]), float(found.high[0])), common)


def judge(duel: Duel, fraction: float, replicate: str, one_a_split: bool) -> tuple[str, str]:
    """Key of ``VERDICTS`` and the reason in words.

    Parameters
    ----------
    fraction
        Median dynamic range fraction.
    replicate
        Name of the positive control, as within a sentence.
    one_a_split
        Whether a unit is a split: these overlap, so that no test holds.
    """
    what = f"the {replicate} is {counts(duel, one_a_split)}"
    wide = "calibrated" if fraction >= WIDE else "narrow"
    covers = f"{what}, and covers {max(fraction, 0):.0%} of the way to a perfect score"
    if one_a_split:
        if duel.n < MIN_SETS:
            return "unknown", f"{what}: one value a split, and so few say little (at least {MIN_SETS})"
        if duel.n in (duel.better, duel.worse):
            agree = f"{what} (all {duel.n} splits agree; they overlap: no error rate)"
            way = f"{agree}, and covers {max(fraction, 0):.0%} of the way to a perfect score"
            return (wide, way) if duel.better else ("inverted", agree)
        return "blind", what
    if duel.n < MIN_UNITS:
        return "unknown", f"{duel.n} perturbations are too few (at least {MIN_UNITS})"
    if duel.p >= LEVEL:
        return "blind", what + (f", which chance gives too ({p_value(duel.p)})" if duel.better + duel.worse else "")
    if duel.interval is not None and np.isnan(duel.interval[0]):
        who = f"every combination holds {' and '.join(duel.common)}" if duel.common else "all of them share targets"
        return "unknown", f"{what}, but {who}, so none is independent of another"
    if duel.by_sharing:
        return "blind", f"{what}, but combinations share targets, and others could turn it"
    return ("inverted", what) if duel.worse > duel.better else (wide, covers)


def counts(duel: Duel, one_a_split: bool) -> str:
    """How many units are what, in words: better for 59, equal for 94, worse for 5 of 158 perturbations."""
    for word, k in (("better", duel.better), ("equal", duel.equal), ("worse", duel.worse)):
        if k == duel.n and k:
            every = f"in all {duel.n} splits" if duel.n > 1 else "in the one data set"
            return f"{word} {every}" if one_a_split else f"{word} for all {duel.n} perturbations"
    link, noun = ("in", "splits") if one_a_split else ("for", "perturbations")
    return f"better {link} {duel.better}, equal {link} {duel.equal}, worse {link} {duel.worse} of {duel.n} {noun}"


def p_value(p: float) -> str:
    """A p-value as one writes it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
