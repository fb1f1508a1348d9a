"""Figures of non-additivity over all pairs: the null and its fit, classes, curves, calls and their confusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.metrics.nonadditive.curves import MeanCurve
from perturbviz.panels.figures.cells import cell_texts, ink
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import Part, axis, bars, heat, line, margins, points, ticks
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


def _bounds(lower: float, upper: float, along: str = "x") -> list[dict[str, Any]]:
    """Dashed lines at the thresholds that exist, across the whole figure."""
    across = "y" if along == "x" else "x"
    return [
        {
            "type": "line",
            f"{along}0": value,
            f"{along}1": value,
            f"{along}ref": along,
            f"{across}0": 0,
            f"{across}1": 1,
            f"{across}ref": "paper",
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
    mids, width = null.mids.astype(np.float32), float(null.width)
    hover = "deviation %{x:.3f}: %{y:"
    counted = bars(
        mids,
        null.counts,
        "null-counts",
        hover + ",} pairs",
        width=width,
        name="pairs",
        marker={"color": MUTED, "opacity": 0.75},
    )
    nonnull = bars(
        mids,
        (null.counts * null.nonnull).astype(np.float32),
        "null-nonnull",
        hover + ",.1f} expected non-null",
        width=width,
        name="expected non-null pairs",
        marker={"color": NONNULL},
    )
    share, stroke = (100 * null.nonnull).astype(np.float32), {"color": NONNULL, "width": 1.5}
    below = {"fill": "tozeroy", "yaxis": "y2"}
    traces = [
        *(counted, nonnull),
        *_density(null, null.f, "mixture f", TEXT, "solid"),
        *_density(null, null.p0_f0, "null p₀f₀", "#1653bf", "dot"),
        line(mids, share, "null-share", stroke, hover + ".1f}% non-null", legend=False, **below),
    ]
    top = float(np.log10(max(null.counts.max(), 10))) + 0.15
    scale = {"type": "log", "dtick": 1, "tickformat": ",~r"}
    layout = {
        "barmode": "overlay",
        "bargap": 0,
        "height": 470,
        "shapes": _bounds(lower, upper),
        "yaxis": axis("pairs per bin (log)", domain=[0.32, 1], range=[-0.52, top], **scale),
        "yaxis2": axis("non-null, %", domain=[0, 0.24], range=[0, 103], anchor="x", nticks=3),
        "xaxis": axis(axis_title, anchor="y2"),
    }
    return Drawing(traces, layout)


def _density(null: EmpiricalNull, density: np.ndarray, name: str, colour: str, dash: str) -> list[Part]:
    """A fitted density as expected pairs per bin; on bars a line needs an edge to be seen."""
    expected = (density * (null.n * null.width)).astype(np.float32)
    expected[expected < 0.3] = np.nan  # below a third of a pair per bin a log axis would only stretch
    x, key = null.mids.astype(np.float32), name[:4]
    hover = f"{name}, deviation %{{x:.3f}}: %{{y:,.1f}} expected"
    return [
        line(x, expected, f"null-edge-{key}", {"color": SURFACE, "width": 4.5}, legend=False),
        line(x, expected, f"null-{key}", {"color": colour, "width": 2, "dash": dash}, hover, name=name),
    ]


def histogram(values: np.ndarray, lower: float, upper: float, axis_title: str) -> Drawing:
    """Plain histogram with thresholds, where no null could be fitted; ``values`` any shape, NaN left out."""
    finite = values[np.isfinite(values)]
    counts, edges = np.histogram(finite, bins=min(60, max(8, int(len(finite) ** 0.5))))
    counted = bars(
        ((edges[1:] + edges[:-1]) / 2).astype(np.float32),
        counts,
        "null-counts",
        "deviation %{x:.3f}: %{y:,} pairs",
        width=float(edges[1] - edges[0]),
        marker={"color": MUTED, "opacity": 0.5},
    )
    layout = {
        "height": 380,
        "bargap": 0,
        "shapes": _bounds(lower, upper),
        "xaxis": axis(axis_title),
        "yaxis": axis("pairs per bin"),
    }
    return Drawing([counted], layout)


def quantiles(null: EmpiricalNull, lower: float, upper: float) -> Drawing:
    """Quantiles of the deviations against those of the fitted null: on the diagonal where the null holds."""
    x, y = null.qq_null.astype(np.float32), null.qq_observed.astype(np.float32)
    ends = [float(x.min()), float(x.max())]
    traces = [line(ends, ends, "qq-diagonal", {"color": MUTED, "width": 1}, legend=False)]
    inside = (null.qq_observed >= null.window[0]) & (null.qq_observed <= null.window[1])
    hover = "null %{x:.3f}<br>observed %{y:.3f}"
    for name, part, colour in (("where the null was fitted", inside, "#1653bf"), ("outside", ~inside, NONNULL)):
        marker = {"color": colour, "size": 5}
        traces.append(points(x[part], y[part], f"qq-{name[:5]}", hover, name=name, marker=marker))
    layout = {
        "height": 470,
        "shapes": _bounds(lower, upper, "y"),
        "xaxis": axis("quantile of the null"),
        "yaxis": axis("quantile observed"),
    }
    return Drawing(traces, layout)


def class_bars(counts: Mapping[str, float], share_of: float, log: bool = True) -> Drawing:
    """Number of pairs per class, on a log axis since nearly all pairs are additive."""
    names = list(counts)
    colours = [CLASS_COLOURS[n] for n in names]
    values = np.array([counts[n] for n in names], dtype=float)
    counted = bars(
        values,
        names,
        "classes",
        "%{y}: %{x:,} pairs",
        orientation="h",
        ids=names,
        marker={"color": colours},
        textposition="auto",
        insidetextfont={"color": ink(colours)},
        text=[f"{v:,.0f} ({v / share_of:.2%})" if share_of else f"{v:,.0f}" for v in values],
    )
    scale = {"type": "log", "dtick": 1, "tickformat": ",~r"} if log and (values > 0).any() else {}
    layout = {
        "height": 110 + 34 * len(names),
        "yaxis": {"autorange": "reversed"},
        "xaxis": axis("pairs (log)" if log else "pairs", **scale),
    }
    return Drawing([counted], layout)


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
    traces = [_chance(kind, prevalence)] if np.isfinite(prevalence) else []
    for method, curve in drawn.items():
        if np.isfinite(curve.low).any():
            traces.append(_band(curve, f"band-{method}", colours[method], legendgroup=method))
        name = escape(names[method])
        traces.append(
            line(
                curve.x.astype(np.float32),
                curve.mean.astype(np.float32),
                f"curve-{method}",
                {"color": colours[method], "width": 2.2, "dash": dashes.get(method, "solid")},
                f"<b>{name}</b><br>{x_title} %{{x:.2f}}<br>{y_title} %{{y:.3f}}",
                name=name,
                legendgroup=method,
            )
        )
    layout = {
        "height": 500,
        "margin": margins(t=96),
        "hovermode": "closest",
        "xaxis": axis(x_title, range=[-0.01, 1.01]),
        "yaxis": axis(y_title, range=[-0.02, 1.02]),
    }
    return Drawing(traces, layout)


def _chance(kind: str, prevalence: float) -> Part:
    """What a random order attains, as a dotted line."""
    x, y, said = {
        "tpr_fdp": ([1 - prevalence] * 2, [0, 1], f"a random order has FDP {1 - prevalence:.1%}"),
        "precision_recall": ([0, 1], [prevalence] * 2, f"a random order has precision {prevalence:.1%}"),
        "roc": ([0, 1], [0, 1], "a random order"),
    }[kind]
    return line(x, y, "curve-chance", {"color": MUTED, "width": 1, "dash": "dot"}, name=said)


def _band(curve: MeanCurve, uid: str, colour: str, **more: Any) -> Part:
    """One standard error to both sides of a curve."""
    x = np.concatenate([curve.x, curve.x[::-1]]).astype(np.float32)
    y = np.clip(np.concatenate([curve.high, curve.low[::-1]]), 0, 1).astype(np.float32)
    filled: Part = {"fill": "toself", "fillcolor": colour, "opacity": 0.13}
    return line(x, y, uid, {"width": 0}, legend=False, **filled, **more)


def stacked(table: pd.DataFrame, names: Mapping[str, str], axis_title: str) -> Drawing:
    """Stacked bars: lines of ``table`` are methods, columns classes, values numbers of calls."""
    labels = [escape(names.get(m, m)) for m in table.index]
    parts = [
        bars(
            table[name].to_numpy(float),
            labels,
            f"calls-{name}",
            f"%{{y}}: %{{x:,.1f}} {name}",
            orientation="h",
            name=name,
            marker={"color": CLASS_COLOURS[name], "line": {"color": SURFACE, "width": 0.5}},
        )
        for name in table.columns
    ]
    layout = {
        "barmode": "stack",
        "height": 110 + 32 * len(labels),
        "xaxis": axis(axis_title),
        "yaxis": {"autorange": "reversed"},
        "legend": {"traceorder": "normal"},
    }
    return Drawing(parts, layout)


def mosaic(table: pd.DataFrame) -> Drawing:
    """Confusion of classes: a column per predicted class, as wide as its share of the pairs, split by the true class.

    Additive pairs would hide all others, so every column has a least width and the rest is shared on a square-root
    scale; the hover tells numbers.

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
    parts = [
        bars(
            centres,
            100 * (pairs / total),
            f"mosaic-{name}",
            "%{customdata}<br>%{y:.1f}% of the column",
            width=widths * 0.985,
            name=name,
            marker={"color": CLASS_COLOURS[name], "line": {"width": 1, "color": SURFACE}},
            text=[f"{s:.0%}" if s >= 0.045 else "" for s in pairs / total],
            textposition="inside",
            insidetextanchor="middle",
            insidetextfont={"color": ink([CLASS_COLOURS[name]])[0]},
            customdata=[f"{n:,.0f} pairs predicted {c}, truly {name}" for n, c in zip(pairs, present, strict=True)],
        )
        for name, pairs in zip(table.index, table[present].to_numpy(float), strict=True)
    ]
    heads = [f"{c}<br>{n:,.0f}" for c, n in zip(present, total, strict=True)]
    across = {"range": [0, 1], "tickangle": 0, "tickfont": {"size": 12}}
    layout = {
        "barmode": "stack",
        "height": 430,
        "bargap": 0,
        "legend": {"traceorder": "normal"},
        "margin": margins(t=64),
        "xaxis": axis("predicted class (wider: more pairs)", **ticks(heads, tickvals=centres, **across)),
        "yaxis": axis("true class, % of the column", range=[0, 100]),
    }
    return Drawing(parts, layout)


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
    hover = "%{y}<br>%{x}: %{customdata:.1f} calls"
    cells = heat(z, x, y, "recurrence", hover, zmin=0, zmax=top, customdata=shown, xgap=1, ygap=1)
    text = [[f"{v:.0f}" if v >= 0.5 else "" for v in row] for row in shown.tolist()]
    layout = {
        "height": 120 + 30 * len(layers),
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "xaxis": axis(axis_title, tickangle=-40),
    }
    return Drawing([cells, cell_texts(text, z, 0, top, SEQUENTIAL, x, y, uid="calls")], layout)
