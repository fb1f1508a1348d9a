"""What calibration computes once and then shares: the verdict of a view, the map, the scale, systematic variation."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st

from perturbviz.analyses.calibration import Calibration, Variation, calibration_map, systematic_variation, with_controls
from perturbviz.analyses.calibration.controls import positive_controls, preferred_truth
from perturbviz.analyses.calibration.scale import Scaled, scaled
from perturbviz.analyses.calibration.table import NEGATIVES, control_evaluation, family_of
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import quick_and_slow, view_rows
from perturbviz.scoring.validity import offered_pairs
from perturbviz.scoring.view import View
from perturbviz.ui import cache

Judged = Calibration | str  # a calibration, or why there is none


def positives(benchmark: Benchmark) -> tuple[str, ...]:
    """Positive controls that can be made of a benchmark, best first; () where there are neither halves nor errors."""
    return positive_controls(benchmark, preferred_truth(benchmark))


def controlled(benchmark: Benchmark, view: View) -> Evaluation:
    """The evaluation of a view's rows with controls among its methods."""
    return control_evaluation(cache.evaluation(benchmark, view))


def _first(benchmark: Benchmark, positive: str) -> str:
    """The chosen positive control, or the best there is."""
    return positive or next(iter(positives(benchmark)), "")


def _plain(view: View) -> View:
    """Only what decides a verdict: metric, reference, genes and perturbations."""
    ref = view.ref if view.reference != "none" else "control"
    return view.with_(data="", ref=ref, ref_from="train", show=(), truth="all", avg="mean", rows="own")


def _token(view: View, positive: str, negative: str) -> str:
    return f"{view.token}|{positive}|{negative}"


# -- the verdict of one view ---------------------------------------------------------------------------------------
def judged(benchmark: Benchmark, view: View, positive: str = "", negative: str = "") -> Judged:
    """Calibration of a view's metric on its genes and perturbations, or why it cannot be judged."""
    plain, positive = _plain(view), _first(benchmark, positive)
    return _judged(
        benchmark.content_id,
        _token(plain, positive, negative),
        cache.evaluation(benchmark, view),
        plain,
        positive,
        negative,
    )


def known(benchmark: Benchmark, view: View) -> Judged | None:
    """The same where it has been computed already; None otherwise."""
    return _judged.cache.get((benchmark.content_id, _token(_plain(view), _first(benchmark, ""), "")))


def ask(benchmark: Benchmark, view: View) -> Future:
    """The same, computed in a thread of its own."""
    plain, evaluation, positive = _plain(view), cache.evaluation(benchmark, view), _first(benchmark, "")
    return _thread().submit(_judged, benchmark.content_id, _token(plain, positive, ""), evaluation, plain, positive, "")


@st.cache_resource(show_spinner=False)
def _thread() -> ThreadPoolExecutor:
    """One for all sessions, apart from the one that looks ahead: a verdict is short and is waited for."""
    return ThreadPoolExecutor(1, "calibration")


@cache.shared(1500)
def _judged(content_id: str, token: str, evaluation: Evaluation, view: View, positive: str, negative: str) -> Judged:
    try:
        (found,) = _map(evaluation, view, [(view.metric, view.ref)], positive, negative)
    except UserError as error:
        return str(error)
    return found


def _map(
    evaluation: Evaluation, view: View, pairs: list[tuple[str, str]], positive: str, negative: str
) -> list[Calibration]:
    rows = view_rows(control_evaluation(evaluation), view, ())
    if not len(rows):
        raise UserError("No perturbation is left under this view: widen the perturbation set in the sidebar.")
    return calibration_map(evaluation, [view.subset], positive, pairs, rows, negative)


# -- the whole map -------------------------------------------------------------------------------------------------
def mapped(benchmark: Benchmark, view: View) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(metric, reference) pairs of the map on a view's genes, and those left out because they would take minutes."""
    plain = _plain(view).with_(metric="l2", ref="control")
    return _mapped(benchmark.content_id, plain.token, controlled(benchmark, view), plain)


@cache.shared(200)
def _mapped(
    content_id: str, token: str, evaluation: Evaluation, view: View
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    pairs, rows = offered_pairs(evaluation, view.subset), view_rows(evaluation, view, ())
    return quick_and_slow(evaluation, pairs, view.subset, rows, 1 + len(NEGATIVES))


def parts(benchmark: Benchmark, views: list[View]) -> list[tuple[View, str, tuple[tuple[str, str], ...]]]:
    """Pieces in which the map is computed: (view with the column's genes, family, its metrics and references)."""
    out = []
    for view in views:
        (pairs, _), plain = mapped(benchmark, view), _plain(view).with_(metric="l2", ref="control")
        families: dict[str, list[tuple[str, str]]] = {}
        for pair in pairs:
            families.setdefault(family_of(pair[0]), []).append(pair)
        out += [(plain, family, tuple(some)) for family, some in families.items()]
    return out


def part(
    benchmark: Benchmark, piece: tuple[View, str, tuple[tuple[str, str], ...]], positive: str, negative: str
) -> list[Calibration]:
    """One piece of the map."""
    view, family, pairs = piece
    return _part(
        benchmark.content_id,
        f"{_token(view, positive, negative)}|{family}",
        cache.evaluation(benchmark, view),
        view,
        list(pairs),
        positive,
        negative,
    )


def missing(benchmark: Benchmark, pieces: list, positive: str, negative: str) -> Iterator[int]:
    """Positions of the pieces that are not computed yet."""
    for i, (view, family, _) in enumerate(pieces):
        if (benchmark.content_id, f"{_token(view, positive, negative)}|{family}") not in _part.cache:
            yield i


@cache.shared(600)
def _part(
    content_id: str,
    token: str,
    evaluation: Evaluation,
    view: View,
    pairs: list[tuple[str, str]],
    positive: str,
    negative: str,
) -> list[Calibration]:
    try:
        found = _map(evaluation, view, pairs, positive, negative)
    except UserError:
        return []
    for (metric, reference), one in zip(pairs, found, strict=True):
        key = _token(
            _plain(view.with_(metric=metric, ref="control" if reference == "none" else reference)), positive, negative
        )
        with _judged.cache_condition:
            _judged.cache.setdefault((content_id, key), one)
    return found


# -- scale, variation, controls in the charts ----------------------------------------------------------------------
def scale(benchmark: Benchmark, view: View, positive: str = "", negative: str = "") -> Scaled | str:
    """The shown methods on the calibrated scale, or why there is none."""
    offered = positives(benchmark)
    if not offered:
        return "No replicate of the experiment is known here, so there is no calibrated scale."
    plain = view.with_(data="", truth="all")
    return _scale(
        benchmark.content_id,
        _token(plain, positive, negative),
        cache.evaluation(benchmark, view),
        plain,
        positive or offered[0],
        (negative,) if negative else NEGATIVES,
    )


@cache.shared(200)
def _scale(
    content_id: str, token: str, evaluation: Evaluation, view: View, positive: str, negatives: tuple[str, ...]
) -> Scaled | str:
    own = evaluation.benchmark.meta.get("methods", {})
    methods = [
        m for m in evaluation.methods if (not view.show or m in view.show) and own.get(m, {}).get("kind") != "control"
    ]
    if not methods:
        return "No method is shown: switch one on in the sidebar."
    try:
        return scaled(control_evaluation(evaluation), view, methods, positive, negatives)
    except UserError as error:
        return str(error)


def variation(benchmark: Benchmark, view: View) -> Variation | str:
    """Systematic variation of the scored perturbations, or why it is unknown."""
    return _variation(
        benchmark.content_id, View(split=view.split, truth=view.truth).token, cache.evaluation(benchmark, view)
    )


@cache.shared(40)
def _variation(content_id: str, token: str, evaluation: Evaluation) -> Variation | str:
    try:
        return systematic_variation(evaluation)
    except UserError as error:
        return str(error)


def source_with_controls(benchmark: Benchmark) -> Benchmark:
    """The benchmark with its controls as methods; raises UserError where none can be made."""
    return _source_with_controls(benchmark.content_id, preferred_truth(benchmark), benchmark)


@st.cache_resource(max_entries=6, show_spinner=False)
def _source_with_controls(content_id: str, truth: str, _benchmark: Benchmark) -> Benchmark:
    return with_controls(_benchmark, truth)
