"""Scores: (benchmark, view) -> one value per method and scored row, the table every page reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.evaluation import Evaluation
from perturbviz.genesets import GeneBlock, GeneSubset, resolve
from perturbviz.metrics import Card, Metric, parse_metric
from perturbviz.needs import Need, needed
from perturbviz.references import Reference
from perturbviz.rounding import snap
from perturbviz.validity import genes_problem, metric_problem, reference_problem
from perturbviz.view import View

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
    note
        What to know about how the metric was computed here: which weights, which threshold; often "".
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
    note: str = ""

    def select(self, methods: Sequence[str] | None = None, keep: np.ndarray | None = None) -> Scores:
        """Fewer methods (in the given order) or rows (bool mask or positions)."""
        index = [self.methods.index(m) for m in (self.methods if methods is None else methods)]
        keep = np.arange(len(self.rows)) if keep is None else np.arange(len(self.rows))[keep]
        return replace(
            self,
            methods=tuple(self.methods[i] for i in index),
            names=tuple(self.names[i] for i in index),
            rows=self.rows.iloc[keep].reset_index(drop=True),
            values=self.values[index][:, keep],
            n_genes=self.n_genes[keep],
            reasons={m: r for m, r in self.reasons.items() if methods is None or m in methods},
        )

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
    setting = (metric, reference)
    return score_many(
        evaluation, [setting], subset, methods, rows,
        include_held_out_in_reference=include_held_out_in_reference,
    )[setting]  # fmt: skip


def score_many(
    evaluation: Evaluation,
    settings: Sequence[tuple[str, str]],
    subset: GeneSubset | None = None,
    methods: Iterable[str] | None = None,
    rows: np.ndarray | None = None,
    *,
    include_held_out_in_reference: bool = False,
) -> dict[tuple[str, str], Scores]:
    """Score methods on many (metric, reference) settings on the same genes, reading every value once.

    Returns
    -------
    (metric, reference) as given -> scores. Arguments and errors as of :func:`score`.
    """
    subset = subset or GeneSubset("all")
    methods = tuple(evaluation.methods if methods is None else methods)
    positions = np.arange(len(evaluation.rows)) if rows is None else np.asarray(rows)
    jobs = {
        setting: _job(evaluation, setting, subset, methods, positions, include_held_out_in_reference)
        for setting in dict.fromkeys(settings)
    }
    whole = any("block" in job.needs or job.card.unit != "perturbation" for job in jobs.values())
    states = _States.empty(len(methods), len(positions))
    for block in resolve(subset, evaluation, positions):
        for part in _parts(evaluation, block, whole):
            _score_part(evaluation, part, subset, methods, jobs.values(), states, _locate(positions, part.rows),
                        include_held_out_in_reference)  # fmt: skip
    return {setting: job.scores(evaluation, subset, methods, positions, states) for setting, job in jobs.items()}


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
@dataclass(eq=False)
class _States:
    """What is known about the predictions, for the reasons: (methods, rows) and (rows,) bool."""

    unpredicted: np.ndarray
    partial: np.ndarray
    unobserved: np.ndarray

    @classmethod
    def empty(cls, methods: int, rows: int) -> _States:
        return cls(np.zeros((methods, rows), bool), np.zeros((methods, rows), bool), np.zeros(rows, bool))


@dataclass(eq=False)
class _Job:
    """One setting while it is scored."""

    metric: Metric
    name: str
    reference: Reference
    needs: tuple[str, ...]
    parameter: dict[str, str | int]
    values: np.ndarray  # (methods, rows), or (methods, data sets)
    n_genes: np.ndarray
    labels: np.ndarray  # data sets: seed and context of the columns of values
    lacking: dict[str, np.ndarray] = field(default_factory=dict)  # why -> (rows,) bool
    notes: dict[str, None] = field(default_factory=dict)  # an ordered set

    @property
    def card(self) -> Card:
        return self.metric.card

    def scores(
        self,
        evaluation: Evaluation,
        subset: GeneSubset,
        methods: tuple[str, ...],
        positions: np.ndarray,
        states: _States,
    ) -> Scores:
        frame = evaluation.rows.iloc[positions]
        rows = frame[["seed", "context", "perturbation", "n_perturbed"]]
        if self.card.unit != "perturbation":
            rows = rows[~frame["block"].duplicated()].assign(perturbation="*", n_perturbed=0)
        groups = frame["block"].to_numpy() if self.card.unit != "perturbation" else np.arange(len(frame))
        reasons = {m: _reason(self, m, i, groups, states) for i, m in enumerate(methods)}
        return Scores(
            self.card, self.name, self.reference, subset.key, methods, tuple(evaluation.name(m) for m in methods),
            rows.reset_index(drop=True), self.values, self.n_genes, {m: r for m, r in reasons.items() if r},
            " ".join(self.notes),
        )  # fmt: skip


def _job(
    evaluation: Evaluation, setting: tuple[str, str], subset: GeneSubset, methods: tuple[str, ...],
    positions: np.ndarray, include_held_out: bool,
) -> _Job:  # fmt: skip
    """Check a setting and make room for its values."""
    name, reference = setting
    metric, value = parse_metric(name)
    card, benchmark = metric.card, evaluation.benchmark
    problem = (
        metric_problem(name, benchmark, evaluation.truth_from)
        or reference_problem(name, reference, benchmark, include_held_out)
        or genes_problem(name, subset, evaluation)
    )
    if problem:
        raise UserError(problem)
    labels = pd.unique(evaluation.rows["block"].to_numpy()[positions])
    columns = len(positions) if card.unit == "perturbation" else len(labels)
    return _Job(
        metric, name, cast(Reference, reference) if card.reference == "delta" else "none", card.needs_of(value),
        {card.parameter.name: card.parameter.value(value)} if card.parameter else {},
        np.full((len(methods), columns), np.nan), np.zeros(columns, int), labels,
    )  # fmt: skip


def _locate(positions: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where each of ``rows`` stands in ``positions``."""
    if (np.diff(positions) > 0).all():
        return np.searchsorted(positions, rows)
    order = np.argsort(positions, kind="stable")
    return order[np.searchsorted(positions[order], rows)]


def _parts(evaluation: Evaluation, block: GeneBlock, whole: bool) -> Iterator[GeneBlock]:
    """Pieces of a block that fit the cache; ``whole``: all rows of a seed and context stay together, in order."""
    index = np.arange(len(block.rows))
    step = max(1, CHUNK // max(block.n, 1))
    if whole:
        label = evaluation.rows["block"].to_numpy()[block.rows]
        index = np.argsort(label, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(label[index])) + 1, len(index))
        cuts, start = [], 0
        for before, end in zip([0, *ends[:-1]], ends, strict=True):
            if end - start > step and before > start:
                cuts.append(before)
                start = before
        pieces = np.split(index, cuts)
    else:
        pieces = np.split(index, np.arange(step, len(index), step))
    for piece in pieces:
        if len(piece):
            genes = block.genes if block.genes is None or block.genes.ndim == 1 else block.genes[piece]
            yield GeneBlock(block.rows[piece], genes, block.n)


def _score_part(
    evaluation: Evaluation, part: GeneBlock, subset: GeneSubset, methods: tuple[str, ...], jobs: Iterable[_Job],
    states: _States, at: np.ndarray, include_held_out: bool,
) -> None:  # fmt: skip
    """Score all methods and settings on some rows; results go to the jobs and states at the positions ``at``."""
    truth = evaluation.truth(part.rows, part.genes)
    states.unobserved[at] = np.isnan(truth.sum(axis=1))
    label = evaluation.rows["block"].to_numpy()[part.rows]
    shared: dict[str, Need] = {}
    by_reference: dict[Reference, list[tuple[_Job, dict[str, Any]]]] = {}
    for job in jobs:
        for name in job.needs:
            shared.setdefault(name, needed(name, evaluation, part, subset))
            job.notes |= dict.fromkeys([shared[name].note] if shared[name].note else [])
            if (lacking := shared[name].lacking) is not None and lacking.any():
                job.lacking.setdefault(shared[name].why, np.zeros(states.unobserved.shape, bool))[at] |= lacking
        arguments = {name: shared[name].value for name in job.needs} | job.parameter
        by_reference.setdefault(job.reference, []).append((job, arguments))
        job.n_genes[at if job.card.unit == "perturbation" else np.isin(job.labels, label)] = part.n
    bases: dict[str, tuple[np.ndarray, np.ndarray | None, np.ndarray | None]] = {}
    for reference, those in by_reference.items():
        bases[reference] = base = _changes(evaluation, part, truth, reference, include_held_out)
        if base[1] is not None and (unknown := np.isnan(base[1].sum(axis=1))).any():
            for job, _ in those:
                why = f"the {reference} mean of its context is not known"
                job.lacking.setdefault(why, np.zeros(states.unobserved.shape, bool))[at] |= unknown
        for job, arguments in those:
            if job.metric.of_truth:
                arguments |= job.metric.of_truth(base[0])
    for i, method in enumerate(methods):
        raw = evaluation.prediction(method, part.rows, part.genes)
        missing = np.isnan(raw.sum(axis=1))
        none = np.zeros(len(raw), bool)
        none[missing] = np.isnan(raw[missing]).all(axis=1)
        states.unpredicted[i, at], states.partial[i, at] = none, missing & ~none
        for reference, those in by_reference.items():
            base_truth, vector, size = bases[reference]
            prediction = raw if vector is None or size is None else snap(raw - vector, size)
            for job, arguments in those:
                if job.card.unit == "perturbation":
                    job.values[i, at] = _apply(job, base_truth, prediction, ~none, arguments)
                    continue
                for k in np.flatnonzero(np.isin(job.labels, label)):
                    rows = (label == job.labels[k]) & ~missing & ~np.isnan(base_truth.sum(axis=1))
                    if rows.any():
                        job.values[i, k] = job.metric.function(
                            base_truth[rows], prediction[rows], **_of_rows(arguments, rows)
                        )


def _changes(
    evaluation: Evaluation, part: GeneBlock, truth: np.ndarray, reference: Reference, include_held_out: bool
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Truth minus reference, the reference, and the size of both, against which rounding is judged."""
    if reference == "none":
        return truth, None, None
    vector = evaluation.reference(reference, part.rows, part.genes, include_held_out)
    size = np.maximum(np.abs(truth).max(axis=1, initial=0), np.abs(vector).max(axis=1, initial=0))
    return snap(truth - vector, size), vector, size


def _of_rows(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Arguments of some rows: arrays have one line a row, everything else is the same for all."""
    return {k: v[rows] if isinstance(v, np.ndarray) else v for k, v in arguments.items()}


def _apply(
    job: _Job, truth: np.ndarray, prediction: np.ndarray, have: np.ndarray, arguments: dict[str, Any]
) -> np.ndarray:
    """Call a metric on the rows that have a prediction, NaN elsewhere; for retrieval their truths stay candidates."""
    if have.all() or "block" in arguments:
        return job.metric.function(truth, prediction, **arguments)
    out = np.full(len(truth), np.nan)
    if have.any():
        out[have] = job.metric.function(truth[have], prediction[have], **_of_rows(arguments, have))
    return out


def _reason(job: _Job, method: str, index: int, groups: np.ndarray, states: _States) -> str:
    """Why values of a method are undefined, in words; "" where none is.

    ``groups`` says which column of the values each row belongs to; a column is explained by what all its rows lack.
    """
    missing = np.isnan(job.values[index])
    if not missing.any():
        return ""

    def every(rows: np.ndarray) -> np.ndarray:
        return rows if len(rows) == len(missing) and job.card.unit == "perturbation" else np.array(
            [rows[groups == label].all() for label in job.labels], bool
        )  # fmt: skip

    if not len(groups) or states.unpredicted[index].all():
        return "undefined: it predicts none of these perturbations"
    is_reference = (job.reference, method) in (("control", "no_change"), ("perturbation", "mean"))
    causes = [
        ("not predicted", every(states.unpredicted[index])),
        ("a gene is missing in the prediction", every(states.unpredicted[index] | states.partial[index])),
        ("a gene is missing in the observed profile", every(states.unobserved)),
        *((why, every(lacking)) for why, lacking in job.lacking.items()),
        (
            "it is the reference, so its predicted change is zero everywhere" if is_reference else job.card.undefined,
            np.ones(len(missing), bool),
        ),
    ]
    left, said = missing.copy(), []
    for why, rows in causes:
        if (left & rows).any():
            said.append((why, int((left & rows).sum())))
            left &= ~rows
    what = "undefined" if missing.all() else f"undefined for {missing.sum()} of {len(missing)}"
    counted = [why if len(said) == 1 else f"{why} ({n})" for why, n in said]
    return f"{what}: {'; '.join(counted)}"
