"""Figure of a lesson: one line a method over the settings that the lesson compares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import MODEL_COLOURS


def lines(
    numbers: pd.DataFrame, colours: Mapping[str, str], x_title: str, y_title: str, kind: str = "value"
) -> Drawing:
    """Values or ranks of each method over settings, numbers of genes or factors.

    Parameters
    ----------
    numbers
        Columns method, name, x (text or number), value (NaN where undefined: left out).
    colours
        Method -> colour; one of the palette for a method that has none.
    kind
        "rank": 1 is on top; "log": the horizontal axis is logarithmic; "dots": no lines; several may be named.
    """
    numeric = pd.api.types.is_numeric_dtype(numbers["x"]) or all(isinstance(v, int | float) for v in numbers["x"])
    places = list(dict.fromkeys(numbers["x"]))
    place = {v: float(i) for i, v in enumerate(places)}
    several = numbers["method"].nunique() > 1
    dots_only = len(places) == 1 or "dots" in kind or (not several and not numeric)
    mode = "markers" if dots_only else "lines" if len(places) > 12 else "lines+markers"
    traces = []
    for i, (method, line) in enumerate(numbers.groupby("method", sort=False)):
        name, colour = escape(line["name"].iloc[0]), colours.get(str(method), MODEL_COLOURS[i % len(MODEL_COLOURS)])
        settings = list(line["x"])
        traces.append(
            {
                "type": "scatter",
                "x": line["x"].to_numpy(float) if numeric else [place[v] for v in settings],
                "y": line["value"].to_numpy(float),
                "mode": mode,
                "name": name,
                "uid": f"lesson-{method}",
                "ids": [f"{method}|{v}" for v in settings],
                "line": {"color": colour, "width": 2.2},
                "marker": {"color": colour, "size": 10},
                "showlegend": several,
                "text": [escape(v) for v in settings],
                "hovertemplate": f"<b>{name}</b><br>%{{text}}: %{{y:.3g}}<extra></extra>",
            }
        )
    x_axis: dict[str, Any] = {"title": {"text": x_title}, "zeroline": False}
    if numeric:
        x_axis["type"] = "log" if "log" in kind else "linear"
        if len(places) <= 12:  # the settings themselves rather than round numbers between them
            x_axis |= {
                "tickvals": [float(p) for p in places],
                "ticktext": [f"{p:,}" for p in places],
                "minor": {"showgrid": False},
            }
    else:
        x_axis |= {
            "tickvals": list(range(len(places))),
            "ticktext": [escape(p) for p in places],
            "showgrid": False,
            "range": [-0.5, len(places) - 0.5],
            "tickangle": -45 if len(places) > 6 else 0,
        }
    y_axis: dict[str, Any] = {"title": {"text": y_title}, "zeroline": False}
    if "rank" in kind:
        worst = float(np.nanmax(numbers["value"].to_numpy(float), initial=1))
        y_axis |= {"range": [worst + 0.5, 0.5], "dtick": 1}
    return Drawing(traces, {"height": 400, "xaxis": x_axis, "yaxis": y_axis})
