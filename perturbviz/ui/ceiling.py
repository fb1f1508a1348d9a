"""The ceiling of simulated data in the charts: a switch, off at first, and what it draws."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from perturbviz.analyses.calibration.ceiling import CEILING, CEILING_NAME, has_ceiling
from perturbviz.analyses.calibration.ceiling import ceiling as scores_of_ceiling
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.benchmark import SEEN
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.rules import ceiling_line
from perturbviz.scoring.rankings import average
from perturbviz.scoring.view import View
from perturbviz.ui import cache, session
from perturbviz.ui.current import Current

NAME = f"{CEILING_NAME}{SEEN}"


def switch(current: Current) -> None:
    """The switch, where the data know what a perfect prediction is."""
    if not isinstance(current.source, Benchmark) or not has_ceiling(current.source):
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
    if not isinstance(source, Benchmark) or not has_ceiling(source) or session.extra("ceiling") != "1":
        return None
    return _score(source.content_id, view.token, cache.evaluation(source, view), view)


@cache.shared(200)
def _score(content_id: str, token: str, evaluation: cache.Evaluation, view: View) -> float:
    shown = [m for m in evaluation.methods if not view.show or m in view.show]
    return float(average(scores_of_ceiling(evaluation, view, shown).values[0], view.avg))


def drawn(figure: Drawing, found: float | None, upright: bool = False) -> Drawing:
    """A figure with the ceiling's line, where there is one to draw."""
    return figure if found is None or found != found else ceiling_line(figure, found, NAME, upright)


def note(found: float | None) -> str:
    """What the dashed line is; begins with a blank, "" where there is none."""
    if found is None:
        return ""
    value = "has no score here" if found != found else f"gets {found:.3g}"
    return f" Dashed: a perfect prediction of the mean {value}; it takes no part in ranks."


def row(table: pd.DataFrame, found: float | None) -> pd.DataFrame:
    """A table of methods with a line for the ceiling, without a rank."""
    if found is None:
        return table
    return pd.concat([table, pd.DataFrame([{"method": CEILING, "name": NAME, "score": found}])], ignore_index=True)
