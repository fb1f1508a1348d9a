"""Sums per group of cells: n, sum of x and sum of x squared, of one block or merged from many.

Every statistic of the result (means, standard errors, t-tests against the rest) is a function of these sums, which
is why one pass over the cells is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from perturbviz.aggregate.values import normalise

#: Stored values of a block from which loading the compiled loop (a second or two, once) pays.
_COMPILE_FROM = 1_000_000


@dataclass(eq=False)
class GroupSums:
    """Sums over the cells of each slot (one half of one group) for a run of genes.

    Attributes
    ----------
    slots
        Slots that occur, ascending; (slots,) int.
    genes
        Run of genes covered.
    n
        Cells per slot; (slots,) int64.
    sums
        Sum of x and sum of x squared; (slots, genes, 2) float64.
    n_empty
        Cells whose counts are all zero.
    sample_cells, sample
        Numbers and normalised values (CSR float32) of the cells kept for the energy distance.
    """

    slots: np.ndarray
    genes: slice
    n: np.ndarray
    sums: np.ndarray
    n_empty: int
    sample_cells: np.ndarray
    sample: sparse.csr_matrix

    @classmethod
    def zeros(cls, slots: np.ndarray, genes: slice) -> GroupSums:
        """Nothing counted yet for ``slots``."""
        width = genes.stop - genes.start
        return cls(
            slots,
            genes,
            np.zeros(len(slots), dtype=np.int64),
            np.zeros((len(slots), width, 2)),
            0,
            np.zeros(0, dtype=np.int64),
            sparse.csr_matrix((0, width), dtype=np.float32),
        )

    def rows(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cells (k,) and sums (k, genes, 2) of the asked slots, zero for slots without a cell."""
        at = np.searchsorted(self.slots, slots)
        at = np.minimum(at, len(self.slots) - 1)
        here = self.slots[at] == slots
        return np.where(here, self.n[at], 0), self.sums[at] * here[:, None, None]


def merge(a: GroupSums, b: GroupSums) -> GroupSums:
    """Sums of two disjoint sets of cells over the same genes, or of the same cells over two adjacent runs of genes.

    Neither argument is changed: on a cluster a task may run again on the same inputs.
    """
    if a.genes == b.genes:
        slots = a.slots if np.array_equal(a.slots, b.slots) else np.union1d(a.slots, b.slots)
        at_a, at_b = np.searchsorted(slots, a.slots), np.searchsorted(slots, b.slots)
        merged = GroupSums.zeros(slots, a.genes)
        merged.n[at_a] = a.n
        merged.n[at_b] += b.n
        merged.sums[at_a] = a.sums
        for k, i in enumerate(at_b):  # row by row: no second copy of a large array
            merged.sums[i] += b.sums[k]
        merged.n_empty = a.n_empty + b.n_empty
        merged.sample_cells = np.concatenate([a.sample_cells, b.sample_cells])
        merged.sample = sparse.vstack([a.sample, b.sample], format="csr")
        return merged
    return GroupSums(
        a.slots,
        slice(a.genes.start, b.genes.stop),
        a.n,
        np.concatenate([a.sums, b.sums], axis=1),
        a.n_empty,
        a.sample_cells,
        sparse.hstack([a.sample, b.sample], format="csr"),
    )


def add_block(total: GroupSums, block: Any, slot: np.ndarray, scale: np.ndarray | None, genes: slice) -> None:
    """Add the cells of one block to ``total``, in place.

    Parameters
    ----------
    total
        Sums to add to.
    block
        Cells x genes: CSR, CSC or dense.
    slot
        Slot of each cell, -1 for cells to leave out; (cells,) int.
    scale
        Normalisation factor of each cell if the block holds counts, else None.
    genes
        Run of genes of the block, within ``total.genes``.
    """
    row = np.where(slot < 0, -1, np.searchsorted(total.slots, slot))
    target = total.sums[:, genes.start - total.genes.start : genes.stop - total.genes.start]
    if sparse.issparse(block):
        loaded = _compiled_kernel.cache_info().currsize > 0
        kernel = _compiled_kernel() if loaded or block.nnz >= _COMPILE_FROM else None
        (_add_sparse if kernel is None else kernel)(*_sparse_arguments(block.tocsr(), row, scale), target)
    else:
        _add_products(normalise(block, scale), row, target)


def _sparse_arguments(block: sparse.csr_matrix, row: np.ndarray, scale: np.ndarray | None) -> tuple:
    """Plain arrays of few types, cells in the order of their rows so that each target row is visited once."""
    data = block.data if block.data.dtype in (np.float32, np.float64) else block.data.astype(np.float64)
    order = np.argsort(row, kind="stable")[int((row < 0).sum()) :]
    factor = np.zeros(0) if scale is None else scale
    return data, block.indices, block.indptr.astype(np.int64), order, row.astype(np.int64), factor


def _add_sparse(data, indices, indptr, order, row, scale, target) -> None:
    """Add sparse cells to ``target`` with matrix products; the readable twin of the compiled loop."""
    cells = sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, target.shape[1]))
    _add_products(normalise(cells, scale if scale.size else None), row, target)


def _add_products(values: Any, row: np.ndarray, target: np.ndarray) -> None:
    """``target[g] += (sum of x, sum of x squared)`` over the cells of row g: indicator matrix times values."""
    kept = np.flatnonzero(row >= 0)
    present, local = np.unique(row[kept], return_inverse=True)
    indicator = sparse.csr_matrix((np.ones(kept.size), (local, kept)), shape=(present.size, len(row)))
    squares = values.multiply(values).tocsr() if sparse.issparse(values) else np.square(values)
    for k, matrix in enumerate((values, squares)):
        product = indicator @ matrix
        target[present, :, k] += product.toarray() if sparse.issparse(product) else product


@lru_cache(maxsize=1)
def _compiled_kernel() -> Any:
    """The same sums as one compiled loop over stored values, or None where numba is not installed.

    It normalises on the fly, makes no intermediate matrix and releases the interpreter lock, so that Dask's threads
    really run side by side.
    """
    try:
        import numba
    except ImportError:
        return None

    def loop(data, indices, indptr, order, row, scale, target):  # pragma: no cover - compiled
        for k in range(order.size):
            cell = order[k]
            sums = target[row[cell]]
            for i in range(indptr[cell], indptr[cell + 1]):
                x = np.float64(data[i])
                if scale.size > 0:
                    x = np.log1p(x * scale[cell])
                j = indices[i]
                sums[j, 0] += x
                sums[j, 1] += x * x

    try:
        return numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(nogil=True)(loop)
