"""One pass over the cells: Dask tasks that each sum a run of blocks, and a tree that merges their sums.

A task walks through its blocks one after the other and keeps one set of sums, since for thousands of groups the sums
of a block are larger than the block. In this process there is one task per thread; on a cluster there are several per
worker thread, so that little is lost with a worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask.delayed import Delayed, delayed
from scipy import sparse

from perturbviz.aggregate.errors import AggregateError
from perturbviz.aggregate.execute import Executor, Tick
from perturbviz.aggregate.source import CellSource
from perturbviz.aggregate.sums import GroupSums, add_block, merge
from perturbviz.aggregate.values import LARGEST_LOG, normalise, scale_factors


@dataclass(frozen=True)
class Treatment:
    """How values become log-normalised: ``target_sum`` for counts, None for values used as they are."""

    target_sum: float | None


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
    n_tasks = executor.n_tasks(source.n_blocks, state_bytes=16 * len(np.unique(slot)) * source.shape[1])
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
            source, first, last, slot[cells], sampled[cells], treatment, totals, tick
        )
        tasks.append(task)
    result = executor.run(_tree(tasks, merge), source.n_blocks, "summing cells")
    bad = ~np.isfinite(result.sums[..., 0]).all(axis=0)
    if bad.any():
        raise AggregateError(
            f"{source.path.name}: {int(bad.sum()):,} genes hold missing (NaN) or infinite values, the first is "
            f"gene number {int(np.flatnonzero(bad)[0])}: remove or fill them first."
        )
    return result


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
    for number, block in enumerate(source.read(first, last), start=first):
        totals += _totals(block)
        tick(number)
    return totals


def _totals(block: Any) -> np.ndarray:
    return np.asarray(block.sum(axis=1, dtype=np.float64)).ravel()


def _sum_blocks(
    source: CellSource,
    first: int,
    last: int,
    slot: np.ndarray,
    sampled: np.ndarray,
    treatment: Treatment,
    totals: np.ndarray | None,
    tick: Tick,
) -> GroupSums:
    """Sums over the blocks ``first`` to ``last - 1``; ``slot`` and ``sampled`` are those of the cells they cover."""
    covered = source.span(first, last)
    genes = covered if source.by_gene else slice(0, source.shape[1])
    result = GroupSums.zeros(np.unique(slot[slot >= 0]), genes)
    result.n[:] = np.bincount(slot[slot >= 0], minlength=int(slot.max(initial=0)) + 1)[result.slots]
    kept = []
    for number, block in enumerate(source.read(first, last), start=first):
        where = source.span(number, number + 1)
        here = slice(None) if source.by_gene else slice(where.start - covered.start, where.stop - covered.start)
        scale = None
        if treatment.target_sum is None:
            _refuse_counts(block, source)
        else:
            _refuse_negative(block, source)
            total = _totals(block) if totals is None else totals
            scale = scale_factors(total, treatment.target_sum)
            if totals is None or where.start == 0:  # of runs of genes only the first counts the empty cells
                result.n_empty += int(((total <= 0) & (slot[here] >= 0)).sum())
        add_block(result, block, slot[here], scale, where if source.by_gene else genes)
        picked = np.flatnonzero(sampled[here] & (slot[here] >= 0))
        if picked.size:
            rows = block.tocsr()[picked] if sparse.issparse(block) else block[picked]
            values = normalise(rows, None if scale is None else scale[picked])
            kept.append((picked + (0 if source.by_gene else where.start), sparse.csr_matrix(values, dtype=np.float32)))
        tick(number)
    if kept and source.by_gene:
        result.sample_cells, result.sample = kept[0][0], sparse.hstack([v for _, v in kept], format="csr")
    elif kept:
        result.sample_cells = np.concatenate([c for c, _ in kept])
        result.sample = sparse.vstack([v for _, v in kept], format="csr")
    return result


def _refuse_counts(block: Any, source: CellSource) -> None:
    """The sample looked log-normalised; a cell that is not may still come later."""
    data = block.data if sparse.issparse(block) else block
    if data.size and data.max() > LARGEST_LOG:
        raise AggregateError(
            f"{source.path.name}: a value of {data.max():.5g} is too large for log-normalised data, so some cells hold "
            "counts mistaken for log-normalised values: declare counts, or choose one layer for all."
        )


def _refuse_negative(block: Any, source: CellSource) -> None:
    data = block.data if sparse.issparse(block) else block
    if data.size and data.min() < 0:
        raise AggregateError(
            f"{source.path.name}: a value of {data.min():.5g} cannot be a count; choose the layer that holds counts."
        )
