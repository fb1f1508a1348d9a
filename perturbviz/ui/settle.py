"""What the sidebar's controls say, before any is drawn: choices that do not exist on the data give way.

A page works on what this finds, and is drawn first; the controls follow (``sidebar.draw``). Values of widgets may be
set until they are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache as once

import streamlit as st

from perturbviz.analyses.calibration.controls import preferred_truth
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, parse_metric
from perturbviz.scoring import genesets
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.validity import default_view, genes_problem, metric_problem
from perturbviz.scoring.view import View
from perturbviz.ui import cache, cache_calibration, recipes, session
from perturbviz.ui.current import Current, keep

_DEPENDENT = ("ref", "genes", "n", "show", "context", "seed", "size", "truth")  # what another benchmark may not have
_OF_TABLES = ("data", "metric", "avg", "show")  # choices that a table of scores leaves


@dataclass(frozen=True, eq=False)
class Settled:
    """View and data of a run, and what the controls need to know of them.

    Attributes
    ----------
    current
        What the page works on.
    plain
        The data without the controls of the calibration among its methods; None where the link's are not here.
    genes_problems
        Kind of gene subset -> why the metric does not allow it here, "" where it does.
    """

    current: Current
    plain: Benchmark | ScoreTable | None
    genes_problems: Mapping[str, str] = field(default_factory=dict)


def settle() -> Settled:
    """Open the data and make every choice one that exists there; keeps the result for the page."""
    cache.stop_looking_ahead()
    try:
        source = recipes.open_source(st.session_state["data"])
    except UserError as error:
        session.go_back(f"{error} This page shows what was open before.")
        _hold()
        settled = Settled(Current(session.view(), None, None, str(error)), None)
    else:
        settled = _benchmark(source) if isinstance(source, Benchmark) else _table(source)
        session.remember()
    keep(settled.current)
    return settled


def opens_large(settled: Settled) -> bool:
    """Whether this session has just come to a large benchmark: its first charts take long, so the controls come first."""
    data, evaluation = settled.current.view.data, settled.current.evaluation
    comes = st.session_state.get("_shown_data") != data
    st.session_state["_shown_data"] = data
    return comes and evaluation is not None and cache.large(evaluation)


def _hold() -> None:
    """Keep the view while its data are away: Streamlit forgets the values of widgets that are not drawn."""
    for name in {f.name for f in fields(View)} & set(st.session_state) - {"data"}:
        st.session_state[name] = st.session_state[name]


def data_changed() -> None:
    """Let go of choices that the new benchmark may not have; its own defaults take their place (a callback)."""
    for name in _DEPENDENT:
        st.session_state.pop(name, None)
    st.session_state["_explicit"] = {"metric", "avg", "rows", "split"}
    for name in ("p", "gene", "method", "against"):
        st.session_state.pop(name, None)


@once
def twins() -> Mapping[str, str]:
    """Metric without reference -> the metric that asks the same of changes."""
    return {m.card.plain_twin: m.card.id for m in CATALOGUE.values() if m.card.plain_twin}


def _benchmark(plain: Benchmark) -> Settled:
    _apply_defaults(plain)
    _reference()
    benchmark = _with_controls(plain)
    if st.session_state.get("truth", "all") != "all" and "half_a" not in benchmark.layers:
        session.put("truth", "all")
    evaluation = cache.evaluation(benchmark, session.view())
    problems = _genes(benchmark, evaluation)
    _among("context", ["", *benchmark.contexts])
    _among("seed", ["", *benchmark.seeds])
    _methods(list(evaluation.methods))
    return Settled(Current(session.view(), benchmark, evaluation, ""), plain, problems)


def _table(table: ScoreTable) -> Settled:
    """A table of scores: its source has decided what a benchmark leaves open."""
    fresh = st.session_state.pop("_explicit", None) is not None
    for item in fields(View):
        if item.name not in _OF_TABLES:  # not drawn here, so that Streamlit would forget them
            default = "" if item.name == "own" else item.default
            st.session_state[item.name] = default if fresh else st.session_state.get(item.name, default)
    if (metric := st.session_state.get("metric")) not in table.metrics:
        same = (m for m, known in table.metrics.items() if known.get("card") == metric)
        session.put("metric", next(same, next(iter(table.metrics))))
    _methods(list(table.names))
    return Settled(Current(session.view(), table, None, ""), table)


def _apply_defaults(benchmark: Benchmark) -> None:
    """Fill what neither the link nor the user chose, and give way where a choice does not exist here."""
    try:
        parse_metric(st.session_state["metric"])
    except UserError:  # of a score table
        session.put("metric", default_view(benchmark).metric)
    explicit = st.session_state.pop("_explicit", None)
    if explicit is None:
        return
    default = default_view(benchmark)
    for name in _DEPENDENT:
        if name not in explicit or name not in st.session_state:
            value = getattr(default, name)
            session.put(name, list(value) if isinstance(value, tuple) else value)
    if metric_problem(st.session_state["metric"], benchmark):
        session.put("metric", default.metric)


def _reference() -> None:
    """A metric without reference that has a twin with one shows that there is none."""
    card = parse_metric(st.session_state["metric"])[0].card
    if card.reference == "none" and card.id in twins() and st.session_state["ref"] != "none":
        st.session_state["_last_ref"] = st.session_state["ref"]
        session.put("ref", "none")


def _with_controls(benchmark: Benchmark) -> Benchmark:
    """The benchmark with its controls as methods where the link or the toggle asks for them and they can be made."""
    if session.extra("controls") != "1" or not cache_calibration.positives(benchmark):
        return benchmark
    session.put("truth", preferred_truth(benchmark))  # the other half is the replicate
    return cache_calibration.source_with_controls(benchmark)


def _genes(benchmark: Benchmark, evaluation: Evaluation) -> dict[str, str]:
    """Settle gene subset and number of genes; returns why the metric does not allow a kind of subset."""
    targets = bool(st.session_state.get("targets", True))
    own = session.view().own or tuple(benchmark.genes[:1])
    problems: dict[str, str] = {
        kind: genes_problem(st.session_state["metric"], genesets.GeneSubset(kind, targets=targets, own=own), evaluation)
        for kind in genesets.KINDS
    }
    offered = offered_genes(problems)
    if st.session_state["genes"] not in offered:
        session.put("genes", "expressed" if "expressed" in offered else offered[0])
    if st.session_state["genes"] in ("expressed", "de"):
        session.put("n", min(int(st.session_state["n"]), benchmark.adata.n_vars))
    return problems


def offered_genes(problems: Mapping[str, str]) -> list[str]:
    """Kinds of gene subset that nothing speaks against."""
    return [kind for kind, problem in problems.items() if not problem] or ["all"]


def _among(key: str, options: list[str]) -> None:
    """Give way where a choice does not exist here."""
    if st.session_state.get(key) not in options:
        session.put(key, options[0])


def _methods(methods: list[str]) -> None:
    st.session_state[session.ALL_METHODS] = methods
    session.put("show", [m for m in st.session_state.get("show", []) if m in methods] or methods)
