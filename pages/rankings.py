"""Rankings, the home page: the same predictions under two rulers, then every score, and how the order shifts."""

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.ui import cache, choose, coverage
from perturbviz.ui.current import begin
from perturbviz.ui.sections.first_screen import draw_head, draw_screen, screen
from perturbviz.ui.sections.lesson_strip import strip
from perturbviz.ui.sections.rankings import SECTIONS
from perturbviz.ui.sections.this_view import score_table, this_view


def main() -> None:
    """The page."""
    current = begin("rankings", needs="scores", heading=False)
    strip(current)
    shown = screen(current)
    draw_head(current, shown)
    first = st.container()
    section = choose.segmented_control(
        "Look further",
        ["This view", *SECTIONS],
        key="section",
        persist_state="session",
    )
    if section in SECTIONS:
        SECTIONS[section](current)
        return
    with first:
        coverage.badge(current)
        draw_screen(current, shown)
        which = "all" if st.session_state.get("every") else "few"
        table = cache.rank_table(current.data, current.view, which)
        score_table(current, shown.ranking, table)
    this_view(current, shown.ranking, table, shown.before)
    if isinstance(current.source, Benchmark):
        cache.look_ahead(current.source, current.view)


main()
