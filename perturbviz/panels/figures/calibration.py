"""Figures of calibration: controls against one another, the map of all metrics, the calibrated scale, variation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.errors import thinned
from perturbviz.panels.figures.marks import HALO
from perturbviz.panels.figures.parts import (
    Part,
    axis,
    box,
    columns_across,
    heat,
    intervals,
    line,
    lines_down,
    margins,
    mean_bar,
    note,
    points,
    targets,
    words,
)
from perturbviz.panels.figures.rules import by_family, level, level_note, upright, upright_note
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import CONTROL_COLOURS, DIVERGING, MEAN_BAR, MUTED, TEXT

MARKS = {"calibrated": "●", "narrow": "◐", "blind": "○", "inverted": "✕", "unknown": "?"}
"""Sign of each verdict in the map."""
POSITIVE, NEGATIVE = CONTROL_COLOURS["positive"], CONTROL_COLOURS["negative"]
MOST = 300  # points of one chart


def _labels(rows: pd.DataFrame, at: np.ndarray) -> list[str]:
    """Perturbation, context and seed of some rows, for hover texts."""
    perturbations, contexts, seeds = (rows[name].to_numpy()[at] for name in ("perturbation", "context", "seed"))
    where = {
        (c, s): "".join(f" · {escape(v)}" for v in (c, s and f"seed {s}") if v)
        for c, s in set(zip(contexts, seeds, strict=True))
    }
    return [
        escape("all perturbations" if p == "*" else p) + where[c, s]
        for p, c, s in zip(perturbations, contexts, seeds, strict=True)
    ]


def paired(
    high: np.ndarray, low: np.ndarray, sign: np.ndarray, rows: pd.DataFrame, names: tuple[str, str], axis_title: str
) -> Drawing:
    """Every perturbation a point: score of the empty prediction (x) and of the replicate (y), with the diagonal.

    Parameters
    ----------
    high, low, sign
        (R,) scores of the positive and the negative control, and 1, 0 or -1 where the positive one is better, equal or
        worse (NaN: undefined).
    names
        Of the positive and the negative control.
    """
    both = ~np.isnan(high) & ~np.isnan(low)
    shown = thinned(np.where(both, high - low, np.nan), MOST)
    traces = []
    if len(shown):
        ends = [float(np.nanmin([high[shown], low[shown]])), float(np.nanmax([high[shown], low[shown]]))]
        traces.append(line(ends, ends, "same", {"color": MUTED, "width": 1, "dash": "dash"}, legend=False))
    hover = f"<b>%{{text}}</b><br>{escape(names[0])}: %{{y:.4g}}<br>{escape(names[1])}: %{{x:.4g}}"
    for which, colour, symbol, label in (
        (1, POSITIVE, "circle", "better"),
        (0, MUTED, "square", "equal"),
        (-1, NEGATIVE, "diamond", "worse"),
    ):
        at = shown[sign[shown] == which]
        name = f"{escape(names[0])} {label} ({(sign[both] == which).sum()})"
        marker = {"color": colour, "size": 7, "symbol": symbol, "line": HALO}
        traces.append(_perturbations(low, high, rows, at, f"paired-{label}", hover, name=name, marker=marker))
    layout = {
        "height": 400,
        "xaxis": axis(f"{axis_title} of: {escape(names[1])}"),
        "yaxis": axis(f"{axis_title} of: {escape(names[0])}", zeroline=False),
    }
    return Drawing(traces, layout)


def _perturbations(
    x: np.ndarray, y: np.ndarray, rows: pd.DataFrame, at: np.ndarray, uid: str, hover: str, **more: Any
) -> Part:
    """Some rows as points that name their perturbation when they are clicked."""
    who = rows["perturbation"].to_numpy()[at].tolist()
    known = {"ids": [str(i) for i in at], "customdata": who, "text": _labels(rows, at)}
    return points(x[at].astype(np.float32), y[at].astype(np.float32), uid, hover, **known, **more)


def fractions(drf: np.ndarray, rows: pd.DataFrame, middle: float, wide: float) -> Drawing:
    """Dynamic range fraction of every perturbation, from largest to smallest; the median is a red bar.

    Parameters
    ----------
    drf
        (R,), NaN where undefined.
    middle, wide
        Median over perturbations, and the fraction from which a metric has room.
    """
    have = np.flatnonzero(~np.isnan(drf))
    order = have[np.argsort(-drf[have], kind="stable")]
    place = np.linspace(0, len(order) - 1, min(len(order), MOST)).astype(int)
    share = np.full(len(drf), np.nan)
    share[order[place]] = 100 * (place + 0.5) / max(len(order), 1)
    marker = {"size": 6, "color": TEXT, "opacity": 0.65}
    hover = "<b>%{text}</b><br>covers %{y:.1%} of the way"
    traces = [_perturbations(share, drf, rows, order[place], "drf", hover, marker=marker, legend=False)]
    if not np.isnan(middle):
        traces.append(mean_bar([0, 100], [float(middle)] * 2, "median"))
    least = min(-0.05, float(np.nanmin(drf, initial=0)) - 0.05)
    layout = {
        "height": 400,
        "shapes": [level(0, {"color": MUTED, "width": 1}), level(wide, {"color": MUTED, "width": 1, "dash": "dot"})],
        "annotations": [level_note(wide, f"narrow below {wide:g}", MUTED)],
        "xaxis": axis("perturbations, from most to least discernible (%)", range=[-2, 102]),
        "yaxis": axis("dynamic range fraction (1 = perfect)", zeroline=False, range=[least, 1.05]),
    }
    return Drawing(traces, layout)


@dataclass(frozen=True)
class Cell:
    """One square of the map: its place, what it shows and what a click on it means."""

    row: int
    column: int
    drf: float
    verdict: str  # key of MARKS; "" where the metric is not offered on these genes
    hover: str
    click: str


def verdict_map(
    cells: Sequence[Cell],
    rows: Sequence[str],
    families: Sequence[str],
    columns: Sequence[str],
    current: tuple[int, int] | None,
) -> Drawing:
    """Metrics (rows, grouped by family) x gene subsets (columns): colour and number are the dynamic range fraction.

    Parameters
    ----------
    rows, families
        Label and family of each row, families in one piece each.
    current
        (row, column) of the current view, ringed.
    """
    shapes, asides = by_family(families, "aside")
    if current is not None:
        r, c = current
        shapes.append(box((c - 0.5, c + 0.5), (r - 0.5, r + 0.5), line={"color": MEAN_BAR, "width": 2.5}))
    fixed = {"fixedrange": True}
    layout = {
        "height": 102 + 25 * len(rows),
        "margin": margins(l=8, r=165, b=8),
        "hovermode": "closest",
        "shapes": shapes,
        "annotations": asides,
        "xaxis": columns_across([escape(c) for c in columns], side="top", **fixed),
        "yaxis": lines_down([escape(r) for r in rows], **fixed),
    }
    return Drawing(_squares(cells, len(rows), len(columns)), layout)


def _squares(cells: Sequence[Cell], rows: int, columns: int) -> list[Part]:
    """The squares in colour, what stands in them, and what reports clicks."""
    z = np.full((rows, columns), np.nan, np.float32)
    text = np.full(z.shape, "", object)
    for cell in cells:
        z[cell.row, cell.column] = cell.drf
        text[cell.row, cell.column] = f"{cell.drf:.2f} {MARKS[cell.verdict]}" if cell.verdict else ""
    blank = [c for c in cells if np.isnan(c.drf)]
    why = ["undefined ?" if c.verdict else "not offered" for c in blank]
    spots = [(c, dx) for c in cells if c.click for dx in (-0.32, 0.0, 0.32)]
    x, y = np.arange(columns), np.arange(rows)
    return [
        heat(z, x, y, "map", scale=DIVERGING, zmin=-1, zmax=1, xgap=2, ygap=2),
        cell_texts(text, z, -1, 1, DIVERGING, range(columns), range(rows), uid="fractions", size=13),
        words([c.column for c in blank], [c.row for c in blank], why, "undefined", size=12),
        targets(
            [c.column + dx for c, dx in spots],
            [c.row for c, _ in spots],
            [c.click for c, _ in spots],
            [c.hover for c, _ in spots],
            22,
            legend=False,
        ),
    ]


def calibrated(table: pd.DataFrame, colours: Mapping[str, str], ends: tuple[str, str]) -> Drawing:
    """Methods on the calibrated scale: 0 and 1 are the controls; the raw score stands beside each name.

    Parameters
    ----------
    table
        Indexed by method, best first: name, score, low, high (calibrated), raw.
    ends
        Names of the empty prediction (0) and of the replicate (1).
    """
    y = np.arange(len(table))
    names = [escape(name) for name in table["name"]]
    score, low, high, raw = (table[c].to_numpy(float) for c in ("score", "low", "high", "raw"))
    defined = ~np.isnan(score)
    methods = list(table.index[defined])
    said = [
        f"<b>{names[i]}</b><br>{score[i]:.3f} on the calibrated scale (95% interval {low[i]:.3f} to "
        f"{high[i]:.3f})<br>raw score {raw[i]:.4g}"
        for i in y[defined]
    ]
    dots = points(
        score[defined],
        y[defined],
        "calibrated",
        "%{text}",
        legend=False,
        ids=methods,
        text=said,
        marker={"size": 11, "color": [colours[m] for m in methods]},
        error_x=intervals(low[defined], score[defined], high[defined]),
    )
    labels = [
        f"{name}  <b>{'undefined' if np.isnan(value) else format(value, '.3g')}</b>"
        for name, value in zip(names, raw, strict=True)
    ]
    controls = ((0, NEGATIVE), (1, POSITIVE))
    layout = {
        "height": 100 + 32 * len(table),
        "annotations": [note(0.02, int(i), "undefined", xref="paper", xanchor="left") for i in y[~defined]],
        "shapes": [upright(at, {"color": colour, "width": 1.5, "dash": "dash"}) for at, colour in controls],
        "xaxis": axis(f"0 = {escape(ends[0]).lower()}, 1 = {escape(ends[1]).lower()}", zeroline=False),
        "yaxis": lines_down(labels),
    }
    return Drawing([dots], layout)


def variation(cosine: np.ndarray, delta: np.ndarray, rows: pd.DataFrame, middle: float) -> Drawing:
    """Every perturbation a point: likeness with the average shift (x) and Pearson delta of the mean baseline (y)."""
    both = np.flatnonzero(~np.isnan(cosine) & ~np.isnan(delta))
    at = both[thinned(cosine[both], MOST)]
    marker = {"size": 6, "color": TEXT, "opacity": 0.6}
    hover = "<b>%{text}</b><br>cosine %{x:.3f}<br>Pearson delta of the mean %{y:.3f}"
    dots = _perturbations(cosine, delta, rows, at, "variation", hover, marker=marker, legend=False)
    known = not np.isnan(middle)
    layout = {
        "height": 380,
        "shapes": [upright(float(middle), {"color": MEAN_BAR, "width": 2.5})] if known else [],
        "annotations": [upright_note(float(middle), f"mean {middle:.2f}", MEAN_BAR)] if known else [],
        "xaxis": axis("cosine with the average shift", zeroline=False),
        "yaxis": axis("Pearson delta of the perturbation mean", zeroline=False),
    }
    return Drawing([dots], layout)
