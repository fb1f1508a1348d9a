"""What competitors share that predict changes from the rows of a perturbation embedding; ridge regression is the first.

"A+B" has the sum of the rows of A and B. A perturbation without a row is left out of the training and not predicted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from perturbviz.errors import UserError
from perturbviz.models.lookup import PerturbationRows, Source, matched, perturbation_rows, source_name
from perturbviz.models.training import Predicted, Training, unpredicted


class Regressor(Protocol):
    """The part of a scikit-learn regressor that is used."""

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Changes n × G of perturbations with these embedding rows, n × L."""


@dataclass(frozen=True, eq=False)
class EmbeddingRegression(ABC):
    """Recipe of a regression of the changes on a perturbation embedding.

    Parameters
    ----------
    embedding
        A table (names × dimensions), or "pca", "identity", "random", "zero" as in the linear model.
    dims, seed
        Dimensions of a computed embedding, and the seed of what is random.
    """

    embedding: Source
    dims: int = field(default=10, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    _random: ClassVar[bool] = False  # whether the seed matters whatever the embedding

    @property
    def label(self) -> str:
        """The recipe in one line."""
        extra = f", K {self.dims}" * (source_name(self.embedding) in ("pca", "random"))
        extra += f", seed {self.seed}" * (self._random or source_name(self.embedding) == "random")
        return f"{self._knobs()} on {source_name(self.embedding)}{extra}"

    def fit(self, training: Training) -> FittedRegression:
        """Fit on the training perturbations that have a row; raises :class:`UserError` if fewer than two have."""
        rows = perturbation_rows(self.embedding, training, dims=self.dims, seed=self.seed)
        names, values = matched(rows, training)
        changes = training.changes[[training.index[name] for name in names]]
        return FittedRegression(tuple(names), len(training.genes), self._fitted(values, changes), rows)

    @abstractmethod
    def _knobs(self) -> str:
        """The method and its knobs."""

    @abstractmethod
    def _fitted(self, rows: np.ndarray, changes: np.ndarray) -> Regressor:
        """A regressor fitted on embedding rows (n × L) and changes (n × G)."""


@dataclass(frozen=True, eq=False)
class FittedRegression:
    """A fitted regression; ``fitted_on`` are the training perturbations that have a row in the embedding."""

    fitted_on: tuple[str, ...]
    n_genes: int
    regressor: Regressor
    rows: PerturbationRows

    def predict(self, names: Sequence[str]) -> Predicted:
        """Changes of the named perturbations, n × G, and the reason of every NaN row."""
        out = unpredicted(names, self.n_genes)
        values, reasons = self.rows.rows(names)
        known = [i for i, name in enumerate(names) if name not in reasons]
        if known:
            out[known] = self.regressor.predict(values[known])
        return out, reasons


@dataclass(frozen=True, eq=False)
class RidgeRegression(EmbeddingRegression):
    """Ridge regression of every gene's change on the embedding, with an intercept that is not penalised.

    Unlike the linear model it has no gene embedding. The embedding models of the paper (UCE, scBERT, Geneformer) are
    decoded like this, with a penalty of 1.
    """

    ridge: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.ridge < np.inf:
            raise UserError(f"The ridge penalty must be 0 or more and finite, not {self.ridge}.")

    def _knobs(self) -> str:
        return f"ridge {self.ridge:g}"

    def _fitted(self, rows: np.ndarray, changes: np.ndarray) -> Regressor:
        from sklearn.linear_model import LinearRegression, Ridge

        return (Ridge(self.ridge) if self.ridge else LinearRegression()).fit(rows, changes)
