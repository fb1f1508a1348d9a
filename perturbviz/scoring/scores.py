"""Scores: (benchmark, view) -> one value per method and scored row, the table every page reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd

from perturbviz.benchmark.scoretable import COLUMNS
from perturbviz.errors import UserError
from perturbviz.metrics import Card, parse_metric
from perturbviz.scoring.blocks import Job, States, reason, score_blocks
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve
from perturbviz.scoring.references import Reference
from perturbviz.scoring.validity import genes_problem, metric_problem, reference_problem
from perturbviz.scoring.view import View

#: Differences (predictions x truths x genes) up to which metrics that compare every prediction with every truth are
#: computed unasked: tens of seconds. With 10,000 perturbations they would take many minutes.
COMPARISONS = 2e10


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
        evaluation,
        [setting],
        subset,
        methods,
        rows,
        include_held_out_in_reference=include_held_out_in_reference,
    )[setting]


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
        setting: _job(evaluation, setting, subset, len(methods), positions, include_held_out_in_reference)
        for setting in dict.fromkeys(settings)
    }
    blocks = resolve(subset, evaluation, positions)
    states = score_blocks(
        evaluation, blocks, subset, methods, positions, list(jobs.values()), include_held_out_in_reference
    )
    return {setting: _scores(job, evaluation, subset, methods, positions, states) for setting, job in jobs.items()}


def _job(
    evaluation: Evaluation,
    setting: tuple[str, str],
    subset: GeneSubset,
    methods: int,
    positions: np.ndarray,
    include_held_out: bool,
) -> Job:
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
    return Job(
        metric,
        name,
        cast(Reference, reference) if card.reference == "delta" else "none",
        card.needs_of(value),
        {card.parameter.name: card.parameter.value(value)} if card.parameter else {},
        labels,
        np.full((methods, columns), np.nan),
        np.zeros(columns, int),
    )


def _scores(
    job: Job,
    evaluation: Evaluation,
    subset: GeneSubset,
    methods: tuple[str, ...],
    positions: np.ndarray,
    states: States,
) -> Scores:
    """The table of a finished job."""
    frame = evaluation.rows.iloc[positions]
    rows = frame[["seed", "context", "perturbation", "n_perturbed"]]
    if not job.by_row:
        rows = rows[~frame["block"].duplicated()].assign(perturbation="*", n_perturbed=0)
    reasons = {m: reason(job, m, i, frame["block"].to_numpy(), states) for i, m in enumerate(methods)}
    return Scores(
        job.card,
        job.name,
        job.reference,
        subset.key,
        methods,
        tuple(evaluation.name(m) for m in methods),
        rows.reset_index(drop=True),
        job.values,
        job.n_genes,
        {m: r for m, r in reasons.items() if r},
        " ".join(job.notes),
    )


def quick_and_slow(
    evaluation: Evaluation, pairs: Sequence[tuple[str, str]], subset: GeneSubset, rows: np.ndarray, methods: int
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(metric, reference) pairs that may be computed unasked, and those that would take minutes.

    Parameters
    ----------
    subset, rows, methods
        What would be scored: genes, positions in ``evaluation.rows``, and the number of methods.
    """
    genes = evaluation.benchmark.adata.n_vars
    if subset.kind != "all":
        genes = min(genes, len(subset.own) if subset.kind == "own" else subset.n)
    _, sizes = np.unique(evaluation.rows["block"].to_numpy()[rows], return_counts=True)
    if (sizes.astype(float) ** 2).sum() * genes * methods <= COMPARISONS:
        return tuple(pairs), ()
    slow = tuple(p for p in pairs if _compares_all(p[0]))
    return tuple(p for p in pairs if p not in slow), slow


def _compares_all(metric: str) -> bool:
    """Whether a metric looks at every prediction together with every truth, not with its own only."""
    parsed, value = parse_metric(metric)
    return "block" in parsed.card.needs_of(value)


def score_view(evaluation: Evaluation, view: View, methods: Iterable[str] | None = None) -> Scores:
    """Score the rows and methods of a view; a :class:`UserError` where no row is predicted by every method."""
    methods = [m for m in (methods or evaluation.methods) if not view.show or m in view.show]
    rows = view_rows(evaluation, view, methods)
    if (
        view.rows == "common"
        and not len(rows)
        and any(evaluation.predicted(m)[_asked(evaluation, view)].any() for m in methods)
    ):
        raise UserError("No perturbation is predicted by every shown method.")
    return score(
        evaluation,
        view.metric,
        view.ref,
        view.subset,
        methods,
        rows=rows,
        include_held_out_in_reference=view.ref_from == "all",
    )


def view_rows(evaluation: Evaluation, view: View, methods: Sequence[str]) -> np.ndarray:
    """Positions of the scored rows of a view: context, seed, size and, for "common", predicted by every method.

    A method that predicts none of the rows that context, seed and size leave is undefined, not a reason to show
    nothing.
    """
    keep = _asked(evaluation, view)
    if view.rows == "common":
        predicted = [p for p in map(evaluation.predicted, methods) if p[keep].any()]
        keep = np.logical_and.reduce([keep, *predicted])
    return np.flatnonzero(keep)


def _asked(evaluation: Evaluation, view: View) -> np.ndarray:
    """Rows of a view whoever predicts them: (R,) bool."""
    frame = evaluation.rows
    keep = np.ones(len(frame), bool)
    if view.context:
        keep &= (frame["context"] == view.context).to_numpy()
    if view.seed:
        keep &= (frame["seed"] == view.seed).to_numpy()
    if view.size != "all":
        keep &= (frame["n_perturbed"] == 1).to_numpy() == (view.size == "singles")
    return keep
