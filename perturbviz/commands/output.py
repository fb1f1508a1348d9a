"""Tables to disk, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pandas as pd

from perturbviz.errors import UserError
from perturbviz.ui.chart_csv import csv_bytes

TABLES = (".csv", ".parquet")


def check_output(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """Path to write to; refused before any work where its folder is missing or its ending is another format's."""
    path = Path(path)
    if path.suffix not in suffixes:
        raise UserError(f"{path.name}: the output must end in {' or '.join(suffixes)}.")
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} does not exist: make it first.")
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file.")
    return path


def write_table(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV (text that a spreadsheet would run is made harmless) or Parquet, atomically."""
    path = check_output(path, TABLES)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        if path.suffix == ".csv":
            Path(temporary).write_bytes(csv_bytes(table))
        else:
            table.to_parquet(temporary, index=False)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
