"""Figures of the ranking: the order with its uncertainty, and how the order shifts between metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.marks import apart
from perturbviz.panels.figures.parts import (
    Part,
    axis,
    columns_across,
    intervals,
    lines_down,
    margins,
    note,
    points,
    rank_axis,
    shaded,
)
from perturbviz.panels.figures.text import escape, percent
from perturbviz.panels.figures.theme import TEXT, method_dash, text_colour


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
    defined = table["score"].notna().to_numpy()
    why = {i: line["reason"] for i, line in enumerate(lines.values()) if not defined[i]}
    layout = {
        "height": 72 + 34 * len(table),
        "margin": margins(l=8, r=16, t=36, b=8),
        "annotations": [
            note(0.01, i, escape(said.partition(",")[0] or "undefined"), xref="paper", yref="y", xanchor="left")
            for i, said in why.items()
        ],
        "xaxis": axis(axis_title, autorange=True if higher else "reversed", zeroline=False),
        "yaxis": lines_down(
            [_label(line, gained.get(m)) for m, line in lines.items()], tickfont={"size": 13, "color": TEXT}
        ),
    }
    return Drawing([_scores(table[defined], np.flatnonzero(defined), colours, open_marks)], layout)


def _scores(table: pd.DataFrame, y: np.ndarray, colours: Mapping[str, str], open_marks: Sequence[str]) -> Part:
    """A dot with its interval for each method."""
    low, score, high = (table[c].to_numpy() for c in ("low", "score", "high"))
    methods, lines = list(table.index), table.to_dict("index")
    hollow = [m in set(open_marks) for m in methods]
    return points(
        score,
        y,
        "",
        "%{text}",
        legend=False,
        ids=methods,
        customdata=methods,
        name="score",
        marker={
            "size": 12,
            "color": [colours[m] for m in methods],
            "line": {"width": [2 if h else 0 for h in hollow]},
            "symbol": ["circle-open" if h else "circle" for h in hollow],
        },
        error_x=intervals(low, score, high),
        text=[_hover(lines[m]) for m in methods],
    )


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
        text += f" ({line['rank_low']:g} to {line['rank_high']:g} in bootstrap resamples)"
        text += f"<br>first in {escape(percent(line['p_first']))} of bootstrap resamples"
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
    lines = [
        points(
            x,
            values,
            f"bump-{method}",
            f"<b>{escape(names[method])}</b><br>rank %{{text}}",
            legend=False,
            name=escape(names[method]),
            mode="lines+markers",
            connectgaps=False,
            ids=[f"{method}|{label}" for label in labels],
            customdata=[[method, int(i)] for i in x],
            line={"color": colours[method], "width": 2.5, "dash": method_dash(method, dashed)},
            marker={"size": 9, "color": colours[method]},
            text=[f"{v:g}" for v in values],
        )
        for method, values in zip(ranks.index, places, strict=True)
    ]
    few = ranks.shape[1] <= 4  # then a line that ends early has its name there, and the plot ends with the last column
    worst = int(np.nanmax(places, initial=0)) or 1
    span, angle = [-0.5, len(labels) - (0.9 if few else 0.5)], -50 if len(labels) > 8 else 0
    across = {"range": span, "tickangle": angle, "zeroline": False, "tickfont": {"size": 12}}
    here = shaded((current - 0.4, current + 0.4), (0, 1), 0.12, xref="x", yref="y domain", layer="below")
    layout = {
        "height": 150 + 30 * max(worst, 4),
        "margin": margins(l=8, r=130, t=36, b=8),
        "annotations": [
            note(column, y, escape(names[method]), xanchor="left", xshift=9, colour=text_colour(colours[method]))
            for method, column, y in _ends(ranks, few)
        ],
        "shapes": [here] if current >= 0 else [],
        "xaxis": columns_across([escape(label) for label in labels], **across),
        "yaxis": rank_axis(worst),
    }
    return Drawing(lines, layout)


def _ends(ranks: pd.DataFrame, few: bool) -> list[tuple[str, int, float]]:
    """(method, column, height) of the names: at the last column or, of ``few`` columns, where the line ends early."""
    known = {m: np.flatnonzero(row.notna()) for m, row in ranks.iterrows()}
    last = {m: int(at[-1]) for m, at in known.items() if len(at)}
    height = {m: float(ranks.loc[m].iloc[column]) for m, column in last.items()}
    end = ranks.shape[1] - 1
    early = [m for m, column in last.items() if few and column != end]
    at_end = _end_labels({m: y for m, y in height.items() if m not in early})
    return [(m, end, y) for m, y in at_end] + [(m, last[m], height[m]) for m in early]


def _end_labels(ends: Mapping[str, float], gap: float = 0.62) -> list[tuple[str, float]]:
    """(method, height) of the names at the right end, near the last defined rank of each and never on one another."""
    ordered = sorted(ends, key=ends.__getitem__)
    return list(zip(ordered, apart([ends[m] for m in ordered], gap), strict=True))
