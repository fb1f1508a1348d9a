"""Tables as CSV files that a spreadsheet may open without running anything."""

from collections.abc import Collection, Mapping

import pandas as pd

_RISKY = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as UTF-8 CSV; text a spreadsheet would take for a formula gets a leading apostrophe.

    The index is written when it has a name. Numbers keep all their digits, also where they stand as text.

    Parameters
    ----------
    table
        Any table; not changed.
    """
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    safe = table.copy(deep=False)
    for position, dtype in enumerate(safe.dtypes):
        if not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)):
            safe.isetitem(position, safe.iloc[:, position].astype(object).map(_guarded))
    safe.columns = [_guarded(str(name)) for name in safe.columns]
    return safe.to_csv(index=False).encode("utf-8")


def marked_methods(table: pd.DataFrame, seeing: Collection[str]) -> pd.DataFrame:
    """The table, with a column ``sees_truth`` after ``method`` where that names (by id) some that have seen the truth.

    Parameters
    ----------
    table
        Any table; not changed.
    seeing
        Ids of methods.
    """
    if "method" not in table.columns or not (seen := table["method"].isin(list(seeing))).any():
        return table
    out = table.copy(deep=False)
    out.insert(list(table.columns).index("method") + 1, "sees_truth", seen)
    return out


def with_about(table: pd.DataFrame, about: Mapping[str, str]) -> pd.DataFrame:
    """The table with what it is about in its last columns, the same in every line: it says so wherever its lines go.

    Parameters
    ----------
    table
        Any table; not changed. A column of its own stays where it has the name of one of ``about``.
    about
        Column -> text.
    """
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    return table.assign(**{name: text for name, text in about.items() if name not in table.columns})


def _guarded(value: object) -> object:
    """Put an apostrophe before text that starts like a formula and is not a number."""
    if not isinstance(value, str) or not value.startswith(_RISKY):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
