"""Assembling: truth and predictions as readers found them become one Benchmark, with a report on everything done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perturbviz.benchmark import Benchmark
from perturbviz.readers.assemble.prediction import add_prediction, as_predictions
from perturbviz.readers.assemble.splits import with_split, with_splits
from perturbviz.readers.assemble.truth import build_truth
from perturbviz.readers.base import Loaded, Options
from perturbviz.readers.check import Report


@dataclass(frozen=True, eq=False)
class Incoming:
    """One file of predictions with the name and seed a person gave it ("" = as in the file)."""

    loaded: Loaded
    name: str = ""
    seed: str = ""


def assemble(
    truth: Loaded,
    predictions: Sequence[Incoming] = (),
    splits: Mapping[str, Mapping[Any, str]] | None = None,
    options: Options | None = None,
    truth_options: Options | None = None,
    *,
    own_predictions: bool = True,
) -> tuple[Benchmark, tuple[Report, ...]]:
    """Benchmark of a truth and any number of predictions.

    Parameters
    ----------
    truth
        What the truth's files say. Predictions they hold as well are added first.
    splits
        Seed -> {label: part}, in place of what the truth's files say.
    options, truth_options
        For the predictions, and for the truth (``options`` where None).
    own_predictions
        Whether predictions that lie in the truth's files are added too.

    Returns
    -------
    The benchmark, and one report for the truth and each file of predictions.
    """
    options = options or Options()
    benchmark, report = build_truth(truth, truth_options or options, splits)
    reports = [report]
    if own_predictions and truth.predictions and truth.truth is not None:
        benchmark, report = add_prediction(benchmark, truth, options, beside_truth=True)
        reports.append(report)
    for incoming in predictions:
        benchmark, report = add_prediction(benchmark, incoming.loaded, options, incoming.name, incoming.seed)
        reports.append(report)
    reports[0] = with_split(reports[0], benchmark)
    return benchmark, tuple(reports)


__all__ = ["Incoming", "add_prediction", "as_predictions", "assemble", "build_truth", "with_splits"]
