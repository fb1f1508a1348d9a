"""A lesson on top of the page it is about: question, guess, the switch made in place, reveal, next.

Nobody is sent to another page, and nothing is compared with a view of another lesson.
"""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.guide.lessons import LESSONS, Lesson, is_lesson, lesson
from perturbviz.guide.stage import Reveal, Verdict
from perturbviz.panels import lessons as panels
from perturbviz.panels.captions import escape, names
from perturbviz.scoring.view import View
from perturbviz.ui import cache_guide, choose, recipes, session
from perturbviz.ui.chart import draw
from perturbviz.ui.current import Current
from perturbviz.ui.sections.first_screen import forget

#: The steps of a lesson, as in its link; the first stays out of it.
GUESS, SWITCH, LOOK, REVEAL = "1", "2", "3", "4"
_GUESSES = "_guesses"  # session: (content id, lesson) -> what was guessed
_PICKED = "_guess"
_BADGES: dict[Verdict, str] = {
    "holds": ":green-badge[:material/check: holds on these data]",
    "partly": ":blue-badge[:material/contrast: partly holds on these data]",
    "not here": ":orange-badge[:material/close: not here: these data do not show it]",
    "cannot be asked": ":gray-badge[:material/question_mark: cannot be asked of these data]",
}


def link(item: Lesson, source: Benchmark, data: str) -> dict[str, str | list[str]]:
    """Parameters of the link that begins a lesson."""
    query = {k: v[0] if len(v) == 1 else v for k, v in item.views[0].query(source, data).items()}
    return {**query, "lesson": item.id}


def strip(current: Current) -> None:
    """The lesson of the link, where there is one: always in one container, so that nothing below is built anew."""
    with st.container(key="pv-lesson"):
        if not is_lesson(session.extra("lesson")):
            return
        item = lesson(session.extra("lesson"))
        with st.container(border=True):
            _head(current, item)
            if not isinstance(current.source, Benchmark):
                st.caption("Lessons need predictions gene by gene: choose another data set in the sidebar.")
                return
            step = max(session.extra("step", GUESS), GUESS)
            guess = _guesses().get(_key(current, item))
            if guess is None and step == GUESS:
                _ask(current, item)
                return
            _said(current, item, guess)
            _act(current, item, step)
            if step == REVEAL:
                _reveal(current, item, guess)


def _guesses() -> dict[tuple[str, str], tuple[str, ...]]:
    return st.session_state.setdefault(_GUESSES, {})


def _key(current: Current, item: Lesson) -> tuple[str, str]:
    """Guesses are about the data as they are, whether controls are shown among the methods or not."""
    return current.view.data, item.id


def _head(current: Current, item: Lesson) -> None:
    """Number, question, the way out."""
    number = LESSONS.index(item) + 1
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{number} of {len(LESSONS)}** · {item.question}", width="stretch")
        st.button("Leave the lessons", type="tertiary", icon=":material/close:", key="lesson-leave", on_click=_leave)


def _leave() -> None:
    session.set_extra("lesson", "")
    session.set_extra("step", "")
    forget()


def _ask(current: Current, item: Lesson) -> None:
    """The guess; the switch follows it."""
    guess, key = item.guess, f"{_PICKED}-{item.id}"
    methods = [m for m in current.shown if m not in current.controls]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if guess.first:
            label = f"{guess.question}: choose the first, then the second, …"
            picked = choose.multiselect(label, methods, key=key, words=current.name, max_selections=guess.first)
        elif guess.options:
            one = choose.selectbox(guess.question, guess.options, key=key, index=None, placeholder="Your guess …")
            picked = [one] if one else []
        else:
            one = choose.selectbox(
                guess.question, methods, key=key, index=None, words=current.name, placeholder="Your guess …"
            )
            picked = [one] if one else []
        st.button(
            "This is my guess",
            type="primary",
            key="lesson-guess",
            disabled=len(picked) < max(guess.first, 1),
            on_click=_commit,
            args=(_key(current, item), tuple(picked)),
        )


def _commit(key: tuple[str, str], guess: tuple[str, ...]) -> None:
    _guesses()[key] = guess
    session.set_extra("step", SWITCH)


def _words(current: Current, item: Lesson, chosen: tuple[str, ...]) -> str:
    """Options or methods in words; methods in order as a list."""
    if item.guess.options:
        return " or ".join(chosen)
    known = [escape(current.name(m)) if m in current.methods else "nobody" for m in chosen]
    return ", ".join(f"{i}. {name}" for i, name in enumerate(known, 1)) if item.guess.first else names(known)


def _said(current: Current, item: Lesson, guess: tuple[str, ...] | None) -> None:
    text = f"{item.guess.question}"
    mine = f"**{_words(current, item, guess)}**" if guess else "none yet"
    st.markdown(f"{text} · Your guess: {mine}")


def _act(current: Current, item: Lesson, step: str) -> None:
    """The switch and its way back, then the reveal, then the next lesson."""
    source, at = recipes.open_source(current.view.data), LESSONS.index(item)
    after = isinstance(source, Benchmark) and _is(current.view, item.view(source, current.view.data, after=True))
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="pv-lesson-steps"):
        st.button(
            "Switch back" if after else item.toggle,
            icon=":material/toggle_off:" if after else ":material/toggle_on:",
            type="primary" if step <= SWITCH else "secondary",
            key="lesson-switch",
            on_click=_switch,
            args=(current.view.data, item, not after, step),
        )
        if step >= LOOK:
            st.button(
                "Reveal",
                icon=":material/lightbulb:",
                type="primary" if step == LOOK else "secondary",
                key="lesson-reveal",
                disabled=step == REVEAL,
                on_click=session.set_extra,
                args=("step", REVEAL),
            )
        if step == REVEAL and at + 1 < len(LESSONS):
            st.button(
                "Next lesson",
                icon=":material/chevron_right:",
                icon_position="right",
                type="primary",
                key="lesson-next",
                on_click=_open,
                args=(current.view.data, LESSONS[at + 1]),
            )


def _is(view: View, wanted: View) -> bool:
    """Whether a view is another one; a metric without a reference has any."""
    return view.with_(ref=wanted.ref) == wanted and view.reference == wanted.reference


def _show(data: str, item: Lesson, after: bool) -> None:
    """Put one of the lesson's views into the sidebar."""
    source = recipes.open_source(data)
    if isinstance(source, Benchmark):
        session.set_view(item.view(source, data, after))
    session.set_extra("controls", item.views[after].more.get("controls", ""))


def _switch(data: str, item: Lesson, after: bool, step: str) -> None:
    _show(data, item, after)
    session.set_extra("step", max(step, LOOK))


def _open(data: str, item: Lesson) -> None:
    """Begin a lesson on the same page."""
    forget()
    st.session_state.pop(f"{_PICKED}-{item.id}", None)
    session.set_extra("lesson", item.id)
    session.set_extra("step", SWITCH if (data, item.id) in _guesses() else "")
    _show(data, item, after=False)


def _reveal(current: Current, item: Lesson, guess: tuple[str, ...] | None) -> None:
    """What the data say, how far the title holds, and what of the guess was right."""
    source = recipes.open_source(current.view.data)
    if not isinstance(source, Benchmark):
        return
    with st.spinner("Computing on these data …"):
        found: Reveal = cache_guide.reveal(source, item.id)
    st.markdown(f"**{item.title}**: {_BADGES[found.verdict]}\n\n{found.sentence}")
    if guess and found.answer:
        st.markdown(_judged(current, item, guess, found.answer))
    grades = (f"**{name}**: {words}" for name, words in item.criterion.items())
    st.caption(f"What the verdict asks for. {'; '.join(grades)}. Reading: {item.reading}.")
    if not found.numbers.empty:
        panel = panels.reveal(
            item.id,
            found.numbers,
            current.look,
            question=found.question,
            x_title=found.x_title,
            y_title=found.y_title,
            kind=found.kind,
            heroes=found.heroes,
        )
        draw(panel, current.token)


def _judged(current: Current, item: Lesson, guess: tuple[str, ...], answer: tuple[str, ...]) -> str:
    """The guess beside the answer."""
    right, mine, is_so = item.guess.right(guess, answer), *(_words(current, item, x) for x in (guess, answer))
    if item.guess.first:
        return f"You guessed {mine}. It is {is_so}: **{right} of {len(answer)} in their place**."
    if right:
        return f"You guessed **{mine}**: right."
    return f"You guessed **{mine}**; it is **{is_so}**."
