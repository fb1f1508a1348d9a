"""All views at once: every metric, reference, gene subset, number of genes, choice of rows and average.

``sweep(evaluation)`` gives the scores of every method in every view, ``sweep_frame(evaluation)`` streams the values of
every row. Metrics that are sums over genes come at about 60 numbers of genes from one pass over the values.
"""

from __future__ import annotations

from perturbviz.analyses.all_views.collect import SweepCancelled
from perturbviz.analyses.all_views.engine import Sweep, sweep
from perturbviz.analyses.all_views.frame import sweep_frame
from perturbviz.analyses.all_views.grid import SplitChoice, gene_counts, split_choices
from perturbviz.analyses.all_views.settings import Setting, default_metrics, offered_settings

__all__ = [
    "Setting",
    "SplitChoice",
    "Sweep",
    "SweepCancelled",
    "default_metrics",
    "gene_counts",
    "offered_settings",
    "split_choices",
    "sweep",
    "sweep_frame",
]
