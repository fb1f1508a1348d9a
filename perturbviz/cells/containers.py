"""Files that hold cells in a container that is not read: recognised by content, with one sentence on what to do."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path

import h5py

_HDF5 = b"\x89HDF\r\n\x1a\n"
_SAVE = "save it as .h5ad"
_PACKED = {b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd"}


def container(path: Path) -> str:
    """What a file that is no table or .h5ad is, and what to save in its place; "" where it is none of these."""
    if path.is_dir():
        zarr = any((path / name).exists() for name in (".zgroup", ".zattrs", "zarr.json"))
        return f"{path.name} is a .zarr store: run `python -m perturbviz aggregate` on it first." if zarr else ""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(_HDF5):
        return _of_hdf5(path)
    if head.startswith(b"\x1f\x8b"):
        return _of_gzip(path)
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        return _of_zip(path)
    if head.startswith((b"X\n", b"RDX", b"RDA", b"A\n")):
        return _of_r(path.name)
    how = next((name for magic, name in _PACKED.items() if head.startswith(magic)), "")
    return f"{path.name} is compressed with {how}: unpack it first." if how else ""


def _of_r(name: str) -> str:
    return (
        f"{name} holds an R object, such as one of Seurat or SingleCellExperiment: {_SAVE} in R, with "
        "zellkonverter::writeH5AD or anndataR::write_h5ad."
    )


def _of_gzip(path: Path) -> str:
    try:
        with gzip.open(path) as file:
            head = file.read(16)
    except (OSError, EOFError, zlib.error):
        return f"{path.name} is compressed with gzip and damaged or cut short: write or download it again."
    if head.startswith(_HDF5):
        return f"{path.name} is a compressed .h5ad: unpack it first (gunzip {path.name})."
    return _of_r(path.name) if head.startswith((b"X\n", b"RDX", b"RDA", b"A\n")) else ""


def _of_zip(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("data.pkl") for name in names):
        return (
            f"{path.name} was saved by torch.save, which could run code when read: save the arrays with numpy.savez "
            "(pred, conditions, genes) instead."
        )
    return ""


def _of_hdf5(path: Path) -> str:
    try:
        with h5py.File(path, "r") as file:
            keys = set(file)
            inside = set(file["matrix"]) if isinstance(file.get("matrix"), h5py.Group) else set()
            groups = {name: set(item) for name, item in file.items() if isinstance(item, h5py.Group)}
    except OSError:
        return ""
    if {"matrix", "row_attrs", "col_attrs"} <= keys:
        return f"{path.name} is a .loom file: read it with anndata.io.read_loom and {_SAVE} (write_h5ad)."
    if "barcodes" in inside or any({"barcodes", "indptr"} <= found for found in groups.values()):
        return (
            f"{path.name} is a 10x .h5 of counts, without perturbations: read it with scanpy.read_10x_h5, add the "
            f"perturbation of each cell to obs, and {_SAVE} (write_h5ad)."
        )
    if "mod" in keys:
        which = ", ".join(sorted(groups.get("mod", ()))[:4])
        return (
            f"{path.name} is a MuData file of {which}: save the one with the expression as .h5ad (mdata['rna'].write)."
        )
    if "assays" in keys and ("cell.names" in keys or "meta.data" in keys):
        return f"{path.name} is an h5Seurat file: {_SAVE} with SeuratDisk::Convert."
    return ""
