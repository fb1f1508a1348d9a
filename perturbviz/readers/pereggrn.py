"""PEREGGRN: outputs/conditions.csv with predictions/{i}.h5ad (row i = one run), and test.h5ad as truth."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Reader, run_name
from perturbviz.readers.hdf5 import H5ad, peek
from perturbviz.readers.layout import Found, as_loaded, fits, rows_of
from perturbviz.readers.layouts import LAYOUTS
from perturbviz.readers.safety import check_text

_LAYOUT = LAYOUTS["pereggrn"]


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
        return fits(file, _LAYOUT)


def read(path: Path, options: Options) -> Loaded:
    """Every run that finished, named by what differs between the rows of conditions.csv; or one file."""
    folder = _outputs(path) if path.is_dir() else None
    if folder is None:
        return as_loaded(_rows(path, options), _LAYOUT, path.stem)
    check_text(folder / "conditions.csv")
    table = pd.read_csv(folder / "conditions.csv", dtype=str).fillna("")
    varying = [c for c in table.columns if table[c].nunique() > 1 and c not in ("condition", "data_split_seed")]
    predictions, names, lost = {}, {}, {}
    found: list[str] = []
    for i, row in table.iterrows():
        file = folder / "predictions" / f"{i}.h5ad"
        if not file.is_file() or file.stat().st_size == 0:
            found.append(f"Run {i} was skipped: its file is {'empty' if file.is_file() else 'missing'}.")
            continue
        name = ", ".join(row[c] for c in varying if row[c]) or row.get("regression_method", "") or "PEREGGRN"
        seed = row.get("data_split_seed", "") if table.get("data_split_seed", pd.Series()).nunique() > 1 else ""
        if (name, seed) in predictions:
            name = f"{name} (run {i})"
        try:
            means = _rows(file, options).means
        except UserError as error:
            lost[run_name(name, seed)] = str(error)
            continue
        predictions[name, seed] = means.profiles
        names[name] = name
        found += means.notes
    if not predictions:
        why = next(iter(lost.values()), "all files in predictions/ are empty or missing.")
        raise UserError(f"{path.name}: no run has finished that can be used: {why}")
    return Loaded(
        predictions=predictions,
        names=names,
        value_space=_LAYOUT.space,
        separators=_LAYOUT.separators,
        notes=tuple(dict.fromkeys(found)),
        left_out=lost,
        title=path.name,
    )


def _rows(path: Path, options: Options) -> Found:
    with H5ad(path) as h5:
        return rows_of(h5, _LAYOUT, options)


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
