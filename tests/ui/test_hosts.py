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


def ask(host, kind="http", path="/", client=("127.0.0.1", 1), **headers):
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
    scope = {"type": kind, "method": "GET", "path": path, "headers": pairs, "client": client}
    request = OwnNames(app)(scope, receive, send)
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


def test_a_page_may_load_nothing_of_other_hosts(monkeypatch):
    sent, _ = ask("localhost:8501")
    headers = dict(sent[0]["headers"])
    rules = dict(rule.strip().split(" ", 1) for rule in headers[b"content-security-policy"].decode().split(";"))
    assert rules["connect-src"] == "'self' ws://localhost:8501 wss://localhost:8501 data: blob:"
    assert rules["img-src"] == "'self' data: blob:" and rules["frame-ancestors"] == rules["default-src"] == "'self'"
    assert not any("*" in value or "http" in value for value in rules.values())
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert b"content-security-policy" not in dict(ask("evil; script-src *", path="/_stcore/health")[0][0]["headers"])


def test_sites_that_may_frame_it_are_named(monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_FRAMES", "https://lab.example.org, http://*.example.org:80, x; script-src *")
    headers = dict(ask("localhost")[0][0]["headers"])
    ancestors = "frame-ancestors 'self' https://lab.example.org http://*.example.org:80"
    assert headers[b"content-security-policy"].decode().endswith(ancestors) and b"x-frame-options" not in headers


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        (("127.0.0.1", 1), {}, 200),
        (("::1", 1), {}, 200),
        (("10.0.0.2", 1), {}, 403),
        (None, {}, 403),
        (("127.0.0.1", 1), {"x-forwarded-for": "10.0.0.2"}, 403),
    ],
)
def test_metrics_are_for_this_machine(client, headers, status):
    assert ask("localhost", path="/lab/_stcore/metrics", client=client, **headers)[0][0]["status"] == status
