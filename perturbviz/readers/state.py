"""Arc State: adata_pred.h5ad and adata_real.h5ad of `predict` (without gene names), or the one file of `infer`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.cells import CONTEXTS, Means, gene_names, read_rows
from perturbviz.readers.hdf5 import H5ad
from perturbviz.readers.pickles import safe_pickle

PRED, REAL = "adata_pred.h5ad", "adata_real.h5ad"
_INFERRED = ("_simulated.h5ad", "_with_preds.h5ad")
_HVG = "X_hvg"


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
    notes = tuple(dict.fromkeys([*pred.notes, *real.notes]))
    return Loaded(
        truth=real.profiles,
        layers=real.layers,
        predictions={("State", ""): pred.profiles},
        value_space="lognorm",
        notes=(*notes, "State clips prediction and truth to [0, 14]."),
        title=folder.name,
    )


def _rows(path: Path, options: Options, slot: str = "X") -> Means:
    with H5ad(path) as h5:
        means = read_rows(h5, options, slot, context=CONTEXTS)
        p = means.profiles
        genes = p.genes or _gene_list(h5, path, p.values.shape[1], options)
    if genes is not None and len(genes) == p.values.shape[1]:
        p = replace(p, genes=genes)
    return Means(p, means.se, means.notes)


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
    with H5ad(path) as h5:
        slot = f"obsm/{_HVG}" if h5.has(f"obsm/{_HVG}") and h5.has("uns/X_hvg_var_names") else "X"
        known = gene_names(h5.var, len(h5.var))[0]
    means = _rows(path, options, slot)
    note = f"Predictions are taken from {slot!r}; control rows are simulated too and not used."
    p = means.profiles
    if slot == "X" and p.genes is None and known:
        p = replace(p, genes=known)
    return Loaded(predictions={("State", ""): p}, value_space="lognorm", notes=(*means.notes, note), title=path.stem)


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
