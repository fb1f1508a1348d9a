"""Optimiser and gameability table: what tuning to a metric buys, and what it breaks."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from perturbviz.analyses.goodhart import WORDS, blend_name, unavailable
from perturbviz.analyses.goodhart import gameability as games
from perturbviz.analyses.goodhart.effects import opening_target
from perturbviz.analyses.goodhart.optimise import Optimum
from perturbviz.errors import UserError
from perturbviz.panels import goodhart as panels
from perturbviz.panels.captions import goodhart as captions
from perturbviz.scoring.view import metric_name
from perturbviz.ui import cache_goodhart as cache
from perturbviz.ui import choose
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.current import Current
from perturbviz.ui.sections.goodhart_knobs import start_picker, turn
from perturbviz.ui.sections.goodhart_play import symbols

SECONDS = 8.0
#: Whether a known trick shows up.
_SHOWS = {True: ":material/check:", False: ":material/close:", None: ":material/question_mark:"}
_ASKED = "_optimise"  # session: the button was pressed
_PERMITTED = ("amplify", "shift", "blend", "small", "clip", "top", "positive", "copy")


# -- optimiser -----------------------------------------------------------------------------------------------------
def draw_optimiser(current: Current, lab: cache.Lab) -> None:
    """Choose a target, find the setting, show the climb and what it did to all metrics."""
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        start = start_picker(current, lab)
        if st.session_state.get("_target") not in lab.settings:
            st.session_state["_target"] = opening_target(lab.settings)
        target = choose.selectbox(
            "Make this metric as good as possible",
            lab.settings,
            key="_target",
            persist_state="session",
            words=lambda setting: metric_name(*setting),
        )
        refused = unavailable(lab.evaluation)
        names = choose.pills(
            "With these knobs",
            [n for n in _PERMITTED if n not in refused],
            default=[n for n in ("amplify", "shift", "blend", "small", "positive") if n not in refused],
            key="_permitted",
            persist_state="session",
            words=WORDS,
        )
        blends: list[str] = []
        if "blend" in names:
            choices = ["mean", *(m for m in lab.methods if m not in (start, "mean", "no_change"))]
            blends = choose.multiselect(
                "Blend with",
                choices,
                default=["mean"],
                key=f"_blends|{start}",
                words=lambda t: blend_name(t, current.name),
                help="Another method brings its knowledge with it: then the gain is borrowed.",
            )
        st.button(
            "Find the setting",
            type="primary",
            icon=":material/trending_up:",
            disabled=not names,
            key="_find",
            on_click=st.session_state.update,
            args=({_ASKED: True},),
        )
        st.caption(f"Ends by itself or after {SECONDS:g} seconds. Found settings are kept.")
    pressed = st.session_state.pop(_ASKED, False)
    asked = (lab, start, target, tuple(sorted(names)), tuple(sorted(blends)), SECONDS)
    with right:
        if cache.optimum.known(*asked) is None and not pressed:
            st.info("Choose a target and press “Find the setting”.", icon=":material/track_changes:")
            return
        try:
            found = cache.optimum(*asked)
        except UserError as error:
            st.warning(str(error))
            return
        _show(current, lab, found)


def _show(current: Current, lab: cache.Lab, result: tuple[Optimum, pd.DataFrame, str]) -> None:
    found, table, one = result
    best = found.best
    st.markdown(captions.learnt(found, table, current.name))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"Best tuned setting: **{captions.escape(best.knobs.words(current.name))}**"
            + (f" (seed {captions.escape(best.seed)})" if best.seed else "")
        )
        st.button("Put it on the sliders", icon=":material/tune:", on_click=_to_sliders, args=(best.knobs.link,))
    token = f"{lab.token}|{found.method}|{found.setting}|{best.knobs.link}"
    draw_panel(panels.climb(found, current.look, token), token)
    draw_panel(panels.scales(table, found.setting, one, token), token)
    symbols(lab.settings)


def _to_sliders(link: str) -> None:
    turn(link)
    st.session_state["lab"] = "play"


# -- gameability ---------------------------------------------------------------------------------------------------
def draw_table(current: Current, lab: cache.Lab) -> None:
    """Per metric, the best gain from an empty and from a weak prediction."""
    options = ["", *lab.methods]
    if st.session_state.get("_weak") not in options:
        st.session_state["_weak"] = ""
    default = games.weak_start(lab.evaluation)
    weak = choose.selectbox(
        "The weak but informative prediction",
        options,
        key="_weak",
        persist_state="session",
        words=lambda m: current.name(m) if m else f"{default.label} (built in)",
        help=(
            "The built-in one knows the direction of the change, but noise as large as a typical training change "
            "lies over it."
        ),
    )
    try:
        result = cache.gameability(lab, weak)
    except UserError as error:
        st.info(str(error), icon=":material/search:")
        return
    _heat(lab, result)


def _heat(lab: cache.Lab, result: games.Gameability) -> None:
    st.markdown("##### Four known tricks, on these data")
    st.markdown("  \n".join(f"{_SHOWS[shows]} {said}" for shows, said in captions.tricks(result)))
    panel = panels.gameability(result, lab.view.subset, len(lab.methods), lab.token)
    draw_panel(panel, f"{lab.token}|{result.starts['weak'].label}")
    symbols(lab.settings)
    n = len(lab.parts(lab.most).reported)
    st.caption(
        f"Empty: {captions.escape(result.starts['empty'].label)}; weak: "
        f"{captions.escape(result.starts['weak'].label)}. {result.tried['knobs'].nunique()} settings tried; "
        f"{result.how}, seed by seed ({n} values reported). Cell: score before → after, = no gain; colour: shown "
        "methods overtaken, hover: the setting and what it does to the other metrics. ⚠ the same metric on the "
        f"genes of this view ({captions.genes(lab.view.subset)}) gets worse: on DE genes alone nothing punishes "
        "a change predicted where there is none."
    )
