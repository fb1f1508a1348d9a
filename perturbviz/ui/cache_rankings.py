"""What the home page draws and says, made once for what it shows.

Rankings, tables and looks are kept where they are computed, so that what shows the same is made of the same objects.
"""

from __future__ import annotations

from typing import NamedTuple

from perturbviz.analyses.rulers import Flip, Rulers, ruler_name
from perturbviz.analyses.rulers import change_size as size_of_changes
from perturbviz.analyses.rulers import rulers as two_rulers
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.panels import captions
from perturbviz.panels import rankings as panels
from perturbviz.panels import rulers as ruler_panels
from perturbviz.panels.captions import rulers as ruler_captions
from perturbviz.panels.cast import cast
from perturbviz.panels.look import Look, look_of
from perturbviz.panels.panel import Panel
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneKind, GeneSubset
from perturbviz.scoring.published_scores import name_of
from perturbviz.scoring.rank_table import RankTable
from perturbviz.scoring.rankings import Ranking, shifts
from perturbviz.scoring.references import LABELS, MEANING
from perturbviz.scoring.validity import genes_problem
from perturbviz.scoring.view import metric_name
from perturbviz.ui import cache
from perturbviz.ui.memo import memo

_MOST = 200

#: The same as the functions of these names, kept.
bump = memo(_MOST)(panels.bump)
score_table = memo(_MOST)(panels.score_table)
overturned = memo(_MOST)(panels.overturned)
four_questions = memo(_MOST)(captions.four_questions)
change = memo(_MOST)(captions.change)
rulers = memo(_MOST)(two_rulers)
thesis = memo(_MOST)(ruler_captions.thesis)
opened = memo(_MOST)(ruler_captions.opened)
switched = memo(_MOST)(ruler_captions.switched)
change_size = memo(_MOST)(size_of_changes)
by_family = memo(_MOST)(RankTable.by_family)


@memo(_MOST)
def flip(left: Ranking, right: Ranking) -> Flip:
    """What becomes of the order between two rulers."""
    return Flip(left, right)


@memo(50)
def names(evaluation: Evaluation) -> dict[str, str]:
    """Method -> display name; not to be changed."""
    return {method: evaluation.name(method) for method in evaluation.methods}


@memo(50)
def metric_names(benchmark: Benchmark) -> dict[str, str]:
    """Metric offered, with its usual parameter -> name; not to be changed."""
    return {m: metric_name(m) for m in cache.metric_options(benchmark)[0] if "@" not in m}


@memo(_MOST)
def subsets(evaluation: Evaluation, metric: str, n: int, targets: bool) -> tuple[str, ...]:
    """Kinds of gene subsets that make sense with a metric."""
    kinds: tuple[GeneKind, ...] = ("all", "expressed", "de")
    return tuple(kind for kind in kinds if not genes_problem(metric, GeneSubset(kind, n, targets), evaluation))


class RulerWords(NamedTuple):
    """How the rulers of a switch are called: metric|reference -> label; in a sentence, in short, in full."""

    labels: dict[str, str]
    phrases: tuple[str, str]
    shorts: tuple[str, str]
    names: tuple[str, str]


@memo(_MOST)
def ruler_words(source: Benchmark | ScoreTable, two: Rulers) -> RulerWords:
    """What two rulers are called (one: twice the same); not to be changed."""
    first, second = (*two.pair, two.pair[0])[:2]
    called = [ruler_name(source, ruler, two.by_reference) for ruler in (first, second)]
    if two.by_reference:
        phrases = [f"from the {LABELS[reference]}" for _, reference in (first, second)]
    else:
        phrases = [f"by {name}" for name in called]
    full = [name_of(source, r[0]) if isinstance(source, ScoreTable) else metric_name(*r) for r in (first, second)]
    shorts = [name.replace(" mean", "") for name in called]
    labels = {"|".join(ruler): name for ruler, name in zip((first, second), called, strict=True)}
    return RulerWords(labels, (phrases[0], phrases[1]), (shorts[0], shorts[1]), (full[0], full[1]))


@memo(_MOST)
def lead(
    scored: Evaluation | ScoreTable, ranking: Ranking, by_reference: bool, shown: tuple[str, ...]
) -> tuple[str, str]:
    """Who predicts what, and what the score is; what metric and references mean."""
    n, card = len(ranking.lines), ranking.scores.card
    models = n if isinstance(scored, ScoreTable) else sum(not scored.is_baseline(m) for m in shown)
    predict = "methods predict" if n != 1 else "method predicts"
    who = f"{ruler_captions.in_words(n)} {predict} how expression changes when genes are perturbed."
    if n and not models:
        who = ruler_captions.baselines_only(n)
    name = captions.escape(card.name)
    meaning = [f"**{name}**: {captions.escape(card.summary)}"]
    if not by_reference:
        return f"{who} Score:", "\n\n".join(meaning)
    meaning += [f"**{LABELS[r].capitalize()}**: {MEANING[r]}" for r in ("control", "perturbation")]
    return f"{who} Score: **{name}** ({card.arrow}), measured from", "\n\n".join(meaning)


@memo(50)
def look(scored: Evaluation | ScoreTable, chosen: tuple[tuple[str, str], ...]) -> Look:
    """Names and colours of all methods, where some colours (method, colour) were chosen."""
    return look_of(scored, dict(chosen))


@memo(_MOST)
def order(
    ranking: Ranking,
    look: Look,
    before: Ranking | None = None,
    perfect: float | None = None,
    key: str = "order",
    question: str = "Who is first, and how surely?",
) -> Panel:
    """The order under a view, with the places that each method gained since ``before``."""
    gained = None if before is None else shifts(before, ranking)
    return panels.order(ranking, look, key=key, question=question, gained=gained, perfect=perfect)


@memo(_MOST)
def slope(
    scored: Evaluation | ScoreTable,
    flip: Flip,
    at: int,
    heads: tuple[str, str],
    names: tuple[str, str],
    look: Look,
    shown: tuple[str, ...],
    shorts: tuple[str, str],
) -> Panel:
    """The shown methods under two rulers."""
    own: list[str] = []
    baselines: list[str] = []
    if isinstance(scored, Evaluation):
        own = [m for m in shown if scored.benchmark.about(m).get("added")]
        baselines = [m for m in shown if scored.is_baseline(m)]
    who = {m: text for m, (_, text) in cast(scored).items()}
    return ruler_panels.slope(flip, at, heads, names, look, own=own, baselines=baselines, who=who, shorts=shorts)
