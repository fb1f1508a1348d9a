"""Parts of the Calibration page: its two controls, and the map with its progress, its charts and its table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from perturbviz.analyses.calibration import Calibration
from perturbviz.analyses.calibration.controls import control_name
from perturbviz.analyses.calibration.table import NEGATIVES, family_of, table
from perturbviz.benchmark import Benchmark
from perturbviz.panels import calibration as panels
from perturbviz.panels import captions
from perturbviz.scoring.genesets import subset_problem
from perturbviz.scoring.view import DEFAULT_N, View
from perturbviz.ui import cache, cache_calibration, choose, session
from perturbviz.ui.chart import draw

_N = {"all": DEFAULT_N, "expressed": DEFAULT_N, "de": 100}
_POSITIVE = (
    "**Technical duplicate**: the mean of the other half of the cells. **Interpolated duplicate**: that mean "
    "for genes that are differentially expressed in it (weight 1 − adjusted p) and the perturbation mean for "
    "the others, which it so beats nearly by construction. **Simulated duplicate**: the observed mean plus "
    "noise of its standard error, where there are no halves."
)
_NEGATIVE = (
    "What says nothing about the single perturbation: the mean of the training perturbations, the control mean "
    "(no change), or the truth of another perturbation (shuffled labels)."
)
_THREE_DIGITS = ("drf", "drf_low", "drf_high", "bds", "bds_low", "bds_high")


def choose_controls(benchmark: Benchmark, view: View, offered: Sequence[str], left, right) -> tuple[str, str]:
    """The replicate (one of those offered) and the empty prediction, "" for the usual one, in two columns."""
    positive = _control(
        left, "Replicate (positive control)", "pos", control_name(offered[0]), list(offered[1:]), _POSITIVE
    )
    negative = _control(
        right,
        "Empty prediction (negative control)",
        "neg",
        "Perturbation mean (control mean where that is the reference)",
        [m for m in NEGATIVES if m in cache_calibration.controlled(benchmark, view).methods],
        _NEGATIVE,
    )
    return positive or offered[0], negative


def _control(column, label: str, key: str, first: str, others: list[str], help: str) -> str:
    """A control; "" is the usual one, which stays out of the link."""
    if st.session_state.get(key, "") not in ("", *others):
        st.session_state[key] = ""
    return choose.selectbox(
        label,
        ["", *others],
        key=key,
        persist_state="session",
        help=help,
        words=lambda m: control_name(m) if m else first,
        place=column,
    )


def show_map(benchmark: Benchmark, view: View, positive: str, negative: str, token: str) -> None:
    """The verdict on every metric and gene subset, computed here, and the same as a table."""
    columns = subsets(view, benchmark)
    found = _compute(benchmark, view, columns, positive, negative)
    pairs = list(dict.fromkeys(p for v in columns for p in cache_calibration.mapped(benchmark, v)[0]))
    too_slow = dict.fromkeys(p for v in columns for p in cache_calibration.mapped(benchmark, v)[1])
    event = draw(panels.verdicts(found, pairs, columns, view, positive, benchmark.adata.n_vars), token)
    if event.clicked:
        session.defer(**panels.clicked(str(event.clicked)))
    if too_slow:
        st.caption(f"{captions.left_out(too_slow)}: choose one as the metric for its verdict.")
    as_table = st.expander("The map as a table", key="map_table", on_change="rerun")
    if as_table.open:
        as_table.dataframe(
            table(found).assign(family=[family_of(c.metric) for c in found]),
            hide_index=True,
            column_config={c: st.column_config.NumberColumn(format="%.3f") for c in _THREE_DIGITS},
        )


def subsets(view: View, benchmark: Benchmark) -> list[View]:
    """One view a column: all genes, expressed, DE (with the view's n where it is the view's kind), the own list."""
    total, here = benchmark.adata.n_vars, cache.evaluation(benchmark, view)
    kinds = ["all", "expressed", "de", *(["own"] if view.genes == "own" else [])]
    views = [view.with_(genes=k, n=min(view.n if k == view.genes else _N.get(k, view.n), total)) for k in kinds]
    return [v for v in views if not subset_problem(v.subset, here)]


def _compute(benchmark: Benchmark, view: View, views: list[View], positive: str, negative: str) -> list[Calibration]:
    """Every cell, the view's own column first, with a progress bar while there is something to compute."""
    own_first = sorted(views, key=lambda v: v.genes != view.genes)
    pieces = cache_calibration.parts(benchmark, own_first)
    todo = list(cache_calibration.missing(benchmark, pieces, positive, negative))
    if todo:
        bar = st.progress(0.0, "Judging every metric …")
        for done, i in enumerate(todo):
            where = panels.genes(pieces[i][0], benchmark.adata.n_vars)
            bar.progress(done / len(todo), f"Judging {pieces[i][1]} on {where} …")
            cache_calibration.part(benchmark, pieces[i], positive, negative)
        bar.empty()
    found = [c for piece in pieces for c in cache_calibration.part(benchmark, piece, positive, negative)]
    place = {v.subset.key: i for i, v in enumerate(views)}
    return sorted(found, key=lambda c: place[c.genes])
