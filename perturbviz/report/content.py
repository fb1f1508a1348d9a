"""What a report says about each view: computed sentences, the panels of the pages, and the table behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pandas as pd

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.panels import captions
from perturbviz.panels import errors as error_panels
from perturbviz.panels import rankings as ranking_panels
from perturbviz.panels.look import look_of
from perturbviz.panels.panel import Panel
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.published_scores import name_of, scores_of_view
from perturbviz.scoring.rank_table import RankTable, Which, asked_first, published_rank_table, rank_table
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import quick_and_slow, score_many, score_view, view_rows
from perturbviz.scoring.validity import offered_pairs, view_problem
from perturbviz.scoring.view import View, metric_name

Source = Benchmark | ScoreTable


@dataclass(frozen=True, eq=False)
class Item:
    """One view of one data set."""

    source: Source
    view: View


@dataclass(frozen=True, eq=False)
class Section:
    """What is said about one view.

    Attributes
    ----------
    source, view
        Of the item.
    title, query
        Heading, and the parameters of the link.
    headline, questions
        Computed sentences (Markdown, names escaped): who leads; reference, genes, perturbations, average.
    problem
        Why there is nothing to show; "" where there is something.
    note
        How the metric was computed here; plain text.
    table
        Place, method, score, interval, values and reason of every method.
    panels
        What is drawn, as on the pages.
    """

    source: Source
    view: View
    title: str
    query: str
    headline: str = ""
    questions: str = ""
    problem: str = ""
    note: str = ""
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    panels: tuple[Panel, ...] = ()


class Direct:
    """Rankings and rank tables computed on the spot; whoever has them cached brings the same two methods."""

    def __init__(self) -> None:
        self._evaluations: dict[tuple[str, tuple[str, ...], str], Evaluation] = {}
        self._tables: dict[tuple[str, str], RankTable] = {}

    def evaluation(self, source: Benchmark, view: View) -> Evaluation:
        """Scored rows under a view's split and truth."""
        key = (source.content_id, view.parts, view.truth)
        if key not in self._evaluations:
            self._evaluations[key] = Evaluation(source, view.parts, view.truth)
        return self._evaluations[key]

    def ranking(self, source: Source, view: View) -> Ranking:
        """Ranking of the shown methods under a view."""
        if isinstance(source, ScoreTable):
            return rank(scores_of_view(source, view), view.avg)
        return rank(score_view(self.evaluation(source, view), view), view.avg)

    def rank_table(self, source: Source, view: View, which: Which = "all") -> RankTable:
        """Ranks under the metrics and references that make sense on the view's genes, or the few shown first."""
        if isinstance(source, ScoreTable):
            return published_rank_table(source, lambda metric: self.ranking(source, view.with_(metric=metric)))
        plain = view.with_(data="") if which == "few" else view.with_(data="", metric="l2", ref="control")
        key = (source.content_id, f"{which}|{plain.token}")
        if key not in self._tables:
            evaluation = self.evaluation(source, view)
            methods = [m for m in evaluation.methods if not view.show or m in view.show]
            rows = view_rows(evaluation, view, methods)
            pairs = asked_first(offered_pairs(evaluation, view.subset), which, (view.metric, view.reference))
            pairs, slow = quick_and_slow(evaluation, pairs, view.subset, rows, len(methods))
            found = score_many(
                evaluation,
                pairs,
                view.subset,
                methods,
                rows,
                include_held_out_in_reference=view.ref_from == "all",
            )
            self._tables[key] = rank_table(evaluation, view.subset, found, view.avg, slow)
        return self._tables[key]


def sections(items: Iterable[Item], compute: Direct | None = None) -> Iterator[Section]:
    """One section an item, in order; a view that means nothing on its data gets the sentence that says why."""
    compute = compute or Direct()
    for item in items:
        try:
            yield _section(item, compute)
        except UserError as error:
            yield Section(item.source, item.view, _title(item), _query(item.view), problem=str(error))


def _title(item: Item) -> str:
    if isinstance(item.source, ScoreTable):
        known = item.view.metric in item.source.metrics
        return name_of(item.source, item.view.metric) if known else item.view.metric
    return metric_name(item.view.metric, item.view.reference)


def _query(view: View) -> str:
    return urlencode({"data": [view.data], **view.to_query()}, doseq=True)


def _section(item: Item, compute: Direct) -> Section:
    source, view = item.source, item.view
    if isinstance(source, Benchmark) and (problem := view_problem(view, compute.evaluation(source, view))):
        raise UserError(problem)
    ranking = compute.ranking(source, view)
    if ranking.scores.rows.empty:
        raise UserError("No perturbation is left under this view.")
    return Section(
        source,
        view,
        _title(item),
        _query(view),
        captions.headline(ranking),
        captions.four_questions(view, ranking.scores, isinstance(source, ScoreTable)),
        "",
        ranking.scores.note,
        _table(ranking),
        tuple(_panels(item, ranking, compute)),
    )


def _table(ranking: Ranking) -> pd.DataFrame:
    t = ranking.table
    return pd.DataFrame(
        {
            "place": t["rank"],
            "method": t["name"],
            "score": t["score"],
            "low": t["low"],
            "high": t["high"],
            "values": t["n"],
            "remark": t["reason"],
        }
    )


def _panels(item: Item, ranking: Ranking, compute: Direct) -> Iterator[Panel]:
    source, view = item.source, item.view
    look = look_of(source if isinstance(source, ScoreTable) else compute.evaluation(source, view))
    yield ranking_panels.order(ranking, look)
    yield error_panels.distribution(ranking, look)
    table = compute.rank_table(source, view, "few")
    if table.ranks.shape[1] > 1 and table.ranks.notna().to_numpy().any():
        yield ranking_panels.bump(table, ranking, look)
