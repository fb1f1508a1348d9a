"""How much a ranking depends on choices (over all views) and on chance (the perturbations of one view)."""

from __future__ import annotations

from perturbviz.analyses.robustness.across import Across, contexts_across, stability, sweep_across
from perturbviz.analyses.robustness.agreement import Agreement, agreement, cluster_order, kendall_matrix
from perturbviz.analyses.robustness.clicks import first_places, one_click
from perturbviz.analyses.robustness.deciding import deciding_choices, shapley
from perturbviz.analyses.robustness.flattery import Portrait, flattering
from perturbviz.analyses.robustness.ranking_methods import RANKING_METHODS, Robustness, robustness
from perturbviz.analyses.robustness.shares import shares_by, shares_of_views, wins

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
