"""GEARS and everything built on it (scGPT, scFoundation, CellPB, Csendes): predict() and evaluate() results, its truth.

``predict`` gives {"A_B": vector} without gene names; ``evaluate`` gives {"pert_cat", "pred", "truth"} per cell, which
people pickle alone or inside a list. The order of genes is that of perturb_processed.h5ad: give it as a gene list.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.cells import Rows, mean_rows
from perturbviz.readers.hdf5 import H5ad, peek
from perturbviz.readers.layout import as_loaded, fits, rows_of
from perturbviz.readers.layouts import LAYOUTS
from perturbviz.readers.npz import npz_names, read_npz
from perturbviz.readers.pickles import safe_pickle

_RESULT = ("pert_cat", "pred", "truth")
SEPARATORS = ("+", "_")


# -- results -------------------------------------------------------------------------------------------------------
def recognise_pickle(path: Path) -> bool:
    """Any pickle: its content decides."""
    return path.is_file() and path.name.endswith((".pkl", ".pickle", ".pkl.gz"))


def recognise_npz(path: Path) -> bool:
    """Arrays pert_cat, pred, truth."""
    return npz_names(path) >= set(_RESULT)


def read_npz_results(path: Path, options: Options) -> Loaded:
    """The arrays of an evaluation, saved with numpy.savez."""
    z = read_npz(path, _RESULT, ("genes", "gene_names"))
    return results(z, options, path.stem, path.name)


def read_pickle(path: Path, options: Options) -> Loaded:
    """A pickled predict() or evaluate() result, tuple or list of them."""
    return from_object(safe_pickle(path), options, path.stem, path.name)


def from_object(content: Any, options: Options, title: str, file: str) -> Loaded:
    """Whatever people pickle: see the module."""
    notes: list[str] = []
    if isinstance(content, list | tuple) and content and isinstance(content[0], Mapping):
        notes.append(
            "The second part, the uncertainty, is left out."
            if isinstance(content, tuple) and len(content) == 2
            else "Only the first part of the list, the predictions, is used."
        )
        content = content[0]
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{file} holds no dictionary of predictions: save what predict() or evaluate() returned.")
    if set(content) >= set(_RESULT):
        return results(content, options, title, file, notes)
    values = list(content.values())
    if all(isinstance(v, Mapping) for v in values) or all(np.ndim(v) == 0 for v in values):
        raise UserError(
            f"{file} holds metrics ({', '.join(map(str, list(content)[:3]))}), not predictions: save the "
            "dictionary that predict() or evaluate() returns."
        )
    try:
        matrix = np.stack([np.asarray(v, dtype=np.float32).ravel() for v in values])
    except (ValueError, TypeError) as error:
        raise UserError(f"{file}: every condition needs one vector of equally many numbers ({error}).") from error
    labels = ["_".join(map(str, k)) if isinstance(k, tuple) else str(k) for k in content]
    return Loaded(
        predictions={("", ""): Profiles(matrix, labels)},
        value_space="lognorm",
        separators=SEPARATORS,
        notes=tuple(notes),
        title=title,
    )


def results(
    content: Mapping[str, Any], options: Options, title: str, file: str, notes: list[str] | None = None
) -> Loaded:
    """Means of predicted and of true cells by condition."""
    labels = [str(v) for v in np.asarray(content["pert_cat"]).ravel()]
    labels = [label.split(" | ")[0] for label in labels]  # CellPB: "GENE | cell type"
    genes = next(([*map(str, content[k])] for k in ("genes", "gene_names") if k in content), None)
    sides = {}
    for name in ("pred", "truth"):
        try:
            x = np.asarray(content[name], dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise UserError(f"{file}: {name!r} is no matrix of numbers.") from error
        if x.ndim != 2 or len(x) != len(labels):
            raise UserError(f"{file}: {name!r} has the shape {x.shape} for {len(labels)} entries of 'pert_cat'.")
        sides[name] = mean_rows(Rows(x, labels, genes=genes, what=f"{file}: {name!r}"), options.value_space)
    return Loaded(
        truth=sides["truth"].profiles,
        layers=sides["truth"].layers,
        predictions={("", ""): sides["pred"].profiles},
        value_space="lognorm",
        separators=SEPARATORS,
        notes=tuple(dict.fromkeys([*(notes or ()), *sides["truth"].notes, *sides["pred"].notes])),
        title=title,
    )


# -- truth ---------------------------------------------------------------------------------------------------------
def recognise_truth(path: Path) -> bool:
    """perturb_processed.h5ad (or its folder): obs condition and condition_name, ranked genes in uns."""
    with peek(_truth_file(path)) as file:
        return fits(file, LAYOUTS["gears-truth"])


def read_truth(path: Path, options: Options) -> Loaded:
    """Cells to means. The cell type is not a context unless declared (Norman's is a dummy)."""
    with H5ad(_truth_file(path)) as h5:
        return as_loaded(rows_of(h5, LAYOUTS["gears-truth"], options), LAYOUTS["gears-truth"], path.stem)


def _truth_file(path: Path) -> Path:
    return path / "perturb_processed.h5ad" if path.is_dir() else path


RESULTS = Reader(
    id="gears",
    name="GEARS, scGPT, scFoundation or CellPB pickle",
    summary="Pickled predict() or evaluate() result (test_res.pkl, out.pkl); command line only; needs a gene list.",
    separator='"+", or "_" between known targets',
    value_space="lognorm",
    granularity="means or cells",
    gene_ids="none in the file",
    recognise=recognise_pickle,
    read=read_pickle,
    pickle=True,
)
ARRAYS = Reader(
    id="gears-npz",
    name="GEARS-like arrays",
    summary="An .npz with pert_cat, pred and truth (GEARS, scGPT, Csendes); optional genes, else needs a gene list.",
    separator='"+", or "_" between known targets',
    value_space="lognorm",
    granularity="means or cells",
    gene_ids="optional array 'genes'",
    recognise=recognise_npz,
    read=read_npz_results,
)
TRUTH = Reader(
    id="gears-truth",
    name="GEARS data set",
    summary="perturb_processed.h5ad or its folder: cells with obs condition, Ensembl index and symbols.",
    separator='"+"',
    value_space="lognorm",
    granularity="cells",
    gene_ids="Ensembl with symbols",
    recognise=recognise_truth,
    read=read_truth,
)
