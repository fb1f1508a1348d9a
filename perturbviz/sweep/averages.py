"""Mean and median over rows of many gene subsets at once, leaving out what is undefined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def averages(values: np.ndarray, picks: Sequence[np.ndarray], hows: Sequence[str]) -> np.ndarray:
    """Averages over several choices of rows.

    Parameters
    ----------
    values
        (columns, rows); NaN is left out, as in ``perturbviz.rankings.average``.
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
