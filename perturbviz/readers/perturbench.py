"""PerturBench: prediction_chunk_*.h5ad, cells without control rows, row names repeated from chunk to chunk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.cells import Means, group_means, h5ads
from perturbviz.readers.hdf5 import H5ad
from perturbviz.readers.layout import rows_of
from perturbviz.readers.layouts import LAYOUTS

_PATTERN = "prediction_chunk_*.h5ad"


def _chunks(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.match(_PATTERN) else []
    return next((c for pattern in (_PATTERN, f"*/{_PATTERN}", f"*/*/{_PATTERN}") if (c := h5ads(path, pattern))), [])


def recognise(path: Path) -> bool:
    """A chunk, or a folder with chunks."""
    return bool(_chunks(path))


def read(path: Path, options: Options) -> Loaded:
    """Means over the cells of all chunks."""
    parts: list[Means] = []
    said: list[str] = []
    for chunk in _chunks(path):
        with H5ad(chunk) as h5:
            found = rows_of(h5, LAYOUTS["perturbench"], options)
        parts.append(found.means)
        said += [n for n in found.notes if n not in said]
    first = parts[0].profiles
    for part, chunk in zip(parts, _chunks(path), strict=True):
        if list(part.profiles.genes or ()) != list(first.genes or ()):
            raise UserError(f"{chunk.name} has other genes than the first chunk: the chunks belong to different runs.")
    weights = [np.ones(len(p.profiles.labels)) if p.profiles.n_cells is None else p.profiles.n_cells for p in parts]
    repeated = [np.repeat(np.arange(len(w)), w.astype(int)) for w in weights]  # one row a cell: means stay exact
    contexts = None
    if given := [p.profiles.contexts for p in parts if p.profiles.contexts is not None]:
        if len(given) < len(parts):
            raise UserError("Some chunks name several contexts and others do not: name the column (--context).")
        contexts = [names[i] for names, r in zip(given, repeated, strict=True) for i in r.tolist()]
    means = group_means(
        np.vstack([p.profiles.values[r] for p, r in zip(parts, repeated, strict=True)]),
        [p.profiles.labels[i] for p, r in zip(parts, repeated, strict=True) for i in r.tolist()],
        contexts,
        first.genes,
        first.symbols,
    )
    rows = replace(means.profiles, value_space=first.value_space)
    notes = (*said, *parts[0].notes, f"{len(parts)} chunk{'s' * (len(parts) != 1)} read; row names are not used.")
    return Loaded(predictions={("", ""): rows}, value_space="lognorm", notes=notes, title=path.stem)


READER = Reader(
    id="perturbench",
    name="PerturBench",
    summary="Folder with prediction_chunk_*.h5ad (obs condition and covariates).",
    separator='"+"',
    value_space="lognorm",
    granularity="cells",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
