"""What the rules of papers say of the predictions, and the switchboard between two: computed once and shared."""

from __future__ import annotations

from perturbviz.analyses.protocols import PAPERS, Board, Verdict, board, verdict
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.view import View
from perturbviz.ui import cache
from perturbviz.ui.memo import memo


def _rows(benchmark: Benchmark, view: View, *rest: str) -> tuple[Benchmark, View, *tuple[str, ...]]:
    """Only which perturbations count: everything else is the papers'."""
    return benchmark, View(**{k: getattr(view, k) for k in ("split", "size", "context", "seed")}), *rest


@memo(100, plain=_rows, spinner="What the papers' rules say …")
def says(benchmark: Benchmark, view: View, paper: str) -> Verdict:
    """What the rule of a paper says of the predictions."""
    return verdict(PAPERS[paper], cache.evaluation(benchmark, view), view)


@memo(20, plain=_rows, spinner="Both papers' choices, every combination …")
def switchboard(benchmark: Benchmark, view: View) -> Board | str:
    """The switchboard, or why there is none."""
    try:
        return board(cache.evaluation(benchmark, view), view)
    except UserError as error:
        return str(error)
