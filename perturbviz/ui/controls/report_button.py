"""The report as a download: the views chosen as steps, the pinned and the current one, made on request."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.report import Direct, Item, build
from perturbviz.report.content import Source
from perturbviz.scoring.rank_table import Which
from perturbviz.scoring.view import View
from perturbviz.ui import cache, present, session
from perturbviz.ui.current import Current

_MADE = "_report"  # session: (token of its views, HTML)
_WANTED = "_report_wanted"  # session: token of the views asked for


class Cached(Direct):
    """What the pages have already computed."""

    def evaluation(self, source: Benchmark, view: View):
        """As on the page."""
        return cache.evaluation(source, view)

    def ranking(self, source: Source, view: View):
        """As on the page."""
        return cache.ranking(source, view)

    def rank_table(self, source: Source, view: View, which: Which = "all"):
        """As on the page."""
        return cache.rank_table(source, view, which)


def _named(steps: int, pinned: bool, views: int) -> str:
    """The views of the report in words."""
    if views == 1:
        return "This view"
    parts = [f"the {steps} chosen as steps"] * (steps > 0) + ["the pinned one"] * pinned + ["the one shown"]
    return f"{views} views ({', '.join(parts)})"


def report_popover(current: Current, pinned: View | None) -> None:
    """A popover that makes the report of the pinned and the current view, and then hands it out."""
    if current.source is None:
        return
    steps = [v for v in present.own_views() if v.data == current.view.data]
    views = list(dict.fromkeys([*steps, *(v for v in (pinned, current.view) if v is not None)]))
    token = "|".join([current.source.content_id, *(v.token for v in views)])
    with st.popover("Report", icon=":material/description:", key="_report_popover", on_change="rerun") as popover:
        if not popover.open:
            return
        st.caption(
            f"{_named(len(steps), pinned is not None, len(views))} as one HTML file: charts, sentences, numbers "
            "and where the data come from. It opens without a network. More views: Steps → Add this view, at "
            "the end of the sidebar."
        )
        made = st.session_state.get(_MADE)
        if made is None or made[0] != token:
            # A callback rather than the button's value: it is not lost where a page starts itself again.
            st.button("Make the report", key="make-report", on_click=session.set_extra, args=(_WANTED, token))
        if st.session_state.pop(_WANTED, None) == token:
            with st.spinner("Making the report …"):
                app = (st.context.url or "").partition("?")[0]
                made = (token, build([Item(current.source, v) for v in views], app, Cached()))
            st.session_state[_MADE] = made
        if made is not None and made[0] == token:
            st.download_button(
                "Download",
                data=made[1],
                file_name="perturbviz-report.html",
                mime="text/html",
                icon=":material/download:",
                key="download-report",
                on_click="ignore",
            )
