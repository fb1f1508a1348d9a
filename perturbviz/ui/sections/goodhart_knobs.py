"""The knobs as widgets; the setting lives in the link and the widgets follow it."""

from __future__ import annotations

import streamlit as st

from perturbviz.analyses.goodhart import CARD, USES, KnobCard, Knobs, blend_name, unavailable
from perturbviz.errors import UserError
from perturbviz.panels.captions import escape
from perturbviz.panels.captions import goodhart as captions
from perturbviz.ui import choose, session
from perturbviz.ui.cache_goodhart import Lab
from perturbviz.ui.current import Current

_WIDGET = "k_"
_FOLLOWED = "_knobs"  # session: the setting the widgets show
_TOPS = (0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
_FURTHER = ("top", "small", "clip", "noise", "positive", "copy", "shuffle")
_MORE = "_more_knobs"  # key of the box of further knobs
_TRAINING = ":material/school:"
_WIDTH = 190

#: Tricks to try: name -> setting.
TRICKS: dict[str, Knobs] = {
    "Say nothing but the average": Knobs(blend_to="mean", blend=1.0),
    "Shout: every change three times as large": Knobs(amplify=3.0),
    "Whisper: half of every change": Knobs(amplify=0.5),
    "Hedge: half way to the average": Knobs(blend_to="mean", blend=0.5),
    "Cry wolf: something changes everywhere": Knobs(amplify=1.5, shift=1.5),
    "Only the headlines: 50 genes": Knobs(top=50),
    "Stay moderate: no change beyond the usual size": Knobs(clip=1.0),
    "Copy your neighbour": Knobs(copy=True),
    "Mix up the answer sheets": Knobs(shuffle=True),
}


def start_picker(current: Current, lab: Lab, label: str = "Start from the prediction of") -> str:
    """Choose the method that is transformed; opens on the first model."""
    if st.session_state.get("start") not in lab.methods:
        models = [m for m in lab.methods if not lab.evaluation.is_baseline(m)]
        informed = [m for m in lab.methods if m in ("half_sum", "additive")]
        st.session_state["start"] = (models or informed or list(lab.methods))[0]
    return choose.selectbox(
        label,
        lab.methods,
        key="start",
        persist_state="session",
        words=current.name,
        help="Only shown methods: switch others on in the sidebar.",
    )


def turn(link: str) -> None:
    """Put a setting on the knobs; call it in a callback or before they are drawn."""
    session.set_extra("knobs", link)
    if _needs_further(setting()):
        st.session_state[_MORE] = True


def setting() -> Knobs:
    """The setting of the link, nothing turned where it is none."""
    try:
        return Knobs.from_link(session.extra("knobs"))
    except UserError:
        return Knobs()


def _needs_further(knobs: Knobs) -> bool:
    """Whether a setting turns knobs that are folded away at first."""
    return bool(set(knobs.turned) & set(_FURTHER))


def controls(current: Current, lab: Lab, start: str) -> Knobs:
    """Draw the knobs and return their setting."""
    refused = unavailable(lab.evaluation)
    targets = ["mean", "control", *(m for m in lab.methods if m not in (start, "mean", "no_change"))]
    _follow_link(targets)
    choose.selectbox(
        "Try a trick",
        TRICKS,
        index=None,
        key="_trick",
        placeholder="Try a trick …",
        on_change=_trick,
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, gap="small"):  # side by side where there is room
        for name in ("amplify", "shift", "blend"):
            _slider(CARD[name], refused)
        _blend_target(current, targets)
    st.session_state.setdefault(_MORE, _needs_further(setting()))
    genes = lab.evaluation.benchmark.adata.n_vars
    if st.session_state[_WIDGET + "top"] > genes:
        st.session_state[_WIDGET + "top"] = genes
    with st.expander("More knobs", key=_MORE, on_change="rerun") as more:
        if more.open:  # closed, they would cost every step their time
            _further(genes, refused)
    values = {f: st.session_state[_WIDGET + f] for f in (*CARD, "blend_to")}
    knobs = Knobs(**values, seed=int(st.session_state.get(_WIDGET + "seed", 0))).effective
    session.set_extra("knobs", knobs.link)
    st.session_state[_FOLLOWED] = knobs.link
    st.button("Reset all knobs", icon=":material/restart_alt:", on_click=turn, args=("",), disabled=not knobs.turned)
    st.caption(captions.uses(knobs, current.name) + f" {_TRAINING} marks what uses training truth.")
    return knobs


def _further(genes: int, refused: dict[str, str]) -> None:
    """The knobs that are turned less often."""
    with st.container(horizontal=True, gap="small"):
        _top(genes, refused)
        for name in ("small", "clip", "noise"):
            _slider(CARD[name], refused)
        for name in ("positive", "copy", "shuffle"):
            card = CARD[name]
            st.checkbox(
                _label(card),
                key=_WIDGET + name,
                help=_help(card, refused),
                disabled=name in refused,
                persist_state="session",
            )
        if st.session_state[_WIDGET + "noise"] or st.session_state[_WIDGET + "shuffle"]:
            st.number_input(
                "Seed of noise and shuffling",
                0,
                999,
                step=1,
                key=_WIDGET + "seed",
                width=_WIDTH,
                persist_state="session",
            )


def _follow_link(targets: list[str]) -> None:
    """Bring the widgets to the setting of the link where it is not theirs."""
    wanted = session.extra("knobs")
    if wanted == st.session_state.get(_FOLLOWED) and _WIDGET + "amplify" in st.session_state:
        if st.session_state[_WIDGET + "blend_to"] not in targets:
            st.session_state[_WIDGET + "blend_to"] = targets[0]
        return
    try:
        knobs = Knobs.from_link(wanted)
    except UserError as error:
        st.warning(escape(str(error)) + " All sliders stay neutral.")
        knobs = Knobs()
    for name in (*CARD, "seed"):
        st.session_state[_WIDGET + name] = getattr(knobs, name)
    st.session_state[_WIDGET + "blend_to"] = knobs.blend_to if knobs.blend_to in targets else targets[0]


def _trick() -> None:
    chosen = st.session_state.get("_trick")
    if chosen:
        turn(TRICKS[chosen].link)
    st.session_state["_trick"] = None


def _top(n_genes: int, refused: dict[str, str]) -> None:
    tops = sorted({t for t in _TOPS if t < n_genes} | {st.session_state[_WIDGET + "top"]})
    card = CARD["top"]
    choose.select_slider(
        card.label,
        tops,
        key=_WIDGET + "top",
        help=_help(card, refused),
        disabled="top" in refused,
        width=_WIDTH,
        persist_state="session",
        words=lambda v: f"{v:,}" if v else "all",
    )


def _slider(card: KnobCard, refused: dict[str, str]) -> None:
    st.slider(
        _label(card),
        float(card.low),
        float(card.high),
        step=float(card.step),
        key=_WIDGET + card.name,
        format="%.2f",
        help=_help(card, refused),
        disabled=card.name in refused,
        width=_WIDTH,
        persist_state="session",
    )


def _blend_target(current: Current, targets: list[str]) -> None:
    choose.selectbox(
        "Blend with",
        targets,
        key=_WIDGET + "blend_to",
        words=lambda t: blend_name(t, current.name),
        width=_WIDTH,
        help="Mixed in as far as the slider “Blend” says. Baselines other than the control mean use training truth; a "
        "method uses whatever it was fitted to. Rows that the other does not predict stay as they are.",
    )


def _label(card: KnobCard) -> str:
    return f"{card.label} {_TRAINING}" if card.uses == "training" and card.name != "blend" else card.label


def _help(card: KnobCard, refused: dict[str, str] | None = None) -> str:
    uses = USES[card.uses] if card.name != "blend" else "what it is blended with"
    return (refused or {}).get(card.name) or f"{card.meaning}\n\nUses {uses}."
