"""Text on coloured ground, in heat maps and bars: black or white, whichever can be read there, in light and in dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from perturbviz.panels.figures.parts import Part, words
from perturbviz.panels.figures.readable import along, channels, wants_white
from perturbviz.panels.figures.theme import INK, THEME_COLOURS


def ink(colours: Iterable[str]) -> list[str]:
    """Black or white for text on each of these colours (codes with a counterpart on dark), right in light and dark."""
    codes = list(colours)
    grounds = (codes, [THEME_COLOURS.get(c, c) for c in codes])
    white = [wants_white(np.array([channels(c) for c in each]).reshape(-1, 3)) for each in grounds]
    return [INK[bool(a), bool(b)][0] for a, b in zip(*white, strict=True)]


def ink_on_scale(values: np.ndarray, low: float, high: float, scale: Sequence[str]) -> list[str]:
    """The same for cells of a heat map: one code for each value, in the order of ``values.ravel()``."""
    flat = np.nan_to_num(np.ravel(values))
    dark = [THEME_COLOURS[c] for c in scale]
    white = [wants_white(along(stops, flat, low, high)) for stops in (scale, dark)]
    return [INK[bool(a), bool(b)][0] for a, b in zip(*white, strict=True)]


def cell_texts(
    text: Any, values: np.ndarray, low: float, high: float, scale: Sequence[str], x: Sequence, y: Sequence, **trace: Any
) -> Part:
    """Trace that writes into the cells of a heat map, each in the ink that its colour wants.

    A heat map's own texts have one rule of Plotly's for all, which leaves grey on middling blue.

    Parameters
    ----------
    text, values
        (rows, columns) what stands in each cell, and its value; where either is empty nothing is written.
    low, high, scale
        Range and colours of the heat map.
    x, y
        (columns,) and (rows,) places of the cells.
    trace
        ``uid``, axes and ``size`` of the type.
    """
    said, inks = np.asarray(text, object), np.array(ink_on_scale(values, low, high, scale)).reshape(np.shape(values))
    at = [(i, j) for i, j in np.ndindex(said.shape) if said[i, j] and not np.isnan(values[i, j])]
    x, y = [x[j] for _, j in at], [y[i] for i, _ in at]
    return words(x, y, [said[p] for p in at], colour=[str(inks[p]) for p in at], **trace)
