"""Guide: lessons, the talk as links, and every metric, reference, gene subset and baseline explained."""

import streamlit as st

from perturbviz.guide.entries import SECTIONS
from perturbviz.ui import choose
from perturbviz.ui.current import begin
from perturbviz.ui.sections.guide_entries import results, section
from perturbviz.ui.sections.guide_lessons import lessons
from perturbviz.ui.sections.guide_talk import talk

current = begin("guide", needs="nothing")
if st.session_state.get("guide") not in SECTIONS:
    st.session_state["guide"] = "lessons"
with st.container(horizontal=True, vertical_alignment="center"):
    choose.segmented_control(
        "Section",
        SECTIONS,
        key="guide",
        words=SECTIONS,
        persist_state="session",
        label_visibility="collapsed",
    )
    text = st.text_input(
        "Search the guide",
        key="guide_search",
        placeholder="Search everything",
        label_visibility="collapsed",
        width=260,
        icon=":material/search:",
    )

if text.strip():
    results(text)
elif st.session_state["guide"] == "lessons":
    lessons(current)
elif st.session_state["guide"] == "talk":
    talk(current)
else:
    section(st.session_state["guide"])
