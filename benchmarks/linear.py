"""How fast is a refit of the linear model, and the map of its error over K and λ, against writing the formula down?

    python benchmarks/linear.py                                          # 1,000 perturbations x 8,000 genes, K = 50
    python benchmarks/linear.py --perturbations 200 --genes 2000 --dims 20

Data are simulated. Wall time, the best of ``--repeats``. The naive way is the formula as it stands in the paper:
principal components by a singular value decomposition of the genes x perturbations matrix, W from inverses, the changes
copied and centred, everything anew for every K and λ; ``naive, components kept`` decomposes once. Both must predict the
same. The map tries 10 K x 10 λ on 100 held-out perturbations; naive times of the map are measured for
``--naive-settings`` of them and scaled to all, since every setting is a fit of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from perturbviz.models.diagnostics import error_map
from perturbviz.models.embeddings import gene_scores
from perturbviz.models.linear import LinearModel
from perturbviz.models.training import Training

LIMITS = {"refit": 0.3, "map": 3.0}  # seconds, for the sizes that are the default


def simulate(perturbations: int, genes: int, held_out: int = 100) -> tuple[Training, Training]:
    """Changes of low rank plus noise; the targets are the first genes, so that each has a row."""
    rng = np.random.default_rng(0)
    names = tuple(f"g{i}" for i in range(genes))
    n = perturbations + held_out
    changes = rng.normal(size=(n, 60)) @ rng.normal(size=(60, genes)) / 8 + rng.normal(size=(n, genes))
    control = rng.gamma(0.5, 1, genes)
    return (
        Training(names[:perturbations], changes[:perturbations], names, control),
        Training(names[perturbations:n], changes[perturbations:], names, control),
    )


def components(training: Training, dims: int) -> np.ndarray:
    """Gene scores by a singular value decomposition of the whole matrix."""
    profiles = training.profiles.T
    left, size, _ = np.linalg.svd(profiles - profiles.mean(axis=0), full_matrices=False)
    return left[:, :dims] * size[:dims]


def naive(training: Training, held_out: Training, scores: np.ndarray, ridge: float) -> np.ndarray:
    """Ŷ = G W Pᵀ + b with W = (GᵀG + λI)⁻¹ Gᵀ (Y − b) P (PᵀP + λI)⁻¹, as it is written."""
    where = {g: i for i, g in enumerate(training.genes)}
    p, p_new = (scores[[where[n] for n in names]] for names in (training.names, held_out.names))
    y, eye = training.changes.T, np.eye(scores.shape[1])
    b = y.mean(axis=1, keepdims=True)
    w = np.linalg.inv(scores.T @ scores + ridge * eye) @ scores.T @ (y - b) @ p @ np.linalg.inv(p.T @ p + ridge * eye)
    return (scores @ w @ p_new.T + b).T


def best(repeats: int, call: Callable[[], object]) -> float:
    """Seconds of a call, the best of several."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> int:
    """Measure, compare, print; the exit status says whether the limits of the default sizes were kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--perturbations", type=int, default=1000)
    parser.add_argument("--genes", type=int, default=8000)
    parser.add_argument("--dims", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--naive-settings", type=int, default=4)
    a = parser.parse_args()
    training, held_out = simulate(a.perturbations, a.genes)
    model, ridge = LinearModel(dims=a.dims, ridge=0.1), 0.1
    scores = gene_scores(training, a.dims)
    kept = components(training, a.dims)
    ours = model.fit(training, scores).predict(held_out.names)[0]
    np.testing.assert_allclose(ours, naive(training, held_out, kept, ridge), atol=1e-6)

    grid = [(k, r) for k in np.unique(np.linspace(1, a.dims, 10).astype(int)) for r in np.logspace(-3, 6, 10)]
    dims, ridges = sorted({int(k) for k, _ in grid}), sorted({float(r) for _, r in grid})
    found = error_map(training, held_out, dims, ridges, model, scores)
    for k, r in (grid[0], grid[-1], grid[len(grid) // 2]):
        errors = np.linalg.norm(naive(training, held_out, kept[:, :k], r) - held_out.changes, axis=1)
        np.testing.assert_allclose(found.held_out[dims.index(k), ridges.index(float(r))], errors.mean(), rtol=1e-6)

    some = grid[:: max(1, len(grid) // a.naive_settings)][: a.naive_settings]
    each = sum(best(1, lambda k=k, r=r: naive(training, held_out, kept[:, :k], r)) for k, r in some) / len(some)
    decompose = best(1, lambda: components(training, a.dims))
    seconds = {
        "components": best(a.repeats, lambda: gene_scores(training, a.dims)),
        "refit": best(a.repeats, lambda: model.fit(training, scores).predict(held_out.names)),
        "map": best(a.repeats, lambda: error_map(training, held_out, dims, ridges, model, scores)),
    }
    slow = best(a.repeats, lambda: naive(training, held_out, kept, ridge))
    others = {
        "components": {"naive": decompose},
        "refit": {"naive": decompose + slow, "naive, components kept": slow},
        "map": {"naive (scaled)": len(grid) * (decompose + each), "naive, components kept (scaled)": len(grid) * each},
    }
    print(f"{a.perturbations:,} perturbations x {a.genes:,} genes, K up to {a.dims}, {os.cpu_count()} processors")
    for what, took in seconds.items():
        beside = "; ".join(f"{name} {t:.3g} s, {t / took:.1f} times as long" for name, t in others[what].items())
        print(f"{what:<11} {1000 * took:8.1f} ms   {beside}")
    print(f"first fit   {1000 * (seconds['components'] + seconds['refit']):8.1f} ms   components and refit")
    if (a.perturbations, a.genes, a.dims) != (1000, 8000, 50):
        return 0
    broken = [what for what, most in LIMITS.items() if seconds[what] > most]
    print(
        "limits " + ", ".join(f"{what} {most:g} s" for what, most in LIMITS.items()) + f": broken by {broken or 'none'}"
    )
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
