"""PEREGGRN: outputs/conditions.csv with predictions/{i}.h5ad (row i = one run), and test.h5ad as truth."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.cells import read_rows
from perturbviz.readers.hdf5 import H5ad, obs_columns, peek
from perturbviz.readers.safety import check_text

_MARK = "expression_level_after_perturbation"


def _outputs(path: Path) -> Path | None:
    for folder in (path, path / "outputs"):
        if (folder / "conditions.csv").is_file() and (folder / "predictions").is_dir():
            return folder
    return None


def recognise(path: Path) -> bool:
    """An experiment's folder, or an .h5ad in its format."""
    if path.is_dir():
        return _outputs(path) is not None
    with peek(path) as file:
        return _MARK in obs_columns(file)


def read(path: Path, options: Options) -> Loaded:
    """Every run that finished, named by what differs between the rows of conditions.csv; or one file."""
    folder = _outputs(path) if path.is_dir() else None
    if folder is None:
        profiles, layers, notes = _rows(path, options)
        return _loaded(path.stem, truth=profiles, layers=layers, notes=notes)
    check_text(folder / "conditions.csv")
    table = pd.read_csv(folder / "conditions.csv", dtype=str).fillna("")
    varying = [c for c in table.columns if table[c].nunique() > 1 and c not in ("condition", "data_split_seed")]
    predictions, names = {}, {}
    found: list[str] = []
    for i, row in table.iterrows():
        file = folder / "predictions" / f"{i}.h5ad"
        if not file.is_file() or file.stat().st_size == 0:
            found.append(f"Run {i} was skipped: its file is {'empty' if file.is_file() else 'missing'}.")
            continue
        profiles, _, more = _rows(file, options)
        name = ", ".join(row[c] for c in varying if row[c]) or row.get("regression_method", "") or "PEREGGRN"
        seed = row.get("data_split_seed", "") if table.get("data_split_seed", pd.Series()).nunique() > 1 else ""
        if (name, seed) in predictions:
            name = f"{name} (run {i})"
        predictions[name, seed] = profiles
        names[name] = name
        found += more
    if not predictions:
        raise UserError(f"{path.name}: no run has finished; all files in predictions/ are empty or missing.")
    return _loaded(path.name, predictions=predictions, names=names, notes=tuple(dict.fromkeys(found)))


def _loaded(title: str, **what) -> Loaded:
    return Loaded(value_space="lognorm", separators=(",",), title=title, **what)


def _rows(path: Path, options: Options) -> tuple[Profiles, dict, tuple[str, ...]]:
    with H5ad(path) as h5:
        means = read_rows(h5, options, label_column="perturbation", control_column="is_control")
    return means.profiles, means.layers, means.notes


READER = Reader(
    id="pereggrn",
    name="PEREGGRN / GGRN",
    summary=(
        "outputs/ with conditions.csv and predictions/{i}.h5ad, or test.h5ad as truth; zero-byte files are skipped "
        "runs."
    ),
    separator='","',
    value_space="lognorm",
    granularity="cells",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
