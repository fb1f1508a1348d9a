"""Csendes et al. (Turbine): a folder with predictions.csv (Ensembl columns) and test_res_best_model.npz as truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from perturbviz.errors import UserError
from perturbviz.readers import matrix
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.npz import npz_names, read_npz

_CSV, _NPZ = "predictions.csv", "test_res_best_model.npz"


def recognise(path: Path) -> bool:
    """A folder with predictions.csv and one of the files that come with it."""
    return (path / _CSV).is_file() and ((path / _NPZ).is_file() or (path / "test_metrics.json").is_file())


def read(path: Path, options: Options) -> Loaded:
    """The table as prediction; the arrays' truth where its labels are text and not pickled objects."""
    table = matrix.read(path / _CSV if path.is_dir() else path, options)
    rows = table.truth
    if rows is None or rows.genes is None:
        raise UserError(f"{_CSV} has no gene names in its header.")
    truth, notes = None, list(table.notes)
    if path.is_dir() and npz_names(path / _NPZ) >= {"pert_cat", "truth"}:
        try:
            z = read_npz(path / _NPZ, ("pert_cat", "truth"))
            if z["truth"].shape[1] == len(rows.genes):
                truth = Profiles(z["truth"], [*map(str, z["pert_cat"])], rows.genes)
        except UserError as error:
            notes.append(f"The observed values beside it are not used: {error}")
    return replace(
        table, truth=truth, predictions={("", ""): rows}, value_space="lognorm", notes=tuple(notes), title=path.stem
    )


READER = Reader(
    id="csendes",
    name="Csendes et al.",
    summary="Folder with predictions.csv (conditions x Ensembl ids) and test_res_best_model.npz or test_metrics.json.",
    separator='"+"',
    value_space="lognorm",
    granularity="means",
    gene_ids="Ensembl",
    recognise=recognise,
    read=read,
)
