"""The guide's lessons: a view, a question, one toggle, and what the loaded data reveal."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.guide.lessons import LESSONS, Lesson, lesson
from perturbviz.guide.stage import Reveal, Verdict
from perturbviz.panels import lessons as panels
from perturbviz.ui import cache_guide, choose, navigation, session
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current

_REVEALED = "_revealed"  # session: (content id, lesson) pairs that were revealed
_BADGES: dict[Verdict, str] = {
    "holds": ":green-badge[:material/check: holds on these data]",
    "partly": ":blue-badge[:material/contrast: partly holds on these data]",
    "not here": ":orange-badge[:material/close: not here: these data do not show it]",
    "cannot be asked": ":gray-badge[:material/question_mark: cannot be asked of these data]",
}


def lessons(current: Current) -> None:
    """One lesson at a time, with buttons to the one before and after."""
    ids = [item.id for item in LESSONS]
    chosen = lesson(session.extra("lesson")).id
    at = ids.index(chosen)
    st.session_state["lesson"] = chosen
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            disabled=at == 0,
            key="lesson-previous",
            on_click=session.set_extra,
            args=("lesson", ids[max(at - 1, 0)]),
        )
        choose.selectbox(
            "Lesson",
            ids,
            key="lesson",
            persist_state="session",
            label_visibility="collapsed",
            width="stretch",
            words=lambda i: f"{ids.index(i) + 1} of {len(ids)} · {lesson(i).title}",
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=at == len(ids) - 1,
            key="lesson-next",
            on_click=session.set_extra,
            args=("lesson", ids[min(at + 1, len(ids) - 1)]),
        )
    _one(current, lesson(chosen))


def _one(current: Current, item: Lesson) -> None:
    """Question, the two links, the reveal, the reading."""
    st.subheader(item.title, anchor=False)
    st.markdown(f"**{item.question}**")
    if not isinstance(current.source, Benchmark):
        st.info(
            "Lessons need predictions gene by gene: choose a benchmark in the sidebar.", icon=":material/table_chart:"
        )
        return
    data = current.view.data
    page = navigation.path("rankings")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            page,
            label="1 · Open this view",
            icon=":material/visibility:",
            query_params=_flat(item.views[0].query(current.source, data)),
        )
        st.page_link(
            page,
            label=f"2 · {item.toggle}",
            icon=":material/toggle_on:",
            query_params=_flat(item.views[1].query(current.source, data)),
        )
    st.caption(
        "Look at the first view, guess, open the second (or make the change yourself in the sidebar), come back."
    )
    key = (current.source.content_id, item.id)
    revealed: set = st.session_state.setdefault(_REVEALED, set())
    if key not in revealed:
        st.button("3 · Reveal", type="primary", icon=":material/lightbulb:", on_click=revealed.add, args=(key,))
    else:
        with st.spinner("Computing on the loaded data …"):
            found = cache_guide.reveal(current.source, item.id)
        _show(current, item, found)
    st.caption(f"Reading: {item.reading}.")


def _show(current: Current, item: Lesson, found: Reveal) -> None:
    """Verdict, sentence and chart."""
    st.markdown(f"{_BADGES[found.verdict]}\n\n{found.sentence}")
    grades = (f"**{name}**: {words}" for name, words in item.criterion.items())
    st.caption(f"What the verdict asks for. {'; '.join(grades)}.")
    if found.numbers.empty:
        return
    titles = (found.x_title, found.y_title)
    panel = panels.reveal(item.id, found.question, found.numbers, titles, found.kind, current.colours)
    draw(panel, current.token)


def _flat(query: dict[str, list[str]]) -> dict[str, str | list[str]]:
    """Single values as text."""
    return {k: v[0] if len(v) == 1 else v for k, v in query.items()}
