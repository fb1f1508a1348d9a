"""ScoreTable: scores that somebody else computed, kept as they are, on which only ranking and error pages work."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, Card
from perturbviz.perturbations import n_perturbed
from perturbviz.scores import COLUMNS, Scores


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Tidy scores with the columns of ``perturbviz.scores.COLUMNS``.

    Attributes
    ----------
    frame
        One line per method, seed, context, perturbation and metric.
    metrics
        Metric id -> what is known about it: ``name``, ``better`` ("lower" or "higher"), optional ``note`` and
        ``card`` (id of the catalogue's metric it equals).
    names
        Method slug -> display name.
    title, note, provenance
        What the table is, what to know before reading it, and where it comes from.
    """

    frame: pd.DataFrame
    metrics: Mapping[str, Mapping[str, str]]
    names: Mapping[str, str]
    title: str
    note: str = ""
    provenance: Mapping[str, Any] | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse tables without the columns, without a direction for a metric, or with doubled lines."""
        missing = [c for c in COLUMNS if c not in self.frame]
        if missing:
            raise UserError(f"The score table lacks the column(s) {', '.join(missing)}.")
        unknown = set(self.frame["metric"].unique()) - set(self.metrics)
        if unknown:
            raise UserError(
                f"For the metric(s) {', '.join(sorted(unknown))} it is not said whether lower or higher is better."
            )
        doubled = self.frame.duplicated([c for c in COLUMNS if c not in ("value", "n_genes")])
        if doubled.any():
            line = self.frame[doubled].iloc[0]
            raise UserError(
                f"The score table has more than one {line['metric']} of {line['method']} for {line['perturbation']} "
                f"(seed {line['seed']!r}): keep one."
            )

    @cached_property
    def content_id(self) -> str:
        """Sixteen hex digits that change when any score changes."""
        hashed = pd.util.hash_pandas_object(self.frame[COLUMNS].astype(str), index=False).to_numpy()
        return hashlib.blake2b(hashed.tobytes(), digest_size=8).hexdigest()

    def card(self, metric: str) -> Card:
        """The catalogue's card where the table says the metric is that one; otherwise a card with what is known."""
        known = self.metrics[metric]
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
            source=self.title,
            family=metric,
        )

    def settings(self) -> list[tuple[str, str, str]]:
        """(metric, reference, genes) in order of first appearance."""
        return list(dict.fromkeys(map(tuple, self.frame[["metric", "reference", "genes"]].itertuples(index=False))))

    def scores(self, metric: str, reference: str | None = None, genes: str | None = None) -> Scores:
        """The scores of one metric as :class:`perturbviz.scores.Scores` (first reference and genes where not given)."""
        frame = self.frame[self.frame["metric"] == metric]
        if frame.empty:
            raise UserError(f"The table holds no {metric!r}; it holds: {', '.join(self.metrics)}.")
        reference = frame["reference"].iloc[0] if reference is None else reference
        genes = frame["genes"].iloc[0] if genes is None else genes
        frame = frame[(frame["reference"] == reference) & (frame["genes"] == genes)]
        wide = frame.pivot(index=["seed", "context", "perturbation"], columns="method", values="value")
        methods = tuple(m for m in self.names if m in wide)
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
            self.card(metric),
            metric,
            reference,
            genes,
            methods,
            tuple(self.names[m] for m in methods),
            rows,
            values,
            n_genes,
            reasons,
        )
