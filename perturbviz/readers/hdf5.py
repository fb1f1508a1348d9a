"""HDF5 and .h5ad without surprises: shapes are checked before anything is read, and each part is read on its own.

Reading part by part copes with files that another version of anndata wrote (only the parts that are needed must be
readable) and keeps layers that are not needed out of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.io import read_elem

from perturbviz.cells.frames import read_frame
from perturbviz.cells.sparse import index_problem, sparse_problem
from perturbviz.errors import UserError
from perturbviz.readers.safety import check_bytes, check_file, check_shape, check_time, limit, memory_limit

#: HDF5 can declare huge arrays that take no space; a compressed file may hold at most this many times its size.
MAX_INFLATION = 1000
MAX_ITEMS = 20_000  # arrays of one file
MAX_DEPTH = 50
_TEXT_BLOCK = 4_000_000  # letters read at a time
_POINTER = 64  # bytes that Python needs for a text besides its letters
_BLOCK = 16_000_000  # values read at a time


def check_declared(path: Path) -> None:
    """Refuse an HDF5 file whose declared arrays are absurd for its size or break the limits."""
    check_file(path)
    size = path.stat().st_size
    with _opened(path) as file:
        links: list[str] = []

        def visit_link(name: str, link: Any) -> None:  # must not raise: h5py loses the error
            if isinstance(link, h5py.ExternalLink):
                links.append(name)

        file.visititems_links(visit_link)
        if links:
            raise UserError(f"{path.name}: {links[0]!r} is a link to another file: store the data in this one.")
        total = 0
        for count, (name, item) in enumerate(_datasets(path.name, file, (file,))):
            if count > MAX_ITEMS:
                raise UserError(f"{path.name} holds more than {MAX_ITEMS:,} arrays: it is refused as made up.")
            total += _declared(path.name, name, item, size)
        check_bytes(path.name, total)


def _datasets(file: str, group: h5py.Group, above: tuple[h5py.Group, ...]) -> Iterator[tuple[str, h5py.Dataset]]:
    """Every dataset, once for each name it has, since what is read is read once a name."""
    for name in group:
        try:
            item = group[name]
        except KeyError:  # a link that leads nowhere
            continue
        if isinstance(item, h5py.Dataset):
            yield f"{group.name.rstrip('/')}/{name}".lstrip("/"), item
        elif isinstance(item, h5py.Group):
            if item in above or len(above) > MAX_DEPTH:
                raise UserError(f"{file}: the group {item.name!r} lies within itself: it is refused as made up.")
            yield from _datasets(file, item, (*above, item))


def _declared(file: str, name: str, item: h5py.Dataset, size: int) -> int:
    """Bytes of one dataset in a file of ``size`` bytes; refused where they are absurd or too many."""
    if item.shape is None:
        return 0
    if item.is_virtual or item.external:
        raise UserError(f"{file}: {name!r} lies in another file: store the data in this one.")
    if len(item.shape) == 2:
        check_shape(f"{file} ({name})", item.shape[0], item.shape[1], itemsize=0)
    bytes_ = int(np.prod(item.shape, dtype=object)) * max(item.dtype.itemsize, 1)
    if bytes_ > 10**8 and bytes_ > MAX_INFLATION * size:
        raise UserError(
            f"{file} declares {'x'.join(map(str, item.shape))} values in {name!r} but is only {size / 10**6:,.1f} MB: "
            "it is refused as damaged or made up."
        )
    if bytes_ > limit("MB") * 10**6:
        raise UserError(f"{file}: {name!r} holds {bytes_ / 10**6:,.0f} MB, more than the limit of {memory_limit()}.")
    return bytes_


def check_text(file: str, item: Any) -> None:
    """Refuse text that becomes more than the limit: a small file may refer to one long text a million times."""
    datasets = [("", item)] if isinstance(item, h5py.Dataset) else _datasets(file, item, (item,))
    total = 0
    for name, data in datasets:
        kind = h5py.check_string_dtype(data.dtype)
        if kind is None or kind.length is not None or data.shape is None or data.ndim != 1:
            continue
        start, step = 0, 16
        while start < len(data):
            check_time(file)
            found = sum(map(len, data[start : start + step]))
            total, start = total + found + _POINTER * step, start + step
            check_bytes(f"The text of {file}, up to {name or item.name!r},", total)
            step = int(min(max(_TEXT_BLOCK * step // (found + 1), 1), 4 * step, 100_000))


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise UserError(
            f"{path.name} cannot be read as HDF5/.h5ad: it is damaged, cut short, or another format."
        ) from error
    try:
        yield file
    finally:
        file.close()


class H5ad:
    """Parts of an .h5ad, read when asked for. Use as a context manager."""

    def __init__(self, path: Path):
        check_declared(path)
        self.path = path
        self._context = _opened(path)
        self.file = self._context.__enter__()

    def __enter__(self) -> H5ad:
        return self

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(None, None, None)

    def has(self, slot: str) -> bool:
        """Whether ``slot`` ("X", "layers/counts", "uns/de_results", ...) exists."""
        return slot in self.file

    def keys(self, slot: str) -> tuple[str, ...]:
        """Names under a group; none where there is no such group."""
        group = self.file.get(slot)
        return tuple(group) if isinstance(group, h5py.Group) else ()

    def read(self, slot: str) -> Any:
        """One element; :class:`UserError` where it is not readable."""
        check_time(self.path.name)
        item = self.file[slot]
        check_text(self.path.name, item)
        self._check_sparse(slot)
        try:
            value = read_elem(item)
            if problem := index_problem(value):
                raise UserError(f"{self.path.name} is damaged: {slot!r} is no sparse matrix, {problem}.")
            return value
        except UserError:
            raise
        except Exception as error:  # anndata raises many kinds for elements it cannot interpret
            raise UserError(
                f"{self.path.name}: {slot!r} cannot be read ({type(error).__name__}). The file may have been "
                "written by another version of anndata or be damaged: write it again with a current one."
            ) from error

    def _frame(self, slot: str) -> pd.DataFrame:
        """``obs`` or ``var`` as text-indexed table; columns that cannot be read are left out."""
        if slot not in self.file:
            raise UserError(f"{self.path.name} has no {slot!r}: it is not a complete .h5ad.")
        check_text(self.path.name, self.file[slot])
        try:
            frame = read_frame(self.file, slot)
        except ValueError as error:
            raise UserError(f"{self.path.name}: {error}") from error
        if frame is None:
            raise UserError(f"{self.path.name}: {slot!r} is not a table: it is not a complete .h5ad.")
        return frame

    @cached_property
    def obs(self) -> pd.DataFrame:
        """Annotation of the rows."""
        return self._frame("obs")

    @cached_property
    def var(self) -> pd.DataFrame:
        """Annotation of the columns."""
        return self._frame("var")

    def table(self, slot: str) -> pd.DataFrame:
        """A table such as "raw/var"."""
        return self._frame(slot)

    def matrix(self, slot: str = "X") -> np.ndarray | sp.csr_matrix:
        """A matrix, sparse as csr, never float16; refused where missing."""
        if slot not in self.file or (isinstance(self.file[slot], h5py.Dataset) and self.file[slot].shape is None):
            raise UserError(f"{self.path.name} holds no values in {slot!r}.")
        value = self._dense(slot) if self.file[slot].attrs.get("encoding-type") == "array" else self.read(slot)
        if isinstance(value, pd.DataFrame):
            value = value.to_numpy()
        if sp.issparse(value):
            return sp.csr_matrix(value, dtype=np.float64 if value.dtype == np.float64 else np.float32)
        if value is None or not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in "fiub":
            raise UserError(f"{self.path.name}: {slot!r} is not a matrix of numbers.")
        return value.astype(np.float32) if value.dtype.itemsize < 4 else value

    def _dense(self, slot: str) -> np.ndarray:
        """A dense array, block of rows by block of rows: a compressed one may take long."""
        data = self.file[slot]
        if data.ndim != 2 or data.size < _BLOCK:
            return self.read(slot)
        out = np.empty(data.shape, data.dtype)
        step = max(_BLOCK // data.shape[1], 1)
        try:
            for start in range(0, len(out), step):
                check_time(self.path.name)
                out[start : start + step] = data[start : start + step]
        except OSError as error:  # a chunk that cannot be decompressed
            raise UserError(f"{self.path.name}: {slot!r} cannot be read ({error}): the file is damaged.") from error
        return out

    def _check_sparse(self, slot: str) -> None:
        group = self.file[slot]
        if not isinstance(group, h5py.Group) or "indptr" not in group:
            return
        if problem := sparse_problem(group):
            raise UserError(f"{self.path.name} is damaged: {slot!r} is no sparse matrix, {problem}.")
        rows, columns = map(int, group.attrs["shape"])
        check_shape(f"{self.path.name} ({slot})", rows, columns, itemsize=0)


def readable(path: Path) -> bool:
    """Whether the file opens as HDF5 (a cut-short one does not)."""
    with peek(path) as file:
        return isinstance(file, h5py.File)


@contextmanager
def peek(path: Path) -> Iterator[h5py.File | dict]:
    """The open file for recognising it; an empty mapping where it is no readable HDF5 file."""
    file: Any = {}
    if path.is_file() and path.suffix in (".h5ad", ".h5"):
        try:
            file = h5py.File(path, "r")
        except OSError:
            file = {}
    try:
        yield file
    finally:
        if isinstance(file, h5py.File):
            file.close()


def obs_columns(file: h5py.File | dict) -> set[str]:
    """Names of the obs columns of a peeked file."""
    obs = file.get("obs")
    if isinstance(obs, h5py.Group):
        return set(obs)
    return set(obs.dtype.names or ()) if isinstance(obs, h5py.Dataset) else set()
