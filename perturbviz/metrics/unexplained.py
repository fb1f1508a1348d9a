"""Which share of the observed effect a prediction leaves unexplained: 0 is perfect, 1 is no change."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric
from perturbviz.metrics.correlation import complete
from perturbviz.metrics.expressed import SIGNIFICANT

#: With fewer significant genes the error relative to them says little (cell-eval2).
FEWEST = 10


def normalised_mse(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    control: np.ndarray,
    noise: np.ndarray | None,
    control_noise: np.ndarray,
    own_targets: np.ndarray,
    predicted_noise: np.ndarray | None = None,
) -> float:
    """Squared error freed of noise over the squared effect freed of noise, both summed over perturbations.

    Parameters
    ----------
    truth, prediction, control
        (P, G) profiles, and the measured control mean in every row.
    noise, control_noise, predicted_noise
        (P, G) standard errors of the three. A prediction that is a mean itself, not cells, has none (None). Its noise
        counts up to that of the truth only: otherwise whoever adds scatter would be forgiven for it.
    own_targets
        (P, G) bool: the perturbed genes, left out of the squared distances.

    Returns
    -------
    sum(N) / sum(D) over perturbations with known standard errors; NaN where there are none or where the effects are no
    larger than their noise. N = (|p - y|² - C - min(C(p), C)) / genes, D = (|y - c|² - C - C(c)) / genes, where C sums
    the squared standard errors of all genes, as in cell-eval2.
    """
    if noise is None:
        return np.nan
    known = np.isfinite(noise).all(axis=1) & np.isfinite(control_noise).all(axis=1)
    keep = ~own_targets
    genes = keep.sum(axis=1)
    variance, of_control = np.square(noise).sum(axis=1), np.square(control_noise).sum(axis=1)
    forgiven = 0.0 if predicted_noise is None else np.minimum(np.square(predicted_noise).sum(axis=1), variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = ((keep * np.square(prediction - truth)).sum(axis=1) - variance - forgiven) / genes
        effect = ((keep * np.square(truth - control)).sum(axis=1) - variance - of_control) / genes
    known &= genes > 0
    total = effect[known].sum()
    return float(error[known].sum() / total) if total > 0 else np.nan


def lfc_nmae(
    truth: np.ndarray, prediction: np.ndarray, *, padj: np.ndarray, own_targets: np.ndarray, fewest: int = FEWEST
) -> np.ndarray:
    """Absolute error over absolute change, both summed over the significant genes but the perturbed ones: -> (P,).

    Parameters
    ----------
    truth, prediction
        (P, G) changes.
    padj
        (P, G) adjusted p-values of the observed change.
    own_targets
        (P, G) bool: the perturbed genes.
    fewest
        NaN with fewer genes than that.
    """
    counted = (padj < SIGNIFICANT) & ~own_targets
    size = np.where(counted, np.abs(truth), 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(counted, np.abs(prediction - truth), 0).sum(axis=1) / size
    return np.where((counted.sum(axis=1) >= fewest) & (size > 0) & complete(truth, prediction), value, np.nan)


METRICS = (
    Metric(
        Card(
            id="normalised_mse",
            name="Noise-corrected normalised MSE",
            symbol="nMSE",
            formula=r"\frac{\sum_p(\|\hat Y_p-Y_p\|^2-C_p)/n_p}{\sum_p(\|Y_p-c\|^2-C_p-C_c)/n_p},"
            r"\quad C=\textstyle\sum_g\mathrm{se}_g^2",
            better="lower",
            range="0, or just below, to ∞",
            perfect=0.0,
            empty="1 for no change",
            summary="Share of the squared effect left unexplained, after measurement noise is taken off both.",
            pro="On a scale with a meaning: 0 is perfect, 1 is no change. A perfect mean is not charged for noise.",
            con="One value a data set. The strongest perturbations decide.",
            gaming="Inflate the prediction's standard errors, so that more is taken off: here it has none.",
            source="cell-eval2 (mse_unbiased_capped); Virtual Cell Challenge 2026",
            family="squared error",
            unit="data set",
            shared_genes=True,
            needs=("control", "noise", "control_noise", "own_targets"),
            undefined="no standard errors are known, or the effects are no larger than their noise",
            traps="This is cell-eval2's ratio of sums with the perturbed genes left out of the distances, and noise "
            "summed over all genes. A predicted mean counts as free of noise. Values below 0 mean: as good as noise "
            "lets one see.",
        ),
        normalised_mse,
    ),
    Metric(
        Card(
            id="lfc_nmae",
            name="Normalised error of DE genes",
            symbol="NMAE",
            formula=r"\frac{\sum_{g\in D_p}|\hat Y_{pg}-Y_{pg}|}{\sum_{g\in D_p}|Y_{pg}-r_g|}",
            better="lower",
            range="0 to ∞",
            perfect=0.0,
            empty="1 for the reference itself",
            summary="Absolute error of the significant genes, as a share of their observed change.",
            pro="Robust and readable: 0.5 leaves half of the change unexplained.",
            con="Blind to false positives: what is predicted for genes that do not change costs nothing.",
            gaming="Shrink predictions: no change never gets more than 1.",
            source="cell-eval2 (lfc_nmae); Virtual Cell Challenge 2026",
            family="error of DE genes",
            reference="delta",
            needs=("padj", "own_targets"),
            undefined=f"fewer than {FEWEST} genes are significant",
            traps="cell-eval2 takes log2 fold changes of counts; here it is the difference of log-normalised means. "
            "The perturbed genes do not count.",
        ),
        lfc_nmae,
    ),
)
