r"""Sufficient statistics of all sum-type metrics, at every number of genes, from one pass per gene ordering.

For one scored row let y be the truth, x_m the prediction of method m, d = x_m - y its error, and y_r = y - r the
observed change from reference r (y itself for "none"). Since

.. math:: x_m - r = y_r + d,

the sums of d, d² and d·y_r over a gene set give, together with those of y_r and y_r², every moment of predicted and
observed change, for all references at once; the same sums with gene weights w give the weighted moments. Sums of |d|
are kept for the absolute error.

Sums over the first n genes of an ordering, for all n, are running totals in float64, noted whenever n genes are passed
(``analyses.all_views.kernel``). Leaving out a row's own targets is exact: totals are taken without them, then they are
added back one by one for subsets with targets, while subsets without get the next genes of the ordering instead.
Nothing is subtracted, so a missing value (NaN) at a target spoils only the subsets that contain it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
    def n_errors(self) -> int:
        """Statistics of a method: d, |d|, d², d·y_r of every reference; then w·d, w·d², w·d·y_r."""
        k = len(self.references)
        return 3 + k + (2 + k if self.weighted else 0)

    @property
    def n_truths(self) -> int:
        """Statistics of the truth: y_r and y_r² of every reference; then w, and w·y_r and w·y_r²."""
        k = len(self.references)
        return 2 * k + (1 + 2 * k if self.weighted else 0)

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
    """Sums of one scored row after another, into given arrays; one instance a thread, since it owns work space."""

    def __init__(self, layout: Layout, n_methods: int, n_genes: int):
        from perturbviz.analyses.all_views.kernel import kernel  # here, since it imports numba

        self.layout, self.kernel = layout, kernel
        self._x = np.empty((n_methods, n_genes), np.float32)
        self._changes = np.empty((len(layout.references), n_genes))
        self._in_file = np.arange(n_genes)

    def add(
        self,
        truth: np.ndarray,
        predictions: Sequence[np.ndarray | None],
        references: Sequence[np.ndarray | None],
        weights: np.ndarray | None,
        orders: Sequence[np.ndarray | None],
        targets: np.ndarray,
        errors: np.ndarray,
        truths: np.ndarray,
    ) -> None:
        """Fill the sums of one row.

        Parameters
        ----------
        truth
            (G,) observed values.
        predictions
            (G,) float32 per method; None where it predicts nothing.
        references
            (G,) per reference; None for "none".
        weights
            (G,) or None.
        orders
            Column numbers (G,) per ordering; None is file order.
        targets
            Columns of the row's own targets.
        errors, truths
            (methods, n_errors, n_columns) and (n_truths, n_columns) float64, written to.
        """
        y = truth.astype(np.float64)
        for line, x in zip(self._x, predictions, strict=True):
            line[:] = np.nan if x is None else x
        for change, r in zip(self._changes, references, strict=True):
            np.subtract(y, 0 if r is None else r, out=change)
        w = np.empty(0) if weights is None else weights
        for o, order in enumerate(orders):
            columns = slice(self.layout.offset(o), self.layout.offset(o) + 2 * len(self.layout.sizes[o]))
            self.kernel(
                self._x,
                y,
                self._changes,
                w,
                self._in_file if order is None else order,
                self.layout.sizes[o],
                targets,
                errors[..., columns],
                truths[..., columns],
            )
