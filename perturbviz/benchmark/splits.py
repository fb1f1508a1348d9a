"""Which part of the split every row of a benchmark belongs to: as the file says, or by a rule where it says nothing."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark.perturbations import n_perturbed
from perturbviz.benchmark.sense import yes_or_no

SPLIT_PARTS = ("train", "val", "test")
HELD_OUT = ("test", "val")
#: What files call the parts, in every format; lower case.
PART_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "ood": "test",
    "holdout": "test",
    "heldout": "test",
    "held_out": "test",
    "unseen": "test",
}
N_FOLDS = 5
AS_IN_FILE = "as in the file"  # where the parts come from


def splits_of(adata: AnnData) -> tuple[dict[str, np.ndarray], str]:
    """Seed -> part of every row, and a sentence on where the parts come from."""
    obs = adata.obs
    columns = {c.removeprefix("split__"): c for c in obs if c.startswith("split__")}
    if not columns and "split" in obs and obs["split"].astype(str).isin(SPLIT_PARTS).any():
        columns = dict.fromkeys(_layer_seeds(adata) or [""], "split")
    if columns:
        return {s: _parts(obs[c]) for s, c in columns.items()}, AS_IN_FILE
    control = yes_or_no(obs["is_control"], "is_control")
    names = obs["condition"].astype(str).to_numpy(dtype=object)
    size = np.array([n_perturbed(n) for n in names])
    if (size > 1).any() and (size == 1).any():
        part = np.where(control, "unassigned", np.where(size > 1, "test", "train")).astype(object)
        return dict.fromkeys(_layer_seeds(adata) or [""], part), (
            "no split in the file: singles are training, combinations are held out"
        )
    fold = np.array([fold_of(n) for n in names])
    return {
        f"fold{k + 1}": np.where(control, "unassigned", np.where(fold == k, "test", "train")).astype(object)
        for k in range(N_FOLDS)
    }, f"no split in the file: {N_FOLDS} folds by a hash of the name"


def _parts(column: pd.Series) -> np.ndarray:
    """Parts of the split, "unassigned" for anything that is no part (object array)."""
    parts = column.astype(str).to_numpy(dtype=object)
    return np.where(np.isin(parts, SPLIT_PARTS), parts, "unassigned").astype(object)


def _layer_seeds(adata: AnnData) -> list[str]:
    seeds = {k.removeprefix("pred__").partition("__")[2] for k in adata.layers if k.startswith("pred__")} - {""}
    return sorted(seeds, key=lambda s: (len(s), s))


def fold_of(name: str, k: int = N_FOLDS) -> int:
    """Fold of a perturbation, 0 ... k-1, from a hash of its name: the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % k
