"""ScoreTable: scores that somebody else computed, kept as they are, on which only ranking and error pages work."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from perturbviz.benchmark.value import ByIdentity
from perturbviz.errors import UserError

#: Columns of every long table of scores.
COLUMNS = ["method", "seed", "context", "perturbation", "metric", "reference", "genes", "n_genes", "value"]
#: What may stand in the column reference; "published": the table does not say what was subtracted.
REFERENCES = ("none", "control", "perturbation", "published")


@dataclass(frozen=True, eq=False)
class ScoreTable(ByIdentity):
    """Tidy scores with the columns of ``COLUMNS``.

    Attributes
    ----------
    frame
        One line per method, seed, context, perturbation and metric.
    metrics
        Metric id -> what is known about it: ``better`` ("lower" or "higher"), and optionally ``name``, ``symbol``,
        ``note`` and ``card`` (id of the catalogue's metric it equals).
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
        """Refuse tables without the columns, without a direction or reference of a metric, or with doubled lines."""
        missing = [c for c in COLUMNS if c not in self.frame]
        if missing:
            raise UserError(f"The score table lacks the column(s) {', '.join(missing)}.")
        directed = {m for m, known in self.metrics.items() if known.get("better") in ("lower", "higher")}
        unknown = (set(self.frame["metric"].unique()) | set(self.metrics)) - directed
        if unknown:
            raise UserError(
                f"For the metric(s) {', '.join(sorted(unknown))} it is not said whether lower or higher is better."
            )
        if odd := set(self.frame["method"].unique()) ^ set(self.names):
            raise UserError(
                f"The score table needs a name for each of its methods and no others: {', '.join(sorted(odd))}."
            )
        strange = set(self.frame["reference"].unique()) - set(REFERENCES)
        if strange:
            raise UserError(
                f"The score table's reference {', '.join(map(repr, sorted(strange, key=str)))} is not one of "
                f"{', '.join(REFERENCES)}."
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

    @cached_property
    def identity(self) -> tuple[str, str]:
        """The content and what is said about metrics and methods: tables that share them are equal."""
        return self.content_id, repr([{m: dict(known) for m, known in self.metrics.items()}, dict(self.names)])

    def reference(self, metric: str) -> str:
        """What was subtracted for a metric (first appearance): none, control, perturbation or published."""
        return str(self.frame["reference"].to_numpy()[(self.frame["metric"] == metric).to_numpy().argmax()])

    def settings(self) -> list[tuple[str, str, str]]:
        """(metric, reference, genes) in order of first appearance."""
        return list(dict.fromkeys(map(tuple, self.frame[["metric", "reference", "genes"]].itertuples(index=False))))
