"""A file of cells, read lazily: shape, columns, genes, and its values block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
from anndata.experimental import read_elem_lazy
from dask.array import from_array

from perturbviz.cells.containers import container
from perturbviz.cells.errors import AggregateError
from perturbviz.cells.frames import column_names, read_frame
from perturbviz.cells.sparse import index_problem, sparse_problem

#: Size of a block in memory; it is there twice for a moment while anndata reads it. The sums of thousands of groups are
#: nearly as large, and every block walks through them once: small blocks cost time.
BYTES_PER_BLOCK = 400_000_000
#: What a person says where the names of the cells are the labels.
INDEX = "index"


@contextmanager
def open_store(path: Path) -> Iterator[Any]:
    """Open an ``.h5ad`` file or ``.zarr`` folder for reading; :class:`AggregateError` says why it cannot be read."""
    if not path.exists():
        raise AggregateError(f"{path.name}: there is no such file (or this machine cannot see it).")
    if path.is_file() and path.stat().st_size == 0:
        raise AggregateError(f"{path.name} is empty (0 bytes): the run that should have written it did not finish.")
    try:
        if path.is_dir():
            import zarr

            store = zarr.open_group(str(path), mode="r")
        else:
            store = h5py.File(path, "r")
    except Exception as error:  # h5py and zarr raise many kinds for a damaged or foreign file
        raise AggregateError(
            container(path)
            or f"{path.name} cannot be read ({type(error).__name__}): it is damaged, cut short, or neither .h5ad "
            "nor .zarr."
        ) from error
    try:
        yield store
    finally:
        if isinstance(store, h5py.File):
            store.close()


def _lazy(values: Any, chunks: tuple[int, int]) -> Any:
    """A lazy array of the values; those that anndata before 0.7 wrote dense carry no mark that it looks for."""
    if isinstance(values, h5py.Dataset) and "encoding-type" not in values.attrs:
        return from_array(values, chunks=chunks)
    return read_elem_lazy(values, chunks=chunks)


@dataclass(frozen=True)
class CellSource:
    """Where the values of the cells are and how they are cut into blocks. Small and picklable: workers get a copy.

    Attributes
    ----------
    path
        Absolute path of the ``.h5ad`` or ``.zarr``; on a cluster every worker must see it.
    element
        "X" or "layers/<name>".
    shape
        Cells, genes.
    by_gene
        True for column-compressed (CSC) storage: blocks are then runs of genes over all cells, not runs of cells.
    block
        Cells (or genes, where ``by_gene``) per block.
    columns
        Names of the obs columns.
    logged
        Whether the file says that a logarithm was taken (``uns["log1p"]``).
    others
        Other slots that hold values of the genes.
    """

    path: Path
    element: str
    shape: tuple[int, int]
    by_gene: bool
    block: int
    columns: tuple[str, ...] = field(repr=False)
    logged: bool = False
    others: tuple[str, ...] = ()

    @property
    def axis(self) -> int:
        """Axis along which blocks follow one another: 0 cells, 1 genes."""
        return int(self.by_gene)

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.shape[self.axis] // self.block)

    def span(self, first: int, last: int) -> slice:
        """Cells (or genes) covered by the blocks ``first`` to ``last - 1``."""
        return slice(first * self.block, min(last * self.block, self.shape[self.axis]))

    def read(self, first: int, last: int, block: int | None = None) -> Iterator[Any]:
        """Blocks ``first`` to ``last - 1`` in memory, one after the other: CSR, CSC or dense matrices.

        Each is a chunk of anndata's lazy Dask array, computed in the calling thread, so that one task of a
        larger Dask graph can go through many blocks while holding one.
        """
        block = self.block if block is None else block
        with open_store(self.path) as store:
            lazy = _lazy(store[self.element], (-1, block) if self.by_gene else (block, -1))
            part = lazy.blocks[:, first:last] if self.by_gene else lazy.blocks[first:last]
            for number, piece in enumerate(part.to_delayed().ravel(), start=first):
                try:
                    values = piece.compute(scheduler="synchronous")
                except Exception as error:  # whatever a damaged file makes h5py, zarr or anndata raise
                    what = "genes" if self.by_gene else "cells"
                    low, high = number * block, min((number + 1) * block, self.shape[self.axis])
                    raise AggregateError(
                        f"{self.path.name}: {what} {low:,} to {high - 1:,} of {self.element} cannot be read "
                        f"({type(error).__name__}): the file is damaged or cut short."
                    ) from error
                if problem := index_problem(values):
                    raise AggregateError(f"{self.path.name} is damaged: {self.element} is no sparse matrix, {problem}.")
                yield values

    def column(self, name: str) -> pd.Series:
        """One obs column, one entry per cell."""
        if name == INDEX and name not in self.columns:
            return pd.Series(self.names("obs"), dtype=object)
        if name not in self.columns:
            raise AggregateError(
                f"{self.path.name} has no obs column {name!r}: choose one of {', '.join(self.columns) or '(none)'}, or "
                f"{INDEX} for the names of the cells."
            )
        with open_store(self.path) as store:
            group = store["obs"]
            if not isinstance(group, h5py.Dataset) and "encoding-type" in getattr(group.get(name), "attrs", {}):
                values = anndata.io.read_elem(group[name])
            else:  # files of anndata < 0.7 keep categories elsewhere: read the whole table
                values = self._table(store, "obs")[name]
        return pd.Series(values).reset_index(drop=True)

    def _table(self, store: Any, slot: str) -> pd.DataFrame:
        try:
            frame = read_frame(store, slot)
        except ValueError as error:
            raise AggregateError(f"{self.path.name}: {error}") from error
        if frame is None:
            raise AggregateError(f"{self.path.name}: {slot!r} is not a table: it is not a complete .h5ad.")
        return frame

    def names(self, axis: str) -> list[str]:
        """Names of the cells ("obs") or of the genes ("var")."""
        with open_store(self.path) as store:
            return [*map(str, self._table(store, axis if axis == "obs" else self.axis_of_genes).index)]

    def var(self) -> pd.DataFrame:
        """Annotation of the genes; its index holds their names."""
        with open_store(self.path) as store:
            return self._table(store, self.axis_of_genes)

    @property
    def axis_of_genes(self) -> str:
        """The table that annotates the columns of the values."""
        return "raw/var" if self.element.startswith("raw/") else "var"


def _holds(store: Any, slot: str) -> bool:
    """Whether a slot is there and holds something."""
    return slot in store and getattr(store[slot], "shape", ()) is not None


def _encoding(values: Any) -> str:
    """How values are stored, in the words of current files."""
    if "h5sparse_format" in values.attrs:  # anndata before 0.7
        return f"{values.attrs['h5sparse_format']}_matrix"
    return str(values.attrs.get("encoding-type", "" if not hasattr(values, "shape") else "array"))


def open_cells(path: str | Path, layer: str | None = None, bytes_per_block: int = BYTES_PER_BLOCK) -> CellSource:
    """Look at a file of cells without reading its values.

    Parameters
    ----------
    path
        ``.h5ad`` or ``.zarr``.
    layer
        Layer to read instead of ``X``.
    bytes_per_block
        Size of a block, a bound on memory.
    """
    path = Path(path).expanduser().resolve()
    element = {None: "X", "X": "X", "raw": "raw/X"}.get(layer, f"layers/{layer}")
    with open_store(path) as store:
        layers = {f"layers/{name}": str(name) for name in store.get("layers", ())}
        there = {"X": "X", "raw/X": "raw"} | layers
        others = tuple(word for key, word in there.items() if key != element and _holds(store, key))
        for part in ("obs", "var"):
            if part not in store:
                said = "" if path.is_dir() else container(path)
                raise AggregateError(
                    said or f"{path.name} has no {part}: it is not a file of cells as anndata writes it."
                )
        if not others and not _holds(store, element) and (said := "" if path.is_dir() else container(path)):
            raise AggregateError(said)
        if not _holds(store, element):
            have = f"it has {', '.join(others)}; choose one (--layer)" if others else "it has no values at all"
            raise AggregateError(f"{path.name} has no {element}: {have}.")
        values = store[element]
        logged = "uns/log1p" in store
        columns = column_names(store)
        encoding = _encoding(values)
        if encoding in ("csr_matrix", "csc_matrix"):
            if problem := sparse_problem(values):
                raise AggregateError(f"{path.name} is damaged: {element} is no sparse matrix, {problem}.")
            shape = tuple(int(s) for s in values.attrs["shape" if "shape" in values.attrs else "h5sparse_shape"])
            stored, chunk = values["data"].shape[0], 1
            value_bytes = values["data"].dtype.itemsize + values["indices"].dtype.itemsize
        elif encoding == "array":
            shape = tuple(int(s) for s in values.shape)
            stored, chunk = int(np.prod(shape)), (values.chunks or (1,))[0]
            value_bytes = values.dtype.itemsize
        else:
            raise AggregateError(
                f"{path.name}: {element} is stored as {encoding or 'an old format'!r}; write it again with a current "
                "anndata, dense or sparse (CSR, CSC)."
            )
    if len(shape) != 2 or 0 in shape:
        raise AggregateError(f"{path.name} holds no cells or no genes ({' x '.join(map(str, shape))}).")
    by_gene = encoding == "csc_matrix"
    length = shape[int(by_gene)]
    block = int(np.clip(bytes_per_block * length // max(stored * value_bytes, 1), 1, length))
    if block > chunk > 1:  # whole storage chunks, so that none is decompressed twice
        block -= block % chunk
    return CellSource(path, element, shape, by_gene, block, columns, logged, others)
