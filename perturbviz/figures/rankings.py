"""Figures of the ranking: the order with its uncertainty, and how the order shifts between metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.figures.drawing import Drawing
from perturbviz.figures.marks import apart
from perturbviz.figures.text import escape
from perturbviz.figures.theme import MUTED, TEXT, method_dash, text_colour


def order(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    axis_title: str,
    shifts: pd.Series | None = None,
    higher: bool = True,
    open_marks: Sequence[str] = (),
) -> Drawing:
    """Methods from first to last: the score as a dot, its bootstrap interval as a line.

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
    names = [_label(line, None if shifts is None else shifts.get(m)) for m, line in table.iterrows()]
    position = np.arange(len(table))
    defined = table["score"].notna().to_numpy()
    known = list(table.index[defined])
    hollow = [m in set(open_marks) for m in known]
    dots = {
        "type": "scatter", "x": table["score"].to_numpy()[defined], "y": position[defined], "ids": known,
        "customdata": known, "mode": "markers", "name": "score",
        "marker": {
            "size": 12, "color": [colours[m] for m in known], "line": {"width": [2 if h else 0 for h in hollow]},
            "symbol": ["circle-open" if h else "circle" for h in hollow],
        },
        "error_x": {
            "type": "data", "symmetric": False, "thickness": 2, "width": 0, "color": MUTED,
            "array": (table["high"] - table["score"]).to_numpy()[defined],
            "arrayminus": (table["score"] - table["low"]).to_numpy()[defined],
        },
        "text": [_hover(line) for _, line in table[defined].iterrows()], "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }  # fmt: skip
    undefined = [
        {
            "x": 0.01, "xref": "paper", "yref": "y", "y": position[table.index.get_loc(m)], "showarrow": False,
            "text": escape(line["reason"].partition(",")[0] or "undefined"), "xanchor": "left",
            "font": {"color": MUTED, "size": 12},
        }
        for m, line in table[~defined].iterrows()
    ]  # fmt: skip
    layout = {
        "height": 72 + 34 * len(table), "margin": {"l": 8, "r": 16, "t": 36, "b": 8}, "annotations": undefined,
        "xaxis": {"title": {"text": axis_title}, "autorange": True if higher else "reversed", "zeroline": False},
        "yaxis": {
            "tickvals": position, "ticktext": names, "range": [len(table) - 0.5, -0.5], "showgrid": False,
            "zeroline": False, "tickfont": {"size": 13, "color": TEXT},
        },
    }  # fmt: skip
    return Drawing([dots], layout)


def _label(line: pd.Series, shift: float | None) -> str:
    place = "–" if np.isnan(line["rank"]) else f"{line['rank']:g}"
    moved = "" if shift is None or np.isnan(shift) or shift == 0 else (f" ▲{shift:g}" if shift > 0 else f" ▼{-shift:g}")
    return f"{escape(line['name'])}{moved}  <b>{place}</b>"


def _hover(line: pd.Series) -> str:
    """Name, score and rank; the intervals only where perturbations were resampled."""
    name, score, place = f"<b>{escape(line['name'])}</b>", f"score {line['score']:.4g}", f"rank {line['rank']:g}"
    if np.isnan([line["low"], line["high"]]).any():
        return f"{name}<br>{score} (no interval: one value for all perturbations)<br>{place}"
    return (
        f"{name}<br>{score} (95% interval {line['low']:.4g} to {line['high']:.4g})"
        f"<br>{place} ({line['rank_low']:g} to {line['rank_high']:g} in resamples)"
        f"<br>first in {line['p_first']:.0%} of resamples<br>{line['n']:g} value{'s' * (line['n'] != 1)} averaged"
    )


def bump(
    ranks: pd.DataFrame, labels: Sequence[str], names: Mapping[str, str], colours: Mapping[str, str], current: int,
    dashed: Sequence[str] = (),
) -> Drawing:  # fmt: skip
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
    x = np.arange(ranks.shape[1])
    lines = []
    for method, line in ranks.iterrows():
        values = line.to_numpy(float)
        lines.append({
            "type": "scatter", "x": x, "y": values, "name": names[method], "uid": f"bump-{method}",
            "ids": [f"{method}|{label}" for label in labels], "customdata": [[method, int(i)] for i in x],
            "mode": "lines+markers", "connectgaps": False, "showlegend": False,
            "line": {"color": colours[method], "width": 2.5, "dash": method_dash(method, dashed)},
            "marker": {"size": 9, "color": colours[method]}, "text": [f"{v:g}" for v in values],
            "hovertemplate": f"<b>{escape(names[method])}</b><br>rank %{{text}}<extra></extra>",
        })  # fmt: skip
    few = ranks.shape[1] <= 4  # then a line that ends early has its name there, and the plot ends with the last column
    early = {
        m: x[line.notna()][-1] for m, line in ranks.iterrows() if few and line.notna().any() and np.isnan(line.iloc[-1])
    }
    at_ends = [(m, x[-1], y) for m, y in _end_labels(ranks.drop(index=list(early)))]
    at_ends += [(m, column, float(ranks.loc[m].iloc[column])) for m, column in early.items()]
    ends = [
        {
            "x": int(column), "y": y, "text": escape(names[method]), "showarrow": False, "xanchor": "left",
            "xshift": 9, "font": {"color": text_colour(colours[method]), "size": 12},
        }
        for method, column, y in at_ends
    ]  # fmt: skip
    here = {
        "type": "rect", "xref": "x", "yref": "y domain", "x0": current - 0.4, "x1": current + 0.4, "y0": 0, "y1": 1,
        "fillcolor": MUTED, "opacity": 0.12, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip
    worst = int(np.nanmax(ranks.to_numpy())) if ranks.size and ranks.notna().to_numpy().any() else 1
    layout = {
        "height": 150 + 30 * max(worst, 4), "margin": {"l": 8, "r": 130, "t": 36, "b": 8}, "annotations": ends,
        "shapes": [here] if current >= 0 else [],
        "xaxis": {
            "tickvals": x, "ticktext": [escape(label) for label in labels], "range": [-0.5, len(labels) - (0.9 if few else 0.5)],
            "showgrid": False, "zeroline": False, "tickangle": -50 if len(labels) > 8 else 0, "tickfont": {"size": 11},
        },
        "yaxis": {
            "range": [worst + 0.5, 0.5], "tickvals": list(range(1, worst + 1)), "title": {"text": "rank (1 = best)"},
            "zeroline": False,
        },
    }  # fmt: skip
    return Drawing(lines, layout)


def _end_labels(ranks: pd.DataFrame, gap: float = 0.62) -> list[tuple[str, float]]:
    """(method, height) of the names at the right end, near the last defined rank of each and never on one another."""
    ends = [(m, float(line.dropna().iloc[-1])) for m, line in ranks.iterrows() if line.notna().any()]
    ends.sort(key=lambda e: e[1])
    return [(m, h) for h, (m, _) in zip(apart([y for _, y in ends], gap), ends, strict=True)]
