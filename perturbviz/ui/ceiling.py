"""The ceiling of simulated data: a switch, off at first, and its score."""

from __future__ import annotations

import streamlit as st

from perturbviz.analyses.calibration.ceiling import ceiling as scores_of_ceiling
from perturbviz.analyses.calibration.ceiling import has_ceiling
from perturbviz.benchmark import Benchmark
from perturbviz.scoring.rankings import average
from perturbviz.scoring.view import View
from perturbviz.ui import cache, session
from perturbviz.ui.current import Current
from perturbviz.ui.memo import memo

_has = memo(24)(has_ceiling)


def switch(current: Current) -> None:
    """The switch, where the data know what a perfect prediction is."""
    if not isinstance(current.source, Benchmark) or not _has(current.source):
        return
    on = session.extra("ceiling") == "1"
    if st.session_state.get("_ceiling") != on:
        st.session_state["_ceiling"] = on
    st.toggle(
        "Ceiling",
        key="_ceiling",
        on_change=_switched,
        help="Draws, dashed, what a perfect prediction of the mean would score: the expectation of the simulation. "
        "It takes no part in ranks and votes.",
    )


def _switched() -> None:
    session.set_extra("ceiling", "1" if st.session_state["_ceiling"] else "")


def score(current: Current, view: View | None = None) -> float | None:
    """Average score of the ceiling under a view (NaN where undefined); None where it is not asked for."""
    source, view = current.source, view or current.view
    if not isinstance(source, Benchmark) or not _has(source) or session.extra("ceiling") != "1":
        return None
    return _score(source, view)


@memo(200, plain=lambda benchmark, view: (benchmark, view.with_(data="")))
def _score(benchmark: Benchmark, view: View) -> float:
    evaluation = cache.evaluation(benchmark, view)
    shown = [m for m in evaluation.methods if not view.show or m in view.show]
    return float(average(scores_of_ceiling(evaluation, view, shown).values[0], view.avg))
