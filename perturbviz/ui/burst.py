"""Sends what a run draws in one go.

Streamlit sends every element by itself, and the browser goes through its whole interface for each handful that arrives
a few milliseconds after another: several times 10 ms between a click and the charts, for nothing. What takes long is
not held back: after ``PATIENCE`` everything that is drawn is sent at once, as usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx

PATIENCE = 0.05  # seconds


@contextmanager
def together() -> Iterator[None]:
    """Hold back what is drawn inside until its end, or until it has taken ``PATIENCE``."""
    context = get_script_run_ctx()
    if context is None or not hasattr(context, "_enqueue"):
        yield
        return
    send, lock, waiting, holding = context._enqueue, Lock(), list[Any](), True

    def enqueue(message: Any) -> None:
        with lock:
            if holding:
                waiting.append(message)
                return
        send(message)

    def release() -> None:
        nonlocal holding
        with lock:
            holding = False
            sent, waiting[:] = waiting[:], []
            for message in sent:  # a newer click may end the run here, as wherever it draws
                send(message)

    context._enqueue = enqueue
    timer = Timer(PATIENCE, release)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        context._enqueue = send
        release()
