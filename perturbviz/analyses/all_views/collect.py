"""Sums of all scored rows, on several threads (numpy releases the interpreter while it computes)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, local
from typing import Any

import numpy as np

from perturbviz.analyses.all_views.orders import Orders
from perturbviz.analyses.all_views.sums import Layout, RowSums
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset
from perturbviz.scoring.inputs import needed

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
        Meaning of the axes (see ``perturbviz.analyses.all_views.sums``).
    methods
        Method slugs.
    errors
        (methods, n_errors, n_columns, rows) float64.
    truths
        (n_truths, n_columns, rows) float64.
    size
        (references, rows): largest absolute value of truth and reference over all genes.
    n_targets
        (rows,) measured targets of each row.
    n_genes
        Number of genes of the benchmark.
    """

    layout: Layout
    methods: tuple[str, ...]
    errors: np.ndarray
    truths: np.ndarray
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


def row_weights(evaluation: Evaluation, rows: np.ndarray) -> np.ndarray:
    """Weights of differential expression of scored rows: (rows, G); those of a gene subset are these over their sum."""
    block = GeneBlock(rows, None, evaluation.benchmark.adata.n_vars)
    return needed("weights", evaluation, block, GeneSubset("all")).value


def collect(
    evaluation: Evaluation,
    methods: tuple[str, ...],
    layout: Layout,
    orders: Orders,
    references: Mapping[Any, np.ndarray],
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> Sums:
    """Take the sums of every scored row.

    Parameters
    ----------
    references
        Reference -> (blocks, G) vectors of every block (seed and context); "none" is left out.
    progress, cancel
        Told the share that is done; looked at between rows.

    Raises
    ------
    SweepCancelled
        Soon after ``cancel`` was set.
    """
    frame, g = evaluation.rows, evaluation.benchmark.adata.n_vars
    r, m, k = len(frame), len(methods), len(layout.references)
    obs, seed, block = (frame[c].to_numpy() for c in ("obs", "seed", "block"))
    matrices = {s: [evaluation.matrix(method, s) for method in methods] for s in dict.fromkeys(seed)}
    errors = np.empty((m, layout.n_errors, layout.n_columns, r))
    truths = np.empty((layout.n_truths, layout.n_columns, r))
    size = np.empty((k, r))
    vectors = [references.get(name, np.zeros((block.max(initial=-1) + 1, 1))) for name in layout.references]
    largest = [np.abs(v).max(axis=1) for v in vectors]
    work, truth, own_targets = local(), evaluation.observed, evaluation.target_columns

    def some(start: int) -> None:
        rows = np.arange(start, min(start + step, r))
        if not hasattr(work, "sums"):
            work.sums = RowSums(layout, m, g)
        found = np.empty((len(rows), *errors.shape[:-1])), np.empty((len(rows), *truths.shape[:-1]))
        weights = row_weights(evaluation, rows) if layout.weighted else [None] * len(rows)
        for i, row in enumerate(rows.tolist()):
            y = truth[obs[row]]
            minus = [references[name][block[row]] if name in references else None for name in layout.references]
            size[:, row] = np.maximum(np.abs(y).max(), [large[block[row]] for large in largest])
            x = [None if matrix is None else matrix[obs[row]] for matrix in matrices[seed[row]]]
            into = found[0][i], found[1][i]
            work.sums.add(y, x, minus, weights[i], orders.of_row(row), own_targets[row], *into)
        for all_rows, these in zip((errors, truths), found, strict=True):
            all_rows[..., rows[0] : rows[-1] + 1] = np.moveaxis(these, 0, -1)

    step = max(1, min(64, r // (4 * n_threads(threads))))
    parallel(some, list(range(0, r, step)), n_threads(threads), progress, cancel)
    n_targets = np.array([len(t) for t in own_targets], dtype=int)
    return Sums(layout, methods, errors, truths, size, n_targets, g)
