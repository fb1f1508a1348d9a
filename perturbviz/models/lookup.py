"""From a perturbation's name to its row in an embedding, and the reason where it has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import targets
from perturbviz.errors import UserError
from perturbviz.models.embeddings import checked_table, gene_scores, principal_axes, random_rows
from perturbviz.models.training import Training

#: Where an embedding comes from: a table (names × dimensions), or computed when the model is fitted.
Source: TypeAlias = pd.DataFrame | Literal["pca", "identity", "random", "zero"]
SOURCES = ("pca", "identity", "random", "zero")


@dataclass(frozen=True, eq=False)
class PerturbationRows:
    """Rows of a perturbation embedding.

    Parameters
    ----------
    table
        Names × L. None for rows made from the name: standard normal, or zero where ``seed`` is None.
    missing
        Ends the sentence "its target X ...".
    sum_doubles
        Give "A+B" the sum of the rows of A and B. A row of the table named "A+B" comes first.
    n_dims, seed
        Of rows made from the name.
    """

    table: pd.DataFrame | None
    missing: str
    sum_doubles: bool
    n_dims: int
    seed: int | None = None

    @cached_property
    def _names(self) -> pd.Index:
        """Names of the table's rows; an index of strings keeps its look-up table from fit to fit."""
        index = pd.Index([], dtype=object) if self.table is None else self.table.index
        return index if index.inferred_type in ("string", "empty") else index.map(str)

    def rows(self, names: Sequence[str]) -> tuple[np.ndarray, dict[str, str]]:
        """Rows of the named perturbations, n × L (NaN where there is none), and the reason of every NaN row."""
        found = {name: self._parts(name) for name in names}
        reasons = {name: parts for name, parts in found.items() if isinstance(parts, str)}
        known = [i for i, name in enumerate(names) if name not in reasons]
        out = np.full((len(names), self.n_dims), np.nan)
        if known:
            flat = [part for i in known for part in found[names[i]]]
            starts = np.cumsum([0] + [len(found[names[i]]) for i in known[:-1]])
            out[known] = np.add.reduceat(self._values(flat), starts, axis=0)
        return out, reasons

    def _parts(self, name: str) -> tuple[str, ...] | str:
        """Names whose rows are summed, or why there are none."""
        parts = targets(name)
        if not parts:
            return "it is control, not a perturbation"
        if name in self._names or (self.table is None and not (self.sum_doubles and len(parts) > 1)):
            return (name,)
        if len(parts) > 1 and not self.sum_doubles:
            return "it is a combination, and this model does not sum the rows of its targets"
        lost = [p for p in parts if self.table is not None and p not in self._names]
        return f"its target {lost[0]} {self.missing}" if lost else parts

    def _values(self, names: Sequence[str]) -> np.ndarray:
        if self.table is not None:
            return self.table.to_numpy()[self._names.get_indexer(list(names))]
        if self.seed is None:
            return np.zeros((len(names), self.n_dims))
        return random_rows(names, self.n_dims, self.seed)


def perturbation_rows(
    source: Source,
    training: Training,
    *,
    dims: int,
    seed: int = 0,
    sum_doubles: bool = True,
    include_control: bool = False,
    scores: pd.DataFrame | None = None,
    cut_table: bool = False,
) -> PerturbationRows:
    """The perturbation embedding a model asks for, computed from the training data where it is not given.

    Parameters
    ----------
    source
        A table; "pca": the gene score of the target (a perturbation whose target is not measured has no row);
        "identity": one dimension per training perturbation, or per target if doubles are sums; "random"; "zero".
    dims, seed
        Dimensions of "pca", "random" and "zero", and the seed of "random".
    scores
        :func:`~perturbviz.models.embeddings.gene_scores` of this training set, with at least ``dims`` columns,
        if the caller has them.
    cut_table
        Reduce a given table to its ``dims`` principal axes; otherwise it enters whole, as in the paper.

    Raises
    ------
    UserError
        If there is no embedding of that name, or ``dims`` is below 1.
    """
    if dims < 1:
        raise UserError(f"An embedding needs at least one dimension, not {dims}.")
    if isinstance(source, pd.DataFrame):
        table = checked_table(source)
        table = principal_axes(table, dims) if cut_table else table
        return PerturbationRows(table, "has no embedding", sum_doubles, table.shape[1])
    if source == "pca":
        table = gene_scores(training, dims, include_control) if scores is None else scores.iloc[:, :dims]
        missing = "is not among the measured genes, so the training data give it no embedding"
        return PerturbationRows(table, missing, sum_doubles, table.shape[1])
    if source == "identity":
        units = sorted({t for n in training.names for t in targets(n)}) if sum_doubles else list(training.names)
        table = pd.DataFrame(np.eye(len(units)), index=pd.Index(units))
        return PerturbationRows(table, "is not in the training data", sum_doubles, len(units))
    if source in ("random", "zero"):
        return PerturbationRows(None, "", sum_doubles, dims, seed if source == "random" else None)
    raise UserError(f"There is no embedding {source!r}; give a table or one of: {', '.join(SOURCES)}.")


def matched(rows: PerturbationRows, training: Training, least: int = 2) -> tuple[list[str], np.ndarray]:
    """Training perturbations that have a row, in code-point order, and their rows.

    The order makes every result independent of the order of the training data. Raises :class:`UserError` with the
    first reason where fewer than ``least`` have one.
    """
    names = sorted(training.names)
    values, reasons = rows.rows(names)
    known = [i for i, name in enumerate(names) if name not in reasons]
    if len(known) < least:
        first = next(iter(reasons.items()), None)
        why = f"; {first[0]}: {first[1]}" if first else ""
        raise UserError(
            f"{len(known)} of {len(names)} training perturbations have a row in the embedding, "
            f"and the model needs at least {least}{why}."
        )
    return [names[i] for i in known], values[known]


def source_name(source: Source) -> str:
    """What to call an embedding in a recipe: its kind, or the name its table carries in ``attrs["name"]``."""
    return str(source.attrs.get("name", "table")) if isinstance(source, pd.DataFrame) else source
