"""The published *_results_predictions.RDS of Ahlmann-Eltze et al. 2025 with their *_parameters.RDS.

The predictions are an unnamed list of list(id, name, perturbation, prediction, prediction_std) with named vectors; the
parameters a list of list(id, name, parameters, test_train_labels). Run names are dataset-seed-method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.nature_methods import METHODS
from perturbviz.readers.rds import RVector, iterate_rds
from perturbviz.readers.splitfile import from_parts
from perturbviz.safety import check_file

TRUTH = "ground_truth"
#: Method -> display name; the published baselines are told apart from the ones computed here.
NAMES = {
    "additive_model": "Additive (published)",
    "no_change": "No change (published)",
    "lpm": "Linear model (published)",
    **{m: name for m, name in METHODS.values() if "published" not in m},
}
#: How these files label conditions and what their numbers are.
CONVENTIONS: dict[str, Any] = {"value_space": "lognorm", "separators": ("+", "_"), "control_labels": ("",)}


def recognise(path: Path) -> bool:
    """An .RDS file, or a folder with one."""
    return (path.is_file() and path.suffix.lower() == ".rds") or (
        path.is_dir() and any(path.glob("*predictions.[Rr][Dd][Ss]"))
    )


def read(path: Path, options: Options) -> Loaded:
    """Every run of the file: the truth, and one prediction a method and seed."""
    file = prediction_file(path)
    truth, predictions, datasets, n = None, {}, set(), 0
    for run in runs(file, "prediction"):
        dataset, seed, method = name_of(run)
        datasets.add(dataset)
        if options.context and options.context != dataset:
            continue
        n += 1
        if len(datasets) > 1 and not options.context:
            raise UserError(
                f"{file.name} holds {', '.join(sorted(datasets))}: say which one is meant (--context NAME)."
            )
        if method != TRUTH:
            predictions[method, seed] = profiles(run, file.name)
        elif truth is None:  # the same in every seed
            truth = profiles(run, file.name)
    if not n:
        raise UserError(f"{file.name} holds {', '.join(sorted(datasets))} and no {options.context!r} (--context).")
    seeds = {s for _, s in predictions}
    return Loaded(
        truth=truth,
        predictions=predictions,
        names=NAMES,
        title=file.stem,
        notes=(f"{n} runs read.",),
        splits={s: t for s, t in splits_beside(file, options.context).items() if s in seeds},
        **CONVENTIONS,
    )


def prediction_file(path: Path) -> Path:
    """The file of predictions of a folder, or the file itself."""
    return next(iter(sorted(path.glob("*predictions.[Rr][Dd][Ss]"))), path) if path.is_dir() else path


def splits_beside(file: Path, dataset: str = "") -> dict[str, dict[Any, str]]:
    """Seed -> {label: part} of the *_parameters.RDS beside a file of predictions; none where there is none."""
    beside = file.with_name(file.name.replace("predictions", "parameters"))
    splits: dict[str, dict[Any, str]] = {}
    if not beside.is_file() or beside == file:
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
    """One run: a list of named vectors, one a perturbation, on the genes of the first."""
    label = "-".join(name_of(run))
    vectors = run.get("prediction")
    labels = run.get("perturbation").values if run.get("perturbation") else vectors.names
    if not isinstance(vectors.values, list) or labels is None or len(labels) != len(vectors.values):
        raise UserError(f"{file}, run {label}: the predictions do not fit the perturbations.")
    genes = next((v.names for v in vectors.values if isinstance(v, RVector)), None)
    if genes is None:
        raise UserError(f"{file}, run {label}: the predictions have no gene names.")
    out = np.full((len(labels), len(genes)), np.nan, np.float32)
    for i, vector in enumerate(vectors.values):
        if not isinstance(vector, RVector):  # NULL: not predicted
            continue
        if vector.names is genes or vector.names == genes:
            out[i] = vector.values
        else:
            at = dict(zip(vector.names or (), vector.values, strict=True))
            out[i] = [at.get(g, np.nan) for g in genes]
    return Profiles(out, list(labels), list(genes))


READER = Reader(
    id="const-ae-rds",
    name="Ahlmann-Eltze et al. collected .RDS",
    summary="*_results_predictions.RDS (with *_parameters.RDS beside it): truth and all runs in one file.",
    separator='"+" or "_" (only between known targets); "" is control',
    value_space="lognorm",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
