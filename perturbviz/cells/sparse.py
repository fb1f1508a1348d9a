"""Sparse matrices as a file has them: checked before anything computes with them and follows them anywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp


def sparse_problem(group: Any) -> str:
    """What is wrong with the parts of a stored CSR or CSC matrix, before it is read; "" where nothing is.

    Parameters
    ----------
    group
        HDF5 or zarr group with ``data``, ``indices``, ``indptr`` and the attribute ``shape``.
    """
    try:
        shape = [int(n) for n in group.attrs["shape"]]
        exact = len(shape) == 2 and all(n >= 0 and n == m for n, m in zip(shape, group.attrs["shape"], strict=True))
        sizes = [group[name].shape for name in ("data", "indices", "indptr")]
        kinds = [np.dtype(group[name].dtype).kind for name in ("data", "indices", "indptr")]
    except (KeyError, TypeError, ValueError, OverflowError):
        return "its parts are incomplete"
    if not exact:
        return "its shape is not two whole numbers"
    if kinds[0] not in "fiub" or kinds[1] not in "iu" or kinds[2] not in "iu" or any(len(s) != 1 for s in sizes):
        return "its parts are no lists of numbers"
    by_column = str(group.attrs.get("encoding-type", "csr_matrix")).startswith("csc")
    ends = group["indptr"][:] if sizes[2][0] == shape[by_column] + 1 else None
    if sizes[0] != sizes[1] or ends is None:
        return "its parts do not fit together"
    if ends[0] != 0 or (np.diff(ends.astype(np.int64)) < 0).any() or int(ends[-1]) != sizes[0][0]:
        return "its row pointers do not start at 0, rise, and end at its number of values"
    return ""


def index_problem(matrix: Any) -> str:
    """What is wrong with a CSR matrix's column numbers or a CSC matrix's row numbers; "" where nothing is."""
    if not sp.issparse(matrix) or matrix.format not in ("csr", "csc") or not len(matrix.indices):
        return ""
    length = matrix.shape[1 if matrix.format == "csr" else 0]
    low, high = int(matrix.indices.min()), int(matrix.indices.max())
    if low >= 0 and high < length:
        return ""
    axis = "column" if matrix.format == "csr" else "row"
    return f"it names {axis} {low if low < 0 else high:,} and has {length:,} {axis}s"
