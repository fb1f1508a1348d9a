"""The view in the session and in the address bar, and whatever else a session remembers.

Widgets keep their values under the names of the view's fields; the address bar is written after every run and read
when a session starts or the address changes under it (a followed link, the back button). Streamlit's own binding of
widgets to the address is not used since it writes labels, not ids, and forbids ``st.switch_page``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from perturbviz.analyses.rulers import FIRST_METRIC
from perturbviz.scoring.view import View, split_genes
from perturbviz.ui import choose, sources

Query = dict[str, list[str]]
HOME = ("", "rankings")  # the first page, as links and the menu write it
FIRST_SECTION = "This view"  # of Rankings: the one that stays out of the link


@dataclass(frozen=True)
class Parameter:
    """A parameter of a link that is no field of the view.

    Attributes
    ----------
    name
        As in the link and in ``st.session_state``.
    pages
        Pages ("page", or "page:section") that use it: elsewhere it is not in the address. () for all.
    default
        The value that stays out of the link.
    of_data
        Whether it belongs to the data rather than to a view: a link to another view keeps it.
    """

    name: str
    pages: tuple[str, ...] = ()
    default: str = ""
    of_data: bool = False


def _used_on(page: str, *names: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, (page,)) for name in names)


#: Every parameter of a link beside the view's, in the order of the link.
PARAMETERS = (
    Parameter("pin", ("rankings:This view",)),
    Parameter("p", ("errors", "profiles", "interactions", "linear_model")),
    Parameter("gene", ("profiles", "interactions")),
    Parameter("method", ("rankings:Every view", "rankings:Retrieval", "interactions")),
    Parameter("against", ("errors",)),
    *(Parameter(name, ("rankings:As in a paper",)) for name in ("paper", "switch")),
    Parameter("section", ("rankings",), default=FIRST_SECTION),
    Parameter("data_section", ("data",), default="Loaded"),
    *_used_on("guide", "guide"),
    *_used_on("rankings", "lesson"),
    Parameter("step", ("rankings",), default="1"),
    *_used_on("interactions", "ix", "rule", "fdr", "lower", "upper", "calls", "side", "curve", "score"),
    *_used_on("linear_model", "recipe", "unseen", "beside"),
    Parameter("look", ("linear_model",), default="map"),
    *_used_on("linear_model", "from", "to"),
    *_used_on("goodhart", "lab", "start", "knobs", "mx", "my"),
    *_used_on("calibration", "pos", "neg"),
    Parameter("present"),
    Parameter("lm", of_data=True),  # models added (ui/recipes.py)
    Parameter("col", of_data=True),  # colours of methods (ui/colours.py)
    Parameter("controls", of_data=True),  # controls among the methods
    Parameter("ceiling", of_data=True),  # what a perfect prediction scores
    Parameter("file", of_data=True),  # name of the file, where the data are somebody's own
)


@dataclass
class Memory:
    """What a session remembers beside the values of its widgets.

    Attributes
    ----------
    page
        Name of the page that runs.
    methods
        Slugs of every method of the current data.
    open_fields
        Fields of the view that were chosen, where the others are left to the data's defaults; None where all stand.
    reference
        The last reference before a metric without one.
    address, said
        The address as it was last read or written, and the parameters that this amounts to.
    arrived
        Whether a link has just been followed.
    deferred
        Values of widgets for the next run.
    bare
        The parameters that were written to the address of the first page, which had none; {} until then.
    opened, notice
        The last values whose data could be opened, and a sentence that says why they came back.
    """

    page: str = ""
    methods: tuple[str, ...] = ()
    open_fields: set[str] | None = None
    reference: str = "control"
    address: Query | None = None
    said: Query = field(default_factory=dict)
    arrived: bool = False
    bare: Query | None = None
    deferred: dict[str, object] = field(default_factory=dict)
    opened: dict[str, object] = field(default_factory=dict)
    notice: str = ""


def memory() -> Memory:
    """What this session remembers."""
    return st.session_state.setdefault("_memory", Memory())


# -- the view --------------------------------------------------------------------------------------------------------
def view_of(query: Mapping[str, list[str]]) -> View:
    """View of a link; a metric beyond the catalogue may be a score table's own, which shows when the data are open."""
    return View.from_query(query, query.get("metric", ()))


def view() -> View:
    """The current view, from the session's widgets."""
    values: dict[str, Any] = {}
    for item in fields(View):
        value = choose.read(item.name)
        if value is None:
            continue
        if item.name == "own":
            value = split_genes(value)
        values[item.name] = tuple(value) if isinstance(value, list) else value
    if set(values.get("show", ())) == set(memory().methods):
        values.pop("show", None)  # all of them is the default and stays out of the link
    return View(**values)


def set_view(new: View, explicit: set[str] | None = None) -> None:
    """Put a view into the widgets; call it before they are drawn or in a callback.

    Parameters
    ----------
    explicit
        Fields that a link names; the others are left to the data's defaults (see ``controls/sidebar.py``).
    """
    memory().open_fields = {item.name for item in fields(View)} if explicit is None else explicit
    for item in fields(View):
        value = " ".join(new.own) if item.name == "own" else getattr(new, item.name)
        put(item.name, list(value) if item.name == "show" else value)


def put(name: str, value: object) -> None:
    """Set a widget's value from outside it, before it is drawn."""
    if name not in st.session_state or st.session_state[name] != value:
        st.session_state[name] = value


def owner() -> str:
    """What tells this session from others where they wait for one another, or may have only so much each."""
    return st.session_state.setdefault("_owner", secrets.token_hex(8))


def extra(name: str, default: str = "") -> str:
    """A parameter of the link that is not part of the view."""
    return str(st.session_state.get(name) or default)


def set_extra(name: str, value: str) -> None:
    """Set such a parameter; "" removes it."""
    st.session_state[name] = value


# -- a run, from its beginning to its end ----------------------------------------------------------------------------
def begin(home: bool = False) -> None:
    """First in a run, before any widget is drawn: take over deferred values and a link that was followed.

    Parameters
    ----------
    home
        Whether the page is the first one: without any parameters it opens on the metric of the first screen. An old
        link that names data, genes or another page and no metric means L2 as ever.
    """
    deferred, memory().deferred = memory().deferred, {}
    for name, value in deferred.items():
        put(name, value)
    query = _address()
    if memory().address is None and home and not query:
        set_view(first_view(sources.first()), explicit=set())
        memory().address, memory().said, memory().bare = query, {}, {}
    elif memory().address is None or (query and query != memory().address):
        _follow(query)


def first_view(data: str) -> View:
    """The view on which data open by a click or by an address without parameters."""
    return View(data=data, metric=FIRST_METRIC)


def _follow(query: Query) -> None:
    """Take over an address that the session did not write itself."""
    there = view_of(query)
    set_view(there if "data" in query else there.with_(data=sources.first()), explicit=set(query))
    given = {p.name: query[p.name][-1:] for p in PARAMETERS if query.get(p.name)}
    for name, (value,) in given.items():
        st.session_state[name] = value
    if "controls" not in query:  # they change what counts as the truth: a link without them must not inherit them
        st.session_state.pop("controls", None)
    memory().address, memory().said, memory().arrived = query, there.to_query() | given, True


def write_link() -> None:
    """Last in a run: bring the address bar up to date.

    The link that led here stays as it is, so that Back leads away from it. So does an address that says the same in
    more words: rewriting it would add a step to the browser's history.
    """
    if memory().arrived:
        memory().arrived = False
        return
    wanted, address = query(), _address()
    if not address and memory().bare and wanted == memory().bare:
        return  # Back led to where the browser began: writing again would keep it from going further
    if wanted != (memory().said if address == memory().address else {}):
        if memory().bare == {}:
            memory().bare = wanted
        st.query_params.from_dict(wanted)
        address = memory().said = wanted
    memory().address = address


def _address() -> Query:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def page(name: str = "") -> str:
    """Name of the page that runs; given a name, remembers it."""
    if name:
        memory().page = name
    return memory().page


def defer(**values: object) -> None:
    """Set widgets' values after they were drawn: kept for the next run, which starts at once."""
    memory().deferred = values
    st.rerun()


# -- links -----------------------------------------------------------------------------------------------------------
def query(of: str = "", here: View | None = None) -> Query:
    """What the address of a page (the one that runs) says: view and parameters that it uses, defaults left out.

    ``here``: the current view, where the caller has it.
    """
    here, on = here or view(), of or page()
    section = f"{on}:{extra('section', FIRST_SECTION)}"
    out: Query = {}
    # Where the server was started on a benchmark, the demo is not what an address without data means.
    if sources.first() != View().data:
        out["data"] = [here.data]
    out |= here.to_query()
    for parameter in PARAMETERS:
        value = _file(here.data) if parameter.name == "file" else extra(parameter.name)
        used = not parameter.pages or on in parameter.pages or section in parameter.pages
        if used and value and value != parameter.default:
            out[parameter.name] = [value]
    return _not_bare(on, out)


def _not_bare(page: str, parameters: Query) -> Query:
    """The home page without any parameter opens on another metric than the view's default, which is named then."""
    return parameters or ({"metric": [View().metric]} if page in HOME else {})


def _file(data: str) -> str:
    """Name of the file that a link to these data needs at the other end, "" where it needs none."""
    return sources.own_file(data) or (extra("file") if sources.missing(data) else "")


def link(page: str, changes: Mapping[str, str | list[str]] | View | None = None) -> str:
    """Address of a page with a view, relative to the app: for links in text and tables."""
    here = query(page)
    parameters: Mapping[str, str | list[str]]
    if isinstance(changes, View):
        kept = {p.name: here[p.name] for p in PARAMETERS if p.of_data and p.name in here}
        parameters = _not_bare(page, {**changes.to_query(), **kept})
    else:
        parameters = dict(here) | dict(changes or {})
    return f"{page}?{urlencode(parameters, doseq=True)}" if parameters else page


def full_link() -> str:
    """Address of this page and view, complete, as the browser would show it after this run."""
    base = (st.context.url or "").partition("?")[0]
    parameters = urlencode(query(), doseq=True)
    return f"{base}?{parameters}" if parameters else base


# -- where data cannot be opened -------------------------------------------------------------------------------------
def remember() -> None:
    """Keep what is open and how it is looked at: what comes back where something else cannot be opened."""
    names = [*(item.name for item in fields(View)), *(p.name for p in PARAMETERS)]
    memory().opened = {name: st.session_state[name] for name in names if name in st.session_state}


def go_back(sentence: str) -> None:
    """Show what was open before, with a sentence that says why; does nothing where a link led here."""
    before = memory().opened
    if not before or before.get("data") == st.session_state.get("data") or memory().arrived:
        return
    memory().notice, memory().open_fields = sentence, None
    defer(**before)


def notice() -> str:
    """The sentence of :func:`go_back`, once."""
    said, memory().notice = memory().notice, ""
    return said


def open_data(data: str, **values: object) -> None:
    """Start again on other data, with their own defaults; ``values`` of further widgets."""
    memory().open_fields = set()
    defer(data=data, show=[], **values)
