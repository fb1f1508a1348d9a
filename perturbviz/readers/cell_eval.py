"""cell-eval and the Virtual Cell Challenge: AnnData with obs target_gene, and .vcc submissions (tar with zstd)."""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

import zstandard

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.hdf5 import H5ad, peek
from perturbviz.readers.layout import Found, as_loaded, fits, rows_of
from perturbviz.readers.layouts import LAYOUTS
from perturbviz.readers.safety import check_bytes, check_file, check_time, tar_members

_MEMBER = "pred.h5ad.zst"
_LAYOUT = LAYOUTS["cell-eval"]


def recognise(path: Path) -> bool:
    """A .vcc, a folder with pred.h5ad (and real.h5ad), or an .h5ad with obs target_gene."""
    if path.is_dir():
        return (path / "pred.h5ad").is_file()
    if path.suffix == ".vcc":
        return True
    with peek(path) as file:
        return fits(file, _LAYOUT)


def read(path: Path, options: Options) -> Loaded:
    """Means by target_gene; one file is truth or prediction as the caller says, a folder holds both."""
    title = path.name.split(".")[0]
    if path.suffix == ".vcc":
        with tempfile.TemporaryDirectory(prefix="perturbviz-") as folder:
            return as_loaded(_predicted(_unpack(path, Path(folder)), options), _LAYOUT, title)
    if not path.is_dir():
        return as_loaded(_rows(path, options), _LAYOUT, title)
    pred = _predicted(path / "pred.h5ad", options)
    if not (path / "real.h5ad").is_file():
        return as_loaded(pred, _LAYOUT, title)
    real = _rows(path / "real.h5ad", options)
    return as_loaded(replace(real, predicted=pred.predicted, notes=(*real.notes, *pred.notes)), _LAYOUT, title)


def _rows(path: Path, options: Options) -> Found:
    with H5ad(path) as h5:
        return rows_of(h5, _LAYOUT, options)


def _predicted(path: Path, options: Options) -> Found:
    found = _rows(path, options)
    return replace(found, measured=None, predicted=found.means)


def _unpack(path: Path, folder: Path) -> Path:
    """Decompress the prediction inside a .vcc, never more than the limit."""
    check_file(path)
    target = folder / "pred.h5ad"
    try:
        with tarfile.open(path) as archive:
            members = tar_members(path, archive)
            member = next((m for n, m in members.items() if n.endswith(_MEMBER)), None)
            if member is None:
                raise UserError(f"{path.name} holds no {_MEMBER}: it is no .vcc submission.")
            written = 0
            packed = archive.extractfile(member)
            assert packed is not None  # tar_members lists regular files only
            with packed, target.open("wb") as sink:
                for block in zstandard.ZstdDecompressor().read_to_iter(packed):
                    written += len(block)
                    check_bytes(f"{path.name}, unpacked,", written)
                    check_time(path.name)
                    sink.write(block)
    except (tarfile.TarError, zstandard.ZstdError, EOFError, OSError) as error:
        raise UserError(
            f"{path.name} cannot be unpacked ({type(error).__name__}): it is damaged or no .vcc."
        ) from error
    return target


READER = Reader(
    id="cell-eval",
    name="cell-eval / Virtual Cell Challenge",
    summary="An .h5ad with obs target_gene, a folder with pred.h5ad and real.h5ad, or a .vcc submission.",
    separator='"+"',
    value_space="lognorm, or counts if declared",
    granularity="cells",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
