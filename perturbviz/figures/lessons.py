"""Figure of a lesson: one line a method over the settings that the lesson compares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from perturbviz.figures.text import escape
from perturbviz.figures.theme import MODEL_COLOURS


def lines(
    numbers: pd.DataFrame, colours: Mapping[str, str], x_title: str, y_title: str, kind: str = "value"
) -> go.Figure:
    """Values or ranks of each method over settings, numbers of genes or factors.

    Parameters
    ----------
    numbers
        Columns method, name, x (text or number), value (NaN where undefined: left out).
    colours
        Method -> colour; the first of the palette for one that has none.
    kind
        "rank": 1 is on top; "log": the horizontal axis is logarithmic; both may be named.
    """
    fig = go.Figure()
    numeric = pd.api.types.is_numeric_dtype(numbers["x"]) or all(isinstance(v, int | float) for v in numbers["x"])
    places = list(dict.fromkeys(numbers["x"]))
    for method, line in numbers.groupby("method", sort=False):
        name, colour = str(line["name"].iloc[0]), colours.get(str(method), MODEL_COLOURS[0])
        x = line["x"].to_numpy(float) if numeric else np.array([places.index(v) for v in line["x"]], float)
        single = len(places) > 1 and numbers["method"].nunique() == 1 and not numeric
        mode = "markers" if len(places) == 1 or single else "lines" if len(places) > 12 else "lines+markers"
        fig.add_scatter(
            x=x, y=line["value"].to_numpy(float), mode=mode, name=escape(name), uid=f"lesson-{method}",
            ids=[f"{method}|{v}" for v in line["x"]], line={"color": colour, "width": 2.2},
            marker={"color": colour, "size": 10}, showlegend=numbers["method"].nunique() > 1,
            text=[escape(v) for v in line["x"]],
            hovertemplate=f"<b>{escape(name)}</b><br>%{{text}}: %{{y:.3g}}<extra></extra>",
        )  # fmt: skip
    if numeric:
        fig.update_xaxes(type="log" if "log" in kind else "linear")
        if len(places) <= 12:  # the settings themselves rather than round numbers between them
            fig.update_xaxes(
                tickvals=[float(p) for p in places], ticktext=[f"{p:,}" for p in places], minor={"showgrid": False}
            )
    else:
        many = len(places) > 6
        fig.update_xaxes(
            tickvals=list(range(len(places))), ticktext=[escape(p) for p in places], showgrid=False,
            range=[-0.5, len(places) - 0.5], tickangle=-45 if many else 0,
        )  # fmt: skip
    fig.update_xaxes(title_text=x_title, zeroline=False)
    fig.update_yaxes(title_text=y_title, zeroline=False)
    if "rank" in kind:
        worst = float(np.nanmax(numbers["value"].to_numpy(float), initial=1))
        fig.update_yaxes(range=[worst + 0.5, 0.5], dtick=1)
    fig.update_layout(height=400)
    return fig
