"""Ten lessons about measuring predictions: a question, two views, and what the loaded data say about them.

A lesson never says what it was written to say: its sentence is computed (``guide.reveals``), and on data where it
does not hold the sentence says that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.guide import reveals
from perturbviz.guide.named import NamedView, named
from perturbviz.guide.stage import Reveal, Stage, Verdict, cannot_be_asked
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.validity import view_problem
from perturbviz.scoring.view import View


@dataclass(frozen=True)
class Guess:
    """What is guessed before the switch.

    Attributes
    ----------
    question
        What to guess.
    options
        What to choose from; () for the methods.
    first
        How many methods are put in order; 0: one is picked.
    """

    question: str
    options: tuple[str, ...] = ()
    first: int = 0

    def right(self, guess: tuple[str, ...], answer: tuple[str, ...]) -> int:
        """How many of the guessed are right: in their place where they are put in order, else 1 or 0."""
        if self.first:
            return sum(a == b for a, b in zip(guess, answer, strict=False))
        return int(bool({*guess} & {*answer}))


@dataclass(frozen=True)
class Lesson:
    """One step.

    Attributes
    ----------
    id, title, question
        Name in links; what it is about; what to ask oneself before looking.
    guess
        What to guess before the switch.
    views
        The view to open and the one after the switch.
    toggle
        What the switch changes, in words.
    reading
        Where it is written.
    holds, partly
        What the data must show for the title to hold, and to hold in part.
    compute
        (stage) -> reveal.
    """

    id: str
    title: str
    question: str
    guess: Guess
    views: tuple[NamedView, ...]
    toggle: str
    reading: str
    holds: str
    partly: str
    compute: Callable[[Stage], Reveal] = field(repr=False)

    @property
    def criterion(self) -> dict[Verdict, str]:
        """Grade -> what the data must show for it, in words; the grades are tried in this order."""
        return {"holds": self.holds, "partly": self.partly, "not here": "otherwise"}

    def view(self, benchmark: Benchmark, data: str = "", after: bool = False) -> View:
        """The view it opens on a benchmark, or the one after the switch."""
        return self.views[after].view(benchmark, data)

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
        Guess("What correlation does it get?", reveals.NEAR),
        named("pearson", "delta-control"),
        "Correlate changes from control instead of profiles",
        "Ahlmann-Eltze, Huber & Anders, Nature Methods 2025, Fig. 1b; the talk's con: typically very close to 1",
        f"no change gets at least {reveals.NEAR_ONE}",
        f"it gets at least {reveals.NEARLY}",
        reveals.pearson_near_one,
    ),
    Lesson(
        "mean-wins",
        "The mean does well on Pearson delta against control",
        "The perturbation mean predicts the same profile for every perturbation. What rank does it get?",
        Guess("Where in the ranking is it?", reveals.WHERE),
        named("delta-control", "centroid"),
        "Ask instead whose truth a prediction is closest to: centroid accuracy",
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
        Guess("Who is first once the perturbation mean is subtracted?"),
        named("delta-control", "delta-perturbation"),
        "Switch the reference to the perturbation mean",
        "Viñas Torné et al., Systema 2025; the talk's con: unclear what is a good baseline",
        "the mean loses its score, and another method is first, clearly ahead of who was first before",
        "the mean loses its score",
        reveals.mean_undefined,
    ),
    Lesson(
        "de-genes",
        "Differentially expressed genes hold no negatives",
        "Who gains when only the genes that changed most are counted?",
        Guess("Who gains most ranks?"),
        named("rmse-all", "rmse-de-100"),
        "Count only the 100 most changed genes of each perturbation",
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
        Guess("Put the first three on 1,000 genes in order", first=reveals.PODIUM),
        named("rmse-de-20", "rmse-de-1000"),
        "Count 1,000 genes",
        "Ahlmann-Eltze, Huber & Anders 2025, Extended Data Fig. 1: read-out gene sets",
        "a leader at one number of genes clearly changes places with another method",
        "two other methods clearly change places",
        reveals.order_over_n,
    ),
    Lesson(
        "shrinking",
        "Squared error rewards saying less",
        "Multiply every predicted change by a factor below 1. Does the error rise or fall?",
        Guess("For how many models does the error fall?", reveals.FOR),
        named("mse-all", "delta-all"),
        "Use a metric that is blind to size: Pearson delta",
        "Mejia et al. 2025 and Miller et al. 2025: mode collapse under the mean squared error",
        f"saying less would save half of the models at least {reveals.CLEAR_GAIN:.0%} of their error "
        "(of the baselines, where there is no model)",
        "it would save one of them so much",
        reveals.shrinking,
    ),
    Lesson(
        "duplicate",
        "A replicate of the experiment does not win everywhere",
        "Half of the cells predict the other half. Does that always beat the perturbation mean?",
        Guess("Is the perturbation mean clearly better on some metric?", reveals.BEATEN),
        named("mse-replicate", "delta-replicate"),
        "Compare them by Pearson delta against control",
        "Miller et al. 2025: metrics that separate positive and negative controls",
        "the mean is clearly better on some metric, whichever replicate is asked",
        "the mean is clearly better than one of two replicates on some metric",
        reveals.duplicate,
    ),
    Lesson(
        "company",
        "Centroid accuracy depends on the company",
        "Leave only perturbations that resemble one another. Is a prediction still closest to its own truth?",
        Guess("What happens to most methods?", reveals.LOSE),
        named("centroid", "centroid-test"),
        "Score only the test part, so that fewer others are there to be mistaken for",
        "The talk's con: output depends on perturbation similarity; Systema 2025",
        "most methods lose accuracy, and two of them clearly change places",
        "most methods lose accuracy",
        reveals.company,
    ),
    Lesson(
        "no-change",
        "No change is hard to beat at finding interactions",
        "No change never names an interaction on purpose. How many does it find in its first 500 pairs?",
        Guess("How many models are clearly ahead of it?", reveals.AHEAD_OF),
        named("recall", "l2"),
        "Look at the same methods by L2 distance",
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
        Guess("What changes from mean to median?", reveals.CHANGES),
        named("delta-control", "delta-median"),
        "Take the median over perturbations",
        "cell-eval issues 183 and 196 (predicted controls); MTEB issue 4825 (means and ranks)",
        "two methods clearly change places from mean to median",
        "a rank changes by another average, but not clearly from mean to median",
        reveals.averages,
    ),
)


def is_lesson(name: str) -> bool:
    """Whether there is a lesson of that id."""
    return any(item.id == name for item in LESSONS)


def lesson(name: str) -> Lesson:
    """Lesson of an id; the first where there is none of that name."""
    return next((item for item in LESSONS if item.id == name), LESSONS[0])
