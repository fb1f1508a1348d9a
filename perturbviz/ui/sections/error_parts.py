"""Parts of the squared error on the Errors page: shift, scale and pattern."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.panels import errors as panels
from perturbviz.ui import cache
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current


def error_parts(current: Current) -> None:
    """What the squared error of each method is made of, where it is asked for."""
    if not isinstance(current.source, Benchmark):
        return
    if not st.toggle(
        "Parts of the squared error",
        key="parts",
        persist_state="session",
        help="Shift, scale and pattern of the MSE of each method, on the genes and perturbations of this view.",
    ):
        return
    methods, parts = cache.parts_of_errors(current.source, current.view)
    draw(panels.parts_of_errors(methods, parts, current.look, current.view), current.token)
