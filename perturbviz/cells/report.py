"""What was understood of a file of cells: the account given to the person who asked for the aggregation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from anndata import AnnData

KEY = "aggregate"


@dataclass(frozen=True)
class AggregateReport:
    """What was read, kept and dropped; every entry of ``notes`` is one sentence worth showing.

    Attributes
    ----------
    file
        Name of the file of cells, without its folder.
    n_cells, n_dropped, n_empty
        Cells in the file; cells without a condition or context; cells whose counts are all zero.
    n_genes, n_conditions, n_contexts
        Size of the result; ``n_conditions`` counts distinct perturbations, control not included.
    value_space
        What the values were taken for: "counts" (normalised here) or "lognorm" (used as they are).
    notes
        Everything unusual that was met and how it was treated.
    """

    file: str
    n_cells: int
    n_dropped: int
    n_empty: int
    n_genes: int
    n_conditions: int
    n_contexts: int
    value_space: str
    notes: tuple[str, ...]

    def to_uns(self) -> dict[str, Any]:
        """Scalars and strings only, as ``uns`` wants them."""
        return {**asdict(self), "notes": "\n".join(self.notes)}

    @classmethod
    def from_uns(cls, stored: Mapping[str, Any]) -> AggregateReport:
        """The report that :meth:`to_uns` stored; numbers read back from disk are turned into plain ones again."""
        values = {f.name: stored[f.name] for f in fields(cls)}
        numbers = {k: int(v) for k, v in values.items() if k.startswith("n_")}
        notes = tuple(line for line in str(values["notes"]).split("\n") if line)
        return cls(**{**values, **numbers, "notes": notes})

    def sentences(self) -> tuple[str, ...]:
        """The report in words, the summary first."""
        contexts = "one context" if self.n_contexts == 1 else f"{self.n_contexts} contexts"
        treated = (
            "counts, normalised per cell and log1p-transformed" if self.value_space == "counts" else "log-normalised"
        )
        return (
            f"{self.file}: {self.n_cells:,} cells x {self.n_genes:,} genes, {self.n_conditions:,} perturbations "
            f"and control in {contexts}; values taken as {treated}.",
            *self.notes,
        )


def read_report(adata: AnnData) -> AggregateReport | None:
    """The report kept in a benchmark that came from cells; None for any other benchmark."""
    stored = adata.uns.get("perturbviz", {}).get(KEY)
    return None if stored is None else AggregateReport.from_uns(stored)
