"""Errors: how far the predicted profile is from the observed one."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric


def mse(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Mean over genes of the squared difference: (P, G), (P, G) -> (P,). Units: (log expression)²."""
    difference = truth - prediction
    return np.einsum("pg,pg->p", difference, difference) / truth.shape[1]


def rmse(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Square root of :func:`mse`, in units of log expression."""
    return np.sqrt(mse(truth, prediction))


def l2(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Euclidean distance, sqrt(number of genes · MSE): the prediction error of Ahlmann-Eltze et al. (2025)."""
    return np.sqrt(mse(truth, prediction) * truth.shape[1])


def mae(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Mean over genes of the absolute difference, in units of log expression."""
    return np.abs(truth - prediction).mean(axis=1)


def mse_parts(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """What an MSE is made of: shift, scale and pattern, (P, G) changes twice -> (3, P); they sum to :func:`mse`.

    Shift is the squared difference of the means over genes, scale (sd(p) - r sd(y))², pattern (1 - r²) var(y), with the
    correlation r over genes and population moments (Murphy's decomposition). A side that does not vary has r = 0.
    """
    (y, p), mean = (x - x.mean(axis=1, keepdims=True) for x in (truth, prediction)), truth.mean(axis=1)
    of_y, of_p = (np.sqrt(np.square(x).mean(axis=1)) for x in (y, p))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where((of_y > 0) & (of_p > 0), (y * p).mean(axis=1) / (of_y * of_p), 0.0)
    shift = np.square(prediction.mean(axis=1) - mean)
    return np.stack([shift, np.square(of_p - r * of_y), (1 - np.square(r)) * np.square(of_y)])


_OUTLIERS = "Sensitive to outliers: a few genes and the strongest perturbations dominate."
_SHRINK = "Shrink towards the mean: where most genes do not change, saying nothing risks nothing."

METRICS = (
    Metric(
        Card(
            id="l2",
            name="L2 distance",
            symbol="L2",
            formula=r"\sqrt{\sum_{g\in S}(Y_{pg}-\hat Y_{pg})^2}",
            better="lower",
            range="0 to ∞",
            perfect=0.0,
            empty="the length of the observed change (no change predicted)",
            summary="Length of the difference between predicted and observed profile.",
            pro="Interpretable.",
            con=_OUTLIERS + " Grows with the square root of the number of genes.",
            gaming=_SHRINK,
            source="Ahlmann-Eltze, Huber & Anders, Nature Methods 2025, Fig. 1a",
            family="squared error",
            traps="The paper also calls it root mean squared error; it is √|S| times the RMSE.",
            axis="L2 distance (log expression)",
        ),
        l2,
    ),
    Metric(
        Card(
            id="mse",
            name="Mean squared error",
            symbol="MSE",
            formula=r"\frac{1}{|S|}\sum_{g\in S}(Y_{pg}-\hat Y_{pg})^2",
            better="lower",
            range="0 to ∞",
            perfect=0.0,
            empty="the mean squared observed change (no change predicted)",
            summary="Average squared difference per gene.",
            pro="Interpretable.",
            con=_OUTLIERS,
            gaming=_SHRINK,
            source="Standard; the talk's choice on highly expressed genes",
            family="squared error",
            traps="PEREGGRN's `mse` is the sum of squared errors, not the mean.",
            axis="mean squared error (log expression²)",
        ),
        mse,
    ),
    Metric(
        Card(
            id="rmse",
            name="Root mean squared error",
            symbol="RMSE",
            formula=r"\sqrt{\frac{1}{|S|}\sum_{g\in S}(Y_{pg}-\hat Y_{pg})^2}",
            better="lower",
            range="0 to ∞",
            perfect=0.0,
            empty="the root mean squared observed change (no change predicted)",
            summary="Typical difference per gene, in units of log expression.",
            pro="Interpretable, and comparable between gene subsets of different size.",
            con=_OUTLIERS,
            gaming=_SHRINK,
            source="Standard; PerturBench, Open Problems",
            family="squared error",
            traps="The mean of the RMSEs is not the square root of the mean MSE.",
            axis="RMSE (log expression)",
        ),
        rmse,
    ),
    Metric(
        Card(
            id="mae",
            name="Mean absolute error",
            symbol="MAE",
            formula=r"\frac{1}{|S|}\sum_{g\in S}|Y_{pg}-\hat Y_{pg}|",
            better="lower",
            range="0 to ∞",
            perfect=0.0,
            empty="the mean absolute observed change (no change predicted)",
            summary="Average absolute difference per gene.",
            pro="Interpretable, and less sensitive to outliers than the squared error.",
            con="Favours the median: for sparse effects that is no change at all.",
            gaming="Shrink every predicted change: an effect that is missed costs less than one that is overdone.",
            source="Virtual Cell Challenge; PerturBench",
            family="absolute error",
            axis="mean absolute error (log expression)",
        ),
        mae,
    ),
)
