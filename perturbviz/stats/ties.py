"""The one rule for when two scores are equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

#: Two scores are tied where they differ by no more than this, times the largest of both and of the perfect score.
#: Inputs are float32, whose rounding must not decide who wins: half-sum and additive have the same Pearson delta
#: against control by identity, not by digits. Correlations are so compared absolutely, errors relatively.
TIE = 1e-6


def signs(a: ArrayLike, b: ArrayLike, perfect: ArrayLike = 0.0) -> np.ndarray:
    """Who is better, value by value: int8, 1 where ``a`` is, -1 where ``b`` is, 0 where tied or either is NaN.

    Parameters
    ----------
    a, b
        Goodness (higher is better), of shapes that broadcast.
    perfect
        Goodness or score of a perfect prediction; only its size counts, NaN (unknown) as 0.
    """
    most = np.finfo(float).max  # an infinite error is worse than any other, and as bad as another infinite one
    x, y = np.clip(np.asarray(a, float), -most, most), np.clip(np.asarray(b, float), -most, most)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = x - y
        size = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.nan_to_num(np.abs(np.asarray(perfect, float))))
        return np.where((np.abs(gap) <= TIE * size) | np.isnan(gap), 0, np.sign(gap)).astype(np.int8)


def tied(a: ArrayLike, b: ArrayLike, perfect: ArrayLike = 0.0) -> np.ndarray:
    """Where two goodness values are equal by the rule of :data:`TIE`; False where either is NaN."""
    return (signs(a, b, perfect) == 0) & ~np.isnan(np.asarray(a, float)) & ~np.isnan(np.asarray(b, float))
