"""Figures of predicted against observed values: one panel a method on shared axes, dense parts as a density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbviz.figures.drawing import Drawing
from perturbviz.figures.marks import rings
from perturbviz.figures.text import escape
from perturbviz.figures.theme import MEAN_BAR, MUTED, TEXT, text_colour

#: Points of one chart, at most and at least of one panel; the rest is drawn as a density.
POINTS, MAX_POINTS, MIN_POINTS = 900, 120, 60
BINS = 48
_DENSITY = [[0, "rgba(128,132,140,0)"], [0.001, "rgba(128,132,140,0.25)"], [1, "rgba(128,132,140,0.95)"]]


@dataclass(frozen=True, eq=False)
class Panel:
    """What one method predicts.

    Attributes
    ----------
    method, name, colour
        Who.
    predicted
        (N,) values; all NaN where it predicts nothing.
    corner
        Lines printed in the panel's corner.
    """

    method: str
    name: str
    colour: str
    predicted: np.ndarray
    corner: Sequence[str]


def extremes(observed: np.ndarray, predicted: np.ndarray, most: int = MAX_POINTS) -> np.ndarray:
    """Positions of the points worth a mark of their own: largest error or largest value, at most ``most``."""
    have = np.flatnonzero(~np.isnan(observed) & ~np.isnan(predicted))
    if len(have) <= most:
        return have
    size = np.maximum(np.abs(predicted - observed), np.maximum(np.abs(observed), np.abs(predicted)))[have]
    return have[np.argpartition(-size, most)[:most]]


def limit(observed: np.ndarray, panels: Sequence[Panel]) -> float:
    """Half-width of the axes: holds every observed value, and predictions up to 1.6 times it."""
    top = float(np.nanmax(np.abs(observed), initial=0.05))
    predicted = max((float(np.nanmax(np.abs(p.predicted), initial=0)) for p in panels), default=0)
    return 1.06 * max(top, min(predicted, 1.6 * top))


def panels(
    observed: np.ndarray, shown: Sequence[Panel], labels: Sequence[str], x_title: str, y_title: str, *,
    columns: int = 4, centred: bool = True, marked: str = "", reasons: Mapping[str, str] | None = None,
) -> Drawing:  # fmt: skip
    """Small multiples of predicted against observed.

    Parameters
    ----------
    observed
        (N,) values on the horizontal axis of every panel.
    labels
        (N,) what each point is: genes of one perturbation, or perturbations of one gene.
    centred
        Axes symmetric around zero (changes) instead of from the smallest to the largest value (expression).
    marked
        Label drawn with a ring in every panel.
    reasons
        Method -> why it predicts nothing, written into its panel.
    """
    names = np.asarray(labels, dtype=object)
    rows = -(-len(shown) // columns)
    most = min(MAX_POINTS, max(MIN_POINTS, POINTS // max(len(shown), 1)))
    if centred:
        high = limit(observed, shown)
        low = -high
    else:
        everything = np.concatenate([observed, *(p.predicted for p in shown)])
        low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
        low, high = low - 0.03 * (high - low), high + 0.03 * (high - low)
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    diagonals: list[dict[str, Any]] = []  # as shapes, which the browser draws faster than traces
    layout: dict[str, Any] = {}
    gap_x, gap_y = 0.028, 0.1 / max(rows, 1) ** 0.5
    width, height = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / max(rows, 1)
    for i, panel in enumerate(shown):
        row, column = divmod(i, columns)
        n = "" if i == 0 else str(i + 1)
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        axis = {"range": [low, high], "showgrid": True, "nticks": 5, "zeroline": centred}
        bottom_row = i + columns >= len(shown)
        layout[f"xaxis{n}"] = {
            **axis, "domain": [left, min(left + width, 1)], "anchor": f"y{n}", "showticklabels": bottom_row,
            "title": {"text": x_title if bottom_row and column == 0 else ""}, **({"matches": "x"} if i else {}),
        }  # fmt: skip
        layout[f"yaxis{n}"] = {
            **axis, "domain": [max(top - height, 0), top], "anchor": f"x{n}", "showticklabels": column == 0,
            "title": {"text": y_title if column == 0 and row == 0 else ""}, **({"matches": "y"} if i else {}),
        }  # fmt: skip
        traces += _traces(panel, observed, names, f"x{n}", f"y{n}", (low, high), marked, most)
        diagonals.append({
            "type": "line", "xref": f"x{n}", "yref": f"y{n}", "x0": low, "x1": high, "y0": low, "y1": high,
            "line": {"color": MUTED, "width": 1},
        })  # fmt: skip
        notes.append({
            "x": left, "y": top, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
            "showarrow": False, "text": f"<b>{escape(panel.name)}</b>", "font": {"size": 13, "color": text_colour(panel.colour)},
        })  # fmt: skip
        lines = (
            panel.corner
            if not np.isnan(panel.predicted).all()
            else [(reasons or {}).get(panel.method, "not predicted")]
        )
        notes.append({
            "x": left + 0.006, "y": top - 0.012, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top",
            "showarrow": False, "text": "<br>".join(escape(line) for line in lines), "align": "left",
            "font": {"size": 11, "color": TEXT},
        })  # fmt: skip
    layout |= {
        "height": 60 + 235 * rows, "margin": {"l": 8, "r": 8, "t": 58, "b": 8}, "showlegend": False, "annotations": notes,
        "shapes": diagonals,
    }  # fmt: skip
    return Drawing(traces, layout)


def _traces(
    panel: Panel,
    observed: np.ndarray,
    labels: np.ndarray,
    x: str,
    y: str,
    span: tuple[float, float],
    marked: str,
    most: int,
) -> list[dict[str, Any]]:
    """Density and outstanding points of one panel."""
    low, high = span
    predicted = np.clip(panel.predicted, low, high)
    axes = {"xaxis": x, "yaxis": y}
    traces: list[dict[str, Any]] = []
    points = extremes(observed, panel.predicted, most)
    have = ~np.isnan(observed) & ~np.isnan(predicted)
    if have.sum() > len(points):
        counts, _, _ = np.histogram2d(predicted[have], observed[have], bins=BINS, range=[span, span])
        centres = (low + (np.arange(BINS) + 0.5) * (high - low) / BINS).astype(np.float32)
        traces.append({
            "type": "heatmap", "z": np.log1p(counts).astype(np.float32), "x": centres, "y": centres,
            "colorscale": _DENSITY, "showscale": False, "hoverinfo": "skip", "uid": f"density-{panel.method}", **axes,
        })  # fmt: skip
    ring = labels[points] == marked
    shown = [str(v) for v in labels[points]]
    traces.append({
        "type": "scatter", "x": observed[points].astype(np.float32), "y": predicted[points].astype(np.float32),
        "mode": "markers", "ids": shown, "customdata": shown, "uid": f"points-{panel.method}", "name": panel.name,
        "marker": {"color": panel.colour, **rings(ring, 5, 12)},
        "text": [f"{escape(v)}<br>predicted {p:.3g}" for v, p in zip(shown, panel.predicted[points], strict=True)],
        "hovertemplate": "<b>%{text}</b><br>observed %{x:.3g}<extra></extra>", **axes,
    })  # fmt: skip
    if marked and not ring.any() and marked in labels:
        at = int(np.flatnonzero(labels == marked)[0])
        traces.append({
            "type": "scatter", "x": [observed[at]], "y": [predicted[at]], "mode": "markers", "customdata": [marked],
            "marker": {"size": 12, "color": panel.colour, "line": {"color": MEAN_BAR, "width": 2}}, "hoverinfo": "skip",
            "uid": f"marked-{panel.method}", **axes,
        })  # fmt: skip
    return traces
