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
from perturbviz.panels.figures.parts import (
    Part,
    axis,
    bars,
    heat,
    intervals,
    line,
    lines_down,
    margins,
    note,
    points,
    segments,
    targets,
    ticks,
)
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import DIVERGING, MEAN_BAR, MUTED, SEQUENTIAL, TEXT

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
    lines = table.to_dict("index")
    names = {m: escape(line["name"]) for m, line in lines.items()}
    defined = np.flatnonzero(table["score"].notna())
    layout = {
        "height": 92 + 36 * len(table),
        "margin": margins(l=8, r=16, t=36, b=8),
        "showlegend": False,
        "annotations": [
            note(0.01, i, _why(line["reason"]), xref="paper", xanchor="left", align="left")
            for i, line in enumerate(lines.values())
            if np.isnan(line["score"])
        ],
        "yaxis": lines_down(
            [f"<b>{name}</b>" if m in marked else name for m, name in names.items()],
            tickfont={"size": 13, "color": TEXT},
        ),
        "xaxis": axis(axis_title, autorange=True if higher else "reversed", zeroline=False),
    }
    at = {str(table.index[i]): int(i) for i in defined}
    return Drawing([_swarms(at, values, names, colours), _means(table.iloc[defined], defined, lines)], layout)


def _why(reason: str) -> str:
    """Why there is no score, in at most two lines."""
    said = wrap(reason.partition(";")[0] or "undefined", 42, max_lines=2, placeholder=" …")
    return "<br>".join(map(escape, said))


def _swarms(
    at: Mapping[str, int], values: Mapping[str, pd.Series], names: Mapping[str, str], colours: Mapping[str, str]
) -> Part:
    """A swarm of perturbations on the line of each method; all in one trace, of which Plotly draws few faster."""
    ids, text, colour = [], [], []
    x, y = [np.empty(0)], [np.empty(0)]
    for method, i in at.items():
        shown = values[method].iloc[thinned(values[method].to_numpy(), POINTS)]
        x.append(shown.to_numpy())
        y.append(i + offsets(x[-1], 0.3))
        ids += [f"{method}|{p}" for p in shown.index]
        text += [f"<b>{escape(p)}</b><br>{names[method]}" for p in shown.index]
        colour += [colours[method]] * len(shown)
    return points(
        np.concatenate(x).astype(np.float32),
        np.concatenate(y).astype(np.float32),
        "points",
        "%{text}: %{x:.4g}",
        ids=ids,
        name="perturbations",
        text=text,
        marker={"size": 5, "color": colour, "line": {"width": 0}},
    )


def _means(some: pd.DataFrame, y: np.ndarray, lines: Mapping[Any, Mapping[str, Any]]) -> Part:
    """The red bars and their intervals; none where an end is not known."""
    score = some["score"].to_numpy()
    low, high = (some[end].fillna(some["score"]).to_numpy() for end in ("low", "high"))
    return points(
        score,
        y,
        "means",
        "%{text}",
        ids=list(some.index),
        name="mean",
        marker={"symbol": "line-ns", "size": 17, "color": MEAN_BAR, "line": {"width": 3, "color": MEAN_BAR}},
        error_x=intervals(low, score, high, MEAN_BAR, 5),
        text=[_interval(lines[m]) for m in some.index],
    )


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
    data = []
    for word, here, colour in (("better", better, BETTER), ("worse", ~better, WORSE)):
        if here.any():
            a, b, at, who = was[order[here]], now[order[here]], x[here], perturbations[order[here]]
            stroke = {"color": colour, "width": 1.6}
            data.append(line(segments(at, at), segments(a, b), f"lines-{word}", stroke, legend=False))
            name = f"{word} by {escape(names[1])}: {gains[word]}"
            outline = {"color": TEXT, "width": [2 if p == marked else 0 for p in who]}
            data.append(_heads(at, a, b, who, f"heads-{word}", {"color": colour, "line": outline}, name=name))
    few = len(x) <= 30
    layout = {
        "height": 400,
        "margin": margins(t=64),
        "xaxis": axis(
            f"perturbations in the order of {escape(names[0])}",
            **ticks([escape(p) for p in perturbations[order]] if few else [], zeroline=False, tickangle=-60),
        ),
        "yaxis": axis(axis_title, zeroline=False),
    }
    return Drawing(data, layout)


def _heads(
    x: np.ndarray, was: np.ndarray, now: np.ndarray, who: np.ndarray, uid: str, marker: Part, **more: Any
) -> Part:
    """Triangles at the ends of arrows, pointing where each goes."""
    symbols = ["triangle-up" if t > s else "triangle-down" for s, t in zip(was, now, strict=True)]
    return points(
        x,
        now,
        uid,
        "<b>%{text}</b>",
        ids=[f"to|{p}" for p in who],
        customdata=list(who),
        text=[f"{escape(p)}: {s:.4g} → {t:.4g}" for p, s, t in zip(who, was, now, strict=True)],
        marker={"symbol": symbols, "size": 8, **marker},
        **more,
    )


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
        paper = {"xref": "paper", "yref": "paper"}
        notes.append(note(0.5, 0.5, "no held-out perturbation<br>has an embedding", size=None, **paper))
    else:
        low, top = np.nanmin(errors), min(np.nanmax(errors), 2 * np.nanmedian(errors))  # λ = 0 can be far off
        z, text = errors.astype(np.float32), [[f"{v:#.3g}" for v in row] for row in errors]
        data = [
            heat(z, columns, lines, "map", scale=SEQUENTIAL, zmin=low, zmax=top),
            cell_texts(text, errors, low, top, SEQUENTIAL, columns, lines, uid="errors", size=12),
        ]
    data.append(
        targets(
            [x for x, _ in cells],
            [y for _, y in cells],
            [f"{y}|{x}" for x, y in cells],
            [f"{v:.4g}" for v in np.ravel(errors)],
            24,
            "K %{y}, λ %{x}: L2 %{text}",
            marker={"line": {"color": MEAN_BAR, "width": ring}},
        )
    )
    named = {"type": "category", "showgrid": False}
    layout = {
        "height": 420,
        "showlegend": False,
        "annotations": notes,
        "xaxis": axis("ridge penalty λ", range=[-0.5, len(columns) - 0.5], **named),
        "yaxis": axis("dimensions K", range=[-0.5, len(lines) - 0.5], **named),
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
    data = []
    for name, here, colour in ((f"the first K = {dims}", x <= dims, BETTER), ("further components", x > dims, MUTED)):
        if here.any():
            y, hover = shown["change_explained"].to_numpy(np.float32)[here], "component %{x}: %{y:.1%}"
            data.append(bars(x[here], y, f"bars-{name[:7]}", hover, name=name, marker={"color": colour}))
    for column, name, dash in (
        ("change_cumulative", "together: the changes, which are to be predicted", "solid"),
        ("cumulative", "together: the profiles, which PCA embeds", "dot"),
    ):
        y, stroke = shown[column].to_numpy(np.float32), {"color": TEXT, "width": 2, "dash": dash}
        data.append(line(x, y, column, stroke, "first %{x}: %{y:.1%}", name=name))
    layout = {
        "height": 420,
        "margin": margins(t=64),
        "barmode": "overlay",
        "bargap": 0.15,
        "xaxis": axis("principal component of the training data"),
        "yaxis": axis("share of the variance", tickformat=".0%", range=[0, 1.02]),
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
    sizes = [12 if p == marked else 8 for p in table.index]
    data = [
        points(
            table["distance"].to_numpy(np.float32),
            table[first].to_numpy(np.float32),
            "perturbations",
            "%{text}<br>distance %{x:.3g}, score %{y:.4g}",
            legend=False,
            ids=list(table.index),
            customdata=list(table.index),
            text=[f"<b>{escape(p)}</b><br>nearest: {escape(n)}" for p, n in table["nearest"].items()],
            marker={"size": sizes, "color": colour, "opacity": 1, "line": HALO},
        )
    ]
    for method, (name, shade, dash) in methods.items() if curve["distance"].nunique() > 1 else ():
        data.append(
            points(
                curve["distance"].to_numpy(np.float32),
                curve[method].to_numpy(np.float32),
                f"beyond-{method}",
                "beyond %{x:.3g}: mean %{y:.4g}, %{text}",
                mode="lines+markers",
                name=f"{escape(name)}, mean beyond",
                marker={"size": 7, "symbol": "diamond"},
                line={"color": shade, "width": 2.4, "dash": dash},
                text=[f"{n} perturbations" for n in curve["n"]],
            )
        )
    layout = {
        "height": 420,
        "margin": margins(t=64),
        "xaxis": axis("cosine distance to the nearest training perturbation in P", zeroline=False),
        "yaxis": axis(axis_title, zeroline=False),
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
    data = []
    looks = (("l2", "this model", colour, "solid"), ("mean_l2", "perturbation mean", TEXT, "dot"))
    for column, name, shade, dash in looks:
        mean = table.groupby("size")[column].mean()
        data.append(
            points(
                mean.index.to_numpy(),
                mean.to_numpy(np.float32),
                f"line-{column}",
                f"{name}, %{{x}} perturbations: %{{y:.4g}}",
                mode="lines+markers",
                name=name,
                line={"color": shade, "width": 2.4, "dash": dash},
                marker={"size": 7},
            )
        )
        x, y, marker = table["size"], table[column], {"size": 5, "color": shade, "symbol": "circle-open"}
        data.append(points(x.to_numpy(), y.to_numpy(np.float32), f"draws-{column}", legend=False, marker=marker))
    sizes = sorted(set(table["size"]))
    layout = {
        "height": 420,
        "margin": margins(t=64),
        "xaxis": axis("training perturbations", type="log", tickvals=sizes, ticktext=[str(n) for n in sizes]),
        "yaxis": axis("L2 of held-out perturbations, all genes · lower is better ↓", zeroline=False),
    }
    return Drawing(data, layout)
