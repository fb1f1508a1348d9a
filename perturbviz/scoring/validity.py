"""What makes sense together: why a metric, reference or gene subset is not offered here, as one sentence."""

from __future__ import annotations

from perturbviz.benchmark import Benchmark
from perturbviz.metrics import CATALOGUE, parse_metric
from perturbviz.scoring.additivity import interaction_null
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, subset_problem
from perturbviz.scoring.inputs import has_noise, needs_problem
from perturbviz.scoring.references import REFERENCES
from perturbviz.scoring.view import View

_EXPRESSION_ONLY = ("pearson", "spearman", "r2")  # correlations and R2 of raw profiles


def metric_problem(metric: str, benchmark: Benchmark, truth_from: str = "all") -> str:
    """Why a metric cannot be computed on this benchmark (with this truth); "" where it can."""
    parsed, value = parse_metric(metric)
    card = parsed.card
    if card.id in _EXPRESSION_ONLY and benchmark.value_space != "lognorm":
        twin = next((m.card.name for m in CATALOGUE.values() if m.card.plain_twin == card.id), "the delta version")
        return f"{card.name} of raw profiles needs expression values; this data set holds changes only. Use {twin}."
    problem = needs_problem(card.needs_of(value), benchmark, truth_from)
    if not problem:
        return ""
    special = f" ({value})" if card.needs_of(value) != card.needs else ""
    return f"{card.name}{special} {problem}"


def reference_problem(metric: str, reference: str, benchmark: Benchmark, include_held_out: bool = False) -> str:
    """Why a metric cannot be combined with a reference; "" where it can.

    ``include_held_out``: the perturbation mean is taken over all perturbations, so that none need be training ones.

    A metric without a reference is fine with any: none is subtracted, and saying so is the page's business.
    """
    card = parse_metric(metric)[0].card
    if reference not in REFERENCES:
        return f"There is no reference {reference!r}; there are: {', '.join(REFERENCES)}."
    if card.reference == "none":
        return ""
    if reference == "none":
        twin = f" Its plain twin is {card.plain_twin}." if card.plain_twin else ""
        return f"{card.name} ({card.id}) compares changes and needs a reference: control or perturbation.{twin}"
    if reference == "control" and not benchmark.has_control:
        return "This data set has no control mean: use the perturbation mean as the reference."
    if reference == "perturbation" and not (benchmark.has_training or include_held_out):
        return "This data set holds no training perturbations, so their mean is unknown: use the control mean."
    return ""


def genes_problem(metric: str, subset: GeneSubset, evaluation: Evaluation) -> str:
    """Why a gene subset cannot be combined with a metric or means nothing here; "" where it can."""
    card = parse_metric(metric)[0].card
    if card.shared_genes and subset.differs_between_perturbations:
        what = "DE genes differ" if subset.kind == "de" else "without its own targets the genes differ"
        return f"{card.name} takes all perturbations together, but {what} from one perturbation to the next."
    return subset_problem(subset, evaluation)


def no_vote(metric: str, subset: GeneSubset, evaluation: Evaluation) -> str:
    """Why a metric is shown but counts neither as a vote nor as a lead, as a sentence; "" where it counts.

    The variation of predictions is judged against the truth's, which holds noise where no standard errors are known.
    What is truly non-additive is read off an empirical null, which may not fit.
    """
    needs = parse_metric(metric)[0].card.needs
    if "noise" in needs and not has_noise(evaluation):
        return "Standard errors are not known, so a perfect prediction of the mean would lose."
    if "thresholds" in needs:
        null = interaction_null(evaluation, subset)
        doubtful = not isinstance(null, str) and null.doubt
        return "The null that says what is non-additive does not fit." if doubtful else ""
    return ""


def offered_pairs(evaluation: Evaluation, subset: GeneSubset) -> tuple[tuple[str, str], ...]:
    """Every (metric, reference) that makes sense on these genes, in the order of the catalogue."""
    b = evaluation.benchmark
    return tuple(
        (name, reference)
        for name, metric in CATALOGUE.items()
        for reference in (("control", "perturbation") if metric.card.reference == "delta" else ("none",))
        if not (
            metric_problem(name, b, evaluation.truth_from)
            or reference_problem(name, reference, b)
            or genes_problem(name, subset, evaluation)
        )
    )


def view_problem(view: View, evaluation: Evaluation) -> str:
    """The first reason why a view cannot be computed; "" where it can."""
    b = evaluation.benchmark
    return (
        metric_problem(view.metric, b, evaluation.truth_from)
        or reference_problem(view.metric, view.ref, b, view.ref_from == "all")
        or genes_problem(view.metric, view.subset, evaluation)
    )


def default_view(benchmark: Benchmark, data: str = "") -> View:
    """Where a benchmark opens: L2, control, 1,000 most expressed genes; all genes where expression is not defined."""
    view = View(data=data) if data else View()
    if not benchmark.has_control:
        view = view.with_(ref="perturbation")
    return view if benchmark.has_expression else view.with_(genes="all")
