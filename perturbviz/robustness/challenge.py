"""How robust is one ranking? The views of challengeR (Wiesenfarth et al. 2021, Scientific Reports 11, 2369).

Blob plot: in how many resamples does each method take each place. Podium: which place does it take on single
perturbations. Significance map: which pairs differ. Ranking methods: does the order depend on whether one averages
scores and ranks the averages, or ranks each perturbation and averages the ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtr

from perturbviz.ordering import ranks_of
from perturbviz.rankings import average, units
from perturbviz.robustness.resampling import N_RESAMPLES, repetitions, resample
from perturbviz.scores import Scores

RANKING_METHODS = ("mean then rank", "median then rank", "rank then mean")
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Robustness:
    """Robustness of one ranking; methods in the order of ``methods``, best first, those without a score left out.

    Attributes
    ----------
    methods, names
        Slugs and display names.
    blobs
        (methods, places): share of resamples in which a method takes a place (ties take the better one).
    podium
        (methods, places): share of single perturbations on which it does.
    significance
        (methods, methods): Holm-adjusted two-sided p-value of the paired difference; NaN on the diagonal.
    better
        (methods, methods) bool: row is better than column, at the 5% level over the whole map.
    places
        Per ranking method (rows) the rank of each method, with low_ and high_ limits of its 95% bootstrap interval:
        columns method, ranking, rank, low, high.
    n_units
        Number of perturbations (all seeds of one together) that were resampled.
    """

    methods: tuple[str, ...]
    names: tuple[str, ...]
    blobs: np.ndarray
    podium: np.ndarray
    significance: np.ndarray
    better: np.ndarray
    places: pd.DataFrame
    n_units: int


def robustness(scores: Scores, how: str = "mean", n: int = N_RESAMPLES, seed: int = 0) -> Robustness:
    """Resample the perturbations of one view and rank again and again.

    Parameters
    ----------
    scores
        Scores of one view; a metric with one value a data set is resampled over data sets.
    how
        "mean" or "median": how the view averages.
    n, seed
        Resamples, and where the random numbers start.
    """
    score = scores.card.goodness(average(scores.values, how))
    order = [int(i) for i in np.argsort(-score, kind="stable") if not np.isnan(score[i])]
    values, unit = scores.values[order], units(scores.rows)
    count = int(unit.max()) + 1 if len(unit) else 0
    times = repetitions(count, n, seed) if count else np.zeros((n, 0), np.int16)
    by_row = _row_ranks(scores.card.goodness(values))
    drawn = {
        "mean then rank": lambda: scores.card.goodness(resample(values, unit, "mean", times)),
        "median then rank": lambda: scores.card.goodness(resample(values, unit, "median", times)),
        "rank then mean": lambda: -resample(by_row, unit, "mean", times),
    }
    original = {
        "mean then rank": scores.card.goodness(average(values, "mean")),
        "median then rank": scores.card.goodness(average(values, "median")),
        "rank then mean": -average(by_row, "mean"),
    }
    current = f"{how} then rank"
    resampled = {name: draw() for name, draw in drawn.items()}
    p = _holm(_paired_p(resampled[current], original[current], count))
    lead = original[current][:, None] > original[current][None]
    return Robustness(
        tuple(scores.methods[i] for i in order),
        tuple(scores.names[i] for i in order),
        place_shares(ranks_of(resampled[current])),
        place_shares(by_row.T),
        p,
        lead & (np.nan_to_num(p, nan=1.0) < 1 - LEVEL),
        _places(scores, order, original, resampled),
        count,
    )


def _row_ranks(goodness: np.ndarray) -> np.ndarray:
    """Rank of each method on each row all of them have a value for: (methods, rows), NaN elsewhere."""
    complete = ~np.isnan(goodness).any(axis=0)
    out = np.full(goodness.shape, np.nan)
    if complete.any():
        out[:, complete] = ranks_of(goodness[:, complete].T).T
    return out


def place_shares(ranks: np.ndarray) -> np.ndarray:
    """Share of rankings (n, M) in which each method takes each place: (M, M); tied methods all take the better one."""
    m = ranks.shape[1]
    tied = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)
    place = ranks - (tied - 1) / 2
    counts = np.stack([(place == k + 1).sum(axis=0) for k in range(m)], axis=1) if m else np.zeros((0, 0))
    total = (~np.isnan(ranks)).sum(axis=0)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, counts / total, np.nan)


def _paired_p(resampled: np.ndarray, original: np.ndarray, n_units: int) -> np.ndarray:
    """Two-sided p-value of each paired difference: (M, M).

    The difference over its bootstrap standard error against Student's t with (units - 1) degrees of freedom. Counting
    resamples instead could not get below 1 / n, too coarse to survive the correction for all pairs.
    """
    m = len(original)
    p = np.full((m, m), np.nan)
    if n_units < 2:
        return p
    for i in range(m):
        gap = resampled[:, [i]] - resampled
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.nanstd(gap, axis=0, ddof=1)
            size = np.abs(original[i] - original)
            statistic = np.where(size > 1e-12, size / error, 0.0)
        p[i] = 2 * stdtr(n_units - 1, -statistic)
    p[np.diag_indices(m)] = np.nan
    return p


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction over all pairs (upper triangle) of a symmetric matrix of p-values."""
    first, second = np.triu_indices(len(p), 1)
    raw = p[first, second]
    order = np.argsort(raw, kind="stable")
    have = int((~np.isnan(raw)).sum())
    adjusted = np.full(len(raw), np.nan)
    steps = raw[order[:have]] * (have - np.arange(have))
    adjusted[order[:have]] = np.minimum(np.maximum.accumulate(steps), 1) if have else []
    out = np.full(p.shape, np.nan)
    out[first, second] = out[second, first] = adjusted
    return out


def _places(scores: Scores, order: list[int], original: dict, resampled: dict) -> pd.DataFrame:
    """Rank and its interval for each ranking method."""
    tail = (1 - LEVEL) / 2
    tables = []
    for name in RANKING_METHODS:
        ranks = ranks_of(resampled[name])
        known = ~np.isnan(ranks).all(axis=0)
        low, high = np.full((2, len(order)), np.nan)
        if known.any():
            low[known], high[known] = np.nanquantile(ranks[:, known], [tail, 1 - tail], axis=0)
        tables.append(
            pd.DataFrame(
                {
                    "method": [scores.methods[i] for i in order],
                    "name": [scores.names[i] for i in order],
                    "ranking": name,
                    "rank": ranks_of(original[name][None])[0],
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
