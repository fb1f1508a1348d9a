"""The server is restarted under an open page: the browser reconnects and the address bar brings the view back."""

import contextlib
import re
import subprocess
from pathlib import Path

from playwright.sync_api import TimeoutError

from perturbviz.scoring.view import View
from tests.e2e.conftest import DRAWN, PATIENCE, RANKINGS, free_port, open_app, start_server, stop_server


def test_the_browser_reconnects_after_a_restart_and_the_link_restores_the_view(browser, tmp_path: Path):
    port = free_port()
    url, server = start_server("app.py", port, tmp_path / "first.txt")
    running: list[subprocess.Popen] = [server]
    try:
        opened = open_app(browser, url)
        app = next(opened)
        app.open("?metric=pearson_delta", RANKINGS, charts=2)
        view = View(metric="pearson_delta", ref="perturbation")
        app.pick("pert. mean", view.token, charts=2)  # not in the address the page was opened with
        before = [c["data"] for c in app.charts()]
        stop_server(running.pop())
        app.page.wait_for_function(
            "document.querySelector('[data-testid=\"stApp\"]').dataset.testConnectionState !== 'CONNECTED'",
            timeout=60_000,
        )
        running.append(start_server("app.py", port, tmp_path / "second.txt")[1])
        app.wait(RANKINGS, token=view.token, charts=2)  # nobody reloads the page
        assert [c["data"] for c in app.charts()] == before
        # The first click opens a session on the new server, which starts from the address; the next one is obeyed.
        for patience in (15_000, PATIENCE):
            app.page.get_by_role("radio", name="DE", exact=True).click()
            with contextlib.suppress(TimeoutError):
                app.page.wait_for_function(DRAWN, arg=[RANKINGS, view.with_(genes="de").token, 2], timeout=patience)
                break
        else:
            raise AssertionError("the page does not answer after the restart")
        expected = re.compile("WebSocket|server is not responding|ERR_CONNECTION_REFUSED|Failed to fetch|Client Error")
        app.errors = [e for e in app.errors if not expected.search(e)]  # of the time without a server
        for _ in opened:
            pass
    finally:
        for process in running:
            stop_server(process)
