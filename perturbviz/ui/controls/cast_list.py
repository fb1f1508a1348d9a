"""The cast list: who the methods are, one click from their names on every page."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.panels.captions import escape
from perturbviz.panels.cast import cast
from perturbviz.scoring.evaluation import Evaluation


def cast_list(scored: Evaluation | ScoreTable) -> None:
    """Every method with two lines; made when it is opened."""
    with st.popover(
        "Who are these methods?", type="tertiary", icon=":material/group:", key="_cast", on_change="rerun"
    ) as box:
        if box.open:
            st.markdown("\n".join(f"- **{escape(name)}**: {escape(who)}" for name, who in cast(scored).values()))
