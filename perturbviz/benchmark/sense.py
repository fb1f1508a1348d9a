"""Whether the values of a benchmark file make sense: what the layout allows and no measurement can be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.errors import UserError

_YES = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
#: Ends of lines, marks that no writing shows, those that turn its direction, halves of characters: a name that holds
#: one reads otherwise than it is.
_CONTROL = re.compile("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BLOCK = 8_000_000  # values looked at at a time


def yes_or_no(column: pd.Series, name: str) -> np.ndarray:
    """A column of yes and no as bool: true and false, 0 and 1, or these words in any case.

    Raises
    ------
    UserError
        Names the column and the first value that is neither.
    """
    if column.dtype == bool:
        return column.to_numpy(bool)
    words = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in column]
    found = [_YES.get(word.strip().lower()) for word in words]
    if None in found:
        odd = words[found.index(None)]
        raise UserError(f"The data set's obs column {name!r} must say true or false, but one value is {odd[:40]!r}.")
    return np.array(found, dtype=bool)


def check_names(names: Iterable[Any], what: str) -> None:
    """Raise :class:`UserError` where a name holds a control character; blanks around it do not count.

    Parameters
    ----------
    what
        What they are names of: "condition", "gene", ...
    """
    texts = [str(name) for name in names]
    if not _CONTROL.search("".join(texts)):
        return
    for text in texts:
        if found := _CONTROL.search(text.strip()):
            raise UserError(
                f"The name {text[:60]!r} of a {what} holds the control character U+{ord(found[0]):04X}: "
                "rename it in the file."
            )


def check_sense(adata: AnnData) -> None:
    """Raise :class:`UserError` where values are infinite, missing altogether, no numbers, or counts below zero."""
    if yes_or_no(adata.obs["is_control"], "is_control").all():
        raise UserError("Every condition of the data set is marked as control (obs column 'is_control').")
    if "n_cells" in adata.obs:
        cells = pd.to_numeric(adata.obs["n_cells"], errors="coerce").to_numpy(float)
        if (bad := np.flatnonzero((cells < 0) | np.isinf(cells))).size:
            raise UserError(
                f"The data set's obs column 'n_cells' is {cells[bad[0]]:g} for {_condition(adata, bad[0])}: "
                "a number of cells is 0 or more."
            )
    _check_all_names(adata)
    for key, values in (("X (the observed values)", adata.X), *adata.layers.items()):
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or values.ndim != 2:
            kind = getattr(values, "dtype", type(values).__name__)
            raise UserError(f"{key} holds values of the type {kind}: store float32.")
        known = _check_finite(adata, key, values, "observed" if values is adata.X else f"{key!r}")
        if not known and values is adata.X:
            raise UserError("All observed values of the data set are missing (X holds only NaN).")
    for key, table in adata.varm.items():
        values = np.asarray(table)
        if values.dtype.kind not in "fiu" or np.isinf(values).any():
            raise UserError(f"varm[{key!r}] must hold numbers that are finite, or NaN where nothing is known.")


def _check_all_names(adata: AnnData) -> None:
    """Names of conditions, contexts, genes and methods, and the title."""
    meta = adata.uns.get("perturbviz", {})
    methods = meta.get("methods", {})
    check_names(adata.obs["condition"], "condition")
    check_names(adata.obs["context"], "context")
    check_names(adata.var_names, "gene")
    check_names((about.get("name", "") for about in methods.values() if isinstance(about, Mapping)), "method")
    check_names([meta.get("title", "")], "data set")


def _check_finite(adata: AnnData, key: str, values: np.ndarray, words: str) -> bool:
    """Whether any value is known; infinite ones are refused, but for scores, which may be."""
    known = False
    step = max(_BLOCK // max(values.shape[1], 1), 1)
    for start in range(0, len(values), step):
        block = values[start : start + step]
        known = known or not np.isnan(block).all()
        if not key.startswith("de_") and (infinite := np.isinf(block)).any():
            row, column = np.argwhere(infinite)[0]
            raise UserError(
                f"The data set holds an infinite value ({words}) for {_condition(adata, start + row)}, gene "
                f"{str(adata.var_names[column])[:60]!r}: values must be finite, or NaN where nothing is known."
            )
    return known


def _condition(adata: AnnData, row: Any) -> str:
    return f"condition {str(adata.obs['condition'].iloc[int(row)])[:60]!r}"


def as_floats(adata: AnnData) -> AnnData:
    """The same with whole and half-precision numbers as float32; itself where there are none."""
    odd = [k for k, v in adata.layers.items() if isinstance(v, np.ndarray) and _is_odd(v)]
    if not odd and not (isinstance(adata.X, np.ndarray) and _is_odd(adata.X)):
        return adata
    layers = {k: v.astype(np.float32) if k in odd else v for k, v in adata.layers.items()}
    x = adata.X.astype(np.float32) if _is_odd(adata.X) else adata.X
    return AnnData(x, obs=adata.obs, var=adata.var, layers=layers, varm=dict(adata.varm), uns=adata.uns)


def _is_odd(values: np.ndarray) -> bool:
    return values.dtype.kind in "iu" or values.dtype == np.float16
