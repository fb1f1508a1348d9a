"""Values that sums cannot decide, from the genes themselves: changes that are zero or constant up to rounding."""

from __future__ import annotations

import numpy as np

from perturbviz.evaluation import Evaluation
from perturbviz.metrics import parse_metric
from perturbviz.rounding import ROUNDING, snap
from perturbviz.sweep.collect import Sums, row_weights
from perturbviz.sweep.orders import Orders


class Repair:
    """Recomputes single cells (method, gene subset, row) of a metric with the metric's own function."""

    def __init__(self, evaluation: Evaluation, sums: Sums, orders: Orders, references: dict[str, np.ndarray]):
        self.evaluation, self.sums, self.orders, self.references = evaluation, sums, orders, references
        rows = evaluation.rows
        self._obs, self._seed, self._block = (rows[c].to_numpy() for c in ("obs", "seed", "block"))
        self._zero: dict[tuple[int, int, str], bool] = {}

    def __call__(
        self, metric: str, method: int, reference: str, bad: np.ndarray, columns: np.ndarray, both: bool
    ) -> np.ndarray:
        """Values of the cells that are True in ``bad`` (columns, rows), in the order of ``bad.nonzero()``.

        Parameters
        ----------
        columns
            (columns,) gene subsets of the lines of ``bad``, as columns of the sums.
        both
            Whether the metric is undefined where the predicted change is zero, not only where the observed one is.
        """
        values = np.full(bad.shape, np.nan)
        for row in np.flatnonzero(bad.any(axis=0)):
            if both and reference != "none" and self._says_nothing(method, row, reference):
                continue
            for j in np.flatnonzero(bad[:, row]):
                values[j, row] = self._value(metric, method, reference, columns[j], row)
        return values[bad]

    def _prediction(self, method: int, row: int) -> np.ndarray:
        matrix = self.evaluation._matrix(self.sums.methods[method], self._seed[row])
        return np.full(self.sums.n_genes, np.nan) if matrix is None else matrix[self._obs[row]].astype(np.float64)

    def _truth(self, row: int) -> np.ndarray:
        return self.evaluation._truth_layer[self._obs[row]].astype(np.float64)

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

    def _says_nothing(self, method: int, row: int, reference: str) -> bool:
        """Whether the predicted change counts as zero on every gene subset.

        It does where its largest value over all genes is rounding even for the smallest subset of every ordering;
        on larger ones the profile, and with it rounding, can only be larger.
        """
        key = method, row, reference
        if key not in self._zero:
            r = self.references[reference][self._block[row]].astype(np.float64)
            largest = np.abs(self._prediction(method, row) - r).max()
            if largest > 0:
                size, layout = np.maximum(np.abs(self._truth(row)), np.abs(r)), self.sums.layout
                first = [layout.offset(o) + k for o, s in enumerate(layout.sizes) for k in (0, len(s))]
                largest /= min(size[self._genes(column, row)].max(initial=0) for column in first) or np.nan
            self._zero[key] = bool(largest <= ROUNDING)
        return self._zero[key]

    def _value(self, metric: str, method: int, reference: str, column: int, row: int) -> float:
        genes = self._genes(column, row)
        if not len(genes):
            return np.nan
        truth, prediction = self._truth(row)[None, genes], self._prediction(method, row)[None, genes]
        if reference != "none":
            r = self.references[reference][self._block[row]].astype(np.float64)[None, genes]
            size = np.maximum(np.abs(truth), np.abs(r)).max(axis=1)
            truth, prediction = snap(truth - r, size), snap(prediction - r, size)
        function, card = (m := parse_metric(metric)[0]).function, m.card
        needs = {}
        if "weights" in card.needs:
            w = row_weights(self.evaluation, np.array([row]))[:, genes]
            total = w.sum()
            if not total > 0:
                return np.nan
            needs["weights"] = w / total
        return float(function(truth, prediction, **needs)[0])
