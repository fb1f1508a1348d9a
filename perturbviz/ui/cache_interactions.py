"""What the Interactions page computes once: keyed by content ids, view tokens and the threshold, never by arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
from perturbviz.benchmark import Benchmark
from perturbviz.catalogue.download import cached
from perturbviz.metrics.nonadditive.calls import Side, top_weights
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.interaction_pairs import Cloud, binned, clouds, outstanding
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View
from perturbviz.ui import cache, sources

WORKBOOK = "ahlmann-eltze-2025-source"


@dataclass(frozen=True)
class Rule:
    """How the user wants non-additive pairs to be told: fitted at a level, or between two bounds set by hand."""

    kind: Kind = "effect"
    level: float = 0.05
    by_hand: bool = False
    lower: float = np.nan
    upper: float = np.nan

    @property
    def token(self) -> str:
        """The rule as one string."""
        return f"{self.kind}|{self.lower:.6g}|{self.upper:.6g}" if self.by_hand else f"{self.kind}|{self.level:g}"


@dataclass(frozen=True)
class Question:
    """What the cached results are about: one benchmark, the view's rows and genes, one rule."""

    benchmark: Benchmark
    view: View
    rule: Rule
    methods: tuple[str, ...]

    @property
    def genes_token(self) -> str:
        """Content and genes: what the null depends on."""
        v = self.view
        genes = View(genes=v.genes, n=v.n, targets=v.targets, own=v.own, truth=v.truth)
        return f"{self.benchmark.content_id}|{genes.token}"

    @property
    def rows_token(self) -> str:
        """Content, genes and scored rows."""
        plain = self.view.with_(data="", metric="l2", ref="control", ref_from="train", avg="mean", show=self.methods)
        return f"{self.benchmark.content_id}|{plain.token}"

    @property
    def token(self) -> str:
        """Everything."""
        return f"{self.rows_token}|{self.rule.token}"


def every(q: Question) -> Pairs:
    """All doubles of the benchmark on the view's genes; UserError where there are none."""
    return _every(q.genes_token, q)


@st.cache_resource(max_entries=6, show_spinner=False)
def _every(token: str, _q: Question) -> Pairs:
    return every_pair(cache.evaluation(_q.benchmark, _q.view), _q.view.subset)


def pairs(q: Question) -> Pairs:
    """Doubles of the view; UserError where none is left."""
    return _pairs(q.rows_token, q)


@st.cache_resource(max_entries=4, show_spinner=False)
def _pairs(token: str, _q: Question) -> Pairs:
    evaluation = cache.evaluation(_q.benchmark, _q.view)
    return make_pairs(evaluation, _q.view.subset, view_rows(evaluation, _q.view, _q.methods))


def threshold(q: Question) -> Threshold:
    """The bounds of the rule; the fitted null stays with bounds set by hand."""
    fit = _fitted(q.genes_token, q.rule.kind, q.rule.level, q)
    if not q.rule.by_hand:
        return fit
    return Threshold(fit.kind, q.rule.lower, q.rule.upper, fit.null, fit.problem if fit.null is None else "", True)


@st.cache_resource(max_entries=30, show_spinner=False)
def _fitted(token: str, kind: Kind, level: float, _q: Question) -> Threshold:
    return fitted(every(_q), _q.view.subset, kind, level)


def false_share(q: Question) -> float:
    """Share of false ones among the pairs called, where a simulation knows it; NaN elsewhere."""
    return _false_share(f"{q.genes_token}|{q.rule.token}", q)


@st.cache_resource(max_entries=60, show_spinner=False)
def _false_share(token: str, _q: Question) -> float:
    return threshold(_q).false_share(every(_q))


def true_classes(q: Question, of_all: bool = False) -> Codes:
    """(D, G) class of every pair of the view, or of all doubles of the benchmark."""
    return _true_classes(f"{q.token}|{of_all}", of_all, q)


@st.cache_resource(max_entries=8, show_spinner=False)
def _true_classes(token: str, of_all: bool, _q: Question) -> Codes:
    return threshold(_q).true_classes(every(_q) if of_all else pairs(_q))


def found(q: Question, method: str, side: Side, n: int) -> Finding:
    """Curves and scores of one method."""
    return _found(q.token, method, side, n, q)


@st.cache_resource(max_entries=400, show_spinner=False)
def _found(token: str, method: str, side: Side, n: int, _q: Question) -> Finding:
    return finding(pairs(_q), method, threshold(_q), side, n)


def cloud(q: Question, method: str) -> tuple[Cloud, float, float]:
    """Density and outstanding pairs of one method; slope and correlation over truly non-additive pairs."""
    return _cloud(q.token, method, q)


@st.cache_resource(max_entries=100, show_spinner=False)
def _cloud(token: str, method: str, _q: Question) -> tuple[Cloud, float, float]:
    p, bound = pairs(_q), threshold(_q)
    reach = _reach(_q.rows_token, _q)
    observed, predicted = p.observed(), p.predicted(method)
    if takes_part(p, method) == "nothing predicted":
        return Cloud(None, reach, np.empty(0), np.empty(0), [], [], []), np.nan, np.nan
    codes = true_classes(_q)[p.double]
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


@st.cache_resource(max_entries=12, show_spinner=False)
def _reach(token: str, _q: Question) -> float:
    """Half-width of the axes: holds every observed deviation, and predicted ones up to 1.6 times it."""
    p = pairs(_q)
    top = max(float(np.nanmax(np.abs(p.deviation), initial=0)), 1e-3)
    shown = [p.predicted(m) for m in _q.methods if takes_part(p, m) != "nothing predicted"]
    far = max((max(np.nanmax(v), -np.nanmin(v)) for v in shown), default=0.0)
    return 1.05 * max(top, min(float(far), 1.6 * top))


def clouds_figure(
    q: Question, methods: tuple[str, ...], names: Mapping[str, str], colours: Mapping[str, str]
) -> Drawing:
    """The panels of observed against predicted deviation: a large figure, built once."""
    return _clouds_figure(f"{q.token}|{[colours[m] for m in methods]}", methods, q, names, colours)


@st.cache_resource(max_entries=12, show_spinner=False)
def _clouds_figure(token: str, methods: tuple[str, ...], _q: Question, _names, _colours) -> Drawing:
    parts, bound = {m: cloud(_q, m) for m in methods}, threshold(_q)
    lower, upper = (bound.lower, bound.upper) if bound.kind == "effect" else (np.nan, np.nan)
    corner = {}
    for method, (drawn, slope, r) in parts.items():
        if drawn.counts is None:
            corner[method] = "not predicted"
        elif np.isnan(slope):
            corner[method] = "nothing non-additive to compare"
        else:
            corner[method] = f"slope {slope:.2f}, r {'undefined' if np.isnan(r) else f'{r:.2f}'}"
    return clouds({m: c for m, (c, _, _) in parts.items()}, _names, _colours, corner, lower, upper)


def composition(q: Question, method: str, n: int) -> tuple[pd.Series, pd.Series]:
    """A method's top n calls by true and by predicted class, in an average split; "truth" for the truth's own."""
    return _composition(q.token, method, n, q)


@st.cache_resource(max_entries=200, show_spinner=False)
def _composition(token: str, method: str, n: int, _q: Question) -> tuple[pd.Series, pd.Series]:
    p, bound, blocks = pairs(_q), threshold(_q), len(pairs(_q).blocks)
    true = true_classes(_q)[p.double]
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


def confusion(q: Question, method: str) -> pd.DataFrame:
    """Pairs by true and predicted class, all splits together."""
    return _confusion(q.token, method, q)


@st.cache_resource(max_entries=100, show_spinner=False)
def _confusion(token: str, method: str, _q: Question) -> pd.DataFrame:
    p = pairs(_q)
    return class_confusion(true_classes(_q)[p.double], threshold(_q).predicted_classes(p, method))


def best_false_calls(q: Question, method: str) -> pd.DataFrame:
    """The method's furthest calls that truly are additive."""
    return _false(q.token, method, q)


@st.cache_resource(max_entries=100, show_spinner=False)
def _false(token: str, method: str, _q: Question) -> pd.DataFrame:
    return false_calls(pairs(_q), method, threshold(_q))


def recurring(q: Question, axis: str, n: int) -> Recurrence:
    """Genes or doubles among the top n calls, truth first and then the shown methods that call anything."""
    return _recurring(q.rows_token, axis, n, q)


@st.cache_resource(max_entries=40, show_spinner=False)
def _recurring(token: str, axis: str, n: int, _q: Question) -> Recurrence:
    p = pairs(_q)
    weights = {"truth": _truth_calls(p, n)}
    weights |= {m: calls(p, m, n) for m in _q.methods if not takes_part(p, m)}
    return recurrence(p, weights, axis)


def scores(q: Question, layer: str) -> pd.DataFrame:
    """Interaction scores per double (lines as ``pairs.doubles``), of "truth" or a method averaged over splits."""
    return _scores(q.rows_token, layer, q)


@st.cache_resource(max_entries=100, show_spinner=False)
def _scores(token: str, layer: str, _q: Question) -> pd.DataFrame:
    p = pairs(_q)
    labels = double_labels(p)
    if layer == "truth":
        table = gi_table(list(p.doubles["perturbation"]), p.delta_a, p.delta_b, p.delta_ab)
        return table.set_axis(labels, axis=0)
    at, predicted = p.double, p.predicted(layer)
    a, b = p.delta_a[at], p.delta_b[at]
    table = gi_table(list(p.rows["perturbation"]), a, b, predicted + a + b).drop(columns="published_class")
    return table.groupby(at, sort=True).mean().reindex(range(len(labels))).set_axis(labels, axis=0)


def distances(q: Question, layer: str) -> pd.DataFrame:
    """All scores with distance correlations, first split of every double; seconds, with a progress bar."""
    return _distances(q.rows_token, layer, q)


@st.cache_resource(max_entries=20, show_spinner=False)
def _distances(token: str, layer: str, _q: Question) -> pd.DataFrame:
    p = pairs(_q)
    first = [int(np.flatnonzero(p.double == d)[0]) for d in range(len(p.doubles))]
    change = p.delta_ab if layer == "truth" else p.predicted(layer)[first] + p.delta_a + p.delta_b
    bar, lines = st.progress(0.0, text="Distance correlations …"), []
    for i, parts in enumerate(zip(p.delta_a, p.delta_b, change, strict=True)):
        lines.append(gi_scores(*parts, "ols").__dict__)
        bar.progress((i + 1) / len(first), text=f"Distance correlations: {i + 1} of {len(first)} doubles")
    bar.empty()
    return pd.DataFrame(lines, index=double_labels(p), columns=list(GIScores.__dataclass_fields__))


def workbook() -> Path | None:
    """The paper's source data where it was downloaded or is offered by the operator; None where it is not here."""
    offered = sources.folder()
    here = sorted(offered.glob("*ahlmann*double_perturbations.xlsx")) if offered else []
    return here[0] if here else _downloaded()


@st.cache_data(ttl=10, show_spinner=False)
def _downloaded() -> Path | None:
    return cached(WORKBOOK)


def published(path: Path) -> Published:
    """Panels C, E and F of the workbook."""
    return _published(str(path), path.stat().st_mtime_ns)


@st.cache_resource(max_entries=1, show_spinner="Reading the paper's source data …")
def _published(path: str, stamp: int) -> Published:
    return read_published(path)
