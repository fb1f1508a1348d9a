"""Parts of figures in the form of Plotly's JSON, each written once: traces, error bars, axes, boxes and notes.

Keywords beyond those named go into the part as they are, under Plotly's names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perturbviz.panels.figures.theme import MEAN_BAR, MUTED, colour_scale

Part = dict[str, Any]
CLEAR = "rgba(0,0,0,0)"


def _trace(kind: str, x: Any, y: Any, uid: str, hover: str, legend: bool, more: Part) -> Part:
    """A trace; without a hover text it says nothing, and without ``legend`` it has no entry there."""
    if hover:
        said = {"hovertemplate": hover if "<extra>" in hover else f"{hover}<extra></extra>"}
    else:
        said = {"hoverinfo": "skip"}
    named = {"uid": uid} if uid else {}
    return {"type": kind, "x": x, "y": y, **named, **said, **({} if legend else {"showlegend": False}), **more}


def points(x: Any, y: Any, uid: str, hover: str = "", *, legend: bool = True, **more: Any) -> Part:
    """Marks at (n,) places."""
    return _trace("scatter", x, y, uid, hover, legend, {"mode": "markers", **more})


def line(x: Any, y: Any, uid: str, stroke: Part, hover: str = "", *, legend: bool = True, **more: Any) -> Part:
    """A line through (n,) places, broken at NaN; ``stroke`` is its colour, width and dash."""
    return _trace("scatter", x, y, uid, hover, legend, {"mode": "lines", "line": stroke, **more})


def mean_bar(x: Any, y: Any, uid: str, **more: Any) -> Part:
    """The red bar that marks an average, through (n,) places."""
    return line(x, y, uid, {"color": MEAN_BAR, "width": 3}, legend=False, **more)


def bars(x: Any, y: Any, uid: str, hover: str = "", **more: Any) -> Part:
    """Bars up to (n,) heights, or to the right where ``orientation`` is "h"."""
    return _trace("bar", x, y, uid, hover, True, more)


def heat(z: Any, x: Any, y: Any, uid: str, hover: str = "", *, scale: Sequence[str] = (), **more: Any) -> Part:
    """A heat map of (rows, columns) values, without a colour bar where none is named."""
    colours = {"colorscale": colour_scale(scale)} if scale else {}
    shown = {} if "colorbar" in more else {"showscale": False}
    return _trace("heatmap", x, y, uid, hover, True, {"z": z, **colours, **shown, **more})


def words(x: Any, y: Any, text: Any, uid: str, *, colour: Any = MUTED, size: int = 12, **more: Any) -> Part:
    """Text at (n,) places."""
    font = {"color": colour, "size": size}
    return _trace("scatter", x, y, uid, "", False, {"mode": "text", "text": text, "textfont": font, **more})


def targets(x: Any, y: Any, keys: Any, text: Any, size: int, hover: str = "%{text}", **more: Any) -> Part:
    """Invisible squares that report clicks and hovers, which a heat map below them does not do with data."""
    square = {"size": size, "symbol": "square", "color": CLEAR, **more.pop("marker", {})}
    return points(x, y, "cells", hover, customdata=keys, text=text, marker=square, **more)


def legend_entry(name: str, **more: Any) -> Part:
    """A mark that stands in the legend alone."""
    return {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "name": name, **more}


def segments(*ends: np.ndarray) -> np.ndarray:
    """Places of one line that is broken after each piece: (n,), (n,) -> (3n,), NaN between."""
    return np.column_stack([*ends, np.full(len(ends[0]), np.nan)]).ravel()


def intervals(low: Any, at: Any, high: Any, colour: str = MUTED, width: float = 0) -> Part:
    """Error bars from (n,) lower to upper ends around the values; ``width`` of their caps in pixels."""
    ends = {"array": high - at, "arrayminus": at - low}
    return {"type": "data", "symmetric": False, "thickness": 2, "width": width, "color": colour, **ends}


def note(x: Any, y: Any, text: str, *, colour: str = MUTED, size: int | None = 12, **more: Any) -> Part:
    """Annotation without an arrow; type of the usual size where ``size`` is None."""
    font = {"color": colour} if size is None else {"color": colour, "size": size}
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": font, **more}


def box(x: tuple[Any, Any], y: tuple[Any, Any], **more: Any) -> Part:
    """Shape: a rectangle between two ends of each axis."""
    return {"type": "rect", "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1], **more}


def shaded(x: tuple[Any, Any], y: tuple[Any, Any], opacity: float, **more: Any) -> Part:
    """Shape: a grey ground without an outline."""
    return box(x, y, fillcolor=MUTED, opacity=opacity, line={"width": 0}, **more)


def axis(title: str, **more: Any) -> Part:
    """An axis with a title."""
    return {"title": {"text": title}, **more}


def ticks(labels: Sequence[str], **more: Any) -> Part:
    """An axis with a label at each whole number from 0, without grid lines; labels are escaped already."""
    return {"tickvals": list(range(len(labels))), "ticktext": list(labels), "showgrid": False, **more}


def lines_down(labels: Sequence[str], **more: Any) -> Part:
    """Vertical axis with one line a label, the first on top."""
    return ticks(labels, **{"range": [len(labels) - 0.5, -0.5], "zeroline": False, **more})


def columns_across(labels: Sequence[str], **more: Any) -> Part:
    """Horizontal axis with one column a label."""
    return ticks(labels, **{"range": [-0.5, len(labels) - 0.5], **more})


def rank_axis(worst: int, beyond: float = 0.5) -> Part:
    """Vertical axis of ranks, the first on top; it ends so far beyond the first and the worst."""
    span = [worst + beyond, 1 - beyond]
    return axis("rank (1 = best)", range=span, tickvals=list(range(1, worst + 1)), zeroline=False)


def margins(**sides: int) -> Part:
    """Room around the plot in pixels: ``l``, ``r``, ``t`` and ``b``; those of the template where not named."""
    return sides
