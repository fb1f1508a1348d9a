"""What the server does besides running pages: hand out the files of the charts, warm up, refuse, say that it lives.

Imports nothing heavy, since the server answers only when this is imported.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from perturbviz.ui.hosts import OwnNames
from perturbviz.ui.upload_totals import UploadTotals
from perturbviz.ui.watchdog import watched

TURN = 0.001  # seconds
#: Only this server's own names are answered, and only so much is taken.
MIDDLEWARE = [Middleware(OwnNames), Middleware(UploadTotals)]
_CHARTS = Path(__file__).parent / "chart" / "browser"
_FIGURE_FILE = Path(__file__).parents[1] / "report" / "figure_file.js"


def routes() -> list[BaseRoute]:
    """Where the browser gets the chart component (asked for by ``chart/loader.js``) and plotly.js: this machine."""
    base = st.get_option("server.baseUrlPath").strip("/")
    charts = f"/{base}/charts" if base else "/charts"
    return [
        Route(f"{charts}/plotly-{version('plotly')}.js", _plotly),
        Route(f"{charts}/figure_file.js", _figure_file),
        Mount(charts, StaticFiles(directory=_CHARTS)),
    ]


async def _plotly(_: Request) -> FileResponse:
    """The installed package's, without an import of plotly; its address changes with its version, so it may be kept."""
    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None
    library = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return FileResponse(library, headers={"cache-control": "public, max-age=31536000, immutable"})


async def _figure_file(_: Request) -> FileResponse:
    """How a figure becomes a file, the same here and in the explorable."""
    return FileResponse(_FIGURE_FILE, headers={"cache-control": "no-cache"})


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Start warming up with the server; nobody waits for it."""
    # While one session computes, the server's own thread wants the interpreter briefly and often, to send and to serve:
    # at Python's 5 ms a turn each file of the first page would wait for dozens of turns.
    sys.setswitchinterval(TURN)
    Thread(target=_warm_up, name="warm-up", daemon=True).start()
    async with watched():
        yield {}


def _warm_up() -> None:
    from perturbviz.ui import warm  # seconds, in a thread of its own

    gc.disable()  # looking for garbage among modules that stay takes a fifth of the time of importing them
    try:
        warm.up()
        from perturbviz.readers import isolation

        isolation.prepare()
    finally:
        gc.enable()
