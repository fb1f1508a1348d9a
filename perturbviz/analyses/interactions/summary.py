"""What a method's predictions say about non-additive pairs, per block (seed and context) and averaged over blocks.

Small results made of pairs and a threshold, ready to be drawn or written; the numbers agree with the metrics
``nonadditive_recall``, ``nonadditive_precision``, ``average_precision`` and ``auroc`` of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, Codes, composition, confusion
from perturbviz.analyses.interactions.pairs import Pairs
from perturbviz.analyses.interactions.recurrence import Recurrence
from perturbviz.analyses.interactions.threshold import Threshold
from perturbviz.benchmark.memo import kept
from perturbviz.metrics.nonadditive.calls import Side, call_score, top_index, top_weights
from perturbviz.metrics.nonadditive.curves import (
    Curve,
    Kind,
    MeanCurve,
    mean_curve,
    precision_recall,
    rank,
    roc,
    sided,
    tpr_fdp,
)
from perturbviz.metrics.nonadditive.deviation import is_additive

_CURVES: dict[Kind, Callable[..., Curve]] = {"tpr_fdp": tpr_fdp, "precision_recall": precision_recall, "roc": roc}
CURVES: tuple[Kind, ...] = tuple(_CURVES)


@dataclass(frozen=True)
class Finding:
    """How well one method finds non-additive pairs on one side.

    Attributes
    ----------
    curves
        Mean over blocks of every kind of curve; empty where the method takes no part.
    table
        One line per block: recall, precision, average_precision, auroc, prevalence, n_positive, n_pairs.
    why
        Why the method takes no part: "additive" or "nothing predicted"; "" where it does.
    """

    curves: dict[str, MeanCurve] = field(repr=False)
    table: pd.DataFrame = field(repr=False)
    why: str = ""


@kept
def takes_part(pairs: Pairs, method: str) -> str:
    """Why a method cannot be ranked: "additive" (it predicts the sum), "nothing predicted", or "" where it can."""
    predicted = pairs.predicted(method)
    if not np.isfinite(predicted).any():
        return "nothing predicted"
    return "additive" if is_additive(predicted, pairs.deviation) else ""


def finding(pairs: Pairs, method: str, threshold: Threshold, side: Side = "both", n: int = 500) -> Finding:
    """Curves and scores of one method, one block at a time and averaged.

    Parameters
    ----------
    side
        "both", "synergy" or "suppression" (see :func:`perturbviz.metrics.nonadditive.curves.sided`).
    n
        Number of top calls of recall and precision.
    """
    why = takes_part(pairs, method)
    if why:
        return Finding({}, pd.DataFrame(), why)
    predicted, truth = pairs.predicted(method), threshold.scaled(pairs, pairs.deviation)
    curves: dict[str, list] = {kind: [] for kind in CURVES}
    lines = []
    for rows in pairs.blocks:
        ranking = rank(*sided(truth[pairs.double[rows]], predicted[rows], threshold.lower, threshold.upper, side))
        if not ranking.n:
            continue
        drawn = {kind: make(ranking) for kind, make in _CURVES.items()}
        for kind, curve in drawn.items():
            curves[kind].append(curve)
        lines.append(
            {
                "seed": pairs.rows["seed"].iloc[rows[0]],
                "context": pairs.rows["context"].iloc[rows[0]],
                "recall": ranking.recall_at(n),
                "precision": ranking.precision_at(n),
                "average_precision": drawn["precision_recall"].area,
                "auroc": drawn["roc"].area,
                "prevalence": ranking.prevalence,
                "n_positive": ranking.n_positive,
                "n_pairs": ranking.n,
            }
        )
    return Finding({kind: mean_curve(parts) for kind, parts in curves.items()}, pd.DataFrame(lines))


def calls(pairs: Pairs, method: str, n: int, side: Side = "both") -> np.ndarray:
    """(R, G) weight of every pair among the top n calls of its block; pairs tied for the last place share it."""
    score = call_score(pairs.predicted(method), side)
    weights = np.zeros(score.shape)
    for rows in pairs.blocks:
        weights[rows] = top_weights(score[rows], n)
    return weights


def call_composition(codes: Codes, weights: np.ndarray, n_blocks: int) -> pd.Series:
    """Number of calls per class in an average block, with the codes of the truth or of the prediction (R, G)."""
    return pd.Series(composition(codes, weights) / max(n_blocks, 1), index=PAPER_CLASSES)


def class_confusion(true: Codes, predicted: Codes) -> pd.DataFrame:
    """Pairs by true (rows) and predicted class (columns)."""
    return pd.DataFrame(confusion(true, predicted), index=PAPER_CLASSES, columns=PAPER_CLASSES)


def false_calls(pairs: Pairs, method: str, threshold: Threshold, k: int = 5) -> pd.DataFrame:
    """The pairs a method sets furthest from additive that truly are additive: its best false calls.

    Returns
    -------
    Best first: seed, context, perturbation, gene, predicted and observed deviation; a pair of several seeds once, with
    its largest prediction. Empty for a method that takes no part.
    """
    columns = ["seed", "context", "perturbation", "gene", "predicted", "observed"]
    if takes_part(pairs, method):
        return pd.DataFrame(columns=columns)
    predicted = pairs.predicted(method)
    size = threshold.scaled(pairs, pairs.deviation)
    additive = np.isfinite(size) & ~threshold.true(pairs)
    n_seeds = max(np.bincount(pairs.double))
    at = top_index(call_score(predicted), k * n_seeds, additive[pairs.double])
    row, column = np.unravel_index(at, predicted.shape)
    out = pd.DataFrame(
        {
            **{c: pairs.rows[c].to_numpy()[row] for c in columns[:3]},
            "gene": pairs.genes[column],
            "predicted": predicted[row, column],
            "observed": pairs.deviation[pairs.double[row], column],
        }
    )
    return out.drop_duplicates(["context", "perturbation", "gene"]).head(k).reset_index(drop=True)


def recurrence(pairs: Pairs, weights: dict[str, np.ndarray], axis: str = "genes", k: int = 6) -> Recurrence:
    """How often each gene or double is among the calls of an average block, per layer ("truth" and methods).

    Parameters
    ----------
    weights
        Layer -> (R, G) weights of its calls.
    """
    if axis == "genes":
        labels = [str(g) for g in pairs.genes]
        counts = np.column_stack([w.sum(axis=0) for w in weights.values()])
    else:
        labels = double_labels(pairs)
        per_double = [np.bincount(pairs.double, weights=w.sum(axis=1), minlength=len(labels)) for w in weights.values()]
        counts = np.column_stack(per_double)
    order = np.argsort(-counts.sum(axis=1), kind="stable")
    counts = counts[order] / len(pairs.blocks)
    return Recurrence(tuple(labels[i] for i in order), tuple(weights), counts, min(k, len(labels)))


def over_splits(pairs: Pairs, values: np.ndarray) -> np.ndarray:
    """Mean over the splits that predict a double: (R,) -> (D,), NaN where none does."""
    at, known, n = pairs.double, np.isfinite(values), len(pairs.doubles)
    total, times = np.bincount(at[known], weights=values[known], minlength=n), np.bincount(at[known], minlength=n)
    return np.divide(total, times, out=np.full(n, np.nan), where=times > 0)


def double_labels(pairs: Pairs) -> list[str]:
    """Name of every distinct double, with its context where there are several."""
    several = pairs.doubles["context"].nunique() > 1
    lines = pairs.doubles[["perturbation", "context"]].itertuples(index=False)
    return [f"{p} ({c})" if several else str(p) for p, c in lines]
