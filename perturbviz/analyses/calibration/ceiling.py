"""The ceiling of simulated data: what a perfect prediction of the mean would score."""

from __future__ import annotations

from collections.abc import Sequence

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import Scores, score, view_rows
from perturbviz.scoring.view import View

CEILING, CEILING_NAME = "perfect-mean", "Perfect mean (ceiling)"
NOTE = "Control: the expectation of the simulation, a perfect prediction of the mean; what it misses is noise."


def has_ceiling(benchmark: Benchmark) -> bool:
    """Whether the data say what was expected without noise, as only simulated ones can."""
    return benchmark.simulated and "expected" in benchmark.layers


def with_ceiling(benchmark: Benchmark) -> Benchmark:
    """The benchmark with the expectation of the simulation as a method of kind "control".

    Raises
    ------
    UserError
        Where the data do not hold their expectation.
    """
    if not has_ceiling(benchmark):
        raise UserError(
            "Only simulated data know what a perfect prediction is, and these do not say it (layer expected)."
        )
    expected = {"": benchmark.layers["expected"]}
    return benchmark.with_predictions(CEILING, CEILING_NAME, expected, "control", NOTE, sees_truth=True)


def ceiling(evaluation: Evaluation, view: View, methods: Sequence[str]) -> Scores:
    """Scores of the ceiling alone, on the rows on which a view compares methods.

    Parameters
    ----------
    evaluation
        Scored rows of the view.
    methods
        The methods that are compared; the ceiling is none of them and takes no part in ranks or votes.
    """
    perfect = Evaluation(with_ceiling(evaluation.benchmark), evaluation.parts, evaluation.truth_from)
    return score(
        perfect,
        view.metric,
        view.ref,
        view.subset,
        [CEILING],
        rows=view_rows(evaluation, view, methods),
        include_held_out_in_reference=view.ref_from == "all",
    )
