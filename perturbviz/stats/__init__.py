"""Statistics on plain arrays: averages, ranks with one tie rule, the bootstrap, intervals that respect shared targets.

Nothing here knows a benchmark, a metric or a table; the only import from the rest is the error with one sentence.
"""

from __future__ import annotations

from perturbviz.stats.averages import average, averages, per_unit
from perturbviz.stats.bootstrap import bootstrap
from perturbviz.stats.intervals import LEVEL, MIN_UNITS, N_DRAWS, TAIL, Estimates, Means, draws, estimate, means, paired
from perturbviz.stats.ranks import first, quantiles, ranks
from perturbviz.stats.sharing import Sharing, share_targets
from perturbviz.stats.signs import sign_test
from perturbviz.stats.ties import TIE, signs, tied

__all__ = [
    "LEVEL",
    "MIN_UNITS",
    "N_DRAWS",
    "TAIL",
    "TIE",
    "Estimates",
    "Means",
    "Sharing",
    "average",
    "averages",
    "bootstrap",
    "draws",
    "estimate",
    "first",
    "means",
    "paired",
    "per_unit",
    "quantiles",
    "ranks",
    "share_targets",
    "sign_test",
    "signs",
    "tied",
]
