"""How much a ranking depends on choices (over all views) and on chance (the perturbations of one view)."""

from __future__ import annotations

from perturbviz.robustness.across import Across, contexts_across, stability, sweep_across
from perturbviz.robustness.agreement import Agreement, agreement, cluster_order, kendall_matrix
from perturbviz.robustness.challenge import RANKING_METHODS, Robustness, robustness
from perturbviz.robustness.clicks import first_places, one_click
from perturbviz.robustness.deciding import deciding_choices, shapley
from perturbviz.robustness.flattery import Portrait, flattering
from perturbviz.robustness.shares import shares_by, shares_of_views, wins

__all__ = [
    "RANKING_METHODS",
    "Across",
    "Agreement",
    "Portrait",
    "Robustness",
    "agreement",
    "cluster_order",
    "contexts_across",
    "deciding_choices",
    "first_places",
    "flattering",
    "kendall_matrix",
    "one_click",
    "robustness",
    "shapley",
    "shares_by",
    "shares_of_views",
    "stability",
    "sweep_across",
    "wins",
]
