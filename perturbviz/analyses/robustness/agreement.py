"""Do views order methods alike? Kendall's τ-b between views, and an order in which those that agree are neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.defensible import FACTORS, Views


def kendall_matrix(ranks: np.ndarray) -> np.ndarray:
    """Kendall's τ-b between all pairs of rankings, on the methods that both rank.

    Parameters
    ----------
    ranks
        (..., L, M) ranks or scores of M methods in L rankings; NaN where a ranking leaves a method out.

    Returns
    -------
    (..., L, L); NaN where fewer than two methods are ranked by both or one of the rankings ties all of them.
    """
    first, second = np.triu_indices(ranks.shape[-1], 1)
    gap = ranks[..., first] - ranks[..., second]
    defined = ~np.isnan(gap)
    sign = np.where(defined, np.sign(gap), 0).astype(np.float32)
    untied, defined = np.abs(sign), defined.astype(np.float32)
    concordance = sign @ sign.swapaxes(-1, -2)
    pairs = untied @ defined.swapaxes(-1, -2)  # pairs the row does not tie, among those both rank
    with np.errstate(invalid="ignore", divide="ignore"):
        return concordance.astype(float) / np.sqrt(pairs.astype(float) * pairs.swapaxes(-1, -2))


def cluster_order(tau: np.ndarray) -> np.ndarray:
    """Positions in which rankings that agree are neighbours: average linkage on 1 - τ, leaves in optimal order."""
    if len(tau) < 3:
        return np.arange(len(tau))
    distance = np.where(np.isnan(tau), 1.0, 1 - tau)
    np.fill_diagonal(distance, 0)
    distance = np.clip((distance + distance.T) / 2, 0, 2)
    from scipy.cluster.hierarchy import leaves_list, linkage  # here: slow to import, and rarely wanted
    from scipy.spatial.distance import squareform

    return leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=len(tau) <= 300))


@dataclass(frozen=True, eq=False)
class Agreement:
    """Mean τ-b between groups of views, in clustered order.

    Attributes
    ----------
    groups
        (groups,) lines of the factors they share, such as metric and reference.
    tau
        (groups, groups) mean over the views that differ in nothing else; NaN where there are none.
    n
        (groups, groups) number of pairs of views averaged.
    """

    groups: pd.DataFrame
    tau: np.ndarray
    n: np.ndarray


def agreement(views: Views, by: Sequence[str] = ("metric", "reference")) -> Agreement:
    """Mean τ-b between groups of views that share the factors ``by``, comparing views that are equal in all others."""
    by = list(by)
    rest = [f for f in FACTORS if f not in by]
    groups = views.frame[by].drop_duplicates().reset_index(drop=True)
    row = views.frame[by].merge(groups.assign(group=range(len(groups))), how="left", on=by)["group"].to_numpy()
    key = views.frame.groupby(rest, sort=False).ngroup().to_numpy() if rest else np.zeros(len(views), int)
    total, count = np.zeros((len(groups), len(groups))), np.zeros((len(groups), len(groups)))
    n_keys = int(key.max()) + 1 if len(key) else 0
    step = max(1, 4_000_000 // max(1, len(groups) * max(len(groups), len(views.methods) ** 2 // 2)))
    for start in range(0, n_keys, step):  # matched views as one stack of small matrices
        some = (key >= start) & (key < start + step)
        stack = np.full((min(step, n_keys - start), len(groups), len(views.methods)), np.nan)
        stack[key[some] - start, row[some]] = views.ranks[some]
        tau = kendall_matrix(stack)
        have = ~np.isnan(tau)
        total += np.where(have, tau, 0).sum(axis=0)
        count += have.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = total / count
    order = cluster_order(tau)
    return Agreement(groups.iloc[order].reset_index(drop=True), tau[np.ix_(order, order)], count[np.ix_(order, order)])
