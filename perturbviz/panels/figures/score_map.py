"""Figure of the score table: what every method gets under every metric, each row coloured by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.rules import by_family
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import MEAN_BAR, MUTED, SEQUENTIAL, TEXT, colour_scale


def score_map(
    scores: np.ndarray,
    ranks: np.ndarray,
    rows: Sequence[str],
    families: Sequence[str],
    methods: Mapping[str, str],
    said: Sequence[str],
    current: int = -1,
) -> Drawing:
    """Metrics (rows, families in one piece each) x methods (columns): the score in words, the rank as colour.

    Colours are of ranks and not of scores: no scale between metrics is assumed, and one method that is far off does not
    make all others look alike.

    Parameters
    ----------
    scores, ranks
        (rows, methods); NaN where undefined.
    rows, families
        Label and family of every metric.
    methods
        Method -> display name, in the order of the columns.
    said
        Full name and direction of every metric, for hovering.
    current
        Row of the current view, framed; -1 for none.
    """
    n = len(methods)
    x, y = np.arange(n), np.arange(len(rows))
    z = (n - ranks).astype(np.float32)  # the first has the strongest colour
    best = np.fmin.reduce(ranks, axis=1)  # 1.5 where two share the first place
    text = np.full(z.shape, "", object)
    for i, line in enumerate(scores):
        places = decimals(line)
        for j in np.flatnonzero(~np.isnan(line)):
            text[i, j] = written(line[j], places, ranks[i, j] == best[i])
    names = [escape(v) for v in methods.values()]
    lost = [(i, j) for i, j in np.ndindex(z.shape) if np.isnan(scores[i, j])]
    spots = [(i, j, dx) for i, j in np.ndindex(z.shape) for dx in (-0.3, 0.0, 0.3)]  # a heat map reports no clicks
    traces = [
        {
            "type": "heatmap",
            "z": z,
            "x": x,
            "y": y,
            "zmin": 0,
            "zmax": max(n - 1, 1),
            "xgap": 2,
            "ygap": 2,
            "uid": "map",
            "colorscale": colour_scale(SEQUENTIAL),
            "showscale": False,
            "hoverinfo": "skip",
        },
        cell_texts(text, z, 0, max(n - 1, 1), SEQUENTIAL, list(range(n)), list(range(len(rows))), uid="scores"),
        {
            "type": "scatter",
            "mode": "text",
            "x": [j for _, j in lost],
            "y": [i for i, _ in lost],
            "text": ["–"] * len(lost),
            "textfont": {"color": MUTED, "size": 12},
            "hoverinfo": "skip",
            "showlegend": False,
            "uid": "undefined",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": [j + dx for _, j, dx in spots],
            "y": [i for i, *_ in spots],
            "marker": {"size": 20, "symbol": "square", "color": "rgba(0,0,0,0)"},
            "showlegend": False,
            "uid": "cells",
            "customdata": [i for i, *_ in spots],
            "text": [
                f"<b>{names[j]}</b><br>{escape(said[i])}<br>"
                + (
                    "undefined"
                    if np.isnan(scores[i, j])
                    else f"{scores[i, j]:.4g}, rank {ranks[i, j]:g} of {np.sum(~np.isnan(ranks[i]))}"
                )
                for i, j, _ in spots
            ],
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]
    shapes, asides = by_family(families, "aside-700")
    if current >= 0:
        shapes.append(
            {
                "type": "rect",
                "x0": -0.5,
                "x1": n - 0.5,
                "y0": current - 0.5,
                "y1": current + 0.5,
                "line": {"color": MEAN_BAR, "width": 2},
            }
        )
    return Drawing(
        traces,
        {
            "height": 80 + 24 * len(rows),
            "margin": {"l": 8, "r": 165, "b": 8},
            "hovermode": "closest",
            "shapes": shapes,
            "annotations": asides,
            "xaxis": {
                "tickvals": x.tolist(),
                "ticktext": names,
                "side": "top",
                "showgrid": False,
                "zeroline": False,
                "range": [-0.5, n - 0.5],
                "fixedrange": True,
                "tickfont": {"size": 12, "color": TEXT},
            },
            "yaxis": {
                "tickvals": y.tolist(),
                "ticktext": [escape(r) for r in rows],
                "range": [len(rows) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
                "fixedrange": True,
            },
        },
    )


def decimals(line: np.ndarray) -> int:
    """Decimals of a row, the same for all of it: three digits of what is usual there."""
    size = np.abs(line[np.isfinite(line) & (line != 0)])
    return int(np.clip(2 - np.floor(np.log10(np.median(size))), 0, 8)) if len(size) else 0


def written(score: float, places: int, first: bool) -> str:
    """A score with so many decimals, the first of its row in bold; never a negative zero."""
    text = f"{round(score, places) + 0.0:.{places}f}"
    return f"<b>{text}</b>" if first else text
