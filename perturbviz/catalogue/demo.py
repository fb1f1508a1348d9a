"""The embedded demo: a simulated activation screen with six simulated predictors, and a second context of it.

``python -m perturbviz.catalogue.demo`` writes ``data/demo.h5ad`` and ``data/demo_context_b.h5ad`` anew, always the
same. Nothing in it is measured, and no real system is shown. ``data/README.md`` says how it was made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import CONTROL, targets
from perturbviz.catalogue import embedded

if TYPE_CHECKING:  # the simulation is imported only where the files are made: reading them should be quick
    from perturbviz.catalogue.demo_screen import Screen

DATA = embedded.data()
DEMO, CONTEXT_B = "demo.h5ad", "demo_context_b.h5ad"
SEED = 20251121
SPLIT_SEEDS = ("1", "2", "3", "4", "5")
N_CONTROL_CELLS = 900
N_GENES_B = 1000


def load_demo() -> ad.AnnData:
    """The demo benchmark: conditions × genes, with predictions, halves and DE scores in layers."""
    return ad.read_h5ad(DATA / DEMO)


def load_context_b() -> ad.AnnData:
    """The same screen's single perturbations in a second simulated context; no predictions."""
    return ad.read_h5ad(DATA / CONTEXT_B)


# ---- making it ------------------------------------------------------------------------------------------------------


def make_demo() -> tuple[ad.AnnData, ad.AnnData]:
    """Simulate both files in memory: (context A with doubles and predictors, context B with singles)."""
    from perturbviz.catalogue import demo_screen as sim

    streams = np.random.SeedSequence(SEED).spawn(8)
    rng = [np.random.Generator(np.random.PCG64(s)) for s in streams]
    biology = sim.draw_biology(rng[0])
    screen = sim.draw_screen(biology, rng[1])
    a = _summarise(screen, _cell_numbers(screen, rng[2], (200, 321)), streams[3], "A")
    _add_splits(a, rng[4])
    a.layers["planted"], a.layers["expected"] = _grid(screen.deviation()), _grid(screen.expected)
    methods = _add_predictions(a, screen, streams[5])
    a.uns["perturbviz"] |= {
        "title": "Demo: simulated screen, context A",
        "description": "Simulated: 60 single and 76 double activations, 2,000 genes, six simulated predictors. "
        "The layer 'expected' holds the expectation of every mean, 'planted' the true deviations from additivity.",
        "methods": methods,
    }

    second = sim.other_context(biology, rng[6])
    screen_b = sim.draw_screen(second, rng[6], doubles=False).most_expressed(N_GENES_B)
    b = _summarise(screen_b, _cell_numbers(screen_b, rng[6], (90, 161)), streams[7], "B")
    _add_splits(b, rng[6])
    for layer in ("de_score", "de_padj", "de_score_a", "de_padj_b"):
        del b.layers[layer]
    b.uns["perturbviz"] |= {
        "title": "Demo: simulated screen, context B",
        "description": "Simulated: the 60 single activations of the demo in a second cell line whose effects are "
        "related to, but not equal to, those in context A; its 1,000 most expressed genes; no predictions.",
        "methods": {},
    }
    return a, b


def _cell_numbers(screen: Screen, rng: np.random.Generator, single: tuple[int, int]) -> np.ndarray:
    """Cells per condition: control many, singles uniform in ``single``, doubles 45 and more."""
    shape = len(screen.conditions)
    size = np.array([len(targets(name)) for name in screen.conditions])
    double = np.minimum(45 + rng.gamma(1.2, 12.0, shape), 200).astype(int)
    return np.where(size == 0, N_CONTROL_CELLS, np.where(size == 1, rng.integers(*single, shape), double))


def _grid(values: np.ndarray, step: float = 1 / 128) -> np.ndarray:
    """Round to multiples of ``step`` (a power of two, far below the noise): the file compresses to half the size."""
    return (np.round(np.asarray(values, dtype=float) / step) * step).astype(np.float32)


def _relative(values: np.ndarray, bits: int) -> np.ndarray:
    """Round to ``bits`` binary digits."""
    mantissa, exponent = np.frexp(np.asarray(values, float))
    return np.ldexp(np.round(mantissa * 2**bits) / 2**bits, exponent).astype(np.float32)


def _summarise(screen: Screen, n_cells: np.ndarray, seed: np.random.SeedSequence, context: str) -> ad.AnnData:
    """Draw cells and keep what a benchmark keeps: means, standard errors, half-cell means, DE scores."""
    from perturbviz.catalogue import demo_screen as sim

    cells, half_a, half_b = sim.sequence_cells(screen, n_cells, seed)
    names = screen.conditions
    is_control = np.array([name == CONTROL for name in names])
    obs = pd.DataFrame(
        {
            "condition": names,
            "context": context,
            "is_control": is_control,
            "n_perturbed": [len(targets(name)) for name in names],
            "perturbed": ["|".join(targets(name)) for name in names],
            "n_cells": cells.n,
            "n_cells_a": half_a.n,
            "n_cells_b": half_b.n,
        },
        index=pd.Index(names, dtype=object),
    )
    var = pd.DataFrame({"programme": screen.programme}, index=pd.Index(screen.genes, dtype=object))
    adata = ad.AnnData(_grid(cells.mean), obs=obs, var=var)
    adata.layers["se"] = _relative(cells.se, 4)
    adata.layers["half_a"], adata.layers["half_b"] = _grid(half_a.mean), _grid(half_b.mean)
    for suffix, part, kinds in (("", cells, "sp"), ("_a", half_a, "s"), ("_b", half_b, "p")):
        score, padj = sim.welch_against_rest(part, is_control)
        if "s" in kinds:
            adata.layers["de_score" + suffix] = _grid(score, 1 / 8)
        if "p" in kinds:
            adata.layers["de_padj" + suffix] = _relative(padj, 4)
    control = adata.X[is_control][0]
    adata.varm["control_mean"] = pd.DataFrame({context: control}, index=adata.var_names)
    adata.uns["perturbviz"] = {
        "schema": 1,
        "value_space": "lognorm",
        "log_base": "e",
        "target_sum": 10000,
        "control_label": CONTROL,
        "simulated": True,
        "seed_of_halves": SEED,
        "de": {
            "test": "Welch t as scanpy's t-test_overestim_var, Benjamini-Hochberg",
            "reference": "all other perturbed cells (for halves: of the same half); control cells excluded",
        },
        "source": {"adapter": "perturbviz.datasets.demo", "seed": SEED},
    }
    return adata


def _add_splits(adata: ad.AnnData, rng: np.random.Generator) -> None:
    """Five splits: with doubles, all singles train and doubles are half train, quarter val, quarter test."""
    size = adata.obs["n_perturbed"].to_numpy()
    divided = np.flatnonzero(size == size.max())
    n_val = n_test = len(divided) // 4 if size.max() == 2 else len(divided) // 10
    for seed in SPLIT_SEEDS:
        part = np.full(adata.n_obs, "train", dtype=object)
        order = rng.permutation(divided)
        part[order[:n_val]], part[order[n_val : n_val + n_test]] = "val", "test"
        adata.obs[f"split__{seed}"] = part
    adata.obs["split"] = adata.obs["split__1"]


def _add_predictions(adata: ad.AnnData, screen: Screen, seed: np.random.SeedSequence) -> dict[str, dict[str, Any]]:
    """Let every predictor predict the held-out rows of every split; other rows stay NaN."""
    from perturbviz.catalogue.demo_predictors import PREDICTORS, Task

    names = screen.conditions
    control = adata.X[names.index(CONTROL)].astype(float)
    for (slug, predictor), stream in zip(PREDICTORS.items(), seed.spawn(len(PREDICTORS)), strict=True):
        for split, child in zip(SPLIT_SEEDS, stream.spawn(len(SPLIT_SEEDS)), strict=True):
            part = adata.obs[f"split__{split}"].to_numpy()
            held = np.flatnonzero(part != "train")
            training = {
                names[i]: adata.X[i].astype(float) for i in np.flatnonzero(part == "train") if names[i] != CONTROL
            }
            rng = np.random.Generator(np.random.PCG64(child))
            task = Task(control, training, [names[i] for i in held], screen.expected[held], rng)
            layer = np.full(adata.shape, np.nan, np.float32)
            layer[held] = _grid(predictor.predict(task))
            adata.layers[f"pred__{slug}__{split}"] = layer
    return {k: p.meta for k, p in PREDICTORS.items()}


def write(adata: ad.AnnData, path: Path) -> None:
    """Write as ``.h5ad`` with gzip and byte shuffle: these files are part of the checkout, so small beats fast."""
    path.parent.mkdir(exist_ok=True)
    from perturbviz.catalogue.demo_screen import BLOCK

    frame = ad.AnnData(obs=adata.obs, var=adata.var, varm=dict(adata.varm), uns=adata.uns)
    frame.strings_to_categoricals()
    packed = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
    matrices = {"X": adata.X, **{f"layers/{key}": values for key, values in adata.layers.items()}}
    with h5py.File(path, "w", libver="latest") as file:
        ad.io.write_elem(file, "/", frame)
        for key, values in matrices.items():
            ad.io.write_elem(file, key, values, dataset_kwargs={**packed, "chunks": (adata.n_obs, BLOCK)})


def main() -> None:
    """Write both files into ``data/`` and say how large they are."""
    for adata, name in zip(make_demo(), (DEMO, CONTEXT_B), strict=True):
        write(adata, DATA / name)
        print(f"{DATA / name}: {adata.n_obs} × {adata.n_vars}, {(DATA / name).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
