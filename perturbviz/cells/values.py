"""Counts or log-normalised values? Looking at a sample, deciding, and normalising one block."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from scipy import sparse

from perturbviz.benchmark import scale
from perturbviz.cells.errors import AggregateError, EmptyCellError
from perturbviz.cells.source import BYTES_PER_BLOCK, CellSource
from perturbviz.errors import UserError

SPACES = ("counts", "lognorm")
_SAMPLED_BYTES = 4_000_000
_SAMPLED_BLOCKS = 5
_LEAST = 10  # cells (or genes) of a block at least


def cells_without_value(source: CellSource) -> np.ndarray:
    """(cells,) bool: cells of which every value is missing. Reads the file once."""
    out = np.zeros(source.shape[0], bool)
    if source.by_gene:
        return out
    for number, block in enumerate(source.read(0, source.n_blocks)):
        values = block.data if sparse.issparse(block) else np.asarray(block)
        if np.isnan(values).any():
            dense = block.toarray() if sparse.issparse(block) else values
            out[source.span(number, number + 1)] = np.isnan(dense).all(axis=1)
    return out


def sample(source: CellSource, empty: np.ndarray | None = None) -> sparse.csr_matrix | np.ndarray:
    """Values of a few blocks spread over the file: runs of cells, or of genes where it is stored by gene.

    ``empty`` marks cells that are left out, (cells,) bool.
    """
    block = max(min(source.block, _LEAST), source.block * _SAMPLED_BYTES // BYTES_PER_BLOCK)
    n_blocks = -(-source.shape[source.axis] // block)
    found = []
    for i in np.unique(np.linspace(0, n_blocks - 1, _SAMPLED_BLOCKS).astype(int)):
        for values in source.read(int(i), int(i) + 1, block):
            if empty is not None and not source.by_gene:
                values = values[np.flatnonzero(~empty[int(i) * block : int(i) * block + values.shape[0]])]
            refuse_missing(values, source, int(i) * block)
            found.append(values)
    if sparse.issparse(found[0]):
        joined = sparse.hstack(found) if source.by_gene else sparse.vstack(found)
        x: Any = joined.tocsr()
        x.data = x.data.astype(np.promote_types(x.dtype, np.float32))
    else:
        x = (np.hstack if source.by_gene else np.vstack)(found)
        x = x.astype(np.promote_types(x.dtype, np.float32))
    if not (x.data if sparse.issparse(x) else x).any():
        raise AggregateError(f"{source.path.name}: the values of {source.element} are all zero.")
    return x


def choose_space(
    source: CellSource, declared: str | None, empty: np.ndarray | None = None
) -> tuple[str, tuple[str, ...]]:
    """The value space to work in, "counts" or "lognorm", and what there is to say about it.

    ``empty`` marks cells that are left out, (cells,) bool.

    Raises
    ------
    AggregateError
        If a value is missing, if nothing is declared and the values may be anything, or if a logarithm would be taken
        of logarithms.
    """
    if declared is not None and declared not in SPACES:
        raise AggregateError(f"Unknown value space {declared!r}: cells hold {' or '.join(SPACES)}.")
    found = scale.look(sample(source, empty), source.logged)
    what = f"{source.path.name}: {source.element!r}"
    try:
        plan = scale.plan(found, declared or "", "normalise", what, scale.other_slots(source.others), measured=True)
    except UserError as error:
        raise AggregateError(str(error)) from error
    notes = [plan.caution, plan.note.strip() if declared else ""]
    if not source.by_gene and not plan.normalise and len(found.mixed):
        notes.append(
            f"{what}: {len(found.mixed):,} of {len(found.whole):,} cells that were looked at are whole numbers, "
            "as counts are, and the others are not: cells on different scales cannot be compared."
        )
    return "counts" if plan.normalise else "lognorm", tuple(n for n in notes if n)


def refuse_missing(block: Any, source: CellSource, start: int) -> None:
    """Name the first value of a block that is missing or infinite; ``start`` is its first cell (or gene)."""
    values = block.data if sparse.issparse(block) else np.asarray(block)
    if np.isfinite(values).all():
        return
    _name_missing(block, source, start)


def _name_missing(block: Any, source: CellSource, start: int) -> NoReturn:
    dense = np.asarray(block.toarray() if sparse.issparse(block) else block)
    i, j = np.argwhere(~np.isfinite(dense))[0]
    whole = not source.by_gene and np.isnan(dense[i]).all()
    kind = "missing (NaN)" if np.isnan(dense[i, j]) else "infinite"
    cell, gene = (int(i), int(j) + start) if source.by_gene else (int(i) + start, int(j))
    place = f"cell {source.names('obs')[cell]}"
    what = "every value" if whole else f"the value of gene {source.names('var')[gene]}"
    raise (EmptyCellError if whole else AggregateError)(
        f"{source.path.name}: {what} in {place} is {kind}: leave this cell out or write its value; nothing is "
        "filled in for you."
    )


def cell_totals(block: Any) -> np.ndarray:
    """Sum of the stored values of each cell; (cells,) float64."""
    return np.asarray(block.sum(axis=1, dtype=np.float64)).ravel()


def normalise(block: Any, target_sum: float | None, totals: np.ndarray | None) -> Any:
    """``log1p(count / total * target_sum)`` of a CSR or dense block, float64; cells without any count stay zero.

    With ``target_sum`` None the values as they are.
    """
    if target_sum is None or totals is None:
        return block.astype(np.float64)
    scale = np.divide(target_sum, totals, out=np.zeros(len(totals)), where=totals > 0)
    if not sparse.issparse(block):
        return np.log1p(np.asarray(block, dtype=np.float64) * scale[:, None])
    data = np.log1p(block.data * np.repeat(scale, np.diff(block.indptr)))
    return sparse.csr_matrix((data, block.indices, block.indptr), shape=block.shape)
