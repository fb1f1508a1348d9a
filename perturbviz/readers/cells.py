"""AnnData rows, cells or means, to one mean row a condition: what most systems' readers come down to.

A system's module says which slot holds the values, which column the labels, and what is peculiar about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp

from perturbviz.errors import UserError
from perturbviz.perturbations import CONTROL
from perturbviz.readers.base import Options, Profiles
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
TOTAL = 1e4  # counts per cell after normalisation
COUNTS_FROM = 50.0  # log1p values stay below

Counts = Literal["ask", "normalise", "never"]


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


def column(frame: pd.DataFrame, names: Sequence[str], wanted: str, what: str, file: str) -> str:
    """The column a person named, or the first of the usual ones; :class:`UserError` where there is none."""
    if wanted:
        if wanted not in frame:
            raise UserError(
                f"{file} has no obs column {wanted!r}; it has: {', '.join(map(str, frame.columns)) or 'none'}."
            )
        return wanted
    found = next((n for n in names if n in frame), "")
    if not found:
        have = ", ".join(map(str, frame.columns)) or "none"
        raise UserError(f"{file} has no obs column with the {what} (--{what} COLUMN); it has: {have}.")
    return found


def labels_of(values: pd.Series) -> list[Any]:
    """Labels as the file has them, used values only; None where missing."""
    return [None if v is None or v != v else v if isinstance(v, str) else str(v) for v in values.astype(object)]


def read_rows(
    h5: H5ad,
    options: Options,
    slot: str = "X",
    labels: Sequence[str] | list[Any] = LABELS,
    label_column: str = "",
    context: str | Sequence[str] = "",
    control_column: str = "",
    counts: Counts = "ask",
) -> Means:
    """Mean rows of one slot of an .h5ad.

    Parameters
    ----------
    slot
        "X", "layers/NAME" or "obsm/NAME".
    labels
        Usual names of the label column.
    label_column
        The label column where the system fixes it.
    context
        Column (or usual columns, of which one with several values counts) of the context where none is declared.
    control_column
        Boolean column that marks control, whatever the label says.
    counts
        What to do with counts: "normalise" each cell to 10,000 and log1p; "ask" unless declared; "never" look.
    """
    obs, file = h5.obs, h5.path.name
    name = (
        label_column
        if label_column and not options.condition
        else column(obs, labels, options.condition, "condition", file)
    )
    found = labels_of(obs[name])
    if control_column and control_column in obs:
        is_control = obs[control_column].astype(str).str.lower().isin(["true", "1", "1.0"]).to_numpy()
        found = [CONTROL if c else v for c, v in zip(is_control, found, strict=True)]
    contexts, notes = _contexts(obs, options, context, file)
    x = h5.matrix(slot)
    if x.shape[0] != len(obs):
        raise UserError(f"{file}: {slot!r} has {x.shape[0]} rows for {len(obs)} rows of obs.")
    check_values(x, f"{file}: {slot!r}")
    x, more = normalised(x, options, counts, f"{file}: {slot!r}")
    genes, symbols = gene_names(h5.var, x.shape[1], slot)
    means = group_means(x, found, contexts, genes, symbols, (*notes, *more), obs.get("n_cells"))
    return replace(means, profiles=replace(means.profiles, value_space="lognorm")) if more else means


def _contexts(obs, options: Options, context: str | Sequence[str], file: str) -> tuple[list[str] | None, list[str]]:
    if options.context:
        return [str(v) for v in obs[column(obs, (), options.context, "context", file)]], []
    if isinstance(context, str):
        return ([str(v) for v in obs[context]], []) if context and context in obs else (None, [])
    name = next((c for c in context if c in obs and obs[c].astype(str).nunique() > 1), "")
    if not name:
        return None, []
    return [str(v) for v in obs[name]], [f"The context of each row is taken from obs column {name!r}."]


def check_values(x: np.ndarray | sp.csr_matrix, what: str) -> None:
    """Refuse a slot that cannot be a prediction or measurement: nothing, only zeros, only NaN."""
    if 0 in x.shape:
        raise UserError(f"{what} is empty ({x.shape[0]} x {x.shape[1]}).")
    values = np.asarray(x.data if sp.issparse(x) else x)
    if not values.size or not np.any(values):
        raise UserError(f"{what} holds only zeros: it was never filled. The values may be in another slot.")
    if np.isnan(values).all():
        raise UserError(f"{what} holds only NaN: it was never filled. The values may be in another slot.")


def normalised(x, options: Options, counts: Counts, what: str):
    """Log-normalised values where ``x`` holds counts, per cell and before any average."""
    largest = float(x.max())
    declared = options.value_space
    if (
        counts == "never"
        or (declared and declared != "counts")
        or (counts == "ask" and declared != "counts" and largest <= COUNTS_FROM)
    ):
        return x, ()
    if counts == "ask" and declared != "counts":
        raise UserError(
            f"{what} reaches {largest:,.0f}: these look like counts. Say --value-space counts to normalise each cell to "
            "10,000 and take log1p, or --value-space lognorm to take them as they are."
        )
    return log_normalise(x), (f"Counts: each cell normalised to {TOTAL:,.0f} and log1p-transformed before averaging.",)


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
            if any(v in ("train", "test", "val", "valid", "ood") for v in pairs.values()):
                return {"": pairs}
    return {}


def h5ads(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder by pattern in natural order (2 before 10)."""
    return sorted(folder.glob(pattern), key=lambda p: (len(p.name), str(p)))
