"""Retrieval: how far every prediction is from every truth, which is behind centroid accuracy and PDS."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbviz.metrics.retrieval import squared_distances
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve


def common_subset(subset: GeneSubset) -> GeneSubset:
    """The subset, or all genes where it differs between perturbations: distances need the same genes."""
    return GeneSubset("all") if subset.differs_between_perturbations else subset


def distances(evaluation: Evaluation, method: str, rows: np.ndarray, subset: GeneSubset) -> np.ndarray:
    """L2 distance of every prediction (row) to every truth (column): (R, R); NaN where not predicted.

    Parameters
    ----------
    rows
        (R,) positions in ``evaluation.rows``: the candidates, of one seed and context.
    """
    (block,) = resolve(common_subset(subset), evaluation, rows)
    truth = evaluation.truth(rows, block.genes)
    return np.sqrt(squared_distances(evaluation.prediction(method, rows, block.genes), truth))


def nearest(matrix: np.ndarray, names: np.ndarray, at: int, most: int = 15) -> pd.DataFrame:
    """The truths closest to one prediction: place, truth of, L2 distance, and which is its own."""
    order = np.argsort(matrix[at], kind="stable")[:most]
    return pd.DataFrame(
        {
            "place": np.arange(1, len(order) + 1),
            "truth of": names[order],
            "L2 distance": matrix[at, order],
            "": ["← its own" if names[i] == names[at] else "" for i in order],
        }
    )
