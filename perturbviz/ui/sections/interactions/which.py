"""Which genes, which pairs? Best false calls, recurrence of genes and doubles, one gene and one double in detail."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.summary import takes_part
from perturbviz.panels import interaction_pairs as panels
from perturbviz.panels.captions import escape
from perturbviz.panels.captions import interactions as captions
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui import choose, navigation, session
from perturbviz.ui.chart import draw as draw_panel
from perturbviz.ui.sections.interactions.work import Work, choice, number_of_calls
from perturbviz.ui.tables import draw_table


def draw(work: Work) -> None:
    """Draw the section."""
    methods = [m for m in work.methods if not takes_part(work.pairs, m)]
    _false_calls(work, methods)
    _recurrence(work, methods)
    _details(work, methods)


def _false_calls(work: Work, methods: list[str]) -> None:
    st.subheader(
        "Each method's most confident false positive",
        help="The pair a method sets furthest from additive that truly is additive.",
    )
    found = {m: cache.best_false_calls(work.question, m) for m in methods}
    found = {m: table for m, table in found.items() if len(table)}
    if not found:
        st.info("No shown method calls a truly additive pair.", icon=":material/search:")
        return
    link = session.query("profiles")
    for method, table in found.items():
        line = table.iloc[0]
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"false-{method}"):
            st.page_link(
                navigation.path("profiles"),
                icon=":material/scatter_plot:",
                label=f"{escape(work.names[method])}: **{escape(line['gene'])}** in **{escape(line['perturbation'])}**",
                query_params={**link, "p": line["perturbation"], "gene": line["gene"]},
                help="Open in Profiles",
            )
            st.caption(escape(captions.false_call(line)))
            st.button(
                "Look below",
                key=f"look-{method}",
                type="tertiary",
                on_click=_look,
                args=(line["perturbation"], line["gene"], method),
            )
    with st.expander("The five best of each", key="false-calls-table"):
        draw_table(
            pd.concat([t.assign(method=work.names[m]) for m, t in found.items()])[
                ["method", "perturbation", "gene", "predicted", "observed", "seed", "context"]
            ],
            digits=4,
        )


def _look(double: str, gene: str, method: str) -> None:
    """Take a pair into the views below."""
    st.session_state.update(p=double, gene=gene, method=method)


def _recurrence(work: Work, methods: list[str]) -> None:
    st.subheader("Do the same few come back?")
    left, right = st.columns([1, 2], gap="medium")
    with left:
        axis = choose.segmented_control("Count", ["genes", "doubles"], key="ix_axis", persist_state="session")
    with right:
        n = number_of_calls()
    found = cache.recurring(work.question, axis, n)
    draw_panel(panels.recurrence(found, axis, n, work.look, work.threshold), work.token)


def _details(work: Work, methods: list[str]) -> None:
    pairs = work.pairs
    found = cache.recurring(work.question, "genes", 500)
    codes = cache.true_classes(work.question)
    doubles = sorted(set(pairs.doubles["perturbation"]))
    genes = [str(g) for g in pairs.genes]
    special = (codes > 0).sum(axis=1)
    most = str(pairs.doubles["perturbation"].iloc[int(special.argmax())])
    st.subheader("One gene, one double")
    a, b, c = st.columns(3, gap="medium")
    with a:
        gene = choice(
            "Gene",
            "gene",
            genes,
            found.names[0] if found.names[0] in genes else genes[0],
            {},
            "Opens on the gene called most often.",
        )
    with b:
        double = choice("Double", "p", doubles, most, {}, "Opens on the double with most non-additive genes.")
    with c:
        method = choice(
            "Prediction beside the double",
            "method",
            list(work.methods),
            methods[0] if methods else work.methods[0],
            work.names,
        )
    left, right = st.columns(2, gap="large")
    with left:
        _gene(work, gene, double)
    with right:
        _double(work, double, gene, method)


def _gene(work: Work, gene: str, double: str) -> None:
    codes = cache.true_classes(work.question)
    panel = panels.gene(work.pairs, gene, codes, double, work.methods, work.look, work.threshold)
    event = draw_panel(panel, work.token)
    if event.clicked and (chosen := panels.clicked_double(work.pairs, str(event.clicked))):
        session.defer(p=chosen)


def _double(work: Work, double: str, gene: str, method: str) -> None:
    pairs = work.pairs
    where = np.flatnonzero((pairs.doubles["perturbation"] == double).to_numpy())
    at = int(where[0])
    if len(where) > 1:
        contexts = {str(pairs.doubles["context"].iloc[d]): int(d) for d in where}
        at = contexts[choose.segmented_control("Context", contexts, key="ix_context")]
    codes = cache.true_classes(work.question)[at]
    event = draw_panel(panels.double(pairs, at, codes, gene, method, work.look, work.threshold), work.token)
    if event.clicked and str(event.clicked) in pairs.genes:
        session.defer(gene=str(event.clicked))
    st.page_link(
        navigation.path("profiles"),
        label=f"{escape(double)} in Profiles",
        icon=":material/scatter_plot:",
        query_params={**session.query("profiles"), "p": double, "gene": gene},
    )
