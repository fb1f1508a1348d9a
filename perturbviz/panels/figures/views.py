"""Figures over all views: specification curve, shares won, which choice decides, agreement; and how sure one ranking is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.rules import upright
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import DIVERGING, MUTED, SEQUENTIAL, TEXT, colour_scale

COLUMNS = 600  # drawn views: enough to see the curve, few enough to draw at once
_DOT = [[0, "rgba(0,0,0,0)"], [1, "#0072b2"]]


def thinned(order: np.ndarray, most: int = COLUMNS) -> np.ndarray:
    """At most ``most`` of the sorted views, evenly chosen, first and last included."""
    return order if len(order) <= most else order[np.linspace(0, len(order) - 1, most).round().astype(int)]


def specification_curve(
    rank: np.ndarray,
    choices: pd.DataFrame,
    views: np.ndarray,
    name: str,
    colour: str,
    words: Sequence[str],
    here: int = -1,
) -> Drawing:
    """Rank of one method over views, and below which choices make each view.

    Parameters
    ----------
    rank
        (columns,) rank in each drawn view, in the order drawn.
    choices
        (columns, factors) value of every choice, as text; one band of rows a factor.
    views
        (columns,) number of each view, reported when its column is clicked.
    words
        (columns,) the view in words, for hovering.
    here
        Column of the current view, marked; -1 for none.
    """
    labels, z, breaks = [], [], []
    for factor in choices:
        column = choices[factor].to_numpy()
        for value in sorted(choices[factor].unique(), key=_sort_key):
            labels.append(str(value))
            z.append(column == value)
        breaks.append(len(labels))
    matrix = np.array(z, np.float32)
    x = np.arange(len(rank))
    worst = float(np.nanmax(rank, initial=1))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": x,
            "y": rank.astype(np.float32),
            "mode": "markers",
            "uid": "curve",
            "name": name,
            "customdata": [int(v) for v in views],
            "marker": {"color": colour, "size": 6},
            "text": [escape(w) for w in words],
            "hovertemplate": "%{text}<br><b>rank %{y:g}</b><extra></extra>",
        },
        {
            "type": "heatmap",
            "z": matrix,
            "x": x,
            "y": np.arange(len(labels)),
            "yaxis": "y2",
            "colorscale": _DOT,
            "showscale": False,
            "zmin": 0,
            "zmax": 1,
            "uid": "matrix",
            "ygap": 2,
            "hoverinfo": "none",
            "customdata": np.broadcast_to(np.asarray(views, np.int32), matrix.shape).copy(),
        },
    ]
    shapes = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y2",
            "y0": b - 0.5,
            "y1": b - 0.5,
            "line": {"color": MUTED, "width": 1},
        }
        for b in breaks[:-1]
    ]
    if here >= 0:
        shapes.append(upright(here, {"color": TEXT, "width": 1, "dash": "dot"}))
    bottom = 15 * len(labels)
    height = 230 + bottom
    layout = {
        "height": height,
        "showlegend": False,
        "shapes": shapes,
        "xaxis": {
            "title": {"text": "views, sorted by the rank"},
            "anchor": "y2",
            "showgrid": False,
            "zeroline": False,
            "showticklabels": False,
        },
        "yaxis": {
            "domain": [bottom / height, 1],
            "range": [worst + 0.6, 0.4],
            "title": {"text": f"rank of {escape(name)}"},
            "zeroline": False,
        },
        "yaxis2": {
            "domain": [0, bottom / height - 0.02],
            "range": [len(labels) - 0.5, -0.5],
            "tickvals": list(range(len(labels))),
            "ticktext": [escape(v) for v in labels],
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": 11},
        },
    }
    return Drawing(traces, layout)


def _sort_key(value: str) -> tuple:
    text = str(value).replace(",", "")
    return (1, float(text), "") if text.replace(".", "").isdigit() else (0, 0.0, text)


def _bars_layout(values: pd.Series, title: str) -> dict[str, Any]:
    """Of horizontal bars of shares: from nothing to beyond the longest bar, whose number stands there."""
    room = [0, 1.15 * float(values.max()) or 1]
    return {
        "height": 80 + 26 * len(values),
        "showlegend": False,
        "xaxis": {"title": {"text": title}, "tickformat": ".0%", "range": room, "zeroline": False},
        "yaxis": {"autorange": "reversed", "showgrid": False},
    }


def shares(values: pd.Series, names: Mapping[str, str], colours: Mapping[str, str]) -> Drawing:
    """Bars: share of the views that each method wins, most first."""
    methods = list(values.index)
    bars = {
        "type": "bar",
        "x": values.to_numpy(),
        "y": [escape(names[m]) for m in methods],
        "orientation": "h",
        "ids": methods,
        "uid": "shares",
        "marker": {"color": [colours[m] for m in methods]},
        "text": [f"{v:.0%}" for v in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.1%} of the votes<extra></extra>",
    }
    return Drawing([bars], _bars_layout(values, "share of views won"))


def deciding(values: pd.Series) -> Drawing:
    """Bars: Shapley share of rank variance of every choice, most first."""
    bars = {
        "type": "bar",
        "x": values.to_numpy(),
        "y": list(values.index),
        "orientation": "h",
        "uid": "deciding",
        "marker": {"color": MUTED},
        "text": [f"{v:.0%}" for v in values],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.1%} of the variance of ranks<extra></extra>",
    }
    return Drawing([bars], _bars_layout(values, "share of rank variance (Shapley)"))


def agreement(tau: np.ndarray, labels: Sequence[str]) -> Drawing:
    """Heat map of Kendall's τ-b between metrics, alike ones side by side."""
    text = [escape(v) for v in labels]
    heat = {
        "type": "heatmap",
        "z": tau.astype(np.float32),
        "x": text,
        "y": text,
        "zmin": -1,
        "zmax": 1,
        "uid": "tau",
        "colorscale": colour_scale(DIVERGING),
        "colorbar": {"title": {"text": "τ-b"}, "thickness": 12, "len": 0.6},
        "hovertemplate": "%{y}<br>%{x}<br>τ-b %{z:.2f}<extra></extra>",
    }
    layout = {
        "height": 160 + 19 * len(labels),
        "xaxis": {"tickangle": -55, "showgrid": False, "tickfont": {"size": 11}},
        "yaxis": {"autorange": "reversed", "showgrid": False, "tickfont": {"size": 11}},
    }
    return Drawing([heat], layout)


def blobs(share: np.ndarray, names: Sequence[str], colours: Sequence[str], x_title: str) -> Drawing:
    """Blob plot: area = share in which a method (row, best first) takes a place (column)."""
    traces = []
    for i, (line, name, colour) in enumerate(zip(share, names, colours, strict=True)):
        at = np.flatnonzero(np.nan_to_num(line) > 0.002)
        traces.append(
            {
                "type": "scatter",
                "x": at + 1,
                "y": [i] * len(at),
                "mode": "markers",
                "name": name,
                "uid": f"blob-{name}",
                "cliponaxis": False,
                "marker": {"color": colour, "size": (34 * np.sqrt(line[at])).tolist(), "opacity": 1},
                "text": [f"{v:.1%}" for v in line[at]],
                "hovertemplate": f"<b>{escape(name)}</b><br>place %{{x}}: %{{text}}<extra></extra>",
            }
        )
    layout = {
        "height": 90 + 34 * len(names),
        "showlegend": False,
        "xaxis": {"title": {"text": x_title}, "dtick": 1, "range": [0.3, share.shape[1] + 0.7], "zeroline": False},
        "yaxis": {
            "tickvals": list(range(len(names))),
            "ticktext": [escape(n) for n in names],
            "range": [len(names) - 0.4, -0.6],
            "zeroline": False,
        },
    }
    return Drawing(traces, layout)


def significance(p: np.ndarray, better: np.ndarray, names: Sequence[str]) -> Drawing:
    """Map: is the method of the row better than that of the column, beyond chance?"""
    text = [escape(n) for n in names]
    z = np.where(better, 1.0, np.where(better.T, -1.0, 0.0))
    z[np.diag_indices(len(z))] = np.nan
    said = [["" if np.isnan(v) else "&lt;.001" if v < 0.001 else f"{v:.2g}" for v in line] for line in p]
    traces = [
        {
            "type": "heatmap",
            "z": z.astype(np.float32),
            "x": text,
            "y": text,
            "zmin": -1,
            "zmax": 1,
            "colorscale": colour_scale(DIVERGING),
            "showscale": False,
            "uid": "significance",
            "text": said,
            "xgap": 1,
            "ygap": 1,
            "hovertemplate": "%{y} against %{x}: p %{text} (Holm)<extra></extra>",
        },
        cell_texts(said, z, -1, 1, DIVERGING, text, text, uid="p-values", size=10),
    ]
    layout = {
        "height": 140 + 30 * len(names),
        "xaxis": {"tickangle": -40, "showgrid": False},
        "yaxis": {"autorange": "reversed", "showgrid": False},
    }
    return Drawing(traces, layout)


def distances(matrix: np.ndarray, labels: Sequence[str], what: str) -> Drawing:
    """Heat map of the distance of every prediction (row) to every truth (column)."""
    text = [escape(v) for v in labels]
    heat = {
        "type": "heatmap",
        "z": matrix.astype(np.float32),
        "x": text,
        "y": text,
        "colorscale": colour_scale(SEQUENTIAL),
        "reversescale": True,
        "uid": "distances",
        "colorbar": {"title": {"text": what}, "thickness": 12, "len": 0.6},
        "hovertemplate": "prediction of %{y}<br>truth of %{x}<br>%{z:.3g}<extra></extra>",
    }
    axis = {"showticklabels": len(labels) <= 60, "tickfont": {"size": 10}, "showgrid": False}
    layout = {
        "height": 520,
        "xaxis": {"title": {"text": "observed profile of"}, **axis},
        "yaxis": {"title": {"text": "prediction for"}, "autorange": "reversed", **axis},
    }
    return Drawing([heat], layout)
