"""CellFlow: decoded predictions in layers["X_recon"]; X may be uninitialised memory and is never read."""

from __future__ import annotations

from pathlib import Path

from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.cells import CONTEXTS, read_rows
from perturbviz.readers.hdf5 import H5ad, peek

_SLOT = "layers/X_recon"


def recognise(path: Path) -> bool:
    """An .h5ad with layers["X_recon"]."""
    with peek(path) as file:
        return _SLOT in file


def read(path: Path, options: Options) -> Loaded:
    """Means of the reconstruction by condition."""
    with H5ad(path) as h5:
        means = read_rows(h5, options, _SLOT, control_column="is_control", context=CONTEXTS)
    note = "Values are layers['X_recon']; X is not read, it may never have been filled."
    return Loaded(
        predictions={("", ""): means.profiles},
        value_space="lognorm",
        separators=("+", "_"),
        notes=(*means.notes, note),
        title=path.stem,
    )


READER = Reader(
    id="cellflow",
    name="CellFlow",
    summary='An .h5ad with layers["X_recon"] and obs condition, is_control.',
    separator='"+", or "_" between known targets',
    value_space="lognorm",
    granularity="cells",
    gene_ids="as in var",
    recognise=recognise,
    read=read,
)
