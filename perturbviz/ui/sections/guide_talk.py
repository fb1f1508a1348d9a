"""The guide's list of the talk's results, each as a link to the same view of the loaded data."""

from __future__ import annotations

import streamlit as st

from perturbviz.guide.named import TALK, NamedView
from perturbviz.ui import navigation, present
from perturbviz.ui.current import Current


def talk(current: Current) -> None:
    """Twelve links in the order of the talk; what the data lack for one stands beside it."""
    st.markdown("Every result of the talk, in its order, as a view of the loaded data.")
    st.button(
        "Present these",
        icon=":material/slideshow:",
        on_click=present.start,
        help="Large type, no controls; the arrow keys step through, Esc leaves.",
    )
    for i, named in enumerate(TALK, 1):
        _line(current, i, named)


def _line(current: Current, number: int, named: NamedView) -> None:
    problem = named.problem(current.source, current.view.data) if current.source is not None else current.problem
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{number}**", width=28)
        if navigation.exists(named.page):
            query = {k: v[0] for k, v in named.query(current.source, current.view.data).items()}
            st.page_link(navigation.path(named.page), label=named.heading, query_params=query)
        else:
            st.markdown(named.heading)
            problem = problem or "Its page is not part of this installation."
        if problem:
            st.caption(problem)
