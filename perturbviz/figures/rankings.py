"""Figures of the ranking: the order with its uncertainty, and how the order shifts between metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from perturbviz.figures.text import escape
from perturbviz.figures.theme import MUTED, TEXT, method_dash


def order(
    table: pd.DataFrame,
    colours: Mapping[str, str],
    axis_title: str,
    shifts: pd.Series | None = None,
    higher: bool = True,
    open_marks: Sequence[str] = (),
) -> go.Figure:
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
    fig = go.Figure()
    fig.add_scatter(
        x=table["score"].to_numpy()[defined], y=position[defined], ids=list(table.index[defined]),
        customdata=list(table.index[defined]), mode="markers", name="score",
        marker={"size": 12, "color": [colours[m] for m in table.index[defined]], "line": {"width": [2 if m in set(open_marks) else 0 for m in table.index[defined]]},
                "symbol": ["circle-open" if m in set(open_marks) else "circle" for m in table.index[defined]]},
        error_x={
            "type": "data", "symmetric": False, "thickness": 2, "width": 0, "color": MUTED,
            "array": (table["high"] - table["score"]).to_numpy()[defined],
            "arrayminus": (table["score"] - table["low"]).to_numpy()[defined],
        },
        text=[_hover(line) for _, line in table[defined].iterrows()], hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )  # fmt: skip
    for m, line in table[~defined].iterrows():
        fig.add_annotation(
            x=0.01, xref="paper", y=position[table.index.get_loc(m)], text=escape(line["reason"].partition(",")[0] or "undefined"), showarrow=False,
            xanchor="left", font={"color": MUTED, "size": 12},
        )  # fmt: skip
    fig.update_layout(height=72 + 34 * len(table), margin={"l": 8, "r": 16, "t": 36, "b": 8})
    fig.update_yaxes(
        tickvals=position,
        ticktext=names,
        range=[len(table) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        tickfont={"size": 13, "color": TEXT},
    )
    fig.update_xaxes(title_text=axis_title, autorange=True if higher else "reversed", zeroline=False)
    return fig


def _label(line: pd.Series, shift: float | None) -> str:
    place = "–" if np.isnan(line["rank"]) else f"{line['rank']:g}"
    moved = "" if shift is None or np.isnan(shift) or shift == 0 else (f" ▲{shift:g}" if shift > 0 else f" ▼{-shift:g}")
    return f"{escape(line['name'])}{moved}  <b>{place}</b>"


def _hover(line: pd.Series) -> str:
    return (
        f"<b>{escape(line['name'])}</b><br>score {line['score']:.4g} (95 % interval {line['low']:.4g} to {line['high']:.4g})"
        f"<br>rank {line['rank']:g} ({line['rank_low']:g} to {line['rank_high']:g} in resamples)"
        f"<br>first in {line['p_first']:.0%} of resamples<br>{line['n']} values averaged"
    )


def bump(
    ranks: pd.DataFrame, labels: Sequence[str], names: Mapping[str, str], colours: Mapping[str, str], current: int,
    dashed: Sequence[str] = (),
) -> go.Figure:  # fmt: skip
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
    fig = go.Figure()
    for method, line in ranks.iterrows():
        values = line.to_numpy(float)
        fig.add_scatter(
            x=x, y=values, name=names[method], uid=f"bump-{method}", ids=[f"{method}|{label}" for label in labels],
            customdata=[[method, int(i)] for i in x], mode="lines+markers",
            line={"color": colours[method], "width": 2.5, "dash": method_dash(method, dashed)},
            marker={"size": 9, "color": colours[method]}, connectgaps=False, showlegend=False,
            text=[f"{v:g}" for v in values],
            hovertemplate=f"<b>{escape(names[method])}</b><br>rank %{{text}}<extra></extra>",
        )  # fmt: skip
    for method, y in _end_labels(ranks):
        fig.add_annotation(
            x=ranks.shape[1] - 1, y=y, text=escape(names[method]), showarrow=False, xanchor="left", xshift=9,
            font={"color": colours[method], "size": 12},
        )  # fmt: skip
    worst = int(np.nanmax(ranks.to_numpy())) if ranks.size and ranks.notna().to_numpy().any() else 1
    if current >= 0:
        fig.add_vrect(x0=current - 0.4, x1=current + 0.4, fillcolor=MUTED, opacity=0.12, line_width=0, layer="below")
    fig.update_layout(height=150 + 30 * max(worst, 4), margin={"l": 8, "r": 130, "t": 36, "b": 8})
    fig.update_yaxes(
        range=[worst + 0.5, 0.5], tickvals=list(range(1, worst + 1)), title_text="rank (1 = best)", zeroline=False
    )
    fig.update_xaxes(
        tickvals=x, ticktext=[escape(label) for label in labels], range=[-0.5, len(labels) - 0.5], showgrid=False,
        zeroline=False, tickangle=-50 if len(labels) > 8 else 0, tickfont={"size": 11.5},
    )  # fmt: skip
    return fig


def _end_labels(ranks: pd.DataFrame, gap: float = 0.62) -> list[tuple[str, float]]:
    """(method, height) of the names at the right end, near the last defined rank of each and never on one another."""
    ends = [(m, float(line.dropna().iloc[-1])) for m, line in ranks.iterrows() if line.notna().any()]
    ends.sort(key=lambda e: e[1])
    heights: list[float] = []
    for _, y in ends:
        heights.append(max(y, heights[-1] + gap) if heights else y)
    shift = sum(h - y for h, (_, y) in zip(heights, ends, strict=True)) / max(len(ends), 1)
    return [(m, h - shift / 2) for h, (m, _) in zip(heights, ends, strict=True)]
