"""Retrieval: is a prediction closer to its own truth than to those of other perturbations?

Row-wise (centroid accuracy, PDS) a prediction is fixed and the observed profiles are the candidates; column-wise
(PerturBench) an observed profile is fixed and the predictions are. Candidates are the rows of one block (seed and
context).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from perturbviz.metrics.cards import Card, Metric, Parameter
from perturbviz.stats.rounding import snap

Distance = Literal["l1", "l2", "cosine"]

#: Distances that differ by less than this fraction of what they are computed from are tied: a matrix product does not
#: give equal columns for equal profiles, and rounding must not decide who is closer.
TIE = 1e-12
QUERIES = 2048  # looked at together: all distances of 10,000 perturbations would take gigabytes
#: What a tie adds to a rank.
TIES = {"half": 0.5, "win": 0.0, "lose": 1.0}


def squared_distances(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances: (P, G), (Q, G) -> (P, Q), by one matrix product.

    Both are centred on the mean truth first, which changes no distance and keeps the product accurate.
    """
    centre = truth.mean(axis=0)
    a, b = prediction - centre, truth - centre
    squared = np.einsum("pg,pg->p", a, a)[:, None] + np.einsum("pg,pg->p", b, b)[None] - 2 * (a @ b.T)
    return np.maximum(squared, 0)


@dataclass(frozen=True)
class Placement:
    """Where the own candidate of each query stands: how many others are closer, tied and compared (NaN: undefined)."""

    closer: np.ndarray
    tied: np.ndarray
    others: np.ndarray


def place(
    query: np.ndarray,
    candidate: np.ndarray,
    distance: Distance = "l2",
    masked: np.ndarray | None = None,
    zero_is_far: bool = False,
) -> Placement:
    """Compare each query with all candidates; candidate i is the own one of query i.

    Parameters
    ----------
    query, candidate
        (n, G). A candidate with NaN is none, a query with NaN (or without own candidate) is undefined.
    distance
        "l1", "l2" or "cosine" (1 - cosine; undefined for a query or own candidate of zero length).
    masked
        (n,) column that is left out of all distances of a query, -1 where none is.
    zero_is_far
        A cosine with a query or own candidate of zero length is as far as an orthogonal one, not undefined.
    """
    have, known = ~np.isnan(candidate).any(axis=1), ~np.isnan(query).any(axis=1)
    n = len(query)
    closer, tied, own = np.empty(n), np.empty(n), np.empty((n, 1))
    for start in range(0, n, QUERIES):
        rows = np.arange(start, min(start + QUERIES, n))
        mine, itself = rows[known[rows]], (np.arange(len(rows)), rows)
        gap, scale = np.full((len(rows), n), np.nan), np.full((len(rows), n), np.nan)
        if len(mine) and have.any():
            at = np.ix_(known[rows], have)
            gap[at], scale[at] = _distances(
                query[mine], candidate[have], distance, None if masked is None else masked[mine]
            )
            if zero_is_far:
                gap[at] = np.where(np.isnan(gap[at]), 1.0, gap[at])
        own[rows] = gap[itself][:, None]
        tolerance = TIE * np.maximum(scale, scale[itself][:, None])
        with np.errstate(invalid="ignore"):
            closer[rows] = (gap < own[rows] - tolerance).sum(axis=1, dtype=float)
            tied[rows] = (np.abs(gap - own[rows]) <= tolerance).sum(axis=1, dtype=float) - 1
    undefined = np.isnan(own[:, 0])
    if distance == "cosine" and not zero_is_far:
        undefined |= (candidate == 0).all(axis=1)
    closer[undefined] = tied[undefined] = np.nan
    return Placement(closer, tied, np.full(n, have.sum() - 1.0))


def _distances(
    a: np.ndarray, b: np.ndarray, distance: Distance, masked: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (P, Q) up to what is the same for all candidates of a query, and the size of what they are made of."""
    column = None if masked is None else np.maximum(masked, 0)
    use = None if masked is None else (masked >= 0)[:, None]
    if distance == "l1":
        from scipy.spatial.distance import cdist  # here: the first page does without

        value = cdist(a, b, "cityblock")
        scale = value.copy()
        if column is not None:
            value -= use * np.abs(np.take_along_axis(a, column[:, None], axis=1) - b[:, column].T)
        return value, scale
    if distance == "l2":
        centre = b.mean(axis=0)
        a, b = a - centre, b - centre
    dot, bb = a @ b.T, np.broadcast_to(np.einsum("qg,qg->q", b, b), (len(a), len(b)))
    aa = np.einsum("pg,pg->p", a, a)[:, None]
    size = np.sqrt(aa * bb)
    if column is not None:
        own_a, own_b = np.take_along_axis(a, column[:, None], axis=1), b[:, column].T
        dot, bb, aa = dot - use * own_a * own_b, bb - use * own_b**2, aa - use * own_a**2
    if distance == "l2":
        return bb - 2 * dot, bb + 2 * size
    with np.errstate(invalid="ignore", divide="ignore"):
        value = 1 - dot / np.sqrt(aa * bb)
    value = np.where(bb > 0, value, 1.0)  # a candidate without any change points nowhere: as far as an orthogonal one
    value[aa[:, 0] <= 0] = np.nan
    return value, np.ones_like(value)


def by_block(block: np.ndarray, function) -> np.ndarray:
    """Values of ``function(rows)`` for the rows of each block."""
    value = np.full(len(block), np.nan)
    for label in np.unique(block):
        rows = np.flatnonzero(block == label)
        value[rows] = function(rows)
    return value


def _share(count: np.ndarray, among: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``count / among``; NaN for whoever has no others to be compared with."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(others > 0, count / among, np.nan)


def centroid_accuracy(truth: np.ndarray, prediction: np.ndarray, *, block: np.ndarray) -> np.ndarray:
    """Share of the other observed profiles that lie farther from the prediction than its own (strictly).

    Parameters
    ----------
    truth, prediction
        (P, G); rows with NaN predictions get NaN, their truths stay candidates.
    block
        (P,) labels; candidates are the rows of the same block (seed and context). A block of one is NaN.
    """

    def value(rows: np.ndarray) -> np.ndarray:
        p = place(prediction[rows], truth[rows])
        return _share(p.others - p.closer - p.tied, p.others, p.others)

    return by_block(block, value)


def _effects(
    truth: np.ndarray, prediction: np.ndarray, distance: Distance, control: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Profiles, or for the cosine their changes against the measured control."""
    if distance != "cosine":
        return truth, prediction
    assert control is not None
    size = np.abs(control).max(axis=1)
    return snap(truth - control, size), snap(prediction - control, size)


def pds(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    block: np.ndarray,
    own_gene: np.ndarray,
    distance: Distance = "l1",
    control: np.ndarray | None = None,
    ties: Literal["half", "win", "lose"] = "half",
) -> np.ndarray:
    """Perturbation discrimination score of the Virtual Cell Challenge: 1 - rank / n, between 1/n and 1.

    Parameters
    ----------
    truth, prediction
        (P, G) profiles.
    block
        (P,) labels of candidate sets; n is the number of observed profiles of the block.
    own_gene
        (P,) column of the perturbed gene, left out of all distances of its row as in cell-eval; -1 where it is not
        measured and for combinations.
    distance
        "l1", "l2" or "cosine" (of the changes against ``control``, (P, G), the measured one for both sides).
    ties
        What an observed profile as close as the own one adds to the rank: ½ (mid-rank), 0 or 1. cell-eval's order
        among ties is arbitrary.

    Returns
    -------
    (P,), where the rank is the number of observed profiles that are closer than the own one.
    """
    y, predicted = _effects(truth, prediction, distance, control)

    def value(rows: np.ndarray) -> np.ndarray:
        p = place(predicted[rows], y[rows], distance, own_gene[rows])
        return 1 - _share(p.closer + TIES[ties] * p.tied, p.others + 1, p.others)

    return by_block(block, value)


def pds_panel(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    block: np.ndarray,
    own_targets: np.ndarray,
    distance: Distance = "cosine",
    control: np.ndarray | None = None,
) -> np.ndarray:
    """Perturbation discrimination without the target genes of any scored perturbation: 1 - rank / (n - 1), ties half.

    Parameters
    ----------
    truth, prediction
        (P, G) profiles.
    block
        (P,) labels of candidate sets.
    own_targets
        (P, G) bool: the perturbed genes of each row. Those of all rows of a block are left out of all its distances.
    distance
        "cosine" (of the changes against ``control``, (P, G); a change of zero is orthogonal to all), "l1" or "l2".

    Returns
    -------
    (P,); exactly ½ on average for any constant prediction. NaN for a block of one, or of no other gene.
    """
    y, predicted = _effects(truth, prediction, distance, control)

    def value(rows: np.ndarray) -> np.ndarray:
        keep = ~own_targets[rows].any(axis=0)
        if not keep.any():
            return np.full(len(rows), np.nan)
        p = place(predicted[np.ix_(rows, keep)], y[np.ix_(rows, keep)], distance, zero_is_far=True)
        return 1 - _share(p.closer + p.tied / 2, p.others, p.others)

    return by_block(block, value)


def perturbench_rank(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    block: np.ndarray,
    distance: Literal["rmse", "cosine"] = "rmse",
    control: np.ndarray | None = None,
    ties: Literal["half", "win", "lose"] = "half",
) -> np.ndarray:
    """Rank of the own prediction among all predictions of the block by distance to the truth, over their number n.

    0 is best; ties count half, where PerturBench breaks them at random. Arguments as in :func:`pds`.
    """
    kind: Distance = "cosine" if distance == "cosine" else "l2"  # RMSE and L2 order alike
    y, predicted = _effects(truth, prediction, kind, control)

    def value(rows: np.ndarray) -> np.ndarray:
        p = place(y[rows], predicted[rows], kind)
        return _share(p.closer + TIES[ties] * p.tied, p.others + 1, p.others)

    return by_block(block, value)


_COMPANY = "Output depends on perturbation similarity: on the company a perturbation keeps."
_CANDIDATES = "Candidates are the evaluated perturbations of the same seed and context"
_ALONE = "it needs other perturbations of the same seed and context to compare with"
_NO_ANGLE = _ALONE + "; its cosine also needs a predicted change"

METRICS = (
    Metric(
        Card(
            id="centroid_accuracy",
            name="Centroid accuracy",
            symbol="centroid accuracy",
            formula=r"\frac{\#\{q\neq p:\ \|\hat Y_p-Y_q\|>\|\hat Y_p-Y_p\|\}}{|Q|-1}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="exactly ½ on average for any constant prediction",
            summary="Share of the other observed profiles that are farther from the prediction than its own truth.",
            pro="Interpretable. A constant prediction scores chance, whatever the systematic shift.",
            con=_COMPANY,
            gaming="Amplify small predicted changes, away from the crowded centre.",
            source="Viñas Torné et al., Systema, Nature Biotechnology 2025 (= NIR of Miller et al.)",
            family="retrieval",
            shared_genes=True,
            needs=("block",),
            undefined=_ALONE,
            traps=_CANDIDATES + "; ties count as losses.",
        ),
        centroid_accuracy,
    ),
    Metric(
        Card(
            id="pds",
            name="Perturbation discrimination score",
            symbol="PDS",
            formula=r"1-\frac{\#\{q:\ d(\hat Y_p,Y_q)<d(\hat Y_p,Y_p)\}}{|Q|}",
            better="higher",
            range="1/n to 1, for n candidates",
            perfect=1.0,
            empty="(n + 1)/2n on average for a constant prediction, a little above ½",
            summary="How high the own truth ranks among all observed profiles by distance to the prediction.",
            pro="A constant prediction scores chance, whatever the systematic shift.",
            con=_COMPANY + " The divisor is n, not n − 1, so chance depends on the number of candidates.",
            gaming="Multiply small predicted changes: the score follows their size.",
            source="Virtual Cell Challenge; cell-eval (discrimination score)",
            family="retrieval",
            shared_genes=True,
            needs=("block", "own_gene"),
            undefined=_NO_ANGLE,
            parameter=Parameter(
                "distance", "l1", ("l1", "l2", "cosine"), "distance between changes", needs=(("cosine", "control"),)
            ),
            traps="The perturbed gene is left out of its row's distances (of combinations none is, as in cell-eval). "
            "Truth and prediction are compared with the same measured control; cell-eval lets the prediction bring its "
            "own. " + _CANDIDATES + "; ties count half, where cell-eval's order is arbitrary.",
        ),
        pds,
    ),
    Metric(
        Card(
            id="pds_panel",
            name="Perturbation discrimination, panel masked",
            symbol="PDS panel",
            formula=r"1-\frac{\#\{q:\ d_q<d_p\}+\frac12\#\{q\neq p:\ d_q=d_p\}}{|Q|-1},\quad d_q=d(\hat Y_p,Y_q)"
            r"\text{ without the targets of }Q",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="exactly ½ on average for any constant prediction, no change included",
            summary="How high the own truth ranks by distance to the prediction, when no perturbed gene counts.",
            pro="No points for knowing which gene was targeted; chance is exactly ½.",
            con=_COMPANY + " It also loses real effects of one perturbation on the target of another.",
            gaming="With L1 or L2: multiply small predicted changes. The cosine does not see their size.",
            source="cell-eval2 (discrimination_score, mask “panel”, n − 1, mid-rank); Virtual Cell Challenge 2026",
            family="retrieval",
            shared_genes=True,
            needs=("block", "own_targets"),
            undefined=_ALONE,
            parameter=Parameter(
                "distance",
                "cosine",
                ("cosine", "l1", "l2"),
                "distance between changes",
                needs=(("cosine", "control"),),
            ),
            traps="PDS leaves out a row's own target only, so a prediction may write large values into the others and "
            "push its rivals away. Here the targets of all scored perturbations are left out, of combinations too. "
            + _CANDIDATES
            + ". A predicted change of zero is orthogonal to every truth: all tie.",
        ),
        pds_panel,
    ),
    Metric(
        Card(
            id="perturbench_rank",
            name="PerturBench rank",
            symbol="PerturBench rank",
            formula=r"\frac{\#\{q\neq p:\ d(\hat Y_q,Y_p)<d(\hat Y_p,Y_p)\}}{n}",
            better="lower",
            range="0 to 1 − 1/n, for n predictions",
            perfect=0.0,
            empty="(n − 1)/2n, a little below ½, for any constant prediction",
            summary="Share of the predictions for other perturbations that are closer to the truth than its own.",
            pro="A constant prediction scores chance. Candidates are the method's own predictions.",
            con=_COMPANY + " Compares a method with itself: one bad prediction costs the others nothing.",
            gaming="Shrink large predicted changes: predictions that overshoot lose places to the others.",
            source="PerturBench (rank metrics: column-wise)",
            family="retrieval",
            shared_genes=True,
            needs=("block",),
            undefined=_NO_ANGLE,
            parameter=Parameter(
                "distance", "rmse", ("rmse", "cosine"), "distance to the truth", needs=(("cosine", "control"),)
            ),
            traps="The truth is fixed and predictions are ranked; centroid accuracy and PDS do it the other way round. "
            "Ties count half, where PerturBench shuffles them. Cosine of changes without PerturBench's second "
            "logarithm.",
        ),
        perturbench_rank,
    ),
)
