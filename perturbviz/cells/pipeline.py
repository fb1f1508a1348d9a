"""The whole road: a file of cells in, a pseudobulk benchmark out."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from anndata import AnnData

from perturbviz.benchmark import META, SCHEMA, save
from perturbviz.benchmark.perturbations import CONTROL
from perturbviz.cells.build import build
from perturbviz.cells.energy import energy_to_control
from perturbviz.cells.errors import AggregateError
from perturbviz.cells.execute import Cancel, Progress, make_executor
from perturbviz.cells.genes import gene_axis
from perturbviz.cells.labels import CONTROL_SAMPLE, Groups, make_groups, random_halves
from perturbviz.cells.report import KEY, AggregateReport
from perturbviz.cells.source import BYTES_PER_BLOCK, open_cells
from perturbviz.cells.stream import Treatment, stream_sums
from perturbviz.cells.values import choose_space


def aggregate(
    path: str | PathLike[str],
    *,
    condition: str,
    control: str,
    context: str | None = None,
    scheduler: Any = None,
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    energy: bool = False,
    energy_cells: int = 100,
    value_space: str | None = None,
    counts_target: float = 1e4,
    layer: str | None = None,
    sep: str = "+",
    rest: str = "all",
    bytes_per_block: int = BYTES_PER_BLOCK,
) -> AnnData:
    """Means, standard errors, halves and DE of every condition from a file of single cells larger than memory.

    The file is read once (twice if it holds counts in column-compressed form). Counts are brought to ``counts_target``
    per cell and log1p-transformed before averaging: the mean of logs, not the log of the mean.

    Parameters
    ----------
    path
        Cells x genes, ``.h5ad`` or ``.zarr``; sparse (CSR, CSC) or dense; counts or log-normalised.
    condition, context
        obs columns with the perturbation and, optionally, with what keeps cells apart (cell line, donor, ...).
        Cells without a label are dropped and counted.
    control
        Label of the unperturbed cells in the condition column.
    scheduler
        None or "threads": threads of this process; "synchronous": one thread; "tcp://host:port" or a connected
        ``distributed.Client``: a Dask cluster whose workers see ``path``. Results agree to rounding.
    seed
        Decides which cells form half A and half B (and the sample for ``energy``).
    out
        Where to save the benchmark; written only when complete.
    progress
        Called with the fraction done and what is being done, on the calling thread. Raising in it cancels.
    cancel
        An event-like flag; once set, :class:`AggregateCancelledError` is raised.
    energy
        Add obs column ``energy_distance``: distance to the control cells of the context, from at most
        ``energy_cells`` random cells of a perturbation and five times as many of control.
    value_space
        "counts" or "lognorm"; None to go by the values. What is declared is done, and noted where the values look
        otherwise; but no logarithm is taken of values that are logarithms for certain.
    counts_target
        Total per cell that counts are normalised to.
    layer
        Layer to use instead of ``X``.
    sep
        Separator between the targets of a combination in the condition column.
    rest
        Whom ``de_score`` compares with: "all" other cells of the context, control included (scanpy's "rest"), or
        the other "perturbed" cells only (Miller et al. 2025 leave control out).
    bytes_per_block
        Size of what is read at once, a bound on memory.

    Returns
    -------
    AnnData
        Conditions x genes: ``X`` mean; layers ``se`` (ddof 1), ``half_a``, ``half_b``, and for all cells and each
        half (suffix ``_a``, ``_b``) ``de_score`` and ``de_padj`` against the rest, ``de_score_ctrl`` and
        ``de_padj_ctrl`` against control; ``varm["control_mean"]``. A half is compared with cells of the same half
        only. Undefined values are NaN: a condition of one cell has a mean and nothing else. What was understood of
        the file is :func:`read_report` of the result.

    Raises
    ------
    AggregateError
        With one sentence, if the file or the request is wrong.
    AggregateCancelledError
        If cancelled.
    """
    _check_request(seed, out, rest, counts_target, energy_cells)
    source = open_cells(Path(path), layer, bytes_per_block)
    groups = make_groups(source.column(condition), control, source.column(context) if context else None, sep)
    genes, gene_note = gene_axis(source.var())
    space, said = choose_space(source, value_space)
    half, sampled = random_halves(groups, seed, energy_cells if energy else 0)
    slot = np.where(groups.code < 0, -1, 2 * groups.code.astype(np.int64) + half)
    with make_executor(scheduler, progress, cancel) as executor:
        sums = stream_sums(
            source,
            slot,
            sampled,
            Treatment(counts_target if space == "counts" else None, value_space == "lognorm"),
            executor,
        )
        result = build(sums, groups, genes, rest, threads=1 if scheduler == "synchronous" else None)
        if energy:
            result.obs["energy_distance"] = energy_to_control(
                sums.sample, groups.code[sums.sample_cells], _control_of(groups)
            )
        notes = [*said, *groups.notes, gene_note]
        if energy:
            notes.append(
                f"Energy distances come from a random sample of at most {energy_cells:,} cells a perturbation and "
                f"{CONTROL_SAMPLE * energy_cells:,} of control, so they carry sampling error."
            )
        if sums.n_empty:
            notes.append(f"{sums.n_empty:,} cells have no counts at all; they enter the means as zeros.")
        report = AggregateReport(
            file=source.path.name,
            n_cells=source.shape[0],
            n_dropped=int((groups.code < 0).sum()),
            n_empty=sums.n_empty,
            n_genes=source.shape[1],
            n_conditions=len(set(groups.condition) - {CONTROL}),
            n_contexts=len(groups.contexts),
            value_space=space,
            notes=tuple(n for n in notes if n),
        )
        meta = _meta(report, source.element, seed, rest, counts_target, condition, control, context)
        if energy:
            meta["energy"] = {
                "cells_per_perturbation": energy_cells,
                "cells_of_control": CONTROL_SAMPLE * energy_cells,
                "sample": "random, drawn with seed_of_halves",
            }
        result.uns[META] = meta
        executor.check("saving")
    if out is not None:
        save(result, out)
    return result


def _check_request(
    seed: int, out: str | PathLike[str] | None, rest: str, counts_target: float, energy_cells: int
) -> None:
    """Refuse before the long part what would fail after it."""
    if seed < 0:
        raise AggregateError(f"The seed must not be negative, it is {seed}.")
    if rest not in ("all", "perturbed"):
        raise AggregateError(f"Unknown rest {rest!r}: compare with 'all' other cells or the other 'perturbed' ones.")
    if not counts_target > 0:
        raise AggregateError(f"Counts cannot be normalised to a total of {counts_target}: give a positive number.")
    if energy_cells < 2:
        raise AggregateError(f"An energy distance needs at least 2 cells of each perturbation, not {energy_cells}.")
    if out is not None and not Path(out).parent.is_dir():
        raise AggregateError(f"The folder {Path(out).parent} does not exist: create it or choose another.")
    if out is not None and Path(out).is_dir():
        raise AggregateError(f"{out} is a folder: give the name of an .h5ad file.")


def _control_of(groups: Groups) -> np.ndarray:
    """Control group of every group's context, -1 where there is none."""
    control = {groups.context[i]: i for i in np.flatnonzero(groups.is_control)}
    return np.array([control.get(c, -1) for c in groups.context])


def _meta(
    report: AggregateReport,
    element: str,
    seed: int,
    rest: str,
    counts_target: float,
    condition: str,
    control: str,
    context: str | None,
) -> dict[str, Any]:
    """Provenance, in scalars and strings."""
    meta: dict[str, Any] = {
        "schema": SCHEMA,
        "title": Path(report.file).stem,
        "value_space": "lognorm",
        "log_base": "e",
        "control_label": CONTROL,
        "source": {
            "adapter": "aggregate",
            "path": report.file,
            "element": element,
            "condition": condition,
            "control": control,
            "context": context or "",
        },
        "seed_of_halves": seed,
        "n_dropped_cells": report.n_dropped,
        "de": {
            "test": "t-test_overestim_var",
            "correction": "benjamini-hochberg",
            "reference": "rest" if rest == "all" else "the other perturbed cells",
            "rest": "all other cells of the context" if rest == "all" else "other perturbed cells of the context",
            "halves": "layers ending in _a and _b compare cells of one half with cells of the same half",
            "ctrl": "layers de_score_ctrl and de_padj_ctrl compare with the control cells of the context",
        },
        KEY: report.to_uns(),
    }
    if report.value_space == "counts":
        meta["target_sum"] = float(counts_target)
    return meta
