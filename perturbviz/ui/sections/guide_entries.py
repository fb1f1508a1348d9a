"""The guide's reference sections: entries of the cards, and the talk's two tables."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from perturbviz.guide.entries import SECTIONS, Entry, entries, search, talk_genes, talk_measures
from perturbviz.ui import session


def section(name: str) -> None:
    """Every entry of a section; metrics and gene subsets open with the talk's table about them."""
    table = {"metrics": talk_measures, "references": talk_genes}.get(name)
    if table is not None:
        what = "measures" if name == "metrics" else "gene subsets"
        st.markdown(f"##### The talk's table of {what}")
        st.table(table().set_index(table().columns[0]))
    mine = [e for e in entries() if e.section == name]
    if name in ("metrics", "baselines"):
        st.caption(" · ".join(f"[{e.title}](#{anchor(e)})" for e in mine))
    entries_list(mine, small=name == "glossary")


def anchor(entry: Entry) -> str:
    """Where an entry is on its page."""
    return f"{entry.section}-{entry.id}".replace("_", "-")


def results(text: str) -> None:
    """What the search box finds, over all sections."""
    found = search(text)
    if not found:
        st.info("Nothing in the guide holds all of these words: try fewer, or another one.", icon=":material/search:")
        return
    st.caption(f"{len(found)} found")
    for entry in found:
        if entry.section in ("lessons", "talk"):
            with st.container(border=True):
                st.markdown(f"**{entry.title}**  \n{entry.text}")
                st.button(
                    f"Open in {SECTIONS[entry.section]}",
                    key=f"found-{entry.section}-{entry.id}",
                    type="tertiary",
                    on_click=_open,
                    args=(entry,),
                    icon=":material/arrow_forward:",
                )
        else:
            entries_list([entry], badge=SECTIONS[entry.section])


def _open(entry: Entry) -> None:
    session.set_extra("guide", entry.section)
    st.session_state["guide_search"] = ""


def entries_list(shown: Iterable[Entry], small: bool = False, badge: str = "") -> None:
    """Entries below one another."""
    for entry in shown:
        if small:
            st.markdown(f"**{entry.title}.** {entry.text}")
            continue
        with st.container(border=True):
            note = " · ".join(x for x in (entry.badge, badge) if x)
            st.subheader(entry.title, anchor=anchor(entry))
            if note:
                st.caption(note)
            st.markdown(entry.text)
            if entry.formula:
                st.latex(entry.formula)
            if entry.facts:
                st.markdown("\n".join(f"- **{label}:** {text}" for label, text in entry.facts.items()))
