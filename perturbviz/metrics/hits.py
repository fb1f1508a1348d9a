"""Finding hits: genes that a perturbation changes, and perturbations that change a gene."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric, Parameter
from perturbviz.metrics.correlation import complete
from perturbviz.metrics.expressed import SIGNIFICANT, de_overlap, top_share


def de_auprc(truth: np.ndarray, prediction: np.ndarray, *, padj: np.ndarray) -> np.ndarray:
    """Average precision of the significant genes in the order of |predicted change|: (P, G) changes -> (P,).

    Genes with equal predicted change are one threshold, so that a prediction of no change gets the share of
    significant genes. NaN where no gene is significant, or every one.
    """
    label = padj < SIGNIFICANT
    count = label.sum(axis=1)
    ok = (count > 0) & (count < truth.shape[1])
    ok &= complete(truth, prediction)
    size = np.abs(prediction)
    order = np.argsort(-size, axis=1, kind="stable")
    size, label = np.take_along_axis(size, order, axis=1), np.take_along_axis(label, order, axis=1)
    place = np.arange(truth.shape[1])
    # the last place of each group of equal sizes: the next one at which the size changes
    end = np.where(np.diff(size, axis=1, append=-1.0) != 0, place, truth.shape[1] - 1)
    end = np.minimum.accumulate(end[:, ::-1], axis=1)[:, ::-1]
    precision = np.take_along_axis(np.cumsum(label, axis=1), end, axis=1) / (end + 1)
    with np.errstate(invalid="ignore"):
        return np.where(ok, (label * precision).sum(axis=1) / count, np.nan)


def overlap_beyond_chance(truth: np.ndarray, prediction: np.ndarray, *, k: int) -> np.ndarray:
    """:func:`perturbviz.metrics.expressed.de_overlap` at k on a scale where 0 is chance and 1 is perfect: -> (P,)."""
    chance = k / truth.shape[1]
    overlap = de_overlap(truth, prediction, k=k)  # NaN unless k is below the number of genes
    return (overlap - chance) / (1 - chance) if chance < 1 else overlap


def hit_recalls(
    truth: np.ndarray, prediction: np.ndarray, *, padj: np.ndarray, top: int, least: float = 0.0
) -> np.ndarray:
    """For each gene the share of the perturbations that hit it among the ``top`` of largest predicted change: -> (G,).

    Parameters
    ----------
    truth, prediction
        (P, G) changes.
    padj
        (P, G) adjusted p-values; a perturbation hits a gene where they are small and |truth| exceeds ``least``.
    top
        How many perturbations are looked at for each gene, 1 ... P; tied ones share the last places.

    Returns
    -------
    NaN for genes that no perturbation hits.
    """
    hit = (padj < SIGNIFICANT) & (np.abs(truth) > least)
    picked = top_share(np.abs(prediction).T, top).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(hit.any(axis=0), (hit * picked).sum(axis=0) / hit.sum(axis=0), np.nan)


def hit_recall(truth: np.ndarray, prediction: np.ndarray, *, padj: np.ndarray, budget: int) -> float:
    """Mean over genes of :func:`hit_recalls` with a ``budget`` of so many percent of the perturbations, rounded up.

    NaN with fewer than two perturbations, where the budget is all of them, and where no gene is hit.
    """
    top = int(np.ceil(budget / 100 * len(truth) - 1e-9))
    if not 0 < top < len(truth):
        return np.nan
    values = hit_recalls(truth, prediction, padj=padj, top=top)
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else np.nan


METRICS = (
    Metric(
        Card(
            id="de_auprc",
            name="Average precision of DE genes",
            symbol="DE AUPRC",
            formula=r"\sum_i(R_i-R_{i-1})P_i",
            better="higher",
            range="the share of significant genes to 1",
            perfect=1.0,
            empty="the share of significant genes, for no change and for a random order alike",
            summary="Area under the precision–recall curve of significant genes, ordered by predicted change.",
            pro="Needs no number of genes: the whole order counts.",
            con="Its chance level is the share of significant genes, which differs between perturbations.",
            gaming="Order genes by how often they are significant in the training perturbations.",
            source="scPertEval (de_auprc, score |prediction − control|)",
            family="DE genes found",
            reference="delta",
            needs=("padj",),
            undefined="no gene is significant, or every one is",
            traps="Average precision, no trapezoids. Below 1 even for a perfect prediction where large changes are not "
            "the significant ones. cell-eval2 orders by the prediction's own p-values. The perturbed genes count.",
        ),
        de_auprc,
    ),
    Metric(
        Card(
            id="overlap_beyond_chance",
            name="DE overlap beyond chance",
            symbol="DE overlap − chance",
            formula=r"\frac{o/k-k/|S|}{1-k/|S|},\quad o=|T_k(|Y_p-r|)\cap T_k(|\hat Y_p-r|)|",
            better="higher",
            range="−k/(|S| − k) to 1",
            perfect=1.0,
            empty="0 on average (random order); undefined for the reference itself",
            summary="Overlap of the k most changed genes with the k predicted to, counted from chance.",
            pro="0 is chance, whatever k and the number of genes.",
            con="Orders methods like the DE overlap: only the scale differs.",
            gaming="Name the genes that change in most perturbations.",
            source="Cohen's kappa of two lists of equal length; of equal lengths also their Matthews correlation",
            family="DE genes found",
            reference="delta",
            undefined="no change is predicted, or k is not below the number of genes",
            parameter=Parameter("k", "50", ("20", "50", "100", "200"), "number of genes", whole_numbers=True),
            traps="cell-eval2's overlap_adjusted takes as many genes as are significant; here k is fixed.",
        ),
        overlap_beyond_chance,
    ),
    Metric(
        Card(
            id="hit_recall",
            name="Hit recall per gene",
            symbol="hit recall",
            formula=r"\operatorname{mean}_g\frac{|H_g\cap \mathrm{top}_{b}(|\hat Y_{\cdot g}-r_g|)|}{|H_g|}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="the budget, as a share of the perturbations",
            summary="Of the perturbations that hit a gene, the share among those predicted to change it most.",
            pro="A screener's question: which perturbations move my gene?",
            con="Few perturbations hit a gene, so single ones decide.",
            gaming="Predict which perturbations are strong and say nothing about genes.",
            source="perturb-hd (hit prioritisation); the mean over genes that are hit",
            family="hits per gene",
            unit="data set",
            reference="delta",
            shared_genes=True,
            needs=("padj",),
            undefined="no gene is hit, or the budget is all perturbations",
            parameter=Parameter(
                "budget", "10", ("5", "10", "20", "50"), "percent of the perturbations", whole_numbers=True
            ),
            traps="A hit is significant; perturb-hd also asks for a size of the change. Below 1 even for a perfect "
            "prediction where more perturbations hit a gene than the budget holds. The budget is rounded up.",
        ),
        hit_recall,
    ),
)
