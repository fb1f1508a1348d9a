"""The published *_results_predictions.RDS of Ahlmann-Eltze et al. 2025 with their *_parameters.RDS.

The predictions are an unnamed list of list(id, name, perturbation, prediction, prediction_std) with named vectors; the
parameters a list of list(id, name, parameters, test_train_labels). Run names are dataset-seed-method.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.rds import RVector, read_rds
from perturbviz.readers.safety import check_file
from perturbviz.readers.splitfile import from_parts

_TRUTH = "ground_truth"


def recognise(path: Path) -> bool:
    """An .RDS file, or a folder with one."""
    return (path.is_file() and path.suffix.lower() == ".rds") or (
        path.is_dir() and any(path.glob("*predictions.[Rr][Dd][Ss]"))
    )


def read(path: Path, options: Options) -> Loaded:
    """Every run of the file: the truth, and one prediction a method and seed."""
    file = next(iter(sorted(path.glob("*predictions.[Rr][Dd][Ss]"))), path) if path.is_dir() else path
    runs = _runs(file, "prediction")
    datasets = {_name(r)[0] for r in runs}
    if len(datasets) > 1 and options.context not in datasets:
        raise UserError(f"{file.name} holds {', '.join(sorted(datasets))}: say which one is meant (--context NAME).")
    if options.context in datasets:
        runs = [r for r in runs if _name(r)[0] == options.context]
    truth, predictions = None, {}
    for run in runs:
        _, seed, method = _name(run)
        if method != _TRUTH:
            predictions[method, seed] = _profiles(run, file.name)
        elif truth is None:  # the same in every seed
            truth = _profiles(run, file.name)
    splits = {}
    beside = file.with_name(file.name.replace("predictions", "parameters"))
    if beside.is_file() and beside != file:
        for entry in _runs(beside, "test_train_labels"):
            labels = entry.get("test_train_labels")
            splits[_name(entry)[1]] = from_parts(
                {part: v.values for part, v in zip(labels.names, labels.values, strict=True) if isinstance(v, RVector)}
            )
    seeds = {s for _, s in predictions}
    return Loaded(
        truth=truth, predictions=predictions, splits={s: t for s, t in splits.items() if s in seeds},
        value_space="lognorm", separators=("+", "_"), control_labels=("",), title=file.stem,
        notes=(f"{len(runs)} runs read.",),
    )  # fmt: skip


def _runs(path: Path, needed: str) -> list[RVector]:
    """Entries of the list that have what is needed."""
    check_file(path)
    content = read_rds(path)
    entries = content.values if isinstance(content, RVector) and isinstance(content.values, list) else []
    runs = [r for r in entries if isinstance(r, RVector) and isinstance(r.get(needed), RVector) and r.get("name")]
    if not runs:
        raise UserError(f"{path.name} is no list of runs with name and {needed}.")
    return runs


def _name(run: RVector) -> tuple[str, str, str]:
    """Data set, seed and method of "dataset-seed-method"."""
    dataset, seed, method = (str(run.get("name").values[0]).split("-", 2) + ["", ""])[:3]
    return dataset, seed, method


def _profiles(run: RVector, file: str) -> Profiles:
    """One run: a list of named vectors, one a perturbation, on the genes of the first."""
    label = "-".join(_name(run))
    vectors = run.get("prediction")
    labels = run.get("perturbation").values if run.get("perturbation") else vectors.names
    if not isinstance(vectors.values, list) or labels is None or len(labels) != len(vectors.values):
        raise UserError(f"{file}, run {label}: the predictions do not fit the perturbations.")
    genes = vectors.values[0].names if vectors.values and isinstance(vectors.values[0], RVector) else None
    if genes is None:
        raise UserError(f"{file}, run {label}: the predictions have no gene names.")
    out = np.full((len(labels), len(genes)), np.nan, np.float32)
    for i, vector in enumerate(vectors.values):
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
