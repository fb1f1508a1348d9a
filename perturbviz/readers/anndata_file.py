"""AnnData with a usual label column: scPerturb's cells of counts, and any other file of cells or means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.cells import CONTEXTS, LABELS, column, labels_of, read_rows, split_of
from perturbviz.readers.hdf5 import H5ad, obs_columns, peek


def recognise_scperturb(path: Path) -> bool:
    """Obs perturbation and nperts."""
    with peek(path) as file:
        return {"perturbation", "nperts"} <= obs_columns(file)


def read_scperturb(path: Path, options: Options) -> Loaded:
    """Counts, normalised per cell; "A_B" is split where nperts says two, since symbols may hold "_"."""
    with H5ad(path) as h5:
        means = read_rows(h5, options, label_column="perturbation", context="", counts="normalise")
        sizes = dict(
            zip(labels_of(h5.obs["perturbation"]), pd.to_numeric(h5.obs["nperts"], errors="coerce"), strict=True)
        )
    p = means.profiles
    labels = [_joined(label, sizes.get(label, np.nan)) for label in p.labels]
    return Loaded(
        truth=Profiles(p.values, labels, p.genes, p.symbols, p.contexts, p.n_cells),
        layers=means.layers,
        value_space="lognorm",
        notes=means.notes,
        title=path.stem,
    )


def _joined(label: Any, n: float) -> Any:
    """Give "A+B" for the label "A_B" of two targets; other labels as they are."""
    if label is None or not n >= 2 or str(label).count("_") != n - 1:
        return label
    return str(label).replace("_", "+")


def recognise(path: Path) -> bool:
    """Any .h5ad with a usual label column."""
    with peek(path) as file:
        return bool(set(LABELS) & obs_columns(file))


def read(path: Path, options: Options) -> Loaded:
    """Means by label of X."""
    with H5ad(path) as h5:
        means = read_rows(h5, options, context=CONTEXTS, control_column="is_control")
        name = column(h5.obs, LABELS, options.condition, "condition", path.name)
        splits = split_of(h5.obs, labels_of(h5.obs[name]))
    note = f"Labels are taken from obs column {name!r}, values from X."
    return Loaded(
        truth=means.profiles,
        layers=means.layers,
        splits=splits,
        value_space="",
        separators=("+", "_"),
        notes=(note, *means.notes),
        title=path.stem,
    )


SCPERTURB = Reader(
    id="scperturb",
    name="scPerturb",
    summary="Cells of counts with obs perturbation and nperts (truth); normalised per cell, then averaged.",
    separator='"_" where nperts says so',
    value_space="counts, normalised here",
    granularity="cells",
    gene_ids="symbols with Ensembl",
    recognise=recognise_scperturb,
    read=read_scperturb,
)
READER = Reader(
    id="anndata",
    name="AnnData of cells or means",
    summary="Any .h5ad with a label column (condition, perturbation, target_gene, ...; --condition names another).",
    separator='"+", or "_" between known targets',
    value_space="the truth's unless declared",
    granularity="means or cells",
    gene_ids="as in var",
    recognise=recognise,
    read=read,
)
