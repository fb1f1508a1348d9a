"""Requests under other names get no answer, whatever the browser believes; this machine's and the operator's do."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from perturbviz.ui.hosts import OwnNames, is_ours


@pytest.mark.parametrize(
    ("host", "origin", "ours"),
    [
        ("localhost:8501", None, True),
        ("127.0.0.1", None, True),
        ("[::1]:8501", "http://[::1]:8501", True),
        ("LAB.example.org", "https://lab.example.org", True),
        ("evil.example", None, False),
        ("evil.example:8501", "http://evil.example:8501", False),
        ("localhost.evil.example", None, False),
        ("127.0.0.1:8501", "http://127.0.0.1:9000", False),
        ("127.0.0.1:8501", "http://evil.example", False),
        ("", None, False),
    ],
)
def test_names(monkeypatch, host, origin, ours):
    monkeypatch.setenv("PERTURBVIZ_HOSTS", "lab.example.org, other.example")
    assert is_ours(host, origin) is ours


def ask(host, kind="http", path="/", **headers):
    sent, asked = [], []

    async def app(scope, receive, send):
        asked.append(scope["path"])
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    pairs = [(b"host", host.encode()), *((k.encode(), v.encode()) for k, v in headers.items())]
    request = OwnNames(app)({"type": kind, "method": "GET", "path": path, "headers": pairs}, receive, send)
    with ThreadPoolExecutor(1) as pool:  # a browser test of this process may have left a loop running in this thread
        pool.submit(asyncio.run, request).result()
    return sent, asked


def test_another_name_reaches_nothing():
    sent, asked = ask("evil.example")
    assert sent[0]["status"] == 400 and not asked
    sent, asked = ask("evil.example", "websocket", origin="http://evil.example")
    assert sent == [{"type": "websocket.close", "code": 1008}] and not asked


def test_our_name_is_answered_with_headers():
    sent, asked = ask("localhost:8501")
    assert asked and dict(sent[0]["headers"])[b"x-content-type-options"] == b"nosniff"
    assert ask("perturbviz", path="/base/_stcore/health")[1]
    assert ask("localhost:8501", "websocket", origin="http://localhost:8501")[1]
