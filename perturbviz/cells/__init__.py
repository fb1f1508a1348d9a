"""From single cells to a pseudobulk benchmark, at any size.

``aggregate`` reads a cell-level ``.h5ad`` or ``.zarr`` once, in blocks, and returns conditions x genes with means,
standard errors, two disjoint halves and differential expression.
"""

from perturbviz.cells.errors import AggregateCancelledError, AggregateError
from perturbviz.cells.pipeline import aggregate
from perturbviz.cells.report import AggregateReport, read_report

__all__ = ["AggregateCancelledError", "AggregateError", "AggregateReport", "aggregate", "read_report"]
