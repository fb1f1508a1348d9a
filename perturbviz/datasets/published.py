"""The published gene-level predictions of Ahlmann-Eltze, Huber & Anders 2025 (.RDS) to one benchmark file, run by run.

The file holds one run a method and split. Runs wait on disk until the truth is known; then they are aligned and written
one layer at a time, so memory stays that of the truth and two runs, however many there are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.assemble import add_prediction, build_truth
from perturbviz.benchmark import META, Benchmark, save
from perturbviz.check import plural
from perturbviz.errors import UserError
from perturbviz.readers import const_ae_rds
from perturbviz.readers.base import Loaded, Profiles


@dataclass(frozen=True)
class _Run:
    """Predictions of one method for one split, its values waiting in a file."""

    method: str
    seed: str
    values: Path
    labels: tuple[Any, ...]
    genes: tuple[str, ...]


def convert(
    rds: Path, out: Path, source: Mapping[str, str], progress: Callable[[int], object] | None = None
) -> list[str]:
    """Write the benchmark of a ``*_predictions.RDS`` (with its ``*_parameters.RDS`` beside it); returns what was done.

    Genes that some run lacks are left out of the benchmark, and runs that cannot be matched out of the methods; both are
    counted in the sentences, which also become part of the file.

    Parameters
    ----------
    source
        Provenance written into the file (licence, citation, ...), and its ``title``.
    progress
        Called with the bytes of the .RDS read so far.
    """
    with tempfile.TemporaryDirectory(prefix=".runs-", dir=out.parent) as folder:
        truth, waiting, notes = _unpack(rds, Path(folder), progress)
        truth, more = _shared_genes(truth, waiting)
        notes += more
        loaded = _loaded(rds, truth=truth, splits=const_ae_rds.splits_beside(rds), title=source.get("title", rds.stem))
        base, _ = build_truth(loaded)
        save(base.adata, out, _layers(base, waiting, rds, source, notes))
    return notes


def _layers(
    base: Benchmark, waiting: list[_Run], rds: Path, source: Mapping[str, str], notes: list[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """The layer of every run that fits the truth; completes ``notes`` and, after the last one, the truth's ``uns``."""
    methods: dict[str, Any] = {}
    written = 0
    for run in waiting:
        rows = Profiles(np.load(run.values), run.labels, run.genes)
        loaded = _loaded(rds, predictions={(run.method, run.seed): rows}, names=const_ae_rds.NAMES)
        try:
            one, _ = add_prediction(base, loaded, beside_truth=True)
            if one.adata.n_vars != base.adata.n_vars:
                raise UserError(f"some of its {len(run.genes):,} genes have no values.")
        except UserError as error:
            notes.append(f"Left out: {run.method}, split {run.seed}: {error}")
            continue
        methods |= one.meta["methods"]
        written += 1
        yield next(iter(one.layers.items()))
    if not written:
        raise UserError(f"{rds.name}: none of its runs fits the truth. {' '.join(notes)}")
    notes.append(f"{plural(written, 'run')} of {plural(len(methods), 'method')} written.")
    details = {k: v for k, v in source.items() if k != "title"}
    base.adata.uns[META] |= {"methods": methods, "source": {**details, "conversion": " ".join(notes)}}


def _unpack(
    rds: Path, folder: Path, progress: Callable[[int], object] | None
) -> tuple[Profiles, list[_Run], list[str]]:
    """The truth, the runs that wait, and sentences about runs that cannot be read."""
    waiting: list[_Run] = []
    truth, notes, datasets = None, [], set()
    for run in const_ae_rds.runs(rds, "prediction", progress):
        dataset, seed, method = const_ae_rds.name_of(run)
        datasets.add(dataset)
        if len(datasets) > 1:
            raise UserError(f"{rds.name} holds {', '.join(sorted(datasets))}: it must hold one data set.")
        if method == const_ae_rds.TRUTH and truth is not None:  # the same in every split
            continue
        try:
            rows = const_ae_rds.profiles(run, rds.name)
        except UserError as error:
            notes.append(f"Left out: {error}")
            continue
        if method == const_ae_rds.TRUTH:
            truth = rows
            continue
        path = folder / f"{len(waiting)}.npy"
        np.save(path, rows.values)
        waiting.append(_Run(method, seed, path, tuple(rows.labels), tuple(rows.genes or ())))
    if truth is None:
        raise UserError(f"{rds.name} holds no run called {const_ae_rds.TRUTH}.")
    return truth, waiting, notes


def _shared_genes(truth: Profiles, waiting: list[_Run]) -> tuple[Profiles, list[str]]:
    """The truth on the genes that every run predicts, and a sentence where that is not all of them."""
    genes = list(truth.genes or ())
    sets = {run.genes: frozenset(run.genes) for run in waiting}
    keep = [i for i, g in enumerate(genes) if all(g in s for s in sets.values())]
    if len(keep) == len(genes):
        return truth, []
    if not keep:
        raise UserError("The runs share no gene with the truth.")
    fewest = min(waiting, key=lambda run: len(sets[run.genes]))
    note = (
        f"{len(keep):,} of {len(genes):,} genes kept, those that every run predicts (fewest: {fewest.method}, "
        f"{len(sets[fewest.genes]):,})."
    )
    return Profiles(truth.values[:, keep], truth.labels, [genes[i] for i in keep]), [note]


def _loaded(rds: Path, **what: Any) -> Loaded:
    return Loaded(system=const_ae_rds.READER.id, source={"file": rds.name}, **const_ae_rds.CONVENTIONS, **what)
