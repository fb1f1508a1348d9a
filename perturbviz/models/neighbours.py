"""Nearest training perturbations in an embedding: copy the nearest, or average the nearest k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.models.lookup import PerturbationRows
from perturbviz.models.regression import EmbeddingRegression, Regressor

Metric = Literal["cosine", "euclidean"]


@dataclass(frozen=True, eq=False)
class KNeighbours(EmbeddingRegression):
    """Mean change of the k nearest training perturbations, or of all where there are fewer.

    Parameters
    ----------
    k
        Number of neighbours.
    metric
        Distance between embedding rows: "cosine" (default: the length of a row says nothing) or "euclidean".
    weights
        "uniform", or "distance" for weights 1 / distance.
    """

    k: int = 5
    metric: Metric = "cosine"
    weights: Literal["uniform", "distance"] = "uniform"

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UserError(f"The number of neighbours must be at least 1, not {self.k}.")

    def _knobs(self) -> str:
        return f"{self.k} nearest ({self.metric}{', by distance' * (self.weights == 'distance')})"

    def _fitted(self, rows: np.ndarray, changes: np.ndarray) -> Regressor:
        from sklearn.neighbors import KNeighborsRegressor

        k = min(self.k, len(rows))
        return KNeighborsRegressor(k, metric=self.metric, weights=self.weights, algorithm="brute").fit(rows, changes)


@dataclass(frozen=True, eq=False)
class NearestPerturbation(KNeighbours):
    """The change of the nearest training perturbation, unaltered; k is 1."""

    k: int = 1

    def __post_init__(self) -> None:
        if self.k != 1:
            raise UserError("The nearest perturbation is one; use KNeighbours for more.")

    def _knobs(self) -> str:
        return f"nearest perturbation ({self.metric})"


def distance_to_training(
    names: Sequence[str],
    training_names: Sequence[str],
    embedding: PerturbationRows | pd.DataFrame,
    metric: Metric = "cosine",
) -> pd.DataFrame:
    """Distance of each perturbation to the nearest other training perturbation.

    For plots of error against distance. A training perturbation is not its own neighbour, so that training and
    held-out perturbations can share an axis.

    Parameters
    ----------
    embedding
        A table (names × dimensions; "A+B" is the sum of rows), or the ``rows`` of a fitted model.

    Returns
    -------
    Indexed by name: ``distance``, ``nearest`` (its name) and ``reason`` ("" where there is a distance).
    """
    from sklearn.metrics import pairwise_distances

    if isinstance(embedding, pd.DataFrame):
        embedding = PerturbationRows(embedding, "has no embedding", True, embedding.shape[1])
    others = sorted(set(training_names))
    rows, reasons = embedding.rows(names)
    other_rows, lost = embedding.rows(others)
    usable = [i for i, other in enumerate(others) if other not in lost]
    others = [others[i] for i in usable]
    out = pd.DataFrame(
        {"distance": np.nan, "nearest": "", "reason": [reasons.get(n, "") for n in names]}, index=pd.Index(names)
    )
    known = [i for i, name in enumerate(names) if name not in reasons]
    if not known:
        return out
    if not others:
        out.iloc[known, 2] = "no training perturbation has an embedding"
        return out
    distances = pairwise_distances(rows[known], other_rows[usable], metric=metric)
    own = {name: j for j, name in enumerate(others)}
    for row, i in zip(distances, known, strict=True):
        if names[i] in own:
            row[own[names[i]]] = np.inf
        j = int(row.argmin())
        if np.isfinite(row[j]):
            out.iloc[i, :2] = [row[j], others[j]]
        else:
            out.iloc[i, 2] = "it is the only training perturbation with an embedding"
    return out
