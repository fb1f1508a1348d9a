"""From an embedding of every condition to expression: ridge regression fitted on training conditions only."""

from __future__ import annotations

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError

ALPHA = 1.0


def decode(benchmark: Benchmark, embedding: np.ndarray, seed: str) -> tuple[np.ndarray, str]:
    """Expression predicted from embeddings.

    Parameters
    ----------
    benchmark
        Whose training conditions of ``seed`` (all seeds in turn would need one file each) teach the decoder.
    embedding
        (rows, dims), rows as in the benchmark, NaN rows where there is none.

    Returns
    -------
    (rows, genes) float32 with NaN rows where there is no embedding, and the sentence that says what was done: ridge
    regression with intercept, alpha 1 (Ahlmann-Eltze et al. 2025, UCE, Geneformer and scBERT), on the training part.
    """
    splits = benchmark.splits
    if seed not in splits and len(splits) > 1:
        raise UserError(
            "An embedding is decoded on the training part of one split: say which (NAME@SEED), one of "
            f"{', '.join(splits)}."
        )
    part = splits[seed] if seed in splits else next(iter(splits.values()))
    have = ~np.isnan(embedding).any(axis=1)
    train = have & (part == "train") & ~np.isnan(benchmark.truth).any(axis=1) & ~benchmark.is_control
    if train.sum() < 2:
        raise UserError("The embedding covers fewer than two training conditions: there is nothing to learn from.")
    x, y = embedding[train].astype(np.float64), benchmark.truth[train].astype(np.float64)
    x0, y0 = x.mean(axis=0), y.mean(axis=0)
    kernel = (x - x0) @ (x - x0).T
    dual = np.linalg.solve(kernel + ALPHA * np.eye(len(x)), y - y0)
    out = np.full((len(embedding), y.shape[1]), np.nan, np.float32)
    out[have] = y0 + (embedding[have] - x0) @ (x - x0).T @ dual
    return out, (
        f"{embedding.shape[1]} dimensions decoded to genes by ridge regression (alpha {ALPHA:g}) fitted on "
        f"{int(train.sum())} training conditions."
    )
