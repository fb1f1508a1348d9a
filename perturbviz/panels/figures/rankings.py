"""Figures of the ranking: the order with its uncertainty, and how the order shifts between metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import apart
from perturbviz.panels.figures.text import escape, percent
from perturbviz.panels.figures.theme import MUTED, TEXT, method_dash, text_colour


def order(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    axis_title: str,
    shifts: pd.Series | None = None,
    higher: bool = True,
    open_marks: Sequence[str] = (),
) -> Drawing:
    """Methods from first to last: the score as a dot, its 95% interval as a line.

    Parameters
    ----------
    table
        ``Ranking.table``: one line a method, best first, undefined last.
    colours
        Method -> colour.
    axis_title
        Name and unit of the score.
    shifts
        Places gained by each method since the view before, if any.
    higher
        Whether higher scores are better; the axis is drawn so that better is to the right.
    open_marks
        Methods drawn as open circles: controls.
    """
    lines = table.to_dict("index")
    gained = {} if shifts is None else shifts.to_dict()
    names = [_label(line, gained.get(m)) for m, line in lines.items()]
    position = np.arange(len(table))
    defined = table["score"].notna().to_numpy()
    known = list(table.index[defined])
    hollow = [m in set(open_marks) for m in known]
    dots = {
        "type": "scatter",
        "x": table["score"].to_numpy()[defined],
        "y": position[defined],
        "ids": known,
        "customdata": known,
        "mode": "markers",
        "name": "score",
        "marker": {
            "size": 12,
            "color": [colours[m] for m in known],
            "line": {"width": [2 if h else 0 for h in hollow]},
            "symbol": ["circle-open" if h else "circle" for h in hollow],
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "thickness": 2,
            "width": 0,
            "color": MUTED,
            "array": (table["high"] - table["score"]).to_numpy()[defined],
            "arrayminus": (table["score"] - table["low"]).to_numpy()[defined],
        },
        "text": [_hover(lines[m]) for m in known],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }
    undefined = [
        {
            "x": 0.01,
            "xref": "paper",
            "yref": "y",
            "y": i,
            "showarrow": False,
            "text": escape(line["reason"].partition(",")[0] or "undefined"),
            "xanchor": "left",
            "font": {"color": MUTED, "size": 12},
        }
        for i, line in enumerate(lines.values())
        if not defined[i]
    ]
    layout = {
        "height": 72 + 34 * len(table),
        "margin": {"l": 8, "r": 16, "t": 36, "b": 8},
        "annotations": undefined,
        "xaxis": {"title": {"text": axis_title}, "autorange": True if higher else "reversed", "zeroline": False},
        "yaxis": {
            "tickvals": position,
            "ticktext": names,
            "range": [len(table) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": 13, "color": TEXT},
        },
    }
    return Drawing([dots], layout)


def _label(line: Mapping[str, Any], shift: float | None) -> str:
    place = "–" if np.isnan(line["rank"]) else f"{line['rank']:g}"
    moved = "" if shift is None or np.isnan(shift) or shift == 0 else (f" ▲{shift:g}" if shift > 0 else f" ▼{-shift:g}")
    return f"{escape(line['name'])}{moved}  <b>{place}</b>"


def _hover(line: Mapping[str, Any]) -> str:
    """Name, score and rank, with their intervals or why there are none."""
    name, score, place = f"<b>{escape(line['name'])}</b>", f"score {line['score']:.4g}", f"rank {line['rank']:g}"
    if np.isnan([line["low"], line["high"]]).any():
        return f"{name}<br>{score}<br>{place}<br>no interval: {escape(line['interval'].removeprefix('none: '))}"
    text = f"{name}<br>{score} (95% interval {line['low']:.4g} to {line['high']:.4g})<br>{place}"
    if not np.isnan(line["p_first"]):
        text += f" ({line['rank_low']:g} to {line['rank_high']:g} in draws)"
        text += f"<br>first in {escape(percent(line['p_first']))} of draws"
    return f"{text}<br>{line['n']:g} value{'s' * (line['n'] != 1)} averaged"


def bump(
    ranks: pd.DataFrame,
    labels: Sequence[str],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    current: int,
    dashed: Sequence[str] = (),
) -> Drawing:
    """Ranks of the methods over several settings: one line a method, one column a setting.

    Parameters
    ----------
    ranks
        Methods x settings; NaN where undefined.
    labels
        Column heads.
    names, colours
        Method -> display name and colour.
    current
        Column of the current view, marked; -1 for none.
    dashed
        Methods drawn dashed.
    """
    x, places = np.arange(ranks.shape[1]), ranks.to_numpy(float)
    lines = []
    for method, values in zip(ranks.index, places, strict=True):
        lines.append(
            {
                "type": "scatter",
                "x": x,
                "y": values,
                "name": names[method],
                "uid": f"bump-{method}",
                "ids": [f"{method}|{label}" for label in labels],
                "customdata": [[method, int(i)] for i in x],
                "mode": "lines+markers",
                "connectgaps": False,
                "showlegend": False,
                "line": {"color": colours[method], "width": 2.5, "dash": method_dash(method, dashed)},
                "marker": {"size": 9, "color": colours[method]},
                "text": [f"{v:g}" for v in values],
                "hovertemplate": f"<b>{escape(names[method])}</b><br>rank %{{text}}<extra></extra>",
            }
        )
    few = ranks.shape[1] <= 4  # then a line that ends early has its name there, and the plot ends with the last column
    last = {
        m: known[-1] for m, row in zip(ranks.index, places, strict=True) if len(known := np.flatnonzero(~np.isnan(row)))
    }
    ends_at = {m: float(places[i, last[m]]) for i, m in enumerate(ranks.index) if m in last}
    early = {m: column for m, column in last.items() if few and column != x[-1]}
    at_ends = [(m, x[-1], y) for m, y in _end_labels({m: y for m, y in ends_at.items() if m not in early})]
    at_ends += [(m, column, ends_at[m]) for m, column in early.items()]
    ends = [
        {
            "x": int(column),
            "y": y,
            "text": escape(names[method]),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 9,
            "font": {"color": text_colour(colours[method]), "size": 12},
        }
        for method, column, y in at_ends
    ]
    here = {
        "type": "rect",
        "xref": "x",
        "yref": "y domain",
        "x0": current - 0.4,
        "x1": current + 0.4,
        "y0": 0,
        "y1": 1,
        "fillcolor": MUTED,
        "opacity": 0.12,
        "line": {"width": 0},
        "layer": "below",
    }
    worst = int(np.nanmax(places)) if last else 1
    layout = {
        "height": 150 + 30 * max(worst, 4),
        "margin": {"l": 8, "r": 130, "t": 36, "b": 8},
        "annotations": ends,
        "shapes": [here] if current >= 0 else [],
        "xaxis": {
            "tickvals": x,
            "ticktext": [escape(label) for label in labels],
            "range": [-0.5, len(labels) - (0.9 if few else 0.5)],
            "showgrid": False,
            "zeroline": False,
            "tickangle": -50 if len(labels) > 8 else 0,
            "tickfont": {"size": 11},
        },
        "yaxis": {
            "range": [worst + 0.5, 0.5],
            "tickvals": list(range(1, worst + 1)),
            "title": {"text": "rank (1 = best)"},
            "zeroline": False,
        },
    }
    return Drawing(lines, layout)


def _end_labels(ends: Mapping[str, float], gap: float = 0.62) -> list[tuple[str, float]]:
    """(method, height) of the names at the right end, near the last defined rank of each and never on one another."""
    ordered = sorted(ends, key=ends.__getitem__)
    return list(zip(ordered, apart([ends[m] for m in ordered], gap), strict=True))
