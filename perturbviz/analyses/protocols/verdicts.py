"""What the rule of each paper says of the predictions of an evaluation, with the numbers it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from perturbviz import stats
from perturbviz.analyses.calibration import calibration_map, positive_controls
from perturbviz.analyses.calibration.controls import preferred_truth
from perturbviz.analyses.protocols.papers import PAPERS, Measure, Paper
from perturbviz.errors import UserError
from perturbviz.metrics import Card
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import per_unit, ranks, units
from perturbviz.scoring.scores import Scores, score, view_rows
from perturbviz.scoring.validity import genes_problem, metric_problem, reference_problem
from perturbviz.scoring.view import View, metric_label
from perturbviz.stats import MIN_UNITS, average

ALPHA = 0.05
EMPTY = ("mean", "no_change")
SIMPLE = ("no_change", "mean", "additive", "half_sum")


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a paper's rule says.

    Attributes
    ----------
    paper
        Id.
    models, better
        Methods that are judged, and those that are better than what they are compared with.
    holds
        Whether any is better; None where the rule cannot be applied.
    baseline
        What they are compared with.
    lines
        One line a measure and method: measure, method, score, baseline (score of what it is compared with), better
        (bool), p (NaN where nothing is tested), counts (whether the measure has a say).
    left_out
        (measure, why) of what cannot be computed or has no say here.
    """

    paper: str
    models: tuple[str, ...]
    better: tuple[str, ...]
    holds: bool | None
    baseline: str
    lines: pd.DataFrame
    left_out: tuple[tuple[str, str], ...] = ()


LINES = ["measure", "method", "score", "baseline", "better", "p", "counts"]


def models_of(evaluation: Evaluation, baseline: str = "") -> tuple[str, ...]:
    """Methods that are judged: those of the file that have not seen the truth; without any, the simple combinations."""
    b = evaluation.benchmark
    own = tuple(m for m in b.methods if not b.sees_truth(m) and b.about(m).get("kind") not in ("control", "baseline"))
    return own or tuple(m for m in evaluation.methods if m in ("additive", "half_sum") and m != baseline)


def common_rows(evaluation: Evaluation, view: View | None = None) -> np.ndarray:
    """Rows that every model and baseline predicts, under the choices of a view."""
    methods = [m for m in evaluation.methods if not evaluation.benchmark.sees_truth(m)]
    return view_rows(evaluation, (view or View()).with_(rows="common"), methods)


def usual_baseline(evaluation: Evaluation, rows: np.ndarray) -> str:
    """The additive model where it predicts all rows, otherwise the perturbation mean, or no change without training."""
    if "additive" in evaluation.methods and len(rows) and evaluation.predicted("additive")[rows].all():
        return "additive"
    return empty_baseline(evaluation)


def empty_baseline(evaluation: Evaluation) -> str:
    """The perturbation mean, or no change where there is no training."""
    return next((m for m in EMPTY if m in evaluation.methods), "")


def scored(evaluation: Evaluation, measure: Measure, rows: np.ndarray, methods: Sequence[str]) -> Scores | str:
    """Scores of a measure, or why there are none."""
    b, subset = evaluation.benchmark, measure.subset(evaluation)
    problem = (
        metric_problem(measure.metric, b, evaluation.truth_from)
        or reference_problem(measure.metric, measure.reference, b)
        or genes_problem(measure.metric, subset, evaluation)
    )
    if problem:
        return problem
    try:
        return score(evaluation, measure.metric, measure.reference, subset, methods, rows=rows)
    except UserError as error:
        return str(error)


def label_of(measure: Measure, evaluation: Evaluation) -> str:
    """A measure as rows of charts have it, with the genes that it takes on these data."""
    subset = measure.subset(evaluation)
    genes = "" if subset.kind == "all" else f", {subset.n:,} {'DE' if subset.kind == 'de' else 'expressed'} genes"
    return metric_label(measure.metric, measure.reference) + genes


def verdict(paper: Paper, evaluation: Evaluation, view: View | None = None) -> Verdict:
    """What the rule of a paper says of the models of an evaluation; rows by the choices of ``view``."""
    rows = common_rows(evaluation, view)
    baseline = usual_baseline(evaluation, rows) if paper.rule == "below" else empty_baseline(evaluation)
    models = models_of(evaluation, baseline)
    nothing = Verdict(paper.id, models, (), None, baseline, pd.DataFrame(columns=LINES))
    if not models or not len(rows) or not baseline:
        why = "no perturbation is predicted by every method" if models and baseline else "there is nothing to compare"
        return Verdict(paper.id, models, (), None, baseline, nothing.lines, (("all", why),))
    methods = tuple(dict.fromkeys([*models, *(m for m in SIMPLE if m in evaluation.methods)]))
    labels = {measure: label_of(measure, evaluation) for measure in paper.measures}
    found, left_out = {}, []
    for measure in paper.measures:
        scores = scored(evaluation, measure, rows, methods)
        if isinstance(scores, str):
            left_out.append((labels[measure], scores))
        else:
            found[measure] = scores
    if paper.rule == "places":
        return _places(paper, models, methods, {labels[m]: s for m, s in found.items()}, left_out)
    parts = []
    for measure, scores in found.items():
        by = {"paired": "drf", "calibrated": "bds"}.get(paper.rule, "")
        say = says_nothing(evaluation, measure, by) if by else ""
        if say:
            left_out.append((labels[measure], say))
        tests = len(models) * len(paper.measures)
        lines = compared(scores, models, baseline, paper.rule, tests)
        parts.append(lines.assign(measure=labels[measure], counts=not say))
    lines = pd.concat(parts, ignore_index=True)[LINES] if parts else nothing.lines
    better = _on_the_whole(paper, lines, models, {labels[m]: s.card for m, s in found.items()})
    holds = None if better is None else bool(better)
    return Verdict(paper.id, models, better or (), holds, baseline, lines, tuple(left_out))


def verdicts(evaluation: Evaluation, view: View | None = None) -> dict[str, Verdict]:
    """The verdict of every paper."""
    return {paper.id: verdict(paper, evaluation, view) for paper in PAPERS.values()}


def compared(scores: Scores, models: Sequence[str], baseline: str, rule: str, tests: int = 1) -> pd.DataFrame:
    """Each model against the baseline on one measure: method, score, baseline, better, p.

    Where the baseline is undefined no change takes its place, and 0 where that is undefined too.

    Parameters
    ----------
    rule
        "below" with an error and a baseline that is not additive: bootstrap of the mean ratio; "paired": t test with
        ``tests`` tests in all; otherwise the mean scores decide.
    """
    card, at = scores.card, scores.methods.index
    mean = dict(zip(scores.methods, average(scores.values, "mean"), strict=True))
    known = next((m for m in (baseline, "no_change") if m in mean and not np.isnan(mean[m])), "")
    base = mean[known] if known else 0.0
    against = scores.values[at(known)] if known else np.zeros(scores.values.shape[1])
    lines = []
    for model in models:
        p = np.nan
        if rule == "paired":
            p = min(1.0, _paired(scores, at(model), against, card) * tests)
            better = bool(p < ALPHA)
        elif rule == "below" and known != "additive" and card.better == "lower" and card.unit == "perturbation":
            better = _ratio_below(scores, at(model), against)
        else:
            better = bool(stats.signs(card.goodness(mean[model]), card.goodness(base), card.perfect) > 0)
        lines.append((model, mean[model], base, better, p))
    return pd.DataFrame(lines, columns=["method", "score", "baseline", "better", "p"])


def _paired(scores: Scores, model: int, against: np.ndarray, card: Card) -> float:
    """One-sided paired t test over perturbations: that the model is better. 1 with too few perturbations."""
    gain = card.goodness(scores.values[model]) - card.goodness(against)
    if card.unit != "perturbation":
        return 1.0
    each = per_unit(gain[None], scores.rows, units(scores.rows))[0][0]
    each = each[~np.isnan(each)]
    if len(each) < MIN_UNITS or np.ptp(each) == 0:
        return 1.0
    return float(ttest_1samp(each, 0, alternative="greater").pvalue)


def _ratio_below(scores: Scores, model: int, against: np.ndarray) -> bool:
    """Whether the 95% bootstrap interval of mean error / mean error of the baseline lies below 1."""
    values = np.stack([scores.values[model], against])
    values[:, np.isnan(values).any(axis=0)] = np.nan
    unit = units(scores.rows)
    if len(np.unique(unit)) < MIN_UNITS:
        return False
    drawn = stats.bootstrap(values, unit, n=2000)
    return bool(np.nanquantile(drawn[:, 0] / drawn[:, 1], 0.975) < 1)


def says_nothing(evaluation: Evaluation, measure: Measure, by: str = "drf") -> str:
    """Why a measure has no say: a replicate does not beat the empty prediction by it; "" where it has one.

    ``by``: "drf" asks the dynamic range fraction to be above 0, "bds" the bound discrimination to be above a half.
    Without a replicate every measure has its say.
    """
    if not positive_controls(evaluation.benchmark, preferred_truth(evaluation.benchmark)):
        return ""
    try:
        pair = (measure.metric, measure.reference)
        (found,) = calibration_map(evaluation, [measure.subset(evaluation)], pairs=[pair])
    except UserError as error:
        return str(error)
    if by == "bds":
        return "" if found.bds > 0.5 else f"bound discrimination {found.bds:.2f}, not above ½"
    return "" if found.drf > 0 else f"dynamic range fraction {found.drf:.2f}, not above 0"


def _on_the_whole(
    paper: Paper, lines: pd.DataFrame, models: Sequence[str], cards: dict[str, Card]
) -> tuple[str, ...] | None:
    """Models that are better by the rule; None where no measure counts."""
    counted = lines[lines["counts"].astype(bool)] if len(lines) else lines
    if counted.empty:
        return None
    if paper.rule == "scaled":
        return tuple(m for m in models if _scaled(counted[counted["method"] == m], cards, paper.id == "vcc-2025") > 0)
    share = counted.groupby("method")["better"].mean()
    least = 1.0 if paper.rule in ("below", "above") else 0.5
    return tuple(m for m in models if (share[m] >= least if least == 1.0 else share[m] > least))


def _scaled(lines: pd.DataFrame, cards: dict[str, Card], cut: bool) -> float:
    """Mean over measures of (score - baseline) / (perfect - baseline), cut off at 0 if asked."""
    out = []
    for line in lines.itertuples():
        card = cards[line.measure]
        room = card.perfect - line.baseline
        value = (line.score - line.baseline) / room if room else np.nan
        out.append(max(value, 0.0) if cut else value)
    known = [v for v in out if not np.isnan(v)]
    return float(np.mean(known)) if known else np.nan


def _places(
    paper: Paper,
    models: Sequence[str],
    methods: Sequence[str],
    found: dict[str, Scores],
    left_out: list[tuple[str, str]],
) -> Verdict:
    """Mean rank over the measures among models and baselines."""
    parts, placed = [], []
    for measure, scores in found.items():
        mean = average(scores.values, "mean")
        rank = ranks(mean, scores.card)
        placed.append(np.where(np.isnan(rank), np.nanmax(rank) if np.isfinite(rank).any() else np.nan, rank))
        parts.append(pd.DataFrame({"method": scores.methods, "score": mean, "measure": measure}))
    if not placed:
        return Verdict(paper.id, tuple(models), (), None, "", pd.DataFrame(columns=LINES), tuple(left_out))
    mean_rank = dict(zip(methods, np.mean(placed, axis=0), strict=True))
    simple = [mean_rank[m] for m in methods if m not in models]
    best = min(simple) if simple else np.inf
    better = tuple(m for m in models if mean_rank[m] < best)
    lines = pd.concat(parts, ignore_index=True)
    lines["baseline"] = best
    lines["better"] = lines["method"].map(lambda m: m in better)
    lines["p"], lines["counts"] = np.nan, True
    return Verdict(paper.id, tuple(models), better, bool(better), "", lines[LINES], tuple(left_out))
