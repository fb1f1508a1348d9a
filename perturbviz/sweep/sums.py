r"""Sufficient statistics of all sum-type metrics, at every number of genes, from one pass per gene ordering.

For one scored row let y be the truth, x_m the prediction of method m, and z the control mean of its context (a centre
that keeps numbers small; zero where there is none). With d = x - y, t = y - z and, for each reference r, u_r = r - z,

.. math:: y - r = t - u_r, \qquad x - r = (y - r) + d,

so that the sums of d, d², |d|, d·t and d·u_r over a gene set give every moment of x - r and y - r for *all* references,
together with moments of the truth alone, which are the same for all methods. Sums over the first n genes of an ordering
for all n are running totals of sums over the blocks between consecutive n.

Leaving out a row's targets is exact: their terms are set to zero before the totals are taken, then added back one by one
for subsets with targets, while subsets without get the next genes of the ordering instead. Nothing is ever subtracted,
so a missing value (NaN) at a target spoils only the subsets that contain it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Where each statistic and gene subset stands in the arrays of sums.

    Attributes
    ----------
    references
        References r of which moments are kept.
    shifted
        Those of them whose shift u_r is not zero everywhere.
    weighted
        Whether weighted sums are kept too.
    orderings
        Names of the gene orderings ("expressed", "de", or "all" for file order).
    sizes
        Ascending numbers of genes of each ordering, the last being all genes.
    """

    references: tuple[str, ...]
    shifted: tuple[str, ...]
    weighted: bool
    orderings: tuple[str, ...]
    sizes: tuple[np.ndarray, ...]

    @property
    def n_method(self) -> int:
        """Number of sums per method."""
        k = len(self.shifted)
        return 4 + k + (3 + k if self.weighted else 0)

    @property
    def n_row(self) -> int:
        """Number of sums of the truth alone."""
        k = len(self.references)
        return 2 * k + (1 + 2 * k if self.weighted else 0)

    @property
    def n_columns(self) -> int:
        """Number of gene subsets: every size of every ordering, with and without targets."""
        return 2 * sum(len(s) for s in self.sizes)

    @property
    def own_shift(self) -> list[int]:
        """For each reference its position in ``shifted``, -1 where its shift is zero."""
        return [self.shifted.index(r) if r in self.shifted else -1 for r in self.references]

    def offset(self, ordering: int) -> int:
        """First column of an ordering; subsets with targets come first."""
        return 2 * sum(len(s) for s in self.sizes[:ordering])

    def column(self, kind: str, n: int, targets: bool) -> int:
        """Column of a gene subset; KeyError where it is not on the grid."""
        name = self.orderings[0] if kind == "all" else kind
        if name not in self.orderings:
            raise KeyError(kind)
        o = self.orderings.index(name)
        sizes = self.sizes[o]
        j = len(sizes) - 1 if kind == "all" or n >= sizes[-1] else int(np.searchsorted(sizes, n))
        if kind != "all" and n < sizes[-1] and sizes[j] != n:
            raise KeyError(n)
        return self.offset(o) + j + (0 if targets else len(sizes))


def method_terms(
    d: np.ndarray, t: np.ndarray, shifts: Sequence[np.ndarray], w: np.ndarray | None,
    out: np.ndarray | None = None, out_weighted: np.ndarray | None = None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """The terms whose sums over genes are kept per method; each is to be used up before the next is asked for."""
    yield d
    yield np.square(d, out=out)
    yield np.abs(d, out=out)
    yield np.multiply(d, t, out=out)
    for u in shifts:
        yield np.multiply(d, u, out=out)
    if w is not None:
        weighted = np.multiply(d, w, out=out_weighted)
        yield weighted
        yield np.multiply(weighted, d, out=out)
        yield np.multiply(weighted, t, out=out)
        for u in shifts:
            yield np.multiply(weighted, u, out=out)


def row_terms(
    t: np.ndarray, shifts: Sequence[np.ndarray], w: np.ndarray | None, own_shift: Sequence[int]
) -> Iterator[np.ndarray]:
    """The terms of the truth alone: y - r and its square for each reference, and the same with weights."""
    changes = [t - shifts[i] if i >= 0 else t for i in own_shift]
    for change in changes:
        yield change
        yield change * change
    if w is not None:
        yield w
        for change in changes:
            yield w * change
            yield w * change * change


class RowSums:
    """Sums of one scored row after another, into given arrays; one instance a thread, since it owns work space."""

    def __init__(self, layout: Layout, n_methods: int, n_genes: int):
        self.layout = layout
        self._d, self._ordered, self._product = (np.empty((n_methods, n_genes)) for _ in range(3))
        self._weighted = np.empty((n_methods, n_genes)) if layout.weighted else None
        self._starts = [np.r_[0, s[:-1]] for s in layout.sizes]

    def add(
        self,
        truth: np.ndarray,
        predictions: Sequence[np.ndarray | None],
        centre: np.ndarray,
        shifts: np.ndarray,
        weights: np.ndarray | None,
        orders: Sequence[np.ndarray | None],
        targets: np.ndarray,
        method_sums: np.ndarray,
        row_sums: np.ndarray,
    ) -> None:
        """Fill the sums of one row.

        Parameters
        ----------
        truth
            (G,) observed values.
        predictions
            (G,) per method; None where it predicts nothing.
        centre, shifts
            (G,) z and (shifted references, G) u_r, float64.
        weights
            (G,) or None.
        orders
            Column numbers (G,) per ordering; None is file order.
        targets
            Columns of the row's own targets.
        method_sums, row_sums
            (n_method, methods, n_columns) and (n_row, n_columns), written to.
        """
        y = truth.astype(np.float64)
        for line, x in zip(self._d, predictions, strict=True):
            if x is None:
                line.fill(np.nan)
            else:
                np.copyto(line, x)
                line -= y
        t = y - centre
        for o, order in enumerate(orders):
            sizes = self.layout.sizes[o]
            at = self.layout.offset(o)
            with_, without = slice(at, at + len(sizes)), slice(at + len(sizes), at + 2 * len(sizes))
            if order is None:
                d, t_o, u_o, where = self._d.copy(), t.copy(), shifts.copy(), np.sort(targets)
                w_o = None if weights is None else weights.copy()
            else:
                d = np.take(self._d, order, axis=1, out=self._ordered, mode="clip")
                t_o, u_o = t[order], shifts[:, order]
                w_o = None if weights is None else weights[order]
                where = np.flatnonzero(np.isin(order, targets)) if len(targets) else targets
            self._totals(o, d, t_o, u_o, w_o, where, method_sums[:, :, with_], method_sums[:, :, without],
                         row_sums[:, with_], row_sums[:, without])  # fmt: skip

    def _totals(self, o, d, t, u, w, where, method_with, method_without, row_with, row_without) -> None:
        """Running totals of one ordering, ``where`` being the positions of the targets in it (ascending)."""
        sizes, starts, own_shift = self.layout.sizes[o], self._starts[o], self.layout.own_shift
        own = None
        if len(where):
            own = d[:, where], t[where], u[:, where], None if w is None else w[where]
            for values in (d, t, u) if w is None else (d, t, u, w):
                values[..., where] = 0
        for s, term in enumerate(method_terms(d, t, u, w, self._product, self._weighted)):
            np.cumsum(np.add.reduceat(term, starts, axis=1), axis=1, out=method_with[s])
        for s, term in enumerate(row_terms(t, u, w, own_shift)):
            np.cumsum(np.add.reduceat(term, starts), out=row_with[s])
        method_without[:], row_without[:] = method_with, row_with
        if own is None:
            return
        # without targets: the genes that take their place, or (nothing left) a target's position, which now holds zeros
        extra = replacements(where, sizes, d.shape[1])
        arguments = d[:, extra], t[extra], u[:, extra], None if w is None else w[extra]
        for s, term in enumerate(method_terms(*arguments)):
            method_without[s] += term.sum(axis=1)
        for s, term in enumerate(row_terms(*arguments[1:], own_shift)):
            row_without[s] += term.sum(axis=0)
        # with targets: those among the first n
        for i, position in enumerate(where):
            have = sizes > position
            one = own[0][:, i], own[1][i], own[2][:, i], None if w is None else own[3][i]
            for s, term in enumerate(method_terms(*one)):
                method_with[s][:, have] += term[:, None]
            for s, term in enumerate(row_terms(*one[1:], own_shift)):
                row_with[s][have] += term


def replacements(where: np.ndarray, sizes: np.ndarray, n_genes: int) -> np.ndarray:
    """Positions that take the place of the targets in the first n genes: (targets, sizes).

    Parameters
    ----------
    where
        Ascending positions of the targets in the ordering.
    sizes
        Numbers of genes n.

    Returns
    -------
    Positions n, n+1, ... up to the n-th gene that is no target; ``where[0]`` (a target, so a zero term) where fewer
    are needed or no gene is left.
    """
    before = where - np.arange(len(where))  # number of other genes before each target
    end = np.minimum(sizes + (before[:, None] < sizes[None]).sum(axis=0), n_genes)
    positions = sizes[None] + np.arange(len(where))[:, None]
    return np.where(positions < end, positions, where[0])
