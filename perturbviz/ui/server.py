"""What the server does besides running pages: hand out the browser's files early, and warm up.

Imports nothing heavy, since the server answers only when this is imported.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import Runtime

from perturbviz.ui import assets

TURN = 0.001  # seconds
_SCRIPT = f'<script type="module" src="{assets.EARLY}"></script></head>'.encode()
#: Two methods that change places, instead of Streamlit's icon; an emoji would cost the first page the table of all
#: emoji.
_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' stroke-width='5' stroke-linecap='round'>"
    "<path d='M4 24C14 24 18 8 28 8' stroke='#e07b00'/><path d='M4 8C14 8 18 24 28 24' stroke='#1653bf'/></svg>"
)
_KEEP = {"cache-control": "public, max-age=31536000, immutable"}
_LINK = ", ".join(f"<{address}>; rel={what}" for address, what in assets.PRELOAD)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Start warming up with the server; nobody waits for it."""
    # While one session computes, the server's own thread wants the interpreter briefly and often, to send and to serve:
    # at Python's 5 ms a turn each file of the first page would wait for dozens of turns.
    sys.setswitchinterval(TURN)
    gc.disable()  # until warm: looking for garbage among modules that stay takes a fifth of the time of importing them
    assets.serve(Runtime.instance())
    Thread(target=_warm_up, name="warm-up", daemon=True).start()
    yield {}


def _warm_up() -> None:
    # Streamlit would say on the console that no page is running, which is so.
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
    # At the first element of a process Streamlit looks through its callers and all modules: while there are few.
    st.empty()
    try:
        from perturbviz.ui import warm  # seconds, in a thread of its own

        warm.up()
        from perturbviz.readers import isolation

        isolation.prepare()
    finally:
        gc.enable()


class Preload:
    """Adds the files of the charts to every page, so that the browser gets and reads them at once; and the icon.

    plotly.js may be kept: its address changes with its version. A browser on this machine gets it uncompressed, which
    takes the server less time; so it does to hand out Streamlit's scripts itself, since Starlette goes through several
    threads for each of a hundred small files, and these wait for the interpreter while it imports.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        folder, _, name = scope["path"].rpartition("/")
        if name == "favicon.png":
            await Response(_ICON, media_type="image/svg+xml")(scope, receive, send)
            return
        if folder.endswith("/static/js") and name in assets.INTERFACE and scope["method"] == "GET":
            text = assets.INTERFACE[name].read_bytes()
            await Response(text, media_type="text/javascript", headers=_KEEP)(scope, receive, send)
            return
        if scope["path"].endswith(assets.KEPT) and _is_here(scope):
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]}
        start: Message = {}

        async def adding(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if message["status"] == 200 and scope["path"].endswith(assets.KEPT):  # an error must not be kept
                    headers.update(_KEEP)
                if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                    headers["link"] = _LINK
                    start = message  # its length is known with its body
                    return
            elif start:
                if not message.get("more_body"):
                    body = message.get("body", b"").replace(b"</head>", _SCRIPT, 1)
                    if body:  # there is none in the answer to HEAD
                        MutableHeaders(scope=start)["content-length"] = str(len(body))
                    message = {**message, "body": body}
                await send(start)
                start = {}
            await send(message)

        await self.app(scope, receive, adding)


def _is_here(scope: Scope) -> bool:
    """Whether the browser is on this machine; behind a proxy nobody is."""
    local = (scope.get("client") or ("",))[0] in ("127.0.0.1", "::1")
    return local and not any(name.startswith(b"x-forwarded") for name, _ in scope["headers"])


MIDDLEWARE = [Middleware(Preload)]
