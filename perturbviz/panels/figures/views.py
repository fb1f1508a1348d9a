"""Figures over all views: specification curve, shares won, deciding choices, agreement; how sure one ranking is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import Part, axis, bars, heat, lines_down, points
from perturbviz.panels.figures.rules import upright
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import DIVERGING, MUTED, SEQUENTIAL, TEXT

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
    labels, made, breaks = _choices_made(choices)
    x, rows = np.arange(len(rank)), np.arange(len(labels))
    worst = float(np.nanmax(rank, initial=1))
    numbers = np.broadcast_to(np.asarray(views, np.int32), made.shape).copy()
    traces = [
        points(
            x,
            rank.astype(np.float32),
            "curve",
            "%{text}<br><b>rank %{y:g}</b>",
            name=escape(name),
            customdata=[int(v) for v in views],
            marker={"color": colour, "size": 6},
            text=[escape(w) for w in words],
        ),
        heat(made, x, rows, "matrix", colorscale=_DOT, zmin=0, zmax=1, ygap=2, yaxis="y2", customdata=numbers)
        | {"hoverinfo": "none"},  # says nothing, but reports clicks
    ]
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y2", "line": {"color": MUTED, "width": 1}}
    shapes = [{**across, "y0": b - 0.5, "y1": b - 0.5} for b in breaks]
    if here >= 0:
        shapes.append(upright(here, {"color": TEXT, "width": 1, "dash": "dot"}))
    bottom = 15 * len(labels)
    height = 230 + bottom
    below = {"domain": [0, bottom / height - 0.02], "tickfont": {"size": 12}}
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False}
    layout = {
        "height": height,
        "showlegend": False,
        "shapes": shapes,
        "xaxis": axis("views, sorted by the rank", anchor="y2", **bare),
        "yaxis": axis(f"rank of {escape(name)}", domain=[bottom / height, 1], range=[worst + 0.6, 0.4], zeroline=False),
        "yaxis2": lines_down([escape(v) for v in labels], **below),
    }
    return Drawing(traces, layout)


def _choices_made(choices: pd.DataFrame) -> tuple[list[str], np.ndarray, list[int]]:
    """Every value of every choice, which views make it (values, views), and where the next choice begins."""
    labels, made, breaks = [], [], []
    for factor in choices:
        column = choices[factor].to_numpy()
        for value in sorted(choices[factor].unique(), key=_sort_key):
            labels.append(str(value))
            made.append(column == value)
        breaks.append(len(labels))
    return labels, np.array(made, np.float32), breaks[:-1]


def _sort_key(value: str) -> tuple:
    text = str(value).replace(",", "")
    return (1, float(text), "") if text.replace(".", "").isdigit() else (0, 0.0, text)


def _shares(values: pd.Series, labels: Sequence[str], title: str, uid: str, hover: str, **more: Any) -> Drawing:
    """Horizontal bars of shares, from nothing to beyond the longest bar, whose number stands there."""
    parts = bars(
        values.to_numpy(),
        labels,
        uid,
        hover,
        orientation="h",
        text=[f"{v:.0%}" for v in values],
        textposition="outside",
        cliponaxis=False,
        **more,
    )
    room = [0, 1.15 * float(values.max()) or 1]
    layout = {
        "height": 80 + 26 * len(values),
        "showlegend": False,
        "xaxis": axis(title, tickformat=".0%", range=room, zeroline=False),
        "yaxis": {"autorange": "reversed", "showgrid": False},
    }
    return Drawing([parts], layout)


def shares(values: pd.Series, names: Mapping[str, str], colours: Mapping[str, str]) -> Drawing:
    """Bars: share of the views that each method wins, most first."""
    methods = list(values.index)
    look = {"ids": methods, "marker": {"color": [colours[m] for m in methods]}}
    hover = "%{y}: %{x:.1%} of the votes"
    return _shares(values, [escape(names[m]) for m in methods], "share of views won", "shares", hover, **look)


def deciding(values: pd.Series) -> Drawing:
    """Bars: Shapley share of rank variance of every choice, most first."""
    title, hover = "share of rank variance (Shapley)", "%{y}: %{x:.1%} of the variance of ranks"
    return _shares(values, list(values.index), title, "deciding", hover, marker={"color": MUTED})


def agreement(tau: np.ndarray, labels: Sequence[str]) -> Drawing:
    """Heat map of Kendall's τ-b between metrics, alike ones side by side."""
    text = [escape(v) for v in labels]
    bar = {"title": {"text": "τ-b"}, "thickness": 12, "len": 0.6}
    hover = "%{y}<br>%{x}<br>τ-b %{z:.2f}"
    cells = heat(tau.astype(np.float32), text, text, "tau", hover, scale=DIVERGING, zmin=-1, zmax=1, colorbar=bar)
    small = {"showgrid": False, "tickfont": {"size": 12}}
    layout = {
        "height": 160 + 19 * len(labels),
        "xaxis": {"tickangle": -55, **small},
        "yaxis": {"autorange": "reversed", **small},
    }
    return Drawing([cells], layout)


def blobs(share: np.ndarray, names: Sequence[str], colours: Sequence[str], x_title: str) -> Drawing:
    """Blob plot: area = share in which a method (row, best first) takes a place (column)."""
    traces = []
    for i, (row, name, colour) in enumerate(zip(share, names, colours, strict=True)):
        at = np.flatnonzero(np.nan_to_num(row) > 0.002)
        traces.append(
            points(
                at + 1,
                [i] * len(at),
                f"blob-{name}",
                f"<b>{escape(name)}</b><br>place %{{x}}: %{{text}}",
                name=escape(name),
                cliponaxis=False,
                marker={"color": colour, "size": (34 * np.sqrt(row[at])).tolist(), "opacity": 1},
                text=[f"{v:.1%}" for v in row[at]],
            )
        )
    layout = {
        "height": 90 + 34 * len(names),
        "showlegend": False,
        "xaxis": axis(x_title, dtick=1, range=[0.3, share.shape[1] + 0.7], zeroline=False),
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
    labels = [escape(n) for n in names]
    z = np.where(better, 1.0, np.where(better.T, -1.0, 0.0))
    z[np.diag_indices(len(z))] = np.nan
    said = [["" if np.isnan(v) else "&lt;.001" if v < 0.001 else f"{v:.2g}" for v in row] for row in p]
    shown: Part = {"scale": DIVERGING, "zmin": -1, "zmax": 1, "xgap": 1, "ygap": 1, "text": said}
    hover = "%{y} against %{x}: p %{text} (Holm)"
    traces = [
        heat(z.astype(np.float32), labels, labels, "significance", hover, **shown),
        cell_texts(said, z, -1, 1, DIVERGING, labels, labels, uid="p-values", size=12),
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
    bar = {"title": {"text": what}, "thickness": 12, "len": 0.6}
    hover = "prediction of %{y}<br>truth of %{x}<br>%{z:.3g}"
    z = matrix.astype(np.float32)
    shown: Part = {"scale": SEQUENTIAL, "reversescale": True, "colorbar": bar}
    small = {"showticklabels": len(labels) <= 60, "tickfont": {"size": 12}, "showgrid": False}
    layout = {
        "height": 520,
        "xaxis": axis("observed profile of", **small),
        "yaxis": axis("prediction for", autorange="reversed", **small),
    }
    return Drawing([heat(z, text, text, "distances", hover, **shown)], layout)
