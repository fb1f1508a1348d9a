"""What is not additive? The deviations, their null, its fit, and the classes of the truth."""

from __future__ import annotations

import streamlit as st

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts
from perturbviz.panels import interactions as panels
from perturbviz.panels.captions import interactions as captions
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.sections.interactions.work import Work

_MEANING = (
    "**Additive**: not beyond the thresholds. Beyond them: **other**, the singles change the gene in different "
    "directions; **opposite**, the double goes the other way than its singles; **buffering**, it stays between "
    "no change and the sum; **synergistic**, it exceeds the sum (Ahlmann-Eltze, Huber & Anders 2025)."
)


def draw(work: Work) -> None:
    """Draw the section."""
    bound, null, every = work.threshold, work.threshold.null, work.every
    left, right = st.columns([1.5, 1], gap="large")
    if null is None:
        with left:
            draw_panel(panels.deviations(bound, every), work.token)
    else:
        with left:
            draw_panel(panels.null(bound, null), work.token)
        with right:
            draw_panel(panels.quantiles(bound, null), work.token)
        outside = f" {null.n_outside:,} pairs lie beyond the histogram." if null.n_outside else ""
        st.caption(
            f"{captions.fit_quality(null)} Fitted to all {len(every.doubles):,} doubles with two measured "
            f"singles, not only the held-out ones.{outside} The null is this program's own, written from Efron's "
            "papers; R's locfdr, which the paper used, was not run beside it."
        )
    codes = cache.true_classes(work.question, of_all=True)
    counts = dict(zip(PAPER_CLASSES, class_counts(codes).tolist(), strict=True))
    shown, meaning = st.columns([1.5, 1], gap="large", vertical_alignment="center")
    with shown:
        draw_panel(panels.classes(counts, bound), work.token)
    meaning.markdown(_MEANING)
