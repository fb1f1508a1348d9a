"""Errors: the score's distribution over perturbations, paired differences, the score against the number of genes."""

import streamlit as st

from perturbviz.panels import captions
from perturbviz.panels import errors as panels
from perturbviz.scoring.rankings import Ranking
from perturbviz.ui import cache, ceiling, choose, navigation, session
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, begin, four_questions
from perturbviz.ui.sections.error_parts import error_parts


def main() -> None:
    """The page."""
    current = begin("errors", needs="scores")
    ranking = current.ranking()
    st.markdown(captions.headline(ranking))
    st.caption(four_questions(current, ranking.scores))
    with st.container(key="pv-scales"):
        ceiling.switch(current)
    perturbation, perfect = session.extra("p"), ceiling.score(current)
    event = draw(panels.distribution(ranking, current.look, perturbation, perfect), current.token)
    if event.clicked:
        session.defer(p=str(event.clicked))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):  # always: nothing below may shift
        if perturbation:
            st.markdown(f"**{captions.escape(perturbation)}** is marked.")
            st.page_link(navigation.path("profiles"), label="See its profile", icon=":material/scatter_plot:")
            st.button("Clear", on_click=session.set_extra, args=("p", ""), type="tertiary")
    error_parts(current)
    left, right = st.columns(2, gap="large")
    with left:
        compared(current, ranking, perturbation)
    with right:
        over_n(current)


def compared(current: Current, ranking: Ranking, perturbation: str) -> None:
    """Paired differences to a method that is chosen here."""
    defined = ranking.defined
    if len(defined) < 2:
        st.info("A paired comparison needs two methods with a defined score: switch on another one in the sidebar.")
        return
    if st.session_state.get("against") not in defined:
        st.session_state["against"] = next((m for m in ("additive", "mean") if m in defined), defined[0])
    choices = [m for m in current.shown if m in defined]  # in an order that stays from click to click
    against = choose.selectbox(
        "Compared with", choices, key="against", words=current.look.names, persist_state="session"
    )
    draw(panels.paired(ranking, against, current.look, perturbation), current.token)


def over_n(current: Current) -> None:
    """The score against the number of genes, in an order of genes that is chosen here."""
    view, scores = current.view, current.ranking().scores
    if current.evaluation is None:
        st.info(
            "The score against the number of genes needs predictions gene by gene; this table holds scores only.",
            icon=":material/table_chart:",
        )
        return
    curves = cache.curves(current.source, view)
    if not curves:
        st.info(
            f"{scores.card.name} cannot be followed over the number of genes here: it needs an order of the genes by "
            "expression or change that is the same for every perturbation. Choose another metric in the sidebar."
        )
        return
    if st.session_state.get("order") not in curves:
        st.session_state["order"] = view.genes if view.genes in curves else next(iter(curves))
    order = choose.segmented_control(
        "Genes in order", curves, key="order", words=panels.GENE_ORDERS, persist_state="session"
    )
    here = view.n if view.genes == order else None
    draw(panels.over_n(*curves[order], scores, current.look, how=view.avg, order=order, here=here), current.token)


main()
