"""Rankings: averages with intervals, ranks, first places, tiers of methods that cannot be told apart, rank shifts.

All seeds of one perturbation are one unit: splits overlap, so they are not independent. Combinations that share a
target are not independent either (:mod:`perturbviz.stats.intervals`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from perturbviz import stats
from perturbviz.benchmark.perturbations import targets
from perturbviz.metrics import Card
from perturbviz.scoring.scores import Scores
from perturbviz.stats import MIN_UNITS, average

TABLE = [
    "name",
    "score",
    "low",
    "high",
    "rank",
    "rank_low",
    "rank_high",
    "p_first",
    "tier",
    "n_units",
    "interval",
    "reason",
    "n",
]


def ranks(score: np.ndarray, card: Card) -> np.ndarray:
    """Ranks along the last axis, 1 = best, mid-ranks for ties, NaN for undefined scores."""
    return stats.ranks(card.goodness(score), card.perfect)


def units(rows: pd.DataFrame) -> np.ndarray:
    """Unit of each row: context and perturbation, over all seeds (int codes by first appearance)."""
    context, perturbation = (pd.factorize(rows[c])[0].astype(np.int64) for c in ("context", "perturbation"))
    return pd.factorize(context * (perturbation.max(initial=0) + 1) + perturbation)[0]


def n_units(rows: pd.DataFrame) -> int:
    """Distinct perturbations, of every context."""
    return int(units(rows).max(initial=-1)) + 1


def sharing(rows: pd.DataFrame, unit: np.ndarray | None = None) -> stats.Sharing:
    """Which units of the rows share a target, in this or another context; ``unit`` as of :func:`units`."""
    unit = units(rows) if unit is None else unit
    first = np.unique(unit, return_index=True)[1]
    return stats.share_targets(tuple(map(targets, rows["perturbation"].to_numpy()[first])))


def per_unit(values: np.ndarray, rows: pd.DataFrame, unit: np.ndarray | None = None) -> tuple[np.ndarray, pd.DataFrame]:
    """Mean over the seeds of each perturbation: values (methods, rows) -> (methods, units), and the rows of the units.

    NaN where a method has no value of a perturbation; the rows gain ``n``, how many values a unit holds. ``unit`` is
    what :func:`units` gives for the rows, where it is known.
    """
    unit = units(rows) if unit is None else unit
    first = np.unique(unit, return_index=True)[1]
    return stats.per_unit(values, unit, len(first))[0], rows.iloc[first].assign(
        n=np.bincount(unit, minlength=len(first))
    )


def one_value_a_set(scores: Scores) -> bool:
    """Whether each value holds all perturbations of a data set, so that there are none to be uncertain about."""
    return bool((scores.rows["perturbation"] == "*").all())


@dataclass(frozen=True, eq=False)
class Ranking:
    """Methods in order of their score.

    Attributes
    ----------
    table
        Indexed by method slug, best first, undefined last, with the columns of ``TABLE``: name; score; low, high (ends
        of its 95% interval); rank; rank_low, rank_high (95% interval of the rank); p_first (share of draws in which it
        has or shares the first place); tier (methods that cannot be told apart from the best of their tier share a
        number); n_units (distinct perturbations, of every context); interval (how it was made, or why there is none);
        reason (why the score is undefined); n (values averaged).
    scores, how
        What was averaged, and how.
    compared
        What the ranking was made from, kept so that sentences need not compare the methods again.
    """

    table: pd.DataFrame
    scores: Scores
    how: str
    compared: Comparisons | None = field(default=None, repr=False)

    @cached_property
    def unit(self) -> np.ndarray:
        """Unit of each row of the scores: see :func:`units`."""
        return units(self.scores.rows)

    @cached_property
    def sharing(self) -> stats.Sharing:
        """Which units share targets."""
        return sharing(self.scores.rows, self.unit)

    @cached_property
    def certain(self) -> bool:
        """Whether any score has an interval."""
        return bool(self.table["low"].notna().any())

    @cached_property
    def _comparisons(self) -> Comparisons:
        return self.compared or Comparisons(self.scores, self.how, self.unit, self.sharing)

    def difference(self, a: str, b: str) -> tuple[float, float, float]:
        """Paired difference in score a - b over the rows of both, with its interval: (difference, low, high).

        The interval is NaN where it cannot be had: see the column ``interval``.
        """
        return self._comparisons.difference(*map(self.scores.methods.index, (a, b)))

    def separable(self, a: str, b: str) -> bool:
        """Whether two methods can be told apart: they are not tied, and the interval of their difference excludes 0."""
        return self._comparisons.apart(*map(self.scores.methods.index, (a, b)))

    def skew(self, method: str) -> tuple[float, float, float]:
        """Mean and median of a method's values, and the standard error of their difference (infinite where unknown)."""
        values = self.scores.values[[self.scores.methods.index(method)]]
        mean, median = (float(average(values, how)[0]) for how in ("mean", "median"))
        widening = stats.means(values, self.unit, self.sharing).widening[0]
        if one_value_a_set(self.scores) or np.isnan(widening):
            return mean, median, np.inf
        drawn = stats.bootstrap(values, self.unit, "mean") - stats.bootstrap(values, self.unit, "median")
        return mean, median, float(np.nanstd(drawn, ddof=1) * widening)

    @cached_property
    def lines(self) -> dict[str, dict[str, Any]]:
        """Method -> its line of the table, in order: sentences ask for many cells, each slow in pandas."""
        return self.table.to_dict("index")

    @cached_property
    def defined(self) -> list[str]:
        """Methods with a score, best first; not to be changed."""
        return [m for m, line in self.lines.items() if not np.isnan(line["score"])]

    @cached_property
    def shared(self) -> tuple[int, int, str] | None:
        """Units, distinct targets and what units are, for the first method with an interval; None if no two share."""
        found = self._comparisons.estimates.means
        at = [self.scores.methods.index(m) for m in self.defined if not np.isnan(self.lines[m]["low"])]
        if not at or not self.sharing.shared(found.used[at[0]]):
            return None
        i = at[0]
        return int(found.n_units[i]), int(found.n_targets[i]), noun(self.sharing, found.used[i])

    @cached_property
    def leaders(self) -> list[str]:
        """Methods that have, or share, the first place."""
        return [m for m in self.defined if self.lines[m]["rank"] == self.lines[self.defined[0]]["rank"]]


class Comparisons:
    """Paired differences of the methods of some scores; each method's are computed at once, when one is asked for."""

    def __init__(self, scores: Scores, how: str, unit: np.ndarray, sharing: stats.Sharing) -> None:
        self.scores, self.how, self.unit, self.sharing = scores, how, unit, sharing
        self.whole = one_value_a_set(scores)
        self._of: dict[int, stats.Estimates] = {}
        self._found: dict[tuple[int, int], tuple[float, float, float]] = {}

    @cached_property
    def estimates(self) -> stats.Estimates:
        """Averages of all methods."""
        return stats.estimate(self.scores.values, self.unit, self.sharing, self.how, self.medians)

    @cached_property
    def medians(self) -> np.ndarray | None:
        """Bootstrap medians of all methods; None where means are taken."""
        return stats.bootstrap(self.scores.values, self.unit, self.how) if self.how == "median" else None

    def against(self, i: int) -> stats.Estimates:
        """Differences of method ``i`` less each method."""
        if i not in self._of:
            self._of[i] = stats.paired(self.scores.values, i, self.unit, self.sharing, self.how, self.medians)
        return self._of[i]

    def difference(self, i: int, j: int) -> tuple[float, float, float]:
        """Difference and ends of its interval."""
        if (i, j) not in self._found:
            if self.whole:
                pair = self.scores.values[[i, j]]
                pair = average(pair[:, ~np.isnan(pair).any(axis=0)], self.how)
                self._found[i, j] = float(pair[0] - pair[1]), np.nan, np.nan
            else:
                e = self.against(i)
                self._found[i, j] = float(e.value[j]), float(e.low[j]), float(e.high[j])
        return self._found[i, j]

    def draws(self, n: int = stats.N_DRAWS, seed: int = 0) -> np.ndarray:
        """Draws of all averages together (n, methods); NaN where there are none."""
        if self.whole:
            return np.full((n, len(self.scores.methods)), np.nan)
        return stats.draws(self.estimates, self.how, self.medians, n, seed)

    def tied(self, i: int, j: int) -> bool:
        """Whether two methods are tied on the rows of both."""
        pair, card = self.scores.values[[i, j]], self.scores.card
        a, b = card.goodness(average(pair[:, ~np.isnan(pair).any(axis=0)], self.how))
        return bool(stats.tied(a, b, card.perfect))

    def apart(self, i: int, j: int) -> bool:
        """Whether the interval of the difference excludes 0, and the two are not tied."""
        _, low, high = self.difference(i, j)
        return bool(low > 0 or high < 0) and not self.tied(i, j)

    def p(self, i: int, j: int) -> float:
        """Two-sided p-value of the difference; 1 where tied, NaN where there is no interval."""
        p = np.nan if self.whole else float(self.against(i).p[j])
        return p if np.isnan(p) or not self.tied(i, j) else 1.0

    def tiers(self, order: Sequence[int]) -> np.ndarray:
        """Tier of each method: the best one left and all not told apart from it; NaN where not in ``order``."""
        tier, left, number = np.full(len(self.scores.methods), np.nan), list(order), 0
        while left:
            number += 1
            alike = [j for j in left if j == left[0] or not self.apart(left[0], j)]
            tier[alike] = number
            left = [j for j in left if j not in alike]
        return tier


def compare(scores: Scores, how: str = "mean") -> Comparisons:
    """What the scores say about each pair of methods."""
    unit = units(scores.rows)
    return Comparisons(scores, how, unit, sharing(scores.rows, unit))


def rank(scores: Scores, how: str = "mean", n: int = stats.N_DRAWS) -> Ranking:
    """Order methods by their average score, with 95% intervals over perturbations.

    Parameters
    ----------
    scores
        Of one metric; see :mod:`perturbviz.stats.intervals` for what the intervals are about.
    how
        "mean" or "median".
    n
        Draws of all averages together, for intervals of ranks and shares of first places.
    """
    compared = compare(scores, how)
    unit = compared.unit
    score = average(scores.values, how)
    place = ranks(score, scores.card)
    low, high, rank_low, rank_high, p_first = np.full((5, len(score)), np.nan)
    if not compared.whole and len(unit):
        low, high = compared.estimates.low, compared.estimates.high
        drawn = ranks(compared.draws(n), scores.card)
        rank_low, rank_high = stats.quantiles(drawn)
        p_first = np.where(np.isnan(drawn).all(axis=0), np.nan, stats.first(drawn).mean(axis=0))
    order = [int(i) for i in np.argsort(place, kind="stable") if not np.isnan(place[i])]
    have = ~np.isnan(scores.values)
    columns = [
        scores.names,
        score,
        low,
        high,
        place,
        rank_low,
        rank_high,
        p_first,
        compared.tiers(order),
        [len(np.unique(unit[h])) for h in have],
        how_made(compared),
        [scores.reasons.get(m, "") for m in scores.methods],
        have.sum(axis=1),
    ]
    table = pd.DataFrame(dict(zip(TABLE, columns, strict=True)), index=pd.Index(scores.methods, name="method"))
    return Ranking(table.sort_values("rank", kind="stable", na_position="last"), scores, how, compared)


def how_made(compared: Comparisons) -> list[str]:
    """How the interval of each method was made, or why there is none."""
    found, patterns = compared.estimates, {}
    for used in found.means.used:  # most methods are scored on the same perturbations
        if used.tobytes() not in patterns:
            patterns[used.tobytes()] = compared.sharing.shared(used), noun(compared.sharing, used)
    return [_how_made(found, i, compared, *patterns[u.tobytes()]) for i, u in enumerate(found.means.used)]


def _how_made(found: stats.Estimates, i: int, compared: Comparisons, shared: bool, what: str) -> str:
    n, n_targets = int(found.means.n_units[i]), int(found.means.n_targets[i])
    if np.isnan(found.value[i]):
        return "none: no defined score"
    if compared.whole:
        return "none: one value holds all perturbations, and splits overlap"
    if n < MIN_UNITS:
        return f"none: {too_few(n)}"
    used = found.means.used[i]
    if np.isnan(found.error[i]):
        common = compared.sharing.common(used)
        return f"none: every {what[:-1]} " + (f"holds {common[0]}" if common else "shares a target with every other")
    widened = found.means.widening[i]
    over = f"{n_targets} targets in {n} {what}, shared targets allowed for" if shared else f"{n} {what}"
    if compared.how == "median":
        return f"95%: bootstrap of the median, {over}" + (f" (deviations times {widened:.2g})" if widened > 1 else "")
    return f"95%: Student's t with {int(found.means.df[i])} degrees of freedom, {over}"


def too_few(n: int, what_for: str = "") -> str:
    """That so many perturbations are too few ``what_for`` ("to tell methods apart "); without a full stop."""
    counted = "one perturbation is" if n == 1 else f"{n} perturbations are"
    return f"{counted} too few {what_for}(at least {MIN_UNITS})"


def noun(shared: stats.Sharing, used: np.ndarray) -> str:
    """What the used units (bool mask) are: combinations where all have several targets, else perturbations."""
    size = np.asarray(shared.member[used].sum(axis=1)).ravel()
    return "combinations" if (size > 1).all() else "perturbations"


def shifts(before: Ranking, after: Ranking) -> pd.Series:
    """Places gained (positive: towards first) by every method of ``after`` since ``before``; NaN where undefined."""
    return before.table["rank"].reindex(after.table.index) - after.table["rank"]
