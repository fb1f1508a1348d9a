"""Values that sums cannot decide, from the genes themselves: changes that are zero or constant up to rounding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perturbviz.analyses.all_views.collect import Sums
from perturbviz.analyses.all_views.orders import Orders
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset
from perturbviz.scoring.prepared import Asked, Setting, gather
from perturbviz.scoring.references import Reference
from perturbviz.stats.rounding import ROUNDING

#: Values handled at once (rows x genes).
CHUNK = 2_000_000


class Repair:
    """Recomputes single cells (method, gene subset, row) of a metric with the metric's own function."""

    def __init__(self, evaluation: Evaluation, sums: Sums, orders: Orders, include_held_out: bool = False):
        self.evaluation, self.sums, self.orders, self.include_held_out = evaluation, sums, orders, include_held_out
        self._zero: dict[tuple[int, int, Reference], bool] = {}

    def __call__(
        self, metric: str, method: int, reference: Reference, bad: np.ndarray, columns: np.ndarray, both: bool
    ) -> np.ndarray:
        """Values of the cells that are True in ``bad`` (columns, rows), in the order of ``bad.nonzero()``.

        Parameters
        ----------
        columns
            (columns,) gene subsets of the lines of ``bad``, as columns of the sums.
        both
            Whether the metric is undefined where the predicted change is zero, not only where the observed one is.
        """
        values, todo = np.full(bad.shape, np.nan), bad
        if both and reference != "none":
            todo = bad.copy()
            todo[:, self._silent(method, np.flatnonzero(bad.any(axis=0)), reference)] = False
        for j in np.flatnonzero(todo.any(axis=1)):
            for block in self._blocks(columns[j], np.flatnonzero(todo[j])):
                values[j, block.rows] = self._score(metric, method, reference, block)
        return values[bad]

    def _genes(self, column: int, row: int) -> np.ndarray:
        """Genes of a gene subset for a row."""
        layout, g = self.sums.layout, self.sums.n_genes
        o = max(i for i in range(len(layout.orderings)) if layout.offset(i) <= column)
        sizes, j = layout.sizes[o], column - layout.offset(o)
        order = self.orders.of_row(row)[o]
        order = np.arange(g) if order is None else order
        if j >= len(sizes):
            order = order[~np.isin(order, self.evaluation.target_columns[row])]
        return order[: sizes[j % len(sizes)]]

    def _blocks(self, column: int, rows: np.ndarray) -> Iterator[GeneBlock]:
        """Rows with equally many genes, in pieces that fit the cache."""
        genes = [self._genes(column, row) for row in rows]
        length = np.array([len(g) for g in genes])
        for n in np.unique(length[length > 0]):
            same = np.flatnonzero(length == n)
            step = max(1, CHUNK // n)
            for some in (same[i : i + step] for i in range(0, len(same), step)):
                yield GeneBlock(rows[some], np.stack([genes[i] for i in some]), int(n))

    def _silent(self, method: int, rows: np.ndarray, reference: Reference) -> np.ndarray:
        """Those of the rows whose predicted change counts as zero on every gene subset.

        It does where its largest value over all genes is rounding even for the smallest subset of every ordering;
        on larger ones the profile, and with it rounding, can only be larger.
        """
        e, known = self.evaluation, self._zero
        new = np.array([row for row in rows.tolist() if (method, row, reference) not in known], dtype=int)
        step = max(1, CHUNK // self.sums.n_genes)
        for some in (new[i : i + step] for i in range(0, len(new), step)):
            r = e.reference(reference, some, None, self.include_held_out)
            largest = np.abs(e.prediction(self.sums.methods[method], some) - r).max(axis=1)
            for row, change, own in zip(some.tolist(), largest, r, strict=True):
                known[method, row, reference] = bool(change <= ROUNDING * self._least(row, own)) if change else True
        return rows[[known[method, row, reference] for row in rows.tolist()]]

    def _least(self, row: int, reference: np.ndarray) -> float:
        """Largest absolute value of truth and reference on the smallest subset of each ordering: the least of them."""
        layout, truth = self.sums.layout, self.evaluation.truth(np.array([row]))[0]
        size = np.maximum(np.abs(truth), np.abs(reference))
        first = [layout.offset(o) + k for o, s in enumerate(layout.sizes) for k in (0, len(s))]
        return min(size[self._genes(column, row)].max(initial=0) for column in first)

    def _score(self, metric: str, method: int, reference: Reference, block: GeneBlock) -> np.ndarray:
        """The metric on the rows and genes of a block."""
        setting: Setting = (metric, reference)
        asked = {setting: Asked.of(setting)}
        piece = gather(self.evaluation, block, asked, GeneSubset("all"), self.include_held_out)
        prediction = self.evaluation.prediction(self.sums.methods[method], block.rows, block.genes)
        values = piece.score(prediction)[setting]
        assert isinstance(values, np.ndarray)  # sums over genes have a value a row
        return values
