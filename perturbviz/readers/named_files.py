"""Systems that leave the perturbation out of the labels: one AnnData a perturbation, named after it.

CellPB writes <GENE>/adata_pert.h5ad; pertpy's Scgen copies obs from the control cells it starts from, so its labels
still say control. The name of the file or folder is the label.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.benchmark.rows import predicted_rows
from perturbviz.errors import UserError
from perturbviz.readers.base import NO_CONTEXT, Loaded, Options, Profiles, Reader
from perturbviz.readers.cells import CONTEXTS, Rows, gene_names, mean_rows, other_slots
from perturbviz.readers.hdf5 import H5ad
from perturbviz.readers.layout import no_column

_CELLPB = "adata_pert.h5ad"


def recognise_cellpb(path: Path) -> bool:
    """A folder of folders with adata_pert.h5ad."""
    return path.is_dir() and any(path.glob(f"*/{_CELLPB}"))


def read_cellpb(path: Path, options: Options) -> Loaded:
    """One row a folder; adata_pert_minus.h5ad, the reverse prediction, is not read."""
    return _collect({p.parent.name: p for p in sorted(path.glob(f"*/{_CELLPB}"))}, path, options)


def read_pertpy(path: Path, options: Options) -> Loaded:
    """One row a file, its name the perturbation. Rows labelled other than "pred" are left out where obs has both."""
    files = sorted(path.glob("*.h5ad")) if path.is_dir() else [path]
    return _collect({p.name.removesuffix(".h5ad"): p for p in files}, path, options)


def _collect(files: dict[str, Path], path: Path, options: Options) -> Loaded:
    if not files:
        raise UserError(f"{path.name} holds no .h5ad named after a perturbation.")
    rows, names, cells, contexts = [], None, [], []
    notes: list[str] = []
    for file in files.values():
        with H5ad(file) as h5:
            x = h5.matrix()
            told = predicted_rows(h5.obs)
            if told and told[1].any():
                x = x[told[1]]
            contexts.append(_context(h5, file, options))
            genes, symbols = gene_names(h5.var, x.shape[1])
            rows_ = Rows(
                x, [0] * x.shape[0], genes=genes, symbols=symbols, what=f"{file.name}: 'X'", slots=other_slots(h5, "X")
            )
            means = mean_rows(rows_, options.value_space, "ask", h5.has("uns/log1p"))
        notes += means.notes
        row = pd.Series(means.profiles.values[0], index=genes)
        if names is not None and (genes is None or not set(genes) == set(names[0] or ())):
            raise UserError(f"{file.name} has other genes than the first file: they belong to different runs.")
        names = names or (genes, symbols)
        rows.append(row.to_numpy() if genes is None or genes == names[0] else row[names[0]].to_numpy())
        cells.append(x.shape[0])
    note = "The perturbation of each file is its name: its own labels are those of the control cells it started from."
    first, second = names or (None, None)
    given = contexts if any(contexts) else None
    profiles = Profiles(np.array(rows, np.float32), list(files), first, second, given, np.array(cells, float))
    return Loaded(
        predictions={("", ""): profiles},
        value_space="lognorm",
        separators=("+", "_"),
        notes=tuple(dict.fromkeys([note, *notes])),
        title=path.stem,
    )


def _context(h5: H5ad, file: Path, options: Options) -> str:
    """The one context of a file's rows: of the column a person names, or the first usual one that has one value."""
    if options.context == NO_CONTEXT:
        return ""
    if options.context and options.context not in h5.obs:
        raise no_column(h5.obs, options.context, file.name)
    for name in (options.context,) if options.context else CONTEXTS:
        if name in h5.obs:
            values = h5.obs[name].astype(str).unique()
            if len(values) == 1:
                return str(values[0])
            raise UserError(f"{file.name} holds rows of {', '.join(values[:5])} in {name!r}: write one file for each.")
    return ""


CELLPB = Reader(
    id="cellpb",
    name="CellPB (Li et al.) per-gene folders",
    summary="Folder of <GENE>/adata_pert.h5ad; its pickled test_res.pkl is read as GEARS.",
    separator='"+", or "_" between known targets',
    value_space="lognorm",
    granularity="cells",
    gene_ids="as in var",
    recognise=recognise_cellpb,
    read=read_cellpb,
)
PERTPY = Reader(
    id="pertpy",
    name="pertpy (Scgen)",
    summary="Predicted AnnData, one file a perturbation named after it (never recognised: name the system).",
    separator='"+", or "_" between known targets',
    value_space="lognorm",
    granularity="cells",
    gene_ids="as in var",
    recognise=lambda path: False,
    read=read_pertpy,
)
