"""Do a method's top calls name the same few genes or doubles again and again?

Check of Ahlmann-Eltze, Huber & Anders 2025 (HBG2 and HBZ): per method and split the top 100 pairs by predicted
deviation; how many of them fall on the six genes named most often over all methods, against the same for the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from perturbviz.errors import UserError
from perturbviz.metrics.nonadditive.calls import Side, call_score, top_weights

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recurrence:
    """Top calls of several layers (truth, methods) per gene or per double; ties count with their expected share."""

    #: Gene or double names, most often named first, and the layers compared.
    names: tuple[str, ...] = field(repr=False)
    layers: tuple[str, ...]
    #: Calls, names × layers; columns add up to the number of calls of the layer.
    counts: FloatArray = field(repr=False)
    #: Number of most often named ones that `share` is about.
    k: int

    @property
    def top(self) -> tuple[str, ...]:
        """The k names called most often over all layers."""
        return self.names[: self.k]

    @property
    def share(self) -> FloatArray:
        """Per layer, the share of its calls that fall on the k most often named ones."""
        return _ratio(self.counts[: self.k].sum(axis=0), self.counts.sum(axis=0))

    @property
    def effective_number(self) -> FloatArray:
        """Per layer, 1 / Σ share² over names: calls as concentrated as if spread evenly over so many."""
        return _ratio(np.square(self.counts.sum(axis=0)), np.square(self.counts).sum(axis=0))


def call_counts(
    deviation: npt.ArrayLike, n: int = 100, axis: Literal["genes", "doubles"] = "genes", side: Side = "synergy"
) -> FloatArray:
    """Number of the top-n pairs of one layer (P × G deviations) on each gene (G) or each double (P).

    Raises
    ------
    UserError
        Unless the deviations have two dimensions.
    """
    value = np.asarray(deviation, dtype=float)
    if value.ndim != 2:
        raise UserError(f"Deviations must be doubles × genes, not an array of {value.ndim} dimension(s).")
    return top_weights(call_score(value, side), n).sum(axis=0 if axis == "genes" else 1)


def call_recurrence(
    deviations: Mapping[str, npt.ArrayLike],
    names: Sequence[str],
    n: int = 100,
    *,
    axis: Literal["genes", "doubles"] = "genes",
    side: Side = "synergy",
    k: int = 6,
) -> Recurrence:
    """Compare which genes (or doubles) the top calls of several layers fall on.

    Parameters
    ----------
    deviations
        Deviation from additivity per layer, P × G each, for example "truth" and every method (and split). Leave
        out layers that are additive: they call nothing.
    names
        Names along `axis`: G genes or P doubles.
    n
        Calls per layer.
    side
        "synergy" (as published: signed), "suppression" or "both" (by size).
    k
        How many of the names most often called, over all layers together, make up the share.

    Raises
    ------
    UserError
        If there is no layer, or not a name for each gene or double.
    """
    if not deviations:
        raise UserError("There is no layer whose top calls could be counted.")
    counts = np.column_stack([call_counts(value, n, axis, side) for value in deviations.values()])
    if len(counts) != len(names):
        raise UserError(f"There are {len(names)} names but {len(counts)} {axis} in the deviations.")
    order = np.argsort(-counts.sum(axis=1), kind="stable")
    return Recurrence(tuple(names[i] for i in order), tuple(deviations), counts[order], min(k, len(names)))


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Quotient, NaN where there are no calls."""
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
