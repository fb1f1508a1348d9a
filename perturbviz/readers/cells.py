"""AnnData rows, cells or means, to one mean row a condition: what most systems' readers come down to.

A system's module says which slot holds the values, which column the labels, and what is peculiar about it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from perturbviz.benchmark import scale
from perturbviz.benchmark.perturbations import whole_number
from perturbviz.benchmark.splits import PART_WORDS
from perturbviz.errors import Choice, UserError
from perturbviz.readers.base import Caution, Options, Profiles
from perturbviz.readers.check import plural
from perturbviz.readers.hdf5 import H5ad

#: Usual names of the column with the perturbation, context and second gene name, most specific first.
LABELS = (
    "condition",
    "target_gene",
    "perturbation",
    "cond_harm",
    "drugname_drugconc",
    "gene",
    "target",
    "gene_name",
    "pert_condition",
    "sm_name",
)
CONTEXTS = ("pseudobulk_context", "covariate", "cell_type", "celltype", "cell_line", "donor_id")
GENE_COLUMNS = ("gene_name", "gene_names", "gene_symbol", "symbol", "feature_name", "ensembl_id", "ensembl", "gene_id")
#: Names of slots that hold a prediction while X holds what it was made from.
_PREDICTED = re.compile(r"pred|generat|recon|imput|simulat|counterfact", re.IGNORECASE)
TOTAL = 1e4  # counts per cell after normalisation


@dataclass(frozen=True, eq=False)
class Means:
    """Mean rows of one matrix with standard errors and what there is to say about them."""

    profiles: Profiles
    se: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def layers(self) -> dict[str, np.ndarray]:
        """Standard errors as a layer of the truth, where cells gave them."""
        return {} if self.se is None else {"se": self.se}


def labels_of(values: pd.Series) -> list[Any]:
    """Labels as the file has them, used values only, whole numbers without decimals; None where missing."""
    return [None if v is None or v != v else v if isinstance(v, str) else _said(v) for v in values.astype(object)]


def _said(value: Any) -> str:
    return whole_number(str(value)) if isinstance(value, float | np.floating) else str(value)


def predicted_elsewhere(h5: H5ad, slot: str) -> list[str]:
    """A caution where X is used and the name of another slot says that it holds a prediction."""
    named = [k for k in h5.keys("layers") if _PREDICTED.search(k)]
    named += [f"obsm/{k}" for k in h5.keys("obsm") if _PREDICTED.search(k)]
    if slot != "X" or not named:
        return []
    return [
        Caution(
            f"{h5.path.name}: the values are those of X, but {', '.join(named)} lies beside it: where that is the "
            f"prediction, choose it (--layer {named[0]}).",
            [Choice("layer", n, f"Use {n}") for n in named[:3]],
        )
    ]


def values_of(h5: H5ad, slot: str, options: Options) -> tuple[np.ndarray | sp.csr_matrix, pd.DataFrame, str]:
    """Values of the slot a person named, or of the usual one; the annotation of their columns; and the slot's name."""
    if options.layer:
        slot = options.layer if options.layer == "X" or "/" in options.layer else f"layers/{options.layer}"
        slot = "raw/X" if options.layer == "raw" else slot
        if not h5.has(slot):
            have = ", ".join(other_slots(h5, "")) or "none"
            choices = [Choice("layer", word, f"Use {word}") for word in other_slots(h5, "")[:4]]
            raise UserError(f"{h5.path.name} has no {options.layer!r} (--layer); it has: {have}.", choices)
    return h5.matrix(slot), h5.table("raw/var") if slot == "raw/X" else h5.var, slot


def other_slots(h5: H5ad, slot: str) -> tuple[str, ...]:
    """The slots of a file that hold values of genes, as ``--layer`` names them, but one."""
    slots = {"X": "X", "raw/X": "raw"} | {f"layers/{k}": k for k in h5.keys("layers")}
    return tuple(word for s, word in slots.items() if s != slot and h5.has(s))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of cells or means as a file has them, before anything is averaged.

    Attributes
    ----------
    x
        (rows, genes), dense or CSR.
    labels, contexts
        Condition and context of each row; ``contexts`` None where there is one.
    genes, symbols
        First and second names of the columns; None where there are none.
    names
        What the file calls each row; None where it does not.
    n_cells
        Cells behind each row, where each is a mean.
    what
        File and slot, for sentences.
    slots
        Other slots that the file has.
    """

    x: np.ndarray | sp.csr_matrix
    labels: Sequence[Any]
    contexts: Sequence[str] | None = None
    genes: Sequence[str] | None = None
    symbols: Sequence[str] | None = None
    names: Sequence[str] | None = None
    n_cells: Any = None
    what: str = ""
    slots: tuple[str, ...] = ()

    def kept(self, keep: np.ndarray) -> Rows:
        """Only some of the rows."""
        if keep.all():
            return self
        at = [int(i) for i in np.flatnonzero(keep)]
        return replace(
            self,
            x=self.x[at],
            labels=[self.labels[i] for i in at],
            contexts=None if self.contexts is None else [self.contexts[i] for i in at],
            names=None if self.names is None else [self.names[i] for i in at],
            n_cells=None if self.n_cells is None else pd.Series(self.n_cells).iloc[at],
        )

    def place(self, i: int) -> str:
        """Row ``i`` in words: its name and its condition."""
        label = str(self.labels[i])
        return f"{self.names[i]} ({label})" if self.names is not None and self.names[i] != label else label


def mean_rows(rows: Rows, declared: str, counts: scale.Counts = "ask", logged: bool = False) -> Means:
    """Mean row of each condition, after one look at the values; the same for every system.

    Parameters
    ----------
    declared
        What a person or the file says the values are; "" where neither does.
    counts
        What to do with counts of which nothing is said.
    logged
        Whether the file says that a logarithm was taken.

    Raises
    ------
    UserError
        Where the slot was never filled, a value is missing, or nobody says what the values are.
    """
    check_values(rows.x, rows.what)
    empty, first = scale.missing(rows.x)
    notes: list[str] = []
    if empty.any():
        notes.append(_empty_rows(rows, empty))
        first = None if first is None else (first[0] - int(empty[: first[0]].sum()), first[1])
        rows = rows.kept(~empty)
    rows, more, first = _whole_genes(rows, first)
    notes += more
    if first is not None:
        i, j = first
        value = rows.x[i, j]
        gene = rows.genes[j] if rows.genes is not None else f"column {j + 1}"
        kind = "missing (NaN)" if np.isnan(value) else "infinite"
        raise UserError(
            f"{rows.what}: the value of gene {gene} in {rows.place(i)} is {kind}: leave this row out or write "
            "its value; nothing is filled in for you."
        )
    found = scale.look(rows.x, logged)
    instead = scale.other_slots(rows.slots, "--layer, or --truth-layer for the truth")
    plan = scale.plan(found, declared, counts, rows.what, instead, rows.slots)
    if plan.caution:
        notes.append(Caution(plan.caution))
    if not plan.normalise and counts != "never" and len(odd := found.mixed):
        named = ", ".join(dict.fromkeys(str(rows.labels[i]) for i in odd.tolist()))
        text = (
            f"{rows.what}: the values of {named[:200]} are whole numbers, as counts are, and those of all other rows "
            "are not"
        )
        notes.append(Caution(f"{text}: rows on different scales cannot be compared."))
    x = log_normalise(rows.x) if plan.normalise else rows.x
    if plan.normalise:
        done = f"Counts: each cell normalised to {TOTAL:,.0f} and log1p-transformed before averaging."
        notes.append(done + plan.note)
    elif plan.note:
        notes.append(plan.note)
    means = group_means(x, rows.labels, rows.contexts, rows.genes, rows.symbols, notes, rows.n_cells)
    return replace(means, profiles=replace(means.profiles, value_space="lognorm")) if plan.normalise else means


def _empty_rows(rows: Rows, empty: np.ndarray) -> str:
    """Which rows hold nothing but NaN; they are no prediction and no measurement."""
    gone = np.flatnonzero(empty).tolist()
    rest = {str(rows.labels[i]) for i in np.flatnonzero(~empty).tolist()}
    partly = [rows.place(i) for i in gone if str(rows.labels[i]) in rest]
    named = partly or list(dict.fromkeys(str(rows.labels[i]) for i in gone))
    listed = ", ".join(named[:5]) + (f", and {len(named) - 5:,} more" if len(named) > 5 else "")
    text = f"{rows.what}: {plural(len(gone), 'row')} without any value (NaN) left out: {listed}."
    return Caution(text) if partly else text


def _whole_genes(rows: Rows, first: tuple[int, int] | None) -> tuple[Rows, list[str], tuple[int, int] | None]:
    """The rows without the genes that no row has, and the first value that is missing then."""
    if first is None or sp.issparse(rows.x):
        return rows, [], first
    none = np.isnan(rows.x).all(axis=0)
    if not none.any():
        return rows, [], first
    names = [
        None if n is None else [g for g, gone in zip(n, none, strict=True) if not gone]
        for n in (rows.genes, rows.symbols)
    ]
    note = f"{rows.what}: {plural(int(none.sum()), 'gene')} without any value (NaN) left out."
    rows = replace(rows, x=rows.x[:, ~none], genes=names[0], symbols=names[1])
    return rows, [note], scale.missing(rows.x)[1]


def check_values(x: np.ndarray | sp.csr_matrix, what: str) -> None:
    """Refuse a slot that cannot be a prediction or measurement: nothing, only zeros, only NaN."""
    if 0 in x.shape:
        raise UserError(f"{what} is empty ({x.shape[0]} x {x.shape[1]}).")
    values = np.asarray(x.data if sp.issparse(x) else x)
    if not values.size or not np.any(values):
        raise UserError(f"{what} holds only zeros: it was never filled. The values may be in another slot.")
    if np.isnan(values).all():
        raise UserError(f"{what} holds only NaN: it was never filled. The values may be in another slot.")


def log_normalise(x: np.ndarray | sp.csr_matrix) -> np.ndarray | sp.csr_matrix:
    """log1p of counts scaled to ``TOTAL`` per row; rows of zeros stay zero."""
    total = np.asarray(x.sum(axis=1), dtype=np.float64).ravel()
    scale = np.divide(TOTAL, total, out=np.zeros_like(total), where=total > 0)
    if sp.issparse(x):
        return (sp.diags(scale) @ x).log1p().tocsr()
    return np.log1p(x * scale[:, None])


def gene_names(var: pd.DataFrame, n: int, slot: str = "X") -> tuple[list[str] | None, list[str] | None]:
    """First and second names of the columns; None where they are only numbered or belong to another axis."""
    if len(var) != n:
        return None, None
    index = [*map(str, var.index)]
    second = next((c for c in GENE_COLUMNS if c in var), "")
    other = var[second].astype(str).tolist() if second else None
    if index == [str(i) for i in range(n)]:
        return other, None
    return index, other


def group_means(
    x: np.ndarray | sp.csr_matrix,
    labels: Sequence[Any],
    contexts: Sequence[str] | None,
    genes: Sequence[str] | None,
    symbols: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    n_cells: Any = None,
) -> Means:
    """Means and standard errors of the rows of each (context, label), summed in float64."""
    keys = [(None if contexts is None else contexts[i], label) for i, label in enumerate(labels)]
    places: dict[tuple[Any, Any], int] = {}
    group = np.array([places.setdefault(k, len(places)) for k in keys], dtype=int)
    size = np.bincount(group, minlength=len(places)).astype(float)
    new_labels, new_contexts = [k[1] for k in places], None if contexts is None else [k[0] for k in places]
    if len(places) == len(keys):  # means already
        dense = x if isinstance(x, np.ndarray) else x.toarray()
        known = None if n_cells is None else pd.to_numeric(pd.Series(n_cells), errors="coerce").to_numpy(float)
        return Means(
            Profiles(dense.astype(np.float32), new_labels, genes, symbols, new_contexts, known), None, tuple(notes)
        )
    member = sp.csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))), shape=(len(places), len(group)))
    x = x.astype(np.float64)
    mean = np.asarray((member @ x).todense() if sp.issparse(x) else member @ x) / size[:, None]
    square = x * x if isinstance(x, np.ndarray) else x.multiply(x)
    squares = np.asarray((member @ square).todense() if sp.issparse(x) else member @ square)
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt(np.maximum(squares - size[:, None] * mean**2, 0) / (size - 1)[:, None] / size[:, None])
    profiles = Profiles(mean.astype(np.float32), new_labels, genes, symbols, new_contexts, size)
    return Means(profiles, se.astype(np.float32), tuple(notes))


def split_of(obs: pd.DataFrame, labels: Sequence[Any], names: Sequence[str] = ("split",)) -> dict[str, dict[Any, str]]:
    """Seed -> {label: part} of a per-row column; labels whose rows disagree are left to the first that is not train."""
    for name in names:
        if name in obs:
            pairs = dict(zip(labels, obs[name].astype(str), strict=True))
            if any(v.lower() in PART_WORDS for v in pairs.values()):
                return {"": pairs}
    return {}


def h5ads(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder by pattern in natural order (2 before 10)."""
    return sorted(folder.glob(pattern), key=lambda p: (len(p.name), str(p)))
