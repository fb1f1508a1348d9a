"""The published *_results_predictions.RDS of Ahlmann-Eltze et al. 2025 with their *_parameters.RDS.

The predictions are an unnamed list of list(id, name, perturbation, prediction, prediction_std) with named vectors; the
parameters a list of list(id, name, parameters, test_train_labels). Run names are dataset-seed-method.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.safety import check_bytes, check_file
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
    runs = [r for r in _list(_read(file)) if isinstance(r, Mapping) and "prediction" in r]
    if not runs:
        raise UserError(f"{file.name} is no list of runs with name, perturbation and prediction.")
    datasets = {_name(r)[0] for r in runs}
    if len(datasets) > 1 and options.context not in datasets:
        raise UserError(f"{file.name} holds {', '.join(sorted(datasets))}: say which one is meant (--context NAME).")
    if options.context in datasets:
        runs = [r for r in runs if _name(r)[0] == options.context]
    truth, predictions = None, {}
    for run in runs:
        _, seed, method = _name(run)
        profiles = _profiles(run, file.name)
        if method == _TRUTH:
            truth = truth or profiles
        else:
            predictions[method, seed] = profiles
    splits = {}
    beside = file.with_name(file.name.replace("predictions", "parameters"))
    if beside.is_file() and beside != file:
        for entry in _list(_read(beside)):
            labels = entry.get("test_train_labels") if isinstance(entry, Mapping) else None
            if isinstance(labels, Mapping) and labels:
                splits[_name(entry)[1]] = from_parts({k: [*map(str, np.ravel(v))] for k, v in labels.items()})
    seeds = {s for _, s in predictions}
    return Loaded(
        truth=truth, predictions=predictions, splits={s: t for s, t in splits.items() if s in seeds},
        value_space="lognorm", separators=("+", "_"), control_labels=("",), title=file.stem,
        notes=(f"{len(runs)} runs read.",),
    )  # fmt: skip


def _read(path: Path) -> Any:
    import rdata

    check_file(path)
    check_bytes(path.name, path.stat().st_size * 4)  # what unpacking and parsing need at least
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return rdata.read_rds(path)
    except Exception as error:  # rdata raises many kinds for damaged or unknown content
        raise UserError(
            f"{path.name} cannot be read as .RDS ({type(error).__name__}): it is damaged or unusual."
        ) from error


def _list(value: Any) -> list:
    return (
        list(value.values()) if isinstance(value, Mapping) else list(value) if isinstance(value, list | tuple) else []
    )


def _name(run: Mapping) -> tuple[str, str, str]:
    """Data set, seed and method of "dataset-seed-method"."""
    parts = str(np.ravel(run["name"])[0]).split("-")
    if len(parts) < 3:
        return "", "", parts[-1]
    return "-".join(parts[:-2]), parts[-2], parts[-1]


def _profiles(run: Mapping, file: str) -> Profiles:
    """One run: a list of named vectors, one a perturbation, on the genes they share in order of the first."""
    labels = [*map(str, np.ravel(run["perturbation"]))]
    vectors = _list(run["prediction"])
    if len(vectors) == 1 and isinstance(vectors[0], Mapping | list):
        vectors = _list(vectors[0])
    if len(vectors) != len(labels):
        raise UserError(f"{file}, run {run['name']}: {len(vectors)} predictions for {len(labels)} perturbations.")
    genes: list[str] = []
    rows = []
    for vector in vectors:
        names, values = _named(vector, file)
        if not genes:
            genes = names
        if names == genes:
            rows.append(values)
        else:
            at = dict(zip(names, values, strict=True))
            rows.append(np.array([at.get(g, np.nan) for g in genes], np.float32))
    return Profiles(np.array(rows, np.float32), labels, genes)


def _named(vector: Any, file: str) -> tuple[list[str], np.ndarray]:
    if (
        hasattr(vector, "coords") and vector.ndim == 1 and len(vector.coords) == 1
    ):  # xarray, as rdata gives named vectors
        return [*map(str, next(iter(vector.coords.values())).values)], np.asarray(vector.values, np.float32)
    raise UserError(f"{file}: a prediction is no vector with gene names.")


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
