"""A link to somebody's own data: the page names the file it needs, takes it in place and shows the view."""

from __future__ import annotations

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.models.recipe import Recipe
from perturbviz.panels.captions import escape
from perturbviz.readers.base import Options
from perturbviz.ui import recipes, session, sources, uploads

_FILE = "_awaited_file"


def receive(data: str) -> None:
    """Ask for the file of a link whose data are not here; where it comes the page starts again and shows the view."""
    by_name = data.startswith("file:")  # of somebody's server: the link does not say what is in it
    name = data.removeprefix("file:") if by_name else session.extra("file")
    wanted = f"the file “{escape(name[:120])}”" if name else f"the data with the id {escape(data[:40])}"
    st.info(
        f"This link needs {wanted}. Ask the sender for the file and drop it here: the view then opens. "
        "It stays in this session and is never stored.",
        icon=":material/attach_file:",
    )
    if uploads.refused():
        return
    file = st.file_uploader("The file of this link", key=_FILE, label_visibility="collapsed")
    if file is None:
        return
    try:
        with st.spinner("Reading and checking …"):
            source = uploads.as_source(uploads.read_uploads([file], Options(), session.owner()), Options()).source
    except UserError as error:
        st.error(escape(str(error)))
        return
    found = matching(source, data)
    if found is not None:
        sources.add_own(found, data)
        st.rerun()
    if by_name:
        _open(source)
    st.warning(
        f"“{escape(file.name)}” holds other data than the link is about. Ask the sender for the file that goes with "
        "this link, or open this one under the link's view.",
        icon=":material/difference:",
    )
    if st.button("Open this file", key="_open_other"):
        _open(source)


def _open(source: sources.Source) -> None:
    """Show other data under the view of the link."""
    sources.add_own(source, source.content_id)
    session.defer(data=source.content_id)


def matching(source: sources.Source, data: str) -> sources.Source | None:
    """What a file holds, if it is the data of this id: as they are, or without the models that the link adds itself."""
    if source.content_id == data:
        return source
    if not isinstance(source, Benchmark):
        return None
    plain = source
    for link in recipes.added(data):
        try:
            plain = plain.without_method(Recipe.from_link(link).slug)
        except UserError:  # not a recipe
            continue
    return plain if plain.content_id == data else None
