"""A table of scores computed elsewhere, as the scores every page reads: its metrics' cards, the values of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast

import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import n_perturbed
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, Card
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.view import View, card_label, card_name


def card_of(table: ScoreTable, metric: str) -> Card:
    """What is known of a metric: name, symbol and direction as the table declares them.

    The rest is the catalogue's where the table says that the metric is one of it; otherwise it stays empty.
    """
    known = table.metrics[metric]
    card = CATALOGUE[known["card"]].card if known.get("card") in CATALOGUE else _blank(table, metric)
    name = known.get("name", metric)
    return replace(
        card,
        name=name,
        symbol=known.get("symbol", card.symbol or name),
        better=cast(Literal["lower", "higher"], known["better"]),
        summary=known.get("note", card.summary),
        parameter=None,
        plain_twin="",
    )


def label_of(table: ScoreTable, metric: str) -> str:
    """Symbol of a metric with the table's reference: "rΔ vs control"."""
    return card_label(card_of(table, metric), table.reference(metric))


def name_of(table: ScoreTable, metric: str) -> str:
    """Full name of a metric with the table's reference."""
    return card_name(card_of(table, metric), table.reference(metric))


def _blank(table: ScoreTable, metric: str) -> Card:
    """A card of which only the source is known."""
    return Card(
        id=metric,
        name="",
        symbol="",
        formula="",
        better="higher",
        range="",
        perfect=np.nan,
        empty="",
        summary="As published; its definition is that of its source.",
        pro="",
        con="",
        gaming="",
        source=table.title,
        family="as published",
    )


def genes_of(table: ScoreTable, metric: str, view: View) -> str:
    """The gene subset of a view where the table holds it for the metric, otherwise the table's first."""
    there = gene_choices(table, metric)
    return view.subset.key if view.subset.key in there else there[0]


def gene_choices(table: ScoreTable, metric: str) -> list[str]:
    """Gene subsets that a table holds for a metric, in its order."""
    frame = table.frame
    return [str(genes) for genes in frame.loc[frame["metric"] == metric, "genes"].unique()]


def contexts_of(table: ScoreTable) -> list[str]:
    """Contexts of a table, in its order."""
    return [str(context) for context in table.frame["context"].unique()]


def scores_of_view(table: ScoreTable, view: View, methods: Sequence[str] | None = None) -> Scores:
    """The scores of a view of a table: its metric, genes, context and split, for the shown methods.

    A method that gives none of the perturbations that context and split leave is left out. With rows "common" only
    perturbations that every other one gives count.

    Raises
    ------
    UserError
        Where the table lacks the metric, or no perturbation is common.
    """
    if view.metric not in table.metrics:
        raise UserError(f"The table holds no {view.metric!r}; it holds: {', '.join(table.metrics)}.")
    genes = genes_of(table, view.metric, view)
    found = scores_of(table, view.metric, genes=genes)
    shown = [m for m in (methods or found.methods) if not view.show or m in view.show]
    rows = found.rows
    keep = np.ones(len(rows), bool)
    if view.context in contexts_of(table):
        keep &= (rows["context"] == view.context).to_numpy()
    if view.seed in set(rows["seed"]):
        keep &= (rows["seed"] == view.seed).to_numpy()
    given = _given(table, genes, shown, rows)
    there = np.flatnonzero(given[:, keep].any(axis=1))
    shown, given = [shown[i] for i in there], given[there]
    if view.rows == "common":
        asked, keep = keep, keep & given.all(axis=0)
        if asked.any() and not keep.any():
            raise UserError("No perturbation is given for every shown method: choose one context, or fewer methods.")
    return found.select(shown, keep)


def _given(table: ScoreTable, genes: str, methods: Sequence[str], rows: pd.DataFrame) -> np.ndarray:
    """Which rows a method has any value of, whatever the metric: (methods, rows) bool."""
    frame = table.frame[(table.frame["genes"] == genes) & table.frame["value"].notna()]
    keys = ["seed", "context", "perturbation"]
    where = pd.MultiIndex.from_frame(rows[keys].astype(str))
    return np.array(
        [
            where.isin(pd.MultiIndex.from_frame(frame.loc[frame["method"] == m, keys].astype(str).drop_duplicates()))
            for m in methods
        ],
        bool,
    ).reshape(len(methods), len(rows))


def scores_of(table: ScoreTable, metric: str, reference: str | None = None, genes: str | None = None) -> Scores:
    """The scores of one metric as :class:`scoring.scores.Scores` (first reference and genes where not given).

    Raises
    ------
    UserError
        If the table holds no such metric.
    """
    frame = table.frame[table.frame["metric"] == metric]
    if frame.empty:
        raise UserError(f"The table holds no {metric!r}; it holds: {', '.join(table.metrics)}.")
    reference = frame["reference"].iloc[0] if reference is None else reference
    genes = frame["genes"].iloc[0] if genes is None else genes
    frame = frame[(frame["reference"] == reference) & (frame["genes"] == genes)]
    wide = frame.pivot(index=["seed", "context", "perturbation"], columns="method", values="value")
    methods = tuple(m for m in table.names if m in wide)
    rows = wide.index.to_frame(index=False).astype(object)
    rows["n_perturbed"] = [n_perturbed(p) for p in rows["perturbation"]]
    values = wide[list(methods)].to_numpy(float).T
    n_genes = frame.groupby(["seed", "context", "perturbation"])["n_genes"].first().reindex(wide.index).to_numpy()
    reasons = {
        m: "undefined as published" if np.isnan(v).all() else f"not given for {np.isnan(v).sum()} of {len(v)}"
        for m, v in zip(methods, values, strict=True)
        if np.isnan(v).any()
    }
    if zero := table.metrics[metric].get("zero"):
        cut = {m: int((v == 0).sum()) for m, v in zip(methods, values, strict=True) if (v == 0).any()}
        reasons |= {m: f"{n} of {values.shape[1]} values are 0 ({zero})" for m, n in cut.items() if m not in reasons}
    return Scores(
        card_of(table, metric),
        metric,
        reference,
        genes,
        methods,
        tuple(table.names[m] for m in methods),
        rows,
        values,
        n_genes,
        reasons,
    )
