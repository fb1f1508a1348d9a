"""Figures of the error distribution: every perturbation a point, the mean a red bar; paired differences; curves over n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import apart, rings
from perturbviz.panels.figures.rules import level
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import MEAN_BAR, MUTED, method_dash, text_colour

#: Room for two lines of names and for numbers; where Plotly finds the room itself it draws everything twice.
MARGIN = {"l": 68, "b": 46}
#: Points of one chart, at most and at least of one method: beyond it swarms say no more, and the browser works for nothing.
POINTS, MAX_POINTS, MIN_POINTS = 1000, 400, 40


def offsets(values: np.ndarray, width: float = 0.36) -> np.ndarray:
    """Quasi-random sideways offsets that show the density: (n,) -> (n,) in [-width, width], always the same.

    The van der Corput sequence in order of value, scaled by a kernel density estimate; NaN values get 0.
    """
    out = np.zeros(len(values))
    have = np.flatnonzero(~np.isnan(values))
    if len(have) < 3 or np.ptp(values[have]) == 0:
        return out
    order = have[np.argsort(values[have], kind="stable")]
    at = values[order] / (values[order].std(ddof=1) * len(order) ** -0.2)  # in units of Scott's bandwidth
    density = np.exp(-0.5 * (at[:, None] - at) ** 2).sum(axis=1)
    rank = np.arange(1, len(have) + 1)
    sequence = np.zeros(len(have))
    fraction = 0.5
    while rank.any():
        sequence += fraction * (rank % 2)
        rank, fraction = rank // 2, fraction / 2
    out[order] = (2 * sequence - 1) * width * density / density.max()
    return out


def points_a_method(methods: int, points: int = POINTS) -> int:
    """Points that are drawn of each of so many methods, where it has more: see :func:`thinned`."""
    return min(MAX_POINTS, max(MIN_POINTS, points // max(methods, 1)))


def thinned(values: np.ndarray, most: int = MAX_POINTS) -> np.ndarray:
    """Positions to draw: all where few; otherwise the extremes and an even choice of the quantiles between."""
    have = np.flatnonzero(~np.isnan(values))
    if len(have) <= most:
        return have
    order = have[np.argsort(values[have], kind="stable")]
    edge = most // 8
    middle = order[edge:-edge]
    return np.concatenate(
        [order[:edge], middle[np.linspace(0, len(middle) - 1, most - 2 * edge).astype(int)], order[-edge:]]
    )


def distribution(
    values: np.ndarray,
    rows: pd.DataFrame,
    methods: Sequence[str],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    averages: Mapping[str, float],
    axis_title: str,
    marked: str = "",
    reasons: Mapping[str, str] | None = None,
    zero: bool = False,
    points: int = POINTS,
) -> Drawing:
    """One swarm a method, in the given order: a point is a perturbation; all in one trace, of which Plotly draws few faster.

    Parameters
    ----------
    values
        (methods, rows).
    rows
        context, perturbation and n (values behind the point) of every row: see :func:`scoring.rankings.per_unit`.
    averages
        Method -> value of the red bar.
    marked
        Perturbation drawn with a ring in every swarm.
    reasons
        Method -> why it has no values, written in its place.
    zero
        Draw a line at zero (differences).
    points
        Of all methods together: see :func:`points_a_method`.
    """
    most = points_a_method(len(methods), points)
    swarms, notes, called = [], [], [escape(names[m]) for m in methods]
    labels = rows["perturbation"].astype(str).to_numpy()
    contexts = rows["context"].astype(str).to_numpy()
    several = len(set(contexts)) > 1
    said = [
        escape(p) + (f" · {escape(c)}" if several else "") + (f" · mean of {n} splits" if n > 1 else "")
        for p, c, n in zip(labels, contexts, rows["n"], strict=True)
    ]
    for i, method in enumerate(methods):
        shown = np.union1d(thinned(values[i], most), np.flatnonzero((labels == marked) & ~np.isnan(values[i])))
        swarms.append((np.full(len(shown), i), shown, offsets(values[i][shown])))
        if np.isnan(averages.get(method, np.nan)):
            why = (reasons or {}).get(method, "undefined")
            notes.append(
                {
                    "x": i,
                    "y": 0.5,
                    "yref": "paper",
                    "text": escape(why.partition(", ")[0]),
                    "hovertext": escape(why),
                    "textangle": -90,
                    "showarrow": False,
                    "font": {"color": MUTED, "size": 12},
                }
            )
    of, row, aside = (np.concatenate(parts) for parts in zip(*swarms, strict=True))
    points_of_all = {
        "type": "scatter",
        "x": (of + aside).astype(np.float32),
        "y": values[of, row].astype(np.float32),
        "mode": "markers",
        "uid": "swarms",
        "ids": [f"{methods[i]}|{contexts[j]}|{labels[j]}" for i, j in zip(of, row, strict=True)],
        "customdata": labels[row].tolist(),
        "marker": {"color": [colours[methods[i]] for i in of], **rings(labels[row] == marked, 5, 11)},
        "text": [f"<b>{said[j]}</b><br>{called[i]}" for i, j in zip(of, row, strict=True)],
        "hovertemplate": "%{text}: %{y:.4g}<extra></extra>",
        "showlegend": False,
    }
    bars = [(i, averages[m]) for i, m in enumerate(methods) if not np.isnan(averages.get(m, np.nan))]
    means = {
        "type": "scatter",
        "x": [v for i, _ in bars for v in (i - 0.32, i + 0.32, None)],
        "y": [v for _, a in bars for v in (a, a, None)],
        "mode": "lines",
        "line": {"color": MEAN_BAR, "width": 3},
        "name": "mean",
        "uid": "average-bar",
        "hoverinfo": "skip",
        "showlegend": False,
    }
    layout = {
        "height": 440,
        "dragmode": "select",
        "margin": MARGIN,
        "annotations": notes,
        "shapes": [level(0, {"color": MUTED, "width": 1})] if zero else [],
        "xaxis": {
            "tickvals": list(range(len(methods))),
            "ticktext": [name.replace(" ", "<br>", 1) for name in called],
            "range": [-0.6, len(methods) - 0.4],
            "showgrid": False,
            "zeroline": False,
            "tickangle": 0,
            "automargin": False,
        },
        "yaxis": {"title": {"text": axis_title.replace(" · ", "<br>")}, "zeroline": False, "automargin": False},
    }
    return Drawing([points_of_all, means], layout)


def over_n(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    axis_title: str,
    order_label: str,
    marked_n: int | None = None,
    dashed: Sequence[str] = (),
) -> Drawing:
    """Average score against the number of genes that count.

    Parameters
    ----------
    curves
        Method -> (n, average).
    order_label
        How genes are ordered, for the axis.
    marked_n
        The current number of genes.
    """
    lines = [
        {
            "type": "scatter",
            "x": n,
            "y": value,
            "mode": "lines",
            "name": names[method],
            "uid": f"curve-{method}",
            "line": {"color": colours[method], "width": 2.2, "dash": method_dash(method, dashed)},
            "hovertemplate": f"<b>{escape(names[method])}</b><br>%{{x:,}} genes: %{{y:.4g}}<extra></extra>",
        }
        for method, (n, value) in curves.items()
    ]
    here = {
        "type": "line",
        "yref": "y domain",
        "x0": marked_n,
        "x1": marked_n,
        "y0": 0,
        "y1": 1,
        "line": {"color": MUTED, "width": 1, "dash": "dash"},
    }
    ends = [(m, float(v[np.isfinite(v)][-1])) for m, (_, v) in curves.items() if np.isfinite(v).any()]
    ends.sort(key=lambda e: e[1])
    every = np.concatenate([v[np.isfinite(v)] for _, v in curves.values()] or [[0.0]])
    low, high = float(every.min(initial=np.inf)), float(every.max(initial=-np.inf))
    reach = (high - low) or 1.0
    heights = apart([y for _, y in ends], 0.053 * reach)  # the height of a line of text
    numbers = np.concatenate([n for n, _ in curves.values()]) if curves else np.array([10, 100])
    last = float(numbers.max())
    names_at_ends = [
        {
            "x": np.log10(last),
            "y": height,
            "text": escape(names[m]),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 6,
            "font": {"color": text_colour(colours[m]), "size": 12},
        }
        for height, (m, _) in zip(heights, ends, strict=True)
    ]
    ticks = round_numbers(float(numbers.min()), last)
    layout = {
        "height": 440,
        "margin": {"r": 130},
        "showlegend": False,
        "annotations": names_at_ends,
        "shapes": [here] if marked_n else [],
        "xaxis": {
            "type": "log",
            "title": {"text": order_label},
            "tickvals": ticks,
            "ticktext": [f"{t:,}" for t in ticks],
            "range": [np.log10(float(numbers.min())), np.log10(last)],
        },
        "yaxis": {
            "title": {"text": axis_title},
            "zeroline": False,
            "range": [min([low, *heights]) - 0.04 * reach, max([high, *heights]) + 0.04 * reach] if ends else None,
        },
    }
    return Drawing(lines, layout)


def round_numbers(low: float, high: float) -> list[int]:
    """1, 2 and 5 times powers of ten, as far as they lie between two positive numbers."""
    powers = range(max(0, int(np.floor(np.log10(max(low, 1))))), int(np.log10(max(high, 1))) + 1)
    return [k * 10**p for p in powers for k in (1, 2, 5) if low <= k * 10**p <= high]
