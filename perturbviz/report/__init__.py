"""Report: chosen views of one or more benchmarks as one HTML file that opens offline.

>>> from perturbviz.report import Item, build
>>> html = build([Item(benchmark, View(metric="pearson_delta"))])  # doctest: +SKIP
"""

from perturbviz.report.content import Direct, Item, sections
from perturbviz.report.page import build

__all__ = ["Direct", "Item", "build", "sections"]
