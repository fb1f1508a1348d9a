"""How much may be uploaded in all: by one session, and by all sessions of the server together.

Streamlit keeps every upload in memory until its session ends, and limits single files only. Here what an upload says of
its size is counted before the first byte of it is taken, and what is too much is refused (413). A session that has
ended has its files forgotten; whether it has is asked of the server itself.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MB = 1024 * 1024  # as in server.maxUploadSize
FILES = 2000
"""Files of one session."""
KEPT = 150
"""Seconds for which a session whose browser has gone still has its files: Streamlit waits two minutes for it."""
_PLACE = "/_stcore/upload_file/"
_SESSION_FULL = (
    "This session has uploaded as much as it may ({mb:,} MB, {files:,} files): reload the page to start anew.\n"
)
_OFF = "This server takes no files: run perturbviz on your own machine to look at your own.\n"
_SERVER_FULL = "All sessions together have uploaded as much as this server takes ({mb:,} MB): try again later.\n"


def uploads_off() -> bool:
    """Whether the operator has switched uploads off (``PERTURBVIZ_UPLOADS=off``), as for a demo that all may open."""
    return os.environ.get("PERTURBVIZ_UPLOADS", "").strip().lower() in ("off", "0", "false", "no")


@dataclass
class Ledger:
    """What each session has uploaded, in bytes by file.

    Attributes
    ----------
    session, server
        Bytes that one session, and that all together may upload.
    now
        Clock in seconds.
    """

    session: int
    server: int
    now: Callable[[], float] = time.monotonic
    held: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    gone: dict[str, float] = field(default_factory=dict)

    def refusal(self, session: str, file: str, size: int) -> str:
        """Why a file may not be uploaded, "" where it may; then it is counted."""
        own = {**self.held.get(session, {}), file: size}
        before = self.held.get(session, {}).get(file, 0)
        if sum(own.values()) > self.session or len(own) > FILES:
            return _SESSION_FULL.format(mb=self.session // MB, files=FILES)
        if sum(sum(files.values()) for files in self.held.values()) - before + size > self.server:
            return _SERVER_FULL.format(mb=self.server // MB)
        self.held[session][file] = size
        return ""

    def forget(self, session: str, file: str) -> None:
        """A file that is not kept: refused by the server, or taken back."""
        files = self.held.get(session, {})
        files.pop(file, None)
        if not files:
            self.held.pop(session, None)
            self.gone.pop(session, None)

    def note(self, session: str, here: bool) -> None:
        """Whether a session is still there; some time after it has gone its files are forgotten."""
        if here:
            self.gone.pop(session, None)
        elif self.now() - self.gone.setdefault(session, self.now()) >= KEPT:
            self.held.pop(session, None)
            self.gone.pop(session, None)


def limits() -> tuple[int, int]:
    """Bytes for a session (two files of the largest size) and for the server (half of the memory there is)."""
    from perturbviz.readers import memory  # its package takes seconds to import, and uploads come later

    return 2 * int(st.get_option("server.maxUploadSize")) * MB, min(memory.sources().values()) // 2


class UploadTotals:
    """Counts uploads and refuses what is too much, before it is received (ASGI)."""

    def __init__(self, app: ASGIApp, ledger: Ledger | None = None) -> None:
        self.app, self.ledger = app, ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request, or refuse it."""
        _, there, place = scope["path"].partition(_PLACE) if scope["type"] == "http" else ("", "", "")
        if not there or place.count("/") != 1 or scope["method"] not in ("PUT", "DELETE"):
            await self.app(scope, receive, send)
            return
        if uploads_off() and scope["method"] == "PUT":
            await PlainTextResponse(_OFF, 403)(scope, receive, send)
            return
        session, _, file = place.partition("/")
        ledger = self.ledger = self.ledger or Ledger(*limits())
        if scope["method"] == "PUT":
            said = Headers(scope=scope).get("content-length", "")
            if not (said.isascii() and said.isdecimal() and len(said) < 16):
                await PlainTextResponse("An upload must say its size.\n", 411)(scope, receive, send)
                return
            for other in list(ledger.held):
                ledger.note(other, await self._is_here(scope, other))
            if why := ledger.refusal(session, file, int(said)):
                await PlainTextResponse(why, 413)(scope, receive, send)
                return
        await self._counted(scope, receive, send, session, file)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, session: str, file: str) -> None:
        """Pass on an upload, or its removal; what is not kept then is forgotten."""
        assert self.ledger is not None
        put, status = scope["method"] == "PUT", 500

        async def looking(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, looking)
        finally:
            if put != (status < 300):
                self.ledger.forget(session, file)

    async def _is_here(self, scope: Scope, session: str) -> bool:
        """Whether a session of the server is still there: for one that is not it refuses any upload with 400.

        It is offered one that is larger than any may be, so that it takes none.
        """
        status = 0
        headers = MutableHeaders(raw=list(scope["headers"]))
        headers["content-length"] = str(10**15)
        path = scope["path"].partition(_PLACE)[0] + f"{_PLACE}{session}/size"

        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        async def looking(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)

        asking = {**scope, "path": path, "raw_path": path.encode(), "headers": headers.raw}
        await self.app(asking, nothing, looking)
        return status != 400
