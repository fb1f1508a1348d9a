"""Bootstrap over perturbations, fast enough to run at every redraw; all seeds of one perturbation stay together."""

from __future__ import annotations

import numpy as np

N_RESAMPLES = 2000


def repetitions(count: int, n: int = N_RESAMPLES, seed: int = 0) -> np.ndarray:
    """How often each of ``count`` units is drawn in each of ``n`` resamples with replacement: (n, count) int16."""
    drawn = np.random.default_rng(seed).integers(0, count, (n, count), dtype=np.int32)
    drawn += np.arange(0, n * count, count, dtype=np.int32)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * count).reshape(n, count).astype(np.int16)


def resample(values: np.ndarray, unit: np.ndarray, how: str, times: np.ndarray) -> np.ndarray:
    """Averages of resampled rows.

    Parameters
    ----------
    values
        (methods, rows); NaN does not count for its method.
    unit
        (rows,) position of each row's unit in the columns of ``times``.
    how
        "mean" or "median".
    times
        (n, units) from :func:`repetitions`.

    Returns
    -------
    (n, methods); NaN where a resample holds no value of a method.
    """
    have = ~np.isnan(values)
    if how == "mean":
        count, weight = times.shape[1], times.astype(float)
        sums = np.stack(
            [np.bincount(unit, np.where(h, v, 0), count) for v, h in zip(values, have, strict=True)], axis=1
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            if have.all():
                return (weight @ sums) / (weight @ np.bincount(unit, minlength=count))[:, None]
            return (weight @ sums) / (weight @ np.stack([np.bincount(unit, h, count) for h in have], axis=1))
    of_rows = np.ascontiguousarray(times[:, unit].T)  # (rows, n): one line a row, added up in the order of values
    return np.stack([_medians(v[h], of_rows[h]) for v, h in zip(values, have, strict=True)], axis=1)


def _medians(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Medians of ``values`` (R,) repeated as in the columns of ``times`` (R, n): (n,)."""
    if not len(values):
        return np.full(times.shape[1], np.nan)
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(times[order], axis=0, dtype=np.int16 if len(values) < 2**12 else np.int32)
    total, ordered = cumulative[-1], values[order]
    low = (cumulative < (total + 1) // 2).sum(axis=0)  # how many values lie before the lower middle one
    high = (cumulative < total // 2 + 1).sum(axis=0)
    last = len(values) - 1
    return np.where(total > 0, (ordered[np.minimum(low, last)] + ordered[np.minimum(high, last)]) / 2, np.nan)
