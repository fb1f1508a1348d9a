"""cz-benchmarks: cells by barcode, the condition column named in uns["config"], matched control cells in uns."""

from __future__ import annotations

from pathlib import Path

from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.cells import LABELS, read_rows
from perturbviz.readers.hdf5 import H5ad, peek

_MAP = "uns/control_cells_map"


def recognise(path: Path) -> bool:
    """An .h5ad with uns["control_cells_map"]."""
    with peek(path) as file:
        return _MAP in file


def read(path: Path, options: Options) -> Loaded:
    """Means of X by the declared condition column."""
    with H5ad(path) as h5:
        key = "uns/config/condition_key"
        labels = (str(h5.read(key)), *LABELS) if h5.has(key) else LABELS
        means = read_rows(h5, options, labels=labels)
    note = (
        "Conditions are compared as means over all their cells; the system itself pairs each treated cell with "
        "one control cell and scores only the masked genes of each condition."
    )
    return Loaded(
        truth=means.profiles,
        layers=means.layers,
        value_space="",
        separators=("+", "_"),
        notes=(*means.notes, note),
        title=path.stem,
    )


READER = Reader(
    id="cz-benchmarks",
    name="cz-benchmarks",
    summary='Cells with uns["control_cells_map"] and uns["config"]["condition_key"]; any scale that is declared.',
    separator='"+", or "_" between known targets',
    value_space="the truth's unless declared",
    granularity="cells",
    gene_ids="as in var",
    recognise=recognise,
    read=read,
)
