"""Makes the screenshots of the README: starts the app, opens pages in Chromium, writes PNG files beside this script."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
SHOTS = {"rankings": "?metric=pearson_delta", "views": "?section=Every+view"}
READY = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
  && document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2
  && !document.querySelector('[data-stale="true"]')"""


@contextmanager
def served() -> Iterator[str]:
    """Run the app on a free port; gives its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"],
        cwd=HERE.parent,
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser of the machine."""
    with sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--headless", "--no-sandbox", "--disable-gpu"],
        )
        yield browser
        browser.close()


def main() -> None:
    """Open each page and photograph it."""
    with served() as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 800})
        for name, query in SHOTS.items():
            page.goto(f"{url}/{query}")
            page.wait_for_function(READY, timeout=120_000)
            page.wait_for_timeout(1500)
            page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
