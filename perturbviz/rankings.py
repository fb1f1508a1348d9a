"""Rankings: means, paired bootstrap intervals, ranks and rank shifts.

All seeds of one perturbation are one unit of resampling: splits overlap, so they are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.metrics import Card
from perturbviz.scores import Scores

N_RESAMPLES = 2000
LEVEL = 0.95


def average(values: np.ndarray, how: str) -> np.ndarray:
    """Mean or median over the last axis, leaving out NaN; NaN where nothing is left."""
    values = np.asarray(values, float)
    out = np.full(values.shape[:-1], np.nan)
    some = (~np.isnan(values)).any(axis=-1)
    if some.any():
        out[some] = (np.nanmedian if how == "median" else np.nanmean)(values[some], axis=-1)
    return out


def ranks(score: np.ndarray, card: Card) -> np.ndarray:
    """Ranks along the last axis, 1 = best, mid-ranks for ties, NaN for undefined scores."""
    goodness = np.asarray(card.goodness(score), float)
    finite = np.clip(goodness, -np.finfo(float).max, np.finfo(float).max)  # an infinite error is worse than any other
    lines = pd.DataFrame(
        -finite.reshape(-1, goodness.shape[-1])
    )  # pandas: importing scipy.stats takes a second at start
    return lines.rank(axis=1).to_numpy().reshape(goodness.shape)


def units(rows: pd.DataFrame) -> np.ndarray:
    """Unit of resampling of each row: context and perturbation, over all seeds (int codes by first appearance)."""
    context, perturbation = (pd.factorize(rows[c])[0].astype(np.int64) for c in ("context", "perturbation"))
    return pd.factorize(context * (perturbation.max(initial=0) + 1) + perturbation)[0]


def n_units(rows: pd.DataFrame) -> int:
    """Distinct perturbations, of every context."""
    return int(units(rows).max(initial=-1)) + 1


def per_unit(values: np.ndarray, rows: pd.DataFrame, unit: np.ndarray | None = None) -> tuple[np.ndarray, pd.DataFrame]:
    """Mean over the seeds of each perturbation: values (methods, rows) -> (methods, units), and the rows of the units.

    NaN where a method has no value of a perturbation; the rows gain ``n``, how many values a unit holds. ``unit`` is
    what :func:`units` gives for the rows, where it is known.
    """
    unit = units(rows) if unit is None else unit
    first = np.unique(unit, return_index=True)[1]
    have = ~np.isnan(values)
    sums, sizes = (np.array([np.bincount(unit, w, len(first)) for w in x]) for x in (np.where(have, values, 0), have))
    with np.errstate(invalid="ignore"):
        means = np.divide(sums, sizes, out=np.full(sums.shape, np.nan), where=sizes > 0)
    return means.reshape(len(values), len(first)), rows.iloc[first].assign(n=np.bincount(unit, minlength=len(first)))


def bootstrap(
    values: np.ndarray, unit: np.ndarray, how: str = "mean", n: int = N_RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Averages of resampled units, the same resamples for every method.

    Parameters
    ----------
    values
        (methods, rows); NaN rows of a method do not count for it.
    unit
        (rows,) codes 0 ... U-1 of what is resampled together.

    Returns
    -------
    (n, methods) averages.
    """
    count = int(unit.max()) + 1 if len(unit) else 0
    if count == 0:
        return np.full((n, len(values)), np.nan)
    weight = _resamples(count, n, seed)
    have = ~np.isnan(values)
    if how == "mean":
        sums = np.stack([np.bincount(unit, np.where(have[i], values[i], 0), count) for i in range(len(values))], axis=1)
        sizes = np.stack([np.bincount(unit, have[i], count) for i in range(len(values))], axis=1)
        weight = weight.astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weight @ sums) / (weight @ sizes)
    drawn = np.ascontiguousarray(weight.T)
    return np.stack(
        [_weighted_median(x[here], drawn[unit[here]]) for x, here in zip(values, have, strict=True)], axis=1
    )


@lru_cache(maxsize=4)  # of 10,000 units they take a second to draw, and every metric asks for the same
def _resamples(count: int, n: int, seed: int) -> np.ndarray:
    """How often each of ``count`` units is drawn in each resample: (n, count) uint8."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=n)
    return drawn.astype(np.uint8)  # expected once each: nobody is drawn 256 times


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Median of ``values`` (R,) for each of n columns of whole repetition counts (R, n): (n,)."""
    if not len(values):
        return np.full(weight.shape[1], np.nan)
    order = np.argsort(values, kind="stable")
    total = weight.sum(axis=0, dtype=np.int32)
    before, upto = (total + 1) // 2, total // 2  # of the lower and the upper middle one
    low, high, passed = (np.zeros(len(total), np.int32) for _ in range(3))
    for i in order:  # from value to value for all resamples at once
        passed += weight[i]
        low += passed < before
        high += passed <= upto
    some, ordered, last = total > 0, values[order], len(values) - 1
    return np.where(some, (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2, np.nan)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Methods in order of their score.

    Attributes
    ----------
    table
        Indexed by method slug, best first, undefined last: name, score, low, high (bootstrap interval), rank,
        rank_low, rank_high (interval of the rank), n (values averaged), p_first (share of resamples in first place),
        reason.
    scores, how
        What was averaged, and how.
    resampled
        (n, methods in ``scores.methods`` order) bootstrap averages, for paired comparisons.
    """

    table: pd.DataFrame
    scores: Scores
    how: str
    resampled: np.ndarray

    @cached_property
    def unit(self) -> np.ndarray:
        """Unit of resampling of each row of the scores: see :func:`units`."""
        return units(self.scores.rows)

    @cached_property
    def _differences(self) -> dict[tuple[str, str], tuple[float, float, float]]:
        """Those asked for so far: sentences and labels of one page ask for the same again and again."""
        return {}

    def difference(self, a: str, b: str) -> tuple[float, float, float]:
        """Paired difference in score a - b with its bootstrap interval: (difference, low, high)."""
        if (a, b) not in self._differences:
            self._differences[a, b] = self._difference(a, b)
        return self._differences[a, b]

    def _difference(self, a: str, b: str) -> tuple[float, float, float]:
        i, j = self.scores.methods.index(a), self.scores.methods.index(b)
        values = self.scores.values[[i, j]]
        both = ~np.isnan(values).any(axis=0)
        pair = average(values[:, both], self.how)
        resampled = self.resampled[:, [i, j]]
        if (both != ~np.isnan(values)).any():  # rows that only one of them has take no part
            resampled = bootstrap(np.where(both, values, np.nan), self.unit, self.how, len(resampled))
        tail = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low, high = _quantile(resampled[:, 0] - resampled[:, 1], tail, self.unit[both])
        return float(pair[0] - pair[1]), float(low), float(high)

    def separable(self, a: str, b: str) -> bool:
        """Whether the interval of the paired difference excludes zero."""
        _, low, high = self.difference(a, b)
        return bool(low > 0 or high < 0)

    @cached_property
    def lines(self) -> dict[str, dict[str, Any]]:
        """Method -> its line of the table, in its order: sentences and labels ask for many cells, each slow in pandas."""
        return self.table.to_dict("index")

    @cached_property
    def defined(self) -> list[str]:
        """Methods with a score, best first; not to be changed."""
        return [m for m, line in self.lines.items() if not np.isnan(line["score"])]


def _quantile(resampled: np.ndarray, tail: list[float], unit: np.ndarray) -> np.ndarray:
    """Quantiles over the first axis; NaN where fewer than two units were there to resample, which says nothing."""
    if len(np.unique(unit)) < 2 or np.isnan(resampled).all():
        return np.full((len(tail), *resampled.shape[1:]), np.nan)
    return np.nanquantile(resampled, tail, axis=0)


def rank(scores: Scores, how: str = "mean", n: int = N_RESAMPLES) -> Ranking:
    """Order methods by their average score, with paired bootstrap intervals over perturbations."""
    score = average(scores.values, how)
    unit = units(scores.rows)
    resampled = bootstrap(scores.values, unit, how, n)
    place = ranks(score, scores.card)
    tail = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    defined = ~np.isnan(score)
    low, high, rank_low, rank_high, first = (np.full(len(score), np.nan) for _ in range(5))
    if defined.any() and len(np.unique(unit)) > 1:
        low[defined], high[defined] = _quantile(resampled[:, defined], tail, unit)
        resampled_ranks = ranks(resampled[:, defined], scores.card)
        rank_low[defined], rank_high[defined] = _quantile(resampled_ranks, tail, unit)
        first[defined] = (resampled_ranks == np.nanmin(resampled_ranks, axis=1, keepdims=True)).mean(axis=0)
    table = pd.DataFrame(
        {
            "name": scores.names,
            "score": score,
            "low": low,
            "high": high,
            "rank": place,
            "rank_low": rank_low,
            "rank_high": rank_high,
            "n": (~np.isnan(scores.values)).sum(axis=1),
            "p_first": first,
            "reason": [scores.reasons.get(m, "") for m in scores.methods],
        },
        index=pd.Index(scores.methods, name="method"),
    )
    return Ranking(table.sort_values("rank", kind="stable", na_position="last"), scores, how, resampled)


def shifts(before: Ranking, after: Ranking) -> pd.Series:
    """Places gained (positive: towards first) by every method of ``after`` since ``before``; NaN where undefined."""
    return before.table["rank"].reindex(after.table.index) - after.table["rank"]
