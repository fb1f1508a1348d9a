"""As published: curves, classes and calls of the paper's source data, beside what the app computes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts
from perturbviz.errors import UserError
from perturbviz.panels.captions import interactions as captions
from perturbviz.panels.figures import interactions as figures
from perturbviz.panels.figures import published as published_figures
from perturbviz.panels.figures.marks import marked
from perturbviz.panels.figures.theme import BASELINE_COLOURS, method_colours
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import chart
from perturbviz.ui.sections.interactions.work import Work


def draw(work: Work | None) -> None:
    """Draw the section; without a benchmark of doubles the published layers stand alone."""
    path = cache.workbook()
    if path is None:
        st.info(
            "The paper's source data (“Nature Methods 2025, Fig. 1”) is not here yet: download it on the Data "
            "page, and its curves, classes and calls appear here as published.",
            icon=":material/table_chart:",
        )
        return
    try:
        layer = cache.published(path)
    except UserError as error:
        st.info(str(error), icon=":material/table_chart:")
        return
    token = work.current.token if work else "published"
    st.markdown(captions.published(layer))
    st.caption(
        f"{layer.title}c, e and f: Norman et al., K562, 124 doubles × the 1,000 genes highest in control, five "
        "overlapping splits. Classes are those of the source data; its singles are not part of it, so nothing "
        "here is computed again."
    )

    methods = list(dict.fromkeys(layer.curves["method"]))
    base = [m for m in methods if m.startswith("No change")]
    colours = method_colours(methods, base) | dict.fromkeys(base, BASELINE_COLOURS[0])
    names = {m: m for m in methods}
    left, right = st.columns(2, gap="large")
    with left:
        chart(
            marked(published_figures.curves(layer.curves, colours, dict.fromkeys(base, "dash")), token),
            "published-curves",
            question="As published: who finds the pairs that are not additive?",
            alt=captions.published_curves(layer),
            table=layer.curves,
            filename="published-tpr-fdp",
            note=captions.published_curves(layer),
        )
    with right:
        table = layer.composition()
        chart(
            marked(figures.stacked(table, names, "calls, all five splits together"), token),
            "published-calls",
            question="As published: what are the 500 pairs each method sets furthest from additive?",
            alt=captions.composition(table, names, 500),
            filename="published-calls",
            table=table.reset_index(),
            note=captions.composition(table, names, 500),
        )
    shares = {"as published": pd.Series(layer.classes).reindex(PAPER_CLASSES, fill_value=0)}
    if work is not None:
        counts = class_counts(cache.true_classes(work.question, of_all=True))
        shares["computed here"] = pd.Series(counts, index=PAPER_CLASSES)
    compared = pd.DataFrame(shares).T
    compared = 100 * compared.div(compared.sum(axis=1), axis=0).drop(columns="additive")
    chart(
        marked(figures.stacked(compared, {}, "non-additive pairs, % of all pairs"), token),
        "published-classes",
        question="How many pairs are not additive, as published" + (" and here?" if work else "?"),
        alt=captions.compared(compared),
        table=compared.rename_axis("source").reset_index(),
        filename="published-classes",
        note=captions.compared(compared),
    )
    chart(
        marked(published_figures.calls(layer.calls, list(layer.methods), colours), token),
        "published-pairs",
        question="As published: predicted against observed deviation of the calls",
        alt=f"{len(layer.calls)} published calls of {len(layer.methods)} methods.",
        table=layer.calls,
        filename="published-pairs",
        note=(
            "Chosen because the prediction is far from additive, so there are none in the middle: not a measure of "
            "accuracy."
        ),
    )
