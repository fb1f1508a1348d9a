"""Presentation mode: large type and marks, no controls, chosen views stepped through with the arrow keys.

The parameter ``present`` of a link is the step shown, from 1; "0" is a view outside the steps.
"""

from __future__ import annotations

import html
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from perturbviz.benchmark.numbers import whole
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.guide.named import TALK, NamedView
from perturbviz.scoring.published_scores import name_of
from perturbviz.scoring.view import View, metric_name
from perturbviz.ui import navigation, session
from perturbviz.ui.chart import SCALE
from perturbviz.ui.current import current

LARGER = 1.5
_HERE = Path(__file__).parent
#: Pages that are nothing without their controls.
_WITH_CONTROLS = ("guide", "goodhart", "data")
_CONTROLS = tuple(
    f'[data-testid="{name}"]'
    for name in (
        "stSelectbox",
        "stButtonGroup",
        "stSlider",
        "stRadio",
        "stCheckbox",
        "stNumberInput",
        "stTextInput",
        "stMultiSelect",
        "stButton",
        "stPopover",
        "stDownloadButton",
        "stExpander",
        "stFileUploader",
    )
)
#: What is worth its place on a slide.
_CONTENT = ", ".join(
    f'[data-testid="{name}"]'
    for name in (
        "stMarkdown",
        "stHtml",
        "stHeading",
        "stBidiComponentRegular",
        "stDataFrame",
        "stTable",
        "stAlert",
        "stSpinner",
    )
)
_HIDDEN = (  # and what holds nothing else leaves no gap
    ", ".join(f'.stMain {c}, .stMain [data-testid="stElementContainer"]:has({c})' for c in _CONTROLS)
    + "".join(f', .stMain [data-testid="{box}"]:not(:has({_CONTENT}))' for box in ("stLayoutWrapper", "stColumn"))
    + ', .stMain [data-testid="stLayoutWrapper"]:has(> [data-testid="stExpander"])'
)
_STEPS = "_steps"  # session: views that were added; the talk's twelve where there are none
_SWITCH = "_presenting"
_GO = "_go_to_step"
_KEYS = "present-keys"

_keys = st.components.v2.component(
    "perturbviz_keys", js=(_HERE / "present.js").read_text(encoding="utf-8"), isolate_styles=False
)


def steps() -> list[NamedView]:
    """The session's own steps, or the talk's views as far as their pages are there."""
    own: list[NamedView] = st.session_state.get(_STEPS, [])
    return own or [view for view in TALK if navigation.exists(view.page)]


def own_views() -> list[View]:
    """The views that were added as steps, in order."""
    return [step.view(None) for step in st.session_state.get(_STEPS, [])]


def presenting() -> bool:
    """Whether presentation mode is on."""
    return bool(session.extra("present"))


def start() -> None:
    """Begin with the first step (a callback)."""
    st.session_state[_GO] = 1


def sidebar_controls() -> None:
    """The switch and the list of steps, at the end of the sidebar."""
    if st.session_state.get(_SWITCH) != presenting():  # a value that is set makes the browser draw the switch anew
        st.session_state[_SWITCH] = presenting()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.toggle(
            "Presentation",
            key=_SWITCH,
            on_change=_switched,
            help=(
                "Large type, no controls. Left and right arrow keys step through the views, up and down scroll, Esc "
                "leaves."
            ),
        )
        own = st.session_state.get(_STEPS, [])
        label = f"Steps ({len(own)})" if own else "Steps (the talk)"
        with st.popover(label, type="tertiary", key="_step_list", on_change="rerun") as listed:
            if not listed.open:
                return
            for i, step in enumerate(steps(), 1):
                st.markdown(f"{i}. {step.heading}")
            st.button("Add this view", icon=":material/add:", on_click=_add)
            if own:
                st.button("Back to the talk's links", on_click=lambda: st.session_state.pop(_STEPS))


def _switched() -> None:
    session.set_extra("present", "0" if st.session_state[_SWITCH] else "")


def _add() -> None:
    """Keep the current page and view as the last step."""
    view, page = session.view(), session.page()
    label = next((p.label for p in navigation.PAGES if p.name == page), page)
    changes, others = asdict(view), session.query()
    more = {name: value[0] for name, value in others.items() if name not in changes and name != "present"}
    step = NamedView("", f"{label}: {_words(view)}", "", changes, page, more=more)
    st.session_state[_STEPS] = [*st.session_state.get(_STEPS, []), step]


def _words(view: View) -> str:
    """What the view measures; where nothing is open, the metric alone."""
    now = current()
    if isinstance(now.source, ScoreTable) and view.metric in now.source.metrics:
        return name_of(now.source, view.metric)
    return metric_name(view.metric, view.reference) if now.source is not None else view.metric


def draw(page: str) -> None:
    """Before the page of this name: style and keys while presenting; goes to the step that was asked for."""
    st.session_state[SCALE] = LARGER if presenting() else 1
    wanted = st.session_state.pop(_GO, None)
    if wanted is None and not presenting():
        return
    every = steps()
    if wanted is not None and every:
        _open(every, wanted)
    if not presenting():
        return
    st.html(_HERE / "present.css")
    if page not in _WITH_CONTROLS:
        st.html(f"<style>{_HIDDEN} {{ display: none !important; }}</style>")
    shown = session.extra("present")
    at = min(whole(shown, 0, 10**6) or 0, len(every))
    if at:
        st.html(f'<p class="pv-step-title">{html.escape(every[at - 1].heading)}</p>')
    where = f"{at} / {len(every)}" if at else f"{len(every)} views"
    _keys(key=_KEYS, data={"where": where, "title": every[at - 1].heading if at else ""}, on_go_change=_asked)


def _asked() -> None:
    """A key or a button of the bar."""
    go = st.session_state[_KEYS].go
    if go == "leave":
        session.set_extra("present", "")
    elif go:
        shown = session.extra("present")
        at = whole(shown, 0, 10**6) or 0
        st.session_state[_GO] = at + 1 if go == "next" else at - 1


def _open(every: list[NamedView], number: int) -> None:
    """Go to a step's page; beyond the ends, to the first or last."""
    number = min(max(number, 1), len(every))
    step, now = every[number - 1], current()
    query = step.query(now.source, now.view.data)
    if query.get("metric", [View().metric]) != [session.view().metric]:
        st.session_state.pop("_ranked_view", None)  # what a switch of metrics moved is not what the next slide is about
    st.switch_page(navigation.path(step.page), query_params={**query, "present": str(number)})
