"""Figures of non-additivity pair by pair: deviations per method, one gene over doubles, one double over genes, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import HALO
from perturbviz.panels.figures.multiples import DENSITY, Place, above, grid, inside
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import CLASS_COLOURS, MEAN_BAR, MUTED, TEXT, text_colour

BINS = 48


@dataclass(frozen=True, eq=False)
class Cloud:
    """Observed and predicted deviations of one method: a density and the points that stand out.

    Attributes
    ----------
    counts
        (BINS, BINS) pairs per bin, predicted × observed, over ± ``reach``; None where nothing is predicted.
    reach
        Half-width of both axes.
    observed, predicted
        (n,) deviations of the outstanding pairs.
    labels, classes
        (n,) "double · gene" and true class of those pairs.
    keys
        (n,) [double, gene] for clicks.
    """

    counts: np.ndarray | None
    reach: float
    observed: np.ndarray
    predicted: np.ndarray
    labels: Sequence[str]
    classes: Sequence[str]
    keys: Sequence[list[str]]


def binned(observed: np.ndarray, predicted: np.ndarray, reach: float) -> np.ndarray:
    """Pairs per bin, predicted (rows) × observed (columns), values beyond ± reach in the outermost bins; (BINS, BINS)."""
    known = np.isfinite(observed) & np.isfinite(predicted)
    scale = BINS / (2 * reach)
    place = [np.clip((v[known] + reach) * scale, 0, BINS - 1).astype(np.int32) for v in (predicted, observed)]
    return np.bincount(place[0] * BINS + place[1], minlength=BINS**2).reshape(BINS, BINS)


def outstanding(
    observed: np.ndarray, predicted: np.ndarray, classes: np.ndarray, per_class: int = 18, called: int = 48
) -> np.ndarray:
    """Flat positions of pairs worth a mark: the furthest predictions, and of every non-additive class the furthest observed.

    Parameters
    ----------
    observed, predicted, classes
        Deviations and codes of the true class (0 is additive), same shape.
    per_class, called
        At most so many of each class and of the furthest predictions.
    """
    observed, predicted, classes = (np.asarray(v).ravel() for v in (observed, predicted, classes))
    known = np.isfinite(observed) & np.isfinite(predicted)
    parts = [_furthest(np.flatnonzero(known), predicted, called)]
    parts += [
        _furthest(np.flatnonzero(known & (classes == c)), observed, per_class)
        for c in range(1, classes.max(initial=0) + 1)
    ]
    return np.unique(np.concatenate(parts))


def _furthest(at: np.ndarray, values: np.ndarray, most: int) -> np.ndarray:
    size = np.abs(values[at])
    return at if len(at) <= most else at[np.argpartition(-size, most)[:most]]


def _layout(n: int, reach: tuple[float, float], x_title: str, y_title: str) -> tuple[dict[str, Any], list[Place]]:
    """Layout of n panels, without what is written on them, and their places."""
    columns = columns_of(n)
    axes, places = grid(n, columns, reach, x_title, y_title, zero=reach[0] < 0 < reach[1])
    height = 90 + (235 if columns > 2 else 380) * -(-n // columns)
    return {**axes, "height": height, "margin": {"l": 8, "r": 8, "t": 84, "b": 8}}, places


def columns_of(n: int) -> int:
    """Columns of n panels: at most four, and no nearly empty last row."""
    return max(n, 1) if n <= 4 else 3 if n in (5, 6, 9) else 4


def clouds(
    shown: Mapping[str, Cloud],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    corner: Mapping[str, str],
    lower: float,
    upper: float,
) -> Drawing:
    """Observed against predicted deviation, one panel a method, outstanding pairs coloured by their true class.

    Parameters
    ----------
    corner
        Method -> line printed in its panel.
    lower, upper
        Thresholds of the observed deviation; NaN for none.
    """
    reach = next(iter(shown.values())).reach if shown else 1.0
    layout, places = _layout(len(shown), (-reach, reach), "observed deviation", "predicted deviation")
    centres = (-reach + (np.arange(BINS) + 0.5) * 2 * reach / BINS).astype(np.float32)
    lines = [(-reach, reach, -reach, reach), *((v, v, -reach, reach) for v in (lower, upper) if np.isfinite(v))]
    x_lines, y_lines = [v for a, b, *_ in lines for v in (a, b, None)], [v for *_, a, b in lines for v in (a, b, None)]
    data, said = [], []
    for i, (method, cloud) in enumerate(shown.items()):
        on = {"xaxis": places[i].x, "yaxis": places[i].y}
        if cloud.counts is not None:
            data.append(
                {
                    "type": "heatmap",
                    "z": np.log1p(cloud.counts).astype(np.float32),
                    "x": centres,
                    "y": centres,
                    "colorscale": DENSITY,
                    "showscale": False,
                    "hoverinfo": "skip",
                    "uid": f"density-{method}",
                    **on,
                }
            )
        data.append(
            {
                "type": "scatter",
                "x": x_lines,
                "y": y_lines,
                "mode": "lines",
                "hoverinfo": "skip",
                "showlegend": False,
                "line": {"color": MUTED, "width": 1, "dash": "dot"},
                "uid": f"lines-{method}",
                **on,
            }
        )
        if len(cloud.labels):
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "showlegend": False,
                    "x": cloud.observed.astype(np.float32),
                    "y": np.clip(cloud.predicted, -reach, reach).astype(np.float32),
                    "ids": list(cloud.labels),
                    "customdata": [list(key) for key in cloud.keys],
                    "uid": f"pairs-{method}",
                    "marker": {"size": 5.5, "color": [CLASS_COLOURS[c] for c in cloud.classes]},
                    "text": [
                        f"<b>{escape(label)}</b><br>truly {c}<br>predicted {p:.3g}"
                        for label, c, p in zip(cloud.labels, cloud.classes, cloud.predicted, strict=True)
                    ],
                    "hovertemplate": "%{text}<br>observed %{x:.3g}<extra></extra>",
                    **on,
                }
            )
        said.append(above(places[i], f"<b>{escape(names[method])}</b>", text_colour(colours[method])))
        said.append(inside(places[i], escape(corner.get(method, "")).replace(", ", "<br>"), TEXT))
    data += [  # the legend
        {
            "type": "scatter",
            "x": [None],
            "y": [None],
            "mode": "markers",
            "name": name,
            "uid": f"legend-{name}",
            "marker": {"color": colour, "size": 8},
        }
        for name, colour in CLASS_COLOURS.items()
    ]
    return Drawing(data, {**layout, "shapes": said})


def gene_view(
    labels: Sequence[str],
    additive: np.ndarray,
    observed: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    classes: Sequence[str],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    marked: str = "",
) -> Drawing:
    """One gene over doubles: an arrow from the additive expectation to what was observed, predictions beside it.

    Parameters
    ----------
    labels
        (n,) doubles, top first.
    additive, observed
        (n,) changes against control.
    predicted
        Method -> (n,) predicted changes, NaN where not predicted.
    classes
        (n,) true class, the colour of the arrow.
    marked
        Double whose line is shaded.
    """
    place = np.arange(len(labels))
    arrows = [
        {
            "x": float(end),
            "y": i,
            "ax": float(start),
            "ay": i,
            "xref": "x",
            "yref": "y",
            "axref": "x",
            "ayref": "y",
            "showarrow": True,
            "text": "",
            "arrowhead": 3,
            "arrowsize": 1.1,
            "arrowwidth": 2.2,
            "arrowcolor": CLASS_COLOURS.get(kind, MUTED),
            "opacity": 0.9,
        }
        for i, (start, end, kind) in enumerate(zip(additive, observed, classes, strict=True))
        if np.isfinite(start) and np.isfinite(end)
    ]
    at = {"type": "scatter", "mode": "markers", "ids": list(labels), "customdata": list(labels), "y": place}
    data = [
        {
            **at,
            "x": values.astype(np.float32),
            "name": escape(names[method]),
            "uid": f"gene-{method}",
            "marker": {"color": colours[method], "size": 8, "symbol": "diamond"},
            "hovertemplate": f"%{{customdata}}<br>{escape(names[method])} predicts %{{x:.3g}}<extra></extra>",
        }
        for method, values in predicted.items()
    ]
    data.append(
        {
            **at,
            "x": additive.astype(np.float32),
            "name": "sum of the singles",
            "uid": "gene-additive",
            "marker": {"color": MUTED, "size": 11, "symbol": "line-ns-open", "line": {"width": 2.5}},
            "hovertemplate": "%{customdata}<br>sum of the singles %{x:.3g}<extra></extra>",
        }
    )
    data.append(
        {
            **at,
            "x": observed.astype(np.float32),
            "name": "observed",
            "uid": "gene-observed",
            "text": list(classes),
            "marker": {"color": MEAN_BAR, "size": 8},
            "hovertemplate": "%{customdata}<br>observed %{x:.3g} (%{text})<extra></extra>",
        }
    )
    shapes: list[dict[str, Any]] = [
        {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": MUTED, "width": 1}}
    ]
    if marked in labels:
        line = list(labels).index(marked)
        shapes.append(
            {
                "type": "rect",
                "x0": 0,
                "x1": 1,
                "xref": "paper",
                "y0": line - 0.5,
                "y1": line + 0.5,
                "fillcolor": MUTED,
                "opacity": 0.12,
                "line": {"width": 0},
            }
        )
    return Drawing(
        data,
        {
            "height": 150 + 21 * len(labels),
            "margin": {"t": 84},
            "xaxis": {"title": {"text": "change against control"}},
            "yaxis": {
                "tickvals": place,
                "ticktext": [escape(v) for v in labels],
                "range": [len(labels) - 0.4, -0.6],
                "showgrid": False,
            },
            "annotations": arrows,
            "shapes": shapes,
        },
    )


def pair_view(
    genes: Sequence[str],
    additive: np.ndarray,
    observed: np.ndarray,
    classes: np.ndarray,
    predicted: np.ndarray | None,
    prediction_name: str = "",
    colour: str = TEXT,
    marked: str = "",
    most: int = 250,
) -> Drawing:
    """One double: observed change of its genes against the sum of the singles, coloured by class.

    Parameters
    ----------
    genes, additive, observed, classes
        (G,) names, changes against control and class names ("" where unknown).
    predicted
        (G,) predicted change of one method, drawn as small diamonds for the genes that are not additive and ``marked``.
    most
        So many additive genes are drawn, those furthest out; all others are.
    """
    names = np.asarray(genes, dtype=object)
    known = np.isfinite(additive) & np.isfinite(observed)
    size = np.where(known, np.maximum(np.abs(additive), np.abs(observed)), -1)
    edge = float(size.max(initial=0.05)) * 1.06

    def points(at: np.ndarray, change: np.ndarray) -> dict[str, Any]:
        """The genes at these positions, each with its name."""
        found = [str(g) for g in names[at]]
        return {
            "type": "scatter",
            "mode": "markers",
            "x": additive[at].astype(np.float32),
            "y": change[at].astype(np.float32),
            "ids": found,
            "customdata": found,
            "text": [escape(g) for g in found],
        }

    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": [-edge, edge],
            "y": [-edge, edge],
            "mode": "lines",
            "line": {"color": MUTED, "width": 1},
            "hoverinfo": "skip",
            "showlegend": False,
            "uid": "pair-diagonal",
        }
    ]
    special = []
    for name, code_colour in CLASS_COLOURS.items():
        part = np.flatnonzero(known & (classes == name))
        part = part[np.argsort(-size[part], kind="stable")]
        shown = part[: most if name == "additive" else most // 2]
        if name != "additive":
            special.append(shown)
        traces.append(
            {
                **points(shown, observed),
                "uid": f"pair-{name}",
                "name": f"{name} ({len(part):,})",
                "marker": {"color": code_colour, "size": 4 if name == "additive" else 8, "line": HALO},
                "hovertemplate": f"<b>%{{text}}</b> ({name})<br>sum %{{x:.3g}}<br>observed %{{y:.3g}}<extra></extra>",
            }
        )
    at = np.flatnonzero(names == marked)
    if predicted is not None:
        where = np.unique(np.concatenate([*special, at]).astype(int))
        traces.append(
            {
                **points(where, predicted),
                "uid": "pair-predicted",
                "name": f"predicted by {escape(prediction_name)}",
                "marker": {"color": colour, "size": 6, "symbol": "diamond-open"},
                "hovertemplate": "<b>%{text}</b><br>sum %{x:.3g}<br>predicted %{y:.3g}<extra></extra>",
            }
        )
    notes = [
        {
            "x": float(additive[i]),
            "y": float(observed[i]),
            "text": f"<b>{escape(marked)}</b>",
            "showarrow": True,
            "arrowhead": 2,
            "ax": 28,
            "ay": -28,
        }
        for i in at[:1]
    ]
    layout = {
        "height": 500,
        "margin": {"t": 96},
        "annotations": notes,
        "xaxis": {"title": {"text": "sum of the singles' changes"}, "zeroline": True},
        "yaxis": {"title": {"text": "change of the double"}, "zeroline": True},
    }
    return Drawing(traces, layout)


def score_panels(
    true: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    doubles: Sequence[str],
    published: Sequence[str],
    score: str,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    corner: Mapping[str, str],
) -> Drawing:
    """An interaction score per double, truth against prediction, one panel a method.

    Parameters
    ----------
    published
        Published class of every double, "" where there is none; named in the hover and ringed.
    """
    every = np.concatenate([true, *predicted.values()]) if predicted else true
    finite = every[np.isfinite(every)]
    low, high = (float(np.quantile(finite, q)) for q in (0.005, 0.995)) if len(finite) else (0.0, 1.0)
    pad = 0.06 * (high - low or 1)
    layout, places = _layout(len(predicted), (low - pad, high + pad), f"{score}, observed", f"{score}, predicted")
    ringed = np.array([bool(p) for p in published])
    data, said = [], []
    for i, (method, values) in enumerate(predicted.items()):
        on = {"xaxis": places[i].x, "yaxis": places[i].y, "type": "scatter"}
        data.append(
            {
                "x": [low, high],
                "y": [low, high],
                "mode": "lines",
                "line": {"color": MUTED, "width": 1},
                "hoverinfo": "skip",
                "uid": f"diagonal-{method}",
                **on,
            }
        )
        data.append(
            {
                "x": true.astype(np.float32),
                "y": values.astype(np.float32),
                "mode": "markers",
                "ids": list(doubles),
                "customdata": list(doubles),
                "uid": f"score-{method}",
                "name": escape(names[method]),
                "marker": {
                    "size": 7,
                    "color": colours[method],
                    "line": {"width": np.where(ringed, 1.5, 0).tolist(), "color": MEAN_BAR},
                },
                "text": [
                    escape(d) + (f"<br>published: {escape(p.replace('_', ' '))}" if p else "")
                    for d, p in zip(doubles, published, strict=True)
                ],
                "hovertemplate": "<b>%{text}</b><br>observed %{x:.3g}, predicted %{y:.3g}<extra></extra>",
                **on,
            }
        )
        text = f"<b>{escape(names[method])}</b> {escape(corner.get(method, ''))}"
        said.append(above(places[i], text, text_colour(colours[method])))
    return Drawing(data, {**layout, "shapes": said, "showlegend": False, "margin": {"l": 8, "r": 8, "t": 60, "b": 8}})


def by_class(table: pd.DataFrame, score: str) -> Drawing:
    """An interaction score by published class: points and their median; columns ``class``, ``value``, ``double``."""
    classes = list(table.groupby("class")["value"].median().sort_values().index)
    traces: list[dict[str, Any]] = []
    for i, name in enumerate(classes):
        part = table[table["class"] == name]
        side = (np.arange(len(part)) % 5 - 2) * 0.07
        traces.append(
            {
                "type": "scatter",
                "x": i + side,
                "y": part["value"].to_numpy(),
                "mode": "markers",
                "marker": {"size": 7, "color": "#1653bf", "line": HALO},
                "uid": f"class-{name}",
                "text": [escape(d) for d in part["double"]],
                "hovertemplate": "<b>%{text}</b>: %{y:.3g}<extra></extra>",
                "showlegend": False,
            }
        )
        middle = float(part["value"].median())
        traces.append(
            {
                "type": "scatter",
                "x": [i - 0.3, i + 0.3],
                "y": [middle] * 2,
                "mode": "lines",
                "line": {"color": MEAN_BAR, "width": 3},
                "hoverinfo": "skip",
                "showlegend": False,
                "uid": f"median-{name}",
            }
        )
    layout = {
        "height": 380,
        "yaxis": {"title": {"text": f"{score}, observed"}},
        "xaxis": {
            "tickvals": list(range(len(classes))),
            "ticktext": [escape(c).replace("_", "<br>") for c in classes],
            "showgrid": False,
        },
    }
    return Drawing(traces, layout)
