"""Goodhart lab: transform a prediction and watch all metrics, optimise one, see how gameable each is, play in class."""

import streamlit as st

from perturbviz.panels import captions
from perturbviz.ui import cache_goodhart, choose
from perturbviz.ui.current import begin, stop
from perturbviz.ui.sections import goodhart_class, goodhart_play, goodhart_tune

SECTIONS = {"play": "Playground", "tune": "Optimiser", "table": "Gameability", "class": "Challenge"}
ABOUT = {
    "play": "Change a prediction with sliders; none sees the test data.",
    "tune": (
        "Let an optimiser move the sliders towards one metric. It sees the validation perturbations; the test ones "
        "judge it."
    ),
    "table": (
        "For every metric, the best that can be had by somebody who knows nothing, or little, about the perturbations."
    ),
    "class": "Teams, each in its own browser, hand in settings for one metric; the others are revealed at the end.",
}

current = begin("goodhart")
if st.session_state.get("lab") not in SECTIONS:
    st.session_state["lab"] = "play"
section = choose.segmented_control(
    "Section",
    SECTIONS,
    key="lab",
    persist_state="session",
    words=SECTIONS,
    label_visibility="collapsed",
)
st.caption(ABOUT[section])
lab = cache_goodhart.lab(current.source, current.view, held_out=section in ("tune", "table"))
if not len(lab.rows):
    stop("No perturbation is left under this view: widen the perturbation set in the sidebar.")
if not lab.settings:
    stop("No metric can be computed on these genes: choose others in the sidebar.")
if lab.left_out:
    st.caption(f"{captions.left_out(lab.left_out)}.")
if section == "play":
    with st.spinner("Scoring the shown methods on all metrics …"):
        _competitors = lab.table  # made once and kept, behind the spinner
    goodhart_play.draw(current, lab)
elif section == "tune":
    goodhart_tune.draw_optimiser(current, lab)
elif section == "table":
    goodhart_tune.draw_table(current, lab)
else:
    goodhart_class.draw(current, lab)
