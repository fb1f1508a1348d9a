"""Figures of non-additivity pair by pair: deviations per method, one gene over doubles, one double, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import HALO
from perturbviz.panels.figures.multiples import DENSITY, Place, above, grid, inside
from perturbviz.panels.figures.parts import (
    Part,
    axis,
    heat,
    legend_entry,
    line,
    margins,
    mean_bar,
    points,
    shaded,
    ticks,
)
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
    """Pairs per bin, predicted × observed (BINS, BINS); values beyond ± reach are in the outermost bins."""
    known = np.isfinite(observed) & np.isfinite(predicted)
    scale = BINS / (2 * reach)
    place = [np.clip((v[known] + reach) * scale, 0, BINS - 1).astype(np.int32) for v in (predicted, observed)]
    return np.bincount(place[0] * BINS + place[1], minlength=BINS**2).reshape(BINS, BINS)


def outstanding(
    observed: np.ndarray, predicted: np.ndarray, classes: np.ndarray, per_class: int = 18, called: int = 48
) -> np.ndarray:
    """Flat positions of pairs worth a mark: the furthest predictions, and the furthest of every non-additive class.

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
    return {**axes, "height": height, "margin": margins(l=8, r=8, t=84, b=8)}, places


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
    for (method, cloud), place in zip(shown.items(), places, strict=True):
        on: Part = {"xaxis": place.x, "yaxis": place.y}
        if cloud.counts is not None:
            density = np.log1p(cloud.counts).astype(np.float32)
            data.append(heat(density, centres, centres, f"density-{method}", colorscale=DENSITY, **on))
        dotted = {"color": MUTED, "width": 1, "dash": "dot"}
        data.append(line(x_lines, y_lines, f"lines-{method}", dotted, legend=False, **on))
        if len(cloud.labels):
            data.append(_outstanding(cloud, f"pairs-{method}", **on))
        said.append(above(place, f"<b>{escape(names[method])}</b>", text_colour(colours[method])))
        said.append(inside(place, escape(corner.get(method, "")).replace(", ", "<br>"), TEXT))
    data += [
        legend_entry(name, uid=f"legend-{name}", marker={"color": colour, "size": 8})
        for name, colour in CLASS_COLOURS.items()
    ]
    return Drawing(data, {**layout, "shapes": said})


def _outstanding(cloud: Cloud, uid: str, **on: Any) -> Part:
    """Pairs that stand out, coloured by their true class; beyond the axes they stand at the edge."""
    return points(
        cloud.observed.astype(np.float32),
        np.clip(cloud.predicted, -cloud.reach, cloud.reach).astype(np.float32),
        uid,
        "%{text}<br>observed %{x:.3g}",
        legend=False,
        ids=list(cloud.labels),
        customdata=[list(key) for key in cloud.keys],
        marker={"size": 5.5, "color": [CLASS_COLOURS[c] for c in cloud.classes]},
        text=[
            f"<b>{escape(label)}</b><br>truly {c}<br>predicted {p:.3g}"
            for label, c, p in zip(cloud.labels, cloud.classes, cloud.predicted, strict=True)
        ],
        **on,
    )


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
    doubles = list(labels)
    data = []
    for method, values in predicted.items():
        look, name = {"color": colours[method], "size": 8, "symbol": "diamond"}, escape(names[method])
        data.append(_changes(values, doubles, f"gene-{method}", name, look, f"{name} predicts %{{x:.3g}}"))
    sums = "sum of the singles"
    tick = {"color": MUTED, "size": 11, "symbol": "line-ns-open", "line": {"width": 2.5}}
    data.append(_changes(additive, doubles, "gene-additive", sums, tick, f"{sums} %{{x:.3g}}"))
    dot, said = {"color": MEAN_BAR, "size": 8}, "observed %{x:.3g} (%{text})"
    data.append(_changes(observed, doubles, "gene-observed", "observed", dot, said, text=list(classes)))
    shapes: list[Part] = [
        {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": MUTED, "width": 1}}
    ]
    if marked in labels:
        at = doubles.index(marked)
        shapes.append(shaded((0, 1), (at - 0.5, at + 0.5), 0.12, xref="paper"))
    layout = {
        "height": 150 + 21 * len(labels),
        "margin": margins(t=84),
        "xaxis": axis("change against control"),
        "yaxis": ticks([escape(v) for v in labels], range=[len(labels) - 0.4, -0.6]),
        "annotations": [
            _arrow(i, float(start), float(end), CLASS_COLOURS.get(kind, MUTED))
            for i, (start, end, kind) in enumerate(zip(additive, observed, classes, strict=True))
            if np.isfinite(start) and np.isfinite(end)
        ],
        "shapes": shapes,
    }
    return Drawing(data, layout)


def _changes(x: np.ndarray, doubles: list[str], uid: str, name: str, marker: Part, says: str, **more: Any) -> Part:
    """One change a double, on the line of the double."""
    who: Part = {"ids": doubles, "customdata": doubles}
    place = np.arange(len(doubles))
    return points(
        x.astype(np.float32), place, uid, f"%{{customdata}}<br>{says}", name=name, marker=marker, **who, **more
    )


def _arrow(place: int, start: float, end: float, colour: str) -> Part:
    """Annotation: a horizontal arrow on one line."""
    ends = {"x": end, "y": place, "ax": start, "ay": place, "xref": "x", "yref": "y", "axref": "x", "ayref": "y"}
    head = {"arrowhead": 3, "arrowsize": 1.1, "arrowwidth": 2.2, "arrowcolor": colour, "opacity": 0.9}
    return {**ends, **head, "showarrow": True, "text": ""}


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
    traces = [line([-edge, edge], [-edge, edge], "pair-diagonal", {"color": MUTED, "width": 1}, legend=False)]
    at = np.flatnonzero(names == marked)
    special = [at]
    for name, shade in CLASS_COLOURS.items():
        plain = name == "additive"
        part = np.flatnonzero(known & (classes == name))
        part = part[np.argsort(-size[part], kind="stable")]
        shown = part[: most if plain else most // 2]
        special += [] if plain else [shown]
        look = {"marker": {"color": shade, "size": 4 if plain else 8, "line": HALO}, "name": f"{name} ({len(part):,})"}
        hover = f"<b>%{{text}}</b> ({name})<br>sum %{{x:.3g}}<br>observed %{{y:.3g}}"
        traces.append(_genes(names, additive, observed, shown, f"pair-{name}", hover, **look))
    if predicted is not None:
        where = np.unique(np.concatenate(special).astype(int))
        hover = "<b>%{text}</b><br>sum %{x:.3g}<br>predicted %{y:.3g}"
        look = {
            "marker": {"color": colour, "size": 6, "symbol": "diamond-open"},
            "name": f"predicted by {escape(prediction_name)}",
        }
        traces.append(_genes(names, additive, predicted, where, "pair-predicted", hover, **look))
    arrow = {"text": f"<b>{escape(marked)}</b>", "showarrow": True, "arrowhead": 2, "ax": 28, "ay": -28}
    layout = {
        "height": 500,
        "margin": margins(t=96),
        "annotations": [{"x": float(additive[i]), "y": float(observed[i]), **arrow} for i in at[:1]],
        "xaxis": axis("sum of the singles' changes", zeroline=True),
        "yaxis": axis("change of the double", zeroline=True),
    }
    return Drawing(traces, layout)


def _genes(
    names: np.ndarray, additive: np.ndarray, change: np.ndarray, at: np.ndarray, uid: str, hover: str, **more: Any
) -> Part:
    """The genes at some positions, each with its name."""
    found = [str(g) for g in names[at]]
    known: Part = {"ids": found, "customdata": found, "text": [escape(g) for g in found]}
    return points(additive[at].astype(np.float32), change[at].astype(np.float32), uid, hover, **known, **more)


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
    outline = {"width": np.where(ringed, 1.5, 0).tolist(), "color": MEAN_BAR}
    who = [
        escape(d) + (f"<br>published: {escape(p.replace('_', ' '))}" if p else "")
        for d, p in zip(doubles, published, strict=True)
    ]
    data, said = [], []
    for (method, values), place in zip(predicted.items(), places, strict=True):
        on: Part = {"xaxis": place.x, "yaxis": place.y}
        data.append(line([low, high], [low, high], f"diagonal-{method}", {"color": MUTED, "width": 1}, **on))
        data.append(
            points(
                true.astype(np.float32),
                values.astype(np.float32),
                f"score-{method}",
                "<b>%{text}</b><br>observed %{x:.3g}, predicted %{y:.3g}",
                ids=list(doubles),
                customdata=list(doubles),
                name=escape(names[method]),
                marker={"size": 7, "color": colours[method], "line": outline},
                text=who,
                **on,
            )
        )
        text = f"<b>{escape(names[method])}</b> {escape(corner.get(method, ''))}"
        said.append(above(place, text, text_colour(colours[method])))
    return Drawing(data, {**layout, "shapes": said, "showlegend": False, "margin": margins(l=8, r=8, t=60, b=8)})


def by_class(table: pd.DataFrame, score: str) -> Drawing:
    """An interaction score by published class: points and their median; columns ``class``, ``value``, ``double``."""
    classes = list(table.groupby("class")["value"].median().sort_values().index)
    traces = []
    for i, name in enumerate(classes):
        part = table[table["class"] == name]
        traces.append(
            points(
                i + (np.arange(len(part)) % 5 - 2) * 0.07,
                part["value"].to_numpy(),
                f"class-{name}",
                "<b>%{text}</b>: %{y:.3g}",
                legend=False,
                marker={"size": 7, "color": "#1653bf", "line": HALO},
                text=[escape(d) for d in part["double"]],
            )
        )
        traces.append(mean_bar([i - 0.3, i + 0.3], [float(part["value"].median())] * 2, f"median-{name}"))
    layout = {
        "height": 380,
        "yaxis": axis(f"{score}, observed"),
        "xaxis": ticks([escape(c).replace("_", "<br>") for c in classes]),
    }
    return Drawing(traces, layout)
