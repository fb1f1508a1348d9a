r"""Sufficient statistics of all sum-type metrics, at every number of genes, from one pass per gene ordering.

For one scored row let y be the truth, x_m the prediction of method m, d = x_m - y its error, and y_r = y - r the
observed change from reference r (y itself for "none"). Since

.. math:: x_m - r = y_r + d,

the sums of d, d·y_r, d² and |d| over a gene set give, together with the sums of y_r and y_r², every moment of predicted
and observed change, for all references at once; the same sums with gene weights give the weighted moments.

All sums of products are one matrix product A B per block of genes, the rows of A being d of every method, y_r of every
reference and ones, and the columns of B ones and y_r, then w and w·y_r. Sums over the first n genes of an ordering, for
all n, are running totals of the sums over the blocks between consecutive n, in float64.

Leaving out a row's own targets is exact: their columns are set to zero before totals are taken, then added back one by
one for subsets with targets, while subsets without get the next genes of the ordering instead. Nothing is subtracted,
so a missing value (NaN) at a target spoils only the subsets that contain it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Blocks that end at or before this number of genes are too short to be worth a matrix product each.
SHORT = 512


@dataclass(frozen=True)
class Layout:
    """Where each statistic and gene subset stands in the arrays of sums.

    Attributes
    ----------
    references
        References r of which moments are kept.
    weighted
        Whether weighted sums are kept too.
    orderings
        Names of the gene orderings ("expressed", "de", or "all" for file order).
    sizes
        Ascending numbers of genes of each ordering, the last being all genes.
    """

    references: tuple[str, ...]
    weighted: bool
    orderings: tuple[str, ...]
    sizes: tuple[np.ndarray, ...]

    @property
    def n_products(self) -> int:
        """Columns of B: ones and y_r, with weights w and w·y_r."""
        return (1 + len(self.references)) * (2 if self.weighted else 1)

    @property
    def n_powers(self) -> int:
        """Sums of |d|, d² and, with weights, w·d²."""
        return 3 if self.weighted else 2

    @property
    def n_columns(self) -> int:
        """Number of gene subsets: every size of every ordering, with and without targets."""
        return 2 * sum(len(s) for s in self.sizes)

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


class RowSums:
    """Sums of one scored row after another, into given arrays; one instance a thread, since it owns work space.

    ``products`` is (methods + references + 1, n_products, n_columns): A B of the module's text.
    ``powers`` is (n_powers, methods, n_columns): sums of |d|, d² (and w·d²).
    """

    def __init__(self, layout: Layout, n_methods: int, n_genes: int):
        self.layout, self.n_methods = layout, n_methods
        lines = n_methods + len(layout.references) + 1
        self._a, self._ordered_a = np.empty((lines, n_genes)), np.empty((lines, n_genes))
        self._b, self._ordered_b = (np.empty((n_genes, layout.n_products)) for _ in range(2))
        self._power = np.empty((n_methods, n_genes))
        self._starts = [np.r_[0, s[:-1]] for s in layout.sizes]

    def add(
        self,
        truth: np.ndarray,
        predictions: Sequence[np.ndarray | None],
        references: Sequence[np.ndarray | None],
        weights: np.ndarray | None,
        orders: Sequence[np.ndarray | None],
        targets: np.ndarray,
        products: np.ndarray,
        powers: np.ndarray,
    ) -> None:
        """Fill the sums of one row.

        Parameters
        ----------
        truth
            (G,) observed values.
        predictions
            (G,) per method; None where it predicts nothing.
        references
            (G,) per reference; None for "none".
        weights
            (G,) or None.
        orders
            Column numbers (G,) per ordering; None is file order.
        targets
            Columns of the row's own targets.
        products, powers
            Written to; see the class.
        """
        a, b = self._a, self._b
        y, k = truth.astype(np.float64), len(references)
        for line, x in zip(a, predictions, strict=False):
            if x is None:
                line.fill(np.nan)
            else:
                np.copyto(line, x)
                line -= y
        columns = [np.ones(len(y)), *(y if r is None else y - r for r in references)]
        a[self.n_methods : -1] = columns[1:]
        a[-1] = 1
        for i, column in enumerate(columns):
            b[:, i] = column
            if weights is not None:
                np.multiply(column, weights, out=b[:, 1 + k + i])
        for o, order in enumerate(orders):
            at, count = self.layout.offset(o), len(self.layout.sizes[o])
            if order is None:
                self._ordered_a[:], self._ordered_b[:] = a, b
                where = np.sort(targets)
            else:
                np.take(a, order, axis=1, out=self._ordered_a, mode="clip")
                np.take(b, order, axis=0, out=self._ordered_b, mode="clip")
                where = np.sort([np.flatnonzero(order == t)[0] for t in targets]).astype(np.intp)
            self._totals(o, where, products[:, :, at : at + 2 * count], powers[:, :, at : at + 2 * count])

    def _totals(self, o: int, where: np.ndarray, products: np.ndarray, powers: np.ndarray) -> None:
        """Running totals of one ordering, ``where`` being the positions of the targets in it (ascending)."""
        a, b, sizes, m = self._ordered_a, self._ordered_b, self.layout.sizes[o], self.n_methods
        own_a, own_b = a[:, where], b[where]
        a[:, where] = b[where] = 0
        product, power = self._blocks(a, b, sizes, self._starts[o])
        with_, without = slice(None, len(sizes)), slice(len(sizes), None)
        products[:, :, without], powers[:, :, without] = product, power
        if len(where):
            # without targets: the genes that take their place; where none is left, a target's position, now all zeros
            for position in replacements(where, sizes, a.shape[1]):
                d, line = a[:, position], b[position]
                products[:, :, without] += d[:, None, :] * line.T
                powers[:, :, without] += self._powers(d[:m], line)
            # with targets: those among the first n
            own_products, own_powers = own_a[:, None, :] * own_b.T, self._powers(own_a[:m], own_b)
            for i, first in enumerate(np.searchsorted(sizes, where, side="right")):
                product[:, :, first:] += own_products[:, :, i, None]
                power[:, :, first:] += own_powers[:, :, i, None]
        products[:, :, with_], powers[:, :, with_] = product, power

    def _powers(self, d: np.ndarray, b: np.ndarray) -> np.ndarray:
        """|d|, d² (and w·d²) of errors (methods, genes) with their lines of B (genes, products)."""
        squared = np.square(d)
        terms = [np.abs(d), squared]
        if self.layout.weighted:
            terms.append(squared * b[:, 1 + len(self.layout.references)])
        return np.stack(terms)

    def _blocks(
        self, a: np.ndarray, b: np.ndarray, sizes: np.ndarray, starts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sums over the blocks between consecutive sizes, then their running totals: products and powers."""
        d, term = a[: self.n_methods], self._power
        products = np.empty((len(a), b.shape[1], len(sizes)))
        powers = np.empty((self.layout.n_powers, len(d), len(sizes)))
        n_short = int(np.searchsorted(sizes, SHORT, side="right"))
        if n_short:
            head = sizes[n_short - 1]
            terms = a[:, None, :head] * np.ascontiguousarray(b[:head].T)
            np.add.reduceat(terms, starts[:n_short], axis=2, out=products[:, :, :n_short])
        for j in range(n_short, len(sizes)):
            block = slice(starts[j], sizes[j])
            products[:, :, j] = a[:, block] @ b[block]
        np.add.reduceat(np.abs(d, out=term), starts, axis=1, out=powers[0])
        np.add.reduceat(np.square(d, out=term), starts, axis=1, out=powers[1])
        if self.layout.weighted:
            term *= np.ascontiguousarray(b[:, 1 + len(self.layout.references)])
            np.add.reduceat(term, starts, axis=1, out=powers[2])
        return np.cumsum(products, axis=2, out=products), np.cumsum(powers, axis=2, out=powers)


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
