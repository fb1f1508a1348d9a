"""The four simple baselines: no change, perturbation mean, additive, half-sum.

Each is a function (benchmark, seed) -> rows x genes float32 (possibly a broadcast view), NaN where it cannot predict.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.perturbations import targets
from perturbviz.scoring.references import perturbation_mean


@dataclass(frozen=True)
class Baseline:
    """A baseline: how it is called, what it predicts, and for what."""

    id: str
    name: str
    formula: str
    meaning: str
    source: str
    predict: Callable[[Benchmark, str], np.ndarray]
    doubles_only: bool = False


def _per_context(benchmark: Benchmark, vector: Callable[[str], np.ndarray]) -> np.ndarray:
    """Rows x genes with one vector a context; a view without memory of its own where there is one context."""
    if len(benchmark.contexts) == 1:
        return np.broadcast_to(vector(benchmark.contexts[0]), benchmark.adata.shape)
    out = np.empty(benchmark.adata.shape, np.float32)
    for context in benchmark.contexts:
        out[benchmark.row_contexts == context] = vector(context)
    return out


def no_change(benchmark: Benchmark, seed: str) -> np.ndarray:
    """The control mean for every perturbation."""
    return _per_context(benchmark, benchmark.control)


def mean(benchmark: Benchmark, seed: str) -> np.ndarray:
    """The mean of the training perturbations, for every perturbation."""
    return _per_context(benchmark, lambda context: perturbation_mean(benchmark, seed, context))


def _combine(benchmark: Benchmark, seed: str, weight: float) -> np.ndarray:
    """Control + weight · (sum of the changes of the training singles); NaN unless every single was measured."""
    out = np.full(benchmark.adata.shape, np.nan, np.float32)
    usable = (benchmark.splits[seed] == "train") & (benchmark.n_perturbed == 1)
    row_of = {
        (benchmark.row_contexts[i], benchmark.conditions[i]): i for i in np.flatnonzero(usable & ~benchmark.is_control)
    }
    for i in np.flatnonzero(benchmark.n_perturbed > 1):
        context = benchmark.row_contexts[i]
        parts = [row_of.get((context, t)) for t in targets(benchmark.conditions[i])]
        singles = [row for row in parts if row is not None]
        if len(singles) < len(parts):
            continue
        control = benchmark.control(context).astype(np.float64)
        out[i] = control + weight * (benchmark.truth[singles].astype(np.float64) - control).sum(axis=0)
    return out


def additive(benchmark: Benchmark, seed: str) -> np.ndarray:
    """Y_A + Y_B - c for combinations whose singles were all measured in training (Ahlmann-Eltze et al., eq. 2)."""
    return _combine(benchmark, seed, 1.0)


def half_sum(benchmark: Benchmark, seed: str) -> np.ndarray:
    """c + ½ (change A + change B): the average of the two singles (matching mean of Systema for seen singles)."""
    return _combine(benchmark, seed, 0.5)


BASELINES: dict[str, Baseline] = {
    b.id: b
    for b in (
        Baseline(
            "no_change",
            "No change",
            r"\hat Y_p = c",
            "Predicts the control profile.",
            "Ahlmann-Eltze et al. 2025",
            no_change,
        ),
        Baseline(
            "mean",
            "Perturbation mean",
            r"\hat Y_p = \frac{1}{|T|}\sum_{t\in T} Y_t",
            "Predicts the unweighted mean of the training perturbations.",
            "Systema 2025; Miller et al. 2025",
            mean,
        ),
        Baseline(
            "additive",
            "Additive",
            r"\hat Y_{AB} = Y_A + Y_B - c",
            "Adds the measured changes of the singles.",
            "Ahlmann-Eltze et al. 2025",
            additive,
            doubles_only=True,
        ),
        Baseline(
            "half_sum",
            "Half-sum",
            r"\hat Y_{AB} = c + \tfrac12(\Delta_A + \Delta_B)",
            "Adds half of the measured changes of the singles: their average.",
            "Systema 2025 (matching mean)",
            half_sum,
            doubles_only=True,
        ),
    )
}


def baseline_ids(benchmark: Benchmark) -> tuple[str, ...]:
    """Baselines that can predict anything on this benchmark."""
    doubles = bool((benchmark.n_perturbed > 1).any())
    possible = {"no_change": benchmark.has_control, "mean": benchmark.has_training}
    return tuple(b for b in BASELINES if possible.get(b, doubles and benchmark.has_control and benchmark.has_training))
