"""The controls of the gene subset."""

from __future__ import annotations

import streamlit as st

from perturbviz.scoring import genesets
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.validity import genes_problem
from perturbviz.scoring.view import split_genes
from perturbviz.ui import choose, session
from perturbviz.ui.memo import memo

_GRID = (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000)


def draw(evaluation: Evaluation) -> None:
    """Kind and number of genes, as far as the metric allows them here."""
    own = split_genes(st.session_state.get("own") or "") or tuple(evaluation.benchmark.genes[:1])
    problems = _problems(evaluation, st.session_state["metric"], bool(st.session_state.get("targets", True)), own)
    offered = [kind for kind, problem in problems.items() if not problem] or ["all"]
    if st.session_state["genes"] not in offered:
        session.put("genes", "expressed" if "expressed" in offered else offered[0])
    choose.segmented_control(
        "Genes",
        offered,
        key="genes",
        words={"all": "all", "expressed": "expressed", "de": "DE", "own": "own"},
        help="\n\n".join(
            f"**{genesets.LABELS[k]}**: {genesets.DEFINITION[k]} *Good:* {genesets.PRO[k]} *Bad:* {genesets.CON[k]}"
            for k in genesets.KINDS
        ),
    )
    kind, total = st.session_state["genes"], evaluation.benchmark.adata.n_vars
    if kind in ("expressed", "de"):
        session.put("n", min(int(st.session_state["n"]), total))
        grid = sorted({g for g in _GRID if g < total} | {total, st.session_state["n"]})
        choose.select_slider("Number of genes", grid, key="n", words=lambda v: f"{v:,}", persist_state="session")
    elif kind == "own":
        _own(evaluation)
    else:
        st.caption(f"{total:,} genes.")
    st.checkbox(
        "Count the perturbed genes themselves",
        key="targets",
        help="A knocked-down gene goes down in every honest prediction: leaving it out asks for the rest.",
    )
    for reason in dict.fromkeys(problem for problem in problems.values() if problem):
        st.caption(reason)


@memo(200)
def _problems(evaluation: Evaluation, metric: str, targets: bool, own: tuple[str, ...]) -> dict[str, str]:
    """Kind of gene subset -> why the metric does not allow it here, "" where it does."""
    return {
        kind: genes_problem(metric, genesets.GeneSubset(kind, targets=targets, own=own), evaluation)
        for kind in genesets.KINDS
    }


def _own(evaluation: Evaluation) -> None:
    st.text_input(
        "Your genes",
        key="own",
        placeholder="KLF1 GATA1 HBG2",
        persist_state="session",
        help="Gene names, separated by blanks or commas.",
    )
    missing = genesets.unmeasured(session.view().own, evaluation)
    if missing:
        st.caption(f"Not measured here: {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''}")
