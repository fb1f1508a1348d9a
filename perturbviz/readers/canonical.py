"""The project's own benchmark file, an .h5ad with uns["perturbviz"]."""

from __future__ import annotations

from pathlib import Path

import h5py

from perturbviz.benchmark import META, Benchmark, load
from perturbviz.benchmark.sense import as_floats, check_sense
from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.hdf5 import check_declared, check_text, peek


def recognise(path: Path) -> bool:
    """An .h5ad whose ``uns`` has our entry."""
    if path.suffix != ".h5ad" or not path.is_file():
        return False
    try:
        with h5py.File(path, "r") as file:
            return META in file.get("uns", {})
    except OSError:
        return False


def load_checked(path: Path) -> Benchmark:
    """A benchmark whose declared sizes are within the limits and whose values make sense."""
    check_declared(path)
    with peek(path) as file:
        for slot in ("obs", "var", "varm", "uns"):
            if slot in file:
                check_text(path.name, file[slot])
    benchmark = load(path)
    check_sense(benchmark.adata)
    adata = as_floats(benchmark.adata)
    return benchmark if adata is benchmark.adata else Benchmark.from_adata(adata)


def read(path: Path, options: Options) -> Loaded:
    """The whole benchmark."""
    benchmark = load_checked(path)
    return Loaded(
        benchmark=benchmark, value_space=benchmark.value_space, title=benchmark.title, source=dict(benchmark.meta)
    )


READER = Reader(
    id="perturbviz",
    name="perturbviz benchmark",
    summary='Canonical .h5ad: conditions x genes, predictions in layers "pred__<method>[__<seed>]".',
    separator='"+"',
    value_space="stated in the file",
    granularity="means",
    gene_ids="any",
    recognise=recognise,
    read=read,
)
