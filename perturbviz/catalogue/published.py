"""The published gene-level predictions of Ahlmann-Eltze, Huber & Anders 2025 (.RDS) to one benchmark file, run by run.

The file holds one run a method and split. Runs wait on disk until the truth is known; then they are aligned and written
one layer at a time, so memory stays that of the truth and two runs, however many there are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from anndata.io import read_elem

from perturbviz.benchmark import META, Benchmark, save
from perturbviz.benchmark.benchmark import LEFT_OUT
from perturbviz.errors import UserError
from perturbviz.readers import const_ae_rds
from perturbviz.readers.alignment import unique_names
from perturbviz.readers.assemble import add_prediction, build_truth
from perturbviz.readers.assemble.prediction import gene_costs, without
from perturbviz.readers.base import Loaded, Profiles, run_name
from perturbviz.readers.check import plural
from perturbviz.readers.const_ae_rds import NAMES


class NoSuchMethod(UserError):
    """A method that is to be left out is not in the file; the file itself is whole."""


@dataclass(frozen=True)
class _Run:
    """Predictions of one method for one split, its values waiting in a file; genes are told apart by .1, .2, ..."""

    method: str
    seed: str
    values: Path
    labels: tuple[Any, ...]
    genes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return run_name(NAMES.get(self.method, self.method), self.seed)


@dataclass
class _Work:
    """What is found on the way: the truth, the runs that wait, and sentences."""

    truth: Profiles | None = None
    layers: dict[str, np.ndarray] = field(default_factory=dict)
    waiting: list[_Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def convert(
    rds: Path,
    out: Path,
    source: Mapping[str, str],
    progress: Callable[[int], object] | None = None,
    leave_out: Sequence[str] = (),
) -> None:
    """Write the benchmark of a ``*_predictions.RDS`` (with its ``*_parameters.RDS`` beside it).

    Genes that some run lacks are left out of the benchmark, and runs that cannot be matched out of the methods; both
    are said in the source of the benchmark, see :func:`said_of`.

    Parameters
    ----------
    source
        Provenance written into the file (licence, citation, ...), and its ``title``.
    progress
        Called with the bytes of the .RDS read so far.
    leave_out
        Methods, by id or name, that are not wanted.
    """
    with tempfile.TemporaryDirectory(prefix=".runs-", dir=out.parent) as folder:
        work = _unpack(rds, Path(folder), progress)
        _drop(work, leave_out)
        truth, layers = _shared_genes(work)
        loaded = _loaded(
            rds,
            truth=truth,
            layers=layers,
            splits=const_ae_rds.splits_beside(rds),
            title=source.get("title", rds.stem),
        )
        base, _ = build_truth(loaded)
        save(base.adata, out, _layers(base, work, rds, source))


def said_of(path: Path) -> tuple[list[str], str]:
    """What the conversion left out (one sentence a run) and what else it did, as a converted file says."""
    with h5py.File(path, "r") as file:
        source = read_elem(file[f"uns/{META}/source"])
    return [line for line in str(source.get(LEFT_OUT, "")).splitlines() if line], str(source.get("conversion", ""))


def _layers(base: Benchmark, work: _Work, rds: Path, source: Mapping[str, str]) -> Iterator[tuple[str, np.ndarray]]:
    """The layer of every run that fits the truth; after the last one completes the truth's ``uns``."""
    methods: dict[str, Any] = {}
    written = 0
    for run in work.waiting:
        rows = Profiles(np.load(run.values), run.labels, run.genes)
        loaded = _loaded(rds, predictions={(run.method, run.seed): rows}, names=NAMES)
        try:
            one, _ = add_prediction(base, loaded, beside_truth=True)
        except UserError as error:
            work.left_out.append(f"{run.name} is left out: {error}")
            continue
        methods |= one.meta["methods"]
        written += 1
        yield next((k, m) for k, m in one.layers.items() if k.startswith("pred__"))
    if not written:
        raise UserError(f"{rds.name}: none of its runs fits the truth. {' '.join(work.left_out)}")
    work.notes.append(f"{plural(written, 'run')} of {plural(len(methods), 'method')} written.")
    details = {k: v for k, v in source.items() if k != "title"} | {"conversion": " ".join(work.notes)}
    if work.left_out:
        details[LEFT_OUT] = "\n".join(work.left_out)
    base.adata.uns[META] |= {"methods": methods, "source": details}


def _unpack(rds: Path, folder: Path, progress: Callable[[int], object] | None) -> _Work:
    """The truth and the runs, their values written to a folder."""
    work, datasets = _Work(), set()
    for run in const_ae_rds.runs(rds, "prediction", progress):
        dataset, seed, method = const_ae_rds.name_of(run)
        datasets.add(dataset)
        if len(datasets) > 1:
            raise UserError(f"{rds.name} holds {', '.join(sorted(datasets))}: it must hold one data set.")
        if method == const_ae_rds.TRUTH:
            if work.truth is None:  # the same in every split
                work.truth, work.layers, more = const_ae_rds.truth_of(run, rds)
                work.notes += more
            continue
        try:
            rows = const_ae_rds.profiles(run, rds.name)
        except UserError as error:
            work.left_out.append(f"{run_name(NAMES.get(method, method), seed)} is left out: {error}")
            continue
        genes, _ = unique_names(rows.genes or ())
        have = ~np.isnan(rows.values).all(axis=0)
        path = folder / f"{len(work.waiting)}.npy"
        np.save(path, rows.values[:, have])
        kept = tuple(g for g, h in zip(genes, have, strict=True) if h)
        work.waiting.append(_Run(method, seed, path, tuple(rows.labels), kept))
    if work.truth is None:
        raise UserError(f"{rds.name} holds no run called {const_ae_rds.TRUTH}.")
    work.notes += const_ae_rds.absent(run.method for run in work.waiting)
    return work


def _drop(work: _Work, leave_out: Sequence[str]) -> None:
    """Forget the methods that are not wanted."""
    methods = {run.method for run in work.waiting}
    gone, unknown = without(methods, NAMES, leave_out)
    if unknown:
        raise NoSuchMethod(f"There is no method {unknown[0]!r} to leave out; there are: {', '.join(sorted(methods))}.")
    work.waiting = [run for run in work.waiting if run.method not in gone]
    if gone:
        work.notes.append(f"Not wanted: {', '.join(sorted(NAMES.get(m, m) for m in gone))}.")


def _shared_genes(work: _Work) -> tuple[Profiles, dict[str, np.ndarray]]:
    """The truth and its layers on the genes that every run predicts; a note where that is not all of them."""
    truth = work.truth
    assert truth is not None
    genes, repeated = unique_names(truth.genes or ())
    if repeated:
        work.notes.append(f"{plural(len(repeated), 'gene name')} repeated: occurrences are told apart by .1, .2, ...")
    lacking: dict[str, set[str]] = {}
    for run in work.waiting:
        name = NAMES.get(run.method, run.method)
        lacking[name] = lacking.get(name, set()) | (set(genes) - set(run.genes))
    gone = set().union(*lacking.values())
    keep = [i for i, g in enumerate(genes) if g not in gone]
    if not keep:
        raise UserError("The runs share no gene with the truth.")
    if gone:
        work.notes.append(gene_costs(lacking, len(genes)))
    kept = replace(truth, values=truth.values[:, keep], genes=[genes[i] for i in keep])
    return kept, {k: m[:, keep] for k, m in work.layers.items()}


def _loaded(rds: Path, **what: Any) -> Loaded:
    return Loaded(system=const_ae_rds.READER.id, source={"file": rds.name}, **const_ae_rds.CONVENTIONS, **what)
