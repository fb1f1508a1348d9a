"""Figures of the linear model page: standing among the methods, arrows, error map, spectrum, distance, learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.errors import offsets, thinned
from perturbviz.panels.figures.marks import HALO
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import DIVERGING, MEAN_BAR, MUTED, SEQUENTIAL, TEXT, colour_scale

BETTER, WORSE = DIVERGING[-2], DIVERGING[0]
MAX_ARROWS = 100
POINTS = 70  # a method
MAX_DISTANCES = 300  # points of the chart of distances


def standing(
    table: pd.DataFrame,
    values: Mapping[str, pd.Series],
    colours: Mapping[str, str],
    axis_title: str,
    higher: bool,
    marked: Sequence[str] = (),
) -> Drawing:
    """Methods from first to last: every perturbation a point, the mean a red bar with its interval.

    Parameters
    ----------
    table
        ``Ranking.table``: name, score, low, high, reason; one line a method. NaN intervals are not drawn.
    values
        Method -> value per perturbation (indexed by name).
    colours
        Method -> colour.
    axis_title, higher
        Name and unit of the score; the axis is drawn so that better is to the right.
    marked
        Methods whose names are bold.
    """
    labels, notes, ids, text, colour = [], [], [], [], []
    x, y = [np.empty(0)], [np.empty(0)]
    lines = table.to_dict("index")
    for i, (method, line) in enumerate(lines.items()):
        name = escape(line["name"])
        labels.append(f"<b>{name}</b>" if method in marked else name)
        if np.isnan(line["score"]):
            why = wrap(line["reason"].partition(";")[0] or "undefined", 42, max_lines=2, placeholder=" …")
            notes.append(
                {
                    "x": 0.01,
                    "xref": "paper",
                    "y": i,
                    "text": "<br>".join(map(escape, why)),
                    "showarrow": False,
                    "xanchor": "left",
                    "align": "left",
                    "font": {"color": MUTED, "size": 12},
                }
            )
            continue
        own = values[method].to_numpy()
        shown = thinned(own, POINTS)
        who = values[method].index[shown]
        x.append(own[shown])
        y.append(i + offsets(x[-1], 0.3))
        ids += [f"{method}|{p}" for p in who]
        text += [f"<b>{escape(p)}</b><br>{name}" for p in who]
        colour += [colours[method]] * len(who)
    defined = np.flatnonzero(table["score"].notna())
    some = table.iloc[defined]
    data = [
        {  # all in one trace, of which Plotly draws few faster
            "type": "scatter",
            "x": np.concatenate(x).astype(np.float32),
            "y": np.concatenate(y).astype(np.float32),
            "mode": "markers",
            "uid": "points",
            "ids": ids,
            "name": "perturbations",
            "text": text,
            "marker": {"size": 5, "color": colour, "line": {"width": 0}},
            "hovertemplate": "%{text}: %{x:.4g}<extra></extra>",
        },
        {
            "type": "scatter",
            "x": some["score"].to_numpy(),
            "y": defined,
            "mode": "markers",
            "uid": "means",
            "ids": list(some.index),
            "name": "mean",
            "marker": {"symbol": "line-ns", "size": 17, "color": MEAN_BAR, "line": {"width": 3, "color": MEAN_BAR}},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "thickness": 2,
                "width": 5,
                "color": MEAN_BAR,
                "array": (some["high"] - some["score"]).fillna(0).to_numpy(),
                "arrayminus": (some["score"] - some["low"]).fillna(0).to_numpy(),
            },
            "text": [_interval(lines[m]) for m in some.index],
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]
    layout = {
        "height": 92 + 36 * len(table),
        "margin": {"l": 8, "r": 16, "t": 36, "b": 8},
        "showlegend": False,
        "annotations": notes,
        "yaxis": {
            "tickvals": list(range(len(table))),
            "ticktext": labels,
            "range": [len(table) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": 13, "color": TEXT},
        },
        "xaxis": {"title": {"text": axis_title}, "autorange": True if higher else "reversed", "zeroline": False},
    }
    return Drawing(data, layout)


def _interval(line: Mapping[str, Any]) -> str:
    interval = "no interval" if np.isnan(line["low"]) else f"95% interval {line['low']:.4g} to {line['high']:.4g}"
    return f"<b>{escape(line['name'])}</b><br>mean {line['score']:.4g} ({interval})<br>{line['n']:.0f} values averaged"


def arrows(
    before: pd.Series, after: pd.Series, names: tuple[str, str], axis_title: str, higher: bool, marked: str = ""
) -> Drawing:
    """One arrow a perturbation, from its score under one model to its score under another, sorted by the first.

    Parameters
    ----------
    before, after
        Score per perturbation, matched by name; beyond ``MAX_ARROWS`` the largest changes are drawn.
    names
        The two models.
    axis_title, higher
        Name, unit and direction of the score, and whether higher is better.
    marked
        Perturbation drawn thick.
    """
    was, now, perturbations = before.to_numpy(), after.reindex(before.index).to_numpy(), before.index.to_numpy()
    change = now - was
    both = np.flatnonzero(~np.isnan(change))
    gains = {"better": int(np.sum(change[both] > 0 if higher else change[both] < 0))}
    gains["worse"] = len(both) - gains["better"]
    if len(both) > MAX_ARROWS:
        both = both[np.argsort(-np.abs(change[both]), kind="stable")[:MAX_ARROWS]]
    order = both[np.argsort(was[both], kind="stable")]
    better = change[order] > 0 if higher else change[order] < 0
    x = np.arange(len(order))
    data: list[dict[str, Any]] = []
    for word, here, colour in (("better", better, BETTER), ("worse", ~better, WORSE)):
        if not here.any():
            continue
        a, b, at, who = was[order[here]], now[order[here]], x[here], perturbations[order[here]]
        data.append(
            {
                "type": "scatter",
                "x": np.ravel(np.column_stack([at, at, np.full(len(at), np.nan)])),
                "mode": "lines",
                "y": np.ravel(np.column_stack([a, b, np.full(len(at), np.nan)])),
                "line": {"color": colour, "width": 1.6},
                "uid": f"lines-{word}",
                "showlegend": False,
                "hoverinfo": "skip",
            }
        )
        data.append(
            {
                "type": "scatter",
                "x": at,
                "y": b,
                "mode": "markers",
                "name": f"{word} by {escape(names[1])}: {gains[word]}",
                "uid": f"heads-{word}",
                "ids": [f"to|{p}" for p in who],
                "customdata": list(who),
                "text": [f"{escape(p)}: {s:.4g} → {t:.4g}" for p, s, t in zip(who, a, b, strict=True)],
                "marker": {
                    "symbol": ["triangle-up" if t > s else "triangle-down" for s, t in zip(a, b, strict=True)],
                    "size": 8,
                    "color": colour,
                    "line": {"color": TEXT, "width": [2 if p == marked else 0 for p in who]},
                },
                "hovertemplate": "<b>%{text}</b><extra></extra>",
            }
        )
    few = len(x) <= 30
    layout = {
        "height": 400,
        "margin": {"t": 64},
        "xaxis": {
            "title": {"text": f"perturbations in the order of {escape(names[0])}"},
            "showgrid": False,
            "zeroline": False,
            "tickvals": x if few else [],
            "ticktext": [escape(p) for p in perturbations[order]] if few else [],
            "tickangle": -60,
        },
        "yaxis": {"title": {"text": axis_title}, "zeroline": False},
    }
    return Drawing(data, layout)


def error_map(errors: np.ndarray, dims: Sequence[int], ridges: Sequence[float], here: tuple[int, float]) -> Drawing:
    """Heat map of an error over K and λ, written into the cells; the current setting has a ring.

    Parameters
    ----------
    errors
        len(dims) × len(ridges) errors, of the training or the held-out perturbations; all NaN where there are none.
    here
        Current K and λ.
    """
    columns, lines = [f"{r:g}" for r in ridges], [str(k) for k in dims]
    cells = [(x, y) for y in lines for x in columns]
    ring = [3 if (y, x) == (str(here[0]), f"{here[1]:g}") else 0 for x, y in cells]
    data, notes = [], []
    if np.isnan(errors).all():
        notes.append(
            {
                "x": 0.5,
                "xref": "paper",
                "y": 0.5,
                "yref": "paper",
                "showarrow": False,
                "text": "no held-out perturbation<br>has an embedding",
                "font": {"color": MUTED},
            }
        )
    else:
        low, top = np.nanmin(errors), min(np.nanmax(errors), 2 * np.nanmedian(errors))  # λ = 0 can be far off
        data.append(
            {
                "type": "heatmap",
                "x": columns,
                "y": lines,
                "z": errors.astype(np.float32),
                "zmin": low,
                "zmax": top,
                "colorscale": colour_scale(SEQUENTIAL),
                "uid": "map",
                "showscale": False,
                "hoverinfo": "skip",
            }
        )
        written = [[f"{v:#.3g}" for v in line] for line in errors]
        data.append(cell_texts(written, errors, low, top, SEQUENTIAL, columns, lines, uid="errors", size=10))
    data.append(
        {  # invisible cells: a heat map reports no clicks with data
            "type": "scatter",
            "x": [x for x, _ in cells],
            "y": [y for _, y in cells],
            "mode": "markers",
            "uid": "cells",
            "customdata": [f"{y}|{x}" for x, y in cells],
            "text": [f"{v:.4g}" for v in np.ravel(errors)],
            "hovertemplate": "K %{y}, λ %{x}: L2 %{text}<extra></extra>",
            "marker": {
                "size": 24,
                "color": "rgba(0,0,0,0)",
                "symbol": "square",
                "line": {"color": MEAN_BAR, "width": ring},
            },
        }
    )
    layout = {
        "height": 420,
        "showlegend": False,
        "annotations": notes,
        "xaxis": {
            "title": {"text": "ridge penalty λ"},
            "type": "category",
            "showgrid": False,
            "range": [-0.5, len(columns) - 0.5],
        },
        "yaxis": {
            "title": {"text": "dimensions K"},
            "type": "category",
            "showgrid": False,
            "range": [-0.5, len(lines) - 0.5],
        },
    }
    return Drawing(data, layout)


def spectrum(table: pd.DataFrame, dims: int) -> Drawing:
    """Share of the changes' variance per component as bars, running totals as lines; the first K are coloured.

    Parameters
    ----------
    table
        As from :func:`perturbviz.models.spectrum`.
    dims
        K.
    """
    shown = table.iloc[:50]
    x = shown.index.to_numpy()
    data: list[dict[str, Any]] = []
    for name, here, colour in ((f"the first K = {dims}", x <= dims, BETTER), ("further components", x > dims, MUTED)):
        if here.any():
            data.append(
                {
                    "type": "bar",
                    "x": x[here],
                    "y": shown["change_explained"].to_numpy(np.float32)[here],
                    "name": name,
                    "uid": f"bars-{name[:7]}",
                    "marker": {"color": colour},
                    "hovertemplate": "component %{x}: %{y:.1%}<extra></extra>",
                }
            )
    for column, name, dash in (
        ("change_cumulative", "together: the changes, which are to be predicted", "solid"),
        ("cumulative", "together: the profiles, which PCA embeds", "dot"),
    ):
        data.append(
            {
                "type": "scatter",
                "x": x,
                "y": shown[column].to_numpy(np.float32),
                "mode": "lines",
                "uid": column,
                "name": name,
                "line": {"color": TEXT, "width": 2, "dash": dash},
                "hovertemplate": "first %{x}: %{y:.1%}<extra></extra>",
            }
        )
    layout = {
        "height": 420,
        "margin": {"t": 64},
        "barmode": "overlay",
        "bargap": 0.15,
        "xaxis": {"title": {"text": "principal component of the training data"}},
        "yaxis": {"title": {"text": "share of the variance"}, "tickformat": ".0%", "range": [0, 1.02]},
    }
    return Drawing(data, layout)


def distance(
    table: pd.DataFrame,
    curve: pd.DataFrame,
    methods: Mapping[str, tuple[str, str, str]],
    axis_title: str,
    marked: str = "",
) -> Drawing:
    """Error of every held-out perturbation against its distance to the nearest training perturbation.

    Parameters
    ----------
    table
        Indexed by perturbation: distance, nearest, and a column of errors a method.
    curve
        From :func:`perturbviz.models.error_by_distance.leaving_out_the_nearest`, drawn as lines.
    methods
        Method -> (name, colour, dash); the points are those of the first, beyond ``MAX_DISTANCES`` an even choice.
    marked
        Perturbation drawn large, whatever is left out.
    """
    first, (_, colour, _) = next(iter(methods.items()))
    shown = thinned(table[first].to_numpy(), MAX_DISTANCES)
    table = table.iloc[np.union1d(shown, np.flatnonzero(table.index == marked))]
    data: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": table["distance"].to_numpy(np.float32),
            "y": table[first].to_numpy(np.float32),
            "mode": "markers",
            "uid": "perturbations",
            "ids": list(table.index),
            "customdata": list(table.index),
            "showlegend": False,
            "text": [f"<b>{escape(p)}</b><br>nearest: {escape(n)}" for p, n in table["nearest"].items()],
            "marker": {
                "size": [12 if p == marked else 8 for p in table.index],
                "color": colour,
                "opacity": 1,
                "line": HALO,
            },
            "hovertemplate": "%{text}<br>distance %{x:.3g}, score %{y:.4g}<extra></extra>",
        }
    ]
    for method, (name, shade, dash) in methods.items():
        if curve["distance"].nunique() > 1:
            data.append(
                {
                    "type": "scatter",
                    "x": curve["distance"].to_numpy(np.float32),
                    "y": curve[method].to_numpy(np.float32),
                    "mode": "lines+markers",
                    "uid": f"beyond-{method}",
                    "name": f"{escape(name)}, mean beyond",
                    "marker": {"size": 7, "symbol": "diamond"},
                    "line": {"color": shade, "width": 2.4, "dash": dash},
                    "text": [f"{n} perturbations" for n in curve["n"]],
                    "hovertemplate": "beyond %{x:.3g}: mean %{y:.4g}, %{text}<extra></extra>",
                }
            )
    layout = {
        "height": 420,
        "margin": {"t": 64},
        "xaxis": {"title": {"text": "cosine distance to the nearest training perturbation in P"}, "zeroline": False},
        "yaxis": {"title": {"text": axis_title}, "zeroline": False},
    }
    return Drawing(data, layout)


def learning(table: pd.DataFrame, colour: str) -> Drawing:
    """Held-out error against the number of training perturbations: every draw a point, their mean a line.

    Parameters
    ----------
    table
        One row a draw: size, l2 (of the model), mean_l2 (of the perturbation mean); undefined draws are NaN.
    """
    table = table.dropna(subset=["l2"])
    data: list[dict[str, Any]] = []
    looks = (("l2", "this model", colour, "solid"), ("mean_l2", "perturbation mean", TEXT, "dot"))
    for column, name, shade, dash in looks:
        line = table.groupby("size")[column].mean()
        data.append(
            {
                "type": "scatter",
                "x": line.index.to_numpy(),
                "y": line.to_numpy(np.float32),
                "mode": "lines+markers",
                "name": name,
                "uid": f"line-{column}",
                "line": {"color": shade, "width": 2.4, "dash": dash},
                "marker": {"size": 7},
                "hovertemplate": f"{name}, %{{x}} perturbations: %{{y:.4g}}<extra></extra>",
            }
        )
        data.append(
            {
                "type": "scatter",
                "x": table["size"].to_numpy(),
                "y": table[column].to_numpy(np.float32),
                "mode": "markers",
                "uid": f"draws-{column}",
                "marker": {"size": 5, "color": shade, "symbol": "circle-open"},
                "showlegend": False,
                "hoverinfo": "skip",
            }
        )
    sizes = sorted(set(table["size"]))
    layout = {
        "height": 420,
        "margin": {"t": 64},
        "xaxis": {
            "title": {"text": "training perturbations"},
            "type": "log",
            "tickvals": sizes,
            "ticktext": [str(n) for n in sizes],
        },
        "yaxis": {"title": {"text": "L2 of held-out perturbations, all genes · lower is better ↓"}, "zeroline": False},
    }
    return Drawing(data, layout)
