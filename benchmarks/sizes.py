"""Simulated benchmarks of the sizes that people bring: nothing in them is measured, and they say so.

========== ======================================================================================================
``norman`` 9 methods x 62 held-out doubles x 5 seeds x 19,264 genes, as of Norman et al. 2019 in Ahlmann-Eltze et al.
``large``  6 methods x 10,000 held-out singles x 8,000 genes, as of a genome-wide screen; 500 more singles to train on
========== ======================================================================================================
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark import META, save


def norman(
    path: Path,
    seed: int = 0,
    methods: int = 9,
    singles: int = 104,
    doubles: int = 124,
    held_out: int = 62,
    seeds: int = 5,
    genes: int = 19_264,
) -> Path:
    """Write a file of Norman size (0.8 GB)."""
    rng = np.random.default_rng(seed)
    control, names = _control(rng, genes), [f"G{i:05d}" for i in range(genes)]
    targets = [names[i] for i in rng.choice(genes, singles, replace=False)]
    every = list(itertools.combinations(range(singles), 2))
    pairs = [every[i] for i in rng.choice(len(every), doubles, replace=False)]
    effect = _effects(rng, singles, genes)
    first, second = np.array(pairs).T
    sums = effect[first] + effect[second]
    sums -= 0.6 * sums * (rng.random(sums.shape, np.float32) < 0.05)  # some pairs of double and gene are not additive
    change = np.vstack([np.zeros((1, genes), np.float32), effect, sums])
    conditions = ["ctrl", *targets, *(f"{targets[a]}+{targets[b]}" for a, b in pairs)]
    noise = (0.06 * np.exp(0.3 * rng.standard_normal((len(conditions), 1), np.float32))).astype(np.float32)
    adata = _table(conditions, names, control, change, noise, rng)
    parts = []
    for k in range(seeds):
        part = np.array(["unassigned"] + ["train"] * (len(conditions) - 1), object)
        part[1 + singles + rng.choice(doubles, held_out, replace=False)] = "test"
        adata.obs[f"split__{k + 1}"] = part
        parts.append(part == "test")
    adata.uns[META] = _meta("Simulated, of the size of Norman", methods)

    def layers() -> Iterator[tuple[str, np.ndarray]]:
        yield "se", np.broadcast_to(noise, adata.shape).copy()
        for m, (k, test) in itertools.product(range(methods), enumerate(parts)):
            yield f"pred__m{m}__{k + 1}", _predicted(rng, m, control, change, test)

    return save(adata, path, layers())


def large(
    path: Path, seed: int = 0, methods: int = 6, held_out: int = 10_000, train: int = 500, genes: int = 8_000
) -> Path:
    """Write a file of 10,000 x 8,000 (2.7 GB), one layer in memory at a time."""
    rng = np.random.default_rng(seed)
    control, names = _control(rng, genes), [f"G{i:05d}" for i in range(held_out + train)]
    rng.shuffle(names)  # more genes are perturbed than measured
    change = np.vstack([np.zeros((1, genes), np.float32), _effects(rng, held_out + train, genes)])
    noise = np.full((len(change), 1), 0.06, np.float32)
    adata = _table(["ctrl", *names], sorted(names)[:genes], control, change, noise, rng)
    part = np.array(["unassigned"] + ["train"] * train + ["test"] * held_out, object)
    adata.obs["split"] = part
    adata.uns[META] = _meta("Simulated, large", methods)

    def layers() -> Iterator[tuple[str, np.ndarray]]:
        yield "se", np.broadcast_to(noise, adata.shape).copy()
        for m in range(methods):
            yield f"pred__m{m}", _predicted(rng, m, control, change, part == "test")

    return save(adata, path, layers())


MAKE = {"norman": norman, "large": large}


def _control(rng: np.random.Generator, genes: int) -> np.ndarray:
    """Expression of cells that are not perturbed (genes,)."""
    return rng.gamma(2.0, 0.6, genes).astype(np.float32)


def _effects(rng: np.random.Generator, n: int, genes: int) -> np.ndarray:
    """Changes (n, genes): all perturbations share some, and each changes some genes of its own."""
    out = rng.standard_normal((n, genes), np.float32) * np.float32(0.5)
    for i in range(n):  # row by row: masks of the whole matrix would not fit beside it
        out[i] *= rng.random(genes, np.float32) < 0.15
    return out + 0.1 * rng.standard_normal(genes, np.float32)


def _table(
    conditions: list[str],
    genes: list[str],
    control: np.ndarray,
    change: np.ndarray,
    noise: np.ndarray,
    rng: np.random.Generator,
) -> AnnData:
    """Truth and control mean."""
    truth = rng.standard_normal(change.shape, np.float32)
    truth *= noise
    truth += change
    truth += control
    obs = pd.DataFrame(
        {"condition": conditions, "context": "c", "is_control": [c == "ctrl" for c in conditions]}, index=conditions
    )
    adata = AnnData(truth, obs=obs, var=pd.DataFrame(index=genes))
    adata.varm["control_mean"] = pd.DataFrame({"c": control}, index=adata.var_names)
    return adata


def _predicted(
    rng: np.random.Generator, m: int, control: np.ndarray, change: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Predictions of the m-th method: the later, the weaker and the noisier; NaN for what is not held out."""
    out = np.full(change.shape, np.nan, np.float32)
    for i in np.flatnonzero(test):
        noise = np.float32(0.1 * (m + 1)) * rng.standard_normal(change.shape[1], np.float32)
        out[i] = control + np.float32(1 - 0.1 * m) * change[i] + noise
    return out


def _meta(title: str, methods: int) -> dict:
    """What the file says of itself."""
    return {
        "schema": 1,
        "value_space": "lognorm",
        "title": title,
        "simulated": True,
        "methods": {f"m{m}": {"name": f"Method {m + 1}", "kind": "model", "note": "simulated"} for m in range(methods)},
    }
