"""Predicted beside observed values: of the genes of one perturbation, or of one gene over perturbations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.metrics.correlation import pearson
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import resolve
from perturbviz.scoring.references import Reference
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.view import View

#: Reference -> what a value is when it has been subtracted.
WHAT = {"none": "expression", "control": "change from control", "perturbation": "difference to perturbation mean"}
_ROW = ["seed", "context", "perturbation"]


@dataclass(frozen=True, eq=False)
class Profile:
    """What was observed, and what each method predicts of it.

    Attributes
    ----------
    reference
        What was subtracted from both: "none", "control" or "perturbation".
    labels
        (N,) genes, or perturbations.
    observed
        (N,) values in the value space of the data, less the reference.
    methods, predicted
        Methods, and their (methods, N) values; NaN where one predicts nothing.
    correlation
        (methods,) Pearson correlation of the values that are there; NaN where undefined.
    """

    reference: Reference
    labels: np.ndarray
    observed: np.ndarray
    methods: tuple[str, ...]
    predicted: np.ndarray
    correlation: np.ndarray

    @property
    def what(self) -> str:
        """What the values are, in words."""
        return WHAT[self.reference]


def reference_of(evaluation: Evaluation, view: View) -> Reference:
    """The reference relative to which profiles are shown: changes have no expression to be shown plain."""
    return view.ref if evaluation.benchmark.value_space == "lognorm" or view.ref != "none" else "control"


def hardest(scores: Scores) -> str:
    """The perturbation on which methods do worst on average; the first by name where no score is defined."""
    goodness = scores.card.goodness(scores.values)
    lead = goodness[0] if np.isnan(goodness).all() else np.nanmean(goodness, axis=0)
    names = scores.rows["perturbation"]
    return str(sorted(names.unique())[0] if np.isnan(lead).all() else names.iloc[int(np.nanargmin(lead))])


def of_perturbation(evaluation: Evaluation, view: View, scores: Scores, row: int) -> Profile:
    """The genes of the view's subset in one row of the scores."""
    at = _positions(evaluation, scores.rows.loc[[row]])
    (block,) = resolve(view.subset, evaluation, at)
    genes = np.arange(evaluation.benchmark.adata.n_vars) if block.genes is None else np.ravel(block.genes)
    return _profile(evaluation, view, scores.methods, at, genes, evaluation.benchmark.genes[genes].to_numpy())


def of_gene(evaluation: Evaluation, view: View, scores: Scores, gene: str) -> Profile:
    """One gene over the rows of the scores."""
    at = _positions(evaluation, scores.rows)
    genes = np.array([evaluation.benchmark.genes.get_loc(gene)])
    return _profile(evaluation, view, scores.methods, at, genes, evaluation.rows["perturbation"].to_numpy()[at])


def _positions(evaluation: Evaluation, rows: pd.DataFrame) -> np.ndarray:
    """Positions in the evaluation of rows of scores, by name."""
    return evaluation.rows.reset_index().merge(rows[_ROW], on=_ROW)["index"].to_numpy()


def _profile(
    evaluation: Evaluation,
    view: View,
    methods: tuple[str, ...],
    rows: np.ndarray,
    genes: np.ndarray,
    labels: np.ndarray,
) -> Profile:
    reference = reference_of(evaluation, view)
    index = genes[None, :] if len(rows) == 1 else genes
    base = evaluation.reference(reference, rows, index, view.ref_from == "all")
    observed = np.ravel(evaluation.truth(rows, index) - base)
    predicted = np.stack([np.ravel(evaluation.prediction(m, rows, index) - base) for m in methods])
    correlation = np.array([_correlation(observed, p) for p in predicted])
    return Profile(reference, labels, observed, methods, predicted, correlation)


def _correlation(observed: np.ndarray, predicted: np.ndarray) -> float:
    have = ~np.isnan(predicted)
    return float(pearson(observed[None, have], predicted[None, have])[0]) if have.sum() > 1 else np.nan
