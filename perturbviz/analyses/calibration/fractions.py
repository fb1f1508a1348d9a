"""Dynamic range fraction, bound discrimination score, and the scale between an empty prediction and a replicate."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics import Card
from perturbviz.stats import signs

EPSILON = 1e-6


def _distance(value: np.ndarray, card: Card) -> tuple[np.ndarray, float, bool]:
    """Values, perfect value and whether higher is better; "closest to 1" becomes a distance from 1."""
    value = np.asarray(value, float)
    if card.better == "one":
        return np.abs(value - 1), 0.0, False
    return value, card.perfect, card.better == "higher"


def drf(positive: np.ndarray, negative: np.ndarray, card: Card) -> np.ndarray:
    """Dynamic range fraction: how much of the way from the negative control to perfection the positive one covers.

    Higher is better: (pos - neg) / (perfect - neg + 1e-6); lower: (neg - pos) / (neg - perfect + 1e-6); clipped to
    [-1, 1] (Miller et al. 2025). NaN where a control is undefined or the negative one is better than perfect.
    """
    positive, perfect, higher = _distance(positive, card)
    negative = _distance(negative, card)[0]
    room = perfect - negative if higher else negative - perfect
    gain = positive - negative if higher else negative - positive
    with np.errstate(invalid="ignore"):
        return np.where(room < 0, np.nan, np.clip(gain / (np.maximum(room, 0) + EPSILON), -1, 1))


def bds(positive: np.ndarray, negative: np.ndarray, card: Card) -> np.ndarray:
    """Bound discrimination, value by value: 1 where the positive control is better, 0 otherwise.

    Its mean is the bound discrimination score of Vollenweider & Bühlmann (2026); ties and undefined values lose.
    """
    return (signs(card.goodness(positive), card.goodness(negative), card.perfect) > 0).astype(float)


def calibrated_scale(score: np.ndarray, positive: float, negative: float, card: Card) -> np.ndarray:
    """Scores on the scale 0 = empty prediction, 1 = replicate, not clipped (Virtual Cell Challenge 2026).

    NaN where the replicate is not better than the empty prediction: there is no scale then.
    """
    score, top, bottom = card.goodness(score), float(card.goodness(positive)), float(card.goodness(negative))
    if not top > bottom:
        return np.full(np.shape(score), np.nan)
    return (score - bottom) / (top - bottom)
