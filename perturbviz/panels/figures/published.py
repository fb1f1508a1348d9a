"""Figures of published panels: curves and calls exactly as the source data has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.interaction_pairs import Cloud, clouds
from perturbviz.panels.figures.interactions import CURVE_AXES
from perturbviz.panels.figures.parts import axis, line, margins
from perturbviz.panels.figures.text import escape


def curves(table: pd.DataFrame, colours: Mapping[str, str], dashes: Mapping[str, str]) -> Drawing:
    """TPR–FDP curves; columns method, fdp, tpr."""
    x_title, y_title = CURVE_AXES["tpr_fdp"]
    lines = [
        line(
            part["fdp"].to_numpy(np.float32),
            part["tpr"].to_numpy(np.float32),
            f"published-{method}",
            {"color": colours[str(method)], "width": 2.2, "dash": dashes.get(str(method), "solid")},
            f"<b>{escape(str(method))}</b><br>FDP %{{x:.2f}}<br>TPR %{{y:.3f}}",
            name=escape(str(method)),
        )
        for method, part in table.groupby("method", sort=False)
    ]
    layout = {
        "height": 440,
        "margin": margins(t=88),
        "xaxis": axis(x_title),
        "yaxis": axis(y_title, range=[-0.02, 1.02]),
    }
    return Drawing(lines, layout)


def calls(table: pd.DataFrame, methods: Sequence[str], colours: Mapping[str, str], most: int = 150) -> Drawing:
    """Observed against predicted deviation of the calls, one panel a method, of each the ``most`` furthest."""
    reach = 1.05 * float(np.abs(table[["observed", "predicted"]].to_numpy()).max())
    shown, corner = {}, {}
    for method in methods:
        part = table[table["method"] == method]
        corner[method] = f"{len(part)} calls" + (f", {most} drawn" if len(part) > most else "")
        part = part.iloc[np.argsort(-part["predicted"].abs().to_numpy(), kind="stable")[:most]]
        labels = [
            f"{p} · {g} · seed {s}" for p, g, s in zip(part["perturbation"], part["gene"], part["seed"], strict=True)
        ]
        keys = [list(k) for k in zip(part["perturbation"], part["gene"], strict=True)]
        shown[method] = Cloud(
            None,
            reach,
            part["observed"].to_numpy(),
            part["predicted"].to_numpy(),
            labels,
            list(part["true_class"]),
            keys,
        )
    return clouds(shown, {m: m for m in methods}, colours, corner, np.nan, np.nan)
