"""CPA: predictions in obsm["CPA_pred"], on the scale it was trained on (counts for nb, else log-normalised).

``.X`` is never the truth: the tutorial fills it with random control cells before predicting.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from perturbviz.benchmark import scale
from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.cells import gene_names, labels_of, read_rows, split_of
from perturbviz.readers.hdf5 import H5ad, peek

_SLOTS = ("obsm/CPA_pred", "layers/CPA_pred")


def recognise(path: Path) -> bool:
    """An .h5ad with CPA_pred."""
    with peek(path) as file:
        return any(s in file for s in _SLOTS)


def read(path: Path, options: Options) -> Loaded:
    """Means of CPA_pred by cond_harm; the truth is layers["X_true"] where it was kept."""
    with H5ad(path) as h5:
        slot = _slot(h5)
        labels = ("cond_harm", "condition", "perturbation")
        means = read_rows(h5, options, slot, labels)
        p = means.profiles
        if p.genes is None:  # obsm has no gene axis of its own, but CPA keeps that of the data
            genes, symbols = gene_names(h5.var, p.values.shape[1])
            p = replace(p, genes=genes, symbols=symbols)
        notes = [f"Predictions are taken from {slot!r}.", *means.notes]
        truth, layers = None, {}
        if h5.has("layers/X_true"):
            kept = read_rows(h5, options, "layers/X_true", labels)
            truth, layers = kept.profiles, kept.layers
        else:
            notes.append("X is not used as truth: CPA's tutorial overwrites it with control cells.")
        column = options.condition or next(c for c in labels if c in h5.obs)
        splits = split_of(h5.obs, labels_of(h5.obs[column]))
    if np.nanmax(p.values) > 0:
        notes.append("CPA predicts on its training scale, which need not sum to the truth's total.")
    return Loaded(
        truth=truth,
        layers=layers,
        predictions={("CPA", ""): p},
        splits=splits,
        value_space="lognorm",
        notes=tuple(dict.fromkeys(notes)),
        title=path.stem,
    )


def _slot(h5: H5ad) -> str:
    """Where the prediction lies: in both places the layer is the obsm, normalised and log1p-transformed."""
    there = [s for s in _SLOTS if h5.has(s)]
    if len(there) == 2 and scale.look(h5.matrix(there[1]), h5.has("uns/log1p")).surely_log:
        return there[1]
    return there[0] if there else _SLOTS[0]


READER = Reader(
    id="cpa",
    name="CPA",
    summary='An .h5ad with obsm["CPA_pred"] (or that layer); truth in layers["X_true"]; obs cond_harm, split.',
    separator='"+"',
    value_space="lognorm, or counts if declared",
    granularity="cells",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
