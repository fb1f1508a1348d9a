"""What a competitor may learn from: the training perturbations of one context, and what every competitor offers.

Everything in ``baselines`` is fitted on a :class:`Training` and on nothing else. Held-out perturbations are not part
of it, so that centring, principal components and means cannot see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from perturbviz.errors import UserError

#: Predicted changes, perturbations × genes (a NaN row where there is none), and the reason of every NaN row.
Predicted = tuple[np.ndarray, dict[str, str]]


class Fitted(Protocol):
    """A competitor after fitting."""

    def predict(self, names: Sequence[str]) -> Predicted:
        """Changes of the named perturbations, n × G; a NaN row has its reason in the dictionary."""


class Competitor(Protocol):
    """A recipe for predictions: a frozen dataclass whose fields are its knobs."""

    @property
    def label(self) -> str:
        """The recipe in one line, the method's name in the competition."""

    def fit(self, training: Training) -> Fitted:
        """Learn from the training perturbations alone."""


@dataclass(frozen=True, eq=False)
class Training:
    """Training perturbations of one context.

    Parameters
    ----------
    names
        N canonical perturbation names ("A", "A+B"), each once; control is not among them.
    changes
        N × G float64: mean expression minus control mean, in the benchmark's value space.
    genes
        G gene names, each once.
    control
        Control mean, G float64; absent where the data hold changes only.
    raw_profiles
        N × G float64 mean expression. Absent, it is ``changes + control``, and ``changes`` where there is no control
        either.
    context
        Where the changes were measured. A perturbation may be held out in one context and training in another.

    Raises
    ------
    UserError
        On shapes that do not fit, names that occur twice, or values that are not finite.
    """

    names: tuple[str, ...]
    changes: np.ndarray
    genes: tuple[str, ...]
    control: np.ndarray | None = None
    raw_profiles: np.ndarray | None = None
    context: str = ""

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, names that occur twice and values that are not finite."""
        shape = (len(self.names), len(self.genes))
        _check(self.changes, shape, "changes")
        if self.control is not None:
            _check(self.control, shape[1:], "control mean")
        if self.raw_profiles is not None:
            _check(self.raw_profiles, shape, "profiles")
        for what, labels in (("perturbation", self.names), ("gene", self.genes)):
            twice = pd.Index(labels)[pd.Index(labels).duplicated()]
            if len(twice):
                raise UserError(f"The {what} {twice[0]!r} occurs twice in the training data; merge or drop one.")
        if not all(shape):
            raise UserError(f"There is nothing to train on: {shape[0]} perturbations × {shape[1]} genes.")

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of every perturbation."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def gene_index(self) -> pd.Index:
        """Gene names, for look-ups."""
        return pd.Index(self.genes)

    @property
    def profiles(self) -> np.ndarray:
        """N × G expression profiles, or the changes where the data hold no expression."""
        if self.raw_profiles is not None:
            return self.raw_profiles
        return self.changes if self.control is None else self.changes + self.control

    def mean(self) -> np.ndarray:
        """Mean change over the training perturbations, G: variant (i) of the mean baseline."""
        return self.changes.mean(axis=0)

    def subset(self, names: Iterable[str]) -> Training:
        """The named perturbations, in that order; raises :class:`UserError` for one that is not here."""
        names = tuple(names)
        unknown = [n for n in names if n not in self.index]
        if unknown:
            raise UserError(f"{unknown[0]!r} is not among the {len(self.names)} perturbations of this data set.")
        rows = [self.index[n] for n in names]
        raw = None if self.raw_profiles is None else self.raw_profiles[rows]
        return Training(names, self.changes[rows], self.genes, self.control, raw, self.context)

    def on_genes(self, genes: Sequence[str]) -> Training:
        """The same perturbations on the given genes, by name; raises :class:`UserError` for a gene not measured."""
        genes = tuple(genes)
        if genes == self.genes:
            return self
        columns = self.gene_index.get_indexer(list(genes))
        if (columns < 0).any():
            missing = genes[int(np.argmin(columns))]
            raise UserError(f"{(columns < 0).sum()} of {len(genes)} genes are not measured here, {missing!r} first.")
        control = None if self.control is None else self.control[columns]
        raw = None if self.raw_profiles is None else self.raw_profiles[:, columns]
        return Training(self.names, self.changes[:, columns], genes, control, raw, self.context)


def unpredicted(names: Sequence[str], n_genes: int) -> np.ndarray:
    """An n × G array of NaN to be filled where there is a prediction."""
    return np.full((len(names), n_genes), np.nan)


def _check(values: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    if values.shape != shape:
        raise UserError(f"The training {what} have shape {values.shape}, but names and genes ask for {shape}.")
    if not np.isfinite(values).all():
        raise UserError(
            f"The training {what} hold {(~np.isfinite(values)).sum()} missing or infinite values; "
            "drop the genes or perturbations that are not measured."
        )
