"""Energy distance between the cells of a perturbation and control cells: how strong the perturbation is."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def energy_to_control(sample: sparse.csr_matrix, group: np.ndarray, control_of: np.ndarray) -> np.ndarray:
    """Energy distance of every group to the control group of its context.

    ``2 E|x - y| - E|x - x'| - E|y - y'|`` with Euclidean distances over all genes (Szekely & Rizzo 2013), the unbiased
    version: a cell is not paired with itself, so two samples of one population are near zero apart and may be
    slightly below.

    Parameters
    ----------
    sample
        Sampled cells x genes, log-normalised.
    group
        Group of each sampled cell.
    control_of
        Control group of each group, -1 where there is none; (groups,).

    Returns
    -------
    np.ndarray
        (groups,) float64, in units of expression; NaN for control itself, groups of one cell or without control.
    """
    result = np.full(len(control_of), np.nan)
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(len(control_of) + 1))

    def cells(g: int) -> sparse.csr_matrix:
        return sample[order[edges[g] : edges[g + 1]]].astype(np.float64)

    for control in np.unique(control_of[control_of >= 0]).tolist():
        y = cells(control)
        if y.shape[0] < 2:
            continue
        within_y = _mean_within(y)
        for g in np.flatnonzero(control_of == control).tolist():
            x = cells(g)
            if g != control and x.shape[0] >= 2:
                result[g] = 2 * _distances(x, y).mean() - _mean_within(x) - within_y
    return result


def _distances(x: sparse.csr_matrix, y: sparse.csr_matrix) -> np.ndarray:
    """Euclidean distances between all rows of ``x`` and all rows of ``y``."""
    lengths = [np.asarray(m.multiply(m).sum(axis=1)).ravel() for m in (x, y)]
    squared = lengths[0][:, None] + lengths[1][None, :] - 2 * (x @ y.T).toarray()
    return np.sqrt(np.maximum(squared, 0.0))  # rounding can leave -1e-16


def _mean_within(x: sparse.csr_matrix) -> float:
    """Mean distance between two different rows."""
    distances = _distances(x, x)
    np.fill_diagonal(distances, 0.0)
    n = x.shape[0]
    return float(distances.sum() / (n * (n - 1)))
