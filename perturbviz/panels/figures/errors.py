"""Figures of errors: every perturbation a point, the mean a red bar; paired differences; averages over n genes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import apart, rings
from perturbviz.panels.figures.parts import Part, axis, bars, columns_across, line, lines_down, margins, mean_bar, note
from perturbviz.panels.figures.parts import points as dots
from perturbviz.panels.figures.rules import level, upright
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import DIVERGING, MUTED, SEQUENTIAL, method_dash, text_colour

#: Room for two lines of names and for numbers; where Plotly finds the room itself it draws everything twice.
MARGIN = {"l": 68, "b": 46}
#: Shift, scale and pattern of an error.
PART_COLOURS = (DIVERGING[1], SEQUENTIAL[2], SEQUENTIAL[4])
#: Points of one chart, at most and at least of one method: beyond it swarms say no more and cost the browser work.
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
    """One swarm a method, in the given order: a point is a perturbation; all are one trace, which Plotly draws faster.

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
    known = [i for i, m in enumerate(methods) if not np.isnan(averages.get(m, np.nan))]
    x = [v for i in known for v in (i - 0.32, i + 0.32, None)]
    y = [v for i in known for v in (averages[methods[i]], averages[methods[i]], None)]
    called = [escape(names[m]) for m in methods]
    why = {i: (reasons or {}).get(m, "undefined") for i, m in enumerate(methods) if i not in known}
    layout = {
        "height": 440,
        "dragmode": "select",
        "margin": MARGIN,
        "annotations": [
            note(i, 0.5, escape(said.partition(", ")[0]), hovertext=escape(said), yref="paper", textangle=-90)
            for i, said in why.items()
        ],
        "shapes": [level(0, {"color": MUTED, "width": 1})] if zero else [],
        "xaxis": columns_across(
            [name.replace(" ", "<br>", 1) for name in called],
            range=[-0.6, len(methods) - 0.4],
            zeroline=False,
            tickangle=0,
            automargin=False,
        ),
        "yaxis": axis(axis_title.replace(" · ", "<br>"), zeroline=False, automargin=False),
    }
    most = points_a_method(len(methods), points)
    return Drawing(
        [_swarms(values, rows, methods, called, colours, marked, most), mean_bar(x, y, "average-bar", name="mean")],
        layout,
    )


def _swarms(
    values: np.ndarray,
    rows: pd.DataFrame,
    methods: Sequence[str],
    called: Sequence[str],
    colours: Mapping[str, str],
    marked: str,
    most: int,
) -> Part:
    """The points of all methods, at most so many of each and those of the marked perturbation."""
    labels, contexts = (rows[c].astype(str).to_numpy() for c in ("perturbation", "context"))
    swarms = []
    for i, own in enumerate(values):
        shown = np.union1d(thinned(own, most), np.flatnonzero((labels == marked) & ~np.isnan(own)))
        swarms.append((np.full(len(shown), i), shown, offsets(own[shown])))
    of, row, aside = (np.concatenate(parts) for parts in zip(*swarms, strict=True))
    several = len(set(contexts)) > 1
    said = [
        escape(p) + (f" · {escape(c)}" if several else "") + (f" · mean of {n} splits" if n > 1 else "")
        for p, c, n in zip(labels, contexts, rows["n"], strict=True)
    ]
    return dots(
        (of + aside).astype(np.float32),
        values[of, row].astype(np.float32),
        "swarms",
        "%{text}: %{y:.4g}",
        legend=False,
        ids=[f"{methods[i]}|{contexts[j]}|{labels[j]}" for i, j in zip(of, row, strict=True)],
        customdata=labels[row].tolist(),
        marker={"color": [colours[methods[i]] for i in of], **rings(labels[row] == marked, 5, 11)},
        text=[f"<b>{said[j]}</b><br>{called[i]}" for i, j in zip(of, row, strict=True)],
    )


def parts_of_errors(parts: np.ndarray, names: Sequence[str], labels: Sequence[str]) -> Drawing:
    """Bars of what the mean squared error of each method is made of, one piece after the other.

    Parameters
    ----------
    parts
        (methods, parts), the first method on top.
    names, labels
        Of the methods and of the parts.
    """
    rows = list(range(len(names)))
    traces = [
        bars(
            parts[:, i],
            rows,
            f"part-{label}",
            f"<b>%{{text}}</b><br>{escape(label)}: %{{x:.4g}}",
            orientation="h",
            name=escape(label),
            text=[escape(n) for n in names],
            textposition="none",
            marker={"color": colour},
        )
        for i, (label, colour) in enumerate(zip(labels, PART_COLOURS, strict=True))
    ]
    layout = {
        "barmode": "stack",
        "height": 120 + 30 * len(names),
        "hovermode": "closest",
        "xaxis": axis("mean squared error", rangemode="tozero"),
        "yaxis": lines_down([escape(n) for n in names]),
    }
    return Drawing(traces, layout)


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
        line(
            n,
            value,
            f"curve-{method}",
            {"color": colours[method], "width": 2.2, "dash": method_dash(method, dashed)},
            f"<b>{escape(names[method])}</b><br>%{{x:,}} genes: %{{y:.4g}}",
            name=escape(names[method]),
        )
        for method, (n, value) in curves.items()
    ]
    numbers = np.concatenate([n for n, _ in curves.values()]) if curves else np.array([10, 100])
    first, last = float(numbers.min()), float(numbers.max())
    labels, reach = _at_ends(curves, names, colours, np.log10(last))
    round_ones = round_numbers(first, last)
    here = upright(marked_n, {"color": MUTED, "width": 1, "dash": "dash"}) if marked_n else None
    layout = {
        "height": 440,
        "margin": margins(r=130),
        "showlegend": False,
        "annotations": labels,
        "shapes": [here] if here else [],
        "xaxis": axis(
            order_label,
            type="log",
            tickvals=round_ones,
            ticktext=[f"{t:,}" for t in round_ones],
            range=[np.log10(first), np.log10(last)],
        ),
        "yaxis": axis(axis_title, zeroline=False, range=reach),
    }
    return Drawing(lines, layout)


def _at_ends(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], names: Mapping[str, str], colours: Mapping[str, str], x: float
) -> tuple[list[Part], list[float] | None]:
    """Names right of the curves' last values, never on one another, and the range that holds names and curves."""
    finite = {m: v[np.isfinite(v)] for m, (_, v) in curves.items()}
    ends = sorted(((m, float(v[-1])) for m, v in finite.items() if len(v)), key=lambda end: end[1])
    if not ends:
        return [], None
    every = np.concatenate(list(finite.values()))
    low, high = float(every.min()), float(every.max())
    reach = (high - low) or 1.0
    heights = apart([y for _, y in ends], 0.053 * reach)  # the height of a line of text
    labels = [
        note(x, height, escape(names[m]), xanchor="left", xshift=6, colour=text_colour(colours[m]))
        for height, (m, _) in zip(heights, ends, strict=True)
    ]
    return labels, [min(low, *heights) - 0.04 * reach, max(high, *heights) + 0.04 * reach]


def round_numbers(low: float, high: float) -> list[int]:
    """1, 2 and 5 times powers of ten, as far as they lie between two positive numbers."""
    powers = range(max(0, int(np.floor(np.log10(max(low, 1))))), int(np.log10(max(high, 1))) + 1)
    return [k * 10**p for p in powers for k in (1, 2, 5) if low <= k * 10**p <= high]
