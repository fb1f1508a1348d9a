"""Read an embedding of genes or perturbations from TSV, CSV, NPZ or Parquet, and gene descriptions from JSON.

Files come either way round, with or without names on the second axis (the tables of the paper have perturbations as
columns, dimensions as rows and no row names). The names already known from the data decide; what was decided is said.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.models.embeddings import from_text
from perturbviz.readers.safety import check_bytes, check_entries, check_shape

FORMATS = (".tsv", ".csv", ".txt", ".npz", ".parquet")
TEXT_TABLES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, eq=False)
class ReadEmbedding:
    """An embedding from a file.

    Parameters
    ----------
    table
        Names × dimensions, with the file's name in ``attrs["name"]``.
    report
        One sentence: how the file was read, how many known names it covers, what was dropped.
    n_known
        Known names that have a row.
    """

    table: pd.DataFrame
    report: str
    n_known: int


def read_embedding(
    source: str | Path | BinaryIO, known_names: Collection[str], filename: str | None = None
) -> ReadEmbedding:
    """Read an embedding and find out which axis holds the names.

    Parameters
    ----------
    source
        Path or open binary file.
    known_names
        Genes and perturbations of the data, to tell names from dimensions.
    filename
        Name of an open file; its ending says the format.

    Raises
    ------
    UserError
        If the file cannot be read, holds something that is not a number, or names nothing that is known.
    """
    content, name = _content(source, filename)
    ending = Path(name.lower()).suffix
    if ending in (".tsv", ".csv", ".txt"):
        candidates = _from_text(content, name)
    elif ending == ".npz":
        candidates = _from_npz(content, name)
    elif ending == ".parquet":
        candidates = _from_parquet(content, name)
    else:
        hint = " (a pickle can run code; save it as NPZ or Parquet)" if ending in (".pkl", ".pickle") else ""
        raise UserError(f"{name}: embeddings are read from {', '.join(FORMATS)}, not {ending or 'this'}{hint}.")
    known = set(map(str, known_names))
    overlap = [sum(n in known for n in names) for names, _, _ in candidates]
    best = int(np.argmax(overlap)) if overlap else 0
    if not overlap or not overlap[best]:
        seen = "; ".join(f"{where} {', '.join(names[:3])}" for names, _, where in candidates if len(names))
        wanted = ", ".join(sorted(known)[:3])
        raise UserError(f"{name} names no known gene or perturbation ({seen or 'no names'}; the data have {wanted}).")
    names, frame, where = candidates[best]
    return _finished(names, frame, where, known, name)


def read_gene_texts(source: str | Path | BinaryIO, filename: str | None = None) -> dict[str, str]:
    """Descriptions of genes from a JSON object {gene: text}, or a CSV or TSV with genes first and texts second.

    Raises :class:`UserError` for anything else.
    """
    content, name = _content(source, filename)
    if Path(name.lower()).suffix in TEXT_TABLES:
        texts = _text_table(content, name)
        if texts is None:
            raise UserError(f"{name} holds no descriptions: a table of texts has genes first and texts second.")
        return texts
    try:
        texts = json.loads(content)
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{name} is not JSON: {error}.") from None
    if not isinstance(texts, dict) or not texts or not all(isinstance(t, str) for t in texts.values()):
        raise UserError(
            f'{name} must be one JSON object with a text per gene, as in {{"KLF1": "a transcription ..."}}.'
        )
    return texts


def read_any(content: bytes, filename: str, known_names: Collection[str], dims: int = 50) -> ReadEmbedding:
    """An embedding from a file of numbers, or from gene descriptions (JSON, CSV, TSV) by their words.

    Parameters
    ----------
    content, filename
        Bytes of the file and its name, whose ending says the format.
    known_names
        Genes and targets of the data.
    dims
        Dimensions of an embedding made from texts.

    Raises
    ------
    UserError
        If the file is neither, or names nothing that is known.
    """
    ending = Path(filename.lower()).suffix
    if ending != ".json" and (ending not in TEXT_TABLES or _text_table(content, filename) is None):
        return read_embedding(io.BytesIO(content), known_names, filename)
    texts = read_gene_texts(io.BytesIO(content), filename)
    known = set(map(str, known_names))
    n_known = len(known & set(texts))
    if not n_known:
        wanted = ", ".join(sorted(known)[:3])
        raise UserError(f"{filename} describes no known gene (it has {next(iter(texts))!r}; the data have {wanted}).")
    table = from_text(texts, dims)
    table.attrs["name"] = Path(filename).stem
    report = (
        f"{filename}: {len(texts):,} descriptions, reduced to {table.shape[1]} dimensions of their words (TF-IDF), "
        f"{n_known:,} of {len(known):,} known names."
    )
    return ReadEmbedding(table, report, n_known)


def read_plain(path: Path, filename: str, known_names: Collection[str], dims: int) -> dict[str, Any]:
    """The fields of :func:`read_any` for a file, as they come from the process that read it."""
    found = read_any(path.read_bytes(), filename, known_names, dims)
    return {"table": found.table, "name": found.table.attrs["name"], "report": found.report, "n_known": found.n_known}


def _text_table(content: bytes, name: str) -> dict[str, str] | None:
    """Gene -> text of a CSV or TSV whose second column is text; None for a table of numbers or anything else."""
    separator = "," if name.lower().endswith(".csv") else "\t"
    try:
        frame = pd.read_csv(io.BytesIO(content), sep=separator, dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError):
        return None
    if frame.shape[1] != 2 or pd.to_numeric(frame.iloc[:, 1], errors="coerce").notna().any():
        return None
    return dict(zip(frame.iloc[:, 0], frame.iloc[:, 1], strict=True))


#: Names on one axis, the numbers with these names as rows, and where the names were found.
_Candidate = tuple[list[str], pd.DataFrame, str]


def _content(source: str | Path | BinaryIO, filename: str | None) -> tuple[bytes, str]:
    if not isinstance(source, str | Path):
        content, name = source.read(), filename or Path(getattr(source, "name", "the file")).name
    else:
        path = Path(source)
        try:
            content, name = path.read_bytes(), filename or path.name
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    check_bytes(name, len(content))
    return content, name


def _from_text(content: bytes, name: str) -> list[_Candidate]:
    try:
        first = content.split(b"\n", 1)[0].decode().strip("\r")
        separator = max("\t,;", key=first.count)
        separator = separator if separator in first else r"\s+"
        cells = re.split(separator, first.strip() if separator == r"\s+" else first)
        headed = _is_header([c.strip().strip('"') for c in cells])
        frame = pd.read_csv(io.BytesIO(content), sep=separator, header=0 if headed else None, dtype={0: str})
    except UnicodeDecodeError:
        raise UserError(f"{name} is not a text file; is its ending right?") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{name} is not a table: {str(error).strip()}.") from None
    return _from_frame(frame, headed)


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first line names columns: it holds words, or counts 0, 1, 2, ... after the corner."""
    rest = cells[1:] or cells
    try:
        numbers = [float(c) for c in rest]
    except ValueError:
        return True
    return len(rest) > 1 and numbers in ([float(i) for i in range(k, k + len(rest))] for k in (0, 1))


def _from_parquet(content: bytes, name: str) -> list[_Candidate]:
    try:
        from pyarrow.parquet import ParquetFile  # here: the first page does without

        about = ParquetFile(io.BytesIO(content)).metadata
        check_shape(name, about.num_rows, about.num_columns, 8)
        frame = pd.read_parquet(io.BytesIO(content))
    except UserError:
        raise
    except Exception as error:  # pyarrow raises its own family of errors
        raise UserError(f"{name} is not a Parquet table: {error}.") from None
    return _from_frame(frame, headed=True)


def _from_frame(frame: pd.DataFrame, headed: bool) -> list[_Candidate]:
    """Names may be the first column or the header, which spans the first column only if that holds numbers."""
    frame = (frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()).rename(columns=str)
    first, rest = frame.iloc[:, 0], frame.iloc[:, 1:]
    candidates = [(first.astype(str).tolist(), rest, "in the first column")]
    if headed:
        is_label = pd.to_numeric(first, errors="coerce").isna().mean() > 0.5
        is_count = first.name in ("index", "") or first.name.startswith("Unnamed:")
        wide = rest if is_label or is_count else frame
        candidates.append((wide.columns.tolist(), wide.T, "in the header"))
    return candidates


def _from_npz(content: bytes, name: str) -> list[_Candidate]:
    """One 2-D array with a list of names that fits an axis, or one vector a name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_entries(name, archive.infolist(), len(content))
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except (ValueError, zipfile.BadZipFile, OSError, EOFError, AttributeError, MemoryError) as error:
        raise UserError(f"{name} is not an NPZ file of plain arrays: {error}.") from None
    vectors = {k: v for k, v in arrays.items() if v.ndim == 1 and v.dtype.kind in "fiu"}
    labels = {k: [str(x) for x in v] for k, v in arrays.items() if v.ndim == 1 and v.dtype.kind in "US"}
    candidates: list[_Candidate] = []
    for key, values in arrays.items():
        if values.ndim == 2 and values.dtype.kind in "fiu":
            for label, names in labels.items():
                if len(names) == values.shape[0]:
                    candidates.append((names, pd.DataFrame(values), f"in {label}, the rows of {key}"))
                if len(names) == values.shape[1]:
                    candidates.append((names, pd.DataFrame(values.T), f"in {label}, the columns of {key}"))
    if vectors and len({len(v) for v in vectors.values()}) == 1:
        candidates.append((list(vectors), pd.DataFrame(np.stack(list(vectors.values()))), "as the names of arrays"))
    return candidates


def _finished(names: list[str], frame: pd.DataFrame, where: str, known: set[str], name: str) -> ReadEmbedding:
    table = frame.set_axis(pd.Index(names), axis=0).set_axis(range(frame.shape[1]), axis=1)
    try:
        table = table.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: the names are {where}, but the rest is not all numbers ({error}).") from None
    if not table.shape[1]:
        raise UserError(f"{name} has names {where} but no numbers.")
    notes = []
    if repeated := int(table.index.duplicated().sum()):
        table = table[~table.index.duplicated()]
        notes.append(f"{repeated} repeated names dropped, the first kept")
    complete = np.isfinite(table.to_numpy()).all(axis=1)
    if not complete.all():
        notes.append(f"{(~complete).sum()} rows with missing values dropped")
        table = table[complete]
    n_known = int(table.index.isin(known).sum())
    if not n_known:
        raise UserError(f"{name}: every row of a known gene or perturbation has missing values.")
    table.attrs["name"] = Path(name).stem
    report = (
        f"{name}: names {where}, {len(table)} rows × {table.shape[1]} dimensions, {n_known} of {len(known)} known names"
    )
    return ReadEmbedding(table, "; ".join([report, *notes]) + ".", n_known)
