"""perturbviz: see how the ranking of perturbation-effect predictions depends on how one measures.

Everything the dashboard shows can be had in a notebook::

    from perturbviz import Evaluation, View, load, rank, score_view
    ranking = rank(score_view(Evaluation(load("data/demo.h5ad")), View(metric="pearson_delta", ref="perturbation")))

Further rooms: ``perturbviz.readers`` and ``perturbviz.assemble`` (files in), ``perturbviz.datasets`` (public data),
``perturbviz.metrics`` (the catalogue), ``perturbviz.sweep``, ``perturbviz.views`` and ``perturbviz.robustness`` (all views),
``perturbviz.interactions``, ``perturbviz.calibration``, ``perturbviz.baselines`` (the linear model), ``perturbviz.goodhart``,
``perturbviz.figures`` and ``perturbviz.report`` (what is drawn), ``perturbviz.aggregate`` (from cells). What is not listed here
or in ``__all__`` belongs to the interface and may change.
"""

from perturbviz.benchmark import Benchmark, load, save
from perturbviz.errors import UserError
from perturbviz.evaluation import Evaluation
from perturbviz.genesets import GeneSubset
from perturbviz.metrics import CATALOGUE
from perturbviz.rankings import Ranking, rank
from perturbviz.scores import Scores, score, score_many, score_view
from perturbviz.scoretable import ScoreTable
from perturbviz.view import View

__version__ = "0.1.0"

__all__ = [
    "CATALOGUE", "Benchmark", "Evaluation", "GeneSubset", "Ranking", "ScoreTable", "Scores", "UserError", "View", "load",
    "rank", "save", "score", "score_many", "score_view",
]  # fmt: skip
