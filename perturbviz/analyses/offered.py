"""Every ranking of a data set that a page without a computer behind it offers: which views, ranked one after the other.

A view here is a *setting* (metric, reference, genes), a *part* of the perturbations and an average. Settings are the
defensible ones of :mod:`perturbviz.analyses.all_views`; rankings are those of :func:`perturbviz.rank`, to the last
digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbviz.analyses.all_views.grid import DIRECT_SIZES
from perturbviz.analyses.all_views.settings import offered_subsets
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.metrics import Card
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, parse_subset
from perturbviz.scoring.published_scores import card_of, gene_choices, genes_of, name_of, scores_of_view
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores, quick_and_slow, score_many, view_rows
from perturbviz.scoring.validity import no_vote, offered_pairs
from perturbviz.scoring.view import AVERAGES, View, metric_name

#: Values (settings x methods x perturbations of every part) up to which everything is offered: about 20 MB packed.
VALUES = 8_000_000
#: Perturbations above which medians are not offered: each takes a bootstrap of all of them.
MEDIANS = 2_000
#: Seeds, and contexts, that are offered by themselves.
MANY = 12

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Part:
    """Which perturbations: an id for links, words for the menu, and the field of :class:`View` that it sets."""

    id: str
    label: str
    field: str = ""
    value: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """What it changes in a view."""
        return {self.field: self.value} if self.field else {}


WHOLE = Part("held-out", "all held-out perturbations")
PUBLISHED = Part("published", "as published")


@dataclass(frozen=True)
class Offered:
    """One metric and reference on one gene subset.

    Attributes
    ----------
    metric, reference, genes
        Ids as on the command line.
    card, name
        The metric's card, and its full name with its reference.
    doubt
        Why its first place says nothing here, or "".
    """

    metric: str
    reference: str
    genes: str
    card: Card
    name: str
    doubt: str = ""


@dataclass(frozen=True, eq=False)
class Cell:
    """The ranking of one view, and the view."""

    setting: Offered
    part: Part
    view: View
    ranking: Ranking


@dataclass(frozen=True, eq=False)
class Plan:
    """What is offered, and in sentences what is not.

    Attributes
    ----------
    subsets, parts, averages
        Gene subsets, parts of the perturbations, and ways to average.
    pairs
        (metric, reference) pairs of each subset.
    left_out
        Sentences.
    """

    subsets: tuple[GeneSubset, ...]
    pairs: Mapping[GeneSubset, tuple[tuple[str, str], ...]]
    parts: tuple[Part, ...]
    averages: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def settings(self) -> int:
        """How many settings there are."""
        return sum(map(len, self.pairs.values()))


def parts_of(evaluation: Evaluation, methods: tuple[str, ...]) -> tuple[Part, ...]:
    """All held-out perturbations, then each split, context and number of targets by itself, where there are several."""
    rows = evaluation.rows
    seeds, contexts = (list(dict.fromkeys(rows[c])) for c in ("seed", "context"))
    parts = [WHOLE]
    if 1 < len(seeds) <= MANY:
        parts += [Part(f"seed:{s}", f"split {s} alone", "seed", s) for s in seeds]
    if 1 < len(contexts) <= MANY:
        parts += [Part(f"context:{c}", f"context {c} alone", "context", c) for c in contexts]
    if (rows["n_perturbed"] == 1).any() and (rows["n_perturbed"] > 1).any():
        parts += [
            Part("singles", "single perturbations", "size", "singles"),
            Part("doubles", "combinations", "size", "doubles"),
        ]
    return tuple(p for p in parts if len(view_rows(evaluation, View(**p.fields), methods)))


def offers(subset: GeneSubset, part: Part) -> bool:
    """Whether a part is offered on a gene subset: without the perturbed genes only all perturbations together are."""
    return part in (WHOLE, PUBLISHED) or subset.targets


def plan(evaluation: Evaluation) -> Plan:
    """What is offered of a benchmark: all defensible views, or fewer of them where they would be too many or too slow.

    Medians go where there are thousands of values; subsets without the perturbed genes, further numbers of genes, and
    parts of the perturbations go, in this order, where the page would be too large.

    Raises
    ------
    UserError
        Where no held-out perturbation is predicted by every method.
    """
    g, methods = evaluation.benchmark.adata.n_vars, evaluation.methods
    rows, parts = view_rows(evaluation, View(), methods), parts_of(evaluation, methods)
    if WHOLE not in parts:
        raise UserError("No held-out perturbation is predicted by every method: there is nothing to rank.")
    averages, said = tuple(AVERAGES), []
    sizes = [n for n in DIRECT_SIZES if n < g]
    pairs = {
        s: quick_and_slow(evaluation, offered_pairs(evaluation, s), s, rows, len(methods))
        for s in offered_subsets(evaluation, sizes)
    }
    slow = dict.fromkeys(metric_name(m) for _, left in pairs.values() for m, _ in left)
    if slow:
        said.append(f"Left out on some or all genes, as they would take minutes: {', '.join(slow)}.")
    if len(rows) > MEDIANS:
        averages = ("mean",)
        said.append(f"Medians are left out: with {len(rows):,} values each takes long.")

    def cost(subsets: Sequence[GeneSubset], parts: Sequence[Part]) -> int:
        values = {p: len(view_rows(evaluation, View(**p.fields), methods)) for p in parts}
        return len(methods) * sum(len(pairs[s][0]) * values[p] for s in subsets for p in parts if offers(s, p))

    with_targets, few = (offered_subsets(evaluation, some, targets=(True,)) for some in (sizes, sizes[1:3]))
    steps = (
        ("", list(pairs), parts),
        ("Gene subsets without the perturbed genes are left out", with_targets, parts),
        ("Few gene subsets are offered", few, parts),
        ("Few gene subsets are offered, and no split, context or number of targets by itself", few, parts[:1]),
    )
    lacking, subsets, parts = next((s for s in steps if cost(s[1], s[2]) <= VALUES), steps[-1])
    if lacking:
        said.append(f"{lacking}: the page would be too large.")
    offered = {s: pairs[s][0] for s in subsets if pairs[s][0]}
    return Plan(tuple(offered), offered, parts, averages, tuple(said))


def cells(source: Benchmark | ScoreTable, planned: Plan | None, progress: Progress | None = None) -> Iterator[Cell]:
    """The ranking of every offered view: by setting, then part, then average. ``planned`` is None for a score table."""
    if isinstance(source, ScoreTable):
        yield from _published(source, progress)
        return
    assert planned is not None
    evaluation = Evaluation(source)
    done = 0
    for subset in planned.subsets:
        whole = _found(evaluation, subset, planned.pairs[subset], WHOLE)
        parts = [p for p in planned.parts if offers(subset, p)]
        by_part = [whole if p is WHOLE else _part(evaluation, subset, whole, p) for p in parts]
        for setting, offered in _settings(evaluation, subset, whole).items():
            for part, scores in zip(parts, by_part, strict=True):
                for how in planned.averages:
                    view = _view(offered, subset, part, how)
                    yield Cell(offered, part, view, rank(scores[setting], how))
            done += 1
            if progress is not None:
                progress(done / planned.settings)


def _settings(
    evaluation: Evaluation, subset: GeneSubset, found: Mapping[tuple[str, str], Scores]
) -> dict[tuple[str, str], Offered]:
    """What is known of each (metric, reference) pair."""
    return {
        (metric, reference): Offered(
            metric,
            scores.reference,
            subset.key,
            scores.card,
            metric_name(metric, scores.reference),
            no_vote(metric, subset, evaluation),
        )
        for (metric, reference), scores in found.items()
    }


def _view(offered: Offered, subset: GeneSubset, part: Part, how: str) -> View:
    changes: dict[str, Any] = {} if offered.reference == "none" else {"ref": offered.reference}
    changes |= {"genes": subset.kind, "n": subset.n, "targets": subset.targets}
    return View(data="", metric=offered.metric, avg=how, **changes, **part.fields)


def _found(evaluation: Evaluation, subset: GeneSubset, pairs: Any, part: Part) -> dict[tuple[str, str], Scores]:
    """Scores of some (metric, reference) pairs on a part."""
    rows = view_rows(evaluation, View(**part.fields), evaluation.methods)
    return score_many(evaluation, pairs, subset, evaluation.methods, rows)


def _part(
    evaluation: Evaluation, subset: GeneSubset, whole: Mapping[tuple[str, str], Scores], part: Part
) -> dict[tuple[str, str], Scores]:
    """Scores on a part: those of the whole where the part is made of whole blocks of it, else computed anew.

    A metric that compares perturbations with one another has other values where fewer of them stand side by side.
    """
    block = evaluation.rows["block"].to_numpy()
    all_rows, rows = (view_rows(evaluation, View(**p.fields), evaluation.methods) for p in (WHOLE, part))
    inside = np.isin(block[all_rows], block[rows])
    if not np.array_equal(all_rows[inside], rows):
        return _found(evaluation, subset, tuple(whole), part)
    wanted = evaluation.rows.iloc[rows][["seed", "context"]].drop_duplicates()
    keys = set(wanted.itertuples(index=False, name=None))
    return {
        setting: scores.select(
            keep=np.array([key in keys for key in zip(scores.rows["seed"], scores.rows["context"], strict=True)], bool)
        )
        for setting, scores in whole.items()
    }


def parts_of_table(table: ScoreTable) -> tuple[Part, ...]:
    """Everything a table of scores holds, then each split and context by itself, where there are several."""
    parts = [PUBLISHED]
    for column, word in (("seed", "split"), ("context", "context")):
        values = [str(v) for v in table.frame[column].unique()]
        if 1 < len(values) <= MANY:
            parts += [Part(f"{column}:{v}", f"{word} {v} alone", column, v) for v in values]
    return tuple(parts)


def _published(table: ScoreTable, progress: Progress | None) -> Iterator[Cell]:
    """Rankings by a table's own metrics; where no perturbation is common to the methods there is none."""
    for i, metric in enumerate(table.metrics):
        for genes in gene_choices(table, metric):
            if (start := _asking(table, metric, genes)) is None:
                continue
            for part in parts_of_table(table):
                view = start.with_(**part.fields)
                try:
                    scores = scores_of_view(table, view)
                except UserError:
                    continue
                if scores.rows.empty:
                    continue
                offered = Offered(metric, scores.reference, genes, card_of(table, metric), name_of(table, metric))
                for how in AVERAGES:
                    yield Cell(offered, part, view.with_(avg=how), rank(scores, how))
        if progress is not None:
            progress((i + 1) / len(table.metrics))


def _asking(table: ScoreTable, metric: str, genes: str) -> View | None:
    """The view that asks a table for one of its gene subsets; None where none can."""
    view = View(data="", metric=metric)
    try:
        subset = parse_subset(genes)
        view = view.with_(genes=subset.kind, n=subset.n, targets=subset.targets)
    except UserError:  # "as published": the first is what a view gets that asks for another
        pass
    return view if genes_of(table, metric, view) == genes else None
