"""Metrics that weight genes by how differentially expressed they are in the observed data (Mejia, Miller et al.)."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric
from perturbviz.metrics.correlation import RELATIVE_TOLERANCE


def de_weights(score: np.ndarray, low: np.ndarray | None = None, high: np.ndarray | None = None) -> np.ndarray:
    """Weights of genes from scores of differential expression: (P, n) -> (P, n), each row summing to 1.

    Min-max of |score|, squared (Mejia et al. 2025; ``mejia_weights`` of scPertEval).

    Parameters
    ----------
    score
        Test statistics, or any effect size; the sign does not matter, NaN gets weight 0.
    low, high
        (P,) smallest and largest |score| over *all* genes where ``score`` holds only some of them: weights are
        defined over all genes, then restricted and divided by their sum. Taken from ``score`` where None.

    Returns
    -------
    Uniform weights where all |score| are equal; NaN where no score is known or all genes have weight 0.
    """
    size = np.abs(np.asarray(score, float))
    known = np.isfinite(size)
    low = np.where(known, size, np.inf).min(axis=1) if low is None else np.asarray(low, float)
    high = np.where(known, size, -np.inf).max(axis=1) if high is None else np.asarray(high, float)
    spread = (high - low)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.square(np.where(known, (size - low[:, None]) / spread, 0))
        weight = np.where(spread > 0, weight, 1.0)
        weight[~np.isfinite(low)] = np.nan
        return weight / weight.sum(axis=1, keepdims=True)


def wmse(truth: np.ndarray, prediction: np.ndarray, *, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the squared difference: (P, G), (P, G), weights (P, G) summing to 1 -> (P,)."""
    return np.einsum("pg,pg->p", weights, np.square(truth - prediction))


def _spread(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows minus their weighted mean (P, G), and weighted variances (P,); 0 for what is constant up to rounding."""
    mean = np.einsum("pg,pg->p", weights, values)
    centred = values - mean[:, None]
    variance = np.einsum("pg,pg,pg->p", weights, centred, centred)
    return centred, np.where(variance <= RELATIVE_TOLERANCE**2 * np.square(mean), 0, variance)


def weighted_r2(truth: np.ndarray, prediction: np.ndarray, *, weights: np.ndarray) -> np.ndarray:
    """1 - weighted SSE / weighted SST (around the weighted mean): -> (P,); NaN where the truth does not vary."""
    _, sst = _spread(truth, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sst > 0, 1 - wmse(truth, prediction, weights=weights) / sst, np.nan)


def weighted_pearson(truth: np.ndarray, prediction: np.ndarray, *, weights: np.ndarray) -> np.ndarray:
    """Correlation from weighted covariance and variances: -> (P,); NaN where either does not vary."""
    (a, aa), (b, bb) = _spread(truth, weights), _spread(prediction, weights)
    ab = np.einsum("pg,pg,pg->p", weights, a, b)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((aa > 0) & (bb > 0), np.clip(ab / np.sqrt(aa * bb), -1, 1), np.nan)


_WEIGHTS = (
    "Weights: min-max of |DE score| over all genes, squared, restricted to the chosen genes, divided by their sum. "
    "Without DE scores |observed − control| takes their place; that is not Miller's measure, and the page says so."
)
_NOISE = "Weights of a weak perturbation are noise, and the perturbed gene itself often has the largest."
_FEW = "Get the few genes of largest weight right: what is predicted for the others hardly counts."
_NO_WEIGHT = "it needs genes with weight whose {} differ"

METRICS = (
    Metric(
        Card(
            id="wmse",
            name="Weighted mean squared error",
            symbol="WMSE",
            formula=r"\frac{\sum_{g\in S}w_{pg}(Y_{pg}-\hat Y_{pg})^2}{\sum_{g\in S}w_{pg}},"
            r"\quad w=\left(\frac{|s|-\min|s|}{\max|s|-\min|s|}\right)^2",
            better="lower",
            range="0 to ∞",
            perfect=0.0,
            empty="the weighted mean squared observed change (no change predicted)",
            summary="Squared difference, averaged with more weight on differentially expressed genes.",
            pro="MSE weighted by DE is “well calibrated”: a replicate of the experiment beats the average.",
            con="Sensitive to outliers, more so than the MSE: often fewer than ten genes decide. " + _NOISE,
            gaming=_FEW,
            source="Mejia et al. 2025; Miller et al. 2025",
            family="weighted squared error",
            needs=("weights",),
            undefined="none of the chosen genes has weight",
            traps=_WEIGHTS,
            axis="weighted mean squared error (log expression²)",
        ),
        wmse,
    ),
    Metric(
        Card(
            id="weighted_r2_delta",
            name="Weighted R² of change",
            symbol="wR²Δ",
            formula=r"1-\frac{\sum_{g\in S}w_{pg}(Y_{pg}-\hat Y_{pg})^2}"
            r"{\sum_{g\in S}w_{pg}(\Delta_{pg}-\bar\Delta_{p,w})^2},\quad\Delta=Y-r",
            better="higher",
            range="−∞ to 1",
            perfect=1.0,
            empty="finite for no change, of either sign; at most 0 for the reference itself",
            summary="Share of the observed change explained, with more weight on differentially expressed genes.",
            pro="Counts size as well as direction, and does not drown in genes that do not change.",
            con="Within one perturbation it orders methods exactly like the weighted MSE; weak perturbations can "
            "dominate the mean. " + _NOISE,
            gaming=_FEW,
            source="Mejia et al. 2025 (perturbation mean); Miller et al. 2025 (both references)",
            family="weighted R²",
            reference="delta",
            needs=("weights",),
            undefined=_NO_WEIGHT.format("observed changes"),
            traps=_WEIGHTS,
        ),
        weighted_r2,
    ),
    Metric(
        Card(
            id="weighted_pearson_delta",
            name="Weighted Pearson delta",
            symbol="wrΔ",
            formula=r"\operatorname{cor}_{g\in S}(Y_{pg}-r_g,\hat Y_{pg}-r_g;\ \text{weights }w_{pg})",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for the reference itself; high for the mean when the reference is control",
            summary="Correlation of changes, with more weight on differentially expressed genes.",
            pro="Correlation where there is something to correlate.",
            con="Against control: blind to the size of the predicted change; systematic effects increase the mean "
            "predictor's performance. " + _NOISE,
            gaming="Against control: predict the average perturbation for everything.",
            source="Vollenweider & Bühlmann 2026 (weights of Mejia et al.)",
            family="weighted correlation",
            reference="delta",
            needs=("weights",),
            undefined=_NO_WEIGHT.format("observed and predicted changes"),
            traps=_WEIGHTS,
        ),
        weighted_pearson,
    ),
)
