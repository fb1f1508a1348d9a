"""What figures share: labels that keep apart, and points with rings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbviz.panels.figures.theme import MEAN_BAR, SURFACE

HALO = {"color": SURFACE, "width": 0.5}
"""Outline that keeps points apart which overlap; they are opaque, so that each has its full contrast."""


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Places of labels beside these heights (ascending), ``gap`` apart, moved as little as may be (least squares)."""
    groups: list[list[float]] = []  # [middle, labels]: labels that touch stand evenly around the middle of their places
    for y in heights:
        groups.append([y, 1])
        while len(groups) > 1 and groups[-1][0] - groups[-2][0] < gap * (groups[-1][1] + groups[-2][1]) / 2:
            (a, n), (b, m) = groups[-2:]
            groups[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    return [middle + gap * (i - (n - 1) / 2) for middle, n in groups for i in range(int(n))]


def rings(ringed: np.ndarray, size: float, larger: float) -> dict[str, Any]:
    """Size and outline of points (n,), some of them ringed; one for all where none is, which is drawn much faster."""
    if not ringed.any():
        return {"size": size, "line": {"width": 0}}  # a thousand outlines cost a fifth of the redraw
    width = np.where(ringed, 2, 0).tolist()
    sizes = np.where(ringed, larger, size).tolist()
    return {"size": sizes, "opacity": 1, "line": {"color": MEAN_BAR, "width": width}}  # many sizes fade by default
