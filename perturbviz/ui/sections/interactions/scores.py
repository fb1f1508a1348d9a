"""Interaction scores per double: truth against prediction, and the published classes where the targets match."""

from __future__ import annotations

import streamlit as st

from perturbviz.analyses.interactions.summary import takes_part
from perturbviz.panels import interactions as panels
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui.chart import draw as draw_panel
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
    key, name = score or "magnitude", SCORES[score]
    methods = [m for m in work.methods if takes_part(work.pairs, m) != "nothing predicted"]
    if not methods:
        st.info(
            "No shown method predicts these doubles: switch on another one in the sidebar.", icon=":material/search:"
        )
        return
    if key in SLOW:
        methods = [choice("Method", "method", methods, methods[0], work.names)]
        if not _asked(work):
            return
        with st.spinner("Loading the library and computing …"):
            truth, *others = (cache.distances(work.question, m) for m in ("truth", *methods))
    else:
        truth, *others = (cache.scores(work.question, m) for m in ("truth", *methods))
    published = list(cache.scores(work.question, "truth")["published_class"])
    several = sum(c != "" for c in published) >= MIN_PUBLISHED
    if not several:
        published = [""] * len(truth)
    tables = dict(zip(methods, others, strict=True))
    draw_panel(panels.scores(truth, tables, key, name, published, work.look), work.token)
    if several:
        draw_panel(panels.by_class(truth, key, name, published), work.token)


def _asked(work: Work) -> bool:
    """Whether the slow scores of these doubles were asked for; says what they take, and offers a button."""
    asked = f"_asked_distances_{work.question.rows_token}"
    if not st.session_state.get(asked):
        st.info(
            f"Distance correlations of {len(work.pairs.doubles)} doubles × {len(work.pairs.genes):,} genes take up to "
            "a minute; the library compiles itself first.",
            icon=":material/hourglass_top:",
        )
        if not st.button("Compute them", type="primary"):
            return False
        st.session_state[asked] = True
    return True
