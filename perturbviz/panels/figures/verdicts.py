"""Figure of verdicts: which method is better than what it is compared with, under each rule or setting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import columns_across, heat, lines_down, margins, targets, words
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import SEQUENTIAL, TEXT


def verdict_map(better: np.ndarray, rows: Sequence[str], columns: Sequence[str], said: Sequence[str]) -> Drawing:
    """Rules (rows) x methods (columns): yes, no, or undefined; a click reports the row.

    Parameters
    ----------
    better
        (rows, columns) 1 where the method is better, 0 where it is not, NaN where it is not judged.
    rows, columns, said
        Labels, and the verdict of each row in words for hovering.
    """
    shape = better.shape
    x, y = np.arange(shape[1]), np.arange(shape[0])
    text = np.where(np.isnan(better), "", np.where(better == 1, "yes", "no")).astype(object)
    lost = np.argwhere(np.isnan(better)).tolist()
    spots = [(i, j) for i, j in np.ndindex(shape)]
    answers = {"1": "better", "0": "not better", "n": "not judged"}
    hover = [
        f"<b>{escape(columns[j])}</b>: {answers['n' if np.isnan(better[i, j]) else str(int(better[i, j]))]}<br>"
        f"{escape(rows[i])}<br>{escape(said[i])}"
        for i, j in spots
    ]
    at = [i for i, _ in spots]
    layout = {
        "height": 90 + 30 * shape[0],
        "margin": margins(l=8, r=8, b=8),
        "hovermode": "closest",
        "xaxis": columns_across(
            [escape(c) for c in columns],
            side="top",
            tickfont={"size": 12, "color": TEXT},
            zeroline=False,
            fixedrange=True,
        ),
        "yaxis": lines_down([escape(r) for r in rows], fixedrange=True),
    }
    traces = [
        heat(better, x, y, "map", scale=SEQUENTIAL, zmin=-0.2, zmax=1.2, xgap=2, ygap=2),
        cell_texts(text, better, -0.2, 1.2, SEQUENTIAL, x.tolist(), y.tolist(), uid="answers"),
        words([j for _, j in lost], [i for i, _ in lost], ["–"] * len(lost), "undefined"),
        targets([j for _, j in spots], at, at, hover, 22, legend=False),
    ]
    return Drawing(traces, layout)
