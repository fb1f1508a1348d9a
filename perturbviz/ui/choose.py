"""Choices among options: the one place that draws menus, segmented controls, pills and sliders of options.

The browser sends back the *label* of an option, not its value, and Streamlit hands a label that it does not know on as
if it were a value. A label that changes while the page is open (a method is renamed, a file has been downloaded) would
so become part of the view. Here every label that was ever shown is remembered with its option: a late label stands for
that option, and what stands for none gives way to the default. Labels should stay as they are all the same: what
changes (sizes, counts, verdicts) belongs beside the control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from perturbviz.panels.captions import escape

MARKDOWN = ("pills", "segmented_control")  # Streamlit obeys marks in their labels
_SHOWN = "_shown_options"  # session: key of a widget -> what it showed
Words = Callable[[Any], Any] | Mapping[Any, str]


@dataclass
class Shown:
    """What a widget offered: its last options with their labels, and the option of every label it ever showed."""

    labels: dict[Any, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def known(self, value: Any) -> Any:
        """The option that a value from the browser stands for; other values stay, they come from the program."""
        if isinstance(value, list):
            return [self.known(v) for v in value]
        return value if value in self.labels else self.options.get(value, value)

    def show(self, labels: Mapping[Any, str]) -> None:
        """Remember what is shown now; labels that are their options need no memory."""
        self.labels = dict(labels)
        self.options |= {label: option for option, label in labels.items() if label != option}


def _shown() -> dict[str, Shown]:
    return st.session_state.setdefault(_SHOWN, {})


def distinct(options: Iterable[Any], words: Words = str) -> dict[Any, str]:
    """Option -> label, no two alike: what shares its label with another gets its id beside it."""
    write = words.__getitem__ if isinstance(words, Mapping) else words
    labels = {option: str(write(option)) for option in options}
    often = Counter(labels.values())
    return {option: label if often[label] == 1 else f"{label} ({option})" for option, label in labels.items()}


def read(key: str) -> Any:
    """The value of a widget as the program knows it, also before the widget is drawn; None where there is none."""
    value, shown = st.session_state.get(key), _shown().get(key)
    return value if shown is None else shown.known(value)


def mend() -> None:
    """First thing in a run: put options in place of labels that the browser sent although they are shown no longer."""
    for key, shown in _shown().items():
        if (
            shown.options
            and key in st.session_state
            and (known := shown.known(value := st.session_state[key])) != value
        ):
            st.session_state[key] = known


def _mended(callback: Callable[..., Any], *args: Any) -> None:
    """A callback comes before the run."""
    mend()
    callback(*args)


def _draw(
    kind: str,
    label: str,
    options: Iterable[Any],
    key: str,
    words: Words,
    place: Any,
    default: tuple[str, Any],
    rest: dict[str, Any],
) -> Any:
    """Draw a widget of Streamlit's; ``default``: name of that argument, and what replaces an unknown value."""
    shown = _shown().setdefault(key, Shown())
    labels, many = distinct(options, words), isinstance(default[1], list)
    if kind in MARKDOWN:
        labels = {option: escape(label) for option, label in labels.items()}
    if kind == "select_slider":  # Streamlit takes the default for a late label, silently: a label stays what it was
        labels = {option: shown.labels.get(option, label) for option, label in labels.items()}
    if key in st.session_state:
        value = st.session_state[key]
        known = shown.known(value)
        if many:
            known = [v for v in known or () if v in labels]
        elif known is not None and known not in labels:
            known = default[1]
        if known != value and not (many and list(value or ()) == known):
            st.session_state[key] = known
        rest.pop(default[0], None)  # Streamlit warns of two defaults
    shown.show(labels)
    if rest.get("on_change"):
        rest["args"] = (rest["on_change"], *rest.get("args", ()))
        rest["on_change"] = _mended
    draw = getattr(st if place is None else place, kind)
    return draw(label, list(labels), key=key, format_func=lambda option: labels.get(option, str(option)), **rest)


def selectbox(
    label: str, options: Iterable[Any], *, key: str, words: Words = str, place: Any = None, **rest: Any
) -> Any:
    """A menu; see :func:`streamlit.selectbox`. ``words``: labels of the options; ``place``: a column or container."""
    options = list(options)
    index = rest.get("index", 0)
    first = options[index] if options and index is not None else None
    return _draw("selectbox", label, options, key, words, place, ("", first), rest)


def multiselect(
    label: str, options: Iterable[Any], *, key: str, words: Words = str, place: Any = None, **rest: Any
) -> list[Any]:
    """A menu of which several can be chosen; see :func:`streamlit.multiselect`."""
    return _draw("multiselect", label, options, key, words, place, ("default", []), rest)


def segmented_control(
    label: str, options: Iterable[Any], *, key: str, words: Words = str, place: Any = None, **rest: Any
) -> Any:
    """One of a few, always chosen; see :func:`streamlit.segmented_control`."""
    options = list(options)
    rest = {"required": True, "default": options[0]} | rest
    return _draw("segmented_control", label, options, key, words, place, ("default", rest["default"]), rest)


def pills(
    label: str, options: Iterable[Any], *, key: str, words: Words = str, place: Any = None, **rest: Any
) -> list[Any]:
    """Any of a few; see :func:`streamlit.pills`."""
    rest["selection_mode"] = "multi"
    return _draw("pills", label, options, key, words, place, ("default", []), rest)


def select_slider(
    label: str, options: Iterable[Any], *, key: str, words: Words = str, place: Any = None, **rest: Any
) -> Any:
    """A slider over options; see :func:`streamlit.select_slider`."""
    options = list(options)
    return _draw("select_slider", label, options, key, words, place, ("value", rest.get("value", options[0])), rest)
