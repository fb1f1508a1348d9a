"""Figure of the score table: what every method gets under every metric, each row coloured by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perturbviz.panels.figures.cells import cell_texts
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import Part, box, columns_across, heat, lines_down, margins, targets, words
from perturbviz.panels.figures.rules import by_family
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import MEAN_BAR, SEQUENTIAL, TEXT


def score_map(
    scores: np.ndarray,
    ranks: np.ndarray,
    rows: Sequence[str],
    families: Sequence[str],
    methods: Mapping[str, str],
    said: Sequence[str],
    current: int = -1,
) -> Drawing:
    """Metrics (rows, families in one piece each) x methods (columns): the score in words, the rank as colour.

    Colours are of ranks and not of scores: no scale between metrics is assumed, and one method that is far off does not
    make all others look alike.

    Parameters
    ----------
    scores, ranks
        (rows, methods); NaN where undefined.
    rows, families
        Label and family of every metric.
    methods
        Method -> display name, in the order of the columns.
    said
        Full name and direction of every metric, for hovering.
    current
        Row of the current view, framed; -1 for none.
    """
    names = [escape(v) for v in methods.values()]
    shapes, asides = by_family(families, "aside-700")
    if current >= 0:
        frame = {"color": MEAN_BAR, "width": 2}
        shapes.append(box((-0.5, len(names) - 0.5), (current - 0.5, current + 0.5), line=frame))
    fixed = {"zeroline": False, "fixedrange": True}
    layout = {
        "height": 80 + 24 * len(rows),
        "margin": margins(l=8, r=165, b=8),
        "hovermode": "closest",
        "shapes": shapes,
        "annotations": asides,
        "xaxis": columns_across(names, side="top", tickfont={"size": 12, "color": TEXT}, **fixed),
        "yaxis": lines_down([escape(r) for r in rows], **fixed),
    }
    lost = np.argwhere(np.isnan(scores)).tolist()
    dashes = words([j for _, j in lost], [i for i, _ in lost], ["–"] * len(lost), "undefined")
    return Drawing([*_ranks(scores, ranks), dashes, _spots(scores, ranks, names, said)], layout)


def _ranks(scores: np.ndarray, ranks: np.ndarray) -> list[Part]:
    """Ranks as colours, the scores written into them."""
    n = scores.shape[1]
    x, y, top = np.arange(n), np.arange(len(scores)), max(n - 1, 1)
    z = (n - ranks).astype(np.float32)  # the first has the strongest colour
    best = np.fmin.reduce(ranks, axis=1)  # 1.5 where two share the first place
    text = np.full(z.shape, "", object)
    for i, scored in enumerate(scores):
        places = decimals(scored)
        for j in np.flatnonzero(~np.isnan(scored)):
            text[i, j] = written(scored[j], places, ranks[i, j] == best[i])
    return [
        heat(z, x, y, "map", scale=SEQUENTIAL, zmin=0, zmax=top, xgap=2, ygap=2),
        cell_texts(text, z, 0, top, SEQUENTIAL, x.tolist(), y.tolist(), uid="scores"),
    ]


def _spots(scores: np.ndarray, ranks: np.ndarray, names: Sequence[str], said: Sequence[str]) -> Part:
    """What reports a click on a row, and tells score and rank of a cell."""
    spots = [(i, j, dx) for i, j in np.ndindex(scores.shape) for dx in (-0.3, 0.0, 0.3)]
    ranked = np.sum(~np.isnan(ranks), axis=1)
    text = [
        f"<b>{names[j]}</b><br>{escape(said[i])}<br>"
        + ("undefined" if np.isnan(scores[i, j]) else f"{scores[i, j]:.4g}, rank {ranks[i, j]:g} of {ranked[i]}")
        for i, j, _ in spots
    ]
    rows = [i for i, *_ in spots]
    return targets([j + dx for _, j, dx in spots], rows, rows, text, 20, legend=False)


def decimals(line: np.ndarray) -> int:
    """Decimals of a row, the same for all of it: three digits of what is usual there."""
    size = np.abs(line[np.isfinite(line) & (line != 0)])
    return int(np.clip(2 - np.floor(np.log10(np.median(size))), 0, 8)) if len(size) else 0


def written(score: float, places: int, first: bool) -> str:
    """A score with so many decimals, the first of its row in bold; never a negative zero."""
    text = f"{round(score, places) + 0.0:.{places}f}"
    return f"<b>{text}</b>" if first else text
