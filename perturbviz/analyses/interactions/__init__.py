"""Non-additivity of double perturbations: deviations, their empirical null, classes, curves, calls and scores.

What stands here are plain functions on arrays (doubles × genes); ``pairs`` takes the arrays from a benchmark.
"""

from perturbviz.analyses.interactions.classes import (
    MISSING,
    NOTEBOOK_CLASSES,
    PAPER_CLASSES,
    class_counts,
    class_names,
    composition,
    confusion,
    notebook_classes,
    paper_classes,
)
from perturbviz.analyses.interactions.gi import GIScores, gi_scores, gi_table, norman_classes, published_classes
from perturbviz.analyses.interactions.recurrence import Recurrence, call_counts, call_recurrence
from perturbviz.metrics.nonadditive.calls import call_score, top_index, top_weights
from perturbviz.metrics.nonadditive.curves import (
    Curve,
    MeanCurve,
    Ranking,
    mean_curve,
    precision_recall,
    rank,
    roc,
    sided,
    tpr_fdp,
)
from perturbviz.metrics.nonadditive.deviation import (
    additive_expectation,
    beyond,
    deviation,
    deviation_se,
    is_additive,
    se_from_halves,
    z_scores,
)
from perturbviz.metrics.nonadditive.per_data_set import (
    auroc,
    average_precision,
    nonadditive_precision,
    nonadditive_recall,
)
from perturbviz.stats.empirical_null import EmpiricalNull, fit_null

__all__ = [
    "MISSING",
    "NOTEBOOK_CLASSES",
    "PAPER_CLASSES",
    "Curve",
    "EmpiricalNull",
    "GIScores",
    "MeanCurve",
    "Ranking",
    "Recurrence",
    "additive_expectation",
    "auroc",
    "mean_curve",
    "average_precision",
    "beyond",
    "call_counts",
    "call_recurrence",
    "call_score",
    "class_counts",
    "class_names",
    "composition",
    "confusion",
    "deviation",
    "deviation_se",
    "fit_null",
    "gi_scores",
    "gi_table",
    "is_additive",
    "nonadditive_precision",
    "nonadditive_recall",
    "norman_classes",
    "notebook_classes",
    "paper_classes",
    "precision_recall",
    "published_classes",
    "rank",
    "roc",
    "se_from_halves",
    "sided",
    "top_index",
    "top_weights",
    "tpr_fdp",
    "z_scores",
]
