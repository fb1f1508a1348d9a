"""The guide's list of lessons: each is a link to the Rankings page with the lesson on top of it."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.guide.lessons import LESSONS
from perturbviz.ui import navigation
from perturbviz.ui.current import Current
from perturbviz.ui.sections.lesson_strip import link


def lessons(current: Current) -> None:
    """Ten questions in order."""
    st.markdown("Ten questions, each asked on top of the page it is about: guess, switch, see.")
    if not isinstance(current.source, Benchmark):
        st.info(
            "Lessons need predictions gene by gene: choose another data set in the sidebar.",
            icon=":material/table_chart:",
        )
        return
    for number, item in enumerate(LESSONS, 1):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"**{number}**", width=28)
            query = link(item, current.source, current.view.data)
            st.page_link(navigation.path("rankings"), label=item.question, query_params=query)
