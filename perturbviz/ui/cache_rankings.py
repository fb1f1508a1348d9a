"""What the home page draws and says, made once for what it shows.

Rankings, tables and looks are kept where they are computed, so that what shows the same is made of the same objects.
"""

from __future__ import annotations

from perturbviz.analyses.rulers import Flip
from perturbviz.analyses.rulers import change_size as size_of_changes
from perturbviz.analyses.rulers import rulers as two_rulers
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.panels import captions
from perturbviz.panels import rankings as panels
from perturbviz.panels import rulers as ruler_panels
from perturbviz.panels.captions import rulers as ruler_captions
from perturbviz.panels.cast import cast
from perturbviz.panels.look import Look, look_of
from perturbviz.panels.panel import Panel
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rank_table import RankTable
from perturbviz.scoring.rankings import Ranking, shifts
from perturbviz.ui.memo import memo

_MOST = 200

#: The same as the functions of these names, kept.
bump = memo(_MOST)(panels.bump)
score_table = memo(_MOST)(panels.score_table)
overturned = memo(_MOST)(panels.overturned)
four_questions = memo(_MOST)(captions.four_questions)
change = memo(_MOST)(captions.change)
rulers = memo(_MOST)(two_rulers)
thesis = memo(_MOST)(ruler_captions.thesis)
opened = memo(_MOST)(ruler_captions.opened)
switched = memo(_MOST)(ruler_captions.switched)
change_size = memo(_MOST)(size_of_changes)
by_family = memo(_MOST)(RankTable.by_family)


@memo(_MOST)
def flip(left: Ranking, right: Ranking) -> Flip:
    """What becomes of the order between two rulers."""
    return Flip(left, right)


@memo(50)
def look(scored: Evaluation | ScoreTable, chosen: tuple[tuple[str, str], ...]) -> Look:
    """Names and colours of all methods, where some colours (method, colour) were chosen."""
    return look_of(scored, dict(chosen))


@memo(_MOST)
def order(
    ranking: Ranking,
    look: Look,
    before: Ranking | None = None,
    perfect: float | None = None,
    key: str = "order",
    question: str = "Who leads, and how surely?",
) -> Panel:
    """The order under a view, with the places that each method gained since ``before``."""
    gained = None if before is None else shifts(before, ranking)
    return panels.order(ranking, look, key=key, question=question, gained=gained, perfect=perfect)


@memo(_MOST)
def slope(
    scored: Evaluation | ScoreTable,
    flip: Flip,
    at: int,
    heads: tuple[str, str],
    names: tuple[str, str],
    look: Look,
    shown: tuple[str, ...],
    shorts: tuple[str, str],
) -> Panel:
    """The shown methods under two rulers."""
    own: list[str] = []
    baselines: list[str] = []
    if isinstance(scored, Evaluation):
        own = [m for m in shown if scored.benchmark.about(m).get("added")]
        baselines = [m for m in shown if scored.is_baseline(m)]
    who = {m: text for m, (_, text) in cast(scored).items()}
    return ruler_panels.slope(flip, at, heads, names, look, own=own, baselines=baselines, who=who, shorts=shorts)
