"""Differentially expressed genes: are the right ones predicted to change, and in the right direction?

Where changes tie at the k-th place (sparse predictions hold many zeros), the tied genes share the places left, so that
nothing depends on the order of genes.
"""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric, Parameter
from perturbviz.metrics.correlation import complete

#: Adjusted p-value below which a gene counts as differentially expressed (Virtual Cell Challenge; Miller et al.).
SIGNIFICANT = 0.05
TOP = "significant"


def top_share(size: np.ndarray, k: np.ndarray | int) -> np.ndarray:
    """How much of each gene is among the k largest of its row: (P, G) -> (P, G), 0 to 1 (or bool), rows sum to k.

    Genes tied at the k-th place share the places left. ``k``: one number or one a row, 1 ... G.
    """
    k, n = np.broadcast_to(np.asarray(k, int), len(size))[:, None], size.shape[1]
    if len(k) and (k == k[0]).all():
        cut = np.partition(size, n - k[0, 0], axis=1)[:, n - k[0]]
    else:
        cut = np.take_along_axis(np.sort(size, axis=1), n - k, axis=1)
    top = size >= cut
    surplus = top.sum(axis=1, keepdims=True) > k
    if not surplus.any():
        return top
    above, tied = size > cut, size == cut
    left = k - above.sum(axis=1, keepdims=True)
    return above + tied * (left / tied.sum(axis=1, keepdims=True))


def _overlap(a: np.ndarray, b: np.ndarray, k: np.ndarray | int) -> np.ndarray:
    """Genes shared by two (fuzzy) sets per place: 1 for equal sets, the expected overlap where one side has ties."""
    return np.minimum(a, b).sum(axis=1) / k


def de_overlap(
    truth: np.ndarray, prediction: np.ndarray, *, k: int | str, padj: np.ndarray | None = None
) -> np.ndarray:
    """Share of the k genes of largest observed change that are among the k of largest predicted change: -> (P,).

    Parameters
    ----------
    truth, prediction
        (P, G) changes.
    k
        Number of genes, or "significant": as many as there are significant ones, which then are the observed set
        (overlap at N of cell-eval, the differential expression score of the Virtual Cell Challenge).
    padj
        (P, G) adjusted p-values of the observed change, for "significant".

    Returns
    -------
    NaN where nothing is predicted or observed to change (any order of genes would do), where k is not below G, and
    where no gene is significant.
    """
    if k == TOP:
        return _by_row(_significant_overlap, truth, prediction, padj)
    k = int(k)
    changed = (truth != 0).any(axis=1) & (prediction != 0).any(axis=1)
    if k >= truth.shape[1]:
        return np.full(len(truth), np.nan)
    value = _overlap(top_share(np.abs(truth), k), top_share(np.abs(prediction), k), k)
    return np.where(changed & ~np.isnan(prediction).any(axis=1) & ~np.isnan(truth).any(axis=1), value, np.nan)


def _significant_overlap(truth: np.ndarray, prediction: np.ndarray, padj: np.ndarray) -> np.ndarray:
    significant = padj < SIGNIFICANT
    k = significant.sum(axis=1)
    return _overlap(significant, top_share(np.abs(prediction), k), k)


def precision_at_k(truth: np.ndarray, prediction: np.ndarray, *, k: int, padj: np.ndarray) -> np.ndarray:
    """Share of the k genes of largest predicted change that are among the k most changed significant ones: -> (P,).

    cell-eval's precision at k, which cuts both lists at k, for predictions that say nothing about significance.
    Arguments as in :func:`de_overlap`.
    """
    return _by_row(lambda t, p, q: _precision(t, p, q, k), truth, prediction, padj)


def _precision(truth: np.ndarray, prediction: np.ndarray, padj: np.ndarray, k: int) -> np.ndarray:
    if k >= truth.shape[1]:
        return np.full(len(truth), np.nan)
    significant = padj < SIGNIFICANT
    real = top_share(np.where(significant, np.abs(truth), -1.0), k) * significant  # fewer than k where few are
    return _overlap(real, top_share(np.abs(prediction), k), k)


def _by_row(function, truth: np.ndarray, prediction: np.ndarray, padj: np.ndarray | None) -> np.ndarray:
    """Apply to the rows where something is predicted to change and some, but not all, genes are significant."""
    assert padj is not None
    count = (padj < SIGNIFICANT).sum(axis=1)
    ok = (count > 0) & (count < truth.shape[1]) & ~np.isnan(truth).any(axis=1)
    ok &= (prediction != 0).any(axis=1) & ~np.isnan(prediction).any(axis=1)
    out = np.full(len(truth), np.nan)
    if ok.any():
        out[ok] = function(truth[ok], prediction[ok], padj[ok])
    return out


def direction_shares(
    truth: np.ndarray, prediction: np.ndarray, k: int | str, padj: np.ndarray | None = None
) -> np.ndarray:
    """Shares of the DE genes predicted in the correct direction, not at all, and in the opposite one: (3, P).

    DE genes are the k of largest observed change ("significant": those with a small adjusted p-value); genes that
    do not change at all are none. NaN where there is no such gene.
    """
    if k == TOP:
        assert padj is not None
        weight = (padj < SIGNIFICANT).astype(float)
    else:
        weight = top_share(np.abs(truth), min(int(k), truth.shape[1]))
    weight = np.where(truth == 0, 0.0, weight)
    agreement = np.sign(truth) * np.sign(prediction)
    with np.errstate(invalid="ignore"):
        shares = np.stack([(weight * (agreement == s)).sum(axis=1) for s in (1, 0, -1)]) / weight.sum(axis=1)
    shares[:, ~complete(truth, prediction)] = np.nan
    return shares


def direction_match(
    truth: np.ndarray, prediction: np.ndarray, *, k: int | str, padj: np.ndarray | None = None
) -> np.ndarray:
    """The first of :func:`direction_shares`, the correct share: -> (P,). No prediction of change counts as wrong."""
    return direction_shares(truth, prediction, k, padj)[0]


_NO_NEGATIVES = "Looks at genes that truly change only: lacks all negative examples."
_K = Parameter(
    "k",
    "50",
    ("20", "50", "100", "200", TOP),
    "number of genes, or all significant ones (adjusted p < 0.05)",
    whole_numbers=True,
    needs=((TOP, "padj"),),
)

METRICS = (
    Metric(
        Card(
            id="de_overlap",
            name="DE overlap",
            symbol="DE overlap",
            formula=r"\frac{|T_k(|Y_p-r|)\cap T_k(|\hat Y_p-r|)|}{k}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="k divided by the number of genes (random order); undefined for the reference itself",
            summary="Share of the k most changed genes that are among the k predicted to change most.",
            pro="Interpretable: did it name the right genes?",
            con="Sees neither size nor direction of a change; genes near the k-th place decide.",
            gaming="Name the genes that change in most perturbations.",
            source="cell-eval, PEREGGRN, scPertEval; “significant”: the Virtual Cell Challenge's DE score",
            family="DE genes found",
            reference="delta",
            undefined="no change is predicted, no gene is significant, or k is not below the number of genes",
            parameter=_K,
            traps="cell-eval tests predicted cells and counts significant genes; here the size of the change orders "
            "the genes. Tied genes share the last places. Undefined is not 0, as it is in cell-eval.",
        ),
        de_overlap,
    ),
    Metric(
        Card(
            id="precision_at_k",
            name="Precision at k",
            symbol="P@k",
            formula=r"\frac{|T_k(|\hat Y_p-r|)\cap T_k(|Y_p-r|\text{ of significant genes})|}{k}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="at most k divided by the number of genes (random order); undefined for the reference itself",
            summary=(
                "Share of the k genes predicted to change most that are among the k most changed significant genes."
            ),
            pro="Interpretable: how many of the named genes are among those that change most, and significantly?",
            con="Below 1 even for a perfect prediction where fewer than k genes are significant. A significant gene "
            "beyond the k-th place counts as wrong.",
            gaming="Name the genes that change in most perturbations.",
            source="cell-eval (precision at k)",
            family="DE genes found",
            reference="delta",
            needs=("padj",),
            undefined="no change is predicted, no gene is significant, or k is not below the number of genes",
            parameter=Parameter("k", "50", ("20", "50", "100", "200"), "number of genes", whole_numbers=True),
            traps="As in cell-eval both lists are cut at k. Without p-values it would equal the DE overlap, so it is "
            "offered only where they define the truth.",
        ),
        precision_at_k,
    ),
    Metric(
        Card(
            id="direction_match",
            name="Direction match",
            symbol="direction match",
            formula=r"\frac{1}{k}\sum_{g\in T_k(|Y_p-r|)}\mathbf 1[\operatorname{sign}(\hat Y_{pg}-r_g)="
            r"\operatorname{sign}(Y_{pg}-r_g)]",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="0 for the reference itself; about ½ for random signs, more where most genes change one way",
            summary="Share of the k most changed genes whose predicted change has the right sign.",
            pro="Interpretable: up or down?",
            con="Sees no size. " + _NO_NEGATIVES,
            gaming="Predict a tiny change in the usual direction for every gene.",
            source="GEARS (k = 20); cell-eval (“significant”)",
            family="direction",
            reference="delta",
            undefined="no gene changes (or none significantly) in the observed data",
            parameter=_K,
            traps="No predicted change is not a match, even where PEREGGRN counts sign(0) = sign(0).",
        ),
        direction_match,
    ),
)
