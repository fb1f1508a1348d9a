"""Large benchmark files: matrices that stay on disk, mapped into memory, and digests that are computed once.

A canonical file is written uncompressed, so every matrix is one block of the file and can be mapped read-only: opening
takes no time and no memory of its own, pages are read when they are needed and shared by all sessions and processes.
A file that is replaced by renaming another one over it leaves the mapping of those who still look at the old one
intact.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from anndata import AnnData
from anndata.io import read_elem

from perturbviz.benchmark.numbers import whole
from perturbviz.errors import UserError

DEFAULT_MB = 500


def maps(path: Path) -> bool:
    """Whether a file is large enough to be mapped: larger than ``PERTURBVIZ_MAP_MB`` (500).

    Raises
    ------
    UserError
        If ``PERTURBVIZ_MAP_MB`` is not a whole number.
    """
    text = os.environ.get("PERTURBVIZ_MAP_MB", "")
    if (most := whole(text, 0, 10**12) if text else DEFAULT_MB) is None:
        raise UserError(f"The setting PERTURBVIZ_MAP_MB is {text[:40]!r}: it must be a whole number.")
    return path.stat().st_size > most * 10**6


def read_mapped(path: Path) -> AnnData:
    """An .h5ad whose uncompressed dense matrices (X and layers) are read-only maps; everything else is read."""
    with h5py.File(path, "r") as file:
        parts = {name: read_elem(file[name]) for name in ("obs", "var", "varm", "uns") if name in file}
        layers = {name: _matrix(path, item) for name, item in file.get("layers", {}).items()}
        x = _matrix(path, file["X"]) if "X" in file else None
    return AnnData(x, layers=layers, **parts)


def _matrix(path: Path, item: h5py.Dataset | h5py.Group) -> Any:
    """A map where the matrix is one uncompressed block of this very file; otherwise the matrix in memory."""
    plain = isinstance(item, h5py.Dataset) and item.ndim == 2 and item.dtype.kind == "f" and not item.external
    offset = item.id.get_offset() if plain and item.chunks is None else None
    if offset is None:
        return read_elem(item)
    return np.asarray(np.memmap(path, item.dtype, "r", offset, item.shape))


# -- digests -------------------------------------------------------------------------------------------------------
Mark = tuple[str, int, int, int]


def mark(path: Path) -> Mark:
    """What tells a file from every other and from itself after a change: path, size, time of change, inode."""
    stat = path.stat()
    return str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino


@dataclass(frozen=True, eq=False)
class Digest:
    """Digest of one matrix: computed when it is first asked for, then kept by all who share the matrix."""

    compute: Callable[[], str]

    @cached_property
    def text(self) -> str:
        """Thirty-two hex digits, which change when any value changes."""
        return self.compute()


def digest(matrix: np.ndarray) -> str:
    """Thirty-two hex digits, which change when any value of a matrix changes."""
    return hashlib.blake2b(np.ascontiguousarray(matrix).data, digest_size=16).hexdigest()


def digests(matrices: Mapping[str, np.ndarray]) -> dict[str, Digest]:
    """Digest of every matrix, none computed yet."""
    return {key: Digest(partial(digest, matrix)) for key, matrix in matrices.items()}


def remembered(matrices: Mapping[str, np.ndarray], mark: Mark, folder: Path | None) -> dict[str, Digest]:
    """The same for the matrices of a file, from a note in ``folder`` where this very file was digested before.

    A folder that cannot be written to is no error.
    """
    found = cache(partial(_remembered, matrices, mark, folder))
    return {key: Digest(partial(_of, found, key)) for key in matrices}


def _of(found: Callable[[], Mapping[str, str]], key: str) -> str:
    return found()[key]


def _remembered(matrices: Mapping[str, np.ndarray], mark: Mark, folder: Path | None) -> dict[str, str]:
    note = folder and folder / f"{hashlib.sha256(mark[0].encode()).hexdigest()[:16]}.json"
    if not note:
        return {key: digest(matrix) for key, matrix in matrices.items()}
    try:
        known = json.loads(note.read_text())
        if known["file"] == list(mark) and known["digests"].keys() == matrices.keys():
            return known["digests"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    found = {key: digest(matrix) for key, matrix in matrices.items()}
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=note.parent, suffix=".part", delete=False) as file:
            json.dump({"file": mark, "digests": found}, file)
        os.replace(file.name, note)
    except OSError:
        pass
    return found
