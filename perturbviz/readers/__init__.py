"""Readers: one module a system; each turns that system's files into rows, labels and numbers, nothing more.

To support a system, write a module with a :class:`Reader` and add it to ``SYSTEMS`` before the plain matrix.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from perturbviz.cells.containers import container
from perturbviz.errors import UserError
from perturbviz.readers import (
    arrays,
    canonical,
    cell_eval,
    const_ae,
    const_ae_rds,
    csendes,
    embedding,
    gears,
    langpert,
    layouts,
    matrix,
    named_files,
    nature_methods,
    openproblems,
    pereggrn,
    perturbench,
    pseudobulk,
    published_tables,
    scoretables,
    state,
    systema,
)
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.hdf5 import readable
from perturbviz.readers.safety import check_file, damage_in_words, unpack

#: Readers in the order in which they are asked whether a file is theirs: the most specific first.
SYSTEMS: dict[str, Reader] = {
    r.id: r
    for r in (
        canonical.READER,
        const_ae.READER,
        systema.READER,
        perturbench.READER,
        pereggrn.READER,
        state.READER,
        csendes.READER,
        named_files.CELLPB,
        openproblems.READER,
        layouts.CPA,
        layouts.CELLFLOW,
        layouts.CELLSIMBENCH,
        layouts.CZ_BENCHMARKS,
        cell_eval.READER,
        layouts.SCPERTURB,
        gears.TRUTH,
        embedding.READER,
        layouts.ANNDATA,
        gears.ARRAYS,
        pseudobulk.NORMAN,
        pseudobulk.CARPOOL,
        arrays.READER,
        arrays.PERTEVAL,
        gears.RESULTS,
        named_files.PERTPY,
        nature_methods.READER,
        const_ae_rds.READER,
        published_tables.SINGLES,
        published_tables.TOP_GENES,
        published_tables.DISTANCES,
        published_tables.SCOUTER,
        published_tables.GI,
        scoretables.SCPERTURBENCH,
        scoretables.CELL_EVAL,
        scoretables.DETAILED,
        scoretables.METRICS,
        langpert.READER,
        langpert.DICT,
        matrix.READER,
    )
}


def system(name: str) -> Reader:
    """Reader of an id; :class:`UserError` listing what exists."""
    if name not in SYSTEMS:
        raise UserError(f"There is no system {name!r}; there are: {', '.join(SYSTEMS)}.")
    return SYSTEMS[name]


def recognise(path: Path) -> Reader:
    """The first reader that takes the file or folder for its own."""
    check_file(path)
    check_ending(path)
    with damage_in_words(path.name):
        for reader in SYSTEMS.values():
            if reader.recognise(path):
                return reader
    if path.suffix == ".npy":
        raise UserError(
            f"{path.name} holds numbers without conditions or genes: save them as .npz with the arrays pred, "
            "conditions and genes (numpy.savez), or as CSV."
        )
    if said := container(path):
        raise UserError(said)
    what = "folder" if path.is_dir() else "file"
    raise UserError(
        f"{path.name}: this {what} looks like none of the known systems. Name the system (--system; "
        "`python -m perturbviz systems` lists them) or save a CSV with one row a condition and one column a gene."
    )


def check_ending(path: Path) -> None:
    """Refuse a file whose content is not of the format its ending names, before readers look for their marks in it."""
    endings = {
        (".h5ad", ".h5"): ("HDF5", readable),
        (".npz", ".xlsx", ".zip"): ("a zip archive", zipfile.is_zipfile),
        (".parquet",): ("Parquet", _is_parquet),
    }
    for suffixes, (what, fits) in endings.items():
        if path.is_file() and path.suffix.lower() in suffixes and not fits(path):
            raise UserError(
                container(path)
                or f"{path.name} is not {what}, as its ending says: it is damaged, cut short, or another format."
            )


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(-min(4, path.stat().st_size), 2)
        return head == file.read(4) == b"PAR1"


def load(path: str | Path, options: Options | None = None) -> Loaded:
    """Read a file, folder or zip of files with the reader named in ``options`` or the one that recognises it.

    Raises
    ------
    UserError
        One sentence: which file, what is wrong with it, what to do.
    """
    path, options = Path(path), options or Options()
    check_file(path)
    if path.is_file() and path.suffix.lower() == ".zip":
        check_ending(path)
        with tempfile.TemporaryDirectory(prefix="perturbviz-") as folder:
            return _load(unpack(path, Path(folder) / path.stem), options, path.stem)
    return _load(path, options, "")


def load_all(paths: Sequence[Path], options: Options) -> list[Loaded]:
    """Read files of one folder: as one where they are a system's folder, otherwise one by one."""
    folder = paths[0].parent
    return [load(path, options) for path in ([folder] if len(paths) > 1 and _is_system(folder) else paths)]


def _is_system(folder: Path) -> bool:
    try:
        recognise(folder)
    except UserError:
        return False
    return True


def _load(path: Path, options: Options, title: str) -> Loaded:
    reader = system(options.system) if options.system else recognise(path)
    if reader.pickle and not options.allow_pickle:
        raise UserError(
            f"{path.name} is a pickle, which could run code: pickles are read on the command line only, with "
            "`python -m perturbviz convert --system " + reader.id + "`."
        )
    with damage_in_words(path.name):
        loaded = reader.read(path, options)
    source = {"file": title or path.name, **loaded.source}
    return replace(loaded, system=reader.id, source=source, title=loaded.title or title or path.stem)


__all__ = ["SYSTEMS", "Loaded", "Options", "Profiles", "Reader", "load", "load_all", "recognise", "system"]
