"""Sums per group of cells: n, sum of x and sum of x squared, of one block or merged from many.

Every statistic of the result (means, standard errors, t-tests against the rest) is a function of these sums, which
is why one pass over the cells is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from dask import compute
from dask.delayed import delayed
from scipy import sparse

from perturbviz.aggregate.errors import AggregateError
from perturbviz.aggregate.values import cell_totals, normalise

#: Stored values of a block from which loading the compiled loop (a second or two, once) pays.
_COMPILE_FROM = 1_000_000
_DAMAGED = "The file of cells is damaged: some of its sparse indices lie outside the matrix."


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


class Seen(NamedTuple):
    """What came by while adding a block: smallest and largest stored value, cells without any count."""

    low: float
    high: float
    n_empty: int


def add_block(
    total: GroupSums,
    block: Any,
    slot: np.ndarray,
    genes: slice,
    target_sum: float | None = None,
    totals: np.ndarray | None = None,
    threads: int = 1,
) -> Seen:
    """Add the cells of one block to ``total``, in place.

    Parameters
    ----------
    total
        Sums to add to.
    block
        Cells x genes: CSR, CSC or dense.
    slot
        Slot of each cell, -1 for cells to leave out; (cells,) int.
    genes
        Run of genes of the block, within ``total.genes``.
    target_sum
        Total that counts are normalised to before log1p; None to use the values as they are.
    totals
        Counts of each cell over *all* genes, where the block holds only some of them; (cells,).
    threads
        Threads that share the work, each with slots of its own.
    """
    row = np.where(slot < 0, -1, np.searchsorted(total.slots, slot))
    target = total.sums[:, genes.start - total.genes.start : genes.stop - total.genes.start]
    # cells in the order of their target rows, so that a row is fetched from memory once per block
    order = np.argsort(row, kind="stable")[int((row < 0).sum()) :]
    if sparse.issparse(block) and block.format != "csr":
        check_indices(block)
        block = block.tocsr()
    kernel = _choose_kernel(block)
    if kernel is None:
        add = partial(_add_products, block, row, totals, target_sum, target)
    else:
        data = block.data if block.data.dtype in (np.float32, np.float64) else block.data.astype(np.float64)
        given = np.zeros(0) if totals is None else totals
        rows = row.astype(np.int64), given, float(target_sum or 0), target
        add = partial(_add_compiled, kernel, data, block.indices, block.indptr.astype(np.int64), *rows)
    shares = _shares(order, row, threads)
    seen = compute(*[delayed(add, pure=False)(s) for s in shares], scheduler="threads" if len(shares) > 1 else "sync")
    return Seen(min(s.low for s in seen), max(s.high for s in seen), sum(s.n_empty for s in seen))


def check_indices(block: Any) -> None:
    """Refuse sparse blocks whose indices point outside the matrix: compiled code trusts them."""
    width = block.shape[1] if block.format == "csr" else block.shape[0]
    if block.indices.size and (block.indices.min() < 0 or block.indices.max() >= width):
        raise AggregateError(_DAMAGED)


def _shares(order: np.ndarray, row: np.ndarray, n: int) -> list[np.ndarray]:
    """Cut ``order`` into ``n`` runs of about equal length, no row in two of them."""
    cuts = (
        [int(np.searchsorted(row[order], row[order[len(order) * k // n]])) for k in range(1, n)] if len(order) else []
    )
    return np.split(order, cuts)


def _add_products(
    block: Any,
    row: np.ndarray,
    totals: np.ndarray | None,
    target_sum: float | None,
    target: np.ndarray,
    cells: np.ndarray,
) -> Seen:
    """``target[g] += (sum of x, sum of x squared)`` over the cells of row g: indicator matrix times values."""
    if cells.size == 0:
        return Seen(np.inf, -np.inf, 0)
    if sparse.issparse(block):
        check_indices(block)
    some = block[cells]
    stored = some.data if sparse.issparse(some) else some
    if target_sum is not None:
        totals = cell_totals(some) if totals is None else totals[cells]
    values = normalise(some, target_sum, totals)
    present, local = np.unique(row[cells], return_inverse=True)
    indicator = sparse.csr_matrix((np.ones(cells.size), (local, np.arange(cells.size))), (present.size, cells.size))
    squares = values.multiply(values).tocsr() if sparse.issparse(values) else np.square(values)
    for k, matrix in enumerate((values, squares)):
        product = indicator @ matrix
        target[present, :, k] += product.toarray() if sparse.issparse(product) else product
    n_empty = 0 if totals is None else int((totals <= 0).sum())
    low, high = (float(stored.min()), float(stored.max())) if stored.size else (np.inf, -np.inf)
    return Seen(low, high, n_empty)


def _add_compiled(kernel: Any, *arguments: Any) -> Seen:
    """The same by the compiled loop."""
    low, high, n_empty, sound = kernel(*arguments)
    if not sound:
        raise AggregateError(_DAMAGED)
    return Seen(low, high, n_empty)


def _choose_kernel(block: Any) -> Any:
    """The compiled loop, where the block is sparse and loading it pays or has been paid for; else None."""
    if not sparse.issparse(block):
        return None
    loaded = _compiled_kernel.cache_info().currsize > 0
    return _compiled_kernel() if loaded or block.nnz >= _COMPILE_FROM else None


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

    def loop(data, indices, indptr, row, totals, target_sum, target, cells):  # pragma: no cover - compiled
        low, high, n_empty = np.inf, -np.inf, 0
        width = np.uint64(target.shape[1])
        for k in range(cells.size):
            cell = cells[k]
            sums = target[row[cell]]
            scale = 0.0
            if target_sum > 0:
                total = 0.0
                if totals.size > 0:
                    total = totals[cell]
                else:
                    for i in range(indptr[cell], indptr[cell + 1]):
                        total += data[i]
                if total > 0:
                    scale = target_sum / total
                else:
                    n_empty += 1
            for i in range(np.uint64(indptr[cell]), np.uint64(indptr[cell + 1])):
                j = np.uint64(indices[i])  # unsigned: a negative index is far too large
                if j >= width:
                    return low, high, n_empty, False
                x = np.float64(data[i])
                if x < low:
                    low = x
                if x > high:
                    high = x
                if target_sum > 0:
                    x = np.log1p(x * scale)
                sums[j, 0] += x
                sums[j, 1] += x * x
        return low, high, n_empty, True

    try:
        return numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(nogil=True)(loop)
