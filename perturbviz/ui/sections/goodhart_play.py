"""Playground: turn the knobs of a prediction and watch all metrics move."""

from __future__ import annotations

import numpy as np
import streamlit as st

from perturbviz.analyses.goodhart import Knobs, Setting
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.panels import goodhart as panels
from perturbviz.panels.captions import goodhart as captions
from perturbviz.scoring.view import metric_label, metric_name
from perturbviz.ui import cache_goodhart as cache
from perturbviz.ui import choose
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.current import Current
from perturbviz.ui.sections.goodhart_knobs import controls, start_picker

TRAIL = 12
_AGAINST = (("mse", "none"), ("pds", "none"), ("centroid_accuracy", "none"), ("l2", "none"))


def draw(current: Current, lab: cache.Lab) -> None:
    """Sliders on the left, plane and ranks on the right."""
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        start = start_picker(current, lab)
        knobs = controls(current, lab, start)
    with right:
        try:
            with st.spinner("Scoring all metrics …", show_time=False) if not lab.prepared.light else st.empty():
                before, after = cache.step(lab, start, Knobs()), cache.step(lab, start, knobs)
        except UserError as error:
            st.warning(str(error))
            return
        _plane(current, lab, start, knobs)
        _strip(current, lab, start, before, after)


def axis_pickers(current: Current, settings: tuple[Setting, ...]) -> tuple[Setting, Setting]:
    """The two metrics of the plane; opens on the view's metric and an error or a retrieval metric."""
    options = [f"{m}:{r}" for m, r in settings]
    here = f"{current.view.metric}:{current.view.reference}"
    first = here if here in options else options[0]
    family = parse_metric(first.partition(":")[0])[0].card.family
    second = next(
        (f"{m}:{r}" for m, r in _AGAINST if f"{m}:{r}" in options and parse_metric(m)[0].card.family != family),
        options[-1],
    )
    for key, value in (("mx", first), ("my", second)):
        if st.session_state.get(key) not in options:
            st.session_state[key] = value
    columns = st.columns(2)
    for column, key, label in zip(columns, ("mx", "my"), ("Horizontal axis", "Vertical axis"), strict=True):
        choose.selectbox(label, options, key=key, words=_option, place=column, persist_state="session")
    (mx, _, rx), (my, _, ry) = (st.session_state[key].partition(":") for key in ("mx", "my"))
    return (mx, rx), (my, ry)


def _option(text: str) -> str:
    return metric_name(*text.split(":"))


def _plane(current: Current, lab: cache.Lab, start: str, knobs: Knobs) -> None:
    axes = axis_pickers(current, lab.settings)
    settings = [Knobs.from_link(link) for link in _trail(lab, start, knobs)]
    trail = [(cache.step(lab, start, k), k.words(current.name)) for k in settings]
    panel = panels.plane(lab.table, lab.settings, axes, start, trail, current.view, current.look)
    draw_panel(panel, f"{current.token}|{start}|{knobs.link}")


def _trail(lab: cache.Lab, start: str, knobs: Knobs) -> list[str]:
    """Links of the last settings on this view and start, the current one last."""
    key, seen = (lab.token, start), st.session_state.get("_trail")
    steps = seen[1] if seen and seen[0] == key else [""]
    if steps[-1] != knobs.link:
        steps = [*steps, knobs.link][-TRAIL:]
    st.session_state["_trail"] = (key, steps)
    return steps


def _strip(
    current: Current, lab: cache.Lab, start: str, before: dict[Setting, float], after: dict[Setting, float]
) -> None:
    panel = panels.strip(lab.table, lab.settings, start, before, after, current.view, current.look)
    draw_panel(panel, f"{current.token}|{start}|{state_of(after)}")
    symbols(lab.settings)
    st.caption(
        f"Ranks among {len(lab.methods)} shown methods, the transformed prediction in the place of "
        f"{captions.escape(current.name(start))} · {len(lab.rows)} values "
        f"({lab.evaluation.rows.iloc[lab.rows]['perturbation'].nunique()} perturbations) · genes: "
        f"{captions.genes(lab.view.subset)} · average: {lab.view.avg}"
    )


def state_of(scores: dict[Setting, float]) -> str:
    """A mark of the scores shown."""
    return f"{np.nansum(list(scores.values())):.6g}"


def symbols(settings: tuple[Setting, ...]) -> None:
    """A box that says what the symbols on an axis stand for; empty until it is opened."""
    with st.popover("What the symbols mean", type="tertiary", icon=":material/help:", on_change="rerun") as box:
        if box.open:
            cards = [parse_metric(s[0])[0].card for s in settings]
            lines = [
                f"- **{metric_label(*s)}** {metric_name(*s)} ({c.arrow})" for s, c in zip(settings, cards, strict=True)
            ]
            st.markdown("\n".join(lines))
