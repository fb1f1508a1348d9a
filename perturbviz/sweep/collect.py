"""Sums of all scored rows, on several threads (numpy releases the interpreter while it computes)."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, local

import numpy as np

from perturbviz.evaluation import Evaluation
from perturbviz.genesets import GeneBlock, GeneSubset
from perturbviz.needs import needed
from perturbviz.references import Reference
from perturbviz.sweep.orders import Orders
from perturbviz.sweep.sums import Layout, RowSums

#: Called now and then with the share that is done, 0 to 1.
Progress = Callable[[float], None]


class SweepCancelled(Exception):
    """The caller set the cancel event; nothing is left behind."""


def n_threads(threads: int | None = None) -> int:
    """Threads to use: as told, otherwise one for each processor this process may use, at most 8."""
    return threads or min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def parallel(task: Callable, items: list, threads: int, progress: Progress | None, cancel: Event | None) -> list:
    """``[task(i) for i in items]`` on threads, telling progress; raises :class:`SweepCancelled` once cancelled."""

    def guarded(item):
        if cancel is not None and cancel.is_set():
            raise SweepCancelled
        return task(item)

    out = []
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(guarded, item) for item in items]
        try:
            for i, future in enumerate(futures):
                out.append(future.result())
                if progress is not None:
                    progress((i + 1) / len(futures))
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return out


@dataclass(frozen=True, eq=False)
class Sums:
    """All sums of an evaluation.

    Attributes
    ----------
    layout
        Meaning of the first axis and of the columns.
    methods
        Method slugs.
    method
        (n_method, methods, n_columns, rows) float64.
    row
        (n_row, n_columns, rows) float64.
    size
        (references, rows): largest absolute value of truth and reference over all genes.
    n_targets
        (rows,) measured targets of each row.
    n_genes
        Number of genes of the benchmark.
    """

    layout: Layout
    methods: tuple[str, ...]
    method: np.ndarray
    row: np.ndarray
    size: np.ndarray
    n_targets: np.ndarray
    n_genes: int

    def genes_used(self) -> np.ndarray:
        """Number of genes of every column and row: (n_columns, rows) int."""
        parts = []
        for sizes in self.layout.sizes:
            for targets in (True, False):
                limit = self.n_genes - (0 if targets else self.n_targets)
                parts.append(np.minimum(sizes[:, None], limit))
                if targets:
                    parts[-1] = np.broadcast_to(parts[-1], (len(sizes), len(self.n_targets)))
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Vectors:
    """What is subtracted in each block (seed and context): centre z and shifts u_r (see ``perturbviz.sweep.sums``)."""

    evaluation: Evaluation
    references: tuple[str, ...]
    include_held_out: bool = False

    def __post_init__(self) -> None:
        """Compute the vectors of every block (seed and context)."""
        g = self.evaluation.benchmark.adata.n_vars
        rows = self.evaluation.rows
        blocks = int(rows["block"].max()) + 1 if len(rows) else 0
        have_control = self.evaluation.benchmark.has_control
        values: dict[str, np.ndarray] = {"none": np.zeros((blocks, g), np.float32)}
        for r in {*self.references, *(["control"] if have_control else [])} - {"none"}:
            values[r] = self.evaluation._block_vectors(r, self.include_held_out)
        centre = values["control"] if have_control else values["none"]
        centre = np.where(np.isnan(centre).any(axis=1, keepdims=True), np.float32(0), centre)
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "values", values)
        object.__setattr__(
            self, "shifted", tuple(r for r in self.references if not np.array_equal(values[r], centre))
        )

    def of_block(self, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Centre (G,) and shifts (shifted references, G) of a block, float64."""
        centre = self.centre[block].astype(np.float64)
        shifts = [self.values[r][block].astype(np.float64) - centre for r in self.shifted]
        return centre, np.array(shifts).reshape(len(shifts), len(centre))

    def reference(self, reference: Reference, block: int) -> np.ndarray:
        """One reference vector, (G,) float64."""
        return self.values[reference][block].astype(np.float64)


def row_weights(evaluation: Evaluation, row: int) -> np.ndarray:
    """Weights of differential expression of one scored row over all genes: (G,); a subset's are these over their sum."""
    block = GeneBlock(np.array([row]), None, evaluation.benchmark.adata.n_vars)
    return needed("weights", evaluation, block, GeneSubset("all")).value[0]


def collect(
    evaluation: Evaluation,
    methods: tuple[str, ...],
    layout: Layout,
    orders: Orders,
    vectors: Vectors,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> Sums:
    """Take the sums of every scored row.

    Parameters
    ----------
    progress, cancel
        Told the share that is done; looked at between rows.

    Raises
    ------
    SweepCancelled
        Soon after ``cancel`` was set.
    """
    frame, g = evaluation.rows, evaluation.benchmark.adata.n_vars
    r, m = len(frame), len(methods)
    obs, seed, block = (frame[c].to_numpy() for c in ("obs", "seed", "block"))
    matrices = {s: [evaluation._matrix(method, s) for method in methods] for s in dict.fromkeys(seed)}
    method_sums = np.empty((layout.n_method, m, layout.n_columns, r))
    row_sums = np.empty((layout.n_row, layout.n_columns, r))
    size = np.empty((len(layout.references), r))
    work, truth = local(), evaluation._truth_layer

    def some(rows: np.ndarray) -> None:
        if not hasattr(work, "sums"):
            work.sums = RowSums(layout, m, g)
        buffer = np.empty((layout.n_method, m, layout.n_columns, len(rows)))
        row_buffer = np.empty((layout.n_row, layout.n_columns, len(rows)))
        shifts_of = None
        for i, row in enumerate(rows):
            if shifts_of != block[row]:
                shifts_of = block[row]
                centre, shifts = vectors.of_block(shifts_of)
                largest = np.array([np.abs(vectors.values[k][shifts_of]).max() for k in layout.references])
            y = truth[obs[row]]
            size[:, row] = np.maximum(largest, np.abs(y).max())
            work.sums.add(
                y, [None if x is None else x[obs[row]] for x in matrices[seed[row]]], centre, shifts,
                row_weights(evaluation, row) if layout.weighted else None, orders.of_row(row), evaluation.target_columns[row],
                buffer[..., i], row_buffer[..., i],
            )  # fmt: skip
        method_sums[..., rows] = buffer
        row_sums[..., rows] = row_buffer

    # rows of one condition share the order of its genes; rows of one block share the vectors
    by_condition = np.lexsort((block, obs))
    step = max(1, min(16, r // (4 * n_threads(threads)) or 1))
    chunks = [by_condition[i : i + step] for i in range(0, r, step)]
    parallel(some, chunks, n_threads(threads), progress, cancel)
    return Sums(layout, methods, method_sums, row_sums, size, np.array([len(t) for t in evaluation.target_columns]), g)
