"""Rows and columns that are swapped: seen in the names, against the truth or in the table itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.labels import LabelRules
from perturbviz.benchmark.perturbations import CONTROL, targets
from perturbviz.readers.assemble.names import measured_names
from perturbviz.readers.base import Profiles
from perturbviz.readers.check import Finding

_NOTE = "rows and columns were swapped (genes in rows, conditions in columns): turned."


def _can_turn(p: Profiles) -> bool:
    return p.genes is not None and p.symbols is None and p.contexts is None and p.n_cells is None


def _turned(p: Profiles) -> Profiles:
    return replace(p, values=p.values.T.copy(), labels=list(p.genes or ()), genes=[*map(str, p.labels)])


def turned_prediction(p: Profiles, benchmark: Benchmark, rules: LabelRules) -> tuple[Profiles, list[Finding]]:
    """A prediction, turned where its columns are the truth's conditions and its rows the truth's genes."""
    if not _can_turn(p):
        return p, []
    conditions, genes = set(map(str, benchmark.conditions)), measured_names(benchmark)

    def fit(labels: Iterable[Any], columns: Iterable[Any]) -> float:
        return _share([rules(v) for v in labels], conditions) * _share([str(v) for v in columns], genes)

    as_is, other = fit(p.labels, p.genes or ()), fit(p.genes or (), p.labels)
    if other < 0.25 or other <= 2 * as_is:
        return p, []
    return _turned(p), [Finding("conditions", _NOTE)]


def turned_truth(p: Profiles, rules: LabelRules) -> tuple[Profiles, list[Finding]]:
    """A truth, turned where control stands among its columns and not among its rows."""
    if not _can_turn(p):
        return p, []
    header, labels = [rules(g) for g in p.genes or ()], [rules(v) for v in p.labels]
    if CONTROL in labels:
        return p, []
    if CONTROL in header and not all(h == CONTROL for h in header):
        return _turned(p), [Finding("conditions", _NOTE)]
    across, down = (_targets(names) for names in (header, labels))
    if across and across < down and len(header) < len(labels):
        text = "its columns name rows of it, as perturbed genes name genes: are rows and columns swapped?"
        return p, [Finding("conditions", text, True)]
    return p, []


def _targets(names: Iterable[str | None]) -> set[str]:
    return {t for n in names if n is not None for t in targets(n)}


def _share(names: list[str | None] | list[str], known: Collection[str]) -> float:
    return sum(n in known for n in names) / max(len(names), 1)
