"""The small verdict under the metric: is it calibrated on the data, genes and perturbations shown?

Judging a metric takes 0.1-0.2 s on the embedded demo, too long for a click. It is done in a thread while the page is
drawn; ``finish`` waits a moment for it when the page already stands, and otherwise the next run shows it.
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as NotYet
from typing import Any

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.panels.captions import calibration as words
from perturbviz.scoring.view import View
from perturbviz.ui import cache_calibration, navigation
from perturbviz.ui.memo import memo

_PENDING = "_badge"  # session: what finish() still has to draw
PATIENCE = 0.25  # seconds
_words = memo(200)(words.badge)


def draw(slot: Any, benchmark: Benchmark, view: View) -> None:
    """Draw the verdict of the view's metric into ``slot`` (an ``st.empty``), or ask for it.

    ``st.session_state`` keeps slot and request until :func:`finish`.
    """
    st.session_state.pop(_PENDING, None)
    can = bool(cache_calibration.positives(benchmark))
    judged = cache_calibration.judged.known(benchmark, view) if can else None
    _show(slot, *_words(judged, can))
    if can and judged is None:
        st.session_state[_PENDING] = slot, cache_calibration.ask(benchmark, view)


def finish() -> None:
    """After the page: draw the verdict that :func:`draw` asked for, if it comes soon."""
    slot, request = st.session_state.pop(_PENDING, (None, None))
    if request is None:
        return
    try:
        _show(slot, *_words(request.result(PATIENCE), True))
    except NotYet:
        return


def _show(slot: Any, label: str, colour: words.Colour, why: str) -> None:
    with slot.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(label, color=colour, help=why)
        if navigation.exists("calibration"):
            st.page_link(
                navigation.path("calibration"), label="why?", help="Opens the Calibration page with this view."
            )
