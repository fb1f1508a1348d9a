"""Calibration: can this metric tell a replicate of the experiment from an empty prediction, and which metrics can?"""

import numpy as np
import streamlit as st

from perturbviz.analyses.calibration.controls import control_name, in_words
from perturbviz.analyses.calibration.table import NEGATIVES, family_of, table
from perturbviz.analyses.calibration.verdict import LEVEL, WIDE
from perturbviz.panels import captions
from perturbviz.panels.captions import calibration as words
from perturbviz.panels.figures import calibration as figures
from perturbviz.panels.figures.marks import marked
from perturbviz.stats import MIN_UNITS
from perturbviz.ui import cache_calibration as cache
from perturbviz.ui import choose, session
from perturbviz.ui.chart import chart
from perturbviz.ui.current import begin, stop
from perturbviz.ui.sections import calibration_map

OTHER_DATA = (
    "carpool",
    "Open CaRPool-seq (it has two halves)",
    (
        "Wessels et al. 2023: 28 single and 158 double knock-downs in THP1, with the means of two halves of the "
        "cells; downloaded once."
    ),
)

current = begin("calibration")
view, benchmark = current.view, current.source
offered = cache.positives(benchmark)
if not offered:
    stop(words.NO_REPLICATE, icon=":material/science:", offer=OTHER_DATA)


def control(column, label: str, key: str, first: str, others: list[str], help: str) -> str:
    """A control; "" is the usual one, which stays out of the link."""
    if st.session_state.get(key, "") not in ("", *others):
        st.session_state[key] = ""
    return choose.selectbox(
        label,
        ["", *others],
        key=key,
        persist_state="session",
        help=help,
        words=lambda m: control_name(m) if m else first,
        place=column,
    )


def thinned(values: np.ndarray) -> str:
    """What a note says of points that are left out of a chart."""
    return captions.thinned(figures.MOST, int((~np.isnan(values)).sum()), "Drawn")


top = st.container()
left, right = st.columns(2, gap="large")
positive = (
    control(
        left,
        "Replicate (positive control)",
        "pos",
        control_name(offered[0]),
        list(offered[1:]),
        "**Technical duplicate**: the mean of the other half of the cells. **Interpolated duplicate**: that mean "
        "for genes that are differentially expressed in it (weight 1 − adjusted p) and the perturbation mean for "
        "the others, which it so beats nearly by construction. **Simulated duplicate**: the observed mean plus "
        "noise of its standard error, where there are no halves.",
    )
    or offered[0]
)
negatives = [m for m in NEGATIVES if m in cache.controlled(benchmark, view).methods]
negative = control(
    right,
    "Empty prediction (negative control)",
    "neg",
    "Perturbation mean (control mean where that is the reference)",
    negatives,
    "What says nothing about the single perturbation: the mean of the training perturbations, the control mean "
    "(no change), or the truth of another perturbation (shuffled labels).",
)
found = cache.judged(benchmark, view, positive, negative)
judged_badge = words.badge(found)
with top:
    st.badge(judged_badge[0], color=judged_badge[1], help=judged_badge[2])
    st.markdown(
        found if isinstance(found, str) else words.verdict(found, calibration_map.genes(view, benchmark, full=True))
    )
    st.caption(
        f"{words.halves_note(benchmark)} Fewer than {MIN_UNITS} perturbations are not judged. Blind: by a sign "
        f"test over perturbations chance would do the same (p ≥ {LEVEL:g}), or another draw of shared targets. "
        f"Narrow: the median dynamic range fraction is below {WIDE:g}."
    )

if not isinstance(found, str):
    high, low, fraction = found.values
    pair = (control_name(found.positive), control_name(found.negative))
    replicate = in_words(found.positive)

    def both():
        return found.rows.assign(positive=high, negative=low, drf=fraction)

    with left:
        chart(
            current.mark(figures.paired(high, low, words.row_signs(found), found.rows, pair, found.card.symbol)),
            "paired",
            question=f"Is the {replicate} better, perturbation by perturbation?",
            table=both,
            filename=f"controls-{view.metric}",
            alt=f"{found.card.name} of {pair[0]} against {pair[1]} for {found.n} perturbations.",
            note=f"{found.card.arrow.capitalize()}. {words.paired_note(found)}" + thinned(high + low),
        )
    with right:
        chart(
            current.mark(figures.fractions(fraction, found.rows, found.drf, WIDE)),
            "drf",
            question=f"How much of the way to a perfect score does the {replicate} cover?",
            table=both,
            filename=f"drf-{view.metric}",
            alt=f"Dynamic range fraction of {found.n} perturbations, median {found.drf:.2f}.",
            note=words.fractions_note(found) + thinned(fraction),
        )

wide, side = st.columns([3, 2], gap="large")
with side:
    scale = cache.scale(benchmark, view, positive, negative)
    if isinstance(scale, str):
        st.info(scale)
    else:
        zero, one = control_name(scale.negative[0]), control_name(scale.positive[0])
        chart(
            current.mark(figures.calibrated(scale.table, current.colours, (zero, one)), "scale"),
            "scale",
            question=f"How close does each method come to the {one.lower()}?",
            table=scale.table.reset_index(),
            filename=f"calibrated-{view.metric}",
            alt=f"Calibrated scores of {len(scale.table)} methods.",
            note=words.scale_note(scale),
        )
    variation = cache.variation(benchmark, view)
    if isinstance(variation, str):
        st.info(variation)
    else:
        rows = variation.rows
        cosine, delta = (rows[c].to_numpy() for c in ("cosine", "pearson_delta"))
        chart(
            marked(figures.variation(cosine, delta, rows, variation.score), current.token),
            "variation",
            question="How much do all perturbations shift alike?",
            table=rows,
            filename="systematic-variation",
            alt=f"Mean cosine with the average shift {variation.score:.2f}.",
            note=words.variation_note(variation) + thinned(cosine + delta),
        )
with wide:
    views = calibration_map.columns(view, benchmark)
    too_slow = dict.fromkeys(p for v in views for p in cache.mapped(benchmark, v)[1])
    every = calibration_map.compute(benchmark, view, views, positive, negative)
    cells, order, at = calibration_map.cells(every, views, view, benchmark)
    event = chart(
        marked(
            figures.verdict_map(
                cells,
                [label for label, _ in order],
                [family for _, family in order],
                [calibration_map.genes(v, benchmark) for v in views],
                at,
            ),
            current.token,
        ),
        "map",
        question=f"Which metrics can tell the {in_words(positive)} from the average?",
        alt=f"Dynamic range fraction of {len(order)} metrics on {len(views)} gene subsets.",
        table=lambda: table(every),
        filename="calibration",
        note=words.map_note(every),
        select=True,
    )
    if event.clicked:
        session.defer(**calibration_map.clicked(str(event.clicked)))
    if too_slow:
        st.caption(f"{captions.left_out(too_slow)}: choose one as the metric for its verdict.")
    as_table = st.expander("The map as a table", key="map_table", on_change="rerun")
    if as_table.open:
        as_table.dataframe(
            table(every).assign(family=[family_of(c.metric) for c in every]),
            hide_index=True,
            column_config={
                c: st.column_config.NumberColumn(format="%.3f")
                for c in ("drf", "drf_low", "drf_high", "bds", "bds_low", "bds_high")
            },
        )
