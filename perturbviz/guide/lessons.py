"""Ten lessons about measuring predictions: a view, a question, one toggle, and what the loaded data say about it.

A lesson never says what it was written to say: its sentence is computed (``guide.reveals``), and on data where it
does not hold the sentence says that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.guide import reveals
from perturbviz.guide.stage import Reveal, Stage, Verdict, cannot_be_asked
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.validity import default_view, view_problem
from perturbviz.scoring.view import View


@dataclass(frozen=True)
class Lesson:
    """One step.

    Attributes
    ----------
    id, title, question
        Name in links; what it is about; what to ask oneself before looking.
    start
        Fields of the view to open; everything else is as the benchmark opens.
    toggle, change
        The one change to make there, in words, and the fields of the view it changes.
    reading
        Where it is written.
    holds, partly
        What the data must show for the title to hold, and to hold in part.
    controls
        Whether it is about the controls: the view draws them as methods.
    compute
        (stage) -> reveal.
    """

    id: str
    title: str
    question: str
    start: Mapping[str, Any]
    toggle: str
    change: Mapping[str, Any]
    reading: str
    holds: str
    partly: str
    compute: Callable[[Stage], Reveal] = field(repr=False)
    controls: bool = False

    @property
    def criterion(self) -> dict[Verdict, str]:
        """Grade -> what the data must show for it, in words; the grades are tried in this order."""
        return {"holds": self.holds, "partly": self.partly, "not here": "otherwise"}

    def query(self, benchmark: Benchmark, data: str, after: bool = False) -> dict[str, list[str]]:
        """Parameters of the link to the lesson's view, or to the view after the toggle; never empty."""
        controls = {"controls": ["1"]} if self.controls else {}
        return {"data": [data], **self.view(benchmark, data, after).to_query(), **controls}

    def view(self, benchmark: Benchmark, data: str = "", after: bool = False) -> View:
        """The same as a view of a benchmark."""
        return default_view(benchmark, data).with_(**{**self.start, **(self.change if after else {})})

    def reveal(self, evaluation: Evaluation) -> Reveal:
        """What the data say, and how far the title is true of them; where it cannot be asked the sentence says why.

        Parameters
        ----------
        evaluation
            Held-out rows of the benchmark, all cells the truth.
        """
        start = self.view(evaluation.benchmark)
        if start.truth != evaluation.truth_from:
            try:
                evaluation = Evaluation(evaluation.benchmark, evaluation.parts, start.truth)
            except UserError as error:
                return cannot_be_asked(str(error))
        problem = view_problem(start, evaluation)
        if problem:
            return cannot_be_asked(problem)
        try:
            return self.compute(Stage(evaluation, start, self.view(evaluation.benchmark, after=True)))
        except UserError as error:
            return cannot_be_asked(str(error))


LESSONS = (
    Lesson(
        "pearson",
        "Raw Pearson is always near 1",
        "No change predicts no effect at all. What correlation does it get?",
        {"metric": "pearson", "ref": "none"},
        "Correlate changes from control instead of profiles",
        {"metric": "pearson_delta", "ref": "control"},
        "Ahlmann-Eltze, Huber & Anders, Nature Methods 2025, Fig. 1b; the talk's con: typically very close to 1",
        f"no change gets at least {reveals.NEAR_ONE}",
        f"it gets at least {reveals.NEARLY}",
        reveals.pearson_near_one,
    ),
    Lesson(
        "mean-wins",
        "The mean does well on Pearson delta against control",
        "The perturbation mean predicts the same profile for every perturbation. What rank does it get?",
        {"metric": "pearson_delta", "ref": "control"},
        "Ask instead whose truth a prediction is closest to: centroid accuracy",
        {"metric": "centroid_accuracy"},
        "Viñas Torné et al., Systema, Nature Biotechnology 2025: systematic variation",
        f"the mean gets at least {reveals.MOST:.0%} of the leader's score and is ahead of a model, and the mean cosine "
        f"of the observed changes with their average shift is at least {reveals.SHARED}",
        f"the mean gets at least {reveals.HALF:.0%} of the leader's score",
        reveals.mean_does_well,
    ),
    Lesson(
        "mean-undefined",
        "Against the perturbation mean, the mean has no score",
        "What happens to the mean, and to the order, when the mean itself is subtracted?",
        {"metric": "pearson_delta", "ref": "control"},
        "Switch the reference to the perturbation mean",
        {"ref": "perturbation"},
        "Viñas Torné et al., Systema 2025; the talk's con: unclear what is a good baseline",
        "the mean loses its score, and another method leads, clearly ahead of who led before",
        "the mean loses its score",
        reveals.mean_undefined,
    ),
    Lesson(
        "de-genes",
        "Differentially expressed genes hold no negatives",
        "Who gains when only the genes that changed most are counted?",
        {"metric": "rmse", "genes": "all"},
        "Count only the 100 most changed genes of each perturbation",
        {"genes": "de", "n": 100},
        "The talk: most differentially expressed genes lack all negative examples",
        f"a method that predicts too much on the other genes gains at least {reveals.GAIN} ranks and clearly passes "
        "another one",
        "such a method gains a rank",
        reveals.no_negatives,
    ),
    Lesson(
        "n-genes",
        "The order depends on how many genes count",
        "Is the best prediction on 20 genes the best on all of them?",
        {"metric": "rmse", "genes": "de", "n": 20},
        "Count 1,000 genes",
        {"n": 1000},
        "Ahlmann-Eltze, Huber & Anders 2025, Extended Data Fig. 1: read-out gene sets",
        "a leader at one number of genes clearly changes places with another method",
        "two other methods clearly change places",
        reveals.order_over_n,
    ),
    Lesson(
        "shrinking",
        "Squared error rewards saying less",
        "Multiply every predicted change by a factor below 1. Does the error rise or fall?",
        {"metric": "mse", "genes": "all"},
        "Use a metric that is blind to size: Pearson delta",
        {"metric": "pearson_delta", "ref": "control"},
        "Mejia et al. 2025 and Miller et al. 2025: mode collapse under the mean squared error",
        f"saying less would save half of the models at least {reveals.CLEAR_GAIN:.0%} of their error "
        "(of the baselines, where there is no model)",
        "it would save one of them so much",
        reveals.shrinking,
    ),
    Lesson(
        "duplicate",
        "A replicate of the experiment does not win everywhere",
        "Half of the cells predict the other half. Does that always beat the average perturbation?",
        {"metric": "mse", "truth": "half_a"},
        "Compare them by Pearson delta against control",
        {"metric": "pearson_delta", "ref": "control"},
        "Miller et al. 2025: metrics that separate positive and negative controls",
        "the mean is clearly better on some metric, whichever replicate is asked",
        "the mean is clearly better than one of two replicates on some metric",
        reveals.duplicate,
        controls=True,
    ),
    Lesson(
        "company",
        "Centroid accuracy depends on the company",
        "Leave only perturbations that resemble one another. Is a prediction still closest to its own truth?",
        {"metric": "centroid_accuracy"},
        "Score only the test part, so that fewer others are there to be mistaken for",
        {"split": "test"},
        "The talk's con: output depends on perturbation similarity; Systema 2025",
        "most methods lose accuracy, and two of them clearly change places",
        "most methods lose accuracy",
        reveals.company,
    ),
    Lesson(
        "no-change",
        "No change is hard to beat at finding interactions",
        "No change never names an interaction on purpose. How many does it find among its first 500 calls?",
        {"metric": "nonadditive_recall"},
        "Look at the same methods by L2 distance",
        {"metric": "l2"},
        "Ahlmann-Eltze, Huber & Anders 2025, Fig. 1d–f",
        f"at most a third of at least {reveals.MODELS} models finds over {reveals.AHEAD} times as many pairs as no "
        "change",
        "at most half of the models does",
        reveals.no_change_recall,
    ),
    Lesson(
        "average",
        "Which average, whose control",
        "Does the order survive the median? And what if a prediction could bring its own control?",
        {"metric": "pearson_delta", "ref": "control", "avg": "mean"},
        "Take the median over perturbations",
        {"avg": "median"},
        "cell-eval issues 183 and 196 (predicted controls); MTEB issue 4825 (means and ranks)",
        "two methods clearly change places from mean to median",
        "a rank changes by another average, but not clearly from mean to median",
        reveals.averages,
    ),
)


def lesson(name: str) -> Lesson:
    """Lesson of an id; the first where there is none of that name."""
    return next((item for item in LESSONS if item.id == name), LESSONS[0])
