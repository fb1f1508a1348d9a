"""Run folders of Ahlmann-Eltze, Huber & Anders (2025): all_predictions.json, gene_names.json; the truth is a run.

Three key dialects occur within one benchmark: "A+B" / "A+ctrl" / "ctrl", the "A_B" / "A" / "" of GEARS-like predict()
(where "" is control), and "A" / "A+B" of the R linear models.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.benchmark.splits import PART_WORDS
from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.jsonfile import read_json, rows

PREDICTIONS, GENES, SE, CELLS = "all_predictions.json", "gene_names.json", "all_predictions_se.json", "n_cells.json"


def recognise(path: Path) -> bool:
    """A folder with all_predictions.json, or that file."""
    return (path / PREDICTIONS).is_file() or path.name == PREDICTIONS


def read(path: Path, options: Options) -> Loaded:
    """One run; its role (truth or prediction) is the caller's business."""
    folder = path if path.is_dir() else path.parent
    if not (folder / PREDICTIONS).is_file() and (path.suffix.lower() == ".rds" or any(folder.glob("*.[Rr][Dd][Ss]"))):
        raise UserError(f"{path.name} holds collected runs (.RDS): that is another system, --system const-ae-rds.")
    if (folder / GENES).is_file():
        genes = read_json(folder / GENES)
        if not isinstance(genes, list) or not all(isinstance(g, str) for g in genes):
            raise UserError(f"{GENES} must be a list of gene names.")
    elif options.genes:
        genes = list(options.genes)
    else:
        raise UserError(
            f"{folder.name} has no {GENES}: values without gene names cannot be matched. Add the file or give a "
            "gene list."
        )
    labels, values = rows(read_json(folder / PREDICTIONS), PREDICTIONS, len(genes))
    notes: list[str] = []
    n_cells = cells(folder, labels)
    layers = {}
    if (folder / SE).is_file():
        se, note = standard_errors(_published_errors(folder, labels, len(genes)), n_cells, SE)
        notes.append(note)
        if se is not None:
            layers["se"] = se
    return Loaded(
        truth=Profiles(values, labels, genes, n_cells=n_cells),
        layers=layers,
        value_space="lognorm",
        separators=("+", "_"),
        control_labels=("",),
        notes=tuple(notes),
        title=folder.name,
    )


def cells(folder: Path, labels: list[str]) -> np.ndarray | None:
    """Numbers of cells of the labels from a folder's n_cells.json, NaN where it lacks one; None without the file."""
    if not (folder / CELLS).is_file():
        return None
    table = read_json(folder / CELLS)
    if not isinstance(table, dict):
        raise UserError(f"{CELLS} must hold an object with the number of cells of each condition.")
    try:  # one number, or R's list of one number
        return np.array([float(v[0] if isinstance(v, list) else v) for v in (table.get(k, np.nan) for k in labels)])
    except (TypeError, ValueError, IndexError) as error:
        raise UserError(f"{CELLS} must hold one number a condition ({error}).") from error


def standard_errors(values: np.ndarray, n_cells: np.ndarray | None, what: str) -> tuple[np.ndarray | None, str]:
    """Standard errors of the paper's "standard errors", which are sd/n with ddof 0 and not sd/sqrt(n).

    Parameters
    ----------
    values
        (rows, genes) as published, NaN where there are none.
    n_cells
        (rows,) cells behind each row; without them nothing can be said.
    what
        Where they stand, for the sentence.

    Returns
    -------
    (rows, genes) float32, NaN for rows of one cell or of an unknown number; None without numbers of cells. And a
    sentence that says what was done.
    """
    if n_cells is None or not (known := n_cells > 1).any():
        return None, f"{what} holds sd/n, which is no standard error without {CELLS}: it is left out."
    n = n_cells[known, None]
    out = np.full(values.shape, np.nan, np.float32)
    out[known] = values[known] * np.sqrt(n) * np.sqrt(n / (n - 1))
    return out, f"{what} holds sd/n: multiplied by sqrt(n) * sqrt(n / (n - 1)) to give standard errors."


def _published_errors(folder: Path, labels: list[str], n_genes: int) -> np.ndarray:
    """The file of "standard errors" in the order of the labels."""
    keys, values = rows(read_json(folder / SE), SE, n_genes)
    at = {k: i for i, k in enumerate(keys)}
    out = np.full((len(labels), n_genes), np.nan, np.float32)
    for i, label in enumerate(labels):
        if label in at:
            out[i] = values[at[label]]
    return out


def is_split(table: Any) -> bool:
    """Whether a JSON document is a split ``{"train": [...], "test": [...], "val": [...]}``."""
    return bool(
        isinstance(table, Mapping)
        and bool(table)
        and {"train", "training"} & {str(k).lower() for k in table}
        and {str(k).lower() for k in table} <= PART_WORDS.keys()
        and all(isinstance(v, list | tuple) for v in table.values())
    )


READER = Reader(
    id="const-ae",
    name="Ahlmann-Eltze et al. run folder",
    summary="Folder with all_predictions.json and gene_names.json; optional all_predictions_se.json, n_cells.json.",
    separator='"+" or "_" (only between known targets); "" is control',
    value_space="lognorm",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
