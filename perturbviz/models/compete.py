"""From a benchmark to what a competitor may learn from, and from a competitor back into the benchmark as a method.

The one door between benchmarks and fitted competitors: :func:`training` hands out training rows only, so whatever is
fitted behind it cannot see held-out perturbations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from perturbviz.benchmark import Benchmark, slugify
from perturbviz.benchmark.memo import kept
from perturbviz.benchmark.perturbations import targets
from perturbviz.errors import UserError
from perturbviz.models.training import Competitor, Fitted, Training
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import Scores

Fit = Callable[[str, str], Fitted]
_MANY_GENES = 20  # chance correlates few genes


# -- what may be learnt from ---------------------------------------------------------------------------------------
def training(benchmark: Benchmark, seed: str, context: str) -> Training:
    """Training perturbations of one seed and context, and nothing else of the benchmark.

    Changes are observed means minus the control mean of the context; where a benchmark of expression has no control
    mean they are the profiles themselves, which a competitor with an intercept does not mind. A context without
    training perturbations (an unseen cell line, donor or dose) learns from the mean changes over the other contexts.

    Raises
    ------
    UserError
        Where the seed has no training perturbations at all.
    """
    rows = _training_rows(benchmark, seed, context)
    if not len(rows):
        raise UserError(
            f"“{benchmark.title}” holds no training perturbations{f' for seed {seed}' if seed else ''}, "
            "so there is nothing to fit to: choose another split."
        )
    return _training(benchmark, rows, context)


def held_out(benchmark: Benchmark, seed: str, context: str, parts: Sequence[str] = ("test", "val")) -> Training | None:
    """Held-out perturbations of one seed and context, to be compared with; None where there are none."""
    rows = np.isin(benchmark.splits[seed], parts) & ~benchmark.is_control & _observed(benchmark)
    rows = np.flatnonzero(rows & (benchmark.row_contexts == context))
    return _training(benchmark, rows, context) if len(rows) else None


def parts(benchmark: Benchmark, seed: str = "", context: str = "") -> tuple[Training, Training]:
    """Training and held-out perturbations of one seed and context, by default the first of each.

    Raises
    ------
    UserError
        Where there is no such seed or context, or one of the parts is empty.
    """
    seed, context = seed or benchmark.seeds[0], context or benchmark.contexts[0]
    for what, name, known in (("split", seed, benchmark.seeds), ("context", context, benchmark.contexts)):
        if name not in known:
            raise UserError(f"“{benchmark.title}” has no {what} {name!r}; it has: {', '.join(known)}.")
    held = held_out(benchmark, seed, context)
    if held is None:
        raise UserError(f"“{benchmark.title}” holds out no perturbation of {context} in split {seed or 1}.")
    return training(benchmark, seed, context), held


def all_perturbations(benchmark: Benchmark) -> Training:
    """Every perturbation, mean changes over contexts: to pre-train on a data set that is *not* the one predicted.

    Raises
    ------
    UserError
        If the data set holds no perturbations.
    """
    rows = np.flatnonzero(~benchmark.is_control & _observed(benchmark))
    if not len(rows):
        raise UserError(f"“{benchmark.title}” holds no perturbations to pre-train on.")
    return _training(benchmark, rows, benchmark.contexts[0])


def _training_rows(benchmark: Benchmark, seed: str, context: str) -> np.ndarray:
    train = np.flatnonzero((benchmark.splits[seed] == "train") & ~benchmark.is_control & _observed(benchmark))
    here = train[benchmark.row_contexts[train] == context]
    return here if len(here) else train


def _observed(benchmark: Benchmark) -> np.ndarray:
    return ~np.isnan(benchmark.truth[:, :1]).all(axis=1)


def _training(benchmark: Benchmark, rows: np.ndarray, context: str) -> Training:
    """The named rows as changes; rows of one perturbation in several contexts are averaged."""
    contexts = benchmark.row_contexts[rows]
    changes = benchmark.truth[rows].astype(np.float64)
    control = benchmark.control(context).astype(np.float64)
    expression = benchmark.value_space == "lognorm" and benchmark.has_control
    if expression:
        for each in dict.fromkeys(contexts):
            changes[contexts == each] -= benchmark.control(each)
    names = benchmark.conditions[rows]
    if len(set(names)) < len(names):
        frame = pd.DataFrame(changes).groupby(names, sort=True).mean()
        names, changes = frame.index.to_numpy(), frame.to_numpy()
    genes = _finite(benchmark, rows, context)
    if not genes.all():
        changes, control = changes[:, genes], control[genes]
    measured = ", ".join(dict.fromkeys(map(str, contexts)))
    return Training(
        tuple(names), changes, tuple(benchmark.genes[genes]), control if expression else None, context=measured
    )


def _finite(benchmark: Benchmark, rows: np.ndarray, context: str) -> np.ndarray:
    """Genes with a value in every one of the rows and, where there is one, in control: (G,) bool."""
    control = benchmark.control(context)
    return np.isfinite(benchmark.truth[rows]).all(axis=0) & (np.isfinite(control) | ~np.isfinite(control).any())


@kept
def _learnt_genes(benchmark: Benchmark, seed: str, context: str) -> np.ndarray:
    """Genes of :func:`training`; others are not predicted."""
    return _finite(benchmark, _training_rows(benchmark, seed, context), context)


# -- predictions ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Predictions:
    """What a competitor predicts for the scored rows of an evaluation.

    Parameters
    ----------
    values
        (R, G) float32 in the benchmark's value space; NaN rows where there is no prediction.
    reasons
        (R,) why a row has none; "" where it has one.
    fits
        (seed, context) -> what was fitted; absent where fitting failed.
    seconds
        Time spent on fitting and predicting.
    """

    values: np.ndarray
    reasons: np.ndarray
    fits: Mapping[tuple[str, str], Fitted]
    seconds: float

    @property
    def predicted(self) -> np.ndarray:
        """(R,) bool: rows with a prediction."""
        return self.reasons == ""


def predict(evaluation: Evaluation, competitor: Competitor, fit: Fit | None = None) -> Predictions:
    """Fit a competitor to the training part of every seed and context, and predict the scored rows.

    Parameters
    ----------
    evaluation
        The rows to predict.
    competitor
        Recipe with ``fit``; a seed it cannot be fitted to has the sentence as reason.
    fit
        ``fit(seed, context)`` in place of ``competitor.fit(training(...))``, for a caller who has parts of it already.
    """
    b, rows = evaluation.benchmark, evaluation.rows
    fit = fit or (lambda seed, context: competitor.fit(training(b, seed, context)))
    values = np.full((len(rows), b.adata.n_vars), np.nan, np.float32)
    reasons = np.full(len(rows), "", dtype=object)
    fits: dict[tuple[str, str], Fitted] = {}
    start = time.perf_counter()
    for (seed, context), block in rows.groupby(["seed", "context"], sort=False):
        at, names = block.index.to_numpy(), list(block["perturbation"])
        try:
            fits[seed, context] = fit(seed, context)
            changes, lost = fits[seed, context].predict(names)
        except UserError as error:
            reasons[at] = str(error)
            continue
        genes = _learnt_genes(b, seed, context)
        base = b.control(context) if b.has_control else np.zeros(b.adata.n_vars, np.float32)
        values[np.ix_(at, genes)] = changes + base[genes]
        reasons[at] = [lost.get(name, "") for name in names]
    return Predictions(values, reasons, fits, time.perf_counter() - start)


def enter(
    benchmark: Benchmark,
    competitor: Competitor,
    name: str = "",
    *,
    slug: str = "",
    note: str = "",
    predictions: Predictions | None = None,
) -> Benchmark:
    """The benchmark with a competitor's predictions for every held-out row of every seed, as one more method.

    Parameters
    ----------
    name, slug, note
        Display name (by default the competitor's label), layer name, and how it predicts.
    predictions
        Of ``Evaluation(benchmark)``, where the caller has them.

    Raises
    ------
    UserError
        Where not one held-out perturbation can be predicted; the sentence says why.
    """
    name = name or competitor.label
    evaluation = Evaluation(benchmark)
    found = predictions or predict(evaluation, competitor)
    if not found.predicted.any():
        raise UserError(
            f"{name} predicts none of the {len(found.reasons)} held-out rows: {most_common(found.reasons)}."
        )
    obs, seeds = evaluation.rows["obs"].to_numpy(), evaluation.rows["seed"].to_numpy()
    by_seed = {}
    for seed in pd.unique(seeds):
        matrix = np.full(benchmark.adata.shape, np.nan, np.float32)
        matrix[obs[seeds == seed]] = found.values[seeds == seed]
        by_seed[seed] = matrix
    return benchmark.with_predictions(slug or slugify(name), name, by_seed, kind="linear", note=note or name)


def most_common(reasons: np.ndarray) -> str:
    """The most frequent reason, without its full stop."""
    found = pd.Series(reasons[reasons != ""]).value_counts()
    return "there are none" if found.empty else str(found.index[0]).rstrip(".")


# -- scoring beside the other methods ------------------------------------------------------------------------------
def side_by_side(first: Scores, second: Scores) -> Scores:
    """Scores of further methods on the same rows, below the others."""
    if not first.rows.equals(second.rows):
        raise ValueError("Scores of different rows cannot be put side by side.")
    return replace(
        first,
        methods=first.methods + second.methods,
        names=first.names + second.names,
        values=np.vstack([first.values, second.values]),
        reasons={**first.reasons, **second.reasons},
    )


# -- pre-training --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Shared:
    """What two benchmarks have in common: perturbations, targets, genes (numbers)."""

    perturbations: int
    targets: int
    genes: int
    same_measurements: str = ""


def shared(benchmark: Benchmark, other: Benchmark) -> Shared:
    """What of another benchmark could be of use, and a perturbation whose measurements are the very same, if any.

    A copy of the benchmark under another name would let held-out perturbations in through pre-training, also where it
    holds changes instead of expression, another scale, further contexts, or only some of the perturbations.
    """
    mine, theirs = ({*b.conditions[~b.is_control]} for b in (benchmark, other))
    both = sorted(mine & theirs)
    common = {t for n in mine for t in targets(n)} & {t for n in theirs for t in targets(n)}
    genes = benchmark.genes.intersection(other.genes)
    pairs = product(benchmark.contexts, other.contexts) if len(genes) else ()
    same = next(filter(None, (_same(benchmark, here, other, there, genes) for here, there in pairs)), "")
    return Shared(len(both), len(common), len(genes), same)


def _same(benchmark: Benchmark, here: str, other: Benchmark, there: str, genes: pd.Index) -> str:
    """A perturbation whose changes in two contexts are one measurement, "" where there is none.

    Compared are changes against control, and differences between neighbouring perturbations, which need no control.
    """
    tables = []
    for b, context in ((benchmark, here), (other, there)):
        rows = np.flatnonzero((b.row_contexts == context) & ~b.is_control & _observed(b))
        values = b.truth[np.ix_(rows, b.genes.get_indexer(genes))].astype(np.float64)
        if b.value_space == "lognorm" and b.has_control:
            values -= b.control(context)[b.genes.get_indexer(genes)]
        tables.append(pd.DataFrame(values, index=b.conditions[rows]))
    x, y = (t.loc[~t.index.duplicated()] for t in tables)
    names = x.index.intersection(y.index)
    x, y = x.loc[names].to_numpy(), y.loc[names].to_numpy()
    for i, name in enumerate(names):
        if _equal(x[i], y[i]) or (i and _equal(x[i] - x[i - 1], y[i] - y[i - 1])):
            return str(name)
    return ""


def _equal(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two profiles are one measurement: equal, or on many genes equal but for offset and scale."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if not len(x) or np.std(x) == 0 or np.std(y) == 0:
        return False
    if len(x) >= _MANY_GENES and abs(np.corrcoef(x, y)[0, 1]) > 0.999:
        return True
    return np.allclose(x, y, rtol=1e-4, atol=1e-6)
