"""What a page works on: the current view, its data, and helpers every page starts with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.panels import captions
from perturbviz.panels.look import Look
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.validity import view_problem
from perturbviz.scoring.view import View
from perturbviz.ui import cache, cache_rankings, colours, navigation, session, sources
from perturbviz.ui.chart import keep_about
from perturbviz.ui.controls import badge
from perturbviz.ui.controls.cast_list import cast_list

_KEY = "_current"
_SCORES_ONLY = "This needs predictions and truth gene by gene: choose a data set in the sidebar."


@dataclass(frozen=True, eq=False)
class Current:
    """View and data of this run.

    Attributes
    ----------
    view
        What the sidebar says.
    source
        Benchmark or score table; None where the id of a link is unknown here.
    evaluation
        The scored rows of a benchmark; None for a score table.
    problem
        Why there is nothing to show, "" where there is something.
    """

    view: View
    source: Benchmark | ScoreTable | None
    evaluation: Evaluation | None
    problem: str

    @cached_property
    def token(self) -> str:
        """Mark of the state shown, for every figure's ``layout.meta``."""
        return self.view.token

    @cached_property
    def reference(self) -> str:
        """The reference that is really subtracted, or was by whoever made the table of scores."""
        if isinstance(self.source, ScoreTable):
            return self.source.reference(self.view.metric)
        return self.view.reference

    @cached_property
    def data(self) -> Benchmark | ScoreTable:
        """What is open; stops the page with a sentence where nothing is."""
        return self.source if self.source is not None else stop(self.problem)

    @cached_property
    def benchmark(self) -> Benchmark:
        """What is open, as benchmark; stops the page with a sentence where it is none."""
        return self.source if isinstance(self.source, Benchmark) else stop(self.problem or _SCORES_ONLY)

    @cached_property
    def evaluated(self) -> Evaluation:
        """The scored rows of a benchmark; stops the page with a sentence where a table of scores is open."""
        return self.evaluation if self.evaluation is not None else stop(self.problem or _SCORES_ONLY)

    def scores(self, view: View | None = None) -> Scores:
        """Scores of the shown methods; stops the page with a sentence where the view makes no sense."""
        try:
            return cache.scores(self.data, view or self.view)
        except UserError as error:
            stop(str(error))

    def ranking(self, view: View | None = None) -> Ranking:
        """Ranking of the shown methods; stops the page with a sentence where the view makes no sense."""
        try:
            return cache.ranking(self.data, view or self.view)
        except UserError as error:
            stop(str(error))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """All methods of the data, shown or not, in the fixed order of colours."""
        return tuple(self.source.names) if isinstance(self.source, ScoreTable) else self.evaluated.methods

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """Methods that are switched on."""
        return tuple(m for m in self.methods if not self.view.show or m in self.view.show)

    def name(self, method: str) -> str:
        """Display name of a method."""
        return self.source.names[method] if isinstance(self.source, ScoreTable) else self.evaluated.name(method)

    @cached_property
    def look(self) -> Look:
        """Names and colours of all methods, the same on every page whatever is shown."""
        scored = self.source if isinstance(self.source, ScoreTable) else self.evaluated
        return cache_rankings.look(scored, tuple(colours.chosen().items()))

    @cached_property
    def colours(self) -> Mapping[str, str]:
        """Method -> colour."""
        return self.look.colours

    @cached_property
    def controls(self) -> tuple[str, ...]:
        """Methods that are controls of the calibration: drawn dashed or open."""
        return self.look.controls


def keep(current: Current) -> None:
    """Called by the sidebar."""
    st.session_state[_KEY] = current


def current() -> Current:
    """What the sidebar kept."""
    return st.session_state[_KEY]


def finish() -> None:
    """After the page: what only then can be said, in the address bar and in the verdict on the metric."""
    session.write_link()
    badge.finish()


def end() -> NoReturn:
    """End a page early, with what it has drawn so far."""
    finish()
    st.stop()


def stop(sentence: str, icon: str = ":material/search:", offer: tuple[str, str, str] | None = None) -> NoReturn:
    """End the page with a sentence that says why it is empty and what to do.

    ``offer``: data with which it would not be: id, label of the button that opens them, tooltip.
    """
    st.info(sentence, icon=icon)
    if offer:
        st.button(
            offer[1], key="offered_data", icon=":material/open_in_new:", on_click=_open, args=offer[:1], help=offer[2]
        )
    end()


def await_data(current: Current) -> None:
    """Where the data of a link are somebody's own and not here: take their file in place, and end the page."""
    if sources.missing(current.view.data):
        from perturbviz.ui.receive import receive  # readers take long to import, and few links need them

        receive(current.view.data)
        end()


def _provenance(current: Current, source: Benchmark | ScoreTable) -> None:
    """What the data are and who the methods; of simulated ones who leads by construction, and a way to real data."""
    with st.container(
        horizontal=True,
        gap="small",
        vertical_alignment="center",
        key="pv-simulated" if source.simulated else "pv-provenance",
    ):
        if not source.simulated:
            st.caption(f":material/database: {captions.escape(source.title)}", width="content")
        else:
            said = [":material/science: **Simulated data**, made to teach; no real system."]
            if isinstance(source, Benchmark):
                said += [captions.escape(s) for s in cache.about_simulated(source) if s]
            st.caption(" ".join(said), width="content")
            st.button(
                "Open Norman (real)",
                type="tertiary",
                icon=":material/open_in_new:",
                on_click=_open,
                args=("norman",),
                help="Norman et al. 2019: 104 single and 130 double activations in K562, downloaded once.",
            )
        st.page_link(navigation.path("data"), label="More data")
        cast_list(source if isinstance(source, ScoreTable) else current.evaluated)


def _open(data: str) -> None:
    """Switch to another benchmark, with its own defaults."""
    session.set_view(session.first_view(data), explicit=set())


def _nothing_open(problem: str) -> NoReturn:
    """Say why nothing is open, and offer ways on."""
    st.info(captions.escape(problem), icon=":material/search:")
    with st.container(horizontal=True, gap="small"):
        st.button("Try again", icon=":material/refresh:")
        st.button("Open the demo", icon=":material/home:", on_click=_open, args=("demo",))
    end()


def begin(name: str, *, needs: str = "benchmark", heading: bool = True) -> Current:
    """Start a page: guard, heading, provenance banner; stops where the page cannot work on the data.

    Parameters
    ----------
    needs
        "benchmark": values gene by gene; "scores": a score table will do; "nothing".
    """
    navigation.require_app()
    session.page(name)
    current: Current = st.session_state[_KEY]
    if heading or (current.problem and needs != "nothing"):
        st.title(navigation.question(name))
    if sentence := session.notice():
        st.warning(captions.escape(sentence), icon=":material/cloud_off:")
    if current.problem and needs != "nothing":
        await_data(current)
        _nothing_open(current.problem)
    _keep_about(current)
    if current.source is not None:
        _provenance(current, current.source)
    if needs == "benchmark" and isinstance(current.source, ScoreTable):
        stop(
            f"“{current.source.title}” holds scores only; this page needs predictions and truth gene by gene. "
            "Choose a data set in the sidebar, or go to Rankings or Errors.",
            icon=":material/table_chart:",
        )
    if needs == "benchmark" and isinstance(current.source, Benchmark):
        problem = view_problem(current.view, current.evaluated)
        if problem:
            stop(problem)
    return current


def _keep_about(current: Current) -> None:
    """Tell the charts what files of them say they are about."""
    source = current.source
    about = {} if source is None else {**captions.about_view(current.view, source), "link": session.full_link()}
    keep_about(source.seeing if isinstance(source, Benchmark) else (), about)


def four_questions(current: Current, scores: Scores, view: View | None = None) -> str:
    """:func:`perturbviz.panels.captions.four_questions` of the current view, or of another one such as the pinned."""
    return cache_rankings.four_questions(view or current.view, scores, isinstance(current.source, ScoreTable))
