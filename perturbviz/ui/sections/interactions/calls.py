"""What do they call? Predicted against observed deviations, composition of the top calls, confusion of classes."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.summary import takes_part
from perturbviz.panels.captions import interactions as captions
from perturbviz.panels.figures import interactions as figures
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui import choose, session
from perturbviz.ui.chart import chart
from perturbviz.ui.sections.interactions.work import Work, choice, number_of_calls


def draw(work: Work) -> None:
    """Draw the section."""
    q = work.question
    methods = [m for m in work.methods if takes_part(work.pairs, m) != "additive"]
    if not methods:
        st.info(
            "Every shown method predicts the sum of the singles: switch on another one in the sidebar.",
            icon=":material/search:",
        )
        return
    parts = {m: cache.cloud(q, m) for m in methods}
    figure = cache.clouds_figure(q, tuple(methods), work.names, work.colours)
    event = chart(
        work.mark(figure),
        "clouds",
        question="Is the deviation from additive predicted?",
        alt=f"Predicted against observed deviation from additivity, {len(methods)} methods.",
        table=lambda: pd.concat(
            pd.DataFrame(
                {"method": m, "pair": c.labels, "observed": c.observed, "predicted": c.predicted, "class": c.classes}
            )
            for m, (c, _, _) in parts.items()
        ),
        filename="deviations",
        note=captions.clouds({m: s for m, (_, s, _) in parts.items()}, work.names)
        + captions.convention(work.threshold),
        select=True,
    )
    if event.clicked:
        session.defer(p=str(event.clicked[0]), gene=str(event.clicked[1]), ix="which")

    left, right = st.columns(2, gap="large")
    with left:
        n = number_of_calls()
        by = choose.segmented_control(
            "Coloured by",
            ["true class", "predicted class"],
            key="ix_by",
            persist_state="session",
        )
        table = pd.DataFrame({m: cache.composition(q, m, n)[by == "predicted class"] for m in ("truth", *methods)}).T
        of = " in an average split" if len(work.pairs.blocks) > 1 else ""
        chart(
            work.mark(figures.stacked(table, work.names, f"top {n:,} calls{of}"), str(n)),
            "composition",
            question=f"What are the pairs each method sets furthest from additive ({by})?",
            alt=f"Top {n} calls of {len(methods)} methods by {by}.",
            filename=f"calls-{n}",
            table=lambda: table.rename(index=work.names).rename_axis("method").reset_index(),
            note=captions.composition(
                pd.DataFrame({m: cache.composition(q, m, n)[0] for m in methods}).T, work.names, n
            )
            + captions.convention(work.threshold),
        )
    with right:
        method = choice("Method", "method", methods, methods[0], work.names)
        confusion = cache.confusion(q, method)
        chart(
            work.mark(figures.mosaic(confusion), method),
            "mosaic",
            question=f"{work.names[method]}: is the class right?",
            alt=captions.confusion(confusion, work.names[method]),
            filename=f"confusion-{method}",
            table=lambda: confusion.rename_axis("true class").reset_index(),
            note=captions.confusion(confusion, work.names[method]) + captions.convention(work.threshold),
        )
