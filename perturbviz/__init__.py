"""perturbviz: see how the ranking of perturbation-effect predictions depends on how one measures.

Everything the dashboard shows can be had in a notebook, as pandas tables::

    import perturbviz as pv
    bench = pv.load("data/demo.h5ad")
    scores = pv.score(bench, metric="pearson_delta", reference="perturbation", genes="expressed:1000")
    ranking = pv.rank(bench, metric="pearson_delta", reference="perturbation", genes="expressed:1000")

Further rooms, from the lowest to the highest: ``perturbviz.stats`` (arrays), ``perturbviz.benchmark`` (the
data), ``perturbviz.cells`` and ``perturbviz.readers`` (files in), ``perturbviz.catalogue`` (public data),
``perturbviz.metrics``, ``perturbviz.scoring``, ``perturbviz.models`` (the linear model and its kin),
``perturbviz.analyses`` (all views, calibration, interactions, Goodhart's law, robustness), ``perturbviz.panels`` (what
is drawn), ``perturbviz.guide``, ``perturbviz.report``. What is not listed in ``__all__`` may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perturbviz.analyses.tables import calibrate, every_view, interactions, load, rank, ranking, score
    from perturbviz.benchmark import Benchmark, save
    from perturbviz.benchmark.scoretable import ScoreTable
    from perturbviz.errors import UserError
    from perturbviz.metrics import CATALOGUE
    from perturbviz.report.explore import explore
    from perturbviz.scoring.evaluation import Evaluation
    from perturbviz.scoring.genesets import GeneSubset
    from perturbviz.scoring.rankings import Ranking
    from perturbviz.scoring.scores import Scores, score_view
    from perturbviz.scoring.view import View

__version__ = "0.1.0"

#: Public name -> the module it lives in. Imported when asked for: a server answers before it needs anndata and pandas.
_HOME = {
    "CATALOGUE": "metrics",
    "Benchmark": "benchmark",
    "Evaluation": "scoring.evaluation",
    "GeneSubset": "scoring.genesets",
    "Ranking": "scoring.rankings",
    "ScoreTable": "benchmark.scoretable",
    "Scores": "scoring.scores",
    "UserError": "errors",
    "View": "scoring.view",
    "calibrate": "analyses.tables",
    "every_view": "analyses.tables",
    "explore": "report.explore",
    "interactions": "analyses.tables",
    "load": "analyses.tables",
    "rank": "analyses.tables",
    "ranking": "analyses.tables",
    "save": "benchmark",
    "score": "analyses.tables",
    "score_view": "scoring.scores",
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
    "explore",
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
