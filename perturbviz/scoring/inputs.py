"""What metrics need besides truth and prediction, delivered by name for the rows and genes of a block.

========================= =========================================================================================
``block``                 (R,) label of the candidate set: seed and context
``own_gene``              (R,) column (within the block's genes) of the perturbed gene, -1 for none and combinations
``own_targets``           (R, n) bool: the perturbed genes of the row, of combinations too
``training``              profiles of the training perturbations of each data set on these genes
``training_place``        (R,) which of them is the row itself, -1 for none
``control``               (R, n) measured control mean
``control_noise``         (R, n) standard errors of the control mean
``weights``               (R, n) weights of differential expression, rows summing to 1
``noise``                 (R, n) standard errors of the observed means; None where none are known for this truth
``padj``                  (R, n) adjusted p-values of differential expression of the truth
``additive``              (R, n) Y_A + Y_B - c from the observed singles; NaN for what is no combination of them
``thresholds``            (lower, upper) deviation from additive beyond which a pair is truly non-additive
========================= =========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.memo import kept
from perturbviz.metrics.expressed import SIGNIFICANT
from perturbviz.metrics.known import Training
from perturbviz.metrics.weighted import de_weights
from perturbviz.scoring.additivity import additive, false_calls_of, interaction_null
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset
from perturbviz.scoring.references import Reference


@dataclass(frozen=True, eq=False)
class Need:
    """One further argument: its value, which rows it is not known for and why, and what to say about it."""

    value: Any
    lacking: np.ndarray | None = None
    why: str = ""
    note: str = ""


def needed(name: str, evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    """One argument of a metric for the rows and genes of a block of ``subset``; ``name`` is one of the table above."""
    return _PROVIDERS[name](evaluation, block, subset)


# -- retrieval -----------------------------------------------------------------------------------------------------
def _block(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    return Need(evaluation.rows["block"].to_numpy()[block.rows])


def _own_gene(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    size = evaluation.rows["n_perturbed"].to_numpy()
    where = np.full(evaluation.benchmark.adata.n_vars, -1)
    where[slice(None) if block.genes is None else block.genes] = np.arange(block.n)
    columns = [evaluation.target_columns[r] for r in block.rows]
    measured = [size[r] == 1 and len(c) > 0 for r, c in zip(block.rows, columns, strict=True)]
    return Need(np.array([where[c[0]] if ok else -1 for c, ok in zip(columns, measured, strict=True)], dtype=np.intp))


def _own_targets(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    own = np.zeros((len(block.rows), block.n), bool)
    for i, row in enumerate(block.rows):
        columns = evaluation.target_columns[row]
        genes = block.genes if block.genes is None or block.genes.ndim == 1 else block.genes[i]
        own[i, columns if genes is None else np.isin(genes, columns)] = True
    return Need(own)


def _training_rows(evaluation: Evaluation, label: int) -> np.ndarray:
    """Rows of the AnnData that are observed training perturbations of a data set."""
    b = evaluation.benchmark
    row = evaluation.rows.loc[(evaluation.rows["block"] == label).idxmax()]
    here = (b.splits[row["seed"]] == "train") & ~b.is_control & (b.row_contexts == row["context"])
    here[here] = ~np.isnan(b.truth[here]).any(axis=1)
    return np.flatnonzero(here)


def _training(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    label = evaluation.rows["block"].to_numpy()[block.rows]
    profiles = {
        one: evaluation.gather(evaluation.benchmark.truth, _training_rows(evaluation, one), block.genes)
        for one in np.unique(label).tolist()
    }
    none = np.array([not len(profiles[one]) for one in label.tolist()], bool)
    return Need(Training(profiles), none, "no training perturbation of its split and context is stored")


def _training_place(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    frame = evaluation.rows.iloc[block.rows]
    known = {one: _training_rows(evaluation, one).tolist() for one in frame["block"].unique().tolist()}
    pairs = zip(frame["block"].tolist(), frame["obs"].tolist(), strict=True)
    return Need(np.array([known[one].index(obs) if obs in known[one] else -1 for one, obs in pairs], dtype=np.intp))


def _control(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    values = evaluation.reference("control", block.rows, block.genes)
    return Need(values, np.isnan(values).any(axis=1), "the control mean of its context is not known")


# -- differential expression ---------------------------------------------------------------------------------------
def de_layer(kind: str, truth_from: str) -> str:
    """Layer with the DE ``score`` or ``padj`` that belongs to the truth: of all cells or of its half only."""
    return f"de_{kind}" + ("_a" if truth_from == "half_a" else "")


def _test_of(evaluation: Evaluation) -> str:
    """What the file says about its test, in brackets; "" where it says nothing."""
    about = evaluation.benchmark.meta.get("de", {})
    said = [str(about[k]) for k in ("test", "reference") if k in about]
    return f" ({' against '.join(said)})" if said else ""


@kept
def _extremes(evaluation: Evaluation) -> np.ndarray:
    """Smallest and largest |score| over all genes of every scored row: (2, R), filled in as rows are asked for."""
    return np.full((2, len(evaluation.rows)), np.nan)


def _weights(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    """Weights over all genes, restricted to those of the block; effect sizes where there are no DE scores."""
    layer = evaluation.benchmark.layers.get(de_layer("score", evaluation.truth_from))
    kind: Reference = "control" if evaluation.benchmark.has_control else "perturbation"

    def score_of(rows: np.ndarray, genes: np.ndarray | None) -> np.ndarray:
        if layer is not None:
            return evaluation.gather(layer, evaluation.rows["obs"].to_numpy()[rows], genes)
        return evaluation.truth(rows, genes) - evaluation.reference(kind, rows, genes)

    if layer is not None:
        why = "the data set holds no DE scores for it"
        note = f"Genes weighted by the data set's DE scores{_test_of(evaluation)}."
    else:
        why = "the size of its observed change is not known"
        note = (
            f"Genes weighted by effect size, |observed − {kind} mean|, since the data set holds no DE scores of this "
            "truth: these are not Miller's weights."
        )
    low, high = _extremes(evaluation)
    new = np.isnan(low[block.rows])
    if new.any():
        rows = block.rows[new]
        size = np.abs(score_of(rows, None))
        known = np.isfinite(size)
        low[rows] = np.where(known, size, np.inf).min(axis=1)  # inf where a row has no scores
        high[rows] = np.where(known, size, -np.inf).max(axis=1)
    low, high = low[block.rows], high[block.rows]
    return Need(de_weights(score_of(block.rows, block.genes), low, high), ~np.isfinite(low), why, note)


def _padj(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    layer = evaluation.benchmark.layers[de_layer("padj", evaluation.truth_from)]
    values = evaluation.gather(layer, evaluation.rows["obs"].to_numpy()[block.rows], block.genes)
    why = "the data set holds no adjusted p-values for it"
    note = f"Significant genes: adjusted p < {SIGNIFICANT}{_test_of(evaluation)}."
    return Need(values, np.isnan(values).all(axis=1), why, note)


def _noise(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    if not has_noise(evaluation):
        return Need(
            None, note="No standard errors of this truth are known: a perfect prediction of the mean stays below 1."
        )
    values = evaluation.gather(
        evaluation.benchmark.layers["se"], evaluation.rows["obs"].to_numpy()[block.rows], block.genes
    )
    return Need(values, note="Squared standard errors are taken off the observed variance.")


def _control_noise(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    b = evaluation.benchmark
    error = np.full((len(b.contexts), b.adata.n_vars), np.nan, np.float32)
    for i, context in enumerate(b.contexts):
        for row in np.flatnonzero(b.is_control & (b.row_contexts == context))[:1]:
            error[i] = b.layers["se"][row]
    which = np.array([b.contexts.index(c) for c in evaluation.rows["context"].to_numpy()[block.rows]], dtype=np.intp)
    values = evaluation.gather(error, which, block.genes)
    return Need(values, np.isnan(values).any(axis=1), "standard errors of its control mean are not known")


def has_noise(evaluation: Evaluation) -> bool:
    """Whether standard errors of the truth are known; those of a file belong to the mean of all cells."""
    error = evaluation.benchmark.layers.get("se")
    if evaluation.truth_from != "all" or error is None:
        return False
    return bool(np.isfinite(evaluation.gather(error, evaluation.rows["obs"].to_numpy(), np.array([0]))).any())


# -- interactions --------------------------------------------------------------------------------------------------
def _additive(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    values = additive(evaluation, block.rows, block.genes)
    return Need(values, np.isnan(values).all(axis=1), "it is no combination of two measured singles")


def _thresholds(evaluation: Evaluation, block: GeneBlock, subset: GeneSubset) -> Need:
    null = interaction_null(evaluation, subset)
    if isinstance(null, str):
        return Need((np.nan, np.nan), np.ones(len(block.rows), bool), f"no threshold could be fitted. {null}")
    sides = [f"{s} {v:.3f}" for s, v in (("≤", null.lower), ("≥", null.upper)) if not np.isnan(v)]
    if not sides:
        return Need((np.nan, np.nan), np.ones(len(block.rows), bool), null.reason.rstrip(".").lower())
    note = (
        f"Truly non-additive: observed − additive {' or '.join(sides)}, a local fdr of {null.level:.0%} under an "
        f"empirical null fitted to {null.n:,} pairs."
    )
    false = false_calls_of(evaluation, subset, null)
    known = "" if np.isnan(false) else f"The simulation knows that {false:.0%} of the pairs called so are false."
    note = " ".join(part for part in (note, null.doubt, known) if part)
    return Need((null.lower, null.upper), note=note)


_PROVIDERS: dict[str, Callable[[Evaluation, GeneBlock, GeneSubset], Need]] = {
    "block": _block,
    "own_gene": _own_gene,
    "own_targets": _own_targets,
    "training": _training,
    "training_place": _training_place,
    "control": _control,
    "control_noise": _control_noise,
    "weights": _weights,
    "noise": _noise,
    "padj": _padj,
    "additive": _additive,
    "thresholds": _thresholds,
}


def _control_noise_known(benchmark: Benchmark, truth_from: str) -> bool:
    """Whether standard errors of some control mean are known; those of a file belong to the means of all cells."""
    error = benchmark.layers.get("se")
    if error is None or truth_from != "all":
        return False
    return bool(np.isfinite(error[benchmark.is_control]).all(axis=1).any())


def needs_problem(names: Iterable[str], benchmark: Benchmark, truth_from: str = "all") -> str:
    """Why a benchmark cannot deliver some needs at all, as what follows a metric's name; "" where it can."""
    names, layers, size = set(names), benchmark.layers, benchmark.n_perturbed
    if "padj" in names and de_layer("padj", truth_from) not in layers:
        which = " for the half of the cells that is the truth" if truth_from == "half_a" else ""
        return f"needs adjusted p-values of differential expression{which}, which this data set does not hold."
    if names & {"control", "additive"} and not benchmark.has_control:
        return "needs a control mean, which this data set does not hold."
    if "control_noise" in names and not _control_noise_known(benchmark, truth_from):
        return "needs standard errors of the observed means and of control, which this data set does not hold."
    stored = (((part == "train") & ~benchmark.is_control).any() for part in benchmark.splits.values())
    if "training" in names and not any(stored):
        return "needs training perturbations, and this data set holds none."
    effects = benchmark.has_control or benchmark.has_training
    if "weights" in names and not effects and de_layer("score", truth_from) not in layers:
        return "needs DE scores, a control mean or training perturbations; this data set holds none of them."
    if "additive" in names:
        if not (size == 2).any():
            return "is only meaningful for double perturbations, and this data set holds none."
        if not (size == 1).any():
            return "compares doubles with the sum of their singles, and this data set holds no singles."
        if benchmark.value_space == "signed_logp":
            return "is about the sum of two changes, and signed log p-values do not add up."
    return ""
