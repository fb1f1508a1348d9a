"""The first screen: the same predictions under two rulers, one switch between them, and where to go from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from perturbviz.analyses.rulers import Flip, Ruler, Rulers
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.panels import captions
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.published_scores import name_of
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.view import DEFAULT_N, View
from perturbviz.ui import cache, cache_rankings, choose, navigation, session
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current, four_questions, stop

_SWITCH = "_ruler"  # the switch has a key of its own: the sidebar's reference is another widget
_KEPT = "_rulers"  # session: the two rulers and the one chosen last, which stay as long as only the switch is used
_DE_GENES = 100
_LAST, _BEFORE = "_ranked_view", "_ranked_before"  # session: the view of the last run, and the one before it


@dataclass(frozen=True, eq=False)
class Screen:
    """What the first screen shows.

    Attributes
    ----------
    rulers
        The two rulers.
    at
        Side in use, 0 or 1.
    flip
        The rankings under both; under the one in use twice where there is no other.
    before
        The view before the last change and its ranking, where it is of the same data.
    """

    rulers: Rulers
    at: int
    flip: Flip
    before: tuple[View, Ranking] | None

    @property
    def ranking(self) -> Ranking:
        """Under the ruler in use."""
        return (self.flip.left, self.flip.right)[self.at]


def screen(current: Current) -> Screen:
    """The two rulers of the current view and the order under each; stops the page where the view makes no sense."""
    here = (current.view.metric, current.reference)
    try:
        ranking = cache.ranking(current.data, current.view)
    except UserError as error:
        st.title(navigation.question("rankings"))
        stop(str(error))
    before = _before(current)
    two = _rulers(current, here)
    other = next((r for r in two.pair if r != here), None)
    second = _ranking(current, other) if other else None
    if second is None:
        why = two.why or "The other ruler gives no score on these genes and perturbations."
        return Screen(Rulers((here,), why), 0, cache_rankings.flip(ranking, ranking), before)
    at = two.pair.index(here)
    sides = (ranking, second) if at == 0 else (second, ranking)
    return Screen(two, at, cache_rankings.flip(*sides), before)


def _rulers(current: Current, here: Ruler) -> Rulers:
    """Those of the last switch as long as nothing else was chosen, else the view's own."""
    kept: tuple[str, Rulers, Ruler] | None = st.session_state.get(_KEPT)
    if kept is not None and (kept[0], kept[2]) == (current.view.data, here):
        return kept[1]
    st.session_state.pop(_KEPT, None)
    return cache_rankings.rulers(current.data, current.view)


def _under(view: View, ruler: Ruler) -> View:
    metric, reference = ruler
    return view.with_(metric=metric, ref=reference if reference in ("control", "perturbation") else view.ref)


def _ranking(current: Current, ruler: Ruler) -> Ranking | None:
    try:
        return cache.ranking(current.data, _under(current.view, ruler))
    except UserError:
        return None


def draw_head(current: Current, shown: Screen) -> None:
    """The thesis as the page's title, and the switch: this much stays on every section of the page."""
    st.title(cache_rankings.thesis(shown.flip, shown.rulers.by_reference), anchor=False)
    lead, meaning = cache_rankings.lead(_scored(current), shown.ranking, shown.rulers.by_reference, current.shown)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="pv-rulers"):
        st.markdown(lead, width="content", help=meaning)
        if len(shown.rulers.pair) == 2:
            _switch(current, shown)
    if shown.rulers.why:
        st.caption(captions.escape(shown.rulers.why))


def _scored(current: Current) -> Evaluation | ScoreTable:
    return current.source if isinstance(current.source, ScoreTable) else current.evaluated


def _key(ruler: Ruler) -> str:
    return "|".join(ruler)


def _switch(current: Current, shown: Screen) -> None:
    pair = shown.rulers.pair
    session.put(_SWITCH, _key(pair[shown.at]))
    labels = cache_rankings.ruler_words(current.data, shown.rulers).labels
    choose.segmented_control(
        "What is subtracted" if shown.rulers.by_reference else "What is measured",
        labels,
        key=_SWITCH,
        words=labels,
        label_visibility="collapsed",
        on_change=_switched,
        args=(current.view.data, shown.rulers),
    )


def _switched(data: str, two: Rulers) -> None:
    """Put metric and reference of the chosen ruler into the sidebar."""
    chosen = next((r for r in two.pair if _key(r) == st.session_state[_SWITCH]), None)
    if chosen is None:
        return
    metric, reference = chosen
    session.put("metric", metric)
    if reference in ("control", "perturbation"):
        session.put("ref", reference)
    st.session_state[_KEPT] = (data, two, chosen)


def draw_screen(current: Current, shown: Screen) -> None:
    """The lines between the two orders, one sentence, the doors, and the four questions."""
    called = cache_rankings.ruler_words(current.data, shown.rulers)
    if len(shown.rulers.pair) == 2:
        panel = cache_rankings.slope(
            _scored(current),
            shown.flip,
            shown.at,
            called.phrases,
            called.names,
            current.look,
            current.shown,
            called.shorts,
        )
        draw(panel, current.token)
    with st.container(key="pv-said"):
        st.markdown(_said(current, shown, called.phrases))
        _show_all(current, shown)
    _try(current)
    _doors(current.view)
    with st.container(key="pv-questions"):
        st.caption(four_questions(current, shown.ranking.scores))


def _said(current: Current, shown: Screen, phrases: tuple[str, str]) -> str:
    """What the ruler says or, after a change, what that did."""
    if shown.before is None:
        return cache_rankings.opened(shown.flip, shown.at, phrases)
    before, ranking = shown.before
    view = current.view
    turned = len(shown.rulers.pair) == 2 and before.with_(metric=view.metric, ref=view.ref) == view
    if turned and ranking.scores.metric == shown.rulers.pair[1 - shown.at][0] and before != view:
        switched = cache_rankings.switched(shown.flip, shown.at, _size(current, shown.flip.mover))
        return switched or cache_rankings.opened(shown.flip, shown.at, phrases)
    return cache_rankings.change(ranking, shown.ranking, before, view)


def _size(current: Current, method: str) -> float:
    """How large a method's changes are, compared with the observed ones."""
    if current.evaluation is None or not method:
        return np.nan
    return cache_rankings.change_size(current.evaluation, method, current.view.subset)


def _before(current: Current) -> tuple[View, Ranking] | None:
    """The view before the last change and its ranking, where it is another one of the same data."""
    last: View | None = st.session_state.get(_LAST)
    if last != current.view:
        st.session_state[_LAST], st.session_state[_BEFORE] = current.view, last
    before: View | None = st.session_state.get(_BEFORE)
    if before is None or before.data != current.view.data:
        return None
    try:
        return before, cache.ranking(current.data, before)
    except UserError:
        return None


def forget() -> None:
    """Compare the next view with no other: what was shown before is about something else."""
    for key in (_LAST, _BEFORE, _KEPT):
        st.session_state.pop(key, None)


def _show_all(current: Current, shown: Screen) -> None:
    """Where one method is left of several: the way back to the others."""
    if shown.flip.kind == "one" and len(current.methods) > 1:
        st.button("Show the baselines", key="_all_methods", on_click=session.put, args=("show", list(current.methods)))


def _try(current: Current) -> None:
    """Another metric, other genes: what else decides the order."""
    source, view = current.source, current.view
    with st.container(horizontal=True, gap="small", key="pv-try"):
        if isinstance(source, ScoreTable):
            metrics = {m: name_of(source, m) for m in source.metrics if m != view.metric}
        else:
            metrics = {
                m: name for m, name in cache_rankings.metric_names(current.benchmark).items() if m != view.metric
            }
        _menu("Try another metric", "_try_metric", metrics, _other_metric)
        if current.evaluation is not None:
            n = current.evaluation.benchmark.adata.n_vars
            _menu("Try other genes", "_try_genes", {k: _genes(k, n) for k in _subsets(current)}, _other_genes)


def _menu(label: str, key: str, labels: dict[str, str], chosen: Callable[[], None]) -> None:
    choose.selectbox(
        label,
        labels,
        index=None,
        key=key,
        words=labels,
        placeholder=f"{label} …",
        label_visibility="collapsed",
        on_change=chosen,
        width=250,
    )


def _subsets(current: Current) -> list[str]:
    """Kinds of gene subsets that make sense here, other than the one in use."""
    view = current.view
    offered = cache_rankings.subsets(current.evaluated, view.metric, view.n, view.targets)
    return [kind for kind in offered if kind != view.genes]


def _genes(kind: str, n: int) -> str:
    return {
        "all": f"All {n:,} genes",
        "expressed": f"{min(DEFAULT_N, n):,} highly expressed genes",
        "de": f"{min(_DE_GENES, n):,} genes that change most",
    }[kind]


def _other_metric() -> None:
    metric = st.session_state.get("_try_metric")
    if metric:
        session.put("metric", metric)
        if st.session_state.get("ref") == "none":
            session.put("ref", "control")
        st.session_state["_try_metric"] = None


def _other_genes() -> None:
    kind = st.session_state.get("_try_genes")
    if kind:
        session.put("genes", kind)
        session.put("n", _DE_GENES if kind == "de" else DEFAULT_N)
        st.session_state["_try_genes"] = None


def _doors(view: View) -> None:
    """Three ways on: to teach it, to compare one's own model, to see published systems."""
    doors = (
        ("guide", "Teach it: ten lessons", ":material/school:", {"guide": "lessons"}),
        ("data", "Compare your model (CSV)", ":material/upload_file:", {"data_section": "Add your own"}),
        ("data", "Nine published systems", ":material/leaderboard:", {"data_section": "Public data"}),
    )
    with st.container(horizontal=True, gap="small", key="pv-doors"):
        for page, label, icon, more in doors:
            if navigation.exists(page):
                link = {k: v[0] if len(v) == 1 else v for k, v in session.query(page, view).items()} | more
                st.page_link(navigation.path(page), label=label, icon=icon, query_params=link)
