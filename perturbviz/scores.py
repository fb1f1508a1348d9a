"""Scores: (benchmark, view) -> one value per method and scored row, the table every page reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.evaluation import Evaluation
from perturbviz.genesets import GeneBlock, GeneSubset, resolve
from perturbviz.metrics import Card, parse_metric
from perturbviz.validity import genes_problem, metric_problem, reference_problem
from perturbviz.view import View

#: A change smaller than this fraction of the profile's largest value is float32 rounding and counts as zero.
ROUNDING = 4 * np.finfo(np.float32).eps
#: Values handled at once (rows x genes), to stay in the processor's cache.
CHUNK = 2_000_000

COLUMNS = ["method", "seed", "context", "perturbation", "metric", "reference", "genes", "n_genes", "value"]


@dataclass(frozen=True, eq=False)
class Scores:
    """One metric on one gene subset for several methods.

    Attributes
    ----------
    card, metric, reference, genes
        What was measured: the metric's card, its id with parameter, reference and subset key.
    methods, names
        Slugs (rows of ``values``) and their display names.
    rows
        One line per column of ``values``: seed, context, perturbation, n_perturbed.
    values
        (methods, rows) float64; NaN where undefined or not predicted.
    n_genes
        (rows,) number of genes that counted.
    reasons
        Method -> why (some of) its values are undefined, in words.
    """

    card: Card
    metric: str
    reference: str
    genes: str
    methods: tuple[str, ...]
    names: tuple[str, ...]
    rows: pd.DataFrame
    values: np.ndarray
    n_genes: np.ndarray
    reasons: Mapping[str, str]

    def select(self, methods: Sequence[str] | None = None, keep: np.ndarray | None = None) -> Scores:
        """Fewer methods (in the given order) or rows (bool mask or positions)."""
        index = range(len(self.methods)) if methods is None else [self.methods.index(m) for m in methods]
        keep = np.arange(len(self.rows)) if keep is None else np.arange(len(self.rows))[keep]
        return Scores(
            self.card, self.metric, self.reference, self.genes,
            tuple(self.methods[i] for i in index), tuple(self.names[i] for i in index),
            self.rows.iloc[keep].reset_index(drop=True), self.values[np.ix_(list(index), keep)], self.n_genes[keep],
            {m: r for m, r in self.reasons.items() if methods is None or m in methods},
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Long table with the columns of ``COLUMNS``."""
        m, r = self.values.shape
        return pd.DataFrame(
            {
                "method": np.repeat(self.methods, r),
                **{c: np.tile(self.rows[c].to_numpy(), m) for c in ("seed", "context", "perturbation")},
                "metric": self.metric,
                "reference": self.reference,
                "genes": self.genes,
                "n_genes": np.tile(self.n_genes, m),
                "value": self.values.ravel(),
            }
        )[COLUMNS]


def score(
    evaluation: Evaluation,
    metric: str,
    reference: str = "control",
    subset: GeneSubset | None = None,
    methods: Iterable[str] | None = None,
    *,
    rows: np.ndarray | None = None,
    include_held_out_in_reference: bool = False,
) -> Scores:
    """Score methods on one metric.

    Parameters
    ----------
    evaluation
        The scored rows and where their values come from.
    metric
        ``id`` or ``id@parameter``.
    reference
        "control" or "perturbation" for metrics of changes; not used by the others.
    subset
        Genes; all where None.
    methods
        Slugs; all of the evaluation where None.
    rows
        Positions in ``evaluation.rows``; all where None. Candidates of retrieval metrics are among these rows.
    include_held_out_in_reference
        Take the perturbation mean over all perturbations, which leaks test truth into the reference.

    Raises
    ------
    UserError
        Where metric, reference and genes make no sense together; the sentence says why.
    """
    parsed, parameter = parse_metric(metric)
    card = parsed.card
    subset = subset or GeneSubset("all")
    methods = tuple(evaluation.methods if methods is None else methods)
    problem = (
        metric_problem(metric, evaluation.benchmark)
        or reference_problem(metric, reference, evaluation.benchmark)
        or genes_problem(metric, subset, evaluation)
    )
    if problem:
        raise UserError(problem)
    reference = reference if card.reference == "delta" else "none"
    positions = np.arange(len(evaluation.rows)) if rows is None else np.asarray(rows)
    extra = {card.parameter.name: parameter} if card.parameter else {}
    frame = evaluation.rows.iloc[positions]
    if card.unit == "perturbation":
        values = np.full((len(methods), len(positions)), np.nan)
        n_genes = np.zeros(len(positions), int)
        out_rows = frame[["seed", "context", "perturbation", "n_perturbed"]].reset_index(drop=True)
        for block in resolve(subset, evaluation, positions):
            where = np.searchsorted(positions, block.rows) if _is_sorted(positions) else _locate(positions, block.rows)
            n_genes[where] = block.n
            for part in _chunks(block, whole="block" in card.needs):
                at = _locate(positions, part.rows)
                truth, raw_size, reference_values = _truth(evaluation, part, reference, include_held_out_in_reference)
                needs = _needs(card, evaluation, part)
                for i, method in enumerate(methods):
                    prediction = _prediction(evaluation, method, part, reference_values, raw_size)
                    values[i, at] = _apply(parsed.function, truth, prediction, {**needs, **extra})
    else:
        out_rows, values, n_genes = _score_blocks(
            evaluation,
            parsed.function,
            card,
            reference,
            subset,
            methods,
            positions,
            extra,
            include_held_out_in_reference,
        )
    reasons = {m: _reason(m, card, reference, evaluation, positions, values[i]) for i, m in enumerate(methods)}
    return Scores(
        card, metric, reference, subset.key, methods, tuple(evaluation.name(m) for m in methods), out_rows, values,
        n_genes, {m: r for m, r in reasons.items() if r},
    )  # fmt: skip


def score_view(evaluation: Evaluation, view: View, methods: Iterable[str] | None = None) -> Scores:
    """Score the rows and methods of a view."""
    methods = [m for m in (methods or evaluation.methods) if not view.show or m in view.show]
    return score(
        evaluation, view.metric, view.ref, view.subset, methods, rows=view_rows(evaluation, view, methods),
        include_held_out_in_reference=view.ref_from == "all",
    )  # fmt: skip


def view_rows(evaluation: Evaluation, view: View, methods: Sequence[str]) -> np.ndarray:
    """Positions of the scored rows of a view: context, seed, size and, for "common", predicted by every method."""
    frame = evaluation.rows
    keep = np.ones(len(frame), bool)
    if view.context:
        keep &= (frame["context"] == view.context).to_numpy()
    if view.seed:
        keep &= (frame["seed"] == view.seed).to_numpy()
    if view.size != "all":
        keep &= (frame["n_perturbed"] == 1).to_numpy() == (view.size == "singles")
    if view.rows == "common":
        for method in methods:
            predicted = evaluation.predicted(method)
            if predicted[keep].any():  # a method that predicts none of them is undefined, not a reason to show nothing
                keep &= predicted
    return np.flatnonzero(keep)


# -- parts ---------------------------------------------------------------------------------------------------------
def _is_sorted(positions: np.ndarray) -> bool:
    return bool((np.diff(positions) > 0).all())


def _locate(positions: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where each of ``rows`` stands in ``positions``."""
    if _is_sorted(positions):
        return np.searchsorted(positions, rows)
    order = np.argsort(positions, kind="stable")
    return order[np.searchsorted(positions[order], rows)]


def _chunks(block: GeneBlock, whole: bool) -> Iterable[GeneBlock]:
    """Pieces of a block that fit the cache; metrics that compare rows with one another need the whole."""
    step = len(block.rows) if whole else max(1, CHUNK // max(block.n, 1))
    for start in range(0, len(block.rows), max(step, 1)):
        rows = block.rows[start : start + step]
        genes = block.genes if block.genes is None or block.genes.ndim == 1 else block.genes[start : start + step]
        yield GeneBlock(rows, genes, block.n)


def _truth(
    evaluation: Evaluation, block: GeneBlock, reference: str, include_held_out: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    truth = evaluation.truth(block.rows, block.genes)
    if reference == "none":
        return truth, np.zeros(0), None
    reference_values = evaluation.reference(reference, block.rows, block.genes, include_held_out)
    size = np.maximum(np.abs(truth).max(axis=1), np.abs(reference_values).max(axis=1))
    return _snap(truth - reference_values, size), size, reference_values


def _prediction(
    evaluation: Evaluation, method: str, block: GeneBlock, reference_values: np.ndarray | None, size: np.ndarray
) -> np.ndarray:
    prediction = evaluation.prediction(method, block.rows, block.genes)
    return prediction if reference_values is None else _snap(prediction - reference_values, size)


def _snap(change: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Rows of changes that are zero up to float32 rounding become exactly zero, so that they count as no change."""
    largest = np.abs(change).max(axis=1)
    change[largest <= ROUNDING * size] = 0
    return change


def _needs(card: Card, evaluation: Evaluation, block: GeneBlock) -> dict[str, np.ndarray]:
    """Further arguments of a metric's function, for the rows and genes of a block."""
    out: dict[str, np.ndarray] = {}
    if "block" in card.needs:
        out["block"] = evaluation.rows["block"].to_numpy()[block.rows]
    return out


def _apply(function, truth: np.ndarray, prediction: np.ndarray, arguments: dict) -> np.ndarray:
    """Call a metric on the rows that have a prediction; NaN elsewhere, and NaN where a gene is missing."""
    have = ~np.isnan(prediction).all(axis=1)
    if have.all():
        return function(truth, prediction, **arguments)
    out = np.full(len(truth), np.nan)
    if "block" in arguments:  # missing predictions stay candidates' truths
        return np.where(have, function(truth, prediction, **arguments), np.nan)
    per_row = {k: v[have] if isinstance(v, np.ndarray) and len(v) == len(truth) else v for k, v in arguments.items()}
    if have.any():
        out[have] = function(truth[have], prediction[have], **per_row)
    return out


def _score_blocks(
    evaluation, function, card, reference, subset, methods, positions, extra, include_held_out
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Metrics with one value a data set (seed and context): the rows are the blocks, named "*"."""
    frame = evaluation.rows.iloc[positions]
    labels = pd.unique(frame["block"])
    values = np.full((len(methods), len(labels)), np.nan)
    n_genes = np.zeros(len(labels), int)
    lines = []
    for j, label in enumerate(labels):
        rows = positions[(frame["block"] == label).to_numpy()]
        first = evaluation.rows.iloc[rows[0]]
        lines.append({"seed": first["seed"], "context": first["context"], "perturbation": "*", "n_perturbed": 0})
        (block,) = resolve(subset, evaluation, rows)
        n_genes[j] = block.n
        truth, size, reference_values = _truth(evaluation, block, reference, include_held_out)
        needs = _needs(card, evaluation, block)
        for i, method in enumerate(methods):
            prediction = _prediction(evaluation, method, block, reference_values, size)
            have = ~np.isnan(prediction).any(axis=1)
            per_row = {k: v[have] for k, v in needs.items()}
            if have.any():
                values[i, j] = function(truth[have], prediction[have], **per_row, **extra)
    return pd.DataFrame(lines, columns=["seed", "context", "perturbation", "n_perturbed"]), values, n_genes


def _reason(
    method: str, card: Card, reference: str, evaluation: Evaluation, positions: np.ndarray, values: np.ndarray
) -> str:
    """Why values of a method are undefined, in words; "" where none is."""
    missing = np.isnan(values)
    if not missing.any():
        return ""
    every = missing.all()
    what = "undefined" if every else f"undefined for {missing.sum()} of {len(values)}"
    if not len(positions) or not evaluation.predicted(method)[positions].any():
        return "undefined: it predicts none of these perturbations"
    if reference == "control" and method == "no_change" or reference == "perturbation" and method == "mean":
        return f"{what}: it is the reference, so its predicted change is zero everywhere"
    if card.unit == "perturbation" and not evaluation.predicted(method)[positions][missing].any():
        return f"{what}: not predicted"
    if card.reference == "delta":
        return f"{what}: a change that is zero or the same for every gene has no direction"
    return f"{what}: {card.name} needs values that differ"
