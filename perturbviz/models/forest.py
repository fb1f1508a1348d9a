"""A small random forest on a perturbation embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from perturbviz.errors import UserError
from perturbviz.models.regression import EmbeddingRegression, Regressor


@dataclass(frozen=True, eq=False)
class Forest(EmbeddingRegression):
    """Random forest that predicts the leading principal components of the training changes.

    Thousands of genes are too many outputs for a tree; the components are those of the perturbations it is fitted on.

    Parameters
    ----------
    n_trees
        Number of trees.
    components
        Components of the changes that are predicted; the others stay at the mean.
    """

    n_trees: int = 100
    components: int = 20
    _random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.n_trees < 1 or self.components < 1:
            raise UserError("A random forest needs at least one tree and one component.")

    def _knobs(self) -> str:
        return f"random forest of {self.n_trees} trees"

    def _fitted(self, rows: np.ndarray, changes: np.ndarray) -> Regressor:
        from sklearn.ensemble import RandomForestRegressor

        mean = changes.mean(axis=0)
        _, _, axes = np.linalg.svd(changes - mean, full_matrices=False)
        axes = axes[: self.components]
        forest = RandomForestRegressor(self.n_trees, max_features=1 / 3, min_samples_leaf=2, random_state=self.seed)
        scores = (changes - mean) @ axes.T
        return _FromComponents(forest.fit(rows, scores[:, 0] if len(axes) == 1 else scores), axes, mean)


@dataclass(frozen=True, eq=False)
class _FromComponents:
    """Predictions of the components' scores, turned back into changes."""

    forest: Any
    axes: np.ndarray
    mean: np.ndarray

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return self.forest.predict(rows).reshape(len(rows), -1) @ self.axes + self.mean
