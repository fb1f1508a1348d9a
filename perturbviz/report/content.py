"""What a report says about each view: computed sentences, figures and the table behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.panels import captions
from perturbviz.panels.figures import errors as error_figures
from perturbviz.panels.figures import rankings as ranking_figures
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.theme import figure_dict, method_colours
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.published_scores import label_of, name_of, scores_of
from perturbviz.scoring.rankings import Ranking, per_unit, rank, ranks
from perturbviz.scoring.scores import score_many, score_view, view_rows
from perturbviz.scoring.validity import no_vote, offered_pairs, view_problem
from perturbviz.scoring.view import View, metric_label, metric_name
from perturbviz.stats import average

Source = Benchmark | ScoreTable


@dataclass(frozen=True, eq=False)
class Item:
    """One view of one data set."""

    source: Source
    view: View


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure's plain JSON form with its title, one computed sentence and alternative text (plain text)."""

    id: str
    figure: dict[str, Any]
    question: str
    note: str
    alt: str


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
    charts: tuple[Chart, ...] = ()


class Direct:
    """Rankings and rank tables computed on the spot; whoever has them cached brings the same two methods."""

    def __init__(self) -> None:
        self._evaluations: dict[tuple[str, tuple[str, ...], str], Evaluation] = {}
        self._tables: dict[tuple[str, str], tuple[tuple[tuple[str, str], ...], pd.DataFrame]] = {}

    def evaluation(self, source: Benchmark, view: View) -> Evaluation:
        """Scored rows under a view's split and truth."""
        key = (source.content_id, view.parts, view.truth)
        if key not in self._evaluations:
            self._evaluations[key] = Evaluation(source, view.parts, view.truth)
        return self._evaluations[key]

    def ranking(self, source: Source, view: View) -> Ranking:
        """Ranking of the shown methods under a view."""
        if isinstance(source, ScoreTable):
            scores = scores_of(source, view.metric)
            return rank(scores.select([m for m in scores.methods if not view.show or m in view.show]), view.avg)
        return rank(score_view(self.evaluation(source, view), view), view.avg)

    def rank_table(self, source: Source, view: View) -> tuple[tuple[tuple[str, str], ...], pd.DataFrame]:
        """(metric, reference) pairs that make sense on the view's genes, and ranks: methods x pairs."""
        if isinstance(source, ScoreTable):
            pairs = tuple((m, source.reference(m)) for m in source.metrics)
            columns = {i: self.ranking(source, view.with_(metric=m)).table["rank"] for i, (m, _) in enumerate(pairs)}
            return pairs, pd.DataFrame(columns)
        key = (source.content_id, view.with_(data="", metric="l2", ref="control").token)
        if key not in self._tables:
            evaluation = self.evaluation(source, view)
            methods = [m for m in evaluation.methods if not view.show or m in view.show]
            pairs = offered_pairs(evaluation, view.subset)
            found = score_many(
                evaluation,
                pairs,
                view.subset,
                methods,
                view_rows(evaluation, view, methods),
                include_held_out_in_reference=view.ref_from == "all",
            )
            columns = {i: ranks(average(found[p].values, view.avg), found[p].card) for i, p in enumerate(pairs)}
            self._tables[key] = pairs, pd.DataFrame(columns, index=pd.Index(methods, name="method"))
        return self._tables[key]


def sections(items: Iterable[Item], compute: Direct | None = None) -> Iterator[Section]:
    """One section an item, in order; a view that means nothing on its data gets the sentence that says why."""
    compute = compute or Direct()
    for number, item in enumerate(items):
        try:
            yield _section(item, compute, f"v{number}")
        except UserError as error:
            yield Section(item.source, item.view, _title(item), _query(item.view), problem=str(error))


def _title(item: Item) -> str:
    if isinstance(item.source, ScoreTable):
        known = item.view.metric in item.source.metrics
        return name_of(item.source, item.view.metric) if known else item.view.metric
    return metric_name(item.view.metric, item.view.reference)


def _query(view: View) -> str:
    return urlencode({"data": [view.data], **view.to_query()}, doseq=True)


def _section(item: Item, compute: Direct, prefix: str) -> Section:
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
        tuple(_charts(item, ranking, compute, prefix)),
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


def look(source: Source, compute: Direct, view: View) -> tuple[dict[str, str], dict[str, str]]:
    """Names and colours of all methods, the same whatever is shown."""
    if isinstance(source, ScoreTable):
        return dict(source.names), method_colours(source.names)
    evaluation = compute.evaluation(source, view)
    baselines = [m for m in evaluation.methods if evaluation.is_baseline(m)]
    return {m: evaluation.name(m) for m in evaluation.methods}, method_colours(evaluation.methods, baselines)


def _charts(item: Item, ranking: Ranking, compute: Direct, prefix: str) -> Iterator[Chart]:
    source, view, scores, card = item.source, item.view, ranking.scores, ranking.scores.card
    names, colours = look(source, compute, view)
    axis, shown_names = card.axis or card.name, [line["name"] for line in ranking.lines.values()]

    def chart(kind: str, figure: Drawing, question: str, note: str, alt: str) -> Chart:
        drawn = figure_dict(figure.with_layout(meta={"token": view.token, "kind": kind}))
        note = captions.footnoted(note, *shown_names)
        return Chart(f"{prefix}-{kind}", drawn, question, note, alt)

    yield chart(
        "order",
        ranking_figures.order(ranking.table, colours, axis, None, card.better != "lower"),
        "Who leads, and how surely?",
        captions.uncertainty(ranking),
        captions.alt_order(ranking),
    )
    order = list(ranking.table.index)
    points, perturbations = per_unit(scores.values[[scores.methods.index(m) for m in order]], scores.rows)
    swarms = error_figures.distribution(
        points,
        perturbations,
        order,
        names,
        colours,
        ranking.table["score"].to_dict(),
        f"{axis} · {card.arrow}",
        "",
        ranking.table["reason"].to_dict(),
    )
    # No script of the page tilts names that do not fit, as the app's charts do.
    swarms = swarms.with_layout(xaxis={"tickangle": -40, "automargin": True})
    yield chart(
        "distribution",
        swarms,
        f"How is the {card.name} spread over perturbations?",
        captions.spread(ranking, view.avg).partition(" Click")[0]
        + captions.a_point_is(perturbations)
        + captions.thinned(error_figures.points_a_method(len(order)), len(perturbations)),
        f"Values of {len(order)} methods, one point a perturbation, with their {view.avg}.",
    )
    pairs, table = compute.rank_table(source, view)
    shown = table.loc[[m for m in order if m in table.index]]
    if shown.shape[1] > 1 and np.isfinite(shown.to_numpy(float)).any():
        labels = [label_of(source, m) if isinstance(source, ScoreTable) else metric_label(m, r) for m, r in pairs]
        here = next((i for i, p in enumerate(pairs) if p == (scores.metric, scores.reference)), -1)
        silent = []
        if isinstance(source, Benchmark):
            evaluation = compute.evaluation(source, view)
            silent = [i for i, (m, _) in enumerate(pairs) if no_vote(m, view.subset, evaluation)]
        yield chart(
            "bump",
            ranking_figures.bump(shown, labels, names, colours, here),
            "How does the order shift from metric to metric?",
            captions.bump_note(shown, labels, names.__getitem__, silent).partition(" Click")[0],
            f"Ranks of {len(shown)} methods under {len(pairs)} metrics.",
        )
