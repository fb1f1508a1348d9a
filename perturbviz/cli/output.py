"""Tables to disk, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perturbviz.benchmark.files import replacing
from perturbviz.errors import UserError
from perturbviz.panels.spreadsheet import csv_bytes

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


def write_table(table: pd.DataFrame, path: str | Path) -> int:
    """Write one table; see :func:`write_tables`."""
    return write_tables([table], path)


def write_tables(tables: Iterable[pd.DataFrame], path: str | Path) -> int:
    """Write tables of the same columns one after the other into one CSV or Parquet file, atomically; returns the rows.

    Text that a spreadsheet would run is made harmless in CSV.
    """
    path = check_output(path, TABLES)
    with replacing(path) as temporary:
        return _write_csv(tables, temporary) if path.suffix == ".csv" else _write_parquet(tables, temporary)


def _write_csv(tables: Iterable[pd.DataFrame], path: Path) -> int:
    rows = 0
    with path.open("wb") as file:
        for table in tables:
            data = csv_bytes(table)
            file.write(data.split(b"\n", 1)[1] if rows else data)
            rows += len(table)
    return rows


def _write_parquet(tables: Iterable[pd.DataFrame], path: Path) -> int:
    rows, writer = 0, None
    try:
        for table in tables:
            part = pa.Table.from_pandas(table, preserve_index=False)
            writer = writer or pq.ParquetWriter(path, part.schema)
            writer.write_table(part.cast(writer.schema))
            rows += len(table)
    finally:
        if writer is not None:
            writer.close()
    return rows
