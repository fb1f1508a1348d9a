"""Errors: the distribution of the score over perturbations, paired differences, and the score against the number of genes."""

import pandas as pd
import streamlit as st

from perturbviz.panels import captions
from perturbviz.panels.figures import errors as figures
from perturbviz.scoring.rankings import per_unit
from perturbviz.stats import average
from perturbviz.ui import cache, ceiling, choose, navigation, session
from perturbviz.ui.chart import chart
from perturbviz.ui.current import begin, four_questions

PAIRED_POINTS = 560  # that chart has half the width

current = begin("errors", needs="scores")
ranking = current.ranking()
scores = ranking.scores
order = list(ranking.table.index)
names = {m: current.name(m) for m in current.methods}
axis = scores.card.axis or scores.card.name
perturbation = session.extra("p")
points, perturbations = per_unit(scores.values, scores.rows, ranking.unit)
at = {m: i for i, m in enumerate(scores.methods)}


st.markdown(captions.headline(ranking))
st.caption(four_questions(current, scores))
with st.container(key="pv-scales"):
    ceiling.switch(current)
perfect = ceiling.score(current)
swarms = figures.distribution(
    points[[at[m] for m in order]],
    perturbations,
    order,
    names,
    current.colours,
    ranking.table["score"].to_dict(),
    f"{axis} · {scores.card.arrow}",
    perturbation,
    ranking.table["reason"].to_dict(),
)
event = chart(
    current.mark(ceiling.drawn(swarms, perfect)),
    "distribution",
    question=f"How is the {scores.card.name} spread over perturbations?",
    alt=captions.alt_order(ranking),
    table=scores.to_frame,
    filename=f"scores-{scores.metric}",
    note=captions.spread(ranking, current.view.avg)
    + captions.a_point_is(perturbations)
    + ceiling.note(perfect)
    + captions.thinned(figures.points_a_method(len(order)), len(perturbations)),
    select=True,
)
if event.clicked:
    session.defer(p=str(event.clicked))
with st.container(horizontal=True, gap="small", vertical_alignment="center"):  # always there: nothing below may shift
    if perturbation:
        st.markdown(f"**{captions.escape(perturbation)}** is marked.")
        st.page_link(navigation.path("profiles"), label="See its profile", icon=":material/scatter_plot:")
        st.button("Clear", on_click=session.set_extra, args=("p", ""), type="tertiary")

left, right = st.columns(2, gap="large")
with left:
    defined = ranking.defined
    if len(defined) < 2:
        st.info(
            "Two methods with a defined score are needed for a paired comparison: switch on another one in the sidebar."
        )
    else:
        if st.session_state.get("against") not in defined:
            st.session_state["against"] = next((m for m in ("additive", "mean") if m in defined), defined[0])
        choices = [m for m in current.shown if m in defined]  # in an order that stays from click to click
        against = choose.selectbox("Compared with", choices, key="against", words=names, persist_state="session")
        others = [m for m in defined if m != against]
        differences = scores.values[[at[m] for m in others]] - scores.values[at[against]]
        chart(
            current.mark(
                figures.distribution(
                    per_unit(differences, scores.rows, ranking.unit)[0],
                    perturbations,
                    others,
                    names,
                    current.colours,
                    dict(zip(others, average(differences, current.view.avg), strict=True)),
                    f"{scores.card.symbol} − {names[against]}'s",
                    perturbation,
                    zero=True,
                    points=PAIRED_POINTS,
                ),
                against,
            ),
            "paired",
            question=f"Perturbation by perturbation, who beats {names[against]}?",
            alt=f"Paired differences of {len(others)} methods to {names[against]}.",
            table=lambda: pd.DataFrame(differences.T, columns=[names[m] for m in others]).assign(
                **scores.rows[["seed", "context", "perturbation"]]
            ),
            filename=f"paired-{scores.metric}",
            note=captions.paired(ranking, against, differences, others)
            + captions.thinned(figures.points_a_method(len(others), PAIRED_POINTS), len(perturbations)),
        )
with right:
    if current.evaluation is None:
        st.info(
            "The score against the number of genes needs predictions gene by gene; this table holds scores only.",
            icon=":material/table_chart:",
        )
    else:
        curves = cache.curves(current.source, current.view)
        if not curves:
            st.info(
                f"{scores.card.name} cannot be followed over the number of genes here: it needs an order of the genes by "
                "expression or change that is the same for every perturbation. Choose another metric in the sidebar."
            )
        else:
            orders = {"expressed": "by expression in control", "de": "by observed change, per perturbation"}
            if st.session_state.get("order") not in curves:
                st.session_state["order"] = current.view.genes if current.view.genes in curves else next(iter(curves))
            order_by = choose.segmented_control(
                "Genes in order", curves, key="order", words=orders, persist_state="session"
            )
            n, averages = curves[order_by]
            lines = {m: (n, averages[i]) for i, m in enumerate(current.shown)}
            here = current.view.n if current.view.genes == order_by else None
            chart(
                current.mark(
                    figures.over_n(
                        lines,
                        names,
                        current.colours,
                        f"{current.view.avg} {axis}",
                        f"number of genes, {orders[order_by]}",
                        here,
                        current.controls,
                    ),
                    order_by,
                ),
                "over-n",
                question="Does the order depend on how many genes count?",
                alt=f"{scores.card.name} of {len(lines)} methods against the number of genes, {orders[order_by]}.",
                table=lambda: pd.DataFrame({"n": n, **{names[m]: v for m, (_, v) in lines.items()}}),
                filename=f"over-n-{scores.metric}",
                note=captions.crossings(n, averages, current.shown, current.name, scores.card),
            )
