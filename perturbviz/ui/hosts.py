"""Only pages of this server talk to it: the names it answers to, and two headers against misuse of its pages.

A page of another site can make a browser ask this server under that site's own name (DNS rebinding); so a name that is
not this server's gets no answer.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("localhost", "127.0.0.1", "[::1]")
_HEALTH = "/_stcore/health"  # says nothing, and is asked by proxies under names of their own
_REFUSED = "This server does not answer to that name: its operator adds it to PERTURBVIZ_HOSTS.\n"


def names() -> set[str]:
    """Names that this server answers to: those of this machine, and those in ``PERTURBVIZ_HOSTS`` (commas between)."""
    further = os.environ.get("PERTURBVIZ_HOSTS", "").split(",")
    return {*LOCAL, *(name.strip().lower() for name in further if name.strip())}


def is_ours(host: str, origin: str | None) -> bool:
    """Whether a request for ``host`` (with its port) may be answered that a page of ``origin`` makes."""
    name, colon, port = host.lower().rpartition(":")
    if not colon or not port.isdecimal():
        name = host.lower()
    return name in names() and (origin is None or urlsplit(origin).netloc.lower() == host.lower())


class OwnNames:
    """Refuses requests under other names, and websockets of other sites' pages; names the headers (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        origin = asked.get("origin") if scope["type"] == "websocket" else None
        if not scope["path"].endswith(_HEALTH) and not is_ours(asked.get("host", ""), origin):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse(_REFUSED, 400)(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers["x-frame-options"] = "SAMEORIGIN"
            await send(message)

        await self.app(scope, receive, adding)
