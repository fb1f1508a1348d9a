"""The view in the session and in the address bar.

Widgets keep their values under the names of the view's fields; the address bar is written after every run and read
when a session starts or the address changes under it (a followed link, the back button). Streamlit's own binding of
widgets to the address is not used since it writes labels, not ids, and forbids ``st.switch_page``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from urllib.parse import urlencode

import streamlit as st

from perturbviz.scoring.view import View
from perturbviz.ui import choose, sources

_LINEAR = ("recipe", "unseen", "beside", "look", "from", "to")
_LAB = ("lab", "start", "knobs", "mx", "my")
_PAIRS = ("ix", "rule", "fdr", "lower", "upper", "calls", "side", "curve", "score")
#: Parameters of a link that are not part of the view, and the pages ("page", "page:section") that use them: elsewhere
#: they are not in the address.
USED_ON = {
    "pin": ("rankings:This view",),
    "p": ("errors", "profiles", "interactions", "linear_model"),
    "gene": ("profiles", "interactions"),
    "method": ("rankings:Every view", "rankings:Retrieval", "interactions"),
    "against": ("errors",),
    "section": ("rankings",),
    "guide": ("guide",),
    "lesson": ("guide",),
    **dict.fromkeys(_PAIRS, ("interactions",)),
    **dict.fromkeys(_LINEAR, ("linear_model",)),
    **dict.fromkeys(_LAB, ("goodhart",)),
    **dict.fromkeys(("pos", "neg"), ("calibration",)),
}
#: Those that belong to the data rather than to a view: models added to it, colours given to methods (ui/colours.py),
#: controls and the ceiling drawn into the charts, the name of its file where it is somebody's own.
OF_DATA = ("lm", "col", "controls", "ceiling", "file")
#: All of them; the presentation can be on everywhere.
EXTRA = (*USED_ON, "present", *OF_DATA)

_PAGE = "_page"  # session: name of the page that runs

#: Values of these parameters that stay out of the link.
DEFAULTS = {"section": "This view", "look": "map"}

ALL_METHODS = "_all_methods"  # session: slugs of every method of the current data

_WRITTEN = "_written_link"
_ADOPTED = "_adopted_link"
_READY = "_view_ready"
_DEFERRED = "_deferred"
_OPENED = "_opened"  # session: the last view whose data could be opened
_NOTICE = "_notice"
_PUT = "_values_were_put"
_DRAWN = "_controls_were_drawn"


def view_of(query: Mapping[str, list[str]]) -> View:
    """View of a link; a metric beyond the catalogue may be a score table's own, which shows when the data are open."""
    return View.from_query(query, query.get("metric", ()))


def view() -> View:
    """The current view, from the session's widgets."""
    query: dict[str, list[str]] = {}
    for field in fields(View):
        value = choose.read(field.name)
        if value is None:
            continue
        values = value if isinstance(value, list | tuple) else [value]
        query[field.name] = [str(v) for v in values]
    if set(query.get("show", ())) == set(st.session_state.get(ALL_METHODS, ())):
        query.pop("show", None)  # all of them is the default and stays out of the link
    return view_of(query)


def put(name: str, value: object) -> None:
    """Set a widget's value from outside it, before it is drawn."""
    if name not in st.session_state or st.session_state[name] != value:
        st.session_state[name] = value
        st.session_state[_PUT] = True


def values_were_put() -> bool:
    """Whether widgets got values from outside in this run, of which the browser does not know yet.

    The controls must then be drawn before the page: a click while it computes would bring back their old values.
    In a session's first run there are none.
    """
    first = _DRAWN not in st.session_state
    st.session_state[_DRAWN] = True
    return bool(st.session_state.pop(_PUT, False)) and not first


def adopt_link() -> None:
    """Take over the address bar where it says something the session did not write itself."""
    query = {k: st.query_params.get_all(k) for k in st.query_params}
    if st.session_state.get(_READY) and (not query or query == st.session_state.get(_WRITTEN)):
        return
    view = view_of(query)
    set_view(view if "data" in query else view.with_(data=sources.first()), explicit=set(query))
    for name in EXTRA:
        if name in query:
            st.session_state[name] = query[name][-1]
    if "controls" not in query:  # they change what counts as the truth: a link without them must not inherit them
        st.session_state.pop("controls", None)
    st.session_state[_READY] = True
    st.session_state[_WRITTEN] = query  # taken over once: a page that stops early must not take it over again
    st.session_state[_ADOPTED] = True


def set_view(new: View, explicit: set[str] | None = None) -> None:
    """Put a view into the widgets; call it before they are drawn or in a callback.

    Parameters
    ----------
    explicit
        Fields that a link names; the others are left to the benchmark's defaults (see the sidebar).
    """
    st.session_state["_explicit"] = {f.name for f in fields(View)} if explicit is None else explicit
    for field in fields(View):
        value = " ".join(new.own) if field.name == "own" else getattr(new, field.name)
        put(field.name, list(value) if field.name == "show" else value)


def extra(name: str, default: str = "") -> str:
    """A parameter of the link that is not part of the view."""
    return str(st.session_state.get(name) or default)


def set_extra(name: str, value: str) -> None:
    """Set such a parameter; "" removes it."""
    st.session_state[name] = value


def page(name: str = "") -> str:
    """Name of the page that runs; given a name, remembers it."""
    if name:
        st.session_state[_PAGE] = name
    return st.session_state.get(_PAGE, "")


def query(of: str = "") -> dict[str, list[str]]:
    """What the address of a page (the one that runs) says: view and parameters that it uses, defaults left out."""
    here = view()
    values = {**{n: extra(n) for n in EXTRA}, "file": _file(here.data)}
    extras = {n: [v] for n, v in values.items() if v and v != DEFAULTS.get(n) and _uses(of or page(), n)}
    # Where the server was started on a benchmark, the demo is not what an address without data means.
    data = {} if sources.first() == View().data else {"data": [here.data]}
    return {**data, **here.to_query(), **extras}


def _uses(page: str, name: str) -> bool:
    """Whether a page, in the section that is open, uses a parameter."""
    places = (page, f"{page}:{extra('section', DEFAULTS['section'])}")
    return name not in USED_ON or any(place in USED_ON[name] for place in places)


def _file(data: str) -> str:
    """Name of the file that a link to these data needs at the other end, "" where it needs none."""
    return sources.own_file(data) or (extra("file") if sources.missing(data) else "")


def write_link() -> None:
    """Bring the address bar up to date; the link that led here stays as it is, so that Back leads away from it."""
    if st.session_state.pop(_ADOPTED, False):
        return
    wanted, address = query(), {k: st.query_params.get_all(k) for k in st.query_params}
    # An address that says the same in more words stays: rewriting it would add a step to the browser's history.
    said = view_of(address).to_query() | {n: address[n][-1:] for n in EXTRA if address.get(n)}
    if wanted != said:
        st.query_params.from_dict(wanted)
        address = wanted
    st.session_state[_WRITTEN] = address


def link(page: str, changes: Mapping[str, str | list[str]] | View | None = None) -> str:
    """Address of a page with a view, relative to the app: for links in text and tables."""
    here = query(page)
    parameters: Mapping[str, str | list[str]]
    if isinstance(changes, View):
        parameters = {**changes.to_query(), **{name: here[name] for name in OF_DATA if name in here}}
    else:
        parameters = dict(here) | dict(changes or {})
    return f"{page}?{urlencode(parameters, doseq=True)}" if parameters else page


def full_link() -> str:
    """Address of this page and view, complete, as the browser would show it after this run."""
    base = (st.context.url or "").partition("?")[0]
    parameters = urlencode(query(), doseq=True)
    return f"{base}?{parameters}" if parameters else base


def defer(**values: object) -> None:
    """Set widgets' values from below them: kept for the next run, which starts at once."""
    st.session_state[_DEFERRED] = values
    st.rerun()


def remember() -> None:
    """Keep what is open and how it is looked at: what comes back where something else cannot be opened."""
    names = [*(f.name for f in fields(View)), *EXTRA]
    st.session_state[_OPENED] = {name: st.session_state[name] for name in names if name in st.session_state}


def go_back(sentence: str) -> None:
    """Show what was open before, with a sentence that says why; does nothing where a link led here."""
    before = st.session_state.get(_OPENED)
    if not before or before.get("data") == st.session_state.get("data") or st.session_state.get(_ADOPTED):
        return
    st.session_state[_NOTICE] = sentence
    defer(**before, _explicit=None)


def notice() -> str:
    """The sentence of :func:`go_back`, once."""
    return st.session_state.pop(_NOTICE, "")


def apply_deferred() -> None:
    """Put deferred values into their widgets, before any is drawn."""
    for name, value in st.session_state.pop(_DEFERRED, {}).items():
        put(name, value)
