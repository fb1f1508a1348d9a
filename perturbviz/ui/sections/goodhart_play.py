"""Playground: turn the knobs of a prediction and watch all metrics move."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.goodhart import Knobs, Setting
from perturbviz.analyses.goodhart.effects import ranks_with
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.panels.captions import goodhart as captions
from perturbviz.panels.figures import goodhart as figures
from perturbviz.panels.figures.marks import marked
from perturbviz.scoring.view import metric_label, metric_name
from perturbviz.ui import cache_goodhart as cache
from perturbviz.ui import choose
from perturbviz.ui.chart import chart
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
        _plane(current, lab, start, knobs, before, after)
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


def _plane(
    current: Current,
    lab: cache.Lab,
    start: str,
    knobs: Knobs,
    before: dict[Setting, float],
    after: dict[Setting, float],
) -> None:
    x, y = axis_pickers(current, lab.settings)
    trail = _trail(lab, start, knobs)
    points = []
    for link in trail:
        scores = cache.step(lab, start, Knobs.from_link(link))
        points.append((scores[x], scores[y], Knobs.from_link(link).words(current.name)))
    cards = [parse_metric(s[0])[0].card for s in (x, y)]
    column = {s: lab.settings.index(s) for s in (x, y)}
    labels = (metric_label(*x), metric_label(*y))
    figure = figures.plane(
        lab.table[column[x]],
        lab.table[column[y]],
        {m: current.name(m) for m in lab.methods},
        current.colours,
        start,
        points,
        (f"{metric_name(*x)} ({cards[0].arrow})", f"{metric_name(*y)} ({cards[1].arrow})"),
        (cards[0].better == "lower", cards[1].better == "lower"),
    )
    chart(
        marked(figure, f"{current.token}|{start}|{knobs.link}", x, y, current.token),
        "plane",
        question="Where does the transformed prediction move?",
        alt=f"{labels[1]} against {labels[0]}: {len(lab.methods)} methods and the transformed prediction.",
        table=lambda: pd.DataFrame(
            {
                "method": [*(current.name(m) for m in lab.methods), "transformed"],
                "setting": [""] * len(lab.methods) + [knobs.words(current.name)],
                labels[0]: [*lab.table[column[x]], after[x]],
                labels[1]: [*lab.table[column[y]], after[y]],
            }
        ),
        filename="goodhart-plane",
        note=captions.position(labels, (before[x], before[y]), (after[x], after[y]), current.name(start)),
    )


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
    others = lab.table.drop(index=start)
    was, now = (ranks_with(lab.settings, others, scores) for scores in (before, after))
    first, last = (ranks.iloc[-1].to_numpy() for ranks in (was, now))
    figure = figures.strip(
        lab.labels,
        first,
        last,
        len(lab.methods),
        current.colours[start],
        [metric_name(*s) for s in lab.settings],
        (was.iloc[:-1], now.iloc[:-1]),
        {m: current.name(m) for m in others.index},
        current.colours,
    )
    chart(
        marked(figure, f"{current.token}|{start}|{state_of(after)}", current.token),
        "strip",
        question="What happens to its rank on all metrics?",
        alt=f"Rank of {current.name(start)} before and after on {len(lab.labels)} metrics.",
        table=lambda: pd.DataFrame(
            {
                "metric": [metric_name(*s) for s in lab.settings],
                "symbol": lab.labels,
                "before": list(before.values()),
                "after": list(after.values()),
                "rank before": first,
                "rank after": last,
            }
        ),
        filename="goodhart-ranks",
        note=captions.steps(lab.labels, first, last, current.name(start)),
    )
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
