"""The whole road: a file of cells in, a pseudobulk benchmark out.

The file is read once (twice if it holds counts in column-compressed form). Counts are brought to the same total per
cell and log1p-transformed before averaging: the mean of logs, not the log of the mean.

The benchmark is conditions x genes: ``X`` mean; layers ``se`` (ddof 1), ``half_a``, ``half_b``, and for all cells and
each half (suffix ``_a``, ``_b``) ``de_score`` and ``de_padj`` against the rest, ``de_score_ctrl`` and ``de_padj_ctrl``
against control; ``varm["control_mean"]``. A half is compared with cells of the same half only. Undefined values are
NaN: a condition of one cell has a mean and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark import META, SCHEMA, save
from perturbviz.benchmark.perturbations import CONTROL, is_control
from perturbviz.benchmark.rows import differing, differing_sentence, tells_apart
from perturbviz.cells.build import build
from perturbviz.cells.energy import energy_to_control
from perturbviz.cells.errors import AggregateError, EmptyCellError
from perturbviz.cells.execute import Cancel, Executor, Progress, make_executor
from perturbviz.cells.genes import gene_axis
from perturbviz.cells.labels import CONTROL_SAMPLE, Groups, make_groups, random_halves
from perturbviz.cells.report import KEY, AggregateReport
from perturbviz.cells.source import BYTES_PER_BLOCK, CellSource, open_cells
from perturbviz.cells.stream import Treatment, stream_sums
from perturbviz.cells.values import cells_without_value, choose_space


@dataclass(frozen=True)
class Request:
    """What is to be made of a file of cells.

    Attributes
    ----------
    condition, context
        obs columns with the perturbation and, optionally, with what keeps cells apart (cell line, donor, ...).
        Cells without a label are dropped and counted.
    control
        Label of the unperturbed cells in the condition column, or several; "NT-*" stands for all that begin so.
    seed
        Decides which cells form half A and half B (and the sample for energy distances).
    energy, energy_cells
        Whether to add obs column ``energy_distance``: distance to the control cells of the context, from at most so
        many random cells of a perturbation and five times as many of control.
    value_space
        "counts" or "lognorm"; None to go by the values. What is declared is done, and noted where the values look
        otherwise; but no logarithm is taken of values that are logarithms for certain.
    counts_target
        Total per cell that counts are normalised to.
    rest
        Whom ``de_score`` compares with: "all" other cells of the context, control included (scanpy's "rest"), or
        the other "perturbed" cells only (Miller et al. 2025 leave control out).
    """

    condition: str
    control: str | Sequence[str]
    context: str | None
    seed: int
    energy: bool
    energy_cells: int
    value_space: str | None
    counts_target: float
    rest: str

    def check(self) -> None:
        """Refuse before the long part what would fail after it."""
        rest, total, cells = self.rest, self.counts_target, self.energy_cells
        if self.seed < 0:
            raise AggregateError(f"The seed must not be negative, it is {self.seed}.")
        if rest not in ("all", "perturbed"):
            raise AggregateError(
                f"Unknown rest {rest!r}: compare with 'all' other cells or the other 'perturbed' ones."
            )
        if not total > 0:
            raise AggregateError(f"Counts cannot be normalised to a total of {total}: give a positive number.")
        if cells < 2:
            raise AggregateError(f"An energy distance needs at least 2 cells of each perturbation, not {cells}.")


def aggregate(
    path: str | PathLike[str],
    *,
    condition: str,
    control: str | Sequence[str],
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
    sep: str | None = None,
    not_control: Sequence[str] = (),
    shared_control: bool = False,
    rest: str = "all",
    bytes_per_block: int = BYTES_PER_BLOCK,
) -> AnnData:
    """Means, standard errors, halves and DE of every condition from a file of single cells larger than memory.

    What is in the result is told at the top of ``perturbviz.cells.pipeline``; what was understood of the file is
    :func:`read_report` of it. Parameters that are not named here are those of :class:`Request`.

    Parameters
    ----------
    path
        Cells x genes, ``.h5ad`` or ``.zarr``; sparse (CSR, CSC) or dense; counts or log-normalised.
    scheduler
        None or "threads": threads of this process; "synchronous": one thread; "tcp://host:port" or a connected
        ``distributed.Client``: a Dask cluster whose workers see ``path``. Results agree to rounding.
    out
        Where to save the benchmark; written only when complete.
    progress, cancel
        Called with the fraction done and what is being done, on the calling thread; an event-like flag that ends it.
    layer, sep
        Layer (or "raw") to use instead of ``X``; separator between the targets of a combination in the condition
        column, "" = never split, None = "+", or "_" between known names.
    not_control, shared_control
        Labels that do not mean control, although they usually do; whether the control cells of one context serve
        those that have none.
    bytes_per_block
        Size of what is read at once, a bound on memory.

    Raises
    ------
    AggregateError
        With one sentence, if the file or the request is wrong; :class:`AggregateCancelledError` if cancelled.
    """
    asked = Request(condition, control, context, seed, energy, energy_cells, value_space, counts_target, rest)
    asked.check()
    _check_place(out)
    source = open_cells(Path(path), layer, bytes_per_block)
    understood = _labelled(asked, source, sep, not_control, shared_control)
    return _run(source, understood, scheduler, progress, cancel, out)


def _labelled(
    asked: Request, source: CellSource, sep: str | None, not_control: Sequence[str], shared_control: bool
) -> Callable[[np.ndarray | None], _Understood]:
    """What is understood of a file, given which of its cells (bool) turned out to be empty; None: none."""
    labels = source.column(asked.condition)
    genes, gene_note = gene_axis(source.var())
    names = frozenset(map(str, genes.index)) | frozenset(genes["symbol"].astype(str))
    contexts = source.column(asked.context) if asked.context else None

    def understood(empty: np.ndarray | None) -> _Understood:
        groups = make_groups(labels, asked.control, contexts, sep, names, not_control, shared_control)
        space, said = choose_space(source, asked.value_space, empty)
        said = (*said, *_differing(source, asked, labels))
        if empty is not None:
            groups = replace(groups, code=np.where(empty, -1, groups.code).astype(groups.code.dtype))
            named = ", ".join(np.array(source.names("obs"))[empty][:5])
            n = int(empty.sum())
            said = (*said, f"{n:,} cell{'s' * (n != 1)} without any value (NaN) left out: {named}.")
        return _Understood(asked, source, groups, genes, gene_note, space, said)

    return understood


def _run(
    source: CellSource,
    understood: Callable[[np.ndarray | None], _Understood],
    scheduler: Any,
    progress: Progress | None,
    cancel: Cancel | None,
    out: str | PathLike[str] | None,
) -> AnnData:
    """The benchmark, saved where that is wanted; a second pass leaves out empty cells where there are any."""
    with make_executor(scheduler, progress, cancel) as executor:
        threads = 1 if scheduler == "synchronous" else None
        try:
            result = _benchmark(understood(None), executor, threads)
        except EmptyCellError:
            result = _benchmark(understood(cells_without_value(source)), executor, threads)
        executor.check("saving")
    if out is not None:
        save(result, out)
    return result


def _differing(source: CellSource, asked: Request, labels: pd.Series) -> list[str]:
    """A sentence where cells of one label differ in a column that is not the context, such as the dose."""
    columns = {c: source.column(c).to_numpy() for c in source.columns if tells_apart(c)}
    table = pd.DataFrame(columns | {asked.condition: labels.to_numpy()})
    named = (asked.control,) if isinstance(asked.control, str) else tuple(asked.control)
    control = np.array([is_control(str(v), named) for v in labels])
    found = differing(table, asked.condition, asked.context or "", control)
    return [differing_sentence(source.path.name, found)] if found else []


def _check_place(out: str | PathLike[str] | None) -> None:
    """Refuse a place where nothing can be saved."""
    if out is not None and not Path(out).parent.is_dir():
        raise AggregateError(f"The folder {Path(out).parent} does not exist: create it or choose another.")
    if out is not None and Path(out).is_dir():
        raise AggregateError(f"{out} is a folder: give the name of an .h5ad file.")


@dataclass(frozen=True, eq=False)
class _Understood:
    """What was asked, and what was understood of the file before any value was added up."""

    asked: Request
    source: CellSource
    groups: Groups
    genes: pd.DataFrame
    gene_note: str
    space: str
    said: tuple[str, ...]


def _benchmark(what: _Understood, executor: Executor, threads: int | None) -> AnnData:
    """The benchmark with its provenance, from one pass over the cells."""
    asked, groups = what.asked, what.groups
    half, sampled = random_halves(groups, asked.seed, asked.energy_cells if asked.energy else 0)
    slot = np.where(groups.code < 0, -1, 2 * groups.code.astype(np.int64) + half)
    treatment = Treatment(asked.counts_target if what.space == "counts" else None, asked.value_space == "lognorm")
    sums = stream_sums(what.source, slot, sampled, treatment, executor)
    result = build(sums, groups, what.genes, asked.rest, threads=threads)
    notes = [*what.said, *groups.notes, what.gene_note]
    if asked.energy:
        code = groups.code[sums.sample_cells]
        result.obs["energy_distance"] = energy_to_control(sums.sample, code, _control_of(groups))
        notes.append(
            f"Energy distances come from a random sample of at most {asked.energy_cells:,} cells a perturbation and "
            f"{CONTROL_SAMPLE * asked.energy_cells:,} of control, so they carry sampling error."
        )
    result.uns[META] = _meta(asked, _report(what.source, groups, sums.n_empty, what.space, notes), what.source.element)
    return result


def _report(source: CellSource, groups: Groups, n_empty: int, space: str, notes: list[str]) -> AggregateReport:
    """What was understood of the file."""
    if n_empty:
        notes = [*notes, f"{n_empty:,} cells have no counts at all; they enter the means as zeros."]
    return AggregateReport(
        file=source.path.name,
        n_cells=source.shape[0],
        n_dropped=int((groups.code < 0).sum()),
        n_empty=n_empty,
        n_genes=source.shape[1],
        n_conditions=len(set(groups.condition) - {CONTROL}),
        n_contexts=len(groups.contexts),
        value_space=space,
        notes=tuple(n for n in notes if n),
    )


def _control_of(groups: Groups) -> np.ndarray:
    """Control group of every group's context, the largest of several; -1 where there is none."""
    control = {}
    for context in groups.contexts:
        rows = groups.control_of(context)
        control[context] = int(rows[np.argmax(groups.size[rows])]) if len(rows) else -1
    return np.array([control[c] for c in groups.context])


def _meta(asked: Request, report: AggregateReport, element: str) -> dict[str, Any]:
    """Provenance, in scalars and strings."""
    everyone = asked.rest == "all"
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
            "condition": asked.condition,
            "control": asked.control if isinstance(asked.control, str) else ", ".join(asked.control),
            "context": asked.context or "",
        },
        "seed_of_halves": asked.seed,
        "n_dropped_cells": report.n_dropped,
        "de": {
            "test": "t-test_overestim_var",
            "correction": "benjamini-hochberg",
            "reference": "rest" if everyone else "the other perturbed cells",
            "rest": "all other cells of the context" if everyone else "other perturbed cells of the context",
            "halves": "layers ending in _a and _b compare cells of one half with cells of the same half",
            "ctrl": "layers de_score_ctrl and de_padj_ctrl compare with the control cells of the context",
        },
        KEY: report.to_uns(),
    }
    if report.value_space == "counts":
        meta["target_sum"] = float(asked.counts_target)
    if asked.energy:
        meta["energy"] = {
            "cells_per_perturbation": asked.energy_cells,
            "cells_of_control": CONTROL_SAMPLE * asked.energy_cells,
            "sample": "random, drawn with seed_of_halves",
        }
    return meta
