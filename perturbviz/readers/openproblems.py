"""Open Problems, perturbation prediction: signed -log10 p-values in layers, labels in id_map.csv; X is empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.hdf5 import H5ad, peek
from perturbviz.readers.safety import check_text

_PREDICTION = "layers/prediction"
_TRUTH = ("clipped_sign_log10_pval", "sign_log10_pval")


def _file(path: Path) -> Path:
    return path / "prediction.h5ad" if path.is_dir() else path


def recognise(path: Path) -> bool:
    """layers["prediction"], or de_test.h5ad's layers."""
    with peek(_file(path)) as file:
        return _PREDICTION in file or any(f"layers/{t}" in file for t in _TRUTH)


def read(path: Path, options: Options) -> Loaded:
    """Rows by compound with the cell type as context."""
    with H5ad(_file(path)) as h5:
        if h5.has(_PREDICTION):
            obs = _meaning(_file(path), h5.obs)
            rows = _rows(h5, _PREDICTION, obs)
            method = str(h5.read("uns/method_id")) if h5.has("uns/method_id") else ""
            return Loaded(
                predictions={(method, ""): rows}, value_space="signed_logp", separators=("",), title=path.stem
            )
        slot = next(f"layers/{t}" for t in _TRUTH if h5.has(f"layers/{t}"))
        rows = _rows(h5, slot, h5.obs)
        splits: dict = {}
        if "split" in h5.obs:
            words = h5.obs["split"].astype(str).replace({"public_test": "val", "private_test": "test"})
            pairs = zip(h5.obs["cell_type"].astype(str), h5.obs["sm_name"].astype(str), strict=True)
            splits = {"": dict(zip(pairs, words, strict=True))}
    return Loaded(
        truth=rows,
        splits=splits,
        value_space="signed_logp",
        separators=("",),
        title=path.stem,
        notes=(f"Values are {slot.removeprefix('layers/')}: zero means no change, there is no expression.",),
    )


def _rows(h5: H5ad, slot: str, obs: pd.DataFrame) -> Profiles:
    missing = [c for c in ("sm_name", "cell_type") if c not in obs]
    if missing:
        raise UserError(f"{h5.path.name}: obs lacks {', '.join(missing)}.")
    x = h5.matrix(slot)
    values = np.asarray(x.todense() if hasattr(x, "todense") else x, np.float32)
    return Profiles(
        values,
        obs["sm_name"].astype(str).tolist(),
        [*map(str, h5.var.index)],
        None,
        obs["cell_type"].astype(str).tolist(),
    )


def _meaning(path: Path, obs: pd.DataFrame) -> pd.DataFrame:
    """What each row id means, from obs itself or the id_map.csv beside the file."""
    if {"sm_name", "cell_type"} <= set(obs):
        return obs
    table = path.parent / "id_map.csv"
    if not table.is_file():
        raise UserError(f"{path.name} has row numbers only: put id_map.csv (id, sm_name, cell_type) beside it.")
    check_text(table)
    ids = pd.read_csv(table, dtype=str)
    if not {"id", "sm_name", "cell_type"} <= set(ids):
        raise UserError("id_map.csv needs the columns id, sm_name and cell_type.")
    ids = ids.set_index("id")
    unknown = [i for i in obs.index if i not in ids.index]
    if unknown:
        raise UserError(f"id_map.csv does not list the row {unknown[0]!r} of {path.name}.")
    return ids.loc[list(obs.index)]


READER = Reader(
    id="openproblems",
    name="Open Problems perturbation prediction",
    summary="prediction.h5ad with layers['prediction'] and id_map.csv beside it; de_test.h5ad as truth.",
    separator="none: compounds are never split",
    value_space="signed_logp",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
