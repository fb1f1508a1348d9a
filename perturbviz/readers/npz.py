"""Arrays of an .npz without pickled objects, with their declared sizes checked before they are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.safety import check_bytes, check_file, check_shape, check_time, check_zip


def npz_names(path: Path) -> frozenset[str]:
    """Names of the arrays; none where the file is no .npz."""
    if path.suffix != ".npz" or not path.is_file() or not zipfile.is_zipfile(path):
        return frozenset()
    with zipfile.ZipFile(path) as archive:
        return frozenset(n.removesuffix(".npy") for n in archive.namelist())


def read_npz(path: Path, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The named arrays; :class:`UserError` for missing, damaged or pickled ones."""
    check_file(path)
    check_zip(path)
    missing = [n for n in names if n not in npz_names(path)]
    if missing:
        raise UserError(f"{path.name} lacks the array(s) {', '.join(missing)}.")
    out = {}
    with np.load(path, allow_pickle=False) as archive:
        for name in (*names, *(o for o in optional if o in archive.files)):
            check_time(path.name)
            shape, dtype = _declared(path, name)
            itemsize = dtype.itemsize
            if dtype.kind not in "OfiubUS" or not itemsize:
                raise UserError(f"{path.name}: array {name!r} is of the type {dtype.str!r}: use plain numbers or text.")
            check_shape(f"{path.name}, array {name!r},", shape[0] if len(shape) == 1 else 1, 1, itemsize=0)
            check_bytes(f"{path.name}, array {name!r},", int(np.prod(shape, dtype=object)) * itemsize)
            if len(shape) == 2:
                check_shape(f"{path.name}, array {name!r},", *shape, itemsize=itemsize)
            try:
                out[name] = archive[name]
            except ValueError as error:
                why = (
                    "is a pickled object array, which is not read for safety: save text with dtype=str instead"
                    if "allow_pickle" in str(error)
                    else f"cannot be read ({error})"
                )
                raise UserError(f"{path.name}: array {name!r} {why}.") from error
            except (EOFError, OSError, zipfile.BadZipFile) as error:
                raise UserError(f"{path.name}: array {name!r} is damaged ({error}).") from error
    return out


def _declared(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that the array's header declares, which may differ from what the file holds."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
        except Exception as error:  # a header is a piece of Python, and may fail in many ways
            raise UserError(f"{path.name}: array {name!r} is damaged ({type(error).__name__}).") from error
    return shape, dtype
