"""Methods under several metrics and references at once: their averages and ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import Card, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.published_scores import card_of, label_of, name_of
from perturbviz.scoring.rankings import Ranking, ranks
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.validity import no_vote
from perturbviz.scoring.view import metric_label, metric_name
from perturbviz.stats import average

Setting = tuple[str, str]  # metric, reference
#: Families of metrics that are shown unless all are asked for: what most benchmarks report.
FIRST = ("squared error", "weighted squared error", "correlation of changes", "retrieval", "DE genes found")
Which = Literal["few", "first", "all"]


@dataclass(frozen=True, eq=False)
class RankTable:
    """Ranks and average scores of the methods under several metrics, on the same genes and perturbations.

    Attributes
    ----------
    settings, cards
        (metric, reference) of every column, and the metric's card.
    labels, names
        Short and full names of the columns.
    ranks, averages
        Methods x columns (numbered); NaN where undefined.
    left_out
        Settings that would take too long.
    no_lead
        Columns whose first place says nothing here: see :func:`perturbviz.scoring.validity.no_vote`.
    """

    settings: tuple[Setting, ...]
    cards: tuple[Card, ...]
    labels: tuple[str, ...]
    names: tuple[str, ...]
    ranks: pd.DataFrame
    averages: pd.DataFrame
    left_out: tuple[Setting, ...] = ()
    no_lead: frozenset[int] = frozenset()

    def place(self, metric: str, reference: str) -> int:
        """Column of a setting; -1 where there is none."""
        return self.settings.index((metric, reference)) if (metric, reference) in self.settings else -1

    def take(self, columns: Sequence[int]) -> RankTable:
        """Some of the columns, numbered anew."""
        numbers = range(len(columns))
        parts = {
            name: tuple(getattr(self, name)[i] for i in columns) for name in ("settings", "cards", "labels", "names")
        }
        taken = {name: getattr(self, name)[list(columns)].set_axis(numbers, axis=1) for name in ("ranks", "averages")}
        no_lead = frozenset(k for k, i in enumerate(columns) if i in self.no_lead)
        return replace(self, **parts, **taken, no_lead=no_lead)

    def by_family(self) -> RankTable:
        """The same with families of metrics in one piece each, in the order in which they come first."""
        families = list(dict.fromkeys(card.family for card in self.cards))
        return self.take(sorted(range(len(self.cards)), key=lambda i: families.index(self.cards[i].family)))


def asked_first(pairs: Sequence[Setting], which: Which, here: Setting) -> tuple[Setting, ...]:
    """Those of the offered (metric, reference) pairs that are shown, always with ``here`` where it is offered.

    Parameters
    ----------
    which
        "few": one metric of each of the families ``FIRST`` and reference (``here`` where it belongs); "first": all
        metrics of these families; "all".
    """
    if which == "all":
        return tuple(pairs)
    family = {pair: parse_metric(pair[0])[0].card.family for pair in (*pairs, here)}
    kept = [pair for pair in pairs if family[pair] in FIRST or pair == here]
    if which == "first":
        return tuple(kept)
    chosen = {(family[pair], pair[1]): pair for pair in reversed(kept)}
    if here in kept:
        chosen[family[here], here[1]] = here
    return tuple(pair for pair in kept if pair in set(chosen.values()))


def rank_table(
    evaluation: Evaluation,
    subset: GeneSubset,
    found: Mapping[Setting, Scores],
    how: str,
    left_out: tuple[Setting, ...] = (),
) -> RankTable:
    """Averages and ranks of the scores of a benchmark, all of the same methods.

    Parameters
    ----------
    subset
        The genes that the scores are about.
    found
        (metric, reference) -> scores, in the order of the columns.
    how
        "mean" or "median".
    """
    settings, scores = tuple(found), list(found.values())
    index = pd.Index(scores[0].methods if scores else (), name="method")
    averages = {i: average(s.values, how) for i, s in enumerate(scores)}
    placed = {i: ranks(averages[i], s.card) for i, s in enumerate(scores)}
    return RankTable(
        settings,
        tuple(parse_metric(metric)[0].card for metric, _ in settings),
        tuple(metric_label(*s) for s in settings),
        tuple(metric_name(*s) for s in settings),
        pd.DataFrame(placed, index=index),
        pd.DataFrame(averages, index=index),
        left_out,
        frozenset(i for i, (m, _) in enumerate(settings) if no_vote(m, subset, evaluation)),
    )


def published_rank_table(table: ScoreTable, ranking: Callable[[str], Ranking]) -> RankTable:
    """The same of a table of scores, whose metrics are ranked by ``ranking``: metric -> ranking."""
    each = [ranking(metric).table for metric in table.metrics]
    placed, averages = (pd.DataFrame({i: t[c] for i, t in enumerate(each)}) for c in ("rank", "score"))
    return RankTable(
        tuple((m, table.reference(m)) for m in table.metrics),
        tuple(card_of(table, m) for m in table.metrics),
        tuple(label_of(table, m) for m in table.metrics),
        tuple(name_of(table, m) for m in table.metrics),
        placed,
        averages,
    )
