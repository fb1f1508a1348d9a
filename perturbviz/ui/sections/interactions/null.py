"""What is not additive? The deviations, their null, its fit, and the classes of the truth."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts
from perturbviz.panels.captions import interactions as captions
from perturbviz.panels.figures import interactions as figures
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import chart
from perturbviz.ui.sections.interactions.work import Work

_MEANING = (
    "**Additive**: not beyond the thresholds. Beyond them: **other**, the singles change the gene in different "
    "directions; **opposite**, the double goes the other way than its singles; **buffering**, it stays between "
    "no change and the sum; **synergistic**, it exceeds the sum (Ahlmann-Eltze, Huber & Anders 2025)."
)


def draw(work: Work) -> None:
    """Draw the section."""
    bound, null, every = work.threshold, work.threshold.null, work.every
    effect = bound.kind == "effect"
    axis = "observed − additive" if effect else "(observed − additive) / standard error"
    left, right = st.columns([1.5, 1], gap="large")
    if null is None:
        values = bound.scaled(every, every.deviation)
        with left:
            chart(
                work.mark(figures.histogram(values, bound.lower, bound.upper, axis)),
                "null",
                question="How far from additive are the doubles?",
                alt=f"Histogram of {values.size} deviations.",
                table=lambda: pd.DataFrame({"deviation": values.ravel()}),
                filename="deviations",
                note=bound.problem,
            )
    else:
        table = pd.DataFrame(
            {
                "deviation": null.mids,
                "pairs": null.counts,
                "mixture": null.f,
                "null": null.p0_f0,
                "nonnull_share": null.nonnull,
            }
        )
        with left:
            chart(
                work.mark(figures.decomposition(null, bound.lower, bound.upper, axis), axis),
                "null",
                question="How far from additive are the doubles, and what is noise?",
                alt=(
                    f"Histogram of {null.n:,} deviations from additivity with fitted mixture and null; "
                    f"{captions.bounds(bound)}."
                ),
                table=table,
                filename="interaction-null",
                note=captions.tails(bound),
            )
        with right:
            chart(
                work.mark(figures.quantiles(null, bound.lower, bound.upper), axis),
                "qq",
                question="Where does the null stop fitting?",
                alt="Quantiles of the deviations against those of the fitted null.",
                table=pd.DataFrame({"null": null.qq_null, "observed": null.qq_observed}),
                filename="interaction-qq",
                note=captions.qq(null),
            )
        outside = f" {null.n_outside:,} pairs lie beyond the histogram." if null.n_outside else ""
        st.caption(
            f"{captions.fit_quality(null)} Fitted to all {len(every.doubles):,} doubles with two measured "
            f"singles, not only the held-out ones.{outside} The null is this program's own, written from Efron's "
            "papers; R's locfdr, which the paper used, was not run beside it."
        )
    counts = dict(
        zip(PAPER_CLASSES, class_counts(cache.true_classes(work.question, of_all=True)).tolist(), strict=True)
    )
    shown, meaning = st.columns([1.5, 1], gap="large", vertical_alignment="center")
    with shown:
        chart(
            work.mark(figures.class_bars(counts, sum(counts.values()))),
            "classes",
            question="In which way are pairs not additive?",
            alt=", ".join(f"{v:,} {k}" for k, v in counts.items()),
            filename="interaction-classes",
            table=pd.DataFrame({"class": list(counts), "pairs": list(counts.values())}),
            note=captions.classes(counts) + captions.convention(bound),
        )
    meaning.markdown(_MEANING)
