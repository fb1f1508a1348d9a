"""Calibration: can this metric tell a replicate of the experiment from an empty prediction, and which metrics can?"""

import streamlit as st

from perturbviz.analyses.calibration import Calibration
from perturbviz.analyses.calibration.verdict import LEVEL, WIDE
from perturbviz.panels import calibration as panels
from perturbviz.panels import rankings
from perturbviz.panels.captions import calibration as words
from perturbviz.stats import MIN_UNITS
from perturbviz.ui import cache_calibration as cache
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, begin, stop
from perturbviz.ui.sections import calibration as sections

OTHER_DATA = (
    "carpool",
    "Open CaRPool-seq (it has two halves)",
    "Wessels et al. 2023: 28 single and 158 double knock-downs in THP1, with the means of two halves of the "
    "cells; downloaded once.",
)


def main() -> None:
    """The page."""
    current = begin("calibration")
    view, benchmark = current.view, current.benchmark
    offered = cache.positives(benchmark)
    if not offered:
        stop(words.NO_REPLICATE, icon=":material/science:", offer=OTHER_DATA)
    top = st.container()
    left, right = st.columns(2, gap="large")
    positive, negative = sections.choose_controls(benchmark, view, offered, left, right)
    found = cache.judged(benchmark, view, positive, negative)
    with top:
        show_verdict(current, found)
    if not isinstance(found, str):
        with left:
            draw(panels.paired(found), current.token)
        with right:
            draw(panels.fractions(found), current.token)
    wide, side = st.columns([3, 2], gap="large")
    with side:
        show_scale(current, positive, negative)
    with wide:
        sections.show_map(benchmark, view, positive, negative, current.token)


def show_verdict(current: Current, found: Calibration | str) -> None:
    """The verdict on the view's metric, and what is asked of it."""
    benchmark = current.benchmark
    badge = words.badge(found)
    st.badge(badge[0], color=badge[1], help=badge[2])
    genes = panels.genes(current.view, benchmark.adata.n_vars, full=True)
    st.markdown(found if isinstance(found, str) else words.verdict(found, genes))
    st.caption(
        f"{words.halves_note(benchmark)} Fewer than {MIN_UNITS} perturbations are not assessed. Blind: by a sign "
        f"test over perturbations chance would do the same (p ≥ {LEVEL:g}), or another draw of shared targets. "
        f"Little headroom: the median dynamic range fraction is below {WIDE:g}."
    )


def show_scale(current: Current, positive: str, negative: str) -> None:
    """Methods between the two controls, and what all perturbations have in common."""
    benchmark, view = current.benchmark, current.view
    scale = cache.scale(benchmark, view, positive, negative)
    if isinstance(scale, str):
        st.info(scale)
    else:
        draw(rankings.calibrated(scale, current.look, key="scale"), current.token)
    variation = cache.variation(benchmark, view)
    if isinstance(variation, str):
        st.info(variation)
    else:
        draw(panels.variation(variation), current.token)


main()
