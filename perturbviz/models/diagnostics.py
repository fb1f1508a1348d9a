"""What the linear model's page shows beside its score: spectrum, error against K and λ, learning curve.

Errors are L2 distances over all genes (metrics §2.1) between predicted and observed change, averaged over
perturbations.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.models.embeddings import singular_values
from perturbviz.models.linear import LinearModel, shrinkage
from perturbviz.models.lookup import Source, matched
from perturbviz.models.training import Competitor, Training


def spectrum(training: Training, include_control: bool = False) -> pd.DataFrame:
    """How many dimensions the training data have: the spectrum behind the embedding "pca", and that of the changes.

    The embedding has the components of the profiles, as in the paper; where these are expression, the first is mostly
    the average expression of each gene. What the model has to predict are the changes Y − b, whose spectrum stands
    beside it.

    Returns
    -------
    One row per component, from 1: ``singular_value``, ``explained`` (its share of the variance), ``cumulative`` of the
    profiles; ``change_explained`` and ``change_cumulative`` of the changes around their mean.
    """
    values = singular_values(training, include_control)
    centred = training.changes - training.mean()
    changes = np.zeros_like(values)  # control adds a component to the profiles only
    found = np.clip(np.linalg.eigvalsh(centred @ centred.T)[::-1], 0, None)[: len(values)]
    changes[: len(found)] = np.sqrt(found)
    explained, of_changes = _shares(values), _shares(changes)
    table = {
        "singular_value": values,
        "explained": explained,
        "cumulative": explained.cumsum(),
        "change_explained": of_changes,
        "change_cumulative": of_changes.cumsum(),
    }
    return pd.DataFrame(table, index=pd.RangeIndex(1, len(values) + 1, name="component"))


def _shares(singular: np.ndarray) -> np.ndarray:
    total = float((singular**2).sum())
    return singular**2 / total if total else np.full_like(singular, np.nan)


@dataclass(frozen=True, eq=False)
class ErrorMap:
    """Mean L2 of a linear model at every K and λ.

    Parameters
    ----------
    dims, ridges
        The K and λ: rows and columns of the maps.
    training, held_out
        len(dims) × len(ridges); NaN where no held-out perturbation has a row in the embedding.
    n_training, n_held_out
        Perturbations averaged over.
    reasons
        Why held-out perturbations are missing.
    """

    dims: tuple[int, ...]
    ridges: tuple[float, ...]
    training: np.ndarray
    held_out: np.ndarray
    n_training: int
    n_held_out: int
    reasons: dict[str, str]

    def to_frame(self) -> pd.DataFrame:
        """One row a setting: dims, ridge, training_l2, held_out_l2."""
        cells = [
            (k, r, self.training[i, j], self.held_out[i, j])
            for i, k in enumerate(self.dims)
            for j, r in enumerate(self.ridges)
        ]
        return pd.DataFrame(cells, columns=["dims", "ridge", "training_l2", "held_out_l2"])


def error_map(
    training: Training,
    held_out: Training,
    dims: Sequence[int],
    ridges: Sequence[float],
    model: LinearModel | None = None,
    scores: pd.DataFrame | None = None,
) -> ErrorMap:
    """Training and held-out error of ``replace(model, dims=K, ridge=λ)`` for every K and λ, without refitting.

    G = QR is factored once for the largest K (its leading block serves every smaller K), the data are projected on Q
    once, and what lies outside Q costs every setting the same; each setting then needs small matrices only. The
    held-out changes are compared with, never fitted to.

    Parameters
    ----------
    held_out
        Perturbations that are not in training, on the same genes by name.
    model
        The other knobs; a given table keeps all its dimensions unless the model cuts tables.
    scores
        ``gene_scores(training, max(dims))`` if the caller has them.

    Raises
    ------
    UserError
        If no dimension or no ridge penalty is given.
    """
    if not len(dims) or not len(ridges):
        raise UserError("The map needs at least one number of dimensions and one ridge penalty.")
    model = model or LinearModel()
    replace(model, dims=min(dims), ridge=min(ridges))  # refuses what the model refuses
    held_out = _unseen(held_out, training)
    dims, ridges = tuple(map(int, dims)), tuple(map(float, ridges))
    gene_rows, rows, without = replace(model, dims=max(dims)).embed(training, scores)
    names, p = matched(rows, training)
    p_held, reasons = rows.rows(held_out.names)
    known = np.array([name not in reasons for name in held_out.names])
    used = [training.index[name] for name in names]

    b = np.bincount(used, minlength=len(training.names)) @ training.changes / (len(used) + model.include_control)
    y = training.changes if used == list(range(len(training.names))) else training.changes[used]
    h = held_out.changes[known]
    counted = 1.0 - (without & (model.missing_genes == "nan"))
    b_c = b * counted
    y_norm, h_norm = (np.einsum("ij,ij,j->i", m, m, counted) - 2 * (m @ b_c) + b @ b_c for m in (y, h))
    gene_axes, perturbation_axes = _gene_axes(y, h, b, gene_rows), _perturbation_axes(p, p_held[known])
    maps = np.full((2, len(dims), len(ridges)), np.nan)
    all_g, all_p = _width(model.gene_embedding, model), _width(model.perturbation_embedding, model)
    for i, k in enumerate(dims):
        y_k, h_k, g_values = gene_axes(all_g or k)
        p_k, p_held_k, p_values = perturbation_axes(all_p or k)
        cross = y_k.T @ p_k
        for j, ridge in enumerate(ridges):
            w = (g_values * shrinkage(g_values, ridge))[:, None] * cross * shrinkage(p_values, ridge)
            maps[0, i, j] = _mean_l2(y_norm, y_k, p_k @ w.T)
            if known.any():
                maps[1, i, j] = _mean_l2(h_norm, h_k, p_held_k @ w.T)
    return ErrorMap(dims, ridges, maps[0], maps[1], len(used), int(known.sum()), reasons)


#: Number of dimensions -> training and held-out rows along the axes of so many columns, and their eigenvalues.
_Axes = Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]


def _gene_axes(y: np.ndarray, h: np.ndarray, b: np.ndarray, gene_rows: np.ndarray | None) -> _Axes:
    """Training changes y and held-out ones h, less b, along the axes of the first columns of G; eigenvalues of GᵀG."""
    if gene_rows is None:
        y_inside, h_inside = _on_row_space(y - b, h - b)
        return lambda k: (y_inside, h_inside, np.ones(y_inside.shape[1]))
    q, r = np.linalg.qr(gene_rows)
    y_inside, h_inside = y @ q - b @ q, h @ q - b @ q  # projecting before centring spares a copy of the data

    @cache
    def along(k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        axes, values, _ = np.linalg.svd(r[:k, :k], full_matrices=False)
        return y_inside[:, : len(axes)] @ axes, h_inside[:, : len(axes)] @ axes, values**2

    return along


def _perturbation_axes(p: np.ndarray, p_held: np.ndarray) -> _Axes:
    """The same for training and held-out rows of P."""

    @cache
    def along(k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        values, axes = np.linalg.eigh(p[:, :k].T @ p[:, :k])
        return p[:, :k] @ axes, p_held[:, :k] @ axes, values

    return along


def learning_curve(
    competitor: Competitor,
    training: Training,
    held_out: Training,
    sizes: Sequence[int],
    repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """Held-out error against the number of training perturbations, by subsampling.

    Each repeat draws one random order and takes its first n, so that the curve grows by adding perturbations.

    Returns
    -------
    One row per size and repeat: ``size``, ``repeat``, ``l2`` (mean over the predicted held-out perturbations),
    ``mean_l2`` (the same of the training mean of this draw, over the same perturbations and genes), ``n_predicted``,
    and ``reason`` where nothing could be predicted.

    Raises
    ------
    UserError
        If a size is not between 1 and the number of training perturbations.
    """
    if not sizes or min(sizes) < 1 or max(sizes) > len(training.names):
        raise UserError(f"Learning-curve sizes must lie between 1 and {len(training.names)}, the training set's size.")
    held_out = _unseen(held_out, training)
    rng = np.random.default_rng(seed)
    names, out = sorted(training.names), []
    for repeat in range(repeats):
        order = rng.permutation(names)
        for size in sizes:
            row = {"size": size, "repeat": repeat, "l2": np.nan, "mean_l2": np.nan, "n_predicted": 0, "reason": ""}
            drawn = training.subset(order[:size])
            try:
                predicted, reasons = competitor.fit(drawn).predict(held_out.names)
            except UserError as error:
                out.append(row | {"reason": str(error)})
                continue
            errors = l2(predicted, held_out.changes)
            have = np.isfinite(errors)
            if have.any():
                mean = np.where(np.isnan(predicted[have]), np.nan, drawn.mean())
                row |= {"l2": float(errors[have].mean()), "n_predicted": int(have.sum())}
                row["mean_l2"] = float(l2(mean, held_out.changes[have]).mean())
            else:
                row["reason"] = next(iter(reasons.values()), "nothing could be predicted")
            out.append(row)
    return pd.DataFrame(out)


def l2(predicted: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """L2 per perturbation over the genes the method predicts at all; NaN for a perturbation without a prediction."""
    genes = ~np.isnan(predicted).all(axis=0)
    if not genes.any():
        return np.full(len(predicted), np.nan)
    return np.linalg.norm(predicted[:, genes] - observed[:, genes], axis=1)


def _width(source: Source, model: LinearModel) -> int | None:
    """Columns of an embedding that ``dims`` does not change (more than any width for the identity), else None."""
    if isinstance(source, pd.DataFrame):
        return None if model.cut_tables else source.shape[1]
    return sys.maxsize if source == "identity" else None


def _on_row_space(y: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of both on an orthonormal basis of the rows of y, without forming it: via the Gram matrix."""
    values, vectors = np.linalg.eigh(y @ y.T)
    keep = values > len(y) * np.finfo(float).eps * max(values[-1], 0)
    basis = vectors[:, keep] / np.sqrt(values[keep])
    return vectors[:, keep] * np.sqrt(values[keep]), h @ y.T @ basis


def _mean_l2(norm2: np.ndarray, inside: np.ndarray, predicted: np.ndarray) -> float:
    """Mean L2 from squared norms, coordinates inside the span of G, and predicted coordinates."""
    outside = np.clip(norm2 - np.einsum("ij,ij->i", inside, inside), 0, None)
    return float(np.sqrt(outside + ((inside - predicted) ** 2).sum(axis=1)).mean())


def _unseen(held_out: Training, training: Training) -> Training:
    """The held-out perturbations on the training genes; raises :class:`UserError` if one is in training as well.

    Those of another context may have the same names.
    """
    both = sorted(set(held_out.names) & set(training.names)) if held_out.context == training.context else []
    if both:
        raise UserError(f"{both[0]!r} is held out and in the training data as well; each belongs to one of them.")
    return held_out.on_genes(training.genes)
