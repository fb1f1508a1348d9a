"""Figures of the Goodhart lab: metric against metric with a trail, ranks before and after, the climb, the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.rules import upright
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import AXIS, MUTED, SEQUENTIAL, SURFACE, TEXT, colour_scale, text_colour

UP, DOWN, SAME = "#1653bf", "#b8560a", MUTED  # better, worse, neither: the theme has dark counterparts of all three


def plane(
    x: pd.Series,
    y: pd.Series,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    start: str,
    trail: Sequence[tuple[float, float, str]],
    titles: tuple[str, str],
    reverse: tuple[bool, bool],
) -> Drawing:
    """One metric against another: all methods as labelled points, the transformed one as a diamond with its trail.

    Parameters
    ----------
    x, y
        Method -> score; NaN scores are left out (and named in an annotation).
    names, colours
        Method -> display name and colour.
    start
        Method that is transformed.
    trail
        (x, y, setting in words) of the last steps, oldest first; the last one is the current setting.
    titles, reverse
        Axis titles, and whether an axis is turned round so that better is right and up.
    """
    defined = [m for m in x.index if np.isfinite(x[m]) and np.isfinite(y[m])]
    points = [(a, b, words) for a, b, words in trail if np.isfinite(a) and np.isfinite(b)]
    here = points[-1:] if trail and np.isfinite(trail[-1][:2]).all() else []
    spots = _label_places(
        [(x[m], y[m]) for m in defined], [names[m] for m in defined], reverse, here[0][:2] if here else None
    )
    # Where nothing is turned the diamond lies on its point: the name stands beside the larger of the two.
    under = defined.index(start) if here and start in defined and here[0][:2] == (x[start], y[start]) else -1
    traces = [
        {
            "type": "scatter",
            "x": x[defined].to_numpy(float),
            "y": y[defined].to_numpy(float),
            "ids": defined,
            "uid": "methods",
            "mode": "markers+text",
            "marker": {"size": 11, "color": [colours[m] for m in defined]},
            "text": ["" if i == under else escape(names[m]) for i, m in enumerate(defined)],
            "textposition": spots,
            "cliponaxis": False,
            "hovertext": [escape(names[m]) for m in defined],
            "textfont": {"size": 12, "color": [text_colour(colours[m]) for m in defined]},
            "showlegend": False,
            "hovertemplate": "<b>%{hovertext}</b><br>%{x:.4g}, %{y:.4g}<extra></extra>",
        },
        {
            "type": "scatter",
            "x": [p[0] for p in points],
            "y": [p[1] for p in points],
            "uid": "trail",
            "mode": "lines+markers",
            "line": {"color": colours[start], "width": 1.5, "dash": "dot"},
            "marker": {"size": np.linspace(3, 6, max(len(points), 1)).tolist(), "color": colours[start]},
            "text": [escape(p[2]) for p in points],
            "hovertemplate": "%{text}<br>%{x:.4g}, %{y:.4g}<extra>a step before</extra>",
            "showlegend": False,
        },
        {
            "type": "scatter",
            "x": [p[0] for p in here],
            "y": [p[1] for p in here],
            "ids": ["yours"] * len(here),
            "uid": "yours",
            "mode": "markers+text",
            "name": "transformed",
            "showlegend": False,
            "cliponaxis": False,
            "textposition": spots[under] if under >= 0 else "top center",
            "textfont": {"size": 12, "color": text_colour(colours[start])},
            "marker": {"size": 18, "symbol": "diamond", "color": colours[start], "line": {"color": TEXT, "width": 2}},
            "text": [escape(names[start]) if under >= 0 else ""] * len(here),
            "hovertext": [escape(p[2]) for p in here],
            "hovertemplate": "<b>transformed</b>: %{hovertext}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
        },
    ]
    lost = [names[m] for m in x.index if m not in defined] + ([] if here or not trail else ["the transformed one"])
    note = {
        "x": 0,
        "y": 0,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "text": escape(f"undefined: {', '.join(lost)}"),
        "font": {"color": MUTED, "size": 12},
    }
    axes = [
        {"title": {"text": escape(title)}, "autorange": "reversed" if flip else True, "zeroline": False}
        for title, flip in zip(titles, reverse, strict=True)
    ]
    layout = {"xaxis": axes[0], "yaxis": axes[1], "annotations": [note] if lost else []}
    return Drawing(traces, {**layout, "height": 440, "margin": {"l": 8, "r": 24, "t": 36, "b": 8}})


#: Places of a name around its point: offset of the box's centre in half boxes, right and up.
_PLACES = {
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, 1),
    "bottom right": (1, -1),
    "top left": (-1, 1),
    "bottom left": (-1, -1),
}
#: Of the axes: width of a letter (wide screen, narrow one), height of a line, size of a marker.
_LETTERS, _LINE, _DOT = (0.0105, 0.021), 0.05, 0.02


def _label_places(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    reverse: tuple[bool, bool],
    diamond: tuple[float, float] | None = None,
) -> list[str]:
    """Where each point's name stands, so that names cover one another and the points as little as possible."""
    if not points:
        return []
    xy = np.array([*points, *([diamond] if diamond else [])], float)
    span = np.ptp(xy, axis=0)
    unit = (xy - xy.min(axis=0)) / np.where(span > 0, span, 1)
    unit = np.where(np.array(reverse), 1 - unit, unit)
    dots = np.column_stack([unit, np.full(unit.shape, _DOT)])  # boxes: centre and half sizes
    if diamond:
        dots[-1, 2:] *= 1.5
    right, up = np.array(list(_PLACES.values()), float).T
    boxes = np.empty((len(_LETTERS), len(names), len(_PLACES), 4))
    for k, letter in enumerate(_LETTERS):
        half = np.array([len(n) for n in names])[:, None] * letter / 2
        centre = unit[: len(names), 0:1] + right * (half + _DOT), unit[: len(names), 1:] + up * (_LINE / 2 + _DOT)
        boxes[k] = np.stack([*centre, np.broadcast_to(half, centre[0].shape), np.full(centre[0].shape, _LINE / 2)], -1)
    outside = np.maximum(0, np.maximum(boxes[..., 2] - boxes[..., 0] - 0.05, boxes[..., 0] + boxes[..., 2] - 1.05))
    free = _overlap(boxes, dots).sum(axis=-1) + outside * _LINE  # screens x names x places, whatever the other names do
    chosen = free.sum(axis=0).argmin(axis=1)
    for i in [*range(len(names))] * 2:  # each in turn, given where the others stand
        taken = np.delete(boxes[:, np.arange(len(names)), chosen], i, axis=1)
        costs = [free[k, i] + _overlap(boxes[k, i], taken[k]).sum(axis=-1) for k in range(len(_LETTERS))]
        chosen[i] = np.sum(costs, axis=0).argmin()
    return [list(_PLACES)[c] for c in chosen]


def _overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Common areas of boxes: (..., 4), (n, 4) -> (..., n)."""
    a = a[..., None, :]
    sides = np.minimum(a[..., :2] + a[..., 2:], b[:, :2] + b[:, 2:]) - np.maximum(
        a[..., :2] - a[..., 2:], b[:, :2] - b[:, 2:]
    )
    return np.prod(np.maximum(sides, 0), axis=-1)


def strip(
    labels: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    count: int,
    colour: str,
    said: Sequence[str] = (),
    others: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    names: Mapping[str, str] | None = None,
    colours: Mapping[str, str] | None = None,
) -> Drawing:
    """Rank on every metric before (hollow) and after (filled): one column a metric, lines up where it gained.

    Parameters
    ----------
    before, after
        Ranks of the transformed prediction, 1 = best of ``count``, NaN where undefined.
    said
        Metrics in words, for the hover text; the labels where empty.
    others, names, colours
        Ranks of the other methods (methods x metrics) before and after, drawn as small dots where they are after.
    """
    x, said = np.arange(len(labels)), [escape(s) for s in said or labels]
    traces = []
    if others is not None and names is not None and colours is not None:
        traces.append(_others(others, said, names, colours))
    for word, line in (("better", UP), ("worse", DOWN)):
        picked = (after < before) if word == "better" else (after > before)
        ys = np.column_stack([before[picked], after[picked], np.full(picked.sum(), np.nan)])
        traces.append(
            {
                "type": "scatter",
                "x": np.repeat(x[picked], 3).astype(float),
                "y": ys.ravel(),
                "mode": "lines",
                "uid": f"strip-{word}",
                "name": f"ranks {word}",
                "line": {"color": line, "width": 4},
                "hoverinfo": "skip",
                "connectgaps": False,
            }
        )
    for name, values, symbol in (("before", before, "circle-open"), ("after", after, "diamond")):
        have = np.isfinite(values)
        traces.append(
            {
                "type": "scatter",
                "x": x[have],
                "y": values[have],
                "ids": [labels[i] for i in x[have]],
                "uid": f"strip-{name}",
                "name": name,
                "mode": "markers",
                "text": [said[i] for i in x[have]],
                "marker": {
                    "size": 10 if name == "before" else 11,
                    "symbol": symbol,
                    "color": colour,
                    "line": {"width": 1.5},
                },
                "hovertemplate": f"<b>%{{text}}</b><br>rank {name}: %{{y:g}}<extra></extra>",
            }
        )
    notes = [
        {
            "x": int(i),
            "y": count,
            "text": "undef.",
            "showarrow": False,
            "textangle": -90,
            "font": {"size": 10, "color": MUTED},
        }
        for i in x[~np.isfinite(after)]
    ]
    layout = {
        "xaxis": {
            "tickvals": x.tolist(),
            "ticktext": [escape(label) for label in labels],
            "tickangle": -60,
            "showgrid": False,
            "range": [-0.6, len(labels) - 0.4],
            "tickfont": {"size": 11},
        },
        "yaxis": {
            "title": {"text": "rank (1 = best)"},
            "range": [count + 0.6, 0.4],
            "tickvals": list(range(1, count + 1)),
            "zeroline": False,
        },
        "height": 380,
        "margin": {"l": 8, "r": 12, "t": 60, "b": 8},
        "annotations": notes,
    }
    return Drawing(traces, layout)


def _others(
    others: tuple[pd.DataFrame, pd.DataFrame], said: Sequence[str], names: Mapping[str, str], colours: Mapping[str, str]
) -> dict[str, Any]:
    """Small dots: where the others stand after the transformation, and on hover where they stood before."""
    before, after = (ranks.to_numpy(float) for ranks in others)
    methods, text, at = [str(m) for m in others[1].index], [], np.argwhere(np.isfinite(after)).tolist()
    for i, c in at:
        was = before[i, c]
        moved = f", {was:g} before" if np.isfinite(was) and was != after[i, c] else ""
        text.append(f"<b>{said[c]}</b><br>{escape(names[methods[i]])}: rank {after[i, c]:g}{moved}")
    return {
        "type": "scatter",
        "x": [c for _, c in at],
        "y": [after[i, c] for i, c in at],
        "ids": [f"{methods[i]}|{c}" for i, c in at],
        "uid": "strip-others",
        "mode": "markers",
        "marker": {"size": 5, "color": [colours[methods[i]] for i, _ in at]},
        "showlegend": False,
        "text": text,
        "hovertemplate": "%{text}<extra></extra>",
    }


def climb(
    seeds: Sequence[str], tune: np.ndarray, report: np.ndarray, title: str, reverse: bool, colour: str
) -> Drawing:
    """Score before and after tuning, a line a seed: where it was tuned and where it was not.

    ``tune`` and ``report`` are (seeds, 2): before, after; NaN where undefined.
    """
    traces, notes = [], []
    for name, values, shift, shade in (("tuned on", tune, -0.16, MUTED), ("reported on", report, 0.16, colour)):
        y = np.arange(len(seeds)) + shift
        both = np.isfinite(values).all(axis=1)
        traces.append(
            {
                "type": "scatter",
                "x": np.column_stack([values[both], np.full(both.sum(), np.nan)]).ravel(),
                "y": np.repeat(y[both], 3),
                "mode": "lines",
                "uid": f"climb-line-{name}",
                "line": {"color": shade, "width": 3},
                "hoverinfo": "skip",
                "showlegend": False,
                "connectgaps": False,
            }
        )
        for when, column, symbol in (("before", 0, "circle-open"), ("after", 1, "circle")):
            have = np.isfinite(values[:, column])
            traces.append(
                {
                    "type": "scatter",
                    "x": values[have, column],
                    "y": y[have],
                    "uid": f"climb-{name}-{when}",
                    "name": f"{name}: {when}",
                    "ids": [f"{s}|{name}" for s, ok in zip(seeds, have, strict=True) if ok],
                    "mode": "markers",
                    "marker": {"size": 11, "symbol": symbol, "color": shade},
                    "hovertemplate": f"perturbations {name}, {when}: %{{x:.4g}}<extra></extra>",
                }
            )
        notes += [
            {
                "x": float(values[i, 1]),
                "y": float(y[i]),
                "text": "undefined before",
                "showarrow": False,
                "xanchor": "right",
                "xshift": -10,
                "font": {"size": 11, "color": MUTED},
            }
            for i in np.flatnonzero(~np.isfinite(values[:, 0]) & np.isfinite(values[:, 1]))
        ]
    layout = {
        "height": 150 + 44 * len(seeds),
        "margin": {"l": 8, "r": 16, "t": 64, "b": 8},
        "annotations": notes,
        "xaxis": {"title": {"text": escape(title)}, "autorange": "reversed" if reverse else True, "zeroline": False},
        "yaxis": {
            "tickvals": list(range(len(seeds))),
            "ticktext": [escape(f"seed {s}" if s else "one split") for s in seeds],
            "range": [len(seeds) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
        },
    }
    return Drawing(traces, layout)


EDGES = (-1.0, 1.5)  # of the calibrated scale


def scales(table: pd.DataFrame, target: int, one: str) -> Drawing:
    """Every metric on one scale from an empty prediction (0) up: before (hollow) and after (filled).

    Parameters
    ----------
    table
        Of ``goodhart.effects.effects``; values beyond ``EDGES`` stand at the edge as triangles.
    target
        Line that was optimised, marked; -1 for none.
    one
        What 1 on the scale is.
    """
    y = np.arange(len(table))
    first, last = (table[c].to_numpy(float) for c in ("scaled_before", "scaled_after"))
    traces: list[dict[str, Any]] = []
    change = table["change"].to_numpy()
    known = np.isfinite(first) & np.isfinite(last)
    for word, sign, colour in (("better", 1, UP), ("worse", -1, DOWN), ("neither", 0, SAME)):
        picked = (change == sign) & known
        xs = np.column_stack([np.clip(v[picked], *EDGES) for v in (first, last, np.full(len(first), np.nan))])
        traces.append(
            {
                "type": "scatter",
                "x": xs.ravel(),
                "y": np.repeat(y[picked], 3),
                "mode": "lines",
                "line": {"color": colour, "width": 4},
                "name": word,
                "uid": f"scale-{word}",
                "hoverinfo": "skip",
                "connectgaps": False,
            }
        )
    labels, names = (table[c].to_numpy(object) for c in ("label", "name"))
    raw = {c: table[c].to_numpy(float) for c in ("before", "after")}
    for when, values, mark in (("before", first, "-open"), ("after", last, "")):
        have = np.isfinite(values)
        traces.append(
            {
                "type": "scatter",
                "x": [None],
                "y": [None],
                "mode": "markers",
                "name": when,
                "marker": {"size": 10, "color": TEXT, "symbol": "circle" + mark},
            }
        )
        beyond = [values[have] < EDGES[0], values[have] > EDGES[1]]
        symbol = np.select(beyond, ["triangle-left" + mark, "triangle-right" + mark], "circle" + mark)
        traces.append(
            {
                "type": "scatter",
                "x": np.clip(values[have], *EDGES),
                "y": y[have],
                "mode": "markers",
                "name": when,
                "uid": f"scale-{when}",
                "showlegend": False,
                "ids": labels[have].tolist(),
                "marker": {"size": 10, "symbol": symbol.tolist(), "color": TEXT},
                "customdata": np.column_stack([raw[when][have], values[have]]),
                "text": [escape(n) for n in names[have]],
                "hovertemplate": f"<b>%{{text}}</b><br>{when}: %{{customdata[0]:.4g}} (on the scale %{{customdata[1]:.3g}})<extra></extra>",
            }
        )
    notes = []
    for i in y[~known]:
        scores = {when: raw[when][i] for when in raw}
        said = [f"{when} {v:.3g}" if np.isfinite(v) else f"{when} undefined" for when, v in scores.items()]
        said += ["no scale here"] if np.isfinite(list(scores.values())).all() else []
        notes.append(
            {
                "x": 0.02,
                "y": int(i),
                "text": escape(", ".join(said)),
                "showarrow": False,
                "xanchor": "left",
                "bgcolor": SURFACE,
                "font": {"size": 11, "color": MUTED},
            }
        )
    shapes = [upright(at, {"color": AXIS, "width": 1.5}) for at in (0, 1)]
    ticks = [escape(label) for label in labels]
    if target >= 0:
        ticks[target] = f"<b>{ticks[target]}</b>"
        shapes.append(
            {
                "type": "rect",
                "xref": "x domain",
                "x0": 0,
                "x1": 1,
                "yref": "y",
                "y0": target - 0.45,
                "y1": target + 0.45,
                "fillcolor": MUTED,
                "opacity": 0.15,
                "line": {"width": 0},
                "layer": "below",
            }
        )
    layout = {
        "height": 120 + 22 * len(table),
        "margin": {"l": 8, "r": 12, "t": 60, "b": 8},
        "shapes": shapes,
        "annotations": notes,
        "xaxis": {
            "title": {"text": f"share of the way from an empty prediction (0) to {escape(one)} (1)"},
            "range": [EDGES[0] - 0.08, EDGES[1] + 0.08],
            "zeroline": False,
        },
        "yaxis": {
            "tickvals": y,
            "ticktext": ticks,
            "range": [len(table) - 0.4, -0.6],
            "showgrid": False,
            "zeroline": False,
        },
    }
    return Drawing(traces, layout)


def table(
    rows: Sequence[str], columns: Sequence[str], passed: np.ndarray, text: np.ndarray, hover: np.ndarray, others: int
) -> Drawing:
    """Gameability: metrics x ways of gaming; colour = other methods overtaken, text = score before → after.

    Parameters
    ----------
    passed
        (rows, columns) number of methods overtaken; NaN where it was not tried.
    text, hover
        (rows, columns) what stands in a cell and its hover text, already escaped.
    """
    x, y = list(range(len(columns))), list(range(len(rows)))
    z = np.asarray(passed, float)
    most = max(others, 1)
    traces = [
        {
            "type": "heatmap",
            "z": z,
            "x": x,
            "y": y,
            "colorscale": colour_scale(SEQUENTIAL),
            "zmin": 0,
            "zmax": most,
            "uid": "gameability",
            "xgap": 3,
            "ygap": 2,
            "customdata": np.asarray(hover, object).tolist(),
            "hovertemplate": "%{customdata}<extra></extra>",
            "colorbar": {
                "title": {"text": "methods overtaken", "side": "top"},
                "dtick": max(1, others // 5),
                "thickness": 10,
                "orientation": "h",
                "y": 0,
                "yref": "paper",
                "yanchor": "top",
                "ypad": 6,
                "len": 0.6,
            },
        },
        cell_texts(text, np.nan_to_num(z), 0, most, SEQUENTIAL, x, y, uid="cells", size=11),
    ]
    layout = {
        "height": 170 + 24 * len(rows),
        "margin": {"l": 8, "r": 8, "b": 60},
        "xaxis": {
            "tickvals": x,
            "ticktext": [escape(c).replace(": ", "<br>") for c in columns],
            "tickangle": 0,
            "side": "top",
            "showgrid": False,
            "range": [-0.5, len(columns) - 0.5],
            "tickfont": {"size": 13, "color": TEXT},
        },
        "yaxis": {
            "tickvals": y,
            "ticktext": [escape(r) for r in rows],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": 12},
        },
    }
    return Drawing(traces, layout)
