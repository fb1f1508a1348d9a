"""Non-additivity of double perturbations: deviations, their empirical null, classes, curves, calls and scores.

Plain functions on arrays (doubles × genes); none of them knows where its arrays came from.
"""

from perturbviz.interactions.calls import call_score, top_index, top_weights
from perturbviz.interactions.classes import (
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
from perturbviz.interactions.curves import (
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
from perturbviz.interactions.dataset_metrics import (
    auroc,
    average_precision,
    nonadditive_precision,
    nonadditive_recall,
)
from perturbviz.interactions.deviation import (
    additive_expectation,
    beyond,
    deviation,
    deviation_se,
    is_additive,
    se_from_halves,
    z_scores,
)
from perturbviz.interactions.gi import GIScores, gi_scores, gi_table, norman_classes, published_classes
from perturbviz.interactions.null import EmpiricalNull, fit_null
from perturbviz.interactions.recurrence import Recurrence, call_counts, call_recurrence

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
