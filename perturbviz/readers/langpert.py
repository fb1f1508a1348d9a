"""LangPert's predictions.csv (index "perturbation", numbered columns) and PerturbDict (.json, or .pkl by command).

Values are changes: an unknown gene falls back to zeros, which only means something for changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from perturbviz.errors import UserError
from perturbviz.readers import matrix
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.jsonfile import numbers, read_json
from perturbviz.readers.pickles import safe_pickle


def recognise(path: Path) -> bool:
    """A CSV whose header is perturbation,0,1,2,..."""
    if not path.is_file() or path.suffix != ".csv":
        return False
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.readline(40).startswith("perturbation,0,1")
    except OSError:
        return False


def read(path: Path, options: Options) -> Loaded:
    """The table as changes; gene names must be given."""
    return replace(matrix.read(path, options), value_space="delta")


def recognise_dict(path: Path) -> bool:
    """A JSON object with data, gene_names and perturbations."""
    if not path.is_file() or path.suffix != ".json":
        return False
    with path.open("rb") as file:
        head = file.read(4096)
        if b'"gene_names"' in head:
            return True
        file.seek(max(path.stat().st_size - 200_000, 0))
        tail = file.read()
    return b'"ctrl_mean"' in tail and b'"gene_names"' in tail


def read_dict(path: Path, options: Options) -> Loaded:
    """Changes or means of every perturbation; ``ctrl_mean`` becomes the control row where values are expression."""
    if path.suffix in (".pkl", ".pickle") and not options.allow_pickle:
        raise UserError(f"{path.name} is a pickle, which is read on the command line only: save the JSON instead.")
    content = safe_pickle(path) if path.suffix in (".pkl", ".pickle") else read_json(path)
    data = content.get("data", content) if isinstance(content, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(data.get("perturbations"), Mapping) or "gene_names" not in data:
        raise UserError(f"{path.name} is no PerturbDict: it needs data with gene_names and perturbations.")
    genes = [*map(str, data["gene_names"])]
    labels = [*map(str, data["perturbations"])]
    rows = []
    for label in labels:
        entry = data["perturbations"][label]
        values = entry.get("exprs") if isinstance(entry, Mapping) else entry
        rows.append(numbers(values, f"{path.name}, {label!r}"))
    control = content.get("ctrl_mean")
    space = options.value_space
    if control is not None and space != "delta":
        labels, rows = ["ctrl", *labels], [numbers(control, f"{path.name}, ctrl_mean"), *rows]
        space = "lognorm"
    if any(len(r) != len(genes) for r in rows):
        raise UserError(f"{path.name}: a perturbation has another number of values than the {len(genes)} gene names.")
    return Loaded(truth=Profiles(np.stack(rows), labels, genes), value_space=space, title=path.stem)


READER = Reader(
    id="langpert",
    name="LangPert",
    summary="predictions.csv with index 'perturbation' and numbered columns: needs a gene list.",
    separator='"+"',
    value_space="delta",
    granularity="means",
    gene_ids="none in the file",
    recognise=recognise,
    read=read,
)
DICT = Reader(
    id="perturbdict",
    name="PerturbDict",
    summary="JSON (or pickle, command line only) with gene_names, perturbations and ctrl_mean.",
    separator='"+"',
    value_space="lognorm, or delta if declared",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise_dict,
    read=read_dict,
)
