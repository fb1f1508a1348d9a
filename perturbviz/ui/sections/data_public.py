"""The catalogue of public data on the Data page: what each holds and lacks, and the way to it."""

from __future__ import annotations

import streamlit as st

from perturbviz.catalogue.entries import CATALOGUE, Dataset
from perturbviz.errors import UserError
from perturbviz.panels.captions import escape
from perturbviz.ui import session, sources

_WANTED = "_open_wanted"  # session: id of the public data set that was asked for


def show_public(opened: str) -> None:
    """Published scores first, then what opens by a click, and apart what needs more than that.

    Parameters
    ----------
    opened
        Id of the data that are open, "" for none.
    """
    st.markdown("Public data are not part of perturbviz: they are downloaded from their source once, and checked.")
    entries = list(CATALOGUE.values())
    st.subheader("Scores of published systems")
    st.caption(
        f"Small files. The nine systems of Nature Methods 2025 gene by gene, so under every metric and reference, are "
        f"further down ({CATALOGUE['ahlmann-eltze-2025'].size})."
    )
    for entry in (e for e in entries if e.opens and e.kind == "scores"):
        show_entry(entry, opened)
    st.subheader("Screens and predictions")
    for entry in (e for e in entries if e.opens and e.kind != "scores"):
        show_entry(entry, opened)
    others = [e for e in entries if not e.opens]
    with st.expander(f"By a command: {len(others)} more (cells, texts, files too large for a click)"):
        for entry in others:
            show_entry(entry, opened)


def show_entry(entry: Dataset, opened: str) -> None:
    """One public data set: what it holds and lacks, and the way to it."""
    with st.container(border=True, key=f"pv-entry-{entry.id}"):
        head, button = st.columns([5, 1], vertical_alignment="center")
        head.markdown(f"**{entry.title}** · {entry.size}" + (f" · {entry.licence}" if entry.licence else ""))
        counts = ((entry.singles, "singles"), (entry.doubles, "doubles"), (entry.genes, "genes"))
        facts = [f"{n:,} {what}" for n, what in counts if n]
        facts += [entry.citation, entry.provenance, f"Missing: {entry.lacks}" if entry.lacks else ""]
        head.caption(" · ".join(facts).strip(" ·"))
        if not entry.opens:
            head.caption(f"[{entry.url}]({entry.url}) {entry.todo}")
        elif opened == entry.id:
            button.badge("opened", icon=":material/check:", color="green")
        else:
            # A callback rather than the button's value: it is not lost where a page starts itself again.
            button.button(
                "Open" if sources.is_here(entry.id) or not entry.large else f"Get {entry.size}",
                key=f"_open_{entry.id}",
                width="stretch",
                on_click=session.set_extra,
                args=(_WANTED, entry.id),
            )
        if st.session_state.get(_WANTED) == entry.id:
            session.set_extra(_WANTED, "")
            try:
                sources.open_source(entry.id)
            except UserError as error:
                st.error(escape(f"{error} Nothing was changed."))
            else:
                session.open_data(entry.id, data_section="Loaded")
