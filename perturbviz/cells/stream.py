"""One pass over the cells: Dask tasks that each sum a run of blocks, and a tree that merges their sums.

A task walks through its blocks one after the other and keeps one set of sums, since for thousands of groups the sums
of a block are as large as the block. In this process there is one task, whose blocks are read one at a time (HDF5
allows no more) and added up by all threads; on a cluster there are several tasks per worker thread, so that little is
lost with a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from dask.delayed import Delayed, delayed
from scipy import sparse

from perturbviz.benchmark.scale import LOG_MAX
from perturbviz.cells.errors import AggregateError
from perturbviz.cells.execute import Executor, Tick
from perturbviz.cells.kernel import load_kernel
from perturbviz.cells.source import CellSource
from perturbviz.cells.sums import GroupSums, add_block, check_indices, merge
from perturbviz.cells.values import cell_totals, normalise, refuse_missing


@dataclass(frozen=True)
class Treatment:
    """How values become log-normalised: ``target_sum`` for counts, None for values used as they are.

    ``declared``: somebody says that they are log-normalised, so that no value is too large.
    """

    target_sum: float | None
    declared: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value there can be: the sample agreed with the value space, a later block may not."""
        largest = float(np.finfo(np.float32).max)
        if self.target_sum is not None:
            return 0.0, largest
        return -largest, largest if self.declared else LOG_MAX


def stream_sums(
    source: CellSource, slot: np.ndarray, sampled: np.ndarray, treatment: Treatment, executor: Executor
) -> GroupSums:
    """Sums of all slots over all genes.

    Parameters
    ----------
    source
        The file of cells.
    slot
        Slot of every cell, -1 to leave it out; (cells,) int.
    sampled
        Cells whose values are kept for the energy distance; (cells,) bool.
    treatment
        Normalisation.
    executor
        Where the tasks run.

    Raises
    ------
    AggregateError
        If a value is missing or infinite, or contradicts the value space.
    """
    slot = slot.astype(np.min_scalar_type(-max(int(slot.max()), 1) - 1))  # the smallest signed type that holds it
    n_tasks = executor.n_tasks(source.n_blocks)
    edges = np.linspace(0, source.n_blocks, n_tasks + 1).astype(int)
    runs = list(zip(edges[:-1], edges[1:], strict=True))
    totals: Delayed | None = None
    if source.by_gene and treatment.target_sum is not None:
        # a cell's total is spread over all runs of genes: it takes a pass of its own
        parts = [delayed(_cell_totals, pure=False)(source, *run, executor.tick(i)) for i, run in enumerate(runs)]
        totals = delayed(executor.run(_tree(parts, np.add), source.n_blocks, "adding up the counts of each cell"))
    tasks = []
    for i, (first, last) in enumerate(runs):
        cells = slice(None) if source.by_gene else source.span(first, last)
        tick = executor.tick(i)
        # arrays travel inside the task, not as data on the cluster: they must survive the loss of any worker
        task = delayed(_sum_blocks, pure=False)(
            source, first, last, slot[cells], sampled[cells], treatment, totals, executor.threads, tick
        )
        tasks.append(task)
    load_kernel()  # before the clock of the progress bar starts
    return executor.run(_tree(tasks, merge), source.n_blocks, "summing cells")


def _tree(parts: list[Delayed], combine: Callable[[Any, Any], Any]) -> Delayed:
    """Merge neighbours pairwise until one is left."""
    combine = delayed(combine, pure=False)
    while len(parts) > 1:
        pairs = [combine(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs) :]
    return parts[0]


def _cell_totals(source: CellSource, first: int, last: int, tick: Tick) -> np.ndarray:
    """Sum over a run of genes for every cell; (cells,) float64. For column-compressed counts."""
    totals = np.zeros(source.shape[0])
    for number, block in enumerate(_read_ahead(source.read(first, last)), start=first):
        if sparse.issparse(block):
            check_indices(block)
        totals += cell_totals(block)
        tick(number)
    return totals


def _sum_blocks(
    source: CellSource,
    first: int,
    last: int,
    slot: np.ndarray,
    sampled: np.ndarray,
    treatment: Treatment,
    totals: np.ndarray | None,
    threads: int,
    tick: Tick,
) -> GroupSums:
    """Sums over the blocks ``first`` to ``last - 1``; ``slot`` and ``sampled`` are those of the cells they cover."""
    blocks = _read_ahead(source.read(first, last))
    covered = source.span(first, last)
    genes = covered if source.by_gene else slice(0, source.shape[1])
    result = GroupSums.zeros(np.unique(slot[slot >= 0]), genes)
    result.n[:] = np.bincount(slot[slot >= 0], minlength=int(slot.max(initial=0)) + 1)[result.slots]
    kept = []
    for number, block in enumerate(blocks, start=first):
        where = source.span(number, number + 1)
        here = slice(None) if source.by_gene else slice(where.start - covered.start, where.stop - covered.start)
        run = where if source.by_gene else genes
        n_empty, sound = add_block(
            result, block, slot[here], run, treatment.limits, treatment.target_sum, totals, threads
        )
        if not sound:
            _refuse(block, treatment, source, number)
        if totals is None or where.start == 0:  # of runs of genes only the first counts the empty cells
            result.n_empty += n_empty
        picked = np.flatnonzero(sampled[here] & (slot[here] >= 0))
        if picked.size:
            rows = block.tocsr()[picked] if sparse.issparse(block) else block[picked]
            total = cell_totals(rows) if totals is None else totals[picked]
            values = normalise(rows, treatment.target_sum, total)
            kept.append((picked + (0 if source.by_gene else where.start), sparse.csr_matrix(values, dtype=np.float32)))
        tick(number)
    if kept and source.by_gene:
        result.sample_cells, result.sample = kept[0][0], sparse.hstack([v for _, v in kept], format="csr")
    elif kept:
        result.sample_cells = np.concatenate([c for c, _ in kept])
        result.sample = sparse.vstack([v for _, v in kept], format="csr")
    return result


def _refuse(block: Any, treatment: Treatment, source: CellSource, number: int) -> NoReturn:
    """Say which value of a block is outside the limits."""
    where = source.span(number, number + 1)
    refuse_missing(block, source, where.start)
    values = block.data if sparse.issparse(block) else np.asarray(block)
    low, high = treatment.limits
    with np.errstate(invalid="ignore"):
        worst = float(values[~((values >= low) & (values <= high))][0])
    place = f"{source.path.name}, {'genes' if source.by_gene else 'cells'} {where.start:,} to {where.stop - 1:,}"
    if treatment.target_sum is not None:
        raise AggregateError(f"{place}: a value of {worst:.5g} cannot be a count; choose the layer that holds counts.")
    raise AggregateError(
        f"{place}: a value of {worst:.5g} is too large for log-normalised data, so some cells hold counts mistaken for "
        "log-normalised values: declare counts, or choose one layer for all."
    )


def _read_ahead(blocks: Iterator[Any]) -> Iterator[Any]:
    """The same blocks; a thread begins to read the first at once, and the next while one is worked on."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="read")
    coming = pool.submit(next, blocks, None)

    def follow() -> Iterator[Any]:
        nonlocal coming
        with pool:
            while (block := coming.result()) is not None:
                coming = pool.submit(next, blocks, None)
                yield block

    return follow()
