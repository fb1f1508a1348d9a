"""What calibration computes once and then shares: the verdict of a view, the map, the scale, systematic variation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from perturbviz.analyses.calibration import Calibration, Variation, calibration_map, systematic_variation, with_controls
from perturbviz.analyses.calibration.controls import in_words, positive_controls, preferred_truth
from perturbviz.analyses.calibration.scale import Scaled, scaled
from perturbviz.analyses.calibration.table import NEGATIVES, control_evaluation, family_of
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import quick_and_slow, view_rows
from perturbviz.scoring.validity import offered_pairs
from perturbviz.scoring.view import View
from perturbviz.ui import cache
from perturbviz.ui.memo import memo

Judged = Calibration | str  # a calibration, or why there is none


@memo(24)
def positives(benchmark: Benchmark) -> tuple[str, ...]:
    """Positive controls that can be made of a benchmark, best first; () where there are neither halves nor errors."""
    return positive_controls(benchmark, preferred_truth(benchmark))


@memo(24)
def replicate(benchmark: Benchmark) -> str:
    """The best of them in words; "" where there is none."""
    return next(map(in_words, positives(benchmark)), "")


def controlled(benchmark: Benchmark, view: View) -> Evaluation:
    """The evaluation of a view's rows with controls among its methods."""
    return control_evaluation(cache.evaluation(benchmark, view))


def _plain(view: View) -> View:
    """Only what decides a verdict: metric, reference, genes and perturbations."""
    ref = view.ref if view.reference != "none" else "control"
    return view.with_(data="", ref=ref, ref_from="train", show=(), truth="all", avg="mean", rows="own")


# -- the verdict of one view ---------------------------------------------------------------------------------------
def _of_verdict(benchmark: Benchmark, view: View, positive: str, negative: str) -> tuple[Benchmark, View, str, str]:
    return benchmark, _plain(view), positive or next(iter(positives(benchmark)), ""), negative


@memo(1500, plain=_of_verdict)
def judged(benchmark: Benchmark, view: View, positive: str = "", negative: str = "") -> Judged:
    """Calibration of a view's metric on its genes and perturbations, or why it cannot be judged.

    The best positive control there is, and the first negative one that is defined, where none is named.
    """
    try:
        (found,) = _map(benchmark, view, [(view.metric, view.ref)], positive, negative)
    except UserError as error:
        return str(error)
    return found


def ask(benchmark: Benchmark, view: View) -> Future:
    """The same, computed in a thread of its own."""
    return _thread().submit(judged, benchmark, view)


@memo(1)
def _thread() -> ThreadPoolExecutor:
    """One for all sessions, apart from the one that looks ahead: a verdict is short and is waited for."""
    return ThreadPoolExecutor(1, "calibration")


def _map(
    benchmark: Benchmark, view: View, pairs: Sequence[tuple[str, str]], positive: str, negative: str
) -> list[Calibration]:
    evaluation = cache.evaluation(benchmark, view)
    rows = view_rows(control_evaluation(evaluation), view, ())
    if not len(rows):
        raise UserError("No perturbation is left under this view: widen the perturbation set in the sidebar.")
    return calibration_map(evaluation, [view.subset], positive, pairs, rows, negative)


# -- the whole map -------------------------------------------------------------------------------------------------
def _of_map(view: View) -> View:
    return _plain(view).with_(metric="l2", ref="control")


@memo(200, plain=lambda benchmark, view: (benchmark, _of_map(view)))
def mapped(benchmark: Benchmark, view: View) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(metric, reference) pairs of the map on a view's genes, and those left out because they would take minutes."""
    evaluation = controlled(benchmark, view)
    pairs, rows = offered_pairs(evaluation, view.subset), view_rows(evaluation, view, ())
    return quick_and_slow(evaluation, pairs, view.subset, rows, 1 + len(NEGATIVES))


#: A view with the genes of a column of the map, a family, its metrics and references.
Piece = tuple[View, str, tuple[tuple[str, str], ...]]


def parts(benchmark: Benchmark, views: list[View]) -> list[Piece]:
    """Pieces in which the map is computed: (view with the column's genes, family, its metrics and references)."""
    out = []
    for view in views:
        families: dict[str, list[tuple[str, str]]] = {}
        for pair in mapped(benchmark, view)[0]:
            families.setdefault(family_of(pair[0]), []).append(pair)
        out += [(_of_map(view), family, tuple(some)) for family, some in families.items()]
    return out


@memo(600)
def part(benchmark: Benchmark, piece: Piece, positive: str, negative: str) -> list[Calibration]:
    """One piece of the map."""
    view, _, pairs = piece
    try:
        found = _map(benchmark, view, pairs, positive, negative)
    except UserError:
        return []
    for (metric, reference), one in zip(pairs, found, strict=True):
        ref = "control" if reference == "none" else reference
        judged.keep(one, benchmark, view.with_(metric=metric, ref=ref), positive, negative)
    return found


def missing(benchmark: Benchmark, pieces: list[Piece], positive: str, negative: str) -> Iterator[int]:
    """Positions of the pieces that are not computed yet."""
    for i, piece in enumerate(pieces):
        if part.known(benchmark, piece, positive, negative) is None:
            yield i


# -- scale, variation, controls in the charts ----------------------------------------------------------------------
def _of_scale(benchmark: Benchmark, view: View, positive: str, negative: str) -> tuple[Benchmark, View, str, str]:
    return benchmark, view.with_(data="", truth="all"), positive, negative


@memo(200, plain=_of_scale)
def scale(benchmark: Benchmark, view: View, positive: str = "", negative: str = "") -> Scaled | str:
    """The shown methods on the calibrated scale, or why there is none."""
    offered = positives(benchmark)
    if not offered:
        return "No replicate of the experiment is known here, so there is no calibrated scale."
    evaluation = cache.evaluation(benchmark, view)
    own = benchmark.meta.get("methods", {})
    methods = [
        m for m in evaluation.methods if (not view.show or m in view.show) and own.get(m, {}).get("kind") != "control"
    ]
    if not methods:
        return "No method is shown: switch one on in the sidebar."
    negatives = (negative,) if negative else NEGATIVES
    try:
        return scaled(control_evaluation(evaluation), view, methods, positive or offered[0], negatives)
    except UserError as error:
        return str(error)


@memo(40, plain=lambda benchmark, view: (benchmark, View(split=view.split, truth=view.truth)))
def variation(benchmark: Benchmark, view: View) -> Variation | str:
    """Systematic variation of the scored perturbations, or why it is unknown."""
    try:
        return systematic_variation(cache.evaluation(benchmark, view))
    except UserError as error:
        return str(error)


@memo(6)
def source_with_controls(benchmark: Benchmark) -> Benchmark:
    """The benchmark with its controls as methods; raises UserError where none can be made."""
    return with_controls(benchmark, preferred_truth(benchmark))
