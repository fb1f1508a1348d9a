"""Only pages of this server talk to it, and they talk to it alone: names it answers to, and headers that browsers obey.

A page of another site can make a browser ask this server under that site's own name (DNS rebinding); so a name that is
not this server's gets no answer. What a page of this server may load is said in its headers: nothing of another host,
whatever a name in a file says.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("localhost", "127.0.0.1", "[::1]")
_HEALTH = "/_stcore/health"  # says nothing, and is asked by proxies under names of their own
_METRICS = "/_stcore/metrics"  # tells how many sessions and how much memory: for this machine's monitoring only
_REFUSED = "This server does not answer to that name: its operator adds it to PERTURBVIZ_HOSTS.\n"
_SITE = re.compile(r"https?://[A-Za-z0-9.*-]+(:\d+)?")


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


def frames() -> list[str]:
    """Other sites that may show the app within a page of theirs: ``PERTURBVIZ_FRAMES``, commas between."""
    said = (site.strip() for site in os.environ.get("PERTURBVIZ_FRAMES", "").split(","))
    return [site for site in said if _SITE.fullmatch(site)]


def policy(host: str) -> str:
    """What the browser may load for a page of this server (Content-Security-Policy).

    Parameters
    ----------
    host
        The name and port the page was asked by, one of this server's own: its websocket is named, since not every
        browser counts that as "self".
    """
    rules = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",  # Streamlit's and plotly's own
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' ws://{host} wss://{host} data: blob:",
        "worker-src": "'self' blob:",
        "frame-src": "'self' data: blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(["'self'", *frames()]),
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _is_local(scope: Scope, asked: Headers) -> bool:
    """Whether a request comes from this machine and not through a proxy for somebody else."""
    try:
        return ip_address((scope.get("client") or ("",))[0]).is_loopback and "x-forwarded-for" not in asked
    except ValueError:
        return False


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
        host = asked.get("host", "")
        known = is_ours(host, asked.get("origin") if scope["type"] == "websocket" else None)
        if not known and not scope["path"].endswith(_HEALTH):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse(_REFUSED, 400)(scope, receive, send)
            return
        if scope["path"].rstrip("/").endswith(_METRICS) and not _is_local(scope, asked):
            await PlainTextResponse("For this machine only.\n", 403)(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "same-origin"
                if not frames():  # the older header knows no other sites
                    headers["x-frame-options"] = "SAMEORIGIN"
                if known:
                    headers["content-security-policy"] = policy(host)
            await send(message)

        await self.app(scope, receive, adding)
