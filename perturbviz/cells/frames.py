"""Tables (obs, var) of AnnData on disk, of every version: one door for files of cells and files of predictions."""

from __future__ import annotations

import warnings
from typing import Any

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem


def read_frame(store: Any, slot: str) -> pd.DataFrame | None:
    """A table with text as index; columns that cannot be read are left out; None where it is no table.

    Raises
    ------
    ValueError
        Where a column names categories that do not exist.
    """
    item = store[slot]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old files are read as they are; nobody can do anything about it here
            frame = read_elem(item)
    except Exception:  # another version's encoding: take what can be read, column by column
        frame = None if isinstance(item, h5py.Dataset) else _by_column(item)
    if isinstance(frame, np.ndarray) and frame.dtype.names:  # anndata before 0.7
        frame = _structured(store, frame)
    if not isinstance(frame, pd.DataFrame):
        return None
    frame.index = frame.index.astype(str)
    return frame


def _structured(store: Any, rows: np.ndarray) -> pd.DataFrame:
    """A table of anndata before 0.7: one structured array, categories as codes into a list under ``uns``."""
    first, *names = rows.dtype.names or ()
    columns = {n: as_text(rows[n]) for n in names}
    for name in names:
        key = f"uns/{name}_categories"
        if key in store and rows[name].dtype.kind in "iu":
            categories = as_text(np.asarray(store[key]))
            if len(rows) and not -1 <= rows[name].min() <= rows[name].max() < len(categories):
                raise ValueError(f"obs column {name!r} names categories that do not exist.")
            columns[name] = np.array([categories[c] if c >= 0 else None for c in rows[name]], dtype=object)
    return pd.DataFrame(columns, index=as_text(rows[first]))


def _by_column(group: Any) -> pd.DataFrame:
    index_name = group.attrs.get("_index", "_index")
    columns = {}
    for name in group:
        try:
            columns[name] = read_elem(group[name])
        except Exception:  # an encoding this anndata does not know
            if isinstance(group[name], h5py.Dataset):
                columns[name] = as_text(group[name][()])
    index = columns.pop(index_name, None)
    frame = pd.DataFrame({k: v for k, v in columns.items() if np.ndim(v) == 1})
    return frame if index is None else frame.set_index(pd.Index(np.asarray(index)))


def as_text(values: np.ndarray) -> np.ndarray:
    """An array with bytes as text."""
    return np.array([v.decode() if isinstance(v, bytes) else v for v in values.tolist()], dtype=object)


def column_names(store: Any, slot: str = "obs") -> tuple[str, ...]:
    """Names of the columns of a table, without reading it."""
    item = store[slot]
    if names := getattr(getattr(item, "dtype", None), "names", None):
        return tuple(names[1:])
    if "column-order" in item.attrs:
        return tuple(str(c) for c in item.attrs["column-order"])
    index = item.attrs.get("_index", "_index")
    return tuple(str(c) for c in item if c not in (index, "__categories"))
