"""Alignment by name: canonical conditions out of labels, and the place of every gene of a truth in another file.

Nothing here ever matches by position, and nothing is filled with zeros.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.benchmark.labels import LabelRules
from perturbviz.errors import UserError

ENSEMBL = re.compile(r"^(ENS[A-Z]*G\d{6,})(\.\d+)?$")
DEFAULT_CONTEXT = "all"


# -- conditions ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Conditions:
    """Which rows of a file make up each canonical (context, condition).

    Attributes
    ----------
    names, contexts
        One entry a canonical row, in order of first appearance.
    group
        (file rows,) canonical row of each row of the file, -1 where it is dropped.
    dropped
        Labels that do not say what the condition is.
    merged
        Canonical name -> the labels that became it, where more than one row did.
    """

    names: tuple[str, ...]
    contexts: tuple[str, ...]
    group: np.ndarray
    dropped: tuple[str, ...]
    merged: Mapping[str, tuple[str, ...]]

    def combine(self, values: np.ndarray, weights: np.ndarray | None = None, power: int = 1) -> np.ndarray:
        """Weighted mean of the rows of each canonical row: (len(names), columns) float32.

        Rows that are missing (all NaN) do not count. With ``power=2`` standard errors are combined:
        sqrt(sum (w se)^2) / sum w.
        """
        keep = np.flatnonzero(self.group >= 0)
        if not self.merged:
            out = np.empty((len(self.names), values.shape[1]), np.float32)
            out[self.group[keep]] = values[keep]
            return out
        weights = np.ones(len(values)) if weights is None else np.asarray(weights, float)
        weights = np.where(np.isfinite(weights) & (weights > 0), weights, 1.0)
        out = np.full((len(self.names), values.shape[1]), np.nan, np.float32)
        for i in range(len(self.names)):
            rows = np.flatnonzero(self.group == i)
            if len(rows) > 1:
                rows = rows[~np.isnan(values[rows]).all(axis=1)]
            if len(rows) == 1:
                out[i] = values[rows[0]]
            elif len(rows):
                w = weights[rows, None]
                total = ((w * values[rows].astype(np.float64)) ** power).sum(axis=0) ** (1 / power)
                out[i] = total / w.sum()
        return out

    def total(self, n_cells: np.ndarray) -> np.ndarray:
        """Numbers of cells of the canonical rows."""
        out = np.zeros(len(self.names))
        keep = self.group >= 0
        np.add.at(out, self.group[keep], np.asarray(n_cells, float)[keep])
        return out


def context_name(context: Any) -> str:
    """Name of a context as it can stand in a file: "/" would open a group in HDF5, so it becomes "-"."""
    return str(context).strip().replace("/", "-")


def canonical_conditions(labels: Sequence[Any], contexts: Sequence[str] | None, rules: LabelRules) -> Conditions:
    """Group the rows of a file by canonical context and condition."""
    parsed: dict[Any, str | None] = {}
    places: dict[tuple[str, str], int] = {}
    sources: dict[int, list[str]] = {}
    group = np.full(len(labels), -1)
    dropped = []
    for i, label in enumerate(labels):
        key = label if isinstance(label, str) else str(label)
        if key not in parsed:
            parsed[key] = rules(label)
        name = parsed[key]
        if name is None:
            dropped.append(str(label))
            continue
        context = DEFAULT_CONTEXT if contexts is None else context_name(contexts[i])
        group[i] = places.setdefault((context, name), len(places))
        sources.setdefault(group[i], []).append(str(label))
    pairs = list(places)
    merged: dict[str, tuple[str, ...]] = {}
    for row, found in sources.items():
        if len(found) > 1:
            context, name = pairs[row]
            merged[name if contexts is None else f"{context}: {name}"] = tuple(dict.fromkeys(found))
    return Conditions(
        tuple(n for _, n in pairs), tuple(c for c, _ in pairs), group, tuple(dict.fromkeys(dropped)), merged
    )


# -- genes ---------------------------------------------------------------------------------------------------------
def ensembl(names: Sequence[str]) -> list[str | None]:
    """Ensembl ids without version suffix; None for names of another kind."""
    return [m.group(1) if (m := ENSEMBL.match(str(n))) else None for n in names]


def is_ensembl(names: Sequence[str] | None) -> bool:
    """Whether most of the names are Ensembl gene ids."""
    if names is None or not len(names):
        return False
    return sum(e is not None for e in ensembl(names)) > 0.5 * len(names)


def unique_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names with ``.1``, ``.2`` ... at the second and later occurrences, and the names that were repeated."""
    seen: Counter[str] = Counter()
    taken = set(names)
    out = []
    for name in names:
        n = seen[name]
        seen[name] += 1
        unique = name
        while n and (unique := f"{name}.{n}") in taken:
            n += 1
        taken.add(unique)
        out.append(unique)
    return out, [k for k, v in seen.items() if v > 1]


@dataclass(frozen=True, eq=False)
class GeneMatch:
    """Where the genes of a truth stand in another file.

    Attributes
    ----------
    column
        (truth genes,) column in the file, -1 where it lacks the gene.
    by
        "Ensembl id" or "symbol".
    duplicated, renamed, extra
        Names repeated in the file; old -> new names; names the truth does not have.
    permuted
        Whether matched genes stand in another order.
    """

    column: np.ndarray
    by: str
    duplicated: tuple[str, ...]
    renamed: Mapping[str, str]
    extra: tuple[str, ...]
    permuted: bool


def match_genes(
    truth: pd.DataFrame,
    genes: Sequence[str],
    symbols: Sequence[str] | None = None,
    rename: Mapping[str, str] | None = None,
) -> GeneMatch:
    """Match a file's genes to those of a truth: by Ensembl id where both have them, otherwise by symbol.

    Parameters
    ----------
    truth
        ``var`` of the benchmark: names as index, optional columns "ensembl" and "symbol".
    genes, symbols
        First and second names of the file's columns.
    rename
        Old -> new gene names, used where the truth knows only the new one.
    """
    theirs = {_kind(genes): list(map(str, genes))}
    if symbols is not None:
        theirs.setdefault(_kind(symbols), list(map(str, symbols)))
    ours = {_kind(list(truth.index)): list(map(str, truth.index))}
    for kind in ("ensembl", "symbol"):
        if kind in truth:
            ours.setdefault(kind, truth[kind].astype(str).tolist())
    shared = [k for k in ("ensembl", "symbol") if k in theirs and k in ours]
    led: dict[str, str] = {}
    if not shared and rename:  # a table that leads from one kind of name to the other
        theirs = {_kind(new): new for new in ([rename.get(n, n) for n in names] for names in theirs.values())}
        shared = [k for k in ("ensembl", "symbol") if k in theirs and k in ours]
        led = {n: rename[n] for n in map(str, genes) if n in rename}
    if not shared:
        raise UserError(
            f"The genes are {_words(theirs)} (such as {genes[0]!r}) but the truth has {_words(ours)} "
            f"(such as {truth.index[0]!r}): give a table of old and new names (--rename) that maps one to the other."
        )
    kind = shared[0]
    names, known = theirs[kind], ours[kind]
    if kind == "ensembl":
        names = [ENSEMBL.sub(r"\1", n) for n in names]
        known = [ENSEMBL.sub(r"\1", n) for n in known]
    names, renamed = _rename(names, set(known), rename or {})
    names, duplicated = unique_names(_unmangle(names, set(known)))
    known, _ = unique_names(known)
    at = {n: i for i, n in enumerate(names)}
    column = np.array([at.get(n, -1) for n in known], dtype=int)
    found = column[column >= 0]
    have = set(known)
    return GeneMatch(
        column,
        "Ensembl id" if kind == "ensembl" else "name",
        tuple(duplicated),
        {**led, **renamed},
        tuple(n for n in names if n not in have),
        bool((np.diff(found) < 0).any()),
    )


def _kind(names: Sequence[str]) -> str:
    return "ensembl" if is_ensembl(names) else "symbol"


def _words(kinds: Mapping[str, Any]) -> str:
    return " and ".join({"ensembl": "Ensembl ids", "symbol": "symbols"}[k] for k in kinds)


def _rename(names: list[str], known: set[str], rename: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Apply old -> new only where the truth has the new name and not the old one."""
    renamed = {n: rename[n] for n in names if n in rename and n not in known}
    return [renamed.get(n, n) for n in names], renamed


def _unmangle(names: list[str], known: set[str]) -> list[str]:
    """Undo the ``.1`` pandas adds to repeated headers, where the plain name is there and the truth lacks the other."""
    plain = set(names)
    out = []
    for name in names:
        base, dot, number = name.rpartition(".")
        mangled = dot and number.isdecimal() and base in plain and name not in known
        out.append(base if mangled else name)
    return out
