"""The controls of a table of scores: which of its contexts, gene numbers and perturbations count."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.scoring.genesets import key_in_words, parse_subset
from perturbviz.scoring.published_scores import contexts_of, gene_choices, genes_of
from perturbviz.scoring.view import ROWS
from perturbviz.ui import choose, session


def settle(table: ScoreTable, chosen: Collection[str] | None) -> None:
    """Make context and genes ones that the table holds.

    ``chosen``: fields that a link names where the table was just opened, None otherwise.
    """
    contexts, key = contexts_of(table), "context"
    fresh = chosen is not None and key not in chosen
    if fresh or st.session_state.get(key) not in ("", *contexts):
        opening = str((table.provenance or {}).get(key, ""))
        session.put(key, opening if opening in contexts else "")


def draw(table: ScoreTable, metric: str) -> None:
    """Context and number of genes where there are several, and whose perturbations count."""
    contexts = contexts_of(table)
    if len(contexts) > 1:
        words = {"": "all contexts", **{c: c for c in contexts}}
        choose.selectbox("Context", words, key="context", words=words)
    offered = gene_choices(table, metric)
    if len(offered) > 1:
        session.put("_table_genes", genes_of(table, metric, session.view()))
        choose.segmented_control("Genes", offered, key="_table_genes", words=key_in_words, on_change=_genes_chosen)
    if len(table.names) > 1:
        choose.selectbox("Perturbation set", ROWS, key="rows", words=ROWS)


def _genes_chosen() -> None:
    """The chosen gene subset becomes the view's."""
    try:
        subset = parse_subset(str(st.session_state.get("_table_genes")))
    except UserError:  # the table's own word for its genes
        return
    session.put("genes", subset.kind)
    session.put("n", subset.n)
    session.put("targets", subset.targets)
