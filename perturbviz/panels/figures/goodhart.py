"""Figures of the Goodhart lab: metric against metric with a trail, ranks before and after, the climb, the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import (
    Part,
    axis,
    columns_across,
    heat,
    legend_entry,
    line,
    lines_down,
    margins,
    note,
    points,
    rank_axis,
    segments,
    shaded,
)
from perturbviz.panels.figures.rules import upright
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import AXIS, MUTED, SEQUENTIAL, SURFACE, TEXT, text_colour

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
    steps = [(a, b, words) for a, b, words in trail if np.isfinite(a) and np.isfinite(b)]
    here = steps[-1:] if trail and np.isfinite(trail[-1][:2]).all() else []
    spots = _label_places(
        [(x[m], y[m]) for m in defined], [names[m] for m in defined], reverse, here[0][:2] if here else None
    )
    # Where nothing is turned the diamond lies on its point: the name stands beside the larger of the two.
    under = defined.index(start) if here and start in defined and here[0][:2] == (x[start], y[start]) else -1
    named = [(m, spot, i == under) for i, (m, spot) in enumerate(zip(defined, spots, strict=True))]
    at_start = spots[under] if under >= 0 else ""
    traces = [
        _methods(x[defined].to_numpy(float), y[defined].to_numpy(float), named, names, colours),
        _trail(steps, colours[start]),
        _diamond(here, escape(names[start]) if at_start else "", at_start or "top center", colours[start]),
    ]
    lost = [names[m] for m in x.index if m not in defined] + ([] if here or not trail else ["the transformed one"])
    corner: Part = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    x_axis, y_axis = (
        axis(escape(title), autorange="reversed" if flip else True, zeroline=False)
        for title, flip in zip(titles, reverse, strict=True)
    )
    layout = {
        "xaxis": x_axis,
        "yaxis": y_axis,
        "annotations": [note(0, 0, escape(f"undefined: {', '.join(lost)}"), **corner)] if lost else [],
        "height": 440,
        "margin": margins(l=8, r=24, t=36, b=8),
    }
    return Drawing(traces, layout)


def _methods(
    x: np.ndarray,
    y: np.ndarray,
    named: Sequence[tuple[str, str, bool]],
    names: Mapping[str, str],
    colours: Mapping[str, str],
) -> Part:
    """The methods as points with their names; of each (method, place of its name, whether the diamond has the name)."""
    methods = [m for m, *_ in named]
    return points(
        x,
        y,
        "methods",
        "<b>%{hovertext}</b><br>%{x:.4g}, %{y:.4g}",
        legend=False,
        ids=methods,
        mode="markers+text",
        marker={"size": 11, "color": [colours[m] for m in methods]},
        text=["" if elsewhere else escape(names[m]) for m, _, elsewhere in named],
        textposition=[place for _, place, _ in named],
        cliponaxis=False,
        hovertext=[escape(names[m]) for m in methods],
        textfont={"size": 12, "color": [text_colour(colours[m]) for m in methods]},
    )


def _trail(steps: Sequence[tuple[float, float, str]], colour: str) -> Part:
    """The last steps, the older the smaller."""
    return points(
        [p[0] for p in steps],
        [p[1] for p in steps],
        "trail",
        "%{text}<br>%{x:.4g}, %{y:.4g}<extra>a step before</extra>",
        legend=False,
        mode="lines+markers",
        line={"color": colour, "width": 1.5, "dash": "dot"},
        marker={"size": np.linspace(3, 6, max(len(steps), 1)).tolist(), "color": colour},
        text=[escape(p[2]) for p in steps],
    )


def _diamond(here: Sequence[tuple[float, float, str]], name: str, place: str, colour: str) -> Part:
    """The transformed method, with its name where its untouched point has none."""
    return points(
        [p[0] for p in here],
        [p[1] for p in here],
        "yours",
        "<b>transformed</b>: %{hovertext}<br>%{x:.4g}, %{y:.4g}",
        legend=False,
        ids=["yours"] * len(here),
        mode="markers+text",
        name="transformed",
        cliponaxis=False,
        textposition=place,
        textfont={"size": 12, "color": text_colour(colour)},
        marker={"size": 18, "symbol": "diamond", "color": colour, "line": {"color": TEXT, "width": 2}},
        text=[name] * len(here),
        hovertext=[escape(p[2]) for p in here],
    )


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
    for word, stroke, picked in (("better", UP, after < before), ("worse", DOWN, after > before)):
        way = np.repeat(x[picked], 3).astype(float), segments(before[picked], after[picked])
        traces.append(_moved(*way, stroke, name=f"ranks {word}", uid=f"strip-{word}"))
    for name, values, symbol, size in (("before", before, "circle-open", 10), ("after", after, "diamond", 11)):
        have = np.isfinite(values)
        traces.append(
            points(
                x[have],
                values[have],
                f"strip-{name}",
                f"<b>%{{text}}</b><br>rank {name}: %{{y:g}}",
                ids=[labels[i] for i in x[have]],
                name=name,
                text=[said[i] for i in x[have]],
                marker={"size": size, "symbol": symbol, "color": colour, "line": {"width": 1.5}},
            )
        )
    layout = {
        "xaxis": columns_across(
            [escape(label) for label in labels],
            tickangle=-60,
            range=[-0.6, len(labels) - 0.4],
            tickfont={"size": 12},
        ),
        "yaxis": rank_axis(count, 0.6),
        "height": 380,
        "margin": margins(l=8, r=12, t=60, b=8),
        "annotations": [
            note(int(i), count, "undef.", textangle=-90, size=12) for i in np.flatnonzero(~np.isfinite(after))
        ],
    }
    return Drawing(traces, layout)


def _moved(x: np.ndarray, y: np.ndarray, colour: str, **more: Any) -> Part:
    """Thick lines from before to after, broken between metrics."""
    return line(x, y, stroke={"color": colour, "width": 4}, connectgaps=False, **more)


def _others(
    others: tuple[pd.DataFrame, pd.DataFrame], said: Sequence[str], names: Mapping[str, str], colours: Mapping[str, str]
) -> Part:
    """Small dots: where the others stand after the transformation, and on hover where they stood before."""
    before, after = (ranks.to_numpy(float) for ranks in others)
    methods, text, at = [str(m) for m in others[1].index], [], np.argwhere(np.isfinite(after)).tolist()
    for i, c in at:
        was = before[i, c]
        moved = f", {was:g} before" if np.isfinite(was) and was != after[i, c] else ""
        text.append(f"<b>{said[c]}</b><br>{escape(names[methods[i]])}: rank {after[i, c]:g}{moved}")
    return points(
        [c for _, c in at],
        [after[i, c] for i, c in at],
        "strip-others",
        "%{text}",
        legend=False,
        ids=[f"{methods[i]}|{c}" for i, c in at],
        marker={"size": 5, "color": [colours[methods[i]] for i, _ in at]},
        text=text,
    )


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
        way, stroke = segments(*values[both].T), {"color": shade, "width": 3}
        traces.append(line(way, np.repeat(y[both], 3), f"climb-line-{name}", stroke, legend=False, connectgaps=False))
        for when, column, symbol in (("before", 0, "circle-open"), ("after", 1, "circle")):
            have = np.isfinite(values[:, column])
            traces.append(
                points(
                    values[have, column],
                    y[have],
                    f"climb-{name}-{when}",
                    f"perturbations {name}, {when}: %{{x:.4g}}",
                    name=f"{name}: {when}",
                    ids=[f"{s}|{name}" for s, ok in zip(seeds, have, strict=True) if ok],
                    marker={"size": 11, "symbol": symbol, "color": shade},
                )
            )
        notes += [
            note(float(values[i, 1]), float(y[i]), "undefined before", xanchor="right", xshift=-10, size=12)
            for i in np.flatnonzero(~np.isfinite(values[:, 0]) & np.isfinite(values[:, 1]))
        ]
    layout = {
        "height": 150 + 44 * len(seeds),
        "margin": margins(l=8, r=16, t=64, b=8),
        "annotations": notes,
        "xaxis": axis(escape(title), autorange="reversed" if reverse else True, zeroline=False),
        "yaxis": lines_down([escape(f"seed {s}" if s else "one split") for s in seeds]),
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
    change = table["change"].to_numpy()
    known = np.isfinite(first) & np.isfinite(last)
    traces = []
    for word, sign, colour in (("better", 1, UP), ("worse", -1, DOWN), ("neither", 0, SAME)):
        picked = (change == sign) & known
        way = segments(*(np.clip(v[picked], *EDGES) for v in (first, last)))
        traces.append(_moved(way, np.repeat(y[picked], 3), colour, name=word, uid=f"scale-{word}"))
    for when, values, mark in (("before", first, "-open"), ("after", last, "")):
        marker = {"size": 10, "color": TEXT, "symbol": "circle" + mark}
        traces += [legend_entry(when, marker=marker), _on_scale(table, when, values, mark)]
    shapes = [upright(at, {"color": AXIS, "width": 1.5}) for at in (0, 1)]
    labels = [escape(label) for label in table["label"]]
    if target >= 0:
        labels[target] = f"<b>{labels[target]}</b>"
        place = {"xref": "x domain", "yref": "y", "layer": "below"}
        shapes.append(shaded((0, 1), (target - 0.45, target + 0.45), 0.15, **place))
    layout = {
        "height": 120 + 22 * len(table),
        "margin": margins(l=8, r=12, t=60, b=8),
        "shapes": shapes,
        "annotations": [
            note(0.02, int(i), escape(_off_scale(table.iloc[i])), xanchor="left", bgcolor=SURFACE, size=12)
            for i in y[~known]
        ],
        "xaxis": axis(
            f"share of the way from an empty prediction (0) to {escape(one)} (1)",
            range=[EDGES[0] - 0.08, EDGES[1] + 0.08],
            zeroline=False,
        ),
        "yaxis": lines_down(labels, range=[len(table) - 0.4, -0.6]),
    }
    return Drawing(traces, layout)


def _on_scale(table: pd.DataFrame, when: str, values: np.ndarray, mark: str) -> Part:
    """Scores on the common scale; those beyond its ends are triangles there."""
    have = np.isfinite(values)
    beyond = [values[have] < EDGES[0], values[have] > EDGES[1]]
    symbol = np.select(beyond, ["triangle-left" + mark, "triangle-right" + mark], "circle" + mark)
    return points(
        np.clip(values[have], *EDGES),
        np.flatnonzero(have),
        f"scale-{when}",
        f"<b>%{{text}}</b><br>{when}: %{{customdata[0]:.4g}} (on the scale %{{customdata[1]:.3g}})",
        legend=False,
        name=when,
        ids=table["label"].to_numpy(object)[have].tolist(),
        marker={"size": 10, "symbol": symbol.tolist(), "color": TEXT},
        customdata=np.column_stack([table[when].to_numpy(float)[have], values[have]]),
        text=[escape(n) for n in table["name"].to_numpy(object)[have]],
    )


def _off_scale(row: pd.Series) -> str:
    """Both scores of a metric that has no place on the common scale."""
    scores = {when: float(row[when]) for when in ("before", "after")}
    said = [f"{when} {v:.3g}" if np.isfinite(v) else f"{when} undefined" for when, v in scores.items()]
    return ", ".join(said + (["no scale here"] if np.isfinite(list(scores.values())).all() else []))


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
    below = {"orientation": "h", "y": 0, "yref": "paper", "yanchor": "top", "ypad": 6, "len": 0.6}
    title = {"text": "methods overtaken", "side": "top"}
    cells = heat(
        z,
        x,
        y,
        "gameability",
        "%{customdata}",
        scale=SEQUENTIAL,
        zmin=0,
        zmax=most,
        xgap=3,
        ygap=2,
        customdata=np.asarray(hover, object).tolist(),
        colorbar={"title": title, "dtick": max(1, others // 5), "thickness": 10, **below},
    )
    layout = {
        "height": 170 + 24 * len(rows),
        "margin": margins(l=8, r=8, b=60),
        "xaxis": columns_across(
            [escape(c).replace(": ", "<br>") for c in columns],
            tickangle=0,
            side="top",
            tickfont={"size": 13, "color": TEXT},
        ),
        "yaxis": lines_down([escape(r) for r in rows], tickfont={"size": 12}),
    }
    said = cell_texts(text, np.nan_to_num(z), 0, most, SEQUENTIAL, x, y, uid="cells", size=12)
    return Drawing([cells, said], layout)
