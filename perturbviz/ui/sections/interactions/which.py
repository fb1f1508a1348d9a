"""Which genes, which pairs? Best false calls, recurrence of genes and doubles, one gene and one double in detail."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts, class_names
from perturbviz.analyses.interactions.summary import double_labels, takes_part
from perturbviz.panels.captions import escape
from perturbviz.panels.captions import interactions as captions
from perturbviz.panels.figures import interaction_pairs, interactions
from perturbviz.ui import cache_interactions as cache
from perturbviz.ui import choose, navigation, session
from perturbviz.ui.chart import chart
from perturbviz.ui.sections.interactions.work import Work, choice, number_of_calls
from perturbviz.ui.tables import draw_table

TOP = 24  # genes or doubles shown
DOUBLES = 30  # lines of the gene view


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
    chart(
        work.mark(
            interactions.recurrence_bars(
                found.names[:TOP], found.counts[:TOP], found.layers, work.names, f"{axis} named most often"
            ),
            axis,
        ),
        "recurrence",
        question=f"Which {axis} are among the top {n:,} calls again and again?",
        alt=captions.recurring(found, work.names, axis),
        table=lambda: pd.DataFrame(found.counts, columns=list(found.layers), index=pd.Index(found.names, name=axis)),
        filename=f"recurrence-{axis}",
        note=captions.recurring(found, work.names, axis) + captions.convention(work.threshold),
    )


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
    pairs = work.pairs
    column = int(pairs.genes.get_loc(gene))
    names_of = np.array(double_labels(pairs), dtype=object)
    classes = class_names(cache.true_classes(work.question)[:, column])
    additive, observed = pairs.delta_a[:, column] + pairs.delta_b[:, column], pairs.delta_ab[:, column]
    predicted = {
        m: _over_splits(work, pairs.predicted(m)[:, column]) + additive
        for m in work.methods
        if takes_part(pairs, m) != "additive"
    }
    order = np.argsort(-np.nan_to_num(np.abs(pairs.deviation[:, column])), kind="stable")
    mine = np.flatnonzero((pairs.doubles["perturbation"] == double).to_numpy())
    shown = np.concatenate([order[:DOUBLES], np.setdiff1d(mine, order[:DOUBLES])])
    labels = names_of[shown].tolist()
    note = captions.one_gene(gene, observed, additive, list(classes), names_of.tolist(), predicted, work.names)
    note += captions.convention(work.threshold) + " Arrows: from the sum to the observation, coloured by class."
    if len(shown) < len(order):
        note += f" Drawn: the {len(shown)} of {len(order)} doubles furthest from additive."
    event = chart(
        work.mark(
            interaction_pairs.gene_view(
                labels,
                additive[shown],
                observed[shown],
                {m: v[shown] for m, v in predicted.items()},
                list(classes[shown]),
                work.names,
                work.colours,
                names_of[mine[0]] if len(mine) else "",
            ),
            gene,
        ),
        "gene",
        question=f"{gene}: where does it leave the sum of the singles?",
        alt=f"Sum of the singles, observation and predictions of {gene} in {len(labels)} doubles.",
        table=lambda: pd.DataFrame(
            {"double": names_of, "additive": additive, "observed": observed, "class": classes, **predicted}
        ),
        filename=f"gene-{gene}",
        select=True,
        note=note,
    )
    if event.clicked and str(event.clicked) in labels:
        session.defer(p=str(pairs.doubles["perturbation"].iloc[shown[labels.index(str(event.clicked))]]))


def _over_splits(work: Work, values: np.ndarray) -> np.ndarray:
    """Mean over the splits that predict a double: (R,) -> (D,), NaN where none does."""
    at, known, n = work.pairs.double, np.isfinite(values), len(work.pairs.doubles)
    total, times = np.bincount(at[known], weights=values[known], minlength=n), np.bincount(at[known], minlength=n)
    return np.divide(total, times, out=np.full(n, np.nan), where=times > 0)


def _double(work: Work, double: str, gene: str, method: str) -> None:
    pairs = work.pairs
    where = np.flatnonzero((pairs.doubles["perturbation"] == double).to_numpy())
    at = int(where[0])
    if len(where) > 1:
        contexts = {str(pairs.doubles["context"].iloc[d]): int(d) for d in where}
        at = contexts[choose.segmented_control("Context", contexts, key="ix_context")]
    codes = cache.true_classes(work.question)[at]
    classes = class_names(codes)
    additive = pairs.delta_a[at] + pairs.delta_b[at]
    rows = np.flatnonzero(pairs.double == at)
    values = pairs.predicted(method)[rows]
    known = np.isfinite(values).any(axis=1)
    predicted = values[known].mean(axis=0) + additive if known.any() else None
    counts = dict(zip(PAPER_CLASSES, class_counts(codes).tolist(), strict=True))
    genes = pairs.genes.to_numpy().astype(str)
    event = chart(
        work.mark(
            interaction_pairs.pair_view(
                genes, additive, pairs.delta_ab[at], classes, predicted, work.names[method], work.colours[method], gene
            ),
            double,
        ),
        "double",
        question=f"{double}: which genes leave the sum of the singles?",
        alt=f"Observed change of {len(genes)} genes in {double} against the sum of its singles.",
        table=lambda: pd.DataFrame(
            {"gene": genes, "additive": additive, "observed": pairs.delta_ab[at], "class": classes}
        ).assign(**({} if predicted is None else {method: predicted})),
        filename=f"double-{double}",
        note=captions.one_pair(double, counts, gene)
        + captions.convention(work.threshold)
        + " Click a gene to follow it.",
        select=True,
    )
    if event.clicked and str(event.clicked) in genes:
        session.defer(gene=str(event.clicked))
    st.page_link(
        navigation.path("profiles"),
        label=f"{escape(double)} in Profiles",
        icon=":material/scatter_plot:",
        query_params={**session.query("profiles"), "p": double, "gene": gene},
    )
