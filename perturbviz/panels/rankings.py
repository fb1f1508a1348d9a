"""Panels of the order of methods: under one view, on the calibrated scale, from metric to metric, and all scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.calibration.controls import control_name
from perturbviz.analyses.calibration.scale import Scaled
from perturbviz.panels import captions, ceiling
from perturbviz.panels.captions import calibration as calibration_captions
from perturbviz.panels.captions import views as view_captions
from perturbviz.panels.figures import rankings as figures
from perturbviz.panels.figures import score_map
from perturbviz.panels.figures.calibration import calibrated as calibrated_figure
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.scoring.rank_table import RankTable
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.view import View

_DIRECTION = {"lower": "↓", "higher": "↑", "one": "→1"}


def order(
    ranking: Ranking,
    look: Look,
    *,
    key: str = "order",
    question: str = "Who is first, and how surely?",
    gained: pd.Series | None = None,
    perfect: float | None = None,
) -> Panel:
    """Methods from first to last with their scores and intervals.

    Parameters
    ----------
    key, question
        Differ where two views stand side by side.
    gained
        Places that each method gained since the view before, or against the pinned one.
    perfect
        Score of a perfect prediction of the mean: see :mod:`perturbviz.panels.ceiling`.
    """
    scores, card = ranking.scores, ranking.scores.card
    figure = figures.order(ranking.table, look.colours, card.axis or card.name, gained, card.rises, look.controls)
    return Panel(
        key=key,
        question=question,
        figure=ceiling.drawn(figure, perfect, upright=True),
        caption=captions.uncertainty(ranking) + ceiling.note(perfect),
        alt=captions.alt_order(ranking),
        table=ceiling.row(ranking.table.reset_index(), perfect),
        filename=f"ranking-{scores.metric}",
        axes=(scores.metric, scores.reference),
    )


def calibrated(scaled: Scaled, look: Look, *, key: str = "order-calibrated") -> Panel:
    """Methods between the empty prediction and the replicate of the experiment."""
    zero, one = (control_name(method) for method, _ in (scaled.negative, scaled.positive))
    scores = scaled.ranking.scores
    return Panel(
        key=key,
        question=f"How close does each method come to the {one.lower()}?",
        figure=calibrated_figure(scaled.table, look.colours, (zero, one)),
        caption=calibration_captions.scale_note(scaled),
        alt=f"Calibrated scores of {len(scaled.table)} methods.",
        table=scaled.table.reset_index(),
        filename=f"calibrated-{scores.metric}",
        axes=(scores.metric, scores.reference),
    )


def bump(table: RankTable, ranking: Ranking, look: Look, *, count: bool = True) -> Panel:
    """How the order of the methods shifts from metric to metric; a click reports (method, column).

    Parameters
    ----------
    ranking
        Of the current view: its order is that of the lines, its metric is marked where it is a column.
    count
        False where another sentence beside it counts who is first, over more columns than are drawn.
    """
    scores = ranking.scores
    shown = [m for m in ranking.table.index if m in table.ranks.index]
    caption = captions.bump_note(table.ranks, list(table.labels), look.name, sorted(table.no_lead), count=count)
    return Panel(
        key="bump",
        question="How does the order shift from metric to metric?",
        figure=figures.bump(
            table.ranks.loc[shown],
            table.labels,
            {m: look.name(m) for m in shown},
            look.colours,
            table.place(scores.metric, scores.reference),
            look.controls,
        ),
        caption=caption,
        hint="Click a point to open that view." if caption else "",
        alt=f"Ranks of {len(shown)} methods under {len(table.settings)} metrics.",
        table=lambda: table.ranks.set_axis(table.labels, axis=1).rename(index=look.name).reset_index(),
        filename="rank-shifts",
        select=True,
        axes=(scores.metric, scores.reference),
    )


def overturned(table: RankTable, ranking: Ranking, look: Look) -> str:
    """How many metrics and references keep the lead, and which take it away. Markdown."""
    counted = [i for i in range(len(table.settings)) if i not in table.no_lead]
    return captions.overturn(table.ranks[counted], [table.names[i] for i in counted], look.name, ranking)


def score_table(table: RankTable, ranking: Ranking, look: Look, view: View) -> Panel:
    """What every method gets under every metric; a click reports (row drawn, …).

    Parameters
    ----------
    table
        With families of metrics in one piece: see :meth:`RankTable.by_family`.
    ranking
        Of the current view, whose row is framed: its order is that of the methods.
    """
    scores, cards = ranking.scores, table.cards
    order = [m for m in ranking.table.index if m in table.ranks.index]
    averages, ranks = (frame.loc[order].T.to_numpy(float) for frame in (table.averages, table.ranks))
    figure = score_map.score_map(
        averages,
        ranks,
        [f"{label} {_DIRECTION[card.better]}" for label, card in zip(table.labels, cards, strict=True)],
        [card.family for card in cards],
        {m: look.name(m) for m in order},
        [f"{name}, {card.arrow}" for name, card in zip(table.names, cards, strict=True)],
        table.place(scores.metric, scores.reference),
    )
    return Panel(
        key="score-table",
        question="What does every method get under every metric?",
        figure=figure,
        caption=view_captions.score_table(ranks, [look.name(m) for m in order]),
        hint="Click a cell to open its view.",
        alt=f"Scores of {len(order)} methods under {len(cards)} metrics, each row coloured by rank.",
        table=lambda: _long(table, order, averages, ranks),
        filename="score-table",
        select=True,
        axes=(view.token,),
    )


def _long(table: RankTable, order: Sequence[str], averages: np.ndarray, ranks: np.ndarray) -> pd.DataFrame:
    """One line a setting and method."""
    return pd.DataFrame(
        [
            {
                "metric": metric,
                "reference": reference,
                "better": table.cards[i].better,
                "method": method,
                "score": averages[i, j],
                "rank": ranks[i, j],
            }
            for i, (metric, reference) in enumerate(table.settings)
            for j, method in enumerate(order)
        ]
    )
