"""Counts or log-normalised values? Looking, deciding, and normalising one block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from perturbviz.aggregate.errors import AggregateError
from perturbviz.aggregate.source import BYTES_PER_BLOCK, CellSource

#: log1p of counts normalised to a total of 1e4 stays below log(1e4 + 1) = 9.2; even log2 of any real count is under 50.
LARGEST_LOG = 50.0
SPACES = ("counts", "lognorm")
_SAMPLED_BYTES = 4_000_000
_SAMPLED_BLOCKS = 5


@dataclass(frozen=True)
class Sniffed:
    """Range and kind of a sample of the values."""

    minimum: float
    maximum: float
    integers: bool

    @property
    def space(self) -> str:
        """Either "counts" or "lognorm"; "" for values that can be neither (negative)."""
        if self.minimum < 0:
            return ""
        return "counts" if self.integers or self.maximum > LARGEST_LOG else "lognorm"

    def describe(self) -> str:
        """What was found, for a sentence."""
        kind = "integers" if self.integers else "not all integers"
        return f"{kind} between {self.minimum:.3g} and {self.maximum:.5g}"


def sniff(source: CellSource) -> Sniffed:
    """Look at a few blocks spread over the file."""
    block = max(1, source.block * _SAMPLED_BYTES // BYTES_PER_BLOCK) if source.block > 1000 else source.block
    n_blocks = -(-source.shape[source.axis] // block)
    low, high, integers = np.inf, -np.inf, True
    for i in np.unique(np.linspace(0, n_blocks - 1, _SAMPLED_BLOCKS).astype(int)):
        for values in source.read(int(i), int(i) + 1, block):
            data = values.data if sparse.issparse(values) else np.asarray(values).ravel()
            if data.size == 0:
                continue
            low, high = min(low, float(data.min())), max(high, float(data.max()))
            integers = integers and bool((data == np.rint(data)).all())
    if not (np.isfinite(low) and np.isfinite(high)) or low == high == 0:
        raise AggregateError(
            f"{source.path.name}: the values of {source.element} are missing (NaN), infinite or all zero."
        )
    return Sniffed(low, high, integers)


def choose_space(found: Sniffed, declared: str | None, name: str) -> str:
    """The value space to work in: what was declared, if the values agree with it, else what was found.

    Parameters
    ----------
    found
        What the values look like.
    declared
        "counts", "lognorm" or None.
    name
        File name, for the message.

    Raises
    ------
    AggregateError
        If declared and found disagree, or nothing was declared and the values can be neither.
    """
    if declared is not None and declared not in SPACES:
        raise AggregateError(f"Unknown value space {declared!r}: cells hold {' or '.join(SPACES)}.")
    if declared == "lognorm" and found.space == "counts":
        raise AggregateError(
            f"{name}: declared log-normalised, but the values look like counts ({found.describe()}); "
            "counts mistaken for log-normalised values give meaningless means: declare counts instead."
        )
    if declared == "counts" and found.space != "counts":
        raise AggregateError(
            f"{name}: declared counts, but the values do not look like counts ({found.describe()}); "
            "declare lognorm if they are log-normalised, or choose the layer that holds the counts."
        )
    if declared is None and not found.space:
        raise AggregateError(
            f"{name}: the values are neither counts nor log-normalised ({found.describe()}); "
            "choose the layer that holds one of these, or declare lognorm to use them as they are."
        )
    return declared or found.space


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
