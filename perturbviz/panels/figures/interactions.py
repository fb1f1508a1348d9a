"""Figures of non-additivity over all pairs: the null and its fit, classes, curves, calls and their confusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.metrics.nonadditive.curves import MeanCurve
from perturbviz.panels.figures.cells import cell_texts, ink
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import CLASS_COLOURS, DIVERGING, MEAN_BAR, MUTED, SEQUENTIAL, SURFACE, TEXT
from perturbviz.stats.empirical_null import EmpiricalNull

NONNULL = DIVERGING[0]
LEAST_WIDTH = 0.12  # of a column of the mosaic
CURVE_AXES = {
    "tpr_fdp": ("false discovery proportion", "true positive rate (best attainable)"),
    "precision_recall": ("recall", "precision"),
    "roc": ("false positive rate", "true positive rate"),
}


def _bounds(lower: float, upper: float, axis: str = "x") -> list[dict[str, Any]]:
    """Dashed lines at the thresholds that exist, across the whole figure."""
    other = "y" if axis == "x" else "x"
    return [
        {
            "type": "line",
            f"{axis}0": value,
            f"{axis}1": value,
            f"{axis}ref": axis,
            f"{other}0": 0,
            f"{other}1": 1,
            f"{other}ref": "paper",
            "line": {"color": MEAN_BAR, "width": 1.5, "dash": "dash"},
        }
        for value in (float(lower), float(upper))
        if np.isfinite(value)
    ]


def decomposition(null: EmpiricalNull, lower: float, upper: float, axis_title: str) -> Drawing:
    """Histogram of the deviations with the fitted mixture and null, and the share of non-null pairs per bin below it.

    Parameters
    ----------
    null
        The fitted null with its histogram.
    lower, upper
        Thresholds, drawn as dashed lines; NaN for none.
    """
    mids, width, scale = null.mids.astype(np.float32), float(null.width), null.n * null.width
    traces: list[dict[str, Any]] = [
        {
            "type": "bar",
            "x": mids,
            "y": null.counts,
            "width": width,
            "name": "pairs",
            "uid": "null-counts",
            "marker": {"color": MUTED, "opacity": 0.75},
            "hovertemplate": "deviation %{x:.3f}: %{y:,} pairs<extra></extra>",
        },
        {
            "type": "bar",
            "x": mids,
            "y": (null.counts * null.nonnull).astype(np.float32),
            "width": width,
            "name": "expected non-null pairs",
            "uid": "null-nonnull",
            "marker": {"color": NONNULL},
            "hovertemplate": "deviation %{x:.3f}: %{y:,.1f} expected non-null<extra></extra>",
        },
    ]
    for name, density, colour, dash in (
        ("mixture f", null.f, TEXT, "solid"),
        ("null p₀f₀", null.p0_f0, "#1653bf", "dot"),
    ):
        expected = (density * scale).astype(np.float32)
        expected[expected < 0.3] = np.nan  # below a third of a pair per bin a log axis would only stretch
        line = {"type": "scatter", "x": mids, "y": expected, "mode": "lines"}
        traces.append(
            {  # a line on bars needs an edge to be seen
                **line,
                "uid": f"null-edge-{name[:4]}",
                "line": {"color": SURFACE, "width": 4.5},
                "hoverinfo": "skip",
                "showlegend": False,
            }
        )
        traces.append(
            {
                **line,
                "name": name,
                "uid": f"null-{name[:4]}",
                "line": {"color": colour, "width": 2, "dash": dash},
                "hovertemplate": f"{name}, deviation %{{x:.3f}}: %{{y:,.1f}} expected<extra></extra>",
            }
        )
    traces.append(
        {
            "type": "scatter",
            "x": mids,
            "y": (100 * null.nonnull).astype(np.float32),
            "mode": "lines",
            "fill": "tozeroy",
            "yaxis": "y2",
            "showlegend": False,
            "uid": "null-share",
            "line": {"color": NONNULL, "width": 1.5},
            "hovertemplate": "deviation %{x:.3f}: %{y:.1f}% non-null<extra></extra>",
        }
    )
    top = float(np.log10(max(null.counts.max(), 10))) + 0.15
    layout = {
        "barmode": "overlay",
        "bargap": 0,
        "height": 470,
        "shapes": _bounds(lower, upper),
        "yaxis": {
            "domain": [0.32, 1],
            "type": "log",
            "dtick": 1,
            "tickformat": ",~r",
            "range": [-0.52, top],
            "title": {"text": "pairs per bin (log)"},
        },
        "yaxis2": {
            "domain": [0, 0.24],
            "range": [0, 103],
            "title": {"text": "non-null, %"},
            "anchor": "x",
            "nticks": 3,
        },
        "xaxis": {"title": {"text": axis_title}, "anchor": "y2"},
    }
    return Drawing(traces, layout)


def histogram(values: np.ndarray, lower: float, upper: float, axis_title: str) -> Drawing:
    """Plain histogram with thresholds, where no null could be fitted; ``values`` any shape, NaN left out."""
    finite = values[np.isfinite(values)]
    counts, edges = np.histogram(finite, bins=min(60, max(8, int(len(finite) ** 0.5))))
    bars = {
        "type": "bar",
        "x": ((edges[1:] + edges[:-1]) / 2).astype(np.float32),
        "y": counts,
        "width": float(edges[1] - edges[0]),
        "uid": "null-counts",
        "marker": {"color": MUTED, "opacity": 0.5},
        "hovertemplate": "deviation %{x:.3f}: %{y:,} pairs<extra></extra>",
    }
    layout = {
        "height": 380,
        "bargap": 0,
        "shapes": _bounds(lower, upper),
        "xaxis": {"title": {"text": axis_title}},
        "yaxis": {"title": {"text": "pairs per bin"}},
    }
    return Drawing([bars], layout)


def quantiles(null: EmpiricalNull, lower: float, upper: float) -> Drawing:
    """Quantiles of the deviations against those of the fitted null: on the diagonal where the null holds."""
    x, y = null.qq_null.astype(np.float32), null.qq_observed.astype(np.float32)
    ends = [float(x.min()), float(x.max())]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "x": ends,
            "y": ends,
            "mode": "lines",
            "uid": "qq-diagonal",
            "line": {"color": MUTED, "width": 1},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    inside = (null.qq_observed >= null.window[0]) & (null.qq_observed <= null.window[1])
    for name, part, colour in (("where the null was fitted", inside, "#1653bf"), ("outside", ~inside, NONNULL)):
        traces.append(
            {
                "type": "scatter",
                "x": x[part],
                "y": y[part],
                "mode": "markers",
                "name": name,
                "uid": f"qq-{name[:5]}",
                "marker": {"color": colour, "size": 5},
                "hovertemplate": "null %{x:.3f}<br>observed %{y:.3f}<extra></extra>",
            }
        )
    layout = {
        "height": 470,
        "shapes": _bounds(lower, upper, "y"),
        "xaxis": {"title": {"text": "quantile of the null"}},
        "yaxis": {"title": {"text": "quantile observed"}},
    }
    return Drawing(traces, layout)


def class_bars(counts: Mapping[str, float], share_of: float, log: bool = True) -> Drawing:
    """Number of pairs per class, on a log axis since nearly all pairs are additive."""
    names = list(counts)
    colours = [CLASS_COLOURS[n] for n in names]
    values = np.array([counts[n] for n in names], dtype=float)
    bars = {
        "type": "bar",
        "y": names,
        "x": values,
        "orientation": "h",
        "ids": names,
        "uid": "classes",
        "marker": {"color": colours},
        "textposition": "auto",
        "insidetextfont": {"color": ink(colours)},
        "text": [f"{v:,.0f} ({v / share_of:.2%})" if share_of else f"{v:,.0f}" for v in values],
        "hovertemplate": "%{y}: %{x:,} pairs<extra></extra>",
    }
    scale = {"type": "log", "dtick": 1, "tickformat": ",~r"} if log and (values > 0).any() else {}
    layout = {
        "height": 110 + 34 * len(names),
        "yaxis": {"autorange": "reversed"},
        "xaxis": {**scale, "title": {"text": "pairs (log)" if log else "pairs"}},
    }
    return Drawing([bars], layout)


def curves(
    kind: str,
    drawn: Mapping[str, MeanCurve],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    dashes: Mapping[str, str],
    prevalence: float,
) -> Drawing:
    """One curve a method, averaged over splits, with a band of ± one standard error, and what chance attains.

    Parameters
    ----------
    kind
        "tpr_fdp", "precision_recall" or "roc".
    drawn
        Method -> its mean curve of that kind.
    dashes
        Method -> line style; solid where not named.
    prevalence
        Share of non-additive pairs.
    """
    x_title, y_title = CURVE_AXES[kind]
    if kind == "tpr_fdp":
        chance = {"x": [1 - prevalence] * 2, "y": [0, 1]}
        said = f"a random order has FDP {1 - prevalence:.1%}"
    elif kind == "precision_recall":
        chance = {"x": [0, 1], "y": [prevalence] * 2}
        said = f"a random order has precision {prevalence:.1%}"
    else:
        chance, said = {"x": [0, 1], "y": [0, 1]}, "a random order"
    traces: list[dict[str, Any]] = []
    if np.isfinite(prevalence):
        traces.append(
            {
                "type": "scatter",
                **chance,
                "mode": "lines",
                "name": said,
                "uid": "curve-chance",
                "line": {"color": MUTED, "width": 1, "dash": "dot"},
                "hoverinfo": "skip",
            }
        )
    for method, curve in drawn.items():
        name = escape(names[method])
        if np.isfinite(curve.low).any():
            traces.append(
                {
                    "type": "scatter",
                    "x": np.concatenate([curve.x, curve.x[::-1]]).astype(np.float32),
                    "y": np.clip(np.concatenate([curve.high, curve.low[::-1]]), 0, 1).astype(np.float32),
                    "mode": "lines",
                    "fill": "toself",
                    "fillcolor": colours[method],
                    "opacity": 0.13,
                    "line": {"width": 0},
                    "hoverinfo": "skip",
                    "showlegend": False,
                    "legendgroup": method,
                    "uid": f"band-{method}",
                }
            )
        traces.append(
            {
                "type": "scatter",
                "x": curve.x.astype(np.float32),
                "y": curve.mean.astype(np.float32),
                "mode": "lines",
                "name": name,
                "legendgroup": method,
                "uid": f"curve-{method}",
                "line": {"color": colours[method], "width": 2.2, "dash": dashes.get(method, "solid")},
                "hovertemplate": f"<b>{name}</b><br>{x_title} %{{x:.2f}}<br>{y_title} %{{y:.3f}}<extra></extra>",
            }
        )
    layout = {
        "height": 500,
        "margin": {"t": 96},
        "hovermode": "closest",
        "xaxis": {"title": {"text": x_title}, "range": [-0.01, 1.01]},
        "yaxis": {"title": {"text": y_title}, "range": [-0.02, 1.02]},
    }
    return Drawing(traces, layout)


def stacked(table: pd.DataFrame, names: Mapping[str, str], axis_title: str) -> Drawing:
    """Stacked bars: lines of ``table`` are methods, columns classes, values numbers of calls."""
    labels = [escape(names.get(m, m)) for m in table.index]
    bars = [
        {
            "type": "bar",
            "y": labels,
            "x": table[name].to_numpy(float),
            "orientation": "h",
            "name": name,
            "uid": f"calls-{name}",
            "marker": {"color": CLASS_COLOURS[name], "line": {"color": SURFACE, "width": 0.5}},
            "hovertemplate": f"%{{y}}: %{{x:,.1f}} {name}<extra></extra>",
        }
        for name in table.columns
    ]
    layout = {
        "barmode": "stack",
        "height": 110 + 32 * len(labels),
        "xaxis": {"title": {"text": axis_title}},
        "yaxis": {"autorange": "reversed"},
        "legend": {"traceorder": "normal"},
    }
    return Drawing(bars, layout)


def mosaic(table: pd.DataFrame) -> Drawing:
    """Confusion of classes: a column per predicted class, as wide as its share of the pairs, split by the true class.

    Additive pairs would hide all others, so every column has a least width and the rest is shared on a square-root scale;
    the hover tells numbers.

    Parameters
    ----------
    table
        True classes (rows) × predicted classes (columns), numbers of pairs.
    """
    totals = table.sum(axis=0)
    present = [c for c in table.columns if totals[c] > 0]
    if not present:
        return Drawing([], {})
    total = totals[present].to_numpy(float)
    widths = LEAST_WIDTH + (1 - LEAST_WIDTH * len(present)) * np.sqrt(total) / np.sqrt(total).sum()
    centres = np.cumsum(widths) - widths / 2
    bars = [
        {
            "type": "bar",
            "x": centres,
            "y": 100 * (pairs / total),
            "width": widths * 0.985,
            "name": name,
            "uid": f"mosaic-{name}",
            "marker": {"color": CLASS_COLOURS[name], "line": {"width": 1, "color": SURFACE}},
            "text": [f"{s:.0%}" if s >= 0.045 else "" for s in pairs / total],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "insidetextfont": {"color": ink([CLASS_COLOURS[name]])[0]},
            "customdata": [f"{n:,.0f} pairs predicted {c}, truly {name}" for n, c in zip(pairs, present, strict=True)],
            "hovertemplate": "%{customdata}<br>%{y:.1f}% of the column<extra></extra>",
        }
        for name, pairs in zip(table.index, table[present].to_numpy(float), strict=True)
    ]
    layout = {
        "barmode": "stack",
        "height": 430,
        "bargap": 0,
        "legend": {"traceorder": "normal"},
        "margin": {"t": 64},
        "xaxis": {
            "tickvals": centres,
            "ticktext": [f"{c}<br>{n:,.0f}" for c, n in zip(present, total, strict=True)],
            "title": {"text": "predicted class (wider: more pairs)"},
            "range": [0, 1],
            "showgrid": False,
            "tickangle": 0,
            "tickfont": {"size": 10},
        },
        "yaxis": {"range": [0, 100], "title": {"text": "true class, % of the column"}},
    }
    return Drawing(bars, layout)


def recurrence_bars(
    names: Sequence[str], counts: np.ndarray, layers: Sequence[str], labels: Mapping[str, str], axis_title: str
) -> Drawing:
    """Heat map: how many of a layer's calls fall on each of the most often named genes or doubles.

    Parameters
    ----------
    names
        Genes or doubles, most often named first.
    counts
        (len(names), layers) calls in an average split.
    layers
        "truth" and methods.
    """
    shown = counts.T.astype(np.float32)
    x, y = [escape(n) for n in names], [escape(labels.get(layer, layer)) for layer in layers]
    z, top = np.sqrt(shown), float(np.sqrt(shown.max(initial=1)))
    cells = {
        "type": "heatmap",
        "z": z,
        "zmin": 0,
        "zmax": top,
        "x": x,
        "y": y,
        "uid": "recurrence",
        "customdata": shown,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": "%{y}<br>%{x}: %{customdata:.1f} calls<extra></extra>",
    }
    text = [[f"{v:.0f}" if v >= 0.5 else "" for v in line] for line in shown.tolist()]
    layout = {
        "height": 120 + 30 * len(layers),
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "xaxis": {"title": {"text": axis_title}, "tickangle": -40},
    }
    return Drawing([cells, cell_texts(text, z, 0, top, SEQUENTIAL, x, y, uid="calls")], layout)
