"""What the server does besides running pages: it hands out the files of the charts, and nothing heavy delays it."""

import asyncio
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import plotly
import plotly.offline
import pytest
import streamlit as st
from starlette.applications import Starlette

import perturbviz
from perturbviz.ui import chart, server

BROWSER = Path(chart.__file__).parent / "browser"
PLOTLY = f"plotly-{plotly.__version__}.js"


def get(app: Starlette, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of what a server answers."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        await asyncio.Event().wait()  # the browser stays

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    with ThreadPoolExecutor(1) as thread:  # the browser tests have a loop of their own in this one
        thread.submit(asyncio.run, app(scope, receive, send)).result()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture(params=["", "lab/viz"])
def charts(request, monkeypatch):
    """Asks a server, at its root or below a base path, for a file beside the chart component's."""
    monkeypatch.setattr(st, "get_option", {"server.baseUrlPath": request.param}.__getitem__)
    app = Starlette(routes=server.routes())
    return lambda name: get(app, f"/{request.param}/charts/{name}".replace("//", "/"))


def test_every_file_of_the_chart_component_is_handed_out(charts):
    files = sorted(BROWSER.iterdir())
    assert {"chart.js", "chart.css"} <= {f.name for f in files} and {f.suffix for f in files} == {".js", ".css"}
    for file in files:
        status, headers, body = charts(file.name)
        assert status == 200 and body == file.read_bytes()
        assert "javascript" in headers["content-type"] or file.suffix == ".css"
    assert charts("../loader.js")[0] == charts("none.js")[0] == 404


def test_plotly_js_is_the_installed_packages_and_is_kept(charts):
    _, headers, body = charts(PLOTLY)
    assert f"plotly.js v{plotly.offline.get_plotlyjs_version()}".encode() in body[:500]
    assert "immutable" in headers["cache-control"] and "javascript" in headers["content-type"]


def test_how_a_figure_becomes_a_file_is_shared_with_the_explorable(charts):
    status, headers, body = charts("figure_file.js")
    assert status == 200 and "javascript" in headers["content-type"]
    assert body.decode() == (BROWSER.parents[2] / "report" / "figure_file.js").read_text(encoding="utf-8")


def test_what_is_handed_out_is_what_the_browser_asks_for():
    text = {file.name: file.read_text(encoding="utf-8") for file in [*BROWSER.glob("*.js")]}
    asked = set(re.findall(r'from "\./(\w+\.js)"', "".join(text.values()))) | set(
        re.findall(r'URL\("\./([\w.]+)"', "".join(text.values()))
    )
    assert asked == {"glide.js", "look.js", "plotly.js", "chart.css", "figure_file.js"}
    assert '"charts/chart.js"' in (BROWSER.parent / "loader.js").read_text(encoding="utf-8")
    assert "`plotly-${version}.js`" in text["plotly.js"]


def test_the_server_answers_before_anything_heavy_is_imported():
    code = (
        "import sys, perturbviz.ui.server; print([m for m in ('anndata', 'pandas', 'scipy', 'dask') if m in "
        "sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=perturbviz.__path__[0] + "/.."
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_every_public_name_can_be_had():
    assert all(getattr(perturbviz, name) is not None for name in perturbviz.__all__)
    assert set(perturbviz._HOME) == set(perturbviz.__all__)
