"""Figure of a lesson: one line a method over the settings that the lesson compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import Part, axis, columns_across, points
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import MODEL_COLOURS


def lines(
    numbers: pd.DataFrame,
    colours: Mapping[str, str],
    x_title: str,
    y_title: str,
    kind: str = "value",
    heroes: Sequence[str] = (),
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
    heroes
        Methods to look at; the others are paler where there are any.
    """
    numeric = pd.api.types.is_numeric_dtype(numbers["x"]) or all(isinstance(v, int | float) for v in numbers["x"])
    places = list(dict.fromkeys(numbers["x"]))
    place = {v: float(i) for i, v in enumerate(places)}
    several = numbers["method"].nunique() > 1
    dots_only = len(places) == 1 or "dots" in kind or (not several and not numeric)
    mode = "markers" if dots_only else "lines" if len(places) > 12 else "lines+markers"
    traces = []
    for i, (method, own) in enumerate(numbers.groupby("method", sort=False)):
        name, colour = escape(own["name"].iloc[0]), colours.get(str(method), MODEL_COLOURS[i % len(MODEL_COLOURS)])
        settings = list(own["x"])
        traces.append(
            points(
                own["x"].to_numpy(float) if numeric else [place[v] for v in settings],
                own["value"].to_numpy(float),
                f"lesson-{method}",
                f"<b>{name}</b><br>%{{text}}: %{{y:.3g}}",
                mode=mode,
                name=name,
                ids=[f"{method}|{v}" for v in settings],
                line={"color": colour, "width": 4 if method in heroes else 2.2},
                marker={"color": colour, "size": 12 if method in heroes else 10},
                opacity=1 if method in heroes or not heroes else 0.35,
                showlegend=several,
                text=[escape(v) for v in settings],
            )
        )
    y_axis = axis(y_title, zeroline=False)
    if "rank" in kind:
        worst = float(np.nanmax(numbers["value"].to_numpy(float), initial=1))
        y_axis |= {"range": [worst + 0.5, 0.5], "dtick": 1}
    x_axis = _settings(places, "log" in kind) if numeric else _named_settings(places)
    return Drawing(traces, {"height": 400, "xaxis": axis(x_title, zeroline=False, **x_axis), "yaxis": y_axis})


def _settings(places: Sequence[float], log: bool) -> Part:
    """Axis of numbers; where they are few, they themselves rather than round numbers between them."""
    few = {
        "tickvals": [float(p) for p in places],
        "ticktext": [f"{p:,}" for p in places],
        "minor": {"showgrid": False},
    }
    return {"type": "log" if log else "linear", **(few if len(places) <= 12 else {})}


def _named_settings(places: Sequence[object]) -> Part:
    """Axis with one column a setting."""
    return columns_across([escape(str(p)) for p in places], tickangle=-45 if len(places) > 6 else 0)
