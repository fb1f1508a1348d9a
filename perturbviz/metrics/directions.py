"""Direction of the genes that a method would call, and how far down its list the direction holds."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric
from perturbviz.metrics.correlation import complete
from perturbviz.metrics.expressed import SIGNIFICANT, top_share

#: Share of right signs that a prefix of the list must keep (cell-eval2).
REACH = 0.9


def direction_fidelity(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    padj: np.ndarray,
    own_targets: np.ndarray,
    called: np.ndarray | None = None,
) -> np.ndarray:
    """Called genes with the right sign over the larger of the numbers of called and of significant genes: -> (P,).

    Parameters
    ----------
    truth, prediction
        (P, G) changes.
    padj
        (P, G) adjusted p-values of the observed change.
    own_targets
        (P, G) bool: the perturbed genes, which do not count.
    called
        (P, G) bool, or shares: the genes that are predicted to change. Where None, as many as are significant, those
        of largest predicted change; tied genes share the last places.

    Returns
    -------
    NaN where nothing is called and nothing is significant.
    """
    n_true = ((padj < SIGNIFICANT) & ~own_targets).sum(axis=1)
    if called is None:
        calls = np.zeros(truth.shape)
        rows = np.flatnonzero(n_true)
        size = np.where(own_targets | (prediction == 0), -1.0, np.abs(prediction))[rows]
        calls[rows] = top_share(size, n_true[rows]) * (size > 0)  # what is not predicted to change is not called
    else:
        calls = np.where(own_targets, 0.0, called)
    right = (calls * (np.sign(truth) * np.sign(prediction) > 0)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = right / np.maximum(calls.sum(axis=1), n_true)
    return np.where(complete(truth, prediction), value, np.nan)


def direction_reach(
    truth: np.ndarray, prediction: np.ndarray, *, padj: np.ndarray, own_targets: np.ndarray, share: float = REACH
) -> np.ndarray:
    """How deep into the significant genes, by predicted size, at least ``share`` have the right sign: -> (P,).

    The deepest such prefix over the number of significant genes. Within tied genes right signs are spread evenly.
    NaN where no gene is significant. Arguments as of :func:`direction_fidelity`.
    """
    counted = (padj < SIGNIFICANT) & ~own_targets
    out = np.full(len(truth), np.nan)
    for i in np.flatnonzero(counted.any(axis=1) & complete(truth, prediction)):
        y, p = truth[i, counted[i]], prediction[i, counted[i]]
        right = (np.sign(y) * np.sign(p) > 0).astype(float)
        _, group = np.unique(-np.abs(p), return_inverse=True)
        order = np.argsort(group, kind="stable")
        even = np.bincount(group, right) / np.bincount(group)
        kept = np.cumsum(even[group[order]]) / np.arange(1, len(y) + 1)
        deep = np.flatnonzero(kept >= share - 1e-12)
        out[i] = (deep[-1] + 1 if len(deep) else 0) / len(y)
    return out


_SOURCE = "cell-eval2 ({}); pseudobulks say nothing about significance, so calls are the genes of largest change"

METRICS = (
    Metric(
        Card(
            id="direction_fidelity",
            name="Direction fidelity",
            symbol="direction fidelity",
            formula=r"\frac{\#\{g\in\hat D_p:\ \operatorname{sign}(\hat Y_{pg}-r_g)=\operatorname{sign}(Y_{pg}-r_g)\}}"
            r"{\max(|\hat D_p|,|D_p|)}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="0 for the reference itself; about ½ for random genes and signs",
            summary="Share of the genes called that move the predicted way, out of as many as are significant.",
            pro="Charges for calling too many genes as well as too few.",
            con="Needs calls: without p-values of the prediction its largest changes stand for them.",
            gaming="Call as many genes as are significant, each with the sign it has in most perturbations.",
            source=_SOURCE.format("direction_fidelity_yield"),
            family="direction",
            reference="delta",
            needs=("padj", "own_targets"),
            undefined="no gene is significant",
            traps="cell-eval2 has a variant per call alone and one per call or significant gene, whichever are more: "
            "this is the second. A called gene need not be significant itself. The perturbed genes do not count.",
        ),
        direction_fidelity,
    ),
    Metric(
        Card(
            id="direction_reach",
            name="Direction reach",
            symbol="direction reach",
            formula=r"\frac{1}{|D_p|}\max\{m:\ \tfrac1m\textstyle\sum_{i\le m}\mathbf 1[\text{sign right}]\ge 0.9\}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="0 for the reference itself; near 0 for random signs",
            summary="How far down the significant genes, by predicted size, nine in ten signs are right.",
            pro="Tells how many of a method's calls can be acted upon.",
            con="The first calls decide: one wrong sign at the top can end the list.",
            gaming="Put the genes that move the same way in most perturbations first.",
            source=_SOURCE.format("direction_reach, 0.9"),
            family="direction",
            reference="delta",
            needs=("padj", "own_targets"),
            undefined="no gene is significant",
            traps="Only significant genes are in the list, so false calls cost nothing. The deepest prefix counts, "
            "whatever came before. The perturbed genes do not count.",
        ),
        direction_reach,
    ),
)
