"""A table of scores computed elsewhere, as the scores every page reads: its metrics' cards, the values of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

import numpy as np

from perturbviz.benchmark.perturbations import n_perturbed
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, Card
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.view import card_label, card_name


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
