"""The first panel: the same methods under two rulers, as lines between their ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from perturbviz.analyses.rulers import Flip
from perturbviz.panels.captions import rulers as captions
from perturbviz.panels.figures import slope as figures
from perturbviz.panels.figures.theme import BASELINE_COLOURS
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.scoring.rankings import Ranking


def slope(
    flip: Flip,
    at: int,
    heads: tuple[str, str],
    names: tuple[str, str],
    look: Look,
    *,
    own: Sequence[str] = (),
    baselines: Sequence[str] = (),
    who: Mapping[str, str] | None = None,
    shorts: tuple[str, str] | None = None,
) -> Panel:
    """Ranks under the left and the right ruler, scores of the one in use.

    Parameters
    ----------
    at
        Side in use, 0 or 1.
    heads, shorts
        What stands over the two sides, where there is room and where there is little.
    names
        Full names of metric and reference, for hover texts.
    own, baselines
        Methods that somebody added, and that are baselines: black where they are to look at, since grey would vanish.
    who
        Method -> who it is.
    """
    rankings = (flip.left, flip.right)
    heroes = {m: BASELINE_COLOURS[0] if m in baselines else look.colours[m] for m in flip.heroes(own)}
    shorts = shorts or heads
    sides = tuple(
        figures.Side(heads[k], shorts[k], names[k], rankings[k].table, neighbours(rankings[k])) for k in (0, 1)
    )
    ranked = flip.kind not in ("one", "few")
    return Panel(
        key="slope",
        question="Which rank does each method get?" if ranked else "Which score does each method get?",
        figure=figures.slope((sides[0], sides[1]), at, heroes, who, ranked),
        caption=captions.note(flip, any(side.ties for side in sides)),
        alt=captions.alt(flip, heads, at),
        table=lambda: _table(flip, names),
        filename=f"rulers-{flip.left.scores.metric}-{flip.right.scores.metric}",
    )


def neighbours(ranking: Ranking) -> list[tuple[str, str]]:
    """Neighbours in the order that cannot be told apart."""
    order = ranking.defined
    if not ranking.certain:
        return []
    return [(a, b) for a, b in zip(order, order[1:], strict=False) if not ranking.separable(a, b)]


def _table(flip: Flip, names: tuple[str, str]) -> pd.DataFrame:
    """One line a method and ruler."""
    columns = ["name", "score", "low", "high", "rank", "reason"]
    parts = [
        r.table[columns].assign(ruler=name).reset_index()
        for r, name in zip((flip.left, flip.right), names, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)[["ruler", "method", *columns]]
