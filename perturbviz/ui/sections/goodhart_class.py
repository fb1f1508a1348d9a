"""Challenge for a class: open or join one, hand in settings, watch the board, reveal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qs

import numpy as np
import streamlit as st

from perturbviz.analyses.goodhart import Knobs, Setting
from perturbviz.analyses.goodhart import classroom as challenge
from perturbviz.analyses.goodhart.effects import changes, opening_target, other_families
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.panels import goodhart as panels
from perturbviz.panels.captions import counted, escape
from perturbviz.panels.captions import goodhart as captions
from perturbviz.scoring.view import View, metric_label, metric_name
from perturbviz.ui import cache_goodhart as cache
from perturbviz.ui import choose, session, sources
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.current import Current
from perturbviz.ui.sections.goodhart_knobs import controls, start_picker

_SEAT = "_class"  # session: (role "team" or "teacher", code, secret)
_PROBLEM, _SAID = "_class_problem", "_class_said"  # session: sentences of a callback, shown once
REFRESH = "4s"


def draw(current: Current, lab: cache.Lab) -> None:
    """The class this session is in, or the way into one."""
    seat = st.session_state.get(_SEAT)
    if seat is not None:
        try:
            room = cache.registry().look(seat[1])
        except UserError as error:
            _leave()
            st.warning(escape(str(error)))
            seat = None
    if seat is None:
        _door(current, lab)
    elif seat[0] == "teacher":
        _teacher(room, seat[2])
    else:
        _team(current, lab, room, seat[2])


# -- the way in ----------------------------------------------------------------------------------------------------
def _door(current: Current, lab: cache.Lab) -> None:
    problem = st.session_state.pop(_PROBLEM, "")
    if problem:
        st.error(escape(problem))
    join, create, back = st.columns(3, gap="large")
    with join, st.form("join", border=False):
        st.subheader("Join a class")
        st.text_input("Class code", max_chars=20, placeholder="ABCD-EFGH", help="Your teacher has it.", key="_code")
        st.text_input("Name of your team", max_chars=challenge.MAX_NAME, key="_team")
        st.form_submit_button("Join", type="primary", on_click=_seat, args=(_join,))
    with create:
        st.subheader("Open a class")
        view, own = current.view, current.view.data in sources.own()
        if st.session_state.get("_class_target") not in lab.settings:
            st.session_state["_class_target"] = opening_target(lab.settings)
        target = choose.selectbox(
            "Target",
            lab.settings,
            key="_class_target",
            persist_state="session",
            words=lambda setting: metric_name(*setting),
        )
        st.markdown(
            f"On “{escape(cast(Benchmark, current.source).title)}”, genes: {escape(captions.genes(view.subset))}. "
            "Choose data and genes in the sidebar."
        )
        if own:
            st.info(
                "A class needs data that every team can open; what you loaded stays in your session.",
                icon=":material/lock:",
            )
        st.button("Open a class", disabled=own, key="_open_class", on_click=_seat, args=(_create, view, target))
    with back, st.form("back", border=False):
        st.subheader("Rejoin")
        st.text_input("Class code", max_chars=20, key="_back_code")
        st.text_input(
            "Your key",
            max_chars=80,
            type="password",
            key="_back_key",
            help="Shown when you joined or opened the class.",
        )
        st.form_submit_button("Rejoin", on_click=_seat, args=(_return,))


def _seat(take: Callable[..., tuple[str, str, str]], *arguments: Any) -> None:
    """Take a seat (a callback), or keep the sentence that says why it does not work."""
    try:
        role, code, secret = take(*arguments)
        st.session_state[_SEAT] = (role, challenge.normal_code(code), secret)
    except UserError as error:
        st.session_state[_PROBLEM] = str(error)


def _join() -> tuple[str, str, str]:
    code = st.session_state["_code"]
    return "team", code, cache.registry().join(code, st.session_state["_team"], session.owner())


def _create(view: View, target: Setting) -> tuple[str, str, str]:
    source = cast(Benchmark, sources.open_source(view.data))  # the page shows benchmarks only
    return "teacher", *cache.registry().create(
        source.title, view.with_(show=()).token, source.content_id, target, session.owner()
    )


def _return() -> tuple[str, str, str]:
    code, key = st.session_state["_back_code"], st.session_state["_back_key"].strip()
    if cache.registry().is_teacher(code, key):
        return "teacher", code, key
    cache.registry().mine(code, key)
    return "team", code, key


def _leave() -> None:
    st.session_state.pop(_SEAT, None)


# -- team ----------------------------------------------------------------------------------------------------------
def _team(current: Current, lab: cache.Lab, room: challenge.Class, token: str) -> None:
    left, right = st.columns([1, 2], gap="large")
    with right:
        try:
            name, _ = cache.registry().mine(room.code, token)
        except UserError as error:
            _leave()
            st.warning(escape(str(error)))
            return
        st.subheader(escape(name) if name.casefold().startswith("team") else f"Team {escape(name)}")
        st.markdown(_task(room))
        with st.expander("Leave, or rejoin later"):
            st.markdown(f"To rejoin from another window: code `{challenge.shown_code(room.code)}`, key `{token}`.")
            st.button("Leave this class", on_click=_leave)
    try:
        played = _played(room)
    except UserError as error:
        right.warning(escape(str(error)))
        return
    with left:
        same = lab.token == played.token
        start = start_picker(current, lab if same else played)
        knobs = controls(current, lab if same else played, start)
    with right:
        st.button(
            "Hand in this setting",
            type="primary",
            icon=":material/send:",
            key="_hand_in",
            on_click=_hand_in,
            args=(room.code, token, played, start, knobs),
        )
        if said := st.session_state.pop(_SAID, ""):
            st.success(escape(said))
        if problem := st.session_state.pop(_PROBLEM, ""):
            st.error(escape(problem))
        _board(room.code, token, played)


def _hand_in(code: str, token: str, played: cache.Lab, start: str, knobs: Knobs) -> None:
    """Score a setting under the view of the class and put it on the board (a callback)."""
    try:
        scores = cache.step(played, start, knobs)
        count = cache.registry().submit(code, token, challenge.Submission(start, knobs.link, scores))
        st.session_state[_SAID] = (
            f"Handed in ({count}): {played_name(played, start)}, {knobs.words(played.evaluation.name)}."
        )
    except UserError as error:
        st.session_state[_PROBLEM] = str(error)


def played_name(played: cache.Lab, method: str) -> str:
    """Display name of a method in the class's benchmark."""
    return played.evaluation.name(method) if method in played.evaluation.methods else method


def _played(room: challenge.Class) -> cache.Lab:
    """Lab of the class's view: its own data and settings, whatever this session's sidebar says."""
    view = View.from_query(parse_qs(room.view))
    source = sources.open_source(view.data)
    if not isinstance(source, Benchmark) or source.content_id != room.content_id:
        raise UserError("The data of this class have changed on the server since it was opened: ask for a new class.")
    return cache.lab(source, view)


def _task(room: challenge.Class) -> str:
    card = parse_metric(room.target[0])[0].card
    return f"Get the best **{escape(metric_name(*room.target))}** ({card.arrow}) on “{escape(room.title)}”."


# -- teacher -------------------------------------------------------------------------------------------------------
def _teacher(room: challenge.Class, key: str) -> None:
    registry = cache.registry()
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.caption("Class code")
        st.title(challenge.shown_code(room.code), anchor=False)
        st.markdown(_task(room))
        st.caption(f"Teams choose Goodhart lab → Challenge. Your key, to come back from another window: `{key}`")
        if st.session_state.get("_reveal") != room.revealed:
            st.session_state["_reveal"] = room.revealed
        st.toggle("Reveal the other metrics", key="_reveal", on_change=_reveal, args=(room.code, key))
        with st.expander("Manage"):
            team = choose.selectbox("Take a team off the board", room.teams, key="_remove_team", index=None)
            st.button(
                "Remove it", disabled=team is None, on_click=_manage, args=(registry.remove, room.code, key, team)
            )
            st.button("Close the class for good", on_click=_manage, args=(registry.close, room.code, key))
            st.button("Leave (the class goes on)", on_click=_leave)
    with right:
        try:
            _board(room.code, "", _played(room))
        except UserError as error:
            st.warning(escape(str(error)))


def _reveal(code: str, key: str) -> None:
    _manage(cache.registry().reveal, code, key, bool(st.session_state["_reveal"]))


def _manage(action: Callable[..., None], *arguments: Any) -> None:
    try:
        action(*arguments)
    except UserError as error:
        st.session_state[_PROBLEM] = str(error)


# -- board ---------------------------------------------------------------------------------------------------------
@st.fragment(run_every=REFRESH)
def _board(code: str, token: str, played: cache.Lab) -> None:
    """Who leads; the other metrics after the reveal. Looks again every few seconds."""
    registry = cache.registry()
    try:
        room = registry.look(code)
        card = parse_metric(room.target[0])[0].card
        lines = registry.best(code, card)
        mine = registry.mine(code, token)[1] if token else ()
    except UserError as error:
        st.info(escape(str(error)))
        return
    st.subheader("Board")
    if mine:
        own = " · ".join(captions.number(s.scores[room.target]) for s in mine[-8:])
        st.caption(f"You handed in {len(mine)}: {'… · ' if len(mine) > 8 else ''}{own}")
    if not lines:
        st.info(
            f"{counted(len(room.teams), 'team has', 'teams have')} joined; nothing is handed in yet.",
            icon=":material/hourglass_top:",
        )
        return
    table = challenge.board(lines, room.target, card)
    if room.revealed:
        table["from"] = [played_name(played, s.method) for _, s, _ in lines]
        table["setting"] = [Knobs.from_link(s.knobs).words(played.evaluation.name) for _, s, _ in lines]
    label = metric_label(*room.target)
    st.dataframe(
        table.rename(columns={"score": f"{label} ({card.arrow})"}),
        hide_index=True,
        width="stretch",
        column_config={
            "team": st.column_config.TextColumn(width="medium"),
            f"{label} ({card.arrow})": st.column_config.NumberColumn(format="%.4g"),
        },
    )
    if room.revealed:
        _revealed(room, lines, played)
    else:
        st.caption("The other metrics stay hidden until your teacher reveals them.")


def _revealed(room: challenge.Class, lines: list[tuple[str, challenge.Submission, int]], played: cache.Lab) -> None:
    """The teams and the predictions they began with, as those were, on all metrics."""
    settings = [room.target, *(s for s in played.settings if s != room.target)]
    begun = list(dict.fromkeys(s.method for _, s, _ in lines))
    untouched = {f"{played_name(played, m)}, untouched": cache.step(played, m, Knobs()) for m in begun}
    leader = lines[0][1]
    moved = changes(cache.step(played, leader.method, Knobs()), leader.scores, _empty(played))
    others = other_families(moved, room.target)
    draw_panel(panels.revealed({t: s.scores for t, s, _ in lines}, untouched, settings, others, room.code), room.code)


def _empty(played: cache.Lab) -> dict[Setting, float]:
    """Scores of the empty prediction: the training mean, no change where that has none."""
    out: dict[Setting, float] = {}
    for method in (m for m in ("no_change", "mean") if m in played.evaluation.methods):
        out |= {s: v for s, v in cache.step(played, method, Knobs()).items() if not np.isnan(v)}
    return out
