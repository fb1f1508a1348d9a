"""Rankings, the home page: who is best here, how surely, and how the order shifts with the view."""

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.calibration.controls import control_name, in_words
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE
from perturbviz.panels import captions
from perturbviz.panels.captions import calibration as calibration_captions
from perturbviz.panels.figures import rankings as figures
from perturbviz.panels.figures.calibration import calibrated
from perturbviz.scoring.published_scores import label_of
from perturbviz.scoring.rankings import shifts
from perturbviz.scoring.view import View, metric_label, metric_name
from perturbviz.ui import cache, cache_calibration, ceiling, choose, coverage, session
from perturbviz.ui.chart import chart
from perturbviz.ui.controls.pin import pin_controls, pinned
from perturbviz.ui.current import PageEnd, begin, four_questions
from perturbviz.ui.sections.rankings import SECTIONS

current = begin("rankings", needs="scores")
section = choose.segmented_control(
    "Section",
    ["This view", *SECTIONS],
    label_visibility="collapsed",
    key="section",
    persist_state="session",
)
if section in SECTIONS:
    SECTIONS[section](current)
    raise PageEnd
coverage.badge(current)
ranking = current.ranking()


before: View | None = st.session_state.get("_ranked_view")
before_ranking = None
if before is not None and before.data == current.view.data and before != current.view:
    try:
        before_ranking = cache.ranking(current.source, before)
    except UserError:
        before_ranking = None
st.session_state["_ranked_view"] = current.view
moved = shifts(before_ranking, ranking) if before_ranking is not None else None

sentences = [captions.headline(ranking)]
if before_ranking is not None:
    sentences.append(captions.change(before_ranking, ranking, before, current.view))
st.markdown("\n\n".join(sentences))  # one element either way: a chart whose place in the page shifts is built anew
pin_controls(current)


def order_chart(column, key: str, shown, view: View, shift, question: str) -> None:
    perfect = ceiling.score(current, view)
    with column:
        order = figures.order(
            shown.table,
            current.colours,
            shown.scores.card.axis or shown.scores.card.name,
            shift,
            shown.scores.card.better != "lower",
            current.controls,
        )
        chart(
            current.mark(ceiling.drawn(order, perfect, upright=True)),
            key,
            question=question,
            alt=captions.alt_order(shown),
            table=ceiling.row(shown.table.reset_index(), perfect),
            filename=f"ranking-{view.metric}",
            note=captions.uncertainty(shown) + ceiling.note(perfect),
        )
        st.caption(four_questions(current, shown.scores, view))


def one_of_each_family(settings, here) -> set:
    """One metric of each family and reference, the current one where it belongs: the others order much alike."""
    chosen = {(CATALOGUE[m].card.family, r): (m, r) for m, r in reversed(settings)}
    if here in settings:
        chosen[CATALOGUE[here[0]].card.family, here[1]] = here
    return set(chosen.values())


scaled = None
has_scale = (
    isinstance(current.source, Benchmark) and not session.extra("pin") and cache_calibration.positives(current.source)
)
with st.container(horizontal=True, key="pv-scales"):
    wanted = has_scale and st.toggle(
        "Calibrated scale",
        key="scaled",
        persist_state="session",
        help=f"0 = the perturbation mean, 1 = the {in_words(has_scale[0])}, not clipped. See the Calibration page.",
    )
    ceiling.switch(current)
if wanted:
    scaled = cache_calibration.scale(current.source, current.view)
    if isinstance(scaled, str):
        st.info(scaled)
        scaled = None

overturned = st.container()  # above both charts, so that they start on one line
left, right = st.columns([1, 1] if session.extra("pin") else [2, 3], gap="large")
pin = pinned(current)
if pin is not None:
    order_chart(left, "pinned", pin[1], pin[0], None, "Pinned view")
    order_chart(right, "order", ranking, current.view, shifts(pin[1], ranking), "This view")
elif scaled is not None:
    with left:
        ends = [control_name(m) for m, _ in (scaled.negative, scaled.positive)]
        chart(
            current.mark(calibrated(scaled.table, current.colours, tuple(ends))),
            "order-calibrated",
            question=f"How close does each method come to the {ends[1].lower()}?",
            table=scaled.table.reset_index(),
            filename=f"calibrated-{current.view.metric}",
            alt=f"Calibrated scores of {len(scaled.table)} methods.",
            note=calibration_captions.scale_note(scaled),
        )
        st.caption(
            f"{four_questions(current, scaled.ranking.scores)} · {calibration_captions.halves_note(current.source)}"
        )
else:
    order_chart(left, "order", ranking, current.view, moved, "Who leads, and how surely?")


if isinstance(current.source, Benchmark):
    table = cache.rank_table(current.source, current.view)
    here = (current.view.metric, current.view.reference)
    every = st.session_state.get("every", False)
    chosen = [i for i, pair in enumerate(table.settings) if every or pair in one_of_each_family(table.settings, here)]
    pairs, tables = [table.settings[i] for i in chosen], table.ranks[chosen].set_axis(range(len(chosen)), axis=1)
    silent = [k for k, i in enumerate(chosen) if i in table.no_lead]
    labels = [metric_label(m, r) for m, r in pairs]
else:
    pairs, silent = [(m, current.source.reference(m)) for m in current.source.metrics], []
    tables = pd.DataFrame(
        {m: cache.ranking(current.source, current.view.with_(metric=m)).table["rank"] for m, _ in pairs}
    )
    tables.columns = range(len(pairs))
    labels = [label_of(current.source, m) for m, _ in pairs]
shown_order = [m for m in ranking.table.index if m in tables.index]
here = next((i for i, pair in enumerate(pairs) if pair == (current.view.metric, current.reference)), -1)
target = right if pin is None else st.container()
if isinstance(current.source, Benchmark):
    overturned.markdown(
        captions.overturn(
            table.ranks.drop(columns=list(table.no_lead)),
            [metric_name(m, r) for i, (m, r) in enumerate(table.settings) if i not in table.no_lead],
            current.name,
            ranking,
        )
    )
with target:
    if isinstance(current.source, Benchmark) and table.left_out:
        st.caption(f"{captions.left_out(table.left_out)}: choose one as the metric.")
    event = chart(
        current.mark(
            figures.bump(
                tables.loc[shown_order],
                labels,
                {m: current.name(m) for m in shown_order},
                current.colours,
                here,
                current.controls,
            )
        ),
        "bump",
        question="How does the order shift from metric to metric?",
        alt=f"Ranks of {len(shown_order)} methods under {len(pairs)} metrics.",
        table=lambda: tables.set_axis(labels, axis=1).rename(index=current.name).reset_index(),
        filename="rank-shifts",
        note=captions.bump_note(tables, labels, current.name, silent, count=not isinstance(current.source, Benchmark)),
        select=True,
    )
if isinstance(current.source, Benchmark):
    target.toggle(
        f"Every metric ({len(table.settings)} columns)",
        key="every",
        persist_state="session",
        help="Otherwise one of each family: metrics of a family order methods alike or nearly so.",
    )
if event.clicked:
    metric, reference = pairs[int(np.ravel(event.clicked)[-1])]
    changes = {"ref": reference} if isinstance(current.source, Benchmark) and reference != "none" else {}
    session.defer(metric=metric, **changes)
if isinstance(current.source, Benchmark):
    cache.look_ahead(current.source, current.view)
