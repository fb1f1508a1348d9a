"""Tables to disk, whole or not at all."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from perturbviz import __version__
from perturbviz.benchmark.files import replacing
from perturbviz.errors import UserError
from perturbviz.panels.spreadsheet import csv_bytes

TABLES = (".csv", ".parquet")


def add_output(parser: argparse.ArgumentParser, name: str) -> None:
    """``-o`` and ``--json``: a table into a file, or JSON into a file or to stdout, for other programs."""
    parser.add_argument(
        "--json", action="store_true", help="write JSON, to stdout where no file is named: what was asked, and the rows"
    )
    parser.add_argument(
        "-o", "--out", metavar=f"{name}.csv", help="where to write (.csv or .parquet; .json with --json)"
    )


def where_to(arguments: argparse.Namespace) -> Path | None:
    """Path of ``-o``, checked before any work; None for stdout."""
    if arguments.out is not None:
        return check_output(arguments.out, (".json",) if arguments.json else TABLES)
    if not arguments.json:
        raise UserError("Name a file with -o, or write to stdout with --json.")
    return None


def write(
    tables: Iterable[pd.DataFrame], out: Path | None, as_json: bool, asked: Mapping[str, Any], notes: list[str]
) -> int:
    """Write tables of the same columns as the options of :func:`add_output` say; returns the rows.

    Parameters
    ----------
    out
        Path, or None for stdout.
    asked, notes
        What JSON says beside its rows: the data and the choices, and what to know about them.
    """
    if not as_json:
        assert out is not None
        return write_tables(tables, out)
    several = iter(tables)
    first = next(several, pd.DataFrame())  # what goes wrong goes wrong before anything is written
    with _opened(out) as file:
        head = json.dumps({"perturbviz": __version__, **asked, "notes": notes}, ensure_ascii=False)
        file.write(f'{head[:-1]}, "rows": [')
        rows = 0
        for table in chain([first], several):
            for record in table.to_dict("records"):
                file.write(",\n" if rows else "\n")
                file.write(json.dumps({k: _value(v) for k, v in record.items()}, ensure_ascii=False, allow_nan=False))
                rows += 1
        file.write("\n]}\n")
    return rows


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    if out is None:
        yield sys.stdout
        return
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield file


def _value(value: Any) -> Any:
    """A cell as JSON has it: undefined is null."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
