"""The linear model Y ≈ G W Pᵀ + b of Ahlmann-Eltze, Huber & Anders (Nature Methods 2025, eq. 1 and 3).

Y are training changes (genes × perturbations), G a gene embedding, P a perturbation embedding, b the mean change over
the training perturbations; W is found by ridge regression in closed form,

    W = (GᵀG + λI)⁻¹ Gᵀ (Y − b) P (PᵀP + λI)⁻¹,

and a perturbation with embedding p is predicted to change the genes by G W p + b. λ → ∞ and P = 0 leave the mean b;
G = P = I with λ = 0 reproduces the training data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.models.embeddings import checked_table, gene_scores, principal_axes, random_rows
from perturbviz.models.lookup import SOURCES, PerturbationRows, Source, matched, perturbation_rows, source_name
from perturbviz.models.training import Predicted, Training, unpredicted


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Recipe of a linear model; the defaults are the paper's but for ``include_control``.

    Parameters
    ----------
    gene_embedding, perturbation_embedding
        A table (names × dimensions, e.g. from ``read_embedding``, ``from_text`` or ``pretrained``), "pca" (component
        scores of the training data; a perturbation has the score of its target), "identity", "random" or "zero".
    dims
        K = L of computed embeddings. Given tables enter whole unless ``cut_tables``.
    ridge
        λ, from 0 to infinity. With 0, directions without data get weight 0 (the solution of least norm), where the
        authors' code turns the NA of an unsolvable system into 0.
    include_control
        Count control as one more training condition, with zero change and zero embedding, as the authors' code
        does. b is then not the mean baseline but n/(n + 1) of it.
    sum_doubles
        Give a combination the sum of its targets' rows, in training and prediction; otherwise it has no prediction
        unless the embedding names it.
    missing_genes
        Where a given gene embedding has no row: "mean" (a zero row, so b is predicted) or "nan" (not predicted; the
        authors leave these genes out). W is the same.
    """

    gene_embedding: Source = "pca"
    perturbation_embedding: Source = "pca"
    dims: int = 10
    ridge: float = 0.1
    include_control: bool = False
    sum_doubles: bool = False
    seed: int = 0
    cut_tables: bool = False
    missing_genes: Literal["mean", "nan"] = "mean"

    def __post_init__(self) -> None:
        if not self.ridge >= 0:
            raise UserError(f"The ridge penalty λ must be 0 or more, not {self.ridge}.")
        if self.dims < 1:
            raise UserError(f"The linear model needs at least one dimension, not {self.dims}.")

    @property
    def label(self) -> str:
        """The recipe in one line."""
        gene, perturbation = source_name(self.gene_embedding), source_name(self.perturbation_embedding)
        computed = self.cut_tables or {gene, perturbation} & {"pca", "random"}
        extra = [f", K {self.dims}"] * bool(computed) + [f", λ {self.ridge:g}"]
        extra += [", with control"] * self.include_control + [", sums for doubles"] * self.sum_doubles
        extra += [", tables cut to K"] * self.cut_tables + [", other genes left out"] * (self.missing_genes == "nan")
        extra += [f", seed {self.seed}"] * ("random" in (gene, perturbation))
        return f"linear: G {gene}, P {perturbation}{''.join(extra)}"

    def fit(self, training: Training, scores: pd.DataFrame | None = None) -> FittedLinear:
        """Fit W and b.

        Parameters
        ----------
        training
            The only data the model sees.
        scores
            ``gene_scores(training, K)`` with K ≥ ``dims`` and the same ``include_control``, if the caller has them:
            they do not depend on λ, nor their first columns on K.

        Raises
        ------
        UserError
            Where fewer than two training perturbations, or two genes, have a row in the embedding.
        """
        gene_rows, rows, without = self.embed(training, scores)
        names, p = matched(rows, training)
        n, y = len(names), training.changes
        in_y = np.zeros((len(training.names), p.shape[1] + 1))  # last column: is it used?
        in_y[[training.index[name] for name in names]] = np.column_stack([p, np.ones(n)])
        cross = y.T @ in_y
        b = cross[:, -1] / (n + self.include_control)
        cross = cross[:, :-1] - np.outer(b, p.sum(axis=0))  # (Y − b) P without copying Y
        right = cross @ ridge_inverse(p.T @ p, self.ridge)
        if gene_rows is None:
            w = right * shrinkage(np.ones(1), self.ridge)
        else:
            w = ridge_inverse(gene_rows.T @ gene_rows, self.ridge) @ (gene_rows.T @ right)
        unknown = without if self.missing_genes == "nan" else np.zeros_like(without)
        return FittedLinear(tuple(names), training.genes, gene_rows, w, b, rows, without, unknown)

    def embed(
        self, training: Training, scores: pd.DataFrame | None = None
    ) -> tuple[np.ndarray | None, PerturbationRows, np.ndarray]:
        """G (G × K, None for the identity), the rows of P, and which genes have no row in a given table.

        Raises
        ------
        UserError
            If there is no gene embedding of that name, or too few genes have a row in it.
        """
        gene, perturbation = self.gene_embedding, self.perturbation_embedding
        if scores is None and any(isinstance(s, str) and s == "pca" for s in (gene, perturbation)):
            scores = gene_scores(training, self.dims, self.include_control)
        rows = perturbation_rows(
            perturbation,
            training,
            dims=self.dims,
            seed=self.seed,
            sum_doubles=self.sum_doubles,
            scores=scores,
            cut_table=self.cut_tables,
        )
        without = np.zeros(len(training.genes), dtype=bool)
        if isinstance(gene, pd.DataFrame):
            table = checked_table(gene)
            table = principal_axes(table, self.dims) if self.cut_tables else table
            table = table.reindex(training.gene_index)
            without = table.isna().any(axis=1).to_numpy()
            if (~without).sum() < 2:
                raise UserError(
                    f"{(~without).sum()} of {len(without)} genes have a row in the gene embedding, which names "
                    f"{gene.index[0]!r} where the data name {training.genes[0]!r}; at least 2 are needed."
                )
            return table.fillna(0.0).to_numpy(), rows, without
        if gene == "identity":
            return None, rows, without
        if gene == "pca" and scores is not None:
            return scores.iloc[:, : self.dims].to_numpy(), rows, without
        if gene == "random":
            return random_rows(training.genes, self.dims, self.seed), rows, without
        if gene == "zero":
            return np.zeros((len(training.genes), self.dims)), rows, without
        raise UserError(f"There is no gene embedding {gene!r}; give a table or one of: {', '.join(SOURCES)}.")


@dataclass(frozen=True, eq=False)
class FittedLinear:
    """A fitted linear model.

    Parameters
    ----------
    fitted_on
        Training perturbations with a row in the embedding: those W and b come from.
    gene_rows, weights, intercept
        G (G × K, None for the identity), W (K × L), b (G).
    rows
        The perturbation embedding P.
    without_row, unknown
        Genes without a row in the gene embedding, and those of them that are not predicted.
    """

    fitted_on: tuple[str, ...]
    genes: tuple[str, ...]
    gene_rows: np.ndarray | None
    weights: np.ndarray
    intercept: np.ndarray
    rows: PerturbationRows
    without_row: np.ndarray
    unknown: np.ndarray

    def predict(self, names: Sequence[str]) -> Predicted:
        """Changes G W p + b of the named perturbations, n × G, and the reason of every NaN row."""
        out = unpredicted(names, len(self.genes))
        p, reasons = self.rows.rows(names)
        known = [i for i, name in enumerate(names) if name not in reasons]
        scores = p[known] @ self.weights.T
        out[known] = (scores if self.gene_rows is None else scores @ self.gene_rows.T) + self.intercept
        out[:, self.unknown] = np.nan
        return out, reasons


def shrinkage(values: np.ndarray, ridge: float) -> np.ndarray:
    """1 / (eigenvalue + λ), and 0 in directions that hold no data while λ is 0."""
    total = np.clip(values, 0, None) + ridge
    tiny = len(values) * np.finfo(float).eps * max(float(np.max(values, initial=0.0)), 0.0)
    return np.divide(1.0, total, out=np.zeros_like(total), where=total > tiny)


def ridge_inverse(gram: np.ndarray, ridge: float) -> np.ndarray:
    """(gram + λI)⁻¹ of a positive semi-definite matrix; its pseudo-inverse for λ = 0."""
    values, vectors = np.linalg.eigh(gram)
    return (vectors * shrinkage(values, ridge)) @ vectors.T
