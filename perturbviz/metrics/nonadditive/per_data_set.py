"""One number per data set: does a prediction find the truly non-additive pairs?

All take flat arrays over (double, gene) pairs: the observed deviation, the predicted one (with the observed singles),
and which pairs are truly non-additive. Pairs are ordered by |predicted deviation|. A pair with a NaN deviation is left
out. NaN where the prediction is the additive expectation itself (by definition it predicts none) and where there are no
positives; AUROC also where there are no negatives.

Precision and recall among the top n follow the talk and Ahlmann-Eltze, Huber & Anders 2025 (n = 500); average
precision is Σ (R_i - R_{i-1}) P_i, not the preprint's trapezoid sorted by precision.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perturbviz.metrics.nonadditive.curves import Ranking, rank
from perturbviz.metrics.nonadditive.deviation import is_additive


def nonadditive_recall(
    observed_deviation: npt.ArrayLike, predicted_deviation: npt.ArrayLike, positive: npt.ArrayLike, n: int = 500
) -> float:
    """Share of the truly non-additive pairs among the n predicted furthest from additive; 0 to 1, higher is better."""
    ranking = ranked(observed_deviation, predicted_deviation, positive)
    return ranking.recall_at(n) if ranking else np.nan


def nonadditive_precision(
    observed_deviation: npt.ArrayLike, predicted_deviation: npt.ArrayLike, positive: npt.ArrayLike, n: int = 500
) -> float:
    """Share of truly non-additive pairs among the n predicted furthest from additive; 0 to 1, chance is prevalence."""
    ranking = ranked(observed_deviation, predicted_deviation, positive)
    return ranking.precision_at(n) if ranking else np.nan


def average_precision(
    observed_deviation: npt.ArrayLike, predicted_deviation: npt.ArrayLike, positive: npt.ArrayLike
) -> float:
    """Average precision of the order by |predicted deviation|; 0 to 1, chance is prevalence."""
    ranking = ranked(observed_deviation, predicted_deviation, positive)
    return ranking.average_precision() if ranking else np.nan


def auroc(observed_deviation: npt.ArrayLike, predicted_deviation: npt.ArrayLike, positive: npt.ArrayLike) -> float:
    """Probability that a truly non-additive pair is predicted further from additive than another; chance is .5."""
    ranking = ranked(observed_deviation, predicted_deviation, positive)
    return ranking.auroc() if ranking else np.nan


def ranked(observed: npt.ArrayLike, predicted: npt.ArrayLike, positive: npt.ArrayLike) -> Ranking | None:
    """Ranking by |predicted|; None if the prediction is additive (or predicts nothing)."""
    obs, pred = np.asarray(observed, dtype=float), np.asarray(predicted, dtype=float)
    if is_additive(pred, obs):
        return None
    return rank(np.where(np.isfinite(obs), np.abs(pred), np.nan), positive)
