"""What a table is: which column holds the labels, which hold numbers of genes, what the others are, wide or long.

Alike for CSV, TSV, Parquet and Excel. Rows and columns that are swapped show only against the truth, see
``perturbviz.readers.assemble.turned``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import CONTROL
from perturbviz.benchmark.rows import differing, differing_sentence
from perturbviz.errors import Choice, UserError
from perturbviz.readers.base import INDEX, NO_CONTEXT, Caution, Options, Profiles
from perturbviz.readers.cells import CONTEXTS, GENE_COLUMNS, LABELS, labels_of
from perturbviz.readers.safety import check_shape, check_time

NAMELESS = "the columns are only numbered"
_META = ("context", "n_cells", "split")
#: Columns of numbers that tell of rows and are no genes; lower case.
_OF_ROWS = frozenset(
    [
        "n_counts",
        "n_genes",
        "n_umi",
        "total_counts",
        "nperts",
        "dose",
        "dose_val",
        "time",
        "replicate",
        "batch",
        "index",
    ]
)
_RUNNING = ("", "index", "unnamed: 0", "x", "...1", "row", "rownames")
_GENES_OF_LONG = ("gene", *GENE_COLUMNS, "feature", "variable", "readout", "target_id")
_VALUES_OF_LONG = ("value", "expression", "prediction", "predicted", "mean", "x", "y", "lognorm", "logfc", "delta")
_COMMA = re.compile(r"-?\d+,\d+([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+")


@dataclass(frozen=True, eq=False)
class Shape:
    """A table understood.

    Attributes
    ----------
    profiles
        Its rows.
    split
        Label -> part, where a column says.
    notes
        What was taken for what, and what was left out.
    """

    profiles: Profiles
    split: dict[str, str]
    notes: tuple[str, ...]


def understand(table: pd.DataFrame, options: Options, name: str) -> Shape:
    """What a table holds: labels, numbers, and what it says of its rows.

    Raises
    ------
    UserError
        Where no column can be the labels, or something among the numbers is none.
    """
    table = table.copy(deep=False)
    table.columns = pd.Index([str(c) for c in table.columns], dtype=object)
    at, notes = _label_column(table, options, name)
    if (wide := _from_long(table, at, options, name)) is not None:
        table, at, more = wide
        notes += more
    header = list(table.columns)
    labels = [None if v is None else str(v) for v in labels_of(table.iloc[:, at])]
    context, more = _context_column(table, at, options, name)
    notes += more
    known = {header.index(m): m for m in _META if m in header and header.index(m) != at}
    known |= {context: "context"} if context >= 0 else {}
    rest = [i for i in range(len(header)) if i != at and i not in known]
    text = [i for i in rest if _is_text(table.iloc[:, i])]
    about = [*text, *(i for i in rest if i not in text and header[i].lower() in _OF_ROWS)]
    if 0 in rest and 0 not in about and _runs(header[0], table.iloc[:, 0]):
        about.insert(0, 0)
    columns = [i for i in rest if i not in set(about)]
    if not columns or not len(table):
        raise UserError(f"{name} is empty: it needs one row a condition and one column a gene.")
    if about:
        named = ", ".join(header[i] or "(without a name)" for i in about[:6])
        notes.append(f"{name}: columns that hold no genes are left out: {named}{' ...' if len(about) > 6 else ''}.")
        notes += _apart(table, about, at, context, labels, name)
    genes: list[str] | None = [header[i] for i in columns]
    values, more = numbers(name, table.iloc[:, columns], [header[i] for i in columns], labels)
    notes += more
    if genes == [str(i) for i in range(len(columns))]:
        notes.append(f"No gene names: {NAMELESS}.")
        genes = list(options.genes) or None
    cells = pd.to_numeric(table["n_cells"], errors="coerce").to_numpy(float) if "n_cells" in known.values() else None
    split = {}
    if "split" in known.values():
        split = {str(k): str(v) for k, v in zip(labels, table["split"], strict=True)}
    contexts = table.iloc[:, context].astype(str).tolist() if context >= 0 else None
    return Shape(Profiles(values, labels, genes, contexts=contexts, n_cells=cells), split, tuple(notes))


def _apart(
    table: pd.DataFrame, about: list[int], at: int, context: int, labels: Sequence[str | None], name: str
) -> list[str]:
    """A caution where rows of one label differ in a column that is left out."""
    frame = table.iloc[:, about].copy()
    frame.insert(0, "_label", list(labels))
    key = ""
    if context >= 0:
        key = "_context"
        frame.insert(0, key, table.iloc[:, context].astype(str).to_numpy())
    frame = frame.loc[:, ~frame.columns.duplicated()]
    found = differing(frame, "_label", key, np.array([str(v).lower() == CONTROL for v in labels]))
    if not found:
        return []
    first = next(iter(found))
    return [Caution(differing_sentence(name, found), (Choice("context", first, f"Keep {first} apart"),))]


def _is_text(column: pd.Series) -> bool:
    """Whether a column holds words and no number at all."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return False
    given = column.dropna().astype(str)
    return bool(len(given)) and not given.str.match(r"^\s*[-+]?(\d|\.\d|nan|inf)", case=False).any()


def _label_column(table: pd.DataFrame, options: Options, name: str) -> tuple[int, list[str]]:
    """Place of the column that names the conditions, and what there is to say."""
    header = list(table.columns)
    if options.condition and options.condition != INDEX:
        if options.condition not in header:
            raise UserError(
                f"{name} has no column {options.condition!r}; it has: {', '.join(header[:8])}"
                f"{' ...' if len(header) > 8 else ''}. Truth and predictions may name their columns apart "
                "(--truth-condition, --truth-context)."
            )
        return header.index(options.condition), []
    usual = [i for i, h in enumerate(header) if h.lower() in LABELS and not _numeric(table.iloc[:, i])]
    if not usual and not _runs(header[0], table.iloc[:, 0]) and _no_label(table.iloc[:, 0]):
        texts = [i for i in range(len(header)) if _is_text(table.iloc[:, i])]
        if not texts:
            raise UserError(f"{name} has no labels: the first column (or the index) must name the conditions.")
        return texts[0], [f"{name}: labels are taken from column {header[texts[0]]!r}."]
    if usual and 0 not in usual:
        return usual[0], [f"{name}: labels are taken from column {header[usual[0]]!r}."]
    if _runs(header[0], table.iloc[:, 0]):
        texts = [i for i in range(1, len(header)) if _is_text(table.iloc[:, i])]
        if texts:
            return texts[0], [f"{name}: labels are taken from column {header[texts[0]]!r}; the first numbers the rows."]
    return 0, []


def _numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column.dtype)) or not _is_text(column) and _all_numbers(column)


def _no_label(column: pd.Series) -> bool:
    """Whether a first column holds values rather than labels: numbers, of which text counts only with fractions."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return True
    given = pd.to_numeric(column, errors="coerce")
    return bool(len(given)) and bool(given.notna().all()) and not bool((given == given.round()).all())


def _all_numbers(column: pd.Series) -> bool:
    return bool(len(column)) and bool(pd.to_numeric(column, errors="coerce").notna().all())


def _runs(header: str, column: pd.Series) -> bool:
    """Whether a column only numbers the rows, from 0 or from 1."""
    if header.strip().lower() not in _RUNNING:
        return False
    given = pd.to_numeric(column, errors="coerce").to_numpy(float)
    steps = np.arange(len(given))
    return bool(len(given)) and (np.array_equal(given, steps) or np.array_equal(given, steps + 1))


def _context_column(table: pd.DataFrame, at: int, options: Options, name: str) -> tuple[int, list[str]]:
    """Place of the column with the context, -1 = none, and what there is to say."""
    header = list(table.columns)
    if options.context == NO_CONTEXT:
        return -1, []
    if options.context:
        if options.context not in header:
            raise UserError(f"{name} has no column {options.context!r} to take the context from.")
        return header.index(options.context), []
    if "context" in header and header.index("context") != at:
        return header.index("context"), []
    for word in CONTEXTS:
        if word in header and (i := header.index(word)) != at and table.iloc[:, i].astype(str).nunique() > 1:
            return i, [f"The context of each row is taken from column {word!r}."]
    return -1, []


def _from_long(table: pd.DataFrame, at: int, options: Options, name: str) -> tuple[pd.DataFrame, int, list[str]] | None:
    """A table with a line for each condition and gene, turned into one row a condition; None where it is none."""
    header = list(table.columns)
    if len(header) > 12 or len(set(header)) < len(header):
        return None
    lower = [h.lower() for h in header]
    gene = next((lower.index(w) for w in _GENES_OF_LONG if w in lower and lower.index(w) != at), -1)
    if gene < 0 or _numeric(table.iloc[:, gene]):
        return None
    if at == gene or not table.iloc[:, at].astype(str).duplicated().any():
        return None
    figures = [i for i, h in enumerate(lower) if i not in (at, gene) and _all_numbers(table.iloc[:, i])]
    figures = [i for i in figures if lower[i] not in (*_META, *_OF_ROWS)]
    value = next(
        (i for w in _VALUES_OF_LONG for i in figures if lower[i] == w), figures[0] if len(figures) == 1 else -1
    )
    if value < 0:
        return None
    context, _ = _context_column(table, at, options, name)
    keys = [header[at], *([header[context]] if context >= 0 else [])]
    twice = table.duplicated([*keys, header[gene]])
    if twice.any():
        row = table[twice].iloc[0]
        raise UserError(
            f"{name} is a long table, a line for each condition and gene, but {row[header[at]]} has two lines for the "
            f"gene {row[header[gene]]}: keep one, or name the column that tells them apart (--context)."
        )
    check_shape(name, table[keys].drop_duplicates().shape[0], table.iloc[:, gene].nunique())
    wide = table.pivot(index=keys, columns=header[gene], values=header[value])
    wide = wide.reindex(columns=list(dict.fromkeys(table.iloc[:, gene]))).reset_index()
    note = (
        f"{name}: a long table, a line for each condition and gene, was turned: labels {header[at]!r}, genes "
        f"{header[gene]!r}, values {header[value]!r}."
    )
    return wide, list(map(str, wide.columns)).index(header[at]), [note]


def numbers(name: str, body: pd.DataFrame, genes: list[str], labels: Sequence) -> tuple[np.ndarray, list[str]]:
    """Float32 values and what there is to say; "NA" and empty cells are NaN, other text is an error that says where."""
    if all(pd.api.types.is_numeric_dtype(t) for t in body.dtypes):
        return body.to_numpy(np.float32), []
    commas = _decimal_commas(body)
    out = np.empty(body.shape, np.float32)
    for j in range(body.shape[1]):
        check_time(name)
        column = body.iloc[:, j]
        if commas and not pd.api.types.is_numeric_dtype(column.dtype):
            column = column.map(lambda v: v.replace(",", ".") if isinstance(v, str) else v)
        numeric = pd.to_numeric(column, errors="coerce")
        bad = np.flatnonzero(numeric.isna().to_numpy() & column.notna().to_numpy())
        if len(bad):
            raise UserError(
                f"{name}: {str(column.iloc[bad[0]])[:40]!r} in row {labels[bad[0]]!r}, column {genes[j]!r} is "
                "not a number."
            )
        out[:, j] = numeric
    return out, [f"{name}: decimal commas were read (0,5 is 0.5)."] if commas else []


def _decimal_commas(body: pd.DataFrame) -> bool:
    """Whether commas stand for decimal points: only where one of them cannot part thousands."""
    found = False
    for j in range(body.shape[1]):
        column = body.iloc[:, j]
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        for value in column.dropna().head(50):
            if isinstance(value, str) and "," in value:
                if not _COMMA.fullmatch(value.strip()):
                    return False
                found = found or not _THOUSANDS.fullmatch(value.strip())
    return found
