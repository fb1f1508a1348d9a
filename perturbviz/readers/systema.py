"""Systema: pairs {dataset}_{seed}_{method}_post-pred.csv and _post-gt.csv; test conditions only, no control."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader, run_name
from perturbviz.readers.matrix import read_table

_NAME = re.compile(r"^(.+)_(\d+)_(.+)_post-(gt|pred)\.csv$")  # from the right: data sets may hold "_"


def recognise(path: Path) -> bool:
    """A file of that name, or a folder with some."""
    if path.is_dir():
        return any(_NAME.match(p.name) for p in path.glob("*_post-pred.csv"))
    return bool(_NAME.match(path.name))


def read(path: Path, options: Options) -> Loaded:
    """All pairs of a folder, or the one file."""
    files = sorted(path.glob("*_post-*.csv")) if path.is_dir() else [path]
    found = {(m[1], m[2], m[3], m[4]): p for p in files if (m := _NAME.match(p.name))}
    datasets = sorted({key[0] for key in found})
    if len(datasets) > 1:
        raise UserError(f"{path.name} holds results of {', '.join(datasets)}: put one data set into a folder.")
    predictions, lost = {}, {}
    for (_, seed, method, side), p in found.items():
        if side == "pred":
            try:
                predictions[method, seed] = _rows(p)
            except UserError as error:
                lost[run_name(method, seed)] = str(error)
    if lost and not predictions:
        raise UserError(next(iter(lost.values())))
    truths = [(seed, _rows(p)) for (_, seed, _, side), p in found.items() if side == "gt"]
    splits = {seed: dict.fromkeys(rows.labels, "test") for seed, rows in truths}
    note = "Test conditions only: there is no control and no training data in these files; seeds overlap."
    return Loaded(
        truth=_union(truths) if truths else None,
        predictions=predictions,
        splits=splits,
        value_space="lognorm",
        notes=(note,),
        left_out=lost,
        title=datasets[0],
    )


def _rows(path: Path) -> Profiles:
    """Rows of one file: the index is (condition, n_train)."""
    table = read_table(path)
    header = [*map(str, table.columns)]
    start = 2 if len(header) > 2 and _is_count(header[1], table.iloc[:, 1]) else 1
    try:
        values = table.iloc[:, start:].to_numpy(np.float32)
    except ValueError as error:
        raise UserError(f"{path.name} holds something that is not a number ({error}).") from error
    return Profiles(values, table.iloc[:, 0].astype(str).tolist(), header[start:])


def _is_count(name: str, values: pd.Series) -> bool:
    return name in ("n_train", "Unnamed: 1", "", "1") and pd.api.types.is_integer_dtype(values)


def _union(truths: list[tuple[str, Profiles]]) -> Profiles:
    """Each condition once; seeds share the data, so a condition that differs between files is an error."""
    rows: dict[str, pd.Series] = {}
    for seed, profiles in truths:
        frame = pd.DataFrame(profiles.values, columns=profiles.genes)
        frame = frame.loc[:, ~frame.columns.duplicated()] if seed != truths[0][0] else frame
        for label, (_, row) in zip(profiles.labels, frame.iterrows(), strict=True):
            old = rows.setdefault(label, row)
            if old is not row and not np.allclose(old[row.index], row, rtol=1e-4, atol=1e-5, equal_nan=True):
                raise UserError(f"The observed profile of {label} differs between the ground-truth files of two seeds.")
    first = list(truths[0][1].genes or ())
    aligned = [row.to_numpy() if list(row.index) == first else row.reindex(first).to_numpy() for row in rows.values()]
    return Profiles(np.array(aligned, np.float32), list(rows), first)


READER = Reader(
    id="systema",
    name="Systema",
    summary="{dataset}_{seed}_{method}_post-pred.csv with _post-gt.csv, one or a folder of them.",
    separator='"+"',
    value_space="lognorm",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
