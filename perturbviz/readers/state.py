"""Arc State: adata_pred.h5ad and adata_real.h5ad of `predict` (without gene names), or the one file of `infer`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.hdf5 import H5ad
from perturbviz.readers.layout import Found, as_loaded, named_genes, rows_of
from perturbviz.readers.layouts import LAYOUTS
from perturbviz.readers.pickles import safe_pickle

PRED, REAL = "adata_pred.h5ad", "adata_real.h5ad"
_INFERRED = ("_simulated.h5ad", "_with_preds.h5ad")
_HVG = "X_hvg"
_LAYOUT = LAYOUTS["state"]


def recognise(path: Path) -> bool:
    """A folder (or eval_* folder in it) with the pair, or a file that `infer` wrote."""
    return _pair(path) is not None or (path.is_file() and path.name.endswith(_INFERRED))


def _pair(path: Path) -> Path | None:
    """Folder with both files."""
    if not path.is_dir():
        return path.parent if path.name in (PRED, REAL) and (path.parent / PRED).is_file() else None
    for folder in (path, *sorted(p for p in path.glob("eval_*") if p.is_dir())):
        if (folder / PRED).is_file() and (folder / REAL).is_file():
            return folder
    return None


def read(path: Path, options: Options) -> Loaded:
    """Means of the pair, or of what was inferred."""
    folder = _pair(path)
    if folder is None:
        return _read_inferred(path, options)
    pred, real = (_rows(folder / name, options) for name in (PRED, REAL))
    both = Found(real.means, pred.means, "X", tuple(dict.fromkeys([*pred.notes, *real.notes])))
    loaded = as_loaded(both, replace(_LAYOUT, note="State clips prediction and truth to [0, 14]."), folder.name)
    return replace(loaded, predictions={("State", ""): loaded.predictions["", ""]})


def _rows(path: Path, options: Options, slot: str = "") -> Found:
    with H5ad(path) as h5:
        found = rows_of(h5, _LAYOUT, options, slot)
        means = found.means
        if means.profiles.genes is None:
            means = named_genes(means, _gene_list(h5, path, means.profiles.values.shape[1], options))
    return replace(found, measured=None, predicted=means)


def _gene_list(h5: H5ad, path: Path, n: int, options: Options) -> list[str] | None:
    """Names where some version of State keeps them; only a list of the right length counts."""
    if h5.has("uns/X_hvg_var_names"):
        names = [*map(str, h5.read("uns/X_hvg_var_names"))]
        if len(names) == n:
            return names
    for folder in (path.parent, path.parent.parent):
        dims = folder / "var_dims.pkl"
        if options.allow_pickle and dims.is_file():
            names = [*map(str, safe_pickle(dims).get("gene_names", []))]
            if len(names) == n:
                return names
    return None


def _read_inferred(path: Path, options: Options) -> Loaded:
    """What `infer` writes: the prediction lies in obsm["X_hvg"] where there is one, and X is what was put in."""
    with H5ad(path) as h5:
        slot = f"obsm/{_HVG}" if h5.has(f"obsm/{_HVG}") else "X"
    found = _rows(path, options, slot)
    note = f"Predictions are taken from {found.slot!r}; control rows are simulated too and not used."
    loaded = as_loaded(found, replace(_LAYOUT, note=note), path.stem)
    return replace(loaded, predictions={("State", ""): loaded.predictions["", ""]})


READER = Reader(
    id="state",
    name="Arc State",
    summary="Folder with adata_pred.h5ad and adata_real.h5ad, or *_simulated.h5ad of infer; usually needs a gene list.",
    separator='"+"',
    value_space="lognorm",
    granularity="means or cells",
    gene_ids="none unless stored beside it",
    recognise=recognise,
    read=read,
)
