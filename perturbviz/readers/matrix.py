"""The plain matrix: CSV, TSV, Parquet or Excel with one row a condition and one column a gene or other read-out.

A column of a usual name, or the first, holds the condition labels. Columns called ``context``, ``n_cells`` and
``split`` are taken for what they say; a row labelled as control is the control mean. What a table is otherwise,
``perturbviz.readers.tabular`` tells.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.safety import check_bytes, check_file, check_shape, check_text, check_time, check_zip, limit
from perturbviz.readers.tabular import understand

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
_BLOCK = 4_000_000  # fields read at a time
_WIDE = 20_000  # columns
_MISSING = frozenset(["", "NA", "NaN", "nan", "N/A", "n/a", "NULL", "null", "None", "<NA>", "#N/A", "-nan", "-NaN"])
_SHEETS = (".parquet", ".xlsx")
_LOOK = 20  # lines in which the header is looked for


def recognise(path: Path) -> bool:
    """Any delimited text, Parquet or Excel file; last in the order, so that more specific layouts come first."""
    return path.is_file() and (path.name.lower().endswith(_TEXT) or path.suffix.lower() in _SHEETS)


def read(path: Path, options: Options) -> Loaded:
    """Rows and columns as they are; the value space is the truth's unless declared."""
    shape = understand(read_table(path), options, path.name)
    return Loaded(
        truth=shape.profiles,
        splits={"": shape.split} if shape.split else {},
        value_space="",
        notes=shape.notes,
        title=path.name.split(".")[0],
    )


def read_table(path: Path) -> pd.DataFrame:
    """The file as text-headed table: first column labels, header names as written, also where they repeat."""
    check_file(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    if path.suffix.lower() == ".xlsx":
        return _read_excel(path)
    check_text(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        skipped = _lines_before(path)
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            for _ in range(skipped):
                file.readline(64_000_000)
            first = file.readline(64_000_000)
            delimiter = max("\t,;", key=first.count)
            header = next(csv.reader([first.rstrip("\r\n")], delimiter=delimiter), [])
            second = file.readline(64_000_000)
        width = len(next(csv.reader([second.rstrip("\r\n")], delimiter=delimiter), []))
    except csv.Error as error:
        raise UserError(
            f"{path.name} is no table of numbers: a field of its first lines is longer than "
            f"{csv.field_size_limit():,} letters."
        ) from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise UserError(f"{path.name} is not a text table in UTF-8 ({type(error).__name__}).") from error
    check_shape(path.name, 1, len(header))
    if not second:
        raise UserError(f"{path.name} is empty: it needs one row a condition and one column a gene.")
    if width == len(header) + 1:  # R's write.table leaves the corner out
        header = ["", *header]
    if width < 2 or width != len(header):
        raise UserError(
            f"{path.name}: the header has {len(header)} columns and the first row {width}. It must be a table with "
            "commas or tabs, one row a condition and one column a gene."
        )
    try:
        wide = _wide_body(path, delimiter, len(header), skipped) if len(header) > _WIDE else None
        table = _body(path, delimiter, len(header), skipped) if wide is None else wide
    except UserError:
        raise
    except (
        ValueError,
        OSError,
        EOFError,
        zlib.error,
        csv.Error,
    ) as error:  # pandas' ParserError and UnicodeDecodeError are ValueErrors
        raise UserError(f"{path.name} cannot be read as a table ({str(error).strip()[:120]}).") from error
    if table.shape[1] != len(header):
        raise UserError(f"{path.name}: rows differ in length; every row needs {len(header)} fields.")
    table.columns = pd.Index(header, dtype=object)
    return table


def _lines_before(path: Path) -> int:
    """Lines above the header: empty ones, comments after "#", and a title without any delimiter."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        lines = [file.readline(1_000_000) for _ in range(_LOOK)]
    fields = [max(line.count(d) for d in "\t,;") for line in lines]
    n = 0
    while n < len(lines) - 1 and lines[n]:
        comment = not lines[n].strip() or (lines[n].startswith("#") and fields[n] != fields[n + 1])
        if not comment and not (fields[n] == 0 and fields[n + 1] > 1):
            break
        n += 1
    return n if n < len(lines) - 1 and lines[n] else 0


def _read_excel(path: Path) -> pd.DataFrame:
    """The first sheet of a workbook, its first line the header."""
    check_zip(path)
    try:
        table = pd.read_excel(path, sheet_name=0, engine="openpyxl")
    except Exception as error:  # openpyxl raises many kinds for a damaged workbook
        raise UserError(f"{path.name} cannot be read as an Excel workbook ({type(error).__name__}).") from error
    check_shape(path.name, *table.shape)
    table.columns = pd.Index(["" if str(c).startswith("Unnamed: ") else str(c) for c in table.columns], dtype=object)
    return table


def _body(path: Path, delimiter: str, columns: int, skipped: int = 0) -> pd.DataFrame:
    """The lines below the header, block by block, so that a limit is noticed while reading."""
    blocks: list[pd.DataFrame] = []
    rows = bytes_ = 0
    with pd.read_csv(
        path,
        sep=delimiter,
        header=None,
        skiprows=skipped + 1,
        encoding="utf-8-sig",
        dtype={0: str},
        low_memory=False,
        keep_default_na=True,
        chunksize=max(_BLOCK // columns, 1),
    ) as reader:
        for block in reader:
            check_time(path.name)
            rows, bytes_ = rows + len(block), bytes_ + int(block.memory_usage(deep=True).sum())
            if rows > limit("ROWS"):
                raise UserError(
                    f"{path.name} has more than {limit('ROWS'):,} rows, the limit (PERTURBVIZ_MAX_ROWS): it is "
                    "not read in part. One row a condition is enough; average cells first."
                )
            check_bytes(path.name, bytes_)
            blocks.append(block)
    return blocks[0] if len(blocks) == 1 else pd.concat(blocks, ignore_index=True)


def _wide_body(path: Path, delimiter: str, columns: int, skipped: int = 0) -> pd.DataFrame | None:
    """The same for a table of tens of thousands of columns, row by row, since pandas takes its time for each column.

    None where something else than a number or a missing value stands in a row, and pandas has to look closer.
    """
    labels: list[str] = []
    rows: list[np.ndarray] = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        for _ in range(skipped):
            file.readline(64_000_000)
        lines = csv.reader(file, delimiter=delimiter)
        next(lines)
        for fields in lines:
            check_time(path.name)
            if not fields:
                continue
            if len(fields) != columns:
                return None
            try:
                values = np.array(["nan" if f in _MISSING else f for f in fields[1:]], dtype=np.float64)
            except ValueError:
                return None
            labels.append(fields[0])
            rows.append(values.astype(np.float32))
            check_bytes(path.name, len(rows) * rows[0].nbytes)
    if not rows:
        return None
    table = pd.DataFrame(np.stack(rows), columns=range(1, columns))
    table.insert(0, 0, pd.Series([np.nan if label in _MISSING else label for label in labels], dtype=object))
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet as pq

    try:
        schema = pq.read_metadata(path)
        check_shape(path.name, schema.num_rows, schema.num_columns)
        table = _decoded(path.name, pq.ParquetFile(path)).to_pandas()
    except UserError:
        raise
    except Exception as error:  # Arrow, and pandas' description of the columns in the file, raise many kinds
        raise UserError(f"{path.name} cannot be read as Parquet ({type(error).__name__}).") from error
    if isinstance(table.index, pd.RangeIndex):
        return table
    if isinstance(table.index, pd.MultiIndex):
        return table.reset_index()
    name = table.index.name or ""
    return pd.concat([pd.Series(table.index, index=table.index, name=name), table], axis=1)


def _decoded(name: str, file: Any) -> Any:
    """A Parquet table, batch by batch: repeated text and runs take no place in the file and much in memory."""
    import pyarrow as pa

    batches, bytes_ = [], 0
    for batch in file.iter_batches(batch_size=10_000, use_threads=False):
        check_time(name)
        batches.append(batch)
        bytes_ += batch.nbytes
        check_bytes(name, bytes_)
    return pa.Table.from_batches(batches, schema=file.schema_arrow)


READER = Reader(
    id="matrix",
    name="Plain matrix",
    summary="CSV, TSV, Parquet or Excel: rows are conditions, columns are genes or read-outs; or a long table.",
    separator='"+"',
    value_space="the truth's unless declared",
    granularity="means",
    gene_ids="as in the header",
    recognise=recognise,
    read=read,
)
