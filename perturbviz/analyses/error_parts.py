"""Why a squared error fell: its parts for every method, averaged over perturbations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perturbviz.metrics.distance import mse_parts
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve
from perturbviz.scoring.prepared import Base, cut
from perturbviz.scoring.references import Reference

#: Part -> what it means.
PARTS = {
    "shift": "all genes too high or too low alike",
    "scale": "changes too large or too small",
    "pattern": "the wrong genes",
}


def error_parts(evaluation: Evaluation, rows: np.ndarray, subset: GeneSubset, methods: Sequence[str]) -> np.ndarray:
    """Mean over rows of shift, scale and pattern of each method's MSE: (methods, 3); NaN where nothing is predicted.

    Changes are from the control mean, or the values as they are where it is not known.

    Parameters
    ----------
    rows
        Positions in ``evaluation.rows``.
    subset
        Genes that count.

    Raises
    ------
    UserError
        Where the subset means nothing on this benchmark.
    """
    reference: Reference = "control" if evaluation.benchmark.has_control else "none"
    total, count = np.zeros((len(methods), len(PARTS))), np.zeros(len(methods))
    for block in resolve(subset, evaluation, rows):
        for piece in cut(evaluation, block, False):
            base = Base.of(evaluation, piece, evaluation.truth(piece.rows, piece.genes), reference, False)
            for i, method in enumerate(methods):
                change = base.change(evaluation.prediction(method, piece.rows, piece.genes))
                parts = mse_parts(base.truth, change)
                known = ~np.isnan(parts.sum(axis=0))
                total[i] += parts[:, known].sum(axis=1)
                count[i] += known.sum()
    with np.errstate(invalid="ignore"):
        return total / count[:, None]
