"""Where the server answers nobody any more, it is ended, so that who watches over it starts it anew.

Its event loop says every few seconds that it still turns: to systemd (``Type=notify`` with ``WatchdogSec``), and, where
``PERTURBVIZ_WATCHDOG`` holds a number of seconds, to a clock that ends the process when it hears nothing for so long.
That clock is the interpreter's own (:mod:`faulthandler`): it ticks also where code in C holds the interpreter for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

EVERY = 5  # seconds
_LEAST = 15


def patience() -> int:
    """Seconds without a sign of life after which the process ends itself; 0 = never."""
    said = os.environ.get("PERTURBVIZ_WATCHDOG", "")
    seconds = int(said) if said.isascii() and said.isdecimal() and len(said) < 7 else 0
    return max(seconds, _LEAST) if seconds else 0


def tell(state: str) -> None:
    """Say something to systemd, where that started the process."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address.startswith(("/", "@")):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
            there.setblocking(False)  # what nobody reads must not hold up the server
            there.connect("\0" + address[1:] if address.startswith("@") else address)
            there.send(state.encode())


@asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Inside, this thread's event loop gives signs of life."""
    tell("READY=1")
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()
        faulthandler.cancel_dump_traceback_later()
        tell("STOPPING=1")


async def _beat() -> None:
    while True:
        if seconds := patience():
            faulthandler.dump_traceback_later(seconds, exit=True)
        tell("WATCHDOG=1")
        await asyncio.sleep(EVERY)
