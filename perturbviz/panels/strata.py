"""Panel of who wins where: scores among weak and among strong perturbations."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbviz.analyses.strata import NAMES, Strata
from perturbviz.panels.captions import names
from perturbviz.panels.figures.score_map import score_map
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.view import View

#: Said below the scores of quarters, of which no interval is computed.
UNSURE = "No interval is computed within a quarter: a small gap may be chance."


def who_wins(found: Strata) -> str:
    """Who is first among the weak and among the strong perturbations. Plain text."""
    weak, strong = found.first(0), found.first(3)
    if not weak or not strong:
        return ""
    one = f"Among the weakest quarter of the perturbations {names(weak)} {'is' if len(weak) == 1 else 'are'} first"
    if weak == strong:
        return f"{one}, and among the strongest too."
    return f"{one}, among the strongest {names(strong)}."


def strata(found: Strata, ranking: Ranking, look: Look, view: View) -> Panel:
    """Averages of every method overall and in each quarter of the perturbations by size of change."""
    order = [m for m in ranking.table.index if m in found.scores.methods]
    at = [found.scores.methods.index(m) for m in order]
    averages = np.vstack([ranking.table.loc[order, "score"].to_numpy(float), found.averages[:, at]])
    placed = np.vstack([ranking.table.loc[order, "rank"].to_numpy(float), found.ranks[:, at]])
    ends = zip(found.bounds[:-1], found.bounds[1:], strict=True)
    rows = ["all perturbations", *NAMES]
    sizes = [f"{n}: change of length {a:.3g} to {b:.3g}" for n, (a, b) in zip(NAMES, ends, strict=True)]
    said = [rows[0], *sizes]
    table = pd.DataFrame(averages, columns=[look.name(m) for m in order])
    table.insert(0, "perturbations", rows)
    text = who_wins(found)
    return Panel(
        key="strata",
        question="Who wins among weak perturbations, and who among strong ones?",
        figure=score_map(
            averages, placed, rows, ["overall", *["by size of change"] * 4], {m: look.name(m) for m in order}, said
        ),
        caption=f"{text} {UNSURE}".strip(),
        alt=f"Scores of {len(order)} methods in four quarters of the perturbations, each row coloured by rank. {text}",
        table=table,
        filename="strata",
        axes=(view.token,),
    )
