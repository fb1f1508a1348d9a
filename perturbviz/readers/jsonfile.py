"""JSON as the systems write it: fast, and with one sentence for what is not JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from perturbviz.errors import UserError
from perturbviz.readers.safety import check_file, check_shape, check_time

_MISSING = {"NA", "NaN", "nan", ""}


def read_json(path: Path) -> Any:
    """Content of a JSON file; Python's ``NaN`` and ``Infinity``, which are not JSON, are read as well."""
    check_file(path)
    data = path.read_bytes()
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as first:
        try:
            return json.loads(data)
        except RecursionError as error:
            raise UserError(f"{path.name} is nested too deeply to be a table of numbers.") from error
        except (ValueError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path.name} is not valid JSON ({first}): it is damaged, cut short, or not JSON."
            ) from error


def numbers(values: Any, where: str) -> np.ndarray:
    """A JSON list as (n,) float32; R's "NA" and null become NaN.

    Raises
    ------
    UserError
        Where ``values`` is no flat list or holds other text.
    """
    try:
        out = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        try:
            out = np.array([np.nan if v is None or v in _MISSING else float(v) for v in values])
        except (ValueError, TypeError, OverflowError) as error:
            raise UserError(f"{where} must be a list of numbers, one a gene ({str(error)[:100]}).") from error
    if out.ndim != 1:
        raise UserError(f"{where} must be a flat list of numbers, one a gene.")
    return out.astype(np.float32)


def rows(table: Any, name: str, n_genes: int | None = None) -> tuple[list[str], np.ndarray]:
    """Labels and matrix of ``{condition: [number, ...]}``; all lists equally long (``n_genes`` where given)."""
    if not isinstance(table, dict) or not table:
        raise UserError(f"{name} must hold an object with one list of numbers a condition.")
    labels = list(table)
    vectors = []
    for label in labels:
        check_time(name)
        vectors.append(numbers(table[label], f"{name}, condition {label!r}"))
    n = len(vectors[0]) if n_genes is None else n_genes
    check_shape(name, len(labels), n)
    for label, vector in zip(labels, vectors, strict=True):
        if len(vector) != n:
            raise UserError(
                f"{name}: condition {label!r} has {len(vector)} values for {n} genes: they must be as many."
            )
    return labels, np.stack(vectors)
