"""The machinery under ``perturbviz.scoring.scores``: many settings scored piece by piece, every value read once.

A piece is a rectangle of scored rows and genes. Truth, references and what metrics need are gathered once a piece, a
prediction once a piece and method; all settings are then applied to what lies in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from perturbviz.metrics import Card, Metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset
from perturbviz.scoring.inputs import Need, needed
from perturbviz.scoring.references import Reference
from perturbviz.stats.rounding import snap

#: Values handled at once (rows x genes), to stay in the processor's cache.
CHUNK = 500_000


#: What several metrics read of one prediction: (what computes it, number of the data set) -> arguments.
Shared = dict[tuple[Callable[..., dict[str, Any]], int], dict[str, Any]]


@dataclass(eq=False)
class States:
    """Why values may be missing, whatever the metric: (methods, rows), (methods, rows) and (rows,) bool."""

    unpredicted: np.ndarray
    partial: np.ndarray
    unobserved: np.ndarray

    @classmethod
    def empty(cls, methods: int, rows: int) -> States:
        """Nothing is missing yet."""
        return cls(np.zeros((methods, rows), bool), np.zeros((methods, rows), bool), np.zeros(rows, bool))


@dataclass(eq=False)
class Job:
    """One setting while it is scored.

    Attributes
    ----------
    metric, name, reference
        What is computed; ``name`` is the metric's id with parameter, ``reference`` "none" where it has no use for one.
    needs, parameter
        Further arguments of the function: names of ``perturbviz.scoring.inputs``, and its parameter.
    labels
        Data sets (seed and context) among the rows.
    values, n_genes
        Results: (methods, columns) and (columns,); a column is a row, or a data set for metrics of that unit.
    lacking
        Why -> rows (bool) that lack something the metric needs.
    notes
        What to say about how it was computed (an ordered set).
    """

    metric: Metric
    name: str
    reference: Reference
    needs: tuple[str, ...]
    parameter: dict[str, str | int]
    labels: np.ndarray
    values: np.ndarray
    n_genes: np.ndarray
    lacking: dict[str, np.ndarray] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    @property
    def card(self) -> Card:
        """The metric's card."""
        return self.metric.card

    @property
    def by_row(self) -> bool:
        """Whether there is one value a perturbation, not one a data set."""
        return self.card.unit == "perturbation"

    @property
    def whole(self) -> bool:
        """Whether all rows of a data set must be seen together."""
        return not self.by_row or "block" in self.needs

    def lacks(self, why: str, rows: int, at: np.ndarray, lacking: np.ndarray) -> None:
        """Remember that some of the rows at ``at`` lack something; ``rows`` is how many there are in all."""
        if lacking.any():
            self.lacking.setdefault(why, np.zeros(rows, bool))[at] |= lacking


def score_blocks(
    evaluation: Evaluation,
    blocks: Iterable[GeneBlock],
    subset: GeneSubset,
    methods: Sequence[str],
    positions: np.ndarray,
    jobs: Sequence[Job],
    include_held_out: bool,
) -> States:
    """Fill the values of ``jobs`` from blocks of rows; returns what is missing. ``positions``: the rows scored."""
    states = States.empty(len(methods), len(positions))
    for block in blocks:
        for whole, some in _passes(evaluation, block, jobs):
            for part in pieces(evaluation, block, whole):
                at = _locate(positions, part.rows)
                _score_piece(evaluation, part, subset, methods, some, states, at, include_held_out)
    return states


def _passes(evaluation: Evaluation, block: GeneBlock, jobs: Sequence[Job]) -> list[tuple[bool, Sequence[Job]]]:
    """Jobs that read the values together, with whether data sets stay whole.

    Jobs that can be cut come apart from those that cannot where a data set does not fit the cache.
    """
    groups = {whole: [job for job in jobs if job.whole is whole] for whole in (False, True)}
    largest = np.bincount(evaluation.rows["block"].to_numpy()[block.rows]).max(initial=0)
    if all(groups.values()) and largest * block.n <= CHUNK:
        return [(True, jobs)]
    return [(whole, some) for whole, some in groups.items() if some]


def pieces(evaluation: Evaluation, block: GeneBlock, whole: bool) -> Iterator[GeneBlock]:
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
        split = np.split(index, cuts)
    else:
        split = np.split(index, np.arange(step, len(index), step))
    for piece in split:
        if len(piece):
            genes = block.genes if block.genes is None or block.genes.ndim == 1 else block.genes[piece]
            yield GeneBlock(block.rows[piece], genes, block.n)


def _locate(positions: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where each of ``rows`` stands in ``positions``."""
    if (np.diff(positions) > 0).all():
        return np.searchsorted(positions, rows)
    order = np.argsort(positions, kind="stable")
    return order[np.searchsorted(positions[order], rows)]


@dataclass(frozen=True, eq=False)
class _Base:
    """Truth minus one reference, the reference itself (None: none), and the size rounding is judged against."""

    truth: np.ndarray
    vector: np.ndarray | None
    size: np.ndarray

    def change(self, prediction: np.ndarray) -> np.ndarray:
        """A prediction minus the same reference."""
        return prediction if self.vector is None else snap(prediction - self.vector, self.size)


def _base(
    evaluation: Evaluation, part: GeneBlock, truth: np.ndarray, reference: Reference, include_held_out: bool
) -> _Base:
    if reference == "none":
        return _Base(truth, None, np.empty(0))
    vector = evaluation.reference(reference, part.rows, part.genes, include_held_out)
    size = np.maximum(np.abs(truth).max(axis=1, initial=0), np.abs(vector).max(axis=1, initial=0))
    return _Base(snap(truth - vector, size), vector, size)


def _score_piece(
    evaluation: Evaluation,
    part: GeneBlock,
    subset: GeneSubset,
    methods: Sequence[str],
    jobs: Sequence[Job],
    states: States,
    at: np.ndarray,
    include_held_out: bool,
) -> None:
    """Score all methods and settings on one piece, whose rows stand at ``at`` in the results."""
    truth = evaluation.truth(part.rows, part.genes)
    label = evaluation.rows["block"].to_numpy()[part.rows]
    states.unobserved[at] = np.isnan(truth.sum(axis=1))
    rows = len(states.unobserved)
    needs: dict[str, Need] = {}
    bases: dict[Reference, _Base] = {}
    tasks: dict[Reference, list[tuple[Job, dict[str, Any]]]] = {}
    for job in jobs:
        job.n_genes[at if job.by_row else np.isin(job.labels, label)] = part.n
        if job.reference not in bases:
            bases[job.reference] = _base(evaluation, part, truth, job.reference, include_held_out)
        base = bases[job.reference]
        if base.vector is not None:
            unknown = np.isnan(base.vector.sum(axis=1))
            job.lacks(f"the {job.reference} mean of its context is not known", rows, at, unknown)
        for name in job.needs:
            if name not in needs:
                needs[name] = needed(name, evaluation, part, subset)
            need = needs[name]
            if need.note:
                job.notes[need.note] = None
            if need.lacking is not None:
                job.lacks(need.why, rows, at, need.lacking)
        arguments = {name: needs[name].value for name in job.needs} | job.parameter
        if job.metric.of_truth:
            arguments |= job.metric.of_truth(base.truth)
        tasks.setdefault(job.reference, []).append((job, arguments))
    for i, method in enumerate(methods):
        prediction = evaluation.prediction(method, part.rows, part.genes)
        gap = np.isnan(prediction.sum(axis=1))
        none = gap.copy()
        none[gap] = np.isnan(prediction[gap]).all(axis=1)
        states.unpredicted[i, at], states.partial[i, at] = none, gap & ~none
        for reference, of_reference in tasks.items():
            change = bases[reference].change(prediction)
            shared: Shared = {}
            for job, arguments in of_reference:
                if job.by_row:
                    job.values[i, at] = by_row(job.metric, bases[reference].truth, change, ~none, arguments)
                else:
                    _by_data_set(job, i, label, bases[reference].truth, change, ~gap, arguments, shared)


def _of_rows(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Arguments of some rows: arrays have one line a row, everything else is the same for all."""
    return {k: v[rows] if isinstance(v, np.ndarray) else v for k, v in arguments.items()}


def by_row(
    metric: Metric, truth: np.ndarray, prediction: np.ndarray, have: np.ndarray, arguments: dict[str, Any]
) -> np.ndarray:
    """Call a metric on the rows that have a prediction, NaN elsewhere; for retrieval their truths stay candidates."""
    if have.all() or "block" in arguments:
        return metric.function(truth, prediction, **arguments)
    out = np.full(len(truth), np.nan)
    if have.any():
        out[have] = metric.function(truth[have], prediction[have], **_of_rows(arguments, have))
    return out


def _by_data_set(
    job: Job,
    method: int,
    label: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    have: np.ndarray,
    arguments: dict[str, Any],
    shared: Shared,
) -> None:
    """Call a metric on the completely predicted and observed rows of each data set of a piece."""
    have = have & ~np.isnan(truth.sum(axis=1))
    for column in np.flatnonzero(np.isin(job.labels, label)).tolist():
        rows = (label == job.labels[column]) & have
        if rows.any():
            job.values[method, column] = of_data_set(job.metric, truth, prediction, rows, arguments, shared, column)


def of_data_set(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    rows: np.ndarray,
    arguments: dict[str, Any],
    shared: Shared,
    data_set: int,
) -> float:
    """Value of a metric on some rows (bool), one data set; ``shared`` keeps what metrics read of one prediction."""
    if not rows.all():
        truth, prediction, arguments = truth[rows], prediction[rows], _of_rows(arguments, rows)
    if metric.shared is not None:
        if (key := (metric.shared, data_set)) not in shared:
            own = metric.card.parameter.name if metric.card.parameter else ""
            shared[key] = metric.shared(truth, prediction, **{k: v for k, v in arguments.items() if k != own})
        arguments = arguments | shared[key]
    return metric.function(truth, prediction, **arguments)


#: Reason of a method that predicts none of the scored rows.
PREDICTS_NONE = "undefined: it predicts none of these perturbations"


def reason(job: Job, method: str, index: int, groups: np.ndarray, states: States) -> str:
    """Why values of a method are undefined, in words; "" where none is.

    ``groups`` says which column of the values each row belongs to; a column is explained by what all its rows lack.
    """
    missing = np.isnan(job.values[index])
    if not missing.any():
        return ""

    def every(rows: np.ndarray) -> np.ndarray:
        return rows if job.by_row else np.array([rows[groups == label].all() for label in job.labels], bool)

    if not len(groups) or states.unpredicted[index].all():
        return PREDICTS_NONE
    own = job.card.undefined
    if (job.reference, method) in (("control", "no_change"), ("perturbation", "mean")):
        own = "it is the reference, so its predicted change is zero everywhere"
    elif "additive" in job.needs and method == "additive":
        own = "by definition it predicts no interaction"
    causes = [
        ("not predicted", every(states.unpredicted[index])),
        ("a gene is missing in the prediction", every(states.unpredicted[index] | states.partial[index])),
        ("a gene is missing in the observed profile", every(states.unobserved)),
        *((why, every(lacking)) for why, lacking in job.lacking.items()),
        (own, np.ones(len(missing), bool)),
    ]
    left, said = missing.copy(), []
    for why, rows in causes:
        if (left & rows).any():
            said.append((why, int((left & rows).sum())))
            left &= ~rows
    what = "undefined" if missing.all() else f"undefined for {missing.sum()} of {len(missing)}"
    counted = [why if len(said) == 1 else f"{why} ({n})" for why, n in said]
    return f"{what}: {'; '.join(counted)}"
