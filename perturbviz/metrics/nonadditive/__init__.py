"""Non-additive effects of combinations: do predictions find the pairs of double and gene that are not additive?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from perturbviz.metrics.cards import Card, Metric, Parameter
from perturbviz.metrics.nonadditive import per_data_set
from perturbviz.metrics.nonadditive.curves import Ranking
from perturbviz.metrics.nonadditive.deviation import beyond
from perturbviz.metrics.nonadditive.per_data_set import ranked


def _deviations(
    truth: np.ndarray, prediction: np.ndarray, additive: np.ndarray, thresholds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observed and predicted deviation from additive, and which pairs are truly non-additive, flat.

    Rows of ``additive`` are NaN for what is no combination or whose singles were not measured: they are left out.
    """
    known = ~np.isnan(additive).all(axis=1)
    observed, predicted = ((x[known] - additive[known]).ravel() for x in (truth, prediction))
    return observed, predicted, beyond(observed, *thresholds)


def ranking_of(
    truth: np.ndarray, prediction: np.ndarray, *, additive: np.ndarray, thresholds: tuple[float, float]
) -> dict[str, Ranking | None]:
    """The order of the pairs, which all these metrics read: ``ranking``, None where there is none."""
    if np.isnan(thresholds).all():  # nothing can be called non-additive
        return {"ranking": None}
    return {"ranking": ranked(*_deviations(truth, prediction, additive, thresholds))}


def _metric(read: Callable[..., float], doc: str | None) -> Callable[..., float]:
    """What ``read`` finds in a ranking of pairs as a metric of profiles; it takes a ranking that is there already."""

    def metric(
        truth: np.ndarray,
        prediction: np.ndarray,
        *,
        additive: np.ndarray,
        thresholds: tuple[float, float],
        ranking: Ranking | None | Literal["unknown"] = "unknown",
        **parameter,
    ) -> float:
        if ranking == "unknown":
            ranking = ranking_of(truth, prediction, additive=additive, thresholds=thresholds)["ranking"]
        return np.nan if ranking is None else read(ranking, **parameter)

    metric.__doc__ = f"{doc} Profiles (P, G), ``additive`` (P, G), ``thresholds`` (lower, upper)."
    return metric


nonadditive_recall = _metric(lambda r, n=500: r.recall_at(n), per_data_set.nonadditive_recall.__doc__)
nonadditive_precision = _metric(lambda r, n=500: r.precision_at(n), per_data_set.nonadditive_precision.__doc__)
average_precision = _metric(Ranking.average_precision, per_data_set.average_precision.__doc__)
auroc = _metric(Ranking.auroc, per_data_set.auroc.__doc__)

_N = Parameter("n", "500", ("100", "500", "1000"), "number of (perturbation, gene) pairs called", whole_numbers=True)
_PRO = "Interpretable, relevant."
_CON = "Only meaningful for double perturbations."
_NO_CHANGE = "no change is hard to beat: it orders pairs by the size of the additive effect"
_UNDEFINED = "it predicts exactly the sum of the singles and so names no interaction, or none is truly non-additive"
_GAMING = "Predict half of every effect: pairs are then ordered by effect size, where non-additive ones are common."
_TRAPS = (
    "Truly non-additive: observed − additive beyond thresholds at a local fdr of 5% of an empirical null, fitted "
    "to all combinations whose singles were measured. Where that null does not fit, this is a convention and not "
    "an error rate, and the metric has no vote. Both deviations use the observed singles. The additive model "
    "takes no part."
)
_SHARED: dict[str, Any] = {
    "better": "higher",
    "range": "0 to 1",
    "perfect": 1.0,
    "pro": _PRO,
    "con": _CON,
    "gaming": _GAMING,
    "family": "non-additive effects",
    "unit": "data set",
    "shared_genes": True,
    "needs": ("additive", "thresholds"),
    "undefined": _UNDEFINED,
}

METRICS = (
    Metric(
        Card(
            id="nonadditive_recall",
            name="Recall of truly non-additive genes",
            symbol="non-additive recall",
            formula=r"\frac{|\mathrm{top}_n(|\hat Y-Y^{add}|)\cap\{|Y-Y^{add}|\ge u\}|}{|\{|Y-Y^{add}|\ge u\}|}",
            empty="n divided by the number of pairs (random order); " + _NO_CHANGE,
            summary="Share of the truly non-additive (perturbation, gene) pairs among the n predicted as most so.",
            source="The talk; Ahlmann-Eltze, Huber & Anders 2025, Fig. 1",
            parameter=_N,
            traps=_TRAPS + " A perfect prediction stays below 1 where more than n pairs are non-additive.",
            **_SHARED,
        ),
        nonadditive_recall,
        shared=ranking_of,
    ),
    Metric(
        Card(
            id="nonadditive_precision",
            name="Precision of non-additive calls",
            symbol="non-additive precision",
            formula=r"\frac{|\mathrm{top}_n(|\hat Y-Y^{add}|)\cap\{|Y-Y^{add}|\ge u\}|}{n}",
            empty="the share of non-additive pairs (random order); " + _NO_CHANGE,
            summary="Share of the n pairs predicted as most non-additive that truly are.",
            source="The talk; Ahlmann-Eltze, Huber & Anders 2025, Fig. 1f",
            parameter=_N,
            traps=_TRAPS + " A perfect prediction stays below 1 where fewer than n pairs are non-additive.",
            **_SHARED,
        ),
        nonadditive_precision,
        shared=ranking_of,
    ),
    Metric(
        Card(
            id="average_precision",
            name="Average precision of interactions",
            symbol="average precision",
            formula=r"\sum_i(R_i-R_{i-1})P_i",
            empty="the share of non-additive pairs (random order); " + _NO_CHANGE,
            summary="Area under the precision–recall curve of non-additive pairs, ordered by predicted deviation.",
            source="Ahlmann-Eltze, Huber & Anders 2025, Extended Data Fig. 4",
            traps=_TRAPS + " The paper's code sorts by precision, not recall: compare no third decimals.",
            **_SHARED,
        ),
        average_precision,
        shared=ranking_of,
    ),
    Metric(
        Card(
            id="auroc",
            name="AUROC of interactions",
            symbol="AUROC",
            formula=r"P(|\hat\delta_{+}|>|\hat\delta_{-}|)+\tfrac12P(|\hat\delta_{+}|=|\hat\delta_{-}|),"
            r"\quad\hat\delta=\hat Y-Y^{add}",
            empty="½ (random order); " + _NO_CHANGE,
            summary="Chance that a non-additive pair is predicted further from additive than another pair.",
            source="Ahlmann-Eltze, Huber & Anders 2025, Extended Data Fig. 4",
            traps=_TRAPS + " With few non-additive pairs it looks better than the top of the list is.",
            **_SHARED,
        ),
        auroc,
        shared=ranking_of,
    ),
)
