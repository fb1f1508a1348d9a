"""The one place that draws: Plotly figures in a component that redraws them in place.

``st.plotly_chart`` builds a chart anew at every change of its data. This component keeps the graph and gives it the
new figure (``Plotly.react``), so zoom, hidden methods and selections stay and points glide to their new place.

The browser's part stands in ``browser/``, which ``ui.server`` hands out. ``PERTURBVIZ_CHARTS=streamlit`` draws with
``st.plotly_chart`` instead, ``PERTURBVIZ_GLIDE=0`` lets points jump.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import orjson
import streamlit as st

from perturbviz.panels.captions import footnoted
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import THEME_COLOURS, figure_dict, recoloured, scaled
from perturbviz.panels.panel import Panel
from perturbviz.panels.spreadsheet import csv_bytes, marked_methods, with_about

DEFAULT_HEIGHT = 420
_NOT_SENT = {"showSendToCloud": False}  # plotly.js offers to upload a chart, unless it is told not to
SCALE = "_chart_scale"  # session: see scale()
_SEEING = "_seeing"  # session: ids of the methods that have seen the truth
_ABOUT = "_about_figures"  # session: what figures are about, for those that leave the app
#: State and message last sent of a panel, for as long as somebody keeps the panel.
_SENT: WeakKeyDictionary[Panel, tuple[tuple[Any, ...], bytes]] = WeakKeyDictionary()

_mount = st.components.v2.component(
    "perturbviz_chart", js=Path(__file__).with_name("loader.js").read_text(encoding="utf-8"), isolate_styles=False
)


@dataclass(frozen=True)
class Event:
    """What the user did in a chart.

    Attributes
    ----------
    clicked
        ``customdata`` of the point just clicked; None on every later run.
    selected
        ``customdata`` of the points in the current box or lasso selection.
    """

    clicked: Any = None
    selected: list[Any] = field(default_factory=list)


def draw(panel: Panel, token: str) -> Event:
    """Draw a panel, or move the one drawn under its key to its new state.

    Parameters
    ----------
    token
        Mark of the state shown, as a rule the view's: ``current.token``.

    Returns
    -------
    Event
        Empty unless the panel reports selections.
    """
    seeing, about = st.session_state.get(_SEEING, ()), _about()
    with st.container(key=f"pv-frame-{panel.key}", gap=None):
        if os.environ.get("PERTURBVIZ_CHARTS") == "streamlit":
            event = _streamlit_chart(panel, token)
        else:
            event = _component_chart(_sent(panel, token), panel.key, panel.select)
        if panel.table is not None:
            st.download_button(
                "CSV",
                data=lambda: csv_bytes(with_about(marked_methods(panel.numbers(), seeing), about)),
                file_name=f"{_file_name(panel)}.csv",
                mime="text/csv",
                key=f"csv:{panel.key}",
                on_click="ignore",
            )
    return event


def _sent(panel: Panel, token: str) -> bytes:
    """The message to the browser, kept with the panel as long as that lives and is shown in the same state."""
    state = token, scale(), _glides(), _lines()
    known = _SENT.get(panel)
    if known is None or known[0] != state:
        known = _SENT[panel] = state, payload(panel, token)
    return known[1]


def _about() -> Mapping[str, str]:
    """What charts of this run are about: see :func:`keep_about`."""
    return st.session_state.get(_ABOUT, {})


def _lines() -> tuple[str, ...]:
    """What an SVG says below the figure; the link is that of the address bar, which the browser knows."""
    return tuple(text for name, text in _about().items() if name != "link")


def _glides() -> bool:
    return os.environ.get("PERTURBVIZ_GLIDE", "1") != "0"


def _file_name(panel: Panel) -> str:
    """Name of downloaded files without extension, of letters that every system takes."""
    return re.sub(r"[^\w.+-]+", "-", panel.filename or panel.key).strip("-.") or "chart"


def _note(panel: Panel) -> str:
    """What stands under the chart."""
    return f"{panel.caption} {panel.hint}".strip()


def _meta(spec: Mapping[str, Any], panel: Panel, token: str) -> dict[str, Any]:
    """Which state a figure shows, and what its axes are: zoom is kept while that stays the same."""
    return {**spec["layout"].get("meta", {}), "token": token, "axes": "|".join(map(str, panel.axes))}


def keep_about(seeing: Sequence[str], about: Mapping[str, str]) -> None:
    """Tell the charts of this run what files of them say.

    Parameters
    ----------
    seeing
        Methods (ids) that have seen the truth: tables of ids say so in a further column.
    about
        Data set, view, source and link: the lines below an SVG, and columns of a CSV.
    """
    st.session_state[_SEEING], st.session_state[_ABOUT] = tuple(seeing), dict(about)


def scale() -> float:
    """How much larger than usual charts are drawn: 1, or what presentation mode asks for."""
    return float(st.session_state.get(SCALE, 1))


def payload(panel: Panel, token: str) -> bytes:
    """Encode what the browser needs as JSON bytes that start with a digest of the rest.

    The digest lets the browser see without parsing that nothing has changed. Data and layout of the figure are JSON
    strings in the JSON, because colours are swapped in their text whenever the theme changes and the browser compares
    them with what is drawn; the layout is without ``meta``, so that a chart which looks the same in another state of
    the app is not drawn again.
    """
    spec = figure_dict(panel.figure)
    bare = {name: value for name, value in spec["layout"].items() if name != "meta"}
    data, layout = (_json(scaled(part, scale())).decode() for part in (spec["data"], bare))
    body = {
        "key": panel.key,
        "data": data,
        "layout": layout,
        "meta": _meta(spec, panel, token),
        "question": panel.question,
        "alt": re.sub(r"\*\*|\\(?=\W)", "", panel.alt),  # sentences are written in Markdown
        "note": footnoted(_note(panel), panel.question, data, layout),
        "filename": _file_name(panel),
        "height": int(
            (panel.height or spec["layout"].get("height") or DEFAULT_HEIGHT) * (0.75 + 0.25 * scale())
        ),  # the screen is no taller
        "select": panel.select,
        "csv": panel.table is not None,
        "about": list(_lines()),
        "glide": _glides(),
        "dark": THEME_COLOURS,
        "plotly": version("plotly"),
    }
    text = _json(body)
    return b'{"id":"' + blake2b(text, digest_size=8).hexdigest().encode() + b'",' + text[1:]


def _json(value: Any) -> bytes:
    """As Plotly writes it (NaN is null), without its way through a figure value by value."""
    return orjson.dumps(value, _plain, orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)


def _plain(value: Any) -> Any:
    """What orjson leaves to others: arrays of text or not in one piece, columns of tables."""
    array = np.asarray(value)
    return np.ascontiguousarray(array) if array.dtype.kind in "biuf" else array.tolist()


def _component_chart(data: bytes, key: str, select: bool) -> Event:
    name = f"chart:{key}"
    if not select:
        _mount(key=name, data=data)
        return Event()
    result = _mount(key=name, data=data, on_clicked_change=_ignore, on_selected_change=_ignore)
    return Event(result.clicked, list(result.selected or ()))


def _ignore() -> None:
    """Stand in for the callbacks that Streamlit wants for every value a component may set."""


def _streamlit_chart(panel: Panel, token: str) -> Event:
    """Draw with Streamlit's own element: rebuilt at every change, but without own browser code."""
    spec = figure_dict(panel.figure)
    spec["layout"]["meta"] = _meta(spec, panel, token)
    if st.context.theme.type == "dark":
        spec = recoloured(spec)
    import plotly.graph_objects as go

    drawn = go.Figure(spec, skip_invalid=True)
    drawn.update_layout(
        title_text=escape(panel.question), height=int(panel.height or drawn.layout.height or DEFAULT_HEIGHT)
    )
    drawn.update_layout(margin_t=72)  # room for the title over a one-row legend
    points: list[dict[str, Any]] = []
    name = f"chart:{panel.key}"
    if panel.select:
        state = st.plotly_chart(drawn, key=name, theme=None, alt=panel.alt, config=_NOT_SENT, on_select="rerun")
        points = [point for point in state.selection.points if point.get("customdata") is not None]
    else:
        st.plotly_chart(drawn, key=name, theme=None, alt=panel.alt, config=_NOT_SENT)
    if note := footnoted(_note(panel), panel.question, _json(spec).decode()):
        st.text(note)
    selected = [point["customdata"] for point in points]
    # Streamlit has no clicks, only selections: one point newly selected is a click, reported once.
    last = f"pv-last:{panel.key}"
    clicked = selected[0] if len(selected) == 1 and st.session_state.get(last) != selected else None
    st.session_state[last] = selected
    return Event(clicked, selected)
