"""Uploads are counted before they are taken: by session, by server, and until their session has gone."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st

from perturbviz.ui.upload_totals import FILES, KEPT, Ledger, UploadTotals, limits


class Server:
    """What Streamlit does with uploads: refuses those of sessions that are not there, or that are too large."""

    def __init__(self, session=100, server=250):
        self.clock, self.alive, self.kept, self.asked = 0.0, {"a", "b", "c"}, {}, 0
        self.totals = UploadTotals(self.app, Ledger(session, server, lambda: self.clock))

    async def app(self, scope, receive, send):
        self.asked += 1
        _, _, place = scope["path"].partition("/_stcore/upload_file/")
        session, _, file = place.partition("/")
        size = int(dict(scope["headers"]).get(b"content-length", b"0"))
        status = 400 if session not in self.alive else 413 if size > 100 else 204
        if scope["method"] == "PUT" and status == 204:
            self.kept[place] = size
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(self, session, file, size=None, method="PUT", base="/lab"):
        sent = []

        async def send(message):
            sent.append(message)

        headers = [] if size is None else [(b"content-length", str(size).encode())]
        path = f"{base}/_stcore/upload_file/{session}/{file}"
        scope = {"type": "http", "method": method, "path": path, "headers": headers}
        with ThreadPoolExecutor(1) as pool:  # a browser test of this process may have left a loop in this thread
            pool.submit(asyncio.run, self.totals(scope, None, send)).result()
        return sent[0]["status"], sent[-1].get("body", b"").decode()


def test_a_session_may_upload_so_much():
    server = Server()
    assert server.ask("a", "1", 60)[0] == 204 and server.ask("a", "2", 40)[0] == 204
    status, said = server.ask("a", "3", 1)
    assert status == 413 and "reload the page" in said and "a/3" not in server.kept
    assert server.ask("a", "2", 40)[0] == 204  # the same file again is not counted twice
    assert server.ask("a", "1", method="DELETE")[0] == 204 and server.ask("a", "3", 60)[0] == 204


def test_all_sessions_may_upload_so_much_together():
    server = Server()
    assert [server.ask(s, "1", 100)[0] for s in "abc"] == [204, 204, 413]
    assert "All sessions together" in server.ask("c", "1", 100)[1]
    assert server.ask("c", "1", 50)[0] == 204


def test_what_the_server_refuses_is_not_counted():
    server = Server()
    assert server.ask("nobody", "1", 90)[0] == 400
    assert server.totals.ledger.held == {}


def test_a_session_that_has_gone_counts_no_more_after_a_while():
    server = Server()
    assert [server.ask(s, "1", 100)[0] for s in "ab"] == [204, 204]
    server.alive.remove("a")
    assert server.ask("c", "1", 100)[0] == 413  # its browser may come back
    server.clock = KEPT - 1
    assert server.ask("c", "1", 100)[0] == 413
    server.clock = KEPT
    assert server.ask("c", "1", 100)[0] == 204
    assert set(server.totals.ledger.held) == {"b", "c"} and not server.totals.ledger.gone


def test_a_session_that_came_back_counts_on():
    server = Server()
    server.ask("a", "1", 100)
    server.alive.remove("a")
    server.ask("b", "1", 1)
    server.alive.add("a")
    server.ask("b", "2", 1)
    server.clock = 10 * KEPT
    server.ask("b", "3", 1)
    assert "a" in server.totals.ledger.held


def test_many_small_files_are_refused():
    ledger = Ledger(10**9, 10**9)
    assert not any(ledger.refusal("a", str(i), 0) for i in range(FILES))
    assert "files" in ledger.refusal("a", "more", 0)


@pytest.mark.parametrize("size", [None, "", "-1", "1e3", "٣", "9" * 20])
def test_an_upload_says_its_size(size):
    server = Server()
    assert server.ask("a", "1", size)[0] == 411 and not server.asked


def test_other_requests_pass():
    server = Server()
    assert server.ask("a", "1", 10**6, method="OPTIONS")[0] == 413  # the server's own answer
    assert server.ask("a", "1/2", 10**6)[0] == 413 and server.totals.ledger.held == {}


def test_limits_come_from_the_memory_there_is(monkeypatch):
    from perturbviz.readers import memory

    monkeypatch.setattr(memory, "sources", lambda: {"a": 8 * 10**9, "b": 6 * 10**9})
    monkeypatch.setattr(st, "get_option", {"server.maxUploadSize": 100}.__getitem__)
    assert limits() == (200 * 1024**2, 3 * 10**9)


def test_a_public_demo_takes_no_files(monkeypatch):
    server = Server()
    monkeypatch.setenv("PERTURBVIZ_UPLOADS", "off")
    assert server.ask("a", "f", 10)[0] == 403 and server.kept == {} and server.asked == 0
    monkeypatch.setenv("PERTURBVIZ_UPLOADS", "on")
    assert server.ask("a", "f", 10)[0] == 204
