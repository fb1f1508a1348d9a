"""Sums per group of cells: n, sum of x and sum of x squared, of one block or merged from many.

Every statistic of the result (means, standard errors, t-tests against the rest) is a function of these sums, which
is why one pass over the cells is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from dask import compute
from dask.delayed import delayed
from scipy import sparse

from perturbviz.cells.errors import AggregateError
from perturbviz.cells.kernel import load_kernel
from perturbviz.cells.values import cell_totals, normalise

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
        sums = np.empty((len(slots), width, 2))
        sums.fill(0)  # not np.zeros, whose memory the system hands over page by page while the cells are added up
        return cls(
            slots,
            genes,
            np.zeros(len(slots), dtype=np.int64),
            sums,
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


def add_block(
    total: GroupSums,
    block: Any,
    slot: np.ndarray,
    genes: slice,
    limits: tuple[float, float],
    target_sum: float | None = None,
    totals: np.ndarray | None = None,
    threads: int = 1,
) -> tuple[int, bool]:
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
    limits
        Smallest and largest value there can be, both finite.
    target_sum
        Total that counts are normalised to before log1p; None to use the values as they are.
    totals
        Counts of each cell over *all* genes, where the block holds only some of them; (cells,).
    threads
        Threads that share the work, each with slots of its own.

    Returns
    -------
    n_empty
        Cells without any count.
    sound
        False if a value is missing or outside the limits; the sums are of no use then.
    """
    row = np.where(slot < 0, -1, np.searchsorted(total.slots, slot)).astype(np.int64)
    target = total.sums[:, genes.start - total.genes.start : genes.stop - total.genes.start]
    # cells in the order of their target rows, so that a row is fetched from memory once per block
    order = np.argsort(row, kind="stable")[int((row < 0).sum()) :]
    if sparse.issparse(block) and block.format != "csr":
        check_indices(block)
        block = block.tocsr()
    how = _add_sparse if sparse.issparse(block) else _add_dense
    add = partial(how, block, row, totals, target_sum, limits, target)
    parts = [delayed(add, pure=False)(cells) for cells in _shares(order, row, threads)]
    done = compute(*parts, scheduler="threads" if threads > 1 else "sync")
    return sum(n for n, _ in done), all(sound for _, sound in done)


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


def _add_sparse(
    block: sparse.csr_matrix,
    row: np.ndarray,
    totals: np.ndarray | None,
    target_sum: float | None,
    limits: tuple[float, float],
    target: np.ndarray,
    cells: np.ndarray,
) -> tuple[int, bool]:
    """``target[row[i]] += (x, x squared)`` over cells i, in the compiled loop, which holds no interpreter lock."""
    data = block.data if block.data.dtype in (np.float32, np.float64) else block.data.astype(np.float64)
    given = np.zeros(0) if totals is None else totals
    sound, outside, n_empty = load_kernel()(
        data, block.indices, block.indptr.astype(np.int64), row, given, float(target_sum or 0), *limits, target, cells
    )
    if not sound:
        raise AggregateError(_DAMAGED)
    return n_empty, not outside


def _add_dense(
    block: np.ndarray,
    row: np.ndarray,
    totals: np.ndarray | None,
    target_sum: float | None,
    limits: tuple[float, float],
    target: np.ndarray,
    cells: np.ndarray,
) -> tuple[int, bool]:
    """The same by matrix products: indicator of the rows times values."""
    if cells.size == 0:
        return 0, True
    some = block[cells]
    if target_sum is not None:
        totals = cell_totals(some) if totals is None else totals[cells]
    values = normalise(some, target_sum, totals)
    present, local = np.unique(row[cells], return_inverse=True)
    indicator = sparse.csr_matrix((np.ones(cells.size), (local, np.arange(cells.size))), (present.size, cells.size))
    for k, matrix in enumerate((values, np.square(values))):
        target[present, :, k] += indicator @ matrix
    n_empty = 0 if totals is None else int((totals <= 0).sum())
    return n_empty, limits[0] <= float(some.min()) and float(some.max()) <= limits[1]
