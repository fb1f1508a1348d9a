"""A table of scores computed elsewhere, as the scores every page reads: its metrics' cards and the values of one of them."""

from __future__ import annotations

import numpy as np

from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, Card
from perturbviz.perturbations import n_perturbed
from perturbviz.scores import Scores
from perturbviz.scoretable import ScoreTable


def card_of(table: ScoreTable, metric: str) -> Card:
    """The catalogue's card where the table says the metric is that one; otherwise a card with what is known."""
    known = table.metrics[metric]
    if known.get("card") in CATALOGUE:
        return CATALOGUE[known["card"]].card
    return Card(
        id=metric,
        name=known.get("name", metric),
        symbol=known.get("name", metric),
        formula="",
        better="lower" if known.get("better") == "lower" else "higher",
        range="",
        perfect=np.nan,
        empty="",
        summary=known.get("note", "As published; its definition is that of its source."),
        pro="",
        con="",
        gaming="",
        source=table.title,
        family=metric,
    )


def scores_of(table: ScoreTable, metric: str, reference: str | None = None, genes: str | None = None) -> Scores:
    """The scores of one metric as :class:`perturbviz.scores.Scores` (first reference and genes where not given)."""
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
