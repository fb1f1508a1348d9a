"""Figures of predicted against observed values: one panel a method on shared axes, dense parts as a density."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import rings
from perturbviz.panels.figures.multiples import DENSITY, Place, above, grid, inside
from perturbviz.panels.figures.parts import Part, heat, margins, points
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import MEAN_BAR, MUTED, TEXT, text_colour

#: Points of one chart, at most and at least of one panel; the rest is drawn as a density.
POINTS, MAX_POINTS, MIN_POINTS = 900, 120, 60
BINS = 48


@dataclass(frozen=True, eq=False)
class Multiple:
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


def limit(observed: np.ndarray, panels: Sequence[Multiple]) -> float:
    """Half-width of the axes: holds every observed value, and predictions up to 1.6 times it."""
    top = float(np.nanmax(np.abs(observed), initial=0.05))
    predicted = max((float(np.nanmax(np.abs(p.predicted), initial=0)) for p in panels), default=0)
    return 1.06 * max(top, min(predicted, 1.6 * top))


def panels(
    observed: np.ndarray,
    shown: Sequence[Multiple],
    labels: Sequence[str],
    x_title: str,
    y_title: str,
    *,
    columns: int = 4,
    centred: bool = True,
    marked: str = "",
    reasons: Mapping[str, str] | None = None,
) -> Drawing:
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
    most = min(MAX_POINTS, max(MIN_POINTS, POINTS // max(len(shown), 1)))
    if centred:
        high = limit(observed, shown)
        low = -high
    else:
        everything = np.concatenate([observed, *(p.predicted for p in shown)])
        low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
        low, high = low - 0.03 * (high - low), high + 0.03 * (high - low)
    layout, places = grid(len(shown), columns, (low, high), x_title, y_title, zero=centred)
    traces, shapes = [], []
    for panel, place in zip(shown, places, strict=True):
        traces += _traces(panel, observed, names, place, (low, high), marked, most)
        diagonal = {"x0": low, "x1": high, "y0": low, "y1": high, "line": {"color": MUTED, "width": 1}}
        shapes.append({"type": "line", "xref": place.x, "yref": place.y, **diagonal})  # drawn faster than a trace
        lost = np.isnan(panel.predicted).all()
        said = [(reasons or {}).get(panel.method, "not predicted")] if lost else panel.corner
        shapes.append(above(place, f"<b>{escape(panel.name)}</b>", text_colour(panel.colour)))
        shapes.append(inside(place, "<br>".join(map(escape, said)), TEXT))
    layout |= {
        "height": 60 + 235 * -(-len(shown) // columns),
        "margin": margins(l=8, r=8, t=58, b=8),
        "showlegend": False,
        "shapes": shapes,
    }
    return Drawing(traces, layout)


def _traces(
    panel: Multiple,
    observed: np.ndarray,
    labels: np.ndarray,
    place: Place,
    span: tuple[float, float],
    marked: str,
    most: int,
) -> list[Part]:
    """Density and outstanding points of one panel."""
    low, high = span
    predicted = np.clip(panel.predicted, low, high)
    on: Part = {"xaxis": place.x, "yaxis": place.y}
    traces = []
    drawn = extremes(observed, panel.predicted, most)
    have = ~np.isnan(observed) & ~np.isnan(predicted)
    if have.sum() > len(drawn):
        counts, _, _ = np.histogram2d(predicted[have], observed[have], bins=BINS, range=[span, span])
        centres = (low + (np.arange(BINS) + 0.5) * (high - low) / BINS).astype(np.float32)
        density = np.log1p(counts).astype(np.float32)
        traces.append(heat(density, centres, centres, f"density-{panel.method}", colorscale=DENSITY, **on))
    ring = labels[drawn] == marked
    who = [str(v) for v in labels[drawn]]
    traces.append(
        points(
            observed[drawn].astype(np.float32),
            predicted[drawn].astype(np.float32),
            f"points-{panel.method}",
            "<b>%{text}</b><br>observed %{x:.3g}",
            ids=who,
            customdata=who,
            name=escape(panel.name),
            marker={"color": panel.colour, **rings(ring, 5, 12)},
            text=[f"{escape(v)}<br>predicted {p:.3g}" for v, p in zip(who, panel.predicted[drawn], strict=True)],
            **on,
        )
    )
    if marked and not ring.any() and marked in labels:
        at = int(np.flatnonzero(labels == marked)[0])
        marker = {"size": 12, "color": panel.colour, "line": {"color": MEAN_BAR, "width": 2}}
        place_of = [observed[at]], [predicted[at]], f"marked-{panel.method}"
        traces.append(points(*place_of, customdata=[marked], marker=marker, **on))
    return traces
