"""Controls: what a replicate of the experiment would score, and what a prediction without information scores.

Every control is made from cells or rows that the truth does not use: with half of the cells as the truth ("half_a"),
the duplicates come from the other half, weights of the metric from the first and interpolation weights from the second.
"""

from __future__ import annotations

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.references import perturbation_mean

DUPLICATE, INTERPOLATED, SIMULATED, SHUFFLED = "duplicate", "interpolated-duplicate", "simulated-duplicate", "shuffled"
CONTROL_NAMES = {
    DUPLICATE: "Technical duplicate",
    INTERPOLATED: "Interpolated duplicate",
    SIMULATED: "Simulated duplicate",
    SHUFFLED: "Shuffled labels",
}
EMPTY_NAMES = {"mean": "Perturbation mean", "no_change": "Control mean"}
NOTES = {
    DUPLICATE: "Positive control: the mean of the other half of the cells.",
    INTERPOLATED: (
        "Positive control: per gene the duplicate where it is differentially expressed (weight 1 − adjusted p, tested "
        "in the other half) and the training mean elsewhere (Miller et al. 2025)."
    ),
    SIMULATED: (
        "Positive control, simulated: the observed mean plus noise of its standard error, since there are no halves. "
        "Optimistic: two real experiments differ by the noise of both."
    ),
    SHUFFLED: "Negative control: the truth of another held-out perturbation.",
}


def control_name(method: str) -> str:
    """Name of a positive or negative control."""
    return CONTROL_NAMES.get(method) or EMPTY_NAMES[method]


def in_words(method: str) -> str:
    """The same within a sentence: "technical duplicate"."""
    return control_name(method).lower()


def interpolated_duplicate(duplicate: np.ndarray, mean: np.ndarray, padj: np.ndarray) -> np.ndarray:
    """(1 - padj) · duplicate + padj · mean per gene; a missing p-value counts as 1 (Miller et al. 2025).

    Parameters
    ----------
    duplicate, padj
        (P, G) means of the other half of the cells and adjusted p-values of its DE test.
    mean
        (G,) or (P, G) mean of the training perturbations.
    """
    weight = 1 - np.where(np.isnan(padj), 1, padj)
    return weight * duplicate + (1 - weight) * mean


def simulated_duplicate(benchmark: Benchmark, seed: int = 0) -> np.ndarray:
    """Observed means plus independent normal noise of their standard errors: rows x genes, NaN where none is known."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(benchmark.truth.shape, dtype=np.float32)
    return benchmark.truth + noise * benchmark.layers["se"]


def shuffled(benchmark: Benchmark, split_seed: str, truth: np.ndarray) -> np.ndarray:
    """Truth of another held-out perturbation of the context: rows x genes; a cyclic exchange, no row keeps its own."""
    out = np.full(benchmark.adata.shape, np.nan, np.float32)
    held_out = np.isin(benchmark.splits[split_seed], ("test", "val")) & ~benchmark.is_control
    rng = np.random.default_rng(0)
    for context in benchmark.contexts:
        rows = np.flatnonzero(held_out & (benchmark.row_contexts == context) & ~np.isnan(truth[:, 0]))
        if len(rows) > 1:
            order = rng.permutation(rows)
            out[order] = truth[np.roll(order, 1)]
    return out


def positive_controls(benchmark: Benchmark, truth_from: str) -> tuple[str, ...]:
    """Positive controls that can be made for a truth without using its cells, best first."""
    layers = benchmark.layers
    if truth_from == "half_a":
        if "half_b" not in layers:
            return ()
        return (INTERPOLATED, DUPLICATE) if "de_padj_b" in layers and benchmark.has_training else (DUPLICATE,)
    return (SIMULATED,) if "se" in layers else ()


def preferred_truth(benchmark: Benchmark) -> str:
    """The truth that leaves a positive control: half of the cells where there are halves, otherwise all."""
    return "half_a" if {"half_a", "half_b"} <= set(benchmark.layers) else "all"


def with_controls(benchmark: Benchmark, truth_from: str, negative: bool = True) -> Benchmark:
    """The benchmark with its controls as methods of kind "control"; their layers share memory with it where they can.

    Raises
    ------
    UserError
        Where no positive control can be made, saying what would be needed.
    """
    positive = positive_controls(benchmark, truth_from)
    if not positive:
        raise UserError(
            "This data set has neither half-cell means nor standard errors, so no replicate of the experiment "
            "is known: make it from single cells with `python -m perturbviz aggregate`, or add the layers half_a "
            "and half_b."
        )
    layers = benchmark.layers
    truth = benchmark.truth if truth_from == "all" else layers["half_a"]
    for control in positive:
        if control == DUPLICATE:
            by_seed = {"": layers["half_b"]}
        elif control == SIMULATED:
            by_seed = {"": simulated_duplicate(benchmark)}
        else:
            by_seed = {s: _interpolated(benchmark, s) for s in benchmark.seeds}
        benchmark = benchmark.with_predictions(control, CONTROL_NAMES[control], by_seed, "control", NOTES[control])
    if negative:
        by_seed = {s: shuffled(benchmark, s, truth) for s in benchmark.seeds}
        benchmark = benchmark.with_predictions(SHUFFLED, CONTROL_NAMES[SHUFFLED], by_seed, "control", NOTES[SHUFFLED])
    return benchmark


def _interpolated(benchmark: Benchmark, split_seed: str) -> np.ndarray:
    half, padj = benchmark.layers["half_b"], benchmark.layers["de_padj_b"]
    out = np.full(half.shape, np.nan, np.float32)
    for context in benchmark.contexts:
        rows = benchmark.row_contexts == context
        out[rows] = interpolated_duplicate(half[rows], perturbation_mean(benchmark, split_seed, context), padj[rows])
    return out
