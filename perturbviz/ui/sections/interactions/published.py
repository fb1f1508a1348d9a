"""As published: curves, classes and calls of the paper's source data, beside what the app computes."""

from __future__ import annotations

import streamlit as st

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts
from perturbviz.errors import UserError
from perturbviz.panels import published as panels
from perturbviz.panels.captions import interactions as captions
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.sections.interactions.work import Work


def draw(work: Work | None) -> None:
    """Draw the section; without a benchmark of doubles the published layers stand alone."""
    path = cache.workbook()
    if path is None:
        st.info(
            "The paper's source data (“Nature Methods 2025, Fig. 1”) is not here yet: download it on the Data "
            "page, and its curves, classes and calls appear here as published.",
            icon=":material/table_chart:",
        )
        return
    try:
        layer = cache.published(path)
    except UserError as error:
        st.info(str(error), icon=":material/table_chart:")
        return
    token = work.token if work else "published"
    st.markdown(captions.published(layer))
    st.caption(
        f"{layer.title}c, e and f: Norman et al., K562, 124 doubles × the 1,000 genes highest in control, five "
        "overlapping splits. Classes are those of the source data; its singles are not part of it, so nothing "
        "here is computed again."
    )
    left, right = st.columns(2, gap="large")
    with left:
        draw_panel(panels.curves(layer), token)
    with right:
        draw_panel(panels.composition(layer), token)
    here = None
    if work is not None:
        counts = class_counts(cache.true_classes(work.question, of_all=True))
        here = dict(zip(PAPER_CLASSES, counts.tolist(), strict=True))
    draw_panel(panels.classes(layer, here), token)
    draw_panel(panels.pairs(layer), token)
