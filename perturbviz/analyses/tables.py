"""The tables of the command line and of notebooks: scores, rankings, every view, calibration, interactions.

Each function takes a benchmark (or, where scores are enough, a score table) and names its choices as the command line
does. ``notes`` collects what to know about the result: which genes were taken where none were named, what is undefined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark import benchmark as benchmarks
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.metrics import canonical, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, parse_subset, subset_problem, unmeasured
from perturbviz.scoring.published_scores import scores_of_view
from perturbviz.scoring.rankings import TABLE, Ranking
from perturbviz.scoring.rankings import rank as rank_scores
from perturbviz.scoring.references import REFERENCES
from perturbviz.scoring.scores import COLUMNS, score_view, view_rows
from perturbviz.scoring.scores import score as score_rows
from perturbviz.scoring.validity import default_view
from perturbviz.scoring.view import AVERAGES, SPLITS, View

Source = Benchmark | ScoreTable

#: Columns of a ranking, as the command line writes them.
RANKING = ["method", *[c for c in TABLE if c not in ("reason", "n")]]


def load(path: str | Path) -> Source:
    """Open a benchmark, or a table of scores that somebody published.

    Raises
    ------
    UserError
        Where the file is neither: other files are converted first.
    """
    from perturbviz.readers import canonical as benchmark_file  # the readers of all systems take a second to import
    from perturbviz.readers import load as read

    path = Path(path)
    if path.suffix == ".h5ad" or not path.exists() or benchmark_file.recognise(path):
        return benchmarks.load(path)
    found = read(path)
    if (opened := found.scores or found.benchmark) is not None:
        return opened
    raise UserError(f"{path.name} is no data set yet: make one of it with `perturbviz convert`.")


def parse_parts(text: str) -> tuple[str, ...]:
    """Parts of the split of ``test,val`` or ``all``.

    Raises
    ------
    UserError
        If the text names another part.
    """
    if text == "all":
        return SPLITS["all"]
    parts = tuple(dict.fromkeys(p.strip() for p in text.split(",") if p.strip()))
    unknown = [p for p in parts if p not in SPLITS["all"]]
    if unknown or not parts:
        raise UserError(f"--split {text!r}: use all, or parts among train, val, test joined by commas.")
    return parts


def evaluate(benchmark: Benchmark, split: str = "test,val") -> Evaluation:
    """The scored rows of a benchmark; raises :class:`UserError` where the part of the split holds none."""
    evaluation = Evaluation(benchmark, parse_parts(split))
    if evaluation.rows.empty:
        raise UserError(
            f"No perturbation of this data set is in the part {split!r} of its split ({benchmark.split_origin})."
        )
    return evaluation


def _several(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


def _subsets(genes: str | Sequence[str] | None, evaluation: Evaluation, notes: list[str]) -> list[GeneSubset]:
    """The gene subsets that are named, or the one that the dashboard opens with."""
    named = [parse_subset(text) for text in _several(genes)]
    if not named:
        named = [default_view(evaluation.benchmark).subset]
        why = "" if evaluation.benchmark.has_expression else " (no expression in control to order the genes by)"
        notes.append(f"genes: {named[0].key}{why}")
    for subset in named:
        if unknown := unmeasured(subset.own, evaluation):
            notes.append(f"genes: not measured: {', '.join(unknown)}")
    return list(dict.fromkeys(named))


def _reference(metrics: Sequence[str], reference: str | None, benchmark: Benchmark, notes: list[str]) -> str:
    """The reference that is named, or the one that the dashboard opens with."""
    if reference is not None:
        if reference not in REFERENCES:
            raise UserError(f"There is no reference {reference!r}; there are: {', '.join(REFERENCES)}.")
        return reference
    chosen = default_view(benchmark).ref
    if any(parse_metric(m)[0].card.reference == "delta" for m in metrics):
        notes.append(f"reference: {chosen}")
    return chosen


def score(
    benchmark: Benchmark,
    metric: str | Sequence[str] = "l2",
    reference: str | None = None,
    genes: str | Sequence[str] | None = None,
    split: str = "test,val",
    *,
    notes: list[str] | None = None,
) -> pd.DataFrame:
    """Scores of every method: one row per method, seed, context, perturbation, metric, reference and genes.

    Parameters
    ----------
    metric
        One or several of ``id`` or ``id@parameter``.
    reference
        "control" or "perturbation" for metrics of changes; a metric without a reference writes "none".
    genes
        One or several of ``all``, ``expressed:N``, ``de:N``, ``own:GENE;GENE``; by default what the dashboard opens
        with.
    split
        Parts of the split, ``test,val`` or ``all``.

    Raises
    ------
    UserError
        Where metric, reference, genes and data make no sense together; the sentence says why.

    Examples
    --------
    >>> import perturbviz as pv
    >>> bench = pv.load("data/demo.h5ad")
    >>> pv.score(bench, metric="pearson_delta", reference="perturbation", genes="expressed:1000").columns[-1]
    'value'
    """
    notes = [] if notes is None else notes
    evaluation, metrics = evaluate(benchmark, split), list(dict.fromkeys(map(canonical, _several(metric))))
    tables: list[pd.DataFrame] = []
    reasons: dict[str, str] = {}
    subsets = _subsets(genes, evaluation, notes)
    reference = _reference(metrics, reference, benchmark, notes)
    for name in metrics:
        for subset in subsets:
            scores = score_rows(evaluation, name, reference, subset)
            tables.append(scores.to_frame())
            reasons |= {f"{name} of {m}": why for m, why in scores.reasons.items()}
    notes += [f"{what}: {why}" for what, why in reasons.items()]
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def check_shown(view: View | None, methods: Sequence[str]) -> None:
    """Raise :class:`UserError` where a view shows methods that the data do not have."""
    unknown = [m for m in (view.show if view else ()) if m not in methods]
    if unknown:
        raise UserError(f"There is no method {', '.join(unknown)} here; there are: {', '.join(methods)}.")


def ranking(
    source: Source,
    metric: str | None = None,
    reference: str | None = None,
    genes: str | None = None,
    split: str = "test,val",
    average: str | None = None,
    view: View | None = None,
    *,
    notes: list[str] | None = None,
) -> Ranking:
    """The dashboard's ranking under a view in which the named choices are changed; arguments as of :func:`rank`.

    Raises
    ------
    UserError
        If there is no such average, or a table of scores holds no such metric.
    """
    notes = [] if notes is None else notes
    if average is not None and average not in AVERAGES:
        raise UserError(f"There is no average {average!r}; there are: {', '.join(AVERAGES)}.")
    how = average or (view.avg if view else "mean")
    if isinstance(source, ScoreTable):
        name = metric or next(iter(source.metrics))
        check_shown(view, tuple(source.names))
        return rank_scores(scores_of_view(source, (view or View()).with_(metric=name)), how)
    if view is not None:
        evaluation = Evaluation(source, view.parts, view.truth)
        check_shown(view, evaluation.methods)
        return rank_scores(score_view(evaluation, view), view.avg)
    evaluation, name = evaluate(source, split), canonical(metric or "l2")
    (subset,) = _subsets(genes, evaluation, notes)
    chosen = _reference([name], reference, source, notes)
    rows = view_rows(evaluation, View(), evaluation.methods)
    return rank_scores(score_rows(evaluation, name, chosen, subset, rows=rows), how)


def rank(
    source: Source,
    metric: str | None = None,
    reference: str | None = None,
    genes: str | None = None,
    split: str = "test,val",
    average: str | None = None,
    view: View | None = None,
    *,
    notes: list[str] | None = None,
) -> pd.DataFrame:
    """One row per method, best first: its score, how sure it is, its rank and its tier.

    Parameters
    ----------
    source
        A benchmark or a score table.
    metric, reference, genes, split
        As of :func:`score`, one each; a score table has its own metrics only.
    average
        "mean" or "median" over perturbations, all seeds of one together.
    view
        A view of the dashboard in place of the other choices.

    Returns
    -------
    The columns of ``RANKING``. ``low`` and ``high`` end the 95% interval; methods that cannot be told apart from the
    best of their ``tier`` share its number; ``interval`` says how the interval was made, or why there is none. NaN
    where something is undefined.

    Raises
    ------
    UserError
        Where the choices make no sense together or no perturbation is left.
    """
    notes = [] if notes is None else notes
    found = ranking(source, metric, reference, genes, split, average, view, notes=notes)
    if found.scores.rows.empty:
        raise UserError("No perturbation is left under these choices.")
    notes += [f"{m}: {why}" for m, why in found.table["reason"].items() if why]
    return found.table.reset_index()[RANKING]


def every_view_tables(
    benchmark: Benchmark,
    metric: str | Sequence[str] | None = None,
    reference: str | None = None,
    split: str = "test,val",
) -> Iterator[pd.DataFrame]:
    """The tables of :func:`every_view` one after the other, so that memory stays bounded.

    Raises
    ------
    UserError
        If none of the metrics makes sense on the data set.
    """
    from perturbviz.analyses.all_views import sweep_frame  # heavy, and not needed for a few scores

    evaluation = evaluate(benchmark, split)
    references = tuple(r for r in REFERENCES if r != "none" and reference in (None, "none", r))
    empty = True
    for table in sweep_frame(evaluation, metrics=_several(metric) or None, references=references):
        empty = False
        yield table[COLUMNS]
    if empty:
        raise UserError("None of the metrics makes sense on this data set: nothing was scored.")


def every_view(
    benchmark: Benchmark,
    metric: str | Sequence[str] | None = None,
    reference: str | None = None,
    split: str = "test,val",
) -> pd.DataFrame:
    """Scores under every metric, reference and gene subset that makes sense here: columns as of :func:`score`.

    Several million rows for the demo; metrics and references that are named keep it smaller.
    """
    return pd.concat(every_view_tables(benchmark, metric, reference, split), ignore_index=True)


def calibrate(benchmark: Benchmark, genes: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Can a metric tell a replicate from an uninformative prediction? One row per metric, reference and genes.

    Raises
    ------
    UserError
        Where the data hold no replicate.
    """
    from perturbviz.analyses.calibration.table import calibration_map, table

    evaluation = Evaluation(benchmark)
    wanted = [GeneSubset("all"), GeneSubset("expressed", 1000), GeneSubset("de", 100)]
    subsets = [parse_subset(g) for g in _several(genes)] or [s for s in wanted if not subset_problem(s, evaluation)]
    return table(calibration_map(evaluation, subsets))


def interactions(
    benchmark: Benchmark,
    fdr: float = 0.05,
    genes: str | None = None,
    split: str = "test,val",
    rule: str | None = None,
    *,
    notes: list[str] | None = None,
) -> pd.DataFrame:
    """Deviations from additivity, observed and predicted: one row per method, seed, context, double and gene.

    Arguments and errors as of :func:`analyses.interactions.table.interaction_table`; ``split`` as of :func:`score`.
    """
    from perturbviz.analyses.interactions.table import interaction_table

    return interaction_table(benchmark, parse_parts(split), fdr, genes, rule, notes)
