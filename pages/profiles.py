"""Profiles: predicted against observed values, of one perturbation gene by gene or of one gene over perturbations."""

import streamlit as st

from perturbviz.analyses import profiles
from perturbviz.panels import profiles as panels
from perturbviz.scoring.references import LABELS
from perturbviz.scoring.scores import Scores
from perturbviz.ui import choose, session
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, begin, four_questions, stop


def main() -> None:
    """The page."""
    current = begin("profiles")
    view, evaluation = current.view, current.evaluated
    scores = current.scores()
    if scores.rows.empty or "*" in set(scores.rows["perturbation"]):
        scores = current.scores(view.with_(metric="l2"))
    if scores.rows.empty:
        stop("No perturbation is left under this view: widen the perturbation set in the sidebar.")
    pick, split, follow = st.columns([2, 1, 2])
    name, row = which_row(scores, pick, split)
    found = profiles.of_perturbation(evaluation, view, scores, row)
    gene = which_gene(current, list(found.labels), follow)
    symbol, values = scores.card.symbol, scores.values[:, row]
    event = draw(panels.perturbation(found, current.look, name, symbol, values, gene), current.token)
    if event.clicked and event.clicked in found.labels:
        session.defer(gene=str(event.clicked))
    st.caption(four_questions(current, scores) + f" · drawn relative to: **{LABELS[found.reference]}**")
    if gene:
        across = profiles.of_gene(evaluation, view, scores, gene)
        draw(panels.gene(across, current.look, gene, name), current.token)


def which_row(scores: Scores, pick, split) -> tuple[str, int]:
    """A perturbation, and its row of the scores: opens on the hardest."""
    rows = scores.rows
    available = sorted(rows["perturbation"].unique())
    if st.session_state.get("p") not in available:
        st.session_state["p"] = profiles.hardest(scores)
    name = choose.selectbox(
        "Perturbation", available, key="p", place=pick, persist_state="session", help="Opens on the hardest one."
    )
    here = rows[rows["perturbation"] == name]
    said = {i: [v for v in (f"seed {rows.seed[i]}" if rows.seed[i] else "", rows.context[i]) if v] for i in here.index}
    places = {" · ".join(words) or "the only one": i for i, words in said.items()}
    place = choose.selectbox("Split and context", places, key="_place", place=split)
    return name, places[place]


def which_gene(current: Current, drawn: list[str], place) -> str:
    """The gene that is followed over perturbations, "" for none: one of those drawn, or another one of the data."""
    gene, options = session.extra("gene"), ["", *drawn]
    if gene and gene not in current.evaluated.benchmark.genes:
        st.session_state["gene"] = gene = ""
    elif gene not in options:
        options.append(gene)
    choose.selectbox(
        "Follow a gene over perturbations",
        options,
        key="gene",
        persist_state="session",
        words=lambda g: g or "none (click one in a panel)",
        place=place,
    )
    return gene


main()
