"""What a whole benchmark says about additivity: the additive expectation of its rows and the null of their deviations.

The one place where doubles meet their singles by name and where the empirical null is fitted; metrics, the command and
the page all read it from here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perturbviz.benchmark.memo import kept
from perturbviz.benchmark.perturbations import targets
from perturbviz.benchmark.splits import SPLIT_PARTS
from perturbviz.errors import UserError
from perturbviz.metrics.nonadditive.deviation import additive_expectation, beyond, deviation
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset, resolve
from perturbviz.stats.empirical_null import EmpiricalNull, Method, fit_null


@kept
def singles(evaluation: Evaluation) -> np.ndarray:
    """For every scored row the rows of the AnnData that hold its two singles: (R, 2), -1 where there are none.

    In the order of the double's name, in its own context, whatever part of the split they are in.
    """
    b = evaluation.benchmark
    at = {(b.row_contexts[i], b.conditions[i]): i for i in np.flatnonzero(b.n_perturbed == 1)}
    out = np.full((len(evaluation.rows), 2), -1)
    for row, (context, name) in enumerate(evaluation.rows[["context", "perturbation"]].itertuples(index=False)):
        parts = targets(name)
        if len(parts) == 2:
            out[row] = [at.get((context, t), -1) for t in parts]
    return out


def additive(evaluation: Evaluation, rows: np.ndarray, genes: np.ndarray | None) -> np.ndarray:
    """Additive expectation of scored rows: (R, n), NaN unless a combination of two measured singles.

    The singles are observed means of all their cells, whatever part of the split they are in: the expectation defines
    the truth and is never fitted.
    """
    b, of_row = evaluation.benchmark, singles(evaluation)[rows]
    usable = (of_row >= 0).all(axis=1)
    out = np.full((len(rows), b.adata.n_vars if genes is None else genes.shape[-1]), np.nan)
    if usable.any():
        genes = genes if genes is None or genes.ndim == 1 else genes[usable]
        first, second = (evaluation.gather(b.truth, obs, genes) for obs in of_row[usable].T)
        out[usable] = additive_expectation(first, second, evaluation.reference("control", rows[usable], genes))
    return out


@kept
def every_double(evaluation: Evaluation) -> tuple[Evaluation, np.ndarray]:
    """All combinations of two measured singles, training ones included, each once: an evaluation and its rows."""
    parts = (*SPLIT_PARTS, "unassigned")
    whole = set(evaluation.parts) == set(parts)
    every = evaluation if whole else Evaluation(evaluation.benchmark, parts, evaluation.truth_from)
    usable = (singles(every) >= 0).all(axis=1) & ~every.rows["obs"].duplicated().to_numpy()
    return every, np.flatnonzero(usable)


def _deviations(evaluation: Evaluation, subset: GeneSubset) -> Iterator[tuple[Evaluation, GeneBlock, np.ndarray]]:
    """Observed − additive of every double on a gene subset: evaluation, rows and genes, and (rows, genes) values."""
    every, rows = every_double(evaluation)
    for part in resolve(subset, every, rows) if len(rows) else []:
        yield every, part, deviation(every.truth(part.rows, part.genes), additive(every, part.rows, part.genes))


def planted(evaluation: Evaluation, rows: np.ndarray, genes: np.ndarray | None) -> np.ndarray | None:
    """Which pairs of scored rows and genes a simulation made non-additive: (R, n) bool; None where not known."""
    layer = evaluation.benchmark.layers.get("planted")
    if layer is None or not evaluation.benchmark.simulated:
        return None
    return evaluation.gather(layer, evaluation.rows["obs"].to_numpy()[rows], genes) != 0


def false_share(called: np.ndarray, truth: np.ndarray | None) -> float:
    """Share of the called pairs that are not in ``truth`` (bool, same shape); NaN if unknown or none is called."""
    return float(1 - truth[called].mean()) if truth is not None and called.any() else np.nan


def false_calls_of(evaluation: Evaluation, subset: GeneSubset, null: EmpiricalNull) -> float:
    """Share of false ones among all pairs beyond a null's thresholds; NaN but for simulations, which know it."""
    return _false_calls(evaluation, subset, null.lower, null.upper)


@kept
def _false_calls(evaluation: Evaluation, subset: GeneSubset, lower: float, upper: float) -> float:
    called, truth = [], []
    for every, part, values in _deviations(evaluation, subset):
        known = planted(every, part.rows, part.genes)
        if known is None:
            return np.nan
        called.append(beyond(values, lower, upper).ravel())
        truth.append(known.ravel())
    return false_share(np.concatenate(called), np.concatenate(truth)) if called else np.nan


def interaction_null(
    evaluation: Evaluation, subset: GeneSubset, method: Method = "ml", level: float = 0.05
) -> EmpiricalNull | str:
    """Empirical null of observed − additive on a gene subset, or a sentence saying why there is none.

    Fitted once to all doubles with two measured singles (not only the held-out ones), each once, and kept.
    """
    null = _fit(evaluation, subset, method)
    return null if isinstance(null, str) else null.at(level)


@kept
def _fit(evaluation: Evaluation, subset: GeneSubset, method: Method) -> EmpiricalNull | str:
    found = [values.ravel() for _, _, values in _deviations(evaluation, subset)]
    try:
        return fit_null(np.concatenate(found) if found else np.empty(0), method)
    except UserError as error:
        return str(error)
