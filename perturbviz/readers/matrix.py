"""The plain matrix: CSV, TSV or Parquet with one row a condition and one column a gene or other read-out.

The first column holds the condition labels. Columns called ``context``, ``n_cells`` and ``split`` are taken for what
they say; a row labelled as control is the control mean.
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
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.safety import check_bytes, check_file, check_shape, check_text, check_time, limit

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
_META = ("context", "n_cells", "split")
_BLOCK = 4_000_000  # fields read at a time
_WIDE = 20_000  # columns
_MISSING = frozenset(["", "NA", "NaN", "nan", "N/A", "n/a", "NULL", "null", "None", "<NA>", "#N/A", "-nan", "-NaN"])
_NAMELESS = "the columns are only numbered"


def recognise(path: Path) -> bool:
    """Any delimited text or Parquet file; last in the order, so that more specific layouts are found first."""
    return path.is_file() and (path.name.lower().endswith(_TEXT) or path.suffix == ".parquet")


def read(path: Path, options: Options) -> Loaded:
    """Rows and columns as they are; the value space is the truth's unless declared."""
    table = read_table(path)
    header, body = [*map(str, table.columns)], table
    context_column = options.context or "context"
    meta = {name: header.index(name) for name in {*_META, context_column} if name in header[1:]}
    if options.context and options.context not in meta:
        raise UserError(f"{path.name} has no column {options.context!r} to take the context from.")
    columns = [i for i in range(1, len(header)) if i not in meta.values()]
    if not columns or not len(body):
        raise UserError(f"{path.name} is empty: it needs one row a condition and one column a gene.")
    genes = [header[i] for i in columns]
    labels = body.iloc[:, 0].tolist()
    values = _numbers(path.name, body.iloc[:, columns], genes, labels)
    splits = {}
    if "split" in meta:
        splits[""] = {k: str(v) for k, v in zip(labels, body.iloc[:, meta["split"]], strict=True)}
    contexts = body.iloc[:, meta[context_column]].astype(str).tolist() if context_column in meta else None
    cells = pd.to_numeric(body.iloc[:, meta["n_cells"]], errors="coerce").to_numpy(float) if "n_cells" in meta else None
    notes = []
    named: list[str] | None = genes
    if genes == [str(i) for i in range(len(genes))]:
        notes.append(f"No gene names: {_NAMELESS}.")
        named = list(options.genes) or None
    return Loaded(
        truth=Profiles(values, labels, named, contexts=contexts, n_cells=cells),
        splits=splits,
        value_space="",
        notes=tuple(notes),
        title=path.name.split(".")[0],
    )


def read_table(path: Path) -> pd.DataFrame:
    """The file as text-headed table: first column labels, header names as written, also where they repeat."""
    check_file(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    check_text(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
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
        wide = _wide_body(path, delimiter, len(header)) if len(header) > _WIDE else None
        table = _body(path, delimiter, len(header)) if wide is None else wide
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


def _body(path: Path, delimiter: str, columns: int) -> pd.DataFrame:
    """The lines below the header, block by block, so that a limit is noticed while reading."""
    blocks: list[pd.DataFrame] = []
    rows = bytes_ = 0
    with pd.read_csv(
        path,
        sep=delimiter,
        header=None,
        skiprows=1,
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


def _wide_body(path: Path, delimiter: str, columns: int) -> pd.DataFrame | None:
    """The same for a table of tens of thousands of columns, row by row, since pandas takes its time for each column.

    None where something else than a number or a missing value stands in a row, and pandas has to look closer.
    """
    labels: list[str] = []
    rows: list[np.ndarray] = []
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
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
    if (
        isinstance(table.index, pd.RangeIndex)
        and table.shape[1]
        and not pd.api.types.is_numeric_dtype(table.dtypes.iloc[0])
    ):
        return table
    if isinstance(table.index, pd.MultiIndex):
        return table.reset_index()
    if isinstance(table.index, pd.RangeIndex):
        raise UserError(f"{path.name} has no labels: the first column (or the index) must name the conditions.")
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


def _numbers(name: str, body: pd.DataFrame, genes: list[str], labels: list) -> np.ndarray:
    """Float32 values; "NA" and empty cells are NaN, other text is an error that says where it is."""
    if all(pd.api.types.is_numeric_dtype(t) for t in body.dtypes):
        return body.to_numpy(np.float32)
    out = np.empty(body.shape, np.float32)
    for j in range(body.shape[1]):
        check_time(name)
        column = body.iloc[:, j]
        numeric = pd.to_numeric(column, errors="coerce")
        bad = np.flatnonzero(numeric.isna().to_numpy() & column.notna().to_numpy())
        if len(bad):
            raise UserError(
                f"{name}: {str(column.iloc[bad[0]])[:40]!r} in row {labels[bad[0]]!r}, column {genes[j]!r} is "
                "not a number."
            )
        out[:, j] = numeric
    return out


READER = Reader(
    id="matrix",
    name="Plain matrix",
    summary="CSV, TSV or Parquet: rows are conditions (labels in the first column), columns are genes or read-outs.",
    separator='"+"',
    value_space="the truth's unless declared",
    granularity="means",
    gene_ids="as in the header",
    recognise=recognise,
    read=read,
)
