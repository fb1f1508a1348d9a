"""Values per row of the sum-type metrics, derived from the sums whenever they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

import numpy as np

from perturbviz.analyses.all_views.collect import Progress, Sums, collect
from perturbviz.analyses.all_views.formulas import FORMULAS, Moments
from perturbviz.analyses.all_views.orders import Orders, orderings
from perturbviz.analyses.all_views.repair import Repair
from perturbviz.analyses.all_views.settings import Setting
from perturbviz.analyses.all_views.sums import Layout
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.references import Reference


@dataclass(eq=False)
class SumValues:
    """Sums of an evaluation and what turns them into values; build with :func:`sum_values`."""

    sums: Sums
    repair: Repair
    _n: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Number of genes of every column and row, as float for division."""
        self._n = self.sums.genes_used().astype(np.float64)

    def column(self, subset: GeneSubset) -> int:
        """Column of the sums that holds a gene subset."""
        return self.sums.layout.column(subset.kind, subset.n, subset.targets)

    def n_genes(self, column: int) -> np.ndarray:
        """Number of genes that count per row: (rows,) int."""
        return self._n[column].astype(int)

    def moments(self, reference: Reference, method: int, columns: np.ndarray) -> Moments:
        """Moments against one reference; several metrics may share them."""
        return Moments(self.sums, method, self.sums.layout.references.index(reference), columns, self._n[columns])

    def value(self, metric: str, reference: Reference, moments: Moments) -> np.ndarray:
        """Values of a metric: (columns, rows) float64."""
        formula = FORMULAS[metric]
        with np.errstate(invalid="ignore", divide="ignore"):
            value = np.array(formula.value(moments))
            if formula.unsure is not None and (bad := formula.unsure(moments)).any():
                value[bad] = self.repair(metric, moments.method, reference, bad, moments.columns, formula.both)
        return value


def method_groups(evaluation: Evaluation, methods: tuple[str, ...], settings: list[Setting]) -> list[tuple[str, ...]]:
    """Methods in groups whose sums fit in half the memory of the benchmark (at least 256 MB); mostly one group."""
    columns = len({s.subset for s in settings})
    numbers = (5 + 2 * len({s.reference for s in settings} | {"none"})) * columns * len(evaluation.rows)
    adata = evaluation.benchmark.adata
    room = max(2**28, adata.n_obs * adata.n_vars * 4 * (1 + len(adata.layers)) // 2)
    size = max(1, min(len(methods), int(room // (8 * max(numbers, 1)))))
    return [methods[i : i + size] for i in range(0, len(methods), size)]


def sum_values(
    evaluation: Evaluation,
    methods: tuple[str, ...],
    settings: list[Setting],
    include_held_out: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> SumValues:
    """Read all values once and keep the sums that the (sum-type) settings need."""
    g = evaluation.benchmark.adata.n_vars
    names = orderings(evaluation, tuple({s.subset.kind for s in settings}))
    sizes = tuple(
        np.unique([g, *(min(s.subset.n, g) for s in settings if s.subset.kind == name)]).astype(int) for name in names
    )
    none: Reference = "none"
    references = tuple(dict.fromkeys([none, *(s.reference for s in settings)]))
    vectors = {r: evaluation.vectors(r, include_held_out) for r in references if r != "none"}
    layout = Layout(references, any(FORMULAS[s.metric].weighted for s in settings), names, sizes)
    orders = Orders(evaluation, names)
    sums = collect(evaluation, methods, layout, orders, vectors, threads, progress, cancel)
    return SumValues(sums, Repair(evaluation, sums, orders, include_held_out))
