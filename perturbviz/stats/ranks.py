"""Ranks of many score vectors at once, ties by the one rule of :mod:`perturbviz.stats.ties`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from perturbviz.stats.ties import signs

#: Numbers compared at once.
CHUNK = 4_000_000


def ranks(goodness: ArrayLike, perfect: ArrayLike = 0.0) -> np.ndarray:
    """Ranks along the last axis, 1 = highest, mid-ranks for ties, NaN for undefined.

    Parameters
    ----------
    goodness
        (..., M), higher is better.
    perfect
        Score of a perfect prediction, one for all or of shape (...): see :func:`perturbviz.stats.signs`.
    """
    goodness = np.asarray(goodness, float)
    lines = goodness.reshape(int(np.prod(goodness.shape[:-1])), goodness.shape[-1])
    best = np.broadcast_to(np.asarray(perfect, float), goodness.shape[:-1]).reshape(-1, 1, 1)
    have = ~np.isnan(lines)
    out = np.empty(lines.shape)
    step = max(1, CHUNK // max(lines.shape[-1] ** 2, 1))
    for start in range(0, len(lines), step):
        part = slice(start, start + step)
        # a method stands in the middle of those that beat it and those that do not
        net = signs(lines[part, :, None], lines[part, None, :], best[part]).sum(axis=-1, dtype=np.int32)
        out[part] = (have[part].sum(axis=-1, keepdims=True) + 1 - net) / 2
    out[~have] = np.nan
    return out.reshape(goodness.shape)


def quantiles(drawn: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Ends of the central interval over the first axis: (n, M) -> (2, M); NaN for columns that are all NaN."""
    out = np.full((2, drawn.shape[1]), np.nan)
    have = ~np.isnan(drawn).all(axis=0)
    if have.any():
        out[:, have] = quantile(drawn[:, have], [(1 - level) / 2, (1 + level) / 2])
    return out


def quantile(drawn: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """Quantiles over the first axis, leaving out NaN: (n, M) -> (shares, M)."""
    if np.isnan(drawn).any():  # several times slower: column by column
        return np.nanquantile(drawn, shares, axis=0)
    return np.quantile(drawn, shares, axis=0)


def first(ranks: np.ndarray) -> np.ndarray:
    """Who has, or shares, the first place: bool of the same shape; nobody where all are undefined."""
    return ranks == np.fmin.reduce(ranks, axis=-1, keepdims=True, initial=np.inf)


def ordinal(rank: float) -> str:
    """Place in words: 1st, 2nd, 2nd–3rd for a shared one, "undefined" for NaN."""
    if np.isnan(rank):
        return "undefined"
    if rank != int(rank):
        return f"{ordinal(np.floor(rank))}–{ordinal(np.ceil(rank))}"
    number = int(rank)
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
