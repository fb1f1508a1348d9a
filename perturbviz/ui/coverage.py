"""What is said where methods cover different perturbations: before predictions are added, after, on rankings."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.panels.captions import coverage as words
from perturbviz.panels.captions import escape
from perturbviz.scoring.coverage import coverage
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.view import View
from perturbviz.ui import cache, navigation, session
from perturbviz.ui.current import Current
from perturbviz.ui.memo import memo

_MOST = 5  # methods of which it is said where they stand


def warn(before: Benchmark, after: Benchmark, added: Sequence[str], view: View) -> None:
    """Before adding: what it would do to the other methods."""
    evaluation = Evaluation(after, view.parts, view.truth)
    found = coverage(evaluation, _plain(view), evaluation.methods)
    sentences = words.before_adding(found, added, evaluation.name)
    lost = words.genes_lost(before.adata.n_vars, after.adata.n_vars)
    for sentence in [*sentences[:_MOST], *([lost] if lost else [])]:
        st.warning(sentence, icon=":material/warning:")


def _plain(view: View) -> View:
    """The view as it opens on new data: all methods, all contexts and splits."""
    return View(split=view.split, truth=view.truth)


def places(current: Current, added: Sequence[str]) -> None:
    """After adding: where the new methods stand, as links to the ranking."""
    try:
        ranking = current.ranking()
    except UserError:
        return
    link = {k: v[0] if len(v) == 1 else v for k, v in session.query("rankings").items()}
    if "section" in link:  # another one is open there
        link["section"] = session.FIRST_SECTION
    for method in [m for m in added if m in ranking.lines][:_MOST]:
        st.page_link(
            navigation.path("rankings"),
            label=f"{escape(words.place(ranking, method))}: see it",
            icon=":material/leaderboard:",
            query_params=link,
        )


@memo(200)
def _said(benchmark: Benchmark, view: View) -> tuple[str, str, str]:
    """How many perturbations of how many, a sentence, and the label of the switch."""
    found, name = cache.coverage(benchmark, view), cache.evaluation(benchmark, view).name
    return f"{found.common:,} of {found.asked:,}", *words.badge(found, view.rows == "own", name)


def badge(current: Current) -> None:
    """On a ranking: on how many perturbations methods are compared, where not all predict all; and the switch."""
    if not isinstance(current.source, Benchmark):
        return
    view = current.view
    count, sentence, switch = _said(current.source, view)
    if not sentence:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="pv-coverage"):
        st.badge(count if view.rows == "common" else "own rows", color="orange")
        st.markdown(sentence, width="content")
        if switch:
            other = "own" if view.rows == "common" else "common"
            st.button(switch, key="_rows", type="tertiary", on_click=session.put, args=("rows", other))
