"""A real Chromium on a server of its own, and the time from a press to everything redrawn; shared by the benchmarks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, Playwright

ROOT = Path(__file__).parents[1]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
SIZE = {"width": 1440, "height": 1000}
FAILED = str(Path(tempfile.gettempdir()) / "redraw-failed.png")  # what was to be seen when charts were not redrawn

#: In the page: note the time of every press of the pointer or of a key.
WATCH = """() => { window.__pressed = 0;
  for (const kind of ['pointerdown', 'keydown'])
    document.addEventListener(kind, () => { window.__pressed = performance.now(); }, {capture: true}); }"""
IDLE = "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
#: Asked while the page redraws, so not of roles and names, which takes the browser some ten milliseconds.
CLOSED = "() => document.querySelector('[role=option]') === null"
#: In the page: the drawn charts by the key of their frame; the frame is a container of the app, an element of the
#: floor. Asked in every frame while the page redraws, so by a class: other selectors search the whole page.
CHARTS = """() => Object.fromEntries([...document.getElementsByClassName('js-plotly-plot')].flatMap((gd) => {
    const frame = gd.closest('[class*="st-key-pv-frame-"]');
    if (!frame || !gd._fullLayout || !gd.querySelector('.main-svg')) return [];
    const key = [...frame.classList].find((c) => c.startsWith('st-key-pv-frame-')).slice(16);
    return [[key, gd.layout?.meta?.token ?? null]];
  }))"""
#: In the page: how often each chart of the app was drawn; one that looks the same in another state is not drawn again.
DRAWS = "() => [...document.querySelectorAll('.js-plotly-plot')].map((gd) => gd.dataset.draws).join()"
#: Begin to watch, before the press: what drives the browser may come back long after the charts were drawn.
#: ``__redrawn`` gives milliseconds since the press, two frames after the wanted charts (all where none is named) show
#: another token.
AWAIT = f"""([before, wanted, n, patience]) => {{ window.__redrawn = new Promise((resolve, reject) => {{
  const charts = {CHARTS};
  const end = performance.now() + patience;
  const look = () => {{
    const now = charts();
    const keys = wanted ?? Object.keys(now);
    if (keys.length >= n && keys.every((k) => now[k] !== undefined && now[k] !== before[k]))
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - window.__pressed)));
    else if (performance.now() > end) reject(new Error('not redrawn in time'));
    else requestAnimationFrame(look);
  }}; look(); }});
  window.__redrawn.catch(() => null); }}"""
READY = f"""([keys, n]) => {{ const now = ({CHARTS})();
  return Object.keys(now).length >= n && keys.every((k) => now[k] !== undefined) && ({IDLE})(); }}"""


def serve(command: list[str], **environment: str) -> tuple[str, subprocess.Popen]:
    """Start ``streamlit run`` with ``command`` on a free port; returns its address and the process."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = [
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
        "--server.fileWatcherType=none",
    ]
    at = command.index("--") if "--" in command else len(command)
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", *command[:at], *options, *command[at:]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read() == b"ok":
                return url, process
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def launch(playwright: Playwright) -> Browser:
    """The installed Chromium."""
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS
    )


def ready(page: Page, url: str, n: int = 0, keys: Sequence[str] = (), patience: float = 60, pause: float = 1.5) -> None:
    """Open an address and wait, at most ``patience`` seconds, until its charts (``n`` or ``keys``) are drawn."""
    page.goto(url)
    page.wait_for_selector("[data-testid=stApp]", timeout=60_000)
    page.wait_for_function(READY, arg=[list(keys), n], timeout=1000 * patience)
    if page.locator('[data-testid="stSidebar"][data-collapsed="true"]').count():  # "All choices", closed at first
        page.get_by_test_id("stExpandSidebarButton").click()
    page.evaluate(WATCH)
    page.wait_for_timeout(1000 * pause)


def press(
    page: Page, click: Callable[[], None], keys: Sequence[str] | None = None, n: int = 1, patience: float = 30
) -> float:
    """Milliseconds from a click to the redraw of the charts of ``keys``, or of all, which are ``n`` at least."""
    page.wait_for_function(IDLE, timeout=1000 * patience)
    before = page.evaluate(CHARTS)
    page.evaluate(AWAIT, [before, None if keys is None else list(keys), n, 1000 * patience])
    click()
    try:
        return page.evaluate("() => window.__redrawn")
    except Error as error:
        page.screenshot(path=FAILED)
        state = page.evaluate("() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState")
        after = page.evaluate(CHARTS)
        raise RuntimeError(
            f"{page.url}: {keys or n} should have been redrawn; the charts went from {json.dumps(before)} to "
            f"{json.dumps(after)} (script {state}); see {FAILED}"
        ) from error


# -- widgets of Streamlit, by their key ------------------------------------------------------------------------------
def radio(page: Page, key: str, label: str) -> None:
    """Choose in a segmented control."""
    page.locator(f".st-key-{key}").get_by_role("radio", name=label, exact=True).click()


def select(page: Page, key: str, label: str) -> None:
    """Choose in a select box; once more where its list closed and nothing was chosen."""
    before = page.locator(f".st-key-{key} input").first.input_value()
    for _ in range(3):
        _choose(page, key, label)
        if not before or page.locator(f".st-key-{key} input").first.input_value() != before:
            break


def _choose(page: Page, key: str, label: str) -> None:
    box = page.locator(f".st-key-{key} input").first
    option = page.get_by_role("option", name=label, exact=True)
    for _ in range(5):  # a list that opens while the sidebar still scrolls to it closes again
        box.click()
        try:
            option.wait_for(timeout=1000)
            break
        except Error:
            page.keyboard.press("Escape")
    for _ in range(5):  # the list of a select box may move under the pointer: such a click chooses nothing
        with contextlib.suppress(Error):  # it may also close just now
            option.click(timeout=1000)
        with contextlib.suppress(Error):
            page.wait_for_function(CLOSED, timeout=300)
            break


def check(page: Page, key: str, label: str) -> None:
    """Tick a box or take the tick away."""
    page.locator(f".st-key-{key} label").first.click()


def pill(page: Page, key: str, label: str) -> None:
    """Switch one of several pills."""
    page.locator(f".st-key-{key}").get_by_role("button", name=label, exact=True).click()


def slide(page: Page, key: str, label: str) -> None:
    """Move a slider by one step: ``label`` is the key pressed."""
    page.locator(f".st-key-{key} input[type=range]").press(label)


ACTS: dict[str, Callable[[Page, str, str], None]] = {
    "radio": radio,
    "select": select,
    "check": check,
    "pill": pill,
    "slide": slide,
}
