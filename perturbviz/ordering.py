"""Ranks of many score vectors at once, in which differences that rounding can make are ties."""

from __future__ import annotations

import numpy as np

#: Scores that differ by less than this fraction of their size are tied: inputs are float32, whose rounding must not
#: decide who wins (half-sum and additive have the same Pearson delta by identity, not by digits).
TIE = 1e-7
#: Numbers compared at once.
CHUNK = 4_000_000


def beats(goodness: np.ndarray) -> np.ndarray:
    """Sign of the comparison of each pair: (..., M) -> (..., M, M) int8, 1 where row beats column, 0 tied or undefined."""
    a, b = goodness[..., :, None], goodness[..., None, :]
    with np.errstate(invalid="ignore", over="ignore"):
        gap = a - b
        tied = np.abs(gap) <= TIE * np.maximum(np.abs(a), np.abs(b))
    return np.where(tied | np.isnan(gap), 0, np.sign(gap)).astype(np.int8)


def ranks_of(goodness: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, 1 = highest, mid-ranks for ties, NaN for undefined: (V, M) -> (V, M)."""
    goodness = np.asarray(goodness, float)
    out = np.full(goodness.shape, np.nan)
    have = ~np.isnan(goodness)
    finite = np.clip(goodness, -np.finfo(float).max, np.finfo(float).max)  # an infinite error is worse than any other
    step = max(1, CHUNK // max(goodness.shape[-1] ** 2, 1))
    for start in range(0, len(goodness), step):
        part = slice(start, start + step)
        signs = beats(finite[part])
        # a method stands in the middle of those that beat it and those that do not
        net = signs.sum(axis=-1, dtype=np.int32)
        out[part] = (have[part].sum(axis=-1, keepdims=True) + 1 - net) / 2
    out[~have] = np.nan
    return out
