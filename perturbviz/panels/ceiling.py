"""The ceiling of simulated data in a chart: what a perfect prediction of the mean would score. None: not asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbviz.analyses.calibration.ceiling import CEILING, CEILING_NAME
from perturbviz.benchmark.benchmark import SEEN
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.rules import ceiling_line

NAME = f"{CEILING_NAME}{SEEN}"


def drawn(figure: Drawing, score: float | None, upright: bool = False) -> Drawing:
    """A figure with the ceiling's line, where there is one to draw."""
    return figure if score is None or np.isnan(score) else ceiling_line(figure, score, NAME, upright)


def note(score: float | None) -> str:
    """What the dashed line is; begins with a blank, "" where there is none."""
    if score is None:
        return ""
    value = "has no score here" if np.isnan(score) else f"gets {score:.3g}"
    return f" Dashed: a perfect prediction of the mean {value}; it takes no part in ranks."


def row(table: pd.DataFrame, score: float | None) -> pd.DataFrame:
    """A table of methods with a line for the ceiling, without a rank."""
    if score is None:
        return table
    return pd.concat([table, pd.DataFrame([{"method": CEILING, "name": NAME, "score": score}])], ignore_index=True)
