"""CellSimBench (Miller et al. 2025): predictions.h5ad, and truth with half-cell means as data frames in uns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.cells import Means, column, labels_of, read_rows, split_of
from perturbviz.readers.hdf5 import H5ad, obs_columns, peek

_FIRST, _SECOND = "technical_duplicate_first_half_baseline", "technical_duplicate_second_half_baseline"


def recognise(path: Path) -> bool:
    """Obs pair_key, or baseline frames in uns."""
    with peek(path) as file:
        return "pair_key" in obs_columns(file) or any(k.endswith("_baseline") for k in file.get("uns", {}))


def read(path: Path, options: Options) -> Loaded:
    """Rows of predictions.h5ad, or means of the truth's cells with the two halves."""
    with H5ad(path) as h5:
        means = read_rows(h5, options, label_column="condition", context=("covariate", "donor_id", "cell_type"))
        if not h5.has(f"uns/{_FIRST}"):
            return Loaded(
                predictions={("", ""): means.profiles}, value_space="lognorm", notes=means.notes, title=path.stem
            )
        layers = {
            name: _half(means, h5.read(f"uns/{key}"))
            for name, key in (("half_a", _FIRST), ("half_b", _SECOND))
            if h5.has(f"uns/{key}")
        }
        labels = labels_of(h5.obs[column(h5.obs, ("condition",), options.condition, "condition", path.name)])
        splits = {}
        for fold in sorted(c for c in h5.obs if str(c).startswith("split_fold_")):
            table = split_of(h5.obs, labels, (fold,))
            if table:
                splits[f"fold{fold.removeprefix('split_fold_')}"] = table[""]
    note = (
        "The truth is the mean of all cells; the system itself takes the first half (half_a, here a choice of "
        "the view) as truth and the second half as technical duplicate."
    )
    return Loaded(
        truth=means.profiles,
        layers=means.layers | layers,
        splits=splits,
        value_space="lognorm",
        notes=(*means.notes, note),
        title=path.stem,
    )


def _half(means: Means, frame: pd.DataFrame) -> np.ndarray:
    """Rows of a frame with index "{covariate}_{condition}" in the order of the means; NaN where it has none."""
    p = means.profiles
    out = np.full(p.values.shape, np.nan, np.float32)
    frame = frame.reindex(columns=list(p.genes or ()))
    for i, label in enumerate(p.labels):
        keys = [k for k in frame.index if k == label or str(k).endswith(f"_{label}")]
        if p.contexts is not None:
            keys = [k for k in keys if str(k) == f"{p.contexts[i]}_{label}"]
        if len(keys) == 1:
            out[i] = frame.loc[keys[0]].to_numpy(np.float32)
    return out


READER = Reader(
    id="cellsimbench",
    name="CellSimBench (Miller et al.)",
    summary="predictions.h5ad (obs condition, pair_key), or *_processed_complete.h5ad with half-cell means in uns.",
    separator='"+"',
    value_space="lognorm",
    granularity="means or cells",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
