"""The sidebar, drawn before the page: opens the data, and makes every choice one that exists there as it is drawn."""

from __future__ import annotations

from dataclasses import fields

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.guide.named import PRESETS
from perturbviz.metrics import parse_metric
from perturbviz.scoring.published_scores import card_of
from perturbviz.scoring.validity import default_view, metric_problem
from perturbviz.scoring.view import AVERAGES, View
from perturbviz.ui import cache, cache_rankings, choose, present, recipes, session, sources
from perturbviz.ui.controls import badge, genes, metric, perturbations
from perturbviz.ui.controls import table as of_table
from perturbviz.ui.current import Current, keep

_DEPENDENT = ("ref", "genes", "n", "show", "context", "seed", "size", "truth")  # what another benchmark may not have
_DRAWN = ("data", "metric", "avg", "show")  # choices that every table of scores leaves
_OF_TABLES = (*_DRAWN, "context", "genes", "n", "targets", "rows")  # and some tables


_LABELS = {view.id: view.label for view in PRESETS}


def draw() -> None:
    """Draw every control; keeps what the page works on (:func:`perturbviz.ui.current.current`)."""
    cache.stop_looking_ahead()
    _data()
    try:
        source = recipes.open_source(st.session_state["data"])
    except UserError as error:
        session.go_back(f"{error} This page shows what was open before.")
        _hold()
        keep(Current(session.view(), None, None, str(error)))
        with st.sidebar:
            present.sidebar_controls()
        return
    with st.sidebar:
        keep(_benchmark(source) if isinstance(source, Benchmark) else _table(source))
        session.remember()
        present.sidebar_controls()


def _data() -> None:
    options = sources.choices()
    chosen = st.session_state.get("data", "demo")
    labels = options if chosen in options else {**options, chosen: sources.label(chosen)}
    choose.selectbox(
        "Data set",
        labels,
        key="data",
        words=labels,
        place=st.sidebar,
        on_change=_data_changed,
        help="Truth and predictions of one data set. The Data page adds your own and public ones.\n\n"
        + sources.to_download(options),
    )


def _data_changed() -> None:
    """Let go of choices that the new benchmark may not have; its own defaults take their place."""
    for name in (*_DEPENDENT, "p", "gene", "method", "against"):
        st.session_state.pop(name, None)
    session.memory().open_fields = {"metric", "avg", "rows", "split"}


def _hold() -> None:
    """Keep the view while its data are away: Streamlit forgets the values of widgets that are not drawn."""
    for name in {item.name for item in fields(View)} & set(st.session_state) - {"data"}:
        st.session_state[name] = st.session_state[name]


# -- a benchmark -----------------------------------------------------------------------------------------------------
def _benchmark(plain: Benchmark) -> Current:
    _defaults(plain)
    _presets()
    verdict = metric.draw(plain)
    with st.container():  # its further controls come and go; what is below must not shift, or it would be built anew
        metric.draw_reference()
    benchmark = perturbations.settle(plain)
    evaluation = cache.evaluation(benchmark, session.view())
    genes.draw(evaluation)
    perturbations.draw(plain)
    _methods(list(evaluation.methods))
    choose.pills("Methods", evaluation.methods, key="show", words=cache_rankings.names(evaluation))
    view = session.view()
    badge.draw(verdict, plain, view)
    for sentence in recipes.notices(view.data):
        st.warning(sentence, icon=":material/table_chart:")
    return Current(view, benchmark, evaluation, "")


def _defaults(benchmark: Benchmark) -> None:
    """Fill what neither the link nor the user chose, and give way where the metric does not exist here."""
    try:
        parse_metric(st.session_state["metric"])
    except UserError:  # of a score table
        session.put("metric", default_view(benchmark).metric)
    chosen, session.memory().open_fields = session.memory().open_fields, None
    if chosen is None:
        return
    default = default_view(benchmark)
    for name in _DEPENDENT:
        if name not in chosen or name not in st.session_state:
            value = getattr(default, name)
            session.put(name, list(value) if isinstance(value, tuple) else value)
    if metric_problem(st.session_state["metric"], benchmark):
        session.put("metric", default.metric)


def _presets() -> None:
    choose.selectbox(
        "Preset",
        _LABELS,
        index=None,
        key="_preset",
        words=_LABELS,
        placeholder="Jump to a view …",
        on_change=_preset,
        label_visibility="collapsed",
    )


def _preset() -> None:
    """Apply a preset's view to the current benchmark."""
    chosen = st.session_state.get("_preset")
    if chosen is None:
        return
    before, changes = session.view(), next(view.changes for view in PRESETS if view.id == chosen)
    session.set_view(View(data=before.data, show=before.show).with_(**changes), {"metric", "show"} | set(changes))
    st.session_state["_preset"] = None


def _methods(methods: list[str]) -> None:
    session.memory().methods = tuple(methods)
    session.put("show", [m for m in st.session_state.get("show", []) if m in methods] or methods)


# -- a table of scores -----------------------------------------------------------------------------------------------
def _table(table: ScoreTable) -> Current:
    """Its source has decided what a benchmark leaves open."""
    named, session.memory().open_fields = session.memory().open_fields, None
    for item in fields(View):
        default = "" if item.name == "own" else item.default
        if item.name not in _DRAWN:  # not always drawn here, so that Streamlit would forget them
            fresh = named is not None and (item.name not in _OF_TABLES or item.name not in named)
            st.session_state[item.name] = default if fresh else st.session_state.get(item.name, default)
    of_table.settle(table, named)
    if (chosen := st.session_state.get("metric")) not in table.metrics:
        same = (m for m, known in table.metrics.items() if known.get("card") == chosen)
        session.put("metric", next(same, next(iter(table.metrics))))
    card = card_of(table, st.session_state["metric"])
    choose.selectbox("Metric", table.metrics, key="metric", words=lambda m: card_of(table, m).name)
    st.caption(f"{card.arrow} · as published; reference, genes and perturbations are those of its source.")
    of_table.draw(table, st.session_state["metric"])
    choose.selectbox("Average over perturbations", AVERAGES, key="avg", words=AVERAGES)
    _methods(list(table.names))
    choose.pills("Methods", table.names, key="show", words=table.names)
    return Current(session.view(), table, None, "")
