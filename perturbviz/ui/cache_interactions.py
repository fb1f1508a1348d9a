"""What the Interactions page computes once: pairs, thresholds, classes, curves, calls, scores."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from perturbviz.analyses.interactions.classes import Codes, class_names
from perturbviz.analyses.interactions.gi import GIScores, gi_scores, gi_table
from perturbviz.analyses.interactions.pairs import Pairs, every_pair, make_pairs
from perturbviz.analyses.interactions.published import Published, read_published
from perturbviz.analyses.interactions.recurrence import Recurrence
from perturbviz.analyses.interactions.summary import (
    Finding,
    call_composition,
    calls,
    class_confusion,
    double_labels,
    false_calls,
    finding,
    recurrence,
    takes_part,
)
from perturbviz.analyses.interactions.threshold import Kind, Threshold, fitted
from perturbviz.benchmark import Benchmark, storage
from perturbviz.benchmark.value import ByIdentity
from perturbviz.catalogue.download import cache_folder, cached
from perturbviz.catalogue.entries import dataset
from perturbviz.metrics.nonadditive.calls import Side, top_weights
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.interaction_pairs import Cloud, binned, clouds, outstanding
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View
from perturbviz.ui import cache, sources
from perturbviz.ui.memo import memo

WORKBOOK = "ahlmann-eltze-2025-source"
#: Method -> text.
Pairing = Mapping[str, str] | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Rule:
    """How the user wants non-additive pairs to be told: fitted at a level, or between two bounds set by hand."""

    kind: Kind = "effect"
    level: float = 0.05
    by_hand: bool = False
    lower: float = np.nan
    upper: float = np.nan

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """The fields that count."""
        return (self.kind, self.lower, self.upper) if self.by_hand else (self.kind, self.level)


@dataclass(frozen=True, eq=False)
class Question(ByIdentity):
    """What the kept results are about: one benchmark, the view's rows and genes, one rule."""

    benchmark: Benchmark
    view: View
    rule: Rule
    methods: tuple[str, ...]

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """All fields, the benchmark by its content."""
        return self.benchmark.identity, self.view, self.rule.identity, self.methods

    @cached_property
    def of_genes(self) -> Question:
        """Content and genes: what the null depends on."""
        v = self.view
        genes = View(genes=v.genes, n=v.n, targets=v.targets, own=v.own, truth=v.truth)
        return Question(self.benchmark, genes, Rule(), ())

    @cached_property
    def of_null(self) -> Question:
        """Content, genes and rule: what the bounds depend on."""
        return replace(self.of_genes, rule=self.rule)

    @cached_property
    def of_rows(self) -> Question:
        """Content, genes, scored rows and methods, whatever the rule."""
        return Question(self.benchmark, self._plain, Rule(), self.methods)

    @cached_property
    def whole(self) -> Question:
        """The same with a rule."""
        return Question(self.benchmark, self._plain, self.rule, self.methods)

    @property
    def _plain(self) -> View:
        return self.view.with_(data="", metric="l2", ref="control", ref_from="train", avg="mean", show=self.methods)

    @property
    def rows_token(self) -> str:
        """Content, genes and scored rows as a string."""
        return f"{self.benchmark.content_id}|{self._plain.token}"


def _of_genes(q: Question, *more: Any) -> tuple[Any, ...]:
    return q.of_genes, *more


def _of_null(q: Question) -> tuple[Question]:
    return (q.of_null,)


def _of_rows(q: Question, *more: Any) -> tuple[Any, ...]:
    return q.of_rows, *more


def _whole(q: Question, *more: Any) -> tuple[Any, ...]:
    return q.whole, *more


@memo(6, plain=_of_genes)
def every(q: Question) -> Pairs:
    """All doubles of the benchmark on the view's genes; UserError where there are none."""
    return every_pair(cache.evaluation(q.benchmark, q.view), q.view.subset)


@memo(4, plain=_of_rows)
def pairs(q: Question) -> Pairs:
    """Doubles of the view; UserError where none is left."""
    evaluation = cache.evaluation(q.benchmark, q.view)
    return make_pairs(evaluation, q.view.subset, view_rows(evaluation, q.view, q.methods))


def threshold(q: Question) -> Threshold:
    """The bounds of the rule; the fitted null stays with bounds set by hand."""
    fit = _fitted(q.of_genes, q.rule.kind, q.rule.level)
    if not q.rule.by_hand:
        return fit
    return Threshold(fit.kind, q.rule.lower, q.rule.upper, fit.null, fit.problem if fit.null is None else "", True)


@memo(30)
def _fitted(q: Question, kind: Kind, level: float) -> Threshold:
    return fitted(every(q), q.view.subset, kind, level)


@memo(60, plain=_of_null)
def false_share(q: Question) -> float:
    """Share of false ones among the pairs called, where a simulation knows it; NaN elsewhere."""
    return threshold(q).false_share(every(q))


@memo(8, plain=lambda q, of_all: (q.of_null if of_all else q.whole, of_all))
def true_classes(q: Question, of_all: bool = False) -> Codes:
    """(D, G) class of every pair of the view, or of all doubles of the benchmark."""
    return threshold(q).true_classes(every(q) if of_all else pairs(q))


@memo(400, plain=_whole)
def found(q: Question, method: str, side: Side, n: int) -> Finding:
    """Curves and scores of one method."""
    return finding(pairs(q), method, threshold(q), side, n)


@memo(100, plain=_whole)
def cloud(q: Question, method: str) -> tuple[Cloud, float, float]:
    """Density and outstanding pairs of one method; slope and correlation over truly non-additive pairs."""
    p, bound = pairs(q), threshold(q)
    reach = _reach(q)
    observed, predicted = p.observed(), p.predicted(method)
    if takes_part(p, method) == "nothing predicted":
        return Cloud(None, reach, np.empty(0), np.empty(0), [], [], []), np.nan, np.nan
    codes = true_classes(q)[p.double]
    at = outstanding(observed, predicted, codes)
    row, column = np.unravel_index(at, observed.shape)
    doubles, seeds = p.rows["perturbation"].to_numpy()[row], p.rows["seed"].to_numpy()[row]
    genes = p.genes.to_numpy()[column].astype(str)
    labels = [f"{d} · {g}" + (f" · seed {s}" if s else "") for d, g, s in zip(doubles, genes, seeds, strict=True)]
    names = class_names(codes[row, column])
    drawn = Cloud(
        binned(observed, predicted, reach),
        reach,
        observed[row, column],
        predicted[row, column],
        labels,
        names.tolist(),
        [list(k) for k in zip(doubles.tolist(), genes.tolist(), strict=True)],
    )
    positive = bound.true(p)[p.double] & np.isfinite(predicted)
    x, y = observed[positive], predicted[positive]
    if len(x) < 3 or not y.any():
        return drawn, np.nan, np.nan
    slope = float(x @ y / (x @ x))
    return drawn, slope, float(np.corrcoef(x, y)[0, 1]) if np.ptp(y) > 0 else np.nan


@memo(12, plain=_of_rows)
def _reach(q: Question) -> float:
    """Half-width of the axes: holds every observed deviation, and predicted ones up to 1.6 times it."""
    p = pairs(q)
    top = max(float(np.nanmax(np.abs(p.deviation), initial=0)), 1e-3)
    shown = [p.predicted(m) for m in q.methods if takes_part(p, m) != "nothing predicted"]
    far = max((max(np.nanmax(v), -np.nanmin(v)) for v in shown), default=0.0)
    return 1.05 * max(top, min(float(far), 1.6 * top))


def _of_clouds(q: Question, methods: tuple[str, ...], names: Pairing, colours: Pairing) -> tuple[Any, ...]:
    names, colours = dict(names), dict(colours)
    return q.whole, methods, tuple((m, names[m]) for m in methods), tuple((m, colours[m]) for m in methods)


@memo(12, plain=_of_clouds)
def clouds_figure(q: Question, methods: tuple[str, ...], names: Pairing, colours: Pairing) -> Drawing:
    """The panels of observed against predicted deviation: a large figure, built once."""
    parts, bound = {m: cloud(q, m) for m in methods}, threshold(q)
    lower, upper = (bound.lower, bound.upper) if bound.kind == "effect" else (np.nan, np.nan)
    corner = {}
    for method, (drawn, slope, r) in parts.items():
        if drawn.counts is None:
            corner[method] = "not predicted"
        elif np.isnan(slope):
            corner[method] = "nothing non-additive to compare"
        else:
            corner[method] = f"slope {slope:.2f}, r {'undefined' if np.isnan(r) else f'{r:.2f}'}"
    return clouds({m: c for m, (c, _, _) in parts.items()}, dict(names), dict(colours), corner, lower, upper)


@memo(200, plain=_whole)
def composition(q: Question, method: str, n: int) -> tuple[pd.Series, pd.Series]:
    """A method's top n calls by true and by predicted class, in an average split; "truth" for the truth's own."""
    p, bound, blocks = pairs(q), threshold(q), len(pairs(q).blocks)
    true = true_classes(q)[p.double]
    if method == "truth":
        both = call_composition(true, _truth_calls(p, n), blocks)
        return both, both
    if takes_part(p, method):
        nothing = call_composition(true, np.zeros(true.shape), blocks)
        return nothing, nothing
    weights = calls(p, method, n)
    return call_composition(true, weights, blocks), call_composition(
        bound.predicted_classes(p, method), weights, blocks
    )


def _truth_calls(p: Pairs, n: int) -> np.ndarray:
    """(R, G) the pairs of each split truly furthest from additive."""
    size = np.abs(p.observed())
    weights = np.zeros(size.shape)
    for rows in p.blocks:
        weights[rows] = top_weights(size[rows], n)
    return weights


@memo(100, plain=_whole)
def confusion(q: Question, method: str) -> pd.DataFrame:
    """Pairs by true and predicted class, all splits together."""
    p = pairs(q)
    return class_confusion(true_classes(q)[p.double], threshold(q).predicted_classes(p, method))


@memo(100, plain=_whole)
def best_false_calls(q: Question, method: str) -> pd.DataFrame:
    """The method's furthest calls that truly are additive."""
    return false_calls(pairs(q), method, threshold(q))


@memo(40, plain=_of_rows)
def recurring(q: Question, axis: str, n: int) -> Recurrence:
    """Genes or doubles among the top n calls, truth first and then the shown methods that call anything."""
    p = pairs(q)
    weights = {"truth": _truth_calls(p, n)}
    weights |= {m: calls(p, m, n) for m in q.methods if not takes_part(p, m)}
    return recurrence(p, weights, axis)


@memo(100, plain=_of_rows)
def scores(q: Question, layer: str) -> pd.DataFrame:
    """Interaction scores per double (lines as ``pairs.doubles``), of "truth" or a method averaged over splits."""
    p = pairs(q)
    labels = double_labels(p)
    if layer == "truth":
        table = gi_table(list(p.doubles["perturbation"]), p.delta_a, p.delta_b, p.delta_ab)
        return table.set_axis(labels, axis=0)
    at, predicted = p.double, p.predicted(layer)
    a, b = p.delta_a[at], p.delta_b[at]
    table = gi_table(list(p.rows["perturbation"]), a, b, predicted + a + b).drop(columns="published_class")
    return table.groupby(at, sort=True).mean().reindex(range(len(labels))).set_axis(labels, axis=0)


@memo(20, plain=_of_rows)
def distances(q: Question, layer: str) -> pd.DataFrame:
    """All scores with distance correlations, first split of every double; seconds, with a progress bar."""
    p = pairs(q)
    first = [int(np.flatnonzero(p.double == d)[0]) for d in range(len(p.doubles))]
    change = p.delta_ab if layer == "truth" else p.predicted(layer)[first] + p.delta_a + p.delta_b
    bar, lines = st.progress(0.0, text="Distance correlations …"), []
    for i, parts in enumerate(zip(p.delta_a, p.delta_b, change, strict=True)):
        lines.append(asdict(gi_scores(*parts, "ols")))
        bar.progress((i + 1) / len(first), text=f"Distance correlations: {i + 1} of {len(first)} doubles")
    bar.empty()
    return pd.DataFrame(lines, index=double_labels(p), columns=[f.name for f in fields(GIScores)])


def workbook() -> Path | None:
    """The paper's source data where it was downloaded or is offered by the operator; None where it is not here."""
    offered = sources.folder()
    here = sorted(offered.glob("*ahlmann*double_perturbations.xlsx")) if offered else []
    if here:
        return here[0]
    path = cache_folder() / dataset(WORKBOOK).filename
    return _downloaded(path) if path.is_file() else None


Stamp = storage.Mark | None


def _as_it_is(path: Path, _: Stamp) -> tuple[Path, Stamp]:
    """A file that was replaced has another mark."""
    return path, storage.mark(path)


@memo(1, plain=_as_it_is)
def _downloaded(path: Path, mark: Stamp = None) -> Path | None:
    return cached(WORKBOOK)  # looks at all of the file


@memo(1, plain=_as_it_is, spinner="Reading the paper's source data …")
def published(path: Path, mark: Stamp = None) -> Published:
    """Panels C, E and F of the workbook."""
    return read_published(path)
