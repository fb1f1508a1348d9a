"""Retrieval: is a prediction closer to its own truth than to those of other perturbations?"""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric


def squared_distances(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances: (P, G), (Q, G) -> (P, Q), by one matrix product.

    Both are centred on the mean truth first, which changes no distance and keeps the product accurate.
    """
    centre = truth.mean(axis=0)
    a, b = prediction - centre, truth - centre
    squared = np.einsum("pg,pg->p", a, a)[:, None] + np.einsum("pg,pg->p", b, b)[None] - 2 * (a @ b.T)
    return np.maximum(squared, 0)


def centroid_accuracy(truth: np.ndarray, prediction: np.ndarray, *, block: np.ndarray) -> np.ndarray:
    """Share of the other observed profiles that lie farther from the prediction than its own (strictly).

    Parameters
    ----------
    truth, prediction
        (P, G); rows with NaN predictions get NaN.
    block
        (P,) labels; candidates are the rows of the same block (seed and context). A block of one is NaN.
    """
    value = np.full(len(truth), np.nan)
    for label in np.unique(block):
        rows = np.flatnonzero(block == label)
        if len(rows) < 2:
            continue
        distance = squared_distances(prediction[rows], truth[rows])
        own = np.diagonal(distance)[:, None]
        value[rows] = (distance > own).sum(axis=1) / (len(rows) - 1)
    return np.where(np.isnan(prediction).any(axis=1), np.nan, value)


METRICS = (
    Metric(
        Card(
            id="centroid_accuracy",
            name="Centroid accuracy",
            symbol="CA",
            formula=r"\frac{\#\{q\neq p:\ \|\hat Y_p-Y_q\|>\|\hat Y_p-Y_p\|\}}{|Q|-1}",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="exactly ½ on average for any constant prediction",
            summary="Share of the other observed profiles that are farther from the prediction than its own truth.",
            pro="Interpretable; a constant prediction scores chance, whatever the systematic shift.",
            con="Output depends on perturbation similarity: on the company a perturbation keeps.",
            gaming="Amplify predicted changes, away from the crowded centre.",
            source="Viñas Torné et al., Systema, Nature Biotechnology 2025 (= NIR of Miller et al.)",
            family="retrieval",
            shared_genes=True,
            needs=("block",),
            traps="Candidates are the evaluated perturbations of the same seed and context; ties count as losses.",
        ),
        centroid_accuracy,
    ),
)
