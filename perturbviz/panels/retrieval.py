"""Panel of retrieval: the distances behind centroid accuracy and PDS."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbviz.panels.captions import views as captions
from perturbviz.panels.figures import views as figures
from perturbviz.panels.panel import Panel
from perturbviz.scoring.view import View


def distances(matrix: np.ndarray, names: np.ndarray, own: np.ndarray, method: str, name: str, view: View) -> Panel:
    """How far every prediction of a method is from every truth.

    Parameters
    ----------
    matrix
        (R, R) L2 distances, predictions x truths.
    names, own
        (R,) perturbations and their centroid accuracy.
    method, name
        Method and its display name.
    """
    return Panel(
        key="distances",
        question=f"Whose truth is closest to what {name} predicts?",
        figure=figures.distances(matrix, names.tolist(), "L2 distance"),
        caption=captions.retrieval(name, matrix, names, own),
        alt=f"Distances of {len(names)} predictions to {len(names)} truths.",
        table=lambda: pd.DataFrame(matrix, names, names).rename_axis("prediction").reset_index(),
        filename=f"retrieval-{method}",
        axes=(view.token, method),
    )
