"""As in a paper: what the rules of eight papers say of these predictions, and the switchboard between two of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from perturbviz.analyses.protocols import CHOICES, PAPERS
from perturbviz.analyses.protocols.verdicts import label_of
from perturbviz.benchmark import Benchmark
from perturbviz.panels import protocols as panels
from perturbviz.panels.captions import escape
from perturbviz.panels.captions import protocols as captions
from perturbviz.scoring.view import View
from perturbviz.ui import cache_protocols, choose, session
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, stop


def as_in_a_paper(current: Current, open_view: Callable[[View], None]) -> None:
    """The verdict of every paper, the chosen one in numbers, the switchboard. ``open_view`` shows one of its views."""
    if not isinstance(current.source, Benchmark):
        stop("The papers' rules need predictions gene by gene; a table of scores has only what it was made with.")
    found = {paper: cache_protocols.says(current.source, current.view, paper) for paper in PAPERS}
    event = draw(panels.papers(found, current.look), current.token)
    if event.clicked is not None:
        session.defer(paper=list(PAPERS)[int(np.ravel(event.clicked)[0])])
    _paper(current, open_view)
    _switchboard(current)


def _paper(current: Current, open_view: Callable[[View], None]) -> None:
    """What the chosen paper does, and its views to open."""
    if st.session_state.get("paper") not in PAPERS:
        st.session_state["paper"] = next(iter(PAPERS))
    names = {paper.id: paper.name for paper in PAPERS.values()}
    paper = PAPERS[choose.selectbox("As in", names, key="paper", words=names, persist_state="session")]
    assert isinstance(current.source, Benchmark)
    found = cache_protocols.says(current.source, current.view, paper.id)
    st.markdown(f"**{paper.asks}** {escape(captions.of_verdict(found, current.look.name))}")
    facts = {
        "Concludes": paper.concludes,
        "Average": paper.average,
        "Weights of genes": paper.weighting,
        "Candidates": paper.candidates,
        "Positive control": paper.positive,
        "Source": paper.source,
    }
    st.markdown("\n".join(f"- {name}: {fact}" for name, fact in facts.items() if fact))
    for what, why in found.left_out:
        st.caption(f"{escape(what)} has no say here: {escape(why)}")
    for sentence in paper.differs:
        st.caption(sentence)
    st.caption("Open one of its views:")
    with st.container(horizontal=True):
        for i, measure in enumerate(paper.measures):
            if st.button(escape(label_of(measure, current.evaluated)), key=f"_measure{i}"):
                open_view(measure.view(current.evaluated, current.view))


def _switchboard(current: Current) -> None:
    """Five switches between two papers, the title that follows, and which of them decides."""
    st.subheader("Same predictions, opposite titles")
    assert isinstance(current.source, Benchmark)
    board = cache_protocols.switchboard(current.source, current.view)
    if isinstance(board, str):
        st.info(board)
        return
    asked = set(session.extra("switch").split(","))
    flipped = frozenset(c for c in CHOICES if c in asked and c not in board.missing)
    with st.container(horizontal=True):
        for choice in CHOICES.values():
            key = f"_switch_{choice.id}"
            session.put(key, choice.id in flipped)
            st.toggle(
                choice.name,
                key=key,
                on_change=_switched,
                disabled=choice.id in board.missing,
                help=f"Off, Ahlmann-Eltze: {choice.ahlmann}. On, Miller: {choice.miller}."
                + (f" Not here: {board.missing[choice.id]}." if choice.id in board.missing else ""),
            )
    first, last = board.ends
    now = board.outcomes[flipped]
    for column, (who, outcome) in zip(
        st.columns(3), (("Ahlmann-Eltze", first), ("The switches", now), ("Miller", last)), strict=True
    ):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{who}:** {escape(captions.of_outcome(outcome, current.look.name))}")
            st.caption(escape(outcome.measure))
    draw(panels.switches(board, now, current.look), current.token)


def _switched() -> None:
    """The switches become a parameter of the link."""
    session.set_extra("switch", ",".join(c for c in CHOICES if st.session_state.get(f"_switch_{c}")))
