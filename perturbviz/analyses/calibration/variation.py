"""Systematic variation: how alike all perturbations' shifts are (Systema), and what that does to Pearson delta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.metrics.correlation import cosine
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score


@dataclass(frozen=True, eq=False)
class Variation:
    """Similarity of every perturbation's shift with the average shift.

    Attributes
    ----------
    rows
        seed, context, perturbation, ``cosine`` with the average shift of the training perturbations, and
        ``pearson_delta`` of the perturbation mean against control on all genes.
    score
        Mean cosine: the systematic variation of the data set (Viñas Torné et al. 2025).
    correlation
        Pearson correlation of the two columns: how much of the mean's score follows from systematic variation.
    """

    rows: pd.DataFrame
    score: float
    correlation: float


def cosine_with_shift(evaluation: Evaluation, rows: np.ndarray | None = None) -> np.ndarray:
    """Cosine of each scored perturbation's observed change with the average training shift, all genes: (R,).

    Parameters
    ----------
    rows
        Positions in ``evaluation.rows``; all where None.
    """
    control = evaluation.reference("control", rows)
    return cosine(evaluation.truth(rows) - control, evaluation.reference("perturbation", rows) - control)


def systematic_variation(evaluation: Evaluation) -> Variation:
    """Cosine of each scored perturbation's observed shift with the average training shift, all genes.

    Systema averages over all perturbations; training ones are taken here so that no tested perturbation is part of
    the average it is compared with.

    Raises
    ------
    UserError
        If control mean or training perturbations are missing.
    """
    b = evaluation.benchmark
    if not (b.has_control and b.has_training):
        raise UserError(
            "Systematic variation needs a control mean and training perturbations, which this data set lacks."
        )
    value = cosine_with_shift(evaluation)
    of_mean = score(evaluation, "pearson_delta", "control", methods=["mean"]).values[0]
    rows = evaluation.rows[["seed", "context", "perturbation"]].assign(cosine=value, pearson_delta=of_mean)
    have = ~np.isnan(value) & ~np.isnan(of_mean)
    enough = have.sum() > 2 and np.ptp(value[have]) > 0 and np.ptp(of_mean[have]) > 0
    return Variation(
        rows, float(np.nanmean(value)), float(np.corrcoef(value[have], of_mean[have])[0, 1]) if enough else np.nan
    )
