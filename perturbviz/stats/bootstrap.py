"""The bootstrap over units: all rows of a unit are drawn together, the same draws for every method."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from perturbviz.stats.averages import per_unit

N_RESAMPLES = 2000


def bootstrap(
    values: np.ndarray, unit: np.ndarray, how: str = "mean", n: int = N_RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Averages of resampled units.

    Parameters
    ----------
    values
        (methods, rows); NaN rows of a method do not count for it.
    unit
        (rows,) codes 0 ... U-1 of what is resampled together.
    how
        "mean" or "median".
    n, seed
        Number of resamples, and where the random numbers start.

    Returns
    -------
    (n, methods) averages; NaN where a resample holds no value of a method.
    """
    count = int(unit.max()) + 1 if len(unit) else 0
    if count == 0:
        return np.full((n, len(values)), np.nan)
    weight = _resamples(count, n, seed)
    if how == "mean":
        mean, size = per_unit(values, unit, count)
        weight = weight.astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weight @ np.where(size > 0, mean * size, 0).T) / (weight @ size.T)
    drawn, have = np.ascontiguousarray(weight.T), ~np.isnan(values)
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
    near, middle = int(6 * np.sqrt(len(values))), len(values) // 2
    low, high, all_found = _middle_ones(order, weight, total, max(middle - near, 0), middle + near)
    if not all_found:
        low, high, _ = _middle_ones(order, weight, total, 0, len(values))
    some, ordered, last = total > 0, values[order], len(values) - 1
    return np.where(some, (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2, np.nan)


def _middle_ones(
    order: np.ndarray, weight: np.ndarray, total: np.ndarray, start: int, end: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Places of the lower and upper middle one in ``order``, sought from start to end, and whether all are there."""
    before, upto = (total + 1) // 2, total // 2
    passed = weight[order[:start]].sum(axis=0, dtype=np.int32)
    inside = not start or bool((passed < before).all())
    low, high = np.full((2, len(total)), start, np.int32)
    for i in order[start:end]:  # from value to value for all resamples at once
        passed += weight[i]
        low += passed < before
        high += passed <= upto
    return low, high, inside and (end >= len(order) or bool((passed > upto).all()))
