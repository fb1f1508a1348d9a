"""The controls of the metric and of its reference."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache as once
from typing import Any

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.metrics import CATALOGUE, Card, parse_metric
from perturbviz.panels.captions import counted
from perturbviz.scoring import references
from perturbviz.scoring.view import REFERENCE_FROM, listed_name
from perturbviz.ui import cache, choose, session


@once
def twins() -> Mapping[str, str]:
    """Metric without reference -> the metric that asks the same of changes."""
    return {m.card.plain_twin: m.card.id for m in CATALOGUE.values() if m.card.plain_twin}


def _card() -> Card:
    return parse_metric(st.session_state["metric"])[0].card


def draw(benchmark: Benchmark) -> Any:
    """The metric; returns the place of its verdict."""
    offered, refused = cache.metric_options(benchmark)
    offered = list(offered)
    if st.session_state["metric"] not in offered:
        offered.append(st.session_state["metric"])
    card = _card()
    choose.selectbox(
        "Metric",
        offered,
        key="metric",
        words=listed_name,
        on_change=_metric_changed,
        help=f"{card.summary}\n\n**Good:** {card.pro}\n\n**Bad:** {card.con}\n\n**How to game it:** {card.gaming}\n\n"
        f"Range {card.range}. {card.source}.",
    )
    st.caption(f"{card.arrow} · {card.summary}")
    verdict = st.empty()
    if refused:
        with st.popover(f"{counted(len(refused), 'metric')} unavailable for these data", type="tertiary"):
            for reason in dict.fromkeys(refused.values()):
                st.markdown(f"- {reason}")
    return verdict


def _metric_changed() -> None:
    """A metric of changes needs a reference; the plain twin of one has none."""
    if _card().reference == "delta" and st.session_state.get("ref") == "none":
        session.put("ref", session.memory().reference)


def draw_reference() -> None:
    """The reference; a metric without one that has a twin with one shows that there is none."""
    card = _card()
    if card.reference == "none" and card.id in twins() and st.session_state["ref"] != "none":
        session.memory().reference = st.session_state["ref"]
        session.put("ref", "none")
    fixed = card.reference == "none" and card.id not in twins()
    choose.segmented_control(
        "Reference",
        references.REFERENCES,
        key="ref",
        disabled=fixed,
        words={"none": "none", "control": "control", "perturbation": "pert. mean"},
        on_change=_reference_changed,
        help="\n\n".join(f"**{references.LABELS[r]}**: {references.MEANING[r]}" for r in references.REFERENCES),
    )
    if fixed:
        st.caption(f"{card.name} needs no reference: whatever is subtracted from both sides cancels.")
    if card.reference != "none" and st.session_state["ref"] == "perturbation":
        choose.selectbox(
            "Mean over",
            REFERENCE_FROM,
            key="ref_from",
            words=REFERENCE_FROM,
            persist_state="session",
            help="Taking the mean over all perturbations lets the truth of the tested ones into the reference.",
        )
        if st.session_state["ref_from"] == "all":
            st.warning(
                "The tested perturbations are part of this reference: it leaks their truth.", icon=":material/warning:"
            )


def _reference_changed() -> None:
    """With or without reference the same question has two metrics: switch between the twins."""
    card = _card()
    if st.session_state["ref"] == "none" and card.plain_twin:
        session.put("metric", card.plain_twin)
    elif st.session_state["ref"] != "none" and card.id in twins():
        session.put("metric", twins()[card.id])
