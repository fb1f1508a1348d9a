"""The floor of a redraw: a bare app that holds every setting's figures ready and draws them by ``st.plotly_chart``."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from browser import ROOT
from controls import Link
from plotly.io.json import to_json_plotly
from streamlit.testing.v1 import AppTest

#: page -> setting -> [(key, figure)]
Figures = dict[str, dict[str, list[tuple[str, dict[str, Any]]]]]

#: The setting is chosen by a click like that on a control; a slider waits a while before it reports, so it has one too.
SOURCE = """
import pickle, sys
import plotly.graph_objects as go
import streamlit as st
st.set_page_config(layout="wide")
figures = st.cache_resource(lambda: pickle.load(open(sys.argv[1], "rb")))()
page = st.query_params["page"]
st.title(page)
options, start = list(figures[page]), st.query_params["start"]
with st.sidebar:
    if "slide" in st.query_params:
        chosen = st.select_slider("setting", [start, st.query_params["slide"]], key="setting")
    else:
        chosen = st.segmented_control("setting", options, default=start, required=True, key="setting")
for key, figure in figures[page][chosen]:
    st.plotly_chart(go.Figure(figure, skip_invalid=True), key=f"pv-frame-{key}", theme=None)
"""


def name_of(link: Link) -> str:
    """A setting as one string."""
    return json.dumps(link, sort_keys=True)


def collect(page: str, links: Iterable[Link]) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Figures of a page as the app makes them for every link; a benchmark it draws nothing for gives empty lists."""
    from tests.charts import figures

    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=900)
    for link in links:
        if name_of(link) in found:
            continue
        at.query_params.clear()
        for key, value in link.items():
            at.query_params[key] = value
        at.run()
        if not found and page != "rankings":
            at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception[0].message
        found[name_of(link)] = [(f["key"], _picture(f)) for f in figures(at)]
    return found


def _picture(figure: Mapping[str, Any]) -> dict[str, Any]:
    """A figure whose token says what it looks like: what looks the same in two settings is not redrawn by a click."""
    layout = {name: value for name, value in figure["layout"].items() if name != "meta"}
    text = to_json_plotly({"data": figure["data"], "layout": layout, "question": figure["question"]})
    token = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return {"data": figure["data"], "layout": {**layout, "meta": {"token": token}}}


def changed(
    before: Iterable[tuple[str, Mapping[str, Any]]], after: Iterable[tuple[str, Mapping[str, Any]]]
) -> list[str]:
    """Keys of the charts that look different after a click than before, new ones among them."""
    old = {key: _token(figure) for key, figure in before}
    return [key for key, figure in after if key not in old or _token(figure) != old[key]]


def _token(figure: Mapping[str, Any]) -> Any:
    return (figure["layout"].get("meta") or {}).get("token")


def write(folder: Path) -> Path:
    """The floor's script."""
    path = folder / "floor.py"
    path.write_text(SOURCE)
    return path


def environment(folder: Path) -> dict[str, str]:
    """Settings of the app measured and of the one that makes the figures: no gliding, only this folder's data."""
    settings = {"PERTURBVIZ_GLIDE": "0", "PERTURBVIZ_DATA": str(folder), "PERTURBVIZ_CACHE": str(folder / "cache")}
    os.environ.update(settings)
    return settings
