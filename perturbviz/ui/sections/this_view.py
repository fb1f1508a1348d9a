"""What the Rankings page opens with: the order under the current view, and how it shifts from metric to metric."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from perturbviz.analyses.calibration.scale import Scaled
from perturbviz.benchmark import Benchmark
from perturbviz.panels import captions
from perturbviz.panels import rankings as panels
from perturbviz.panels.captions import calibration as calibration_captions
from perturbviz.scoring.rank_table import RankTable
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.view import View
from perturbviz.ui import cache_calibration, cache_rankings, ceiling, session
from perturbviz.ui.chart import draw
from perturbviz.ui.controls.pin import pin_controls, pinned
from perturbviz.ui.current import Current, four_questions


def score_table(current: Current, ranking: Ranking, table: RankTable) -> None:
    """What every method gets under the metrics of the table; a click opens one of them."""
    table = cache_rankings.by_family(table)
    event = draw(cache_rankings.score_table(table, ranking, current.look, current.view), current.token)
    if event.clicked is not None:
        open_setting(current, table, int(np.ravel(event.clicked)[0]))


def this_view(current: Current, ranking: Ranking, table: RankTable, before: tuple[View, Ranking] | None) -> None:
    """The order with its intervals (beside the pinned one where there is one), and the shifts of the order."""
    pin_controls(current)
    scaled = _scale(current)
    overturned = st.container(key="pv-overturned")  # above both charts, so that they start on one line
    left, right = st.columns([1, 1] if session.extra("pin") else [2, 3], gap="large")
    pin = pinned(current)
    if pin is not None:
        with left:
            _order(current, *pin, key="pinned", question="Pinned view")
        with right:
            _order(current, current.view, ranking, question="This view", before=pin[1])
    elif scaled is not None:
        with left:
            draw(panels.calibrated(scaled, current.look), current.token)
            halves = calibration_captions.halves_note(current.evaluated.benchmark)
            st.caption(f"{four_questions(current, scaled.ranking.scores)} · {halves}")
    else:
        with left:
            _order(current, current.view, ranking, before=before[1] if before is not None else None)
    _moves(current, ranking, table, overturned, right if pin is None else st.container())


def _order(current: Current, view: View, ranking: Ranking, **more: Any) -> None:
    """The order under a view, with the four questions."""
    draw(cache_rankings.order(ranking, current.look, perfect=ceiling.score(current, view), **more), current.token)
    with st.container(key=f"pv-under-{more.get('key', 'order')}"):
        st.caption(four_questions(current, ranking.scores, view))


def _scale(current: Current) -> Scaled | None:
    """Switches of what is drawn; the calibrated scale where it is asked for and there is one."""
    source = current.source
    replicate = ""
    if isinstance(source, Benchmark) and not session.extra("pin"):
        replicate = cache_calibration.replicate(source)
    with st.container(horizontal=True, key="pv-scales"):
        wanted = replicate and st.toggle(
            "Calibrated scale",
            key="scaled",
            persist_state="session",
            help=f"0 = the perturbation mean, 1 = the {replicate}, not clipped. See the Calibration page.",
        )
        ceiling.switch(current)
    if not wanted or not isinstance(source, Benchmark):
        return None
    scaled = cache_calibration.scale(source, current.view)
    if isinstance(scaled, str):
        st.info(scaled)
        return None
    return scaled


def _moves(current: Current, ranking: Ranking, table: RankTable, above: Any, place: Any) -> None:
    """How the order shifts between metrics: a sentence ``above``, the chart in its ``place``; a click opens one."""
    if isinstance(current.source, Benchmark):
        above.markdown(cache_rankings.overturned(table, ranking, current.look))
    with place:
        if table.left_out:
            st.caption(f"{captions.left_out(table.left_out)}: choose one as the metric.")
        counted_above = isinstance(current.source, Benchmark)
        event = draw(cache_rankings.bump(table, ranking, current.look, count=not counted_above), current.token)
    if isinstance(current.source, Benchmark):
        place.toggle(
            "Every metric",
            key="every",
            persist_state="session",
            help="Otherwise one of each of five families: metrics of a family order methods alike or nearly so.",
        )
    if event.clicked:
        open_setting(current, table, int(np.ravel(event.clicked)[-1]))


def open_setting(current: Current, table: RankTable, column: int, **more: str) -> None:
    """Show a column of the table as the current view."""
    metric, reference = table.settings[column]
    changes = {"ref": reference} if isinstance(current.source, Benchmark) and reference != "none" else {}
    session.defer(metric=metric, **changes, **more)
