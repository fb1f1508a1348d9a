"""Who wins where: the current score in quarters of the perturbations by the size of their observed change."""

from __future__ import annotations

from perturbviz.analyses.strata import effect_sizes, strata
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.panels import strata as panels
from perturbviz.scoring.scores import view_rows
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, stop


def who_wins_where(current: Current) -> None:
    """The current metric's averages in each quarter, beside the overall one."""
    if not isinstance(current.source, Benchmark):
        stop("The size of a change needs observed profiles; a table of scores holds none.")
    ranking = current.ranking()
    scores = ranking.scores
    rows = view_rows(current.evaluated, current.view, scores.methods)
    try:
        found = strata(scores, effect_sizes(current.evaluated, rows), current.view.avg)
    except UserError as error:
        stop(str(error))
    draw(panels.strata(found, ranking, current.look, current.view), current.token)
