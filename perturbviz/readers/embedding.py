"""Embeddings of conditions (Geneformer, UCE, scBERT, scEval, one-PCA): decoded to genes by ridge regression later.

Two layouts: an .h5ad with the embedding in obsm (cells or means), and a table whose *columns* are perturbations and
whose rows are dimensions.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.hdf5 import H5ad, obs_columns, peek
from perturbviz.readers.layout import rows_of
from perturbviz.readers.layouts import LAYOUTS
from perturbviz.readers.matrix import read_table

_KEYS = ("X_uce", "X_geneformer", "X_scbert", "X_tgpt", "X_scgpt", "X_emb", "X_state", "X_pca")
_TEXT = (".tsv", ".csv", ".txt")


def recognise(path: Path) -> bool:
    """An .h5ad with one of the usual embeddings and a label column; tables are never taken for embeddings."""
    with peek(path) as file:
        return any(f"obsm/{k}" in file for k in _KEYS[:-1]) and bool(obs_columns(file))


def read(path: Path, options: Options) -> Loaded:
    """Mean embedding of every condition; the truth where scEval keeps it in layers["ground_truth"]."""
    if path.name.lower().endswith(_TEXT):
        return _table(path)
    with H5ad(path) as h5:
        keys = h5.keys("obsm")
        key = next((k for k in (*_KEYS, *keys) if k in keys), "")
        if not key:
            raise UserError(f"{path.name} holds no embedding: obsm is empty.")
        layout = LAYOUTS["embedding"]
        p = rows_of(h5, layout, options, f"obsm/{key}").means.profiles
        _refuse_codes(p.labels, path.name, options)
        loaded = _loaded(path, p, f"Embedding obsm[{key!r}], {p.values.shape[1]} dimensions.")
        if not h5.has("layers/ground_truth"):
            return loaded
        kept = rows_of(h5, replace(layout, counts="ask", role="truth"), options, "layers/ground_truth").means
    return replace(loaded, truth=kept.profiles, layers=kept.layers)


def _refuse_codes(labels, name: str, options: Options) -> None:
    """scEval stores conditions as integers that mean nothing outside its run."""
    if labels and all(str(v).isdecimal() for v in labels if v is not None) and not options.rename:
        raise UserError(
            f"{name}: the conditions are numeric codes ({', '.join(map(str, list(labels)[:3]))}): give a table "
            "of codes and perturbations (--rename)."
        )


def _table(path: Path) -> Loaded:
    """Columns are perturbations, rows dimensions, without row names or with them in the first column."""
    table = read_table(path)
    named = not np.issubdtype(table.dtypes.iloc[1], np.number) or table.columns[0] == ""
    try:
        values = (table.iloc[:, 1:] if named else table).to_numpy(np.float32)
    except ValueError as error:
        raise UserError(f"{path.name} holds something that is not a number ({error}).") from error
    labels = [*map(str, table.columns[1:] if named else table.columns)]
    return _loaded(path, Profiles(values.T.copy(), labels), f"Embedding table, {values.shape[0]} dimensions.")


def _loaded(path: Path, profiles: Profiles, note: str) -> Loaded:
    bare = Profiles(profiles.values, profiles.labels, None, None, profiles.contexts, profiles.n_cells)
    return Loaded(
        predictions={("", ""): bare}, value_space="embedding", separators=("+", "_"), notes=(note,), title=path.stem
    )


READER = Reader(
    id="embedding",
    name="Embedding of conditions",
    summary=(
        "An .h5ad with obsm X_uce, X_geneformer, ..., or (named) a table with perturbations as columns; ridge-decoded."
    ),
    separator='"+", or "_" between known targets',
    value_space="embedding",
    granularity="means or cells",
    gene_ids="none",
    recognise=recognise,
    read=read,
)
