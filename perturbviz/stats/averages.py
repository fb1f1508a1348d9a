"""Mean and median, leaving out what is undefined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def average(values: np.ndarray, how: str) -> np.ndarray:
    """Mean or median over the last axis, leaving out NaN; NaN where nothing is left: (..., R) -> (...)."""
    values = np.asarray(values, float)
    lines = values.reshape(int(np.prod(values.shape[:-1])), values.shape[-1])
    return averages(lines, [np.arange(lines.shape[1])], [how])[0, 0].reshape(values.shape[:-1])


def averages(values: np.ndarray, picks: Sequence[np.ndarray], hows: Sequence[str]) -> np.ndarray:
    """Averages over several choices of rows.

    Parameters
    ----------
    values
        (columns, rows); NaN is left out.
    picks
        Row positions of each choice.
    hows
        "mean" or "median".

    Returns
    -------
    (picks, hows, columns); NaN where nothing is left.
    """
    out = np.full((len(picks), len(hows), len(values)), np.nan)
    missing = np.isnan(values)
    gaps = bool(missing.any())
    filled = np.where(missing, 0, values) if gaps and "mean" in hows else values
    for s, pick in enumerate(picks):
        if not len(pick):
            continue
        neighbours = len(pick) == values.shape[1] or pick[-1] - pick[0] + 1 == len(pick)
        at = (slice(None), slice(pick[0], pick[-1] + 1) if neighbours else pick)
        count = len(pick) - missing[at].sum(axis=1) if gaps else np.full(len(values), len(pick))
        with np.errstate(invalid="ignore", divide="ignore"):
            for h, how in enumerate(hows):
                out[s, h] = filled[at].sum(axis=1) / count if how == "mean" else _median(values[at], count)
    return out


def _median(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Median along rows of which ``count`` are not NaN (NaN is sorted last)."""
    ordered = np.sort(values, axis=1)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    lines = np.arange(len(values))
    return np.where(count > 0, (ordered[lines, low] + ordered[lines, high]) / 2, np.nan)


def per_unit(values: np.ndarray, unit: np.ndarray, n_units: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each unit's rows, and how many there are: (k, R), (R,) codes -> (k, n_units) each; NaN where none."""
    have = ~np.isnan(values)
    sums, sizes = (
        np.array([np.bincount(unit, w, n_units) for w in x]).reshape(len(values), n_units)
        for x in (np.where(have, values, 0), have)
    )
    return np.divide(sums, sizes, out=np.full(sums.shape, np.nan), where=sizes > 0), sizes
