"""Across perturbations: do predictions differ from one perturbation to another as the truth does?"""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric
from perturbviz.metrics.correlation import _centred, pearson, spearman

#: Below three perturbations every correlation is 1 or -1.
MIN_PERTURBATIONS = 3


def sd_ratios(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Standard deviation over perturbations of prediction over that of truth: (P, G), (P, G) -> (G,).

    NaN where the truth does not vary.
    """
    a, b = (np.sqrt(np.square(_centred(x.T)).sum(axis=1)) for x in (truth, prediction))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(a > 0, b / a, np.nan)


def sd_ratio(truth: np.ndarray, prediction: np.ndarray, *, noise: np.ndarray | None = None) -> float:
    """How much a prediction varies over perturbations, compared with the truth: (P, G), (P, G) -> one number.

    Parameters
    ----------
    noise
        (P, G) standard errors of ``truth``. With them the observed variance is freed of its noise, pooled over genes:
        sqrt(sum_g var(prediction) / sum_g (var(truth) - mean squared standard error)). Without, the median over genes
        of :func:`sd_ratios`.

    Returns
    -------
    NaN with fewer than two perturbations, where no gene varies, and where the truth varies no more than its noise.
    """
    if noise is not None:
        return _noise_free_ratio(truth, prediction, noise)
    ratios = sd_ratios(truth, prediction) if len(truth) > 1 else np.empty(0)
    ratios = ratios[~np.isnan(ratios)]
    return float(np.median(ratios)) if len(ratios) else np.nan


def _noise_free_ratio(truth: np.ndarray, prediction: np.ndarray, noise: np.ndarray) -> float:
    if len(truth) < 2:
        return np.nan
    known = np.isfinite(noise).any(axis=0)
    if not known.any():
        return np.nan
    error = np.nanmean(np.square(noise[:, known]), axis=0)
    left = (truth[:, known].var(axis=0, ddof=1) - error).sum()
    return float(np.sqrt(prediction[:, known].var(axis=0, ddof=1).sum() / left)) if left > 0 else np.nan


def gene_correlations(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Pearson correlation over perturbations: (P, G), (P, G) -> (G,); NaN where either does not vary."""
    return pearson(truth.T, prediction.T)


def gene_correlation(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Mean over genes of :func:`gene_correlations` where defined; NaN with fewer than three perturbations."""
    if len(truth) < MIN_PERTURBATIONS:
        return np.nan
    values = gene_correlations(truth, prediction)
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else np.nan


def effect_size_spearman(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Rank correlation over perturbations of the lengths of predicted and observed change: (P, G) changes -> a number.

    NaN with fewer than three perturbations and where all lengths on one side are equal.
    """
    if len(truth) < MIN_PERTURBATIONS:
        return np.nan
    observed, predicted = (np.sqrt(np.einsum("pg,pg->p", x, x)) for x in (truth, prediction))
    return float(spearman(observed[None], predicted[None])[0])


METRICS = (
    Metric(
        Card(
            id="sd_ratio",
            name="Prediction variation",
            symbol="sd ratio",
            formula=r"\sqrt{\frac{\sum_{g\in S}\operatorname{var}_p(\hat Y_{pg})}"
            r"{\sum_{g\in S}(\operatorname{var}_p(Y_{pg})-\overline{\mathrm{se}^2_{pg}})}}\ \text{; without se: }"
            r"\operatorname{median}_{g\in S}\frac{\operatorname{sd}_p(\hat Y_{pg})}{\operatorname{sd}_p(Y_{pg})}",
            better="one",
            range="0 to ∞; below 1 for a perfect mean where standard errors are not known",
            perfect=1.0,
            empty="0 for any constant prediction",
            summary="How much predictions vary between perturbations, compared with the truth.",
            pro="Shows mode collapse, the same prediction for every perturbation, at a glance.",
            con="Says nothing about accuracy: the right amount of variation may be in the wrong places.",
            gaming="Multiply predicted changes, or add noise.",
            source="Ahlmann-Eltze, Huber & Anders 2025, Extended Data Fig. 7 (without standard errors)",
            family="variation",
            unit="data set",
            shared_genes=True,
            needs=("noise",),
            undefined="it needs two perturbations and genes that vary between them by more than noise",
            traps="Measured truth varies by noise as well. Where the data hold standard errors their squares are taken "
            "off, and a perfect prediction of the mean gets 1. Otherwise it stays below 1, and the metric has no "
            "vote.",
        ),
        sd_ratio,
    ),
    Metric(
        Card(
            id="gene_correlation",
            name="Per-gene correlation",
            symbol="r per gene",
            formula=r"\operatorname{mean}_{g\in S}\operatorname{cor}_p(Y_{pg},\hat Y_{pg})",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for any constant prediction",
            summary="For each gene, correlation over perturbations of predicted and observed value; then the mean.",
            pro="Any shared reference cancels: systematic effects do not help.",
            con="Every gene counts the same, also those that hardly respond to any perturbation.",
            gaming="Predict no variation for the genes that are hard: they are then left out.",
            source="scGPT and Csendes et al. (metrics across conditions); Bendidi et al. 2024",
            family="correlation over perturbations",
            unit="data set",
            shared_genes=True,
            undefined="it needs three perturbations and genes whose prediction varies between them",
            traps="Genes that do not vary, observed or predicted, are left out of the mean.",
        ),
        gene_correlation,
    ),
    Metric(
        Card(
            id="effect_size_spearman",
            name="Order of effect sizes",
            symbol="ρ size",
            formula=r"\operatorname{cor}_p(\operatorname{rank}\|Y_p-r\|_S,\operatorname{rank}\|\hat Y_p-r\|_S)",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for any constant prediction",
            summary="Does a method know which perturbations are strong? Rank correlation of the sizes of change.",
            pro="One plain question, and no gene is asked for.",
            con="Says nothing about direction. With few cells noise makes an effect look strong.",
            gaming="Predict the size from the number of cells: few cells, large observed change.",
            source="Formula: Spearman correlation of L2 norms; cell-eval2's nsig_spearman counts significant genes",
            family="effect size",
            unit="data set",
            reference="delta",
            shared_genes=True,
            undefined="it needs three perturbations whose predicted changes differ in size",
        ),
        effect_size_spearman,
    ),
)
