"""What do they call? Predicted against observed deviations, composition of the top calls, confusion of classes."""

from __future__ import annotations

import streamlit as st

from perturbviz.analyses.interactions.summary import takes_part
from perturbviz.panels import interactions as panels
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui import choose, session
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.sections.interactions.work import Work, choice, number_of_calls


def draw(work: Work) -> None:
    """Draw the section."""
    methods = [m for m in work.methods if takes_part(work.pairs, m) != "additive"]
    if not methods:
        st.info(
            "Every shown method predicts the sum of the singles: switch on another one in the sidebar.",
            icon=":material/search:",
        )
        return
    parts = {m: cache.cloud(work.question, m) for m in methods}
    figure = cache.clouds_figure(work.question, tuple(methods), work.names, work.colours)
    event = draw_panel(panels.clouds(figure, parts, work.look, work.threshold), work.token)
    if event.clicked:
        session.defer(p=str(event.clicked[0]), gene=str(event.clicked[1]), ix="which")
    left, right = st.columns(2, gap="large")
    with left:
        _composition(work, methods)
    with right:
        method = choice("Method", "method", methods, methods[0], work.names)
        table = cache.confusion(work.question, method)
        draw_panel(panels.confusion(table, method, work.look, work.threshold), work.token)


def _composition(work: Work, methods: list[str]) -> None:
    n = number_of_calls()
    by = choose.segmented_control(
        "Coloured by", ["true class", "predicted class"], key="ix_by", persist_state="session"
    )
    calls = {m: cache.composition(work.question, m, n) for m in ("truth", *methods)}
    panel = panels.composition(calls, by, n, len(work.pairs.blocks), work.look, work.threshold)
    draw_panel(panel, work.token)
