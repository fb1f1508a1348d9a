"""Sharing a view: its link and, where the data are somebody's own, the files that must go with it.

The other end is :mod:`perturbviz.ui.receive`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from perturbviz.benchmark import Benchmark, save
from perturbviz.errors import UserError
from perturbviz.models.recipe import Recipe, data_of
from perturbviz.panels.captions import escape
from perturbviz.report.explore import explore
from perturbviz.report.parts import Source
from perturbviz.ui import embeddings, recipes, session, sources
from perturbviz.ui.current import Current

_PAGE = "_page"  # session: (content of its data, HTML)
_WANTED = "_page_wanted"  # session: content of the data whose page is asked for
PICTURE = "Whoever opens this link sees this picture."
_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Needed:
    """A file that a link needs at the other end: its name, and its content where this session has it."""

    name: str
    content: Callable[[], bytes] | None


def as_bytes(benchmark: Benchmark) -> bytes:
    """The canonical file of a benchmark."""
    with tempfile.TemporaryDirectory(prefix="perturbviz-") as folder:
        return save(benchmark, Path(folder) / "benchmark.h5ad").read_bytes()


def share_popover(current: Current) -> None:
    """The link of what is shown, and a button for every file that must be sent with it."""
    with st.popover("Share", icon=":material/link:", key="_link", on_change="rerun") as box:
        if not box.open:
            return
        files = needed(current.view.data)
        st.caption(_words(files))
        st.code(session.full_link(), language=None)
        if urlsplit(session.full_link()).hostname in _HERE:
            st.caption(
                "perturbviz runs on this machine only. Elsewhere what follows the “?” goes behind that app's address."
            )
        for i, file in enumerate(files):
            if file.content is not None:
                st.download_button(
                    f"Save {escape(file.name)}",
                    file.content,
                    file.name,
                    key=f"_share_{i}",
                    on_click="ignore",
                    icon=":material/save:",
                )
        if current.source is not None:
            _interactive_page(current.source)


def _interactive_page(source: Source) -> None:
    """A button that makes the explorable of the data, and then one that hands it out."""
    st.caption(
        "**Interactive page**: one file in which metric, reference, genes and average stay switches. It opens from "
        "disk, without a network. Making it ranks every view, which takes a minute or more."
    )
    made = st.session_state.get(_PAGE)
    if made is None or made[0] != source.content_id:
        # A callback rather than the button's value: it is not lost where a page starts itself again.
        wanted = (_WANTED, source.content_id)
        st.button("Make the interactive page", key="make-page", on_click=session.set_extra, args=wanted)
    if st.session_state.pop(_WANTED, None) == source.content_id:
        bar = st.progress(0.0, "Ranking every view …")

        def tell(done: float) -> None:
            bar.progress(min(done, 1.0), f"Ranking every view … {done:.0%}")

        page = explore(source, progress=tell)
        bar.empty()
        made = st.session_state[_PAGE] = (source.content_id, page.html)
    if made is not None and made[0] == source.content_id:
        st.download_button(
            f"Download the interactive page ({len(made[1]) / 1e6:.1f} MB)",
            made[1],
            "perturbviz-page.html",
            mime="text/html",
            key="download-page",
            on_click="ignore",
            icon=":material/download:",
        )


def needed(data: str) -> list[Needed]:
    """Files that a link to these data needs elsewhere: own data, what its models learnt from, embeddings."""
    tables = dict.fromkeys(table for link in recipes.added(data) for table in _tables(link))
    out = []
    for one in dict.fromkeys([data, *(d for t in tables if (d := data_of(t)) is not None)]):
        source = sources.own().get(one)
        if source is not None:
            content = partial(as_bytes, source) if isinstance(source, Benchmark) else None
            out.append(Needed(sources.own_file(one), content))
    files = embeddings.own_files()
    return out + [Needed(files[t][0], partial(bytes, files[t][1])) for t in tables if t in files]


def _tables(link: str) -> tuple[str, ...]:
    try:
        return Recipe.from_link(link).tables
    except UserError:
        return ()


def _words(files: list[Needed]) -> str:
    if not files:
        return PICTURE
    what = "this file" if len(files) == 1 else "these files"
    lost = [f"“{escape(f.name)}”" for f in files if f.content is None]
    yours = f" You opened {' and '.join(lost)} yourself: send it as it is." if lost else ""
    return f"Send this link **and** {what}: the link says what to show, the file holds the data.{yours}"
