"""Scores: (benchmark, view) -> one value per method and scored row, the table every page reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perturbviz.benchmark.scoretable import COLUMNS
from perturbviz.errors import UserError
from perturbviz.metrics import Card, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.prepared import Filled, Predict, Prepared, Setting
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


@dataclass(frozen=True, eq=False)
class Given:
    """Predictions of a method that is no part of the evaluation.

    Attributes
    ----------
    method, name
        Slug and display name.
    values
        (R, G) predictions of all rows of the evaluation; NaN rows where there is none.
    """

    method: str
    name: str
    values: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """(R,) bool: the rows with a prediction."""
        return ~np.isnan(self.values).all(axis=1)


def score(
    evaluation: Evaluation,
    metric: str,
    reference: str = "control",
    subset: GeneSubset | None = None,
    methods: Iterable[str] | None = None,
    *,
    rows: np.ndarray | None = None,
    include_held_out_in_reference: bool = False,
    given: Iterable[Given] = (),
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
    given
        Predictions of further methods, scored like the others.

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
        given=given,
    )[setting]


def score_many(
    evaluation: Evaluation,
    settings: Sequence[tuple[str, str]],
    subset: GeneSubset | None = None,
    methods: Iterable[str] | None = None,
    rows: np.ndarray | None = None,
    *,
    include_held_out_in_reference: bool = False,
    given: Iterable[Given] = (),
) -> dict[tuple[str, str], Scores]:
    """Score methods on many (metric, reference) settings on the same genes, reading every value once.

    Returns
    -------
    (metric, reference) as given -> scores. Arguments and errors as of :func:`score`.
    """
    methods = evaluation.methods if methods is None else methods
    prepared = prepare(evaluation, settings, subset, rows, include_held_out_in_reference=include_held_out_in_reference)
    return tables(prepared, methods, given)


def prepare(
    evaluation: Evaluation,
    settings: Sequence[Setting],
    subset: GeneSubset | None = None,
    rows: np.ndarray | None = None,
    *,
    include_held_out_in_reference: bool = False,
) -> Prepared:
    """What scoring takes besides predictions, gathered once for any number of methods; then see :func:`tables`.

    Arguments as of :func:`score_many`.

    Raises
    ------
    UserError
        Where metric, reference and genes make no sense together; the sentence says why.
    """
    subset, benchmark = subset or GeneSubset("all"), evaluation.benchmark
    for name, reference in settings:
        problem = (
            metric_problem(name, benchmark, evaluation.truth_from)
            or reference_problem(name, reference, benchmark, include_held_out_in_reference)
            or genes_problem(name, subset, evaluation)
        )
        if problem:
            raise UserError(problem)
    positions = np.arange(len(evaluation.rows)) if rows is None else np.asarray(rows)
    return Prepared(evaluation, positions, tuple(dict.fromkeys(settings)), subset, include_held_out_in_reference)


def tables(prepared: Prepared, methods: Iterable[str] = (), given: Iterable[Given] = ()) -> dict[Setting, Scores]:
    """Scores of methods of the evaluation, and of predictions given as arrays, on everything that was prepared.

    Parameters
    ----------
    given
        Predictions of all rows of the evaluation by methods that are no part of it.

    Returns
    -------
    (metric, reference) as given -> scores.

    Raises
    ------
    UserError
        Where given predictions do not have the evaluation's rows and the benchmark's genes.
    """
    evaluation, methods, given = prepared.evaluation, tuple(methods), tuple(given)
    shape = (len(evaluation.rows), evaluation.benchmark.adata.n_vars)
    for one in given:
        if one.values.shape != shape:
            raise UserError(f"{one.name}: predictions of shape {one.values.shape} do not fit the scored rows.")
    filled = prepared.fill([*(_of_method(evaluation, m) for m in methods), *(_of_array(evaluation, g) for g in given)])
    names = {m: evaluation.name(m) for m in methods} | {g.method: g.name for g in given}
    frame = evaluation.rows.iloc[prepared.rows]
    rows = frame[["seed", "context", "perturbation", "n_perturbed"]]
    sets = rows[~frame["block"].duplicated()].assign(perturbation="*", n_perturbed=0)
    out = {}
    for setting, asked in prepared.asked.items():
        reasons = {m: reason(prepared, filled, setting, m, i) for i, m in enumerate(names)}
        out[setting] = Scores(
            asked.card,
            asked.name,
            asked.reference,
            prepared.subset.key,
            tuple(names),
            tuple(names.values()),
            (rows if asked.by_row else sets).reset_index(drop=True),
            filled.values[setting],
            filled.n_genes[setting],
            {m: r for m, r in reasons.items() if r},
            " ".join(filled.notes[setting]),
        )
    return out


def _of_method(evaluation: Evaluation, method: str) -> Predict:
    return lambda block, at: evaluation.prediction(method, block.rows, block.genes)


def _of_array(evaluation: Evaluation, given: Given) -> Predict:
    return lambda block, at: evaluation.gather(given.values, block.rows, block.genes)


#: Reason of a method that predicts none of the scored rows.
PREDICTS_NONE = "undefined: it predicts none of these perturbations"


def reason(prepared: Prepared, filled: Filled, setting: Setting, method: str, index: int) -> str:
    """Why values of a method (line ``index``) are undefined, in words; "" where none is.

    A value of a whole data set is explained by what all its rows lack.
    """
    asked, missing = prepared.asked[setting], np.isnan(filled.values[setting][index])
    if not missing.any():
        return ""
    groups = prepared.evaluation.rows["block"].to_numpy()[prepared.rows]

    def every(rows: np.ndarray) -> np.ndarray:
        return rows if asked.by_row else np.array([rows[groups == label].all() for label in prepared.labels], bool)

    unpredicted = filled.unpredicted[index]
    if not len(groups) or unpredicted.all():
        return PREDICTS_NONE
    own = asked.card.undefined
    if (asked.reference, method) in (("control", "no_change"), ("perturbation", "mean")):
        own = "it is the reference, so its predicted change is zero everywhere"
    elif "additive" in asked.needs and method == "additive":
        own = "by definition it predicts no interaction"
    causes = [
        ("not predicted", every(unpredicted)),
        ("a gene is missing in the prediction", every(unpredicted | filled.partial[index])),
        ("a gene is missing in the observed profile", every(filled.unobserved)),
        *((why, every(rows)) for why, rows in filled.lacking[setting].items()),
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
    (scores,) = tables(prepare_view(evaluation, view, rows), methods).values()
    return scores


def prepare_view(evaluation: Evaluation, view: View, rows: np.ndarray) -> Prepared:
    """What scoring a view's metric takes besides predictions, for rows as of :func:`view_rows`."""
    leaks = view.ref_from == "all"
    return prepare(evaluation, [(view.metric, view.ref)], view.subset, rows, include_held_out_in_reference=leaks)


def view_rows(evaluation: Evaluation, view: View, methods: Sequence[str], given: Iterable[Given] = ()) -> np.ndarray:
    """Positions of the scored rows of a view: context, seed, size and, for "common", predicted by every method.

    A method that predicts none of the rows that context, seed and size leave is undefined, not a reason to show
    nothing. Predictions that are ``given`` count like methods.
    """
    keep = _asked(evaluation, view)
    if view.rows == "common":
        every = [*map(evaluation.predicted, methods), *(g.predicted for g in given)]
        keep = np.logical_and.reduce([keep, *(p for p in every if p[keep].any())])
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
