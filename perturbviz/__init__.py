"""perturbviz: see how the ranking of perturbation-effect predictions depends on how one measures.

Everything the dashboard shows can be had in a notebook, as pandas tables::

    import perturbviz as pv
    bench = pv.load("data/demo.h5ad")
    scores = pv.score(bench, metric="pearson_delta", reference="perturbation", genes="expressed:1000")
    ranking = pv.rank(bench, metric="pearson_delta", reference="perturbation", genes="expressed:1000")

Further rooms: ``perturbviz.readers`` and ``perturbviz.assemble`` (files in), ``perturbviz.datasets`` (public data),
``perturbviz.metrics`` (the catalogue), ``perturbviz.sweep``, ``perturbviz.views`` and ``perturbviz.robustness`` (all views),
``perturbviz.interactions``, ``perturbviz.calibration``, ``perturbviz.baselines`` (the linear model), ``perturbviz.goodhart``,
``perturbviz.figures`` and ``perturbviz.report`` (what is drawn), ``perturbviz.aggregate`` (from cells). What is not listed here
or in ``__all__`` belongs to the interface and may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perturbviz.analyses.tables import calibrate, every_view, interactions, load, rank, ranking, score
    from perturbviz.benchmark import Benchmark, save
    from perturbviz.errors import UserError
    from perturbviz.evaluation import Evaluation
    from perturbviz.genesets import GeneSubset
    from perturbviz.metrics import CATALOGUE
    from perturbviz.rankings import Ranking
    from perturbviz.scores import Scores, score_view
    from perturbviz.scoretable import ScoreTable
    from perturbviz.view import View

__version__ = "0.1.0"

#: Public name -> the module it lives in. Imported when asked for: a server answers before it needs anndata and pandas.
_HOME = {
    "CATALOGUE": "metrics",
    "Benchmark": "benchmark",
    "Evaluation": "evaluation",
    "GeneSubset": "genesets",
    "Ranking": "rankings",
    "ScoreTable": "scoretable",
    "Scores": "scores",
    "UserError": "errors",
    "View": "view",
    "calibrate": "analyses.tables",
    "every_view": "analyses.tables",
    "interactions": "analyses.tables",
    "load": "analyses.tables",
    "rank": "analyses.tables",
    "ranking": "analyses.tables",
    "save": "benchmark",
    "score": "analyses.tables",
    "score_view": "scores",
}
__all__ = [
    "CATALOGUE",
    "Benchmark",
    "Evaluation",
    "GeneSubset",
    "Ranking",
    "ScoreTable",
    "Scores",
    "UserError",
    "View",
    "calibrate",
    "every_view",
    "interactions",
    "load",
    "rank",
    "ranking",
    "save",
    "score",
    "score_view",
]


def __getattr__(name: str) -> Any:
    """A public name, from its module (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'perturbviz' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"perturbviz.{_HOME[name]}"), name)
    return value
