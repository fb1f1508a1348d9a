"""The published *_results_predictions.RDS of Ahlmann-Eltze et al. 2025 with their *_parameters.RDS.

The predictions are an unnamed list of list(id, name, perturbation, prediction, prediction_std) with named vectors; the
parameters a list of list(id, name, parameters, test_train_labels). Run names are dataset-seed-method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.alignment import unique_names
from perturbviz.readers.base import Loaded, Options, Profiles, Reader, run_name
from perturbviz.readers.check import plural
from perturbviz.readers.const_ae import cells, standard_errors
from perturbviz.readers.nature_methods import METHODS
from perturbviz.readers.rds import RVector, iterate_rds
from perturbviz.readers.safety import check_file
from perturbviz.readers.splitfile import from_parts

TRUTH = "ground_truth"
#: Method -> display name; the published baselines are told apart from the ones computed here.
NAMES = {method: name for method, (_, name) in METHODS.items()}
#: How these files label conditions and what their numbers are.
CONVENTIONS: dict[str, Any] = {"value_space": "lognorm", "separators": ("+", "_"), "control_labels": ("",)}
_PATTERN = "*predictions.[Rr][Dd][Ss]"


def recognise(path: Path) -> bool:
    """An .RDS file, or a folder with one."""
    return (path.is_file() and path.suffix.lower() == ".rds") or (path.is_dir() and any(path.glob(_PATTERN)))


def read(path: Path, options: Options) -> Loaded:
    """Every run of one data set: the truth, and one prediction a method and seed."""
    file = prediction_file(path, options.context)
    truth, n = None, 0
    layers: dict[str, np.ndarray] = {}
    predictions: dict[tuple[str, str], Profiles] = {}
    found: list[str] = []
    notes: list[str] = []
    left_out: dict[str, str] = {}
    for run in runs(file, "prediction"):
        dataset, seed, method = name_of(run)
        found += [dataset] if dataset not in found else []
        if options.context and options.context != dataset:
            continue
        if len(found) > 1 and not options.context:
            raise UserError(f"{file.name} holds {_and(datasets_of(file))}: say which one is meant (--context NAME).")
        n += 1
        if method != TRUTH:
            try:
                predictions[method, seed] = profiles(run, file.name)
            except UserError as error:
                left_out[run_name(NAMES.get(method, method), seed)] = str(error)
        elif truth is None:  # the same in every seed
            truth, layers, notes = truth_of(run, file)
    if not n:
        raise UserError(f"{file.name} holds {_and(found)} and no {options.context!r} (--context).")
    seeds = {s for _, s in predictions}
    return Loaded(
        truth=truth,
        layers=layers,
        predictions=predictions,
        names=NAMES,
        title=file.stem,
        notes=(f"{plural(n, 'run')} read.", *notes, *absent(m for m, _ in predictions)),
        left_out=left_out,
        splits={s: t for s, t in splits_beside(file, options.context).items() if s in seeds},
        **CONVENTIONS,
    )


def absent(methods: Iterable[str]) -> list[str]:
    """Say that methods of the paper's figures that are in no file are computed here."""
    have = set(methods)
    out = []
    if "no_change" not in have:
        out.append("No change is not in this file: it is computed here, as the other simple baselines are.")
    if not any(m.startswith("lpm") for m in have):
        out.append("The paper's linear model is not in this file: the Linear model page fits one.")
    return out


def prediction_file(path: Path, dataset: str = "") -> Path:
    """The file of predictions itself, or that of a folder: the one that holds a data set where there are several."""
    files = sorted(path.glob(_PATTERN)) if path.is_dir() else [path]
    if len(files) < 2:
        return files[0] if files else path
    held = {file: datasets_of(file) for file in files}
    fits = [file for file, names in held.items() if dataset in names]
    if len(fits) == 1:
        return fits[0]
    listed = "; ".join(f"{file.name}: {_and(names)}" for file, names in held.items())
    if dataset:
        raise UserError(
            f"{path.name} holds {'several files' if fits else 'no file'} with {dataset!r} (--context): {listed}."
        )
    raise UserError(
        f"{path.name} holds {listed}: say which data set is meant (--context NAME), or give one of the files."
    )


def datasets_of(file: Path) -> list[str]:
    """Data sets of a file of predictions, by the small file of parameters beside it where there is one."""
    beside = parameters_file(file)
    entries = runs(beside, "test_train_labels") if beside else runs(file, "prediction")
    return list(dict.fromkeys(name_of(entry)[0] for entry in entries))


def parameters_file(file: Path) -> Path | None:
    """The ``*_parameters.RDS`` beside a file of predictions."""
    beside = file.with_name(file.name.replace("predictions", "parameters"))
    return beside if beside.is_file() and beside != file else None


def _and(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))


def splits_beside(file: Path, dataset: str = "") -> dict[str, dict[Any, str]]:
    """Seed -> {label: part} of the *_parameters.RDS beside a file of predictions; none where there is none."""
    beside = parameters_file(file)
    splits: dict[str, dict[Any, str]] = {}
    if beside is None:
        return splits
    for entry in runs(beside, "test_train_labels"):
        name, seed, _ = name_of(entry)
        labels = entry.get("test_train_labels")
        if seed in splits or (dataset and dataset != name):
            continue
        splits[seed] = from_parts(
            {
                part: v.values
                for part, v in zip(labels.names or (), labels.values, strict=False)
                if isinstance(v, RVector)
            }
        )
    return splits


def runs(path: Path, needed: str, progress: Callable[[int], object] | None = None) -> Iterator[RVector]:
    """Entries of the list that have what is needed, one in memory at a time; refused where there is none."""
    check_file(path)
    found = False
    for run in iterate_rds(path, progress):
        if isinstance(run, RVector) and isinstance(run.get(needed), RVector) and isinstance(run.get("name"), RVector):
            found = True
            yield run
    if not found:
        raise UserError(f"{path.name} is no list of runs with name and {needed}.")


def name_of(run: RVector) -> tuple[str, str, str]:
    """Data set, seed and method of "dataset-seed-method"."""
    dataset, seed, method = (str(run.get("name").values[0]).split("-", 2) + ["", ""])[:3]
    return dataset, seed, method


def profiles(run: RVector, file: str) -> Profiles:
    """One run: a list of named vectors, one a perturbation, on the genes of the first.

    A symbol that occurs twice is matched in its order: the first to the first.
    """
    label = "-".join(name_of(run))
    vectors = run.get("prediction")
    labels = run.get("perturbation").values if run.get("perturbation") else vectors.names
    if not isinstance(vectors.values, list) or labels is None or len(labels) != len(vectors.values):
        raise UserError(f"{file}, run {label}: the predictions do not fit the perturbations.")
    genes = next((v.names for v in vectors.values if isinstance(v, RVector)), None)
    if genes is None:
        raise UserError(f"{file}, run {label}: the predictions have no gene names.")
    told_apart, _ = unique_names(genes)
    out = np.full((len(labels), len(genes)), np.nan, np.float32)
    for i, vector in enumerate(vectors.values):
        if not isinstance(vector, RVector):  # NULL: not predicted
            continue
        if vector.names is genes or vector.names == genes:
            out[i] = vector.values
        else:
            at = dict(zip(unique_names(vector.names or ())[0], vector.values, strict=True))
            out[i] = [at.get(g, np.nan) for g in told_apart]
    return Profiles(out, list(labels), list(genes))


def truth_of(run: RVector, file: Path) -> tuple[Profiles, dict[str, np.ndarray], list[str]]:
    """The measured run: rows, the layer of standard errors where the numbers of cells are known, and sentences."""
    rows = profiles(run, file.name)
    n_cells = cells(file.parent, list(rows.labels))
    rows = replace(rows, n_cells=n_cells)
    spread = run.get("prediction_std")
    if not isinstance(spread, RVector) or not isinstance(spread.values, list):
        return rows, {}, []
    n_genes = len(rows.genes or ())
    published = np.full((len(rows.labels), n_genes), np.nan, np.float32)
    row = {name: i for i, name in enumerate(rows.labels)}
    for name, vector in zip(spread.names or rows.labels, spread.values, strict=False):
        if name in row and isinstance(vector, RVector) and len(vector.values) == n_genes:
            published[row[name]] = vector.values  # without gene names, in the order of the run
    se, note = standard_errors(published, n_cells, "prediction_std")
    return rows, {} if se is None else {"se": se}, [note]


READER = Reader(
    id="const-ae-rds",
    name="Ahlmann-Eltze et al. collected .RDS",
    summary="*_results_predictions.RDS (*_parameters.RDS beside it): truth and all runs; --context names the data set.",
    separator='"+" or "_" (only between known targets); "" is control',
    value_space="lognorm",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
