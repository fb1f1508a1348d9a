"""Coefficients of determination: the share of the observed variation over genes that a prediction explains."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric
from perturbviz.metrics.correlation import _centred


def r2(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """1 - SSE/SST over genes: (P, G), (P, G) -> (P,); NaN where the truth is constant over genes."""
    difference = truth - prediction
    sse = np.einsum("pg,pg->p", difference, difference)
    centred = _centred(truth)
    sst = np.einsum("pg,pg->p", centred, centred)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sst > 0, 1 - sse / sst, np.nan)


METRICS = (
    Metric(
        Card(
            id="r2",
            name="R²",
            symbol="R²",
            formula=r"1-\frac{\sum_{g\in S}(Y_{pg}-\hat Y_{pg})^2}{\sum_{g\in S}(Y_{pg}-\bar Y_p)^2}",
            better="higher",
            range="−∞ to 1",
            perfect=1.0,
            empty="near 1 already for no change",
            summary="Share of the variation over genes of the observed profile that is explained.",
            pro="On a scale with a meaning: 1 is perfect, 0 is the average over genes.",
            con="Near 1 for every method on raw profiles.",
            gaming="Predict the control profile.",
            source="Standard (sklearn.metrics.r2_score)",
            family="raw R²",
            undefined="an observed profile that is the same for every gene leaves nothing to explain",
            traps="What the field calls R² is often a Pearson correlation, squared or not.",
        ),
        r2,
    ),
    Metric(
        Card(
            id="r2_delta",
            name="R² of change",
            symbol="R²Δ",
            formula=r"1-\frac{\sum_{g\in S}(Y_{pg}-\hat Y_{pg})^2}{\sum_{g\in S}(\Delta_{pg}-\bar\Delta_p)^2},"
            r"\quad\Delta=Y-r",
            better="higher",
            range="−∞ to 1",
            perfect=1.0,
            empty="at most 0 for the reference itself",
            summary="Share of the observed change from a reference that is explained.",
            pro="Counts size as well as direction. 0 is the average observed change given to every gene; saying "
            "nothing earns 0 or less.",
            con="Within one perturbation it orders methods exactly like the MSE; weak perturbations, with little "
            "to explain, can dominate the mean.",
            gaming="Shrink predictions for weak perturbations, where they overshoot.",
            source="Miller et al. 2025 (control and perturbation mean)",
            family="R² of changes",
            reference="delta",
            undefined="an observed change that is the same for every gene leaves nothing to explain",
            plain_twin="r2",
        ),
        r2,
    ),
)
