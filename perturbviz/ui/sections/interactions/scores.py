"""Interaction scores per double: truth against prediction, and the published classes where the targets match."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.summary import takes_part
from perturbviz.panels.captions import interactions as captions
from perturbviz.panels.figures import interaction_pairs as figures
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import chart
from perturbviz.ui.sections.interactions.work import Work, choice, option

SCORES = {
    "": "magnitude",
    "corr_fit": "fit",
    "dominance": "dominance",
    "c1": "c1",
    "c2": "c2",
    "dcor": "distance correlation",
    "eq_contr": "equality of contribution",
}
SLOW = ("dcor", "eq_contr")
_HELP = (
    "Change of the double = c1 · change of A + c2 · change of B + rest, over the genes of the view (Norman et "
    "al. 2019; here by least squares). **Magnitude** √(c1² + c2²): √2 if changes add, larger for synergy, "
    "smaller for suppression; noise in the singles lowers it. **Fit**: correlation of the model with the double; "
    "low for neomorphism. **Dominance** |log₁₀(c1/c2)|: high for epistasis. **Distance correlation** of the "
    "singles with the double, and equality of their contributions: slow."
)
MIN_PUBLISHED = 3


def draw(work: Work) -> None:
    """Draw the section."""
    score = option("Score", "score", SCORES, _HELP)
    key = score or "magnitude"
    slow = key in SLOW
    methods = [m for m in work.methods if takes_part(work.pairs, m) != "nothing predicted"]
    if not methods:
        st.info(
            "No shown method predicts these doubles: switch on another one in the sidebar.", icon=":material/search:"
        )
        return
    if slow:
        method = choice("Method", "method", methods, methods[0], work.names)
        methods = [method]
        n = len(work.pairs.doubles)
        asked = f"_asked_distances_{work.question.rows_token}"
        if not st.session_state.get(asked):
            st.info(
                f"Distance correlations of {n} doubles × {len(work.pairs.genes):,} genes take up to a minute; "
                "the library compiles itself first.",
                icon=":material/hourglass_top:",
            )
            if not st.button("Compute them", type="primary"):
                return
            st.session_state[asked] = True
        with st.spinner("Loading the library and computing …"):
            truth = cache.distances(work.question, "truth")
            tables = {m: cache.distances(work.question, m) for m in methods}
        published = cache.scores(work.question, "truth")["published_class"]
    else:
        truth = cache.scores(work.question, "truth")
        tables = {m: cache.scores(work.question, m) for m in methods}
        published = truth["published_class"]
    observed = truth[key].to_numpy(float)
    predicted = {m: t[key].to_numpy(float) for m, t in tables.items()}
    correlation = {m: _correlation(observed, v) for m, v in predicted.items()}
    corner = {m: "undefined" if np.isnan(r) else f"r {r:.2f}" for m, r in correlation.items()}
    known = int(np.isfinite(observed).sum())
    few = int((published != "").sum()) >= MIN_PUBLISHED
    ring = " Ringed: doubles with a published class (Norman et al. 2019, as listed by GEARS)." if few else ""
    chart(
        work.mark(
            figures.score_panels(
                observed,
                predicted,
                list(truth.index),
                list(published) if few else [""] * len(truth),
                SCORES[score],
                work.names,
                work.colours,
                corner,
            ),
            key,
        ),
        "scores",
        question=f"Is the {SCORES[score]} of each double predicted?",
        alt=f"Observed against predicted {SCORES[score]} of {known} doubles.",
        table=lambda: (
            pd.concat([truth.assign(layer="truth"), *(t.assign(layer=m) for m, t in tables.items())])
            .rename_axis("double")
            .reset_index()
        ),
        filename=f"interaction-{key}",
        note=captions.scores(correlation, work.names, SCORES[score], known) + ring,
    )
    if few:
        table = pd.DataFrame({"double": truth.index, "class": list(published), "value": observed})
        table = table[(table["class"] != "") & table["value"].notna()]
        chart(
            work.mark(figures.by_class(table, SCORES[score]), key),
            "by-class",
            question=f"Does the {SCORES[score]} tell the published classes apart?",
            alt=f"Observed {SCORES[score]} of {len(table)} doubles by published class.",
            table=table,
            filename=f"classes-{key}",
            note=captions.published_classes(table, SCORES[score]),
        )


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation over doubles where both are defined; NaN with fewer than 3 or no spread beyond rounding."""
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3 or any(np.ptp(v[known]) <= 1e-5 * np.abs(v[known]).max() for v in (x, y)):
        return np.nan
    return float(np.corrcoef(x[known], y[known])[0, 1])
