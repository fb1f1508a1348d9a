"""Start an app once per test session and drive it with a real Chromium.

``app`` is a fresh browser page on the real app; a test module that sets ``APP = "tests/e2e/some_app.py"`` gets that
one instead. Every test in this folder is marked ``e2e``. A missing browser is a failure: see ``browser``.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, TimeoutError, sync_playwright

from perturbviz.ui.navigation import question
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 120_000  # milliseconds; waits end as soon as what they wait for is there, however busy the machine is
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: The first page is called by its question; its heading is a sentence computed from the data.
RANKINGS = question("rankings")
WINDOW: dict[str, Any] = {"viewport": {"width": 1400, "height": 1000}, "accept_downloads": True}
# True once the page shows this heading and this many charts, each drawn with this token. "Not running and nothing
# stale" alone is also true before the first run and just after a click.
DRAWN = """([heading, token, n]) => {
  const home = heading === 'RANKINGS' && document.querySelector('h1') && document.querySelector('.st-key-pv-rulers');
  const app = document.querySelector('[data-testid="stApp"]');
  if (app?.dataset.testScriptState !== 'notRunning' || app.dataset.testConnectionState !== 'CONNECTED') return false;
  if (heading && !document.querySelector('h1, h2')) return false;
  const headings = [...document.querySelectorAll('h1, h2')].map((h) => h.innerText.trim());
  if (heading && !home && !headings.includes(heading)) return false;
  if (document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')) return false;
  const gds = [...document.querySelectorAll('.js-plotly-plot')];
  return gds.length >= n && gds.every((g) => g._fullLayout && g.querySelector('.main-svg')
    && (token === null || g.layout?.meta?.token === token));
}""".replace("RANKINGS", RANKINGS)

# True once every chart is as wide as its place, twice a tenth of a second apart.
SETTLED = """async () => {
  const fits = () => [...document.querySelectorAll('.js-plotly-plot')].every((g) =>
    Math.abs(g._fullLayout?.width - g.clientWidth) < 2);
  const before = document.querySelector('.stMain').clientWidth;
  await new Promise((done) => setTimeout(done, 100));
  return fits() && before === document.querySelector('.stMain').clientWidth;
}"""

# What DRAWN looks at, to tell why it waits in vain.
SHOWN = """() => ({
  url: location.href, ...document.querySelector('[data-testid="stApp"]')?.dataset,
  headings: [...document.querySelectorAll('h1, h2')].map((h) => h.innerText),
  stale: [...document.querySelectorAll('[data-stale="true"], [data-testid="stSkeleton"]')]
    .map((e) => e.outerHTML.slice(0, 300)),
  charts: [...document.querySelectorAll('.js-plotly-plot')]
    .map((g) => [g.layout?.meta?.token, !!g.querySelector('.main-svg')]),
})"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("e2e")


Serve = Callable[..., str]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start servers by script path, base path and environment; each is started once and stopped at the end."""
    running: dict[tuple, tuple[str, subprocess.Popen]] = {}

    def start(script: str = "app.py", base: str = "", **environment: str) -> str:
        wanted = (script, base, *sorted(environment.items()))
        if wanted not in running:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            running[wanted] = start_server(script, free_port(), log, base, **environment)
        return running[wanted][0]

    yield start
    for _, process in running.values():
        process.terminate()
    for _, process in running.values():
        stop_server(process)


def start_server(script: str, port: int, log: Path, base: str = "", **environment: str) -> tuple[str, subprocess.Popen]:
    """Start a server and wait until it answers; returns its address and process."""
    command = [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}"]
    command += ["--server.address=127.0.0.1", "--server.headless=true", "--server.fileWatcherType=none"]
    command += ["--browser.gatherUsageStats=false", f"--server.baseUrlPath={base}"]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    url = f"http://127.0.0.1:{port}/{base}".rstrip("/")
    with log.open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": paths, **environment},
        )
    try:
        _wait_until_healthy(url, process, log)
    except BaseException:
        stop_server(process)
        raise
    return url, process


def stop_server(process: subprocess.Popen) -> None:
    """Stop a server, also one that is still computing something long."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _wait_until_healthy(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read() == b"ok":
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The app did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not executable:
        pytest.fail("No browser: install Chromium (Debian: apt-get install chromium) or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


class App:
    """One browser page on the running app.

    ``errors`` collects console errors, page errors and requests to other hosts; it must stay empty.
    """

    def __init__(self, page: Page, url: str):
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"pageerror: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # A sub-page's first load probes <page>/_stcore/* before it finds the server root: 404, harmless.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            self.errors.append(f"{message.text} {message.location}")

    def _request(self, request: Request) -> None:
        root = self.url.split("/", 3)[2]
        if not request.url.startswith(("data:", "blob:", f"http://{root}/", f"ws://{root}/")):
            self.errors.append(f"external request: {request.url}")

    def wait(self, heading: str | None = None, token: str | None = None, charts: int = 0) -> "App":
        """Wait until the page with this heading shows at least so many charts, all drawn with this token."""
        try:
            self.page.wait_for_function(DRAWN, arg=[heading, token, charts], timeout=PATIENCE)
        except TimeoutError as error:
            wanted = f"{heading!r} with {charts} charts of {token!r}"
            raise AssertionError(f"Waited for {wanted}; there is {self.page.evaluate(SHOWN)}") from error
        return self

    def open(self, path: str, heading: str, charts: int = 0) -> "App":
        """Load an address below the app's root."""
        self.page.goto(f"{self.url}/{path}")
        return self.wait(heading, charts=charts)

    def goto_page(self, label: str, charts: int = 0) -> "App":
        """Follow a link of the page menu; the page's heading is its label."""
        self.page.locator('[data-testid="stSidebarNavLink"]', has_text=label).click()
        return self.wait(label, charts=charts)

    def choices(self) -> "App":
        """Open "All choices", the sidebar that is closed at first; what is drawn gets narrower."""
        if self.page.get_by_test_id("stSidebar").get_attribute("data-collapsed") == "true":
            self.page.get_by_test_id("stExpandSidebarButton").click()
            self.page.locator('[data-testid="stSidebar"][data-collapsed="false"]').wait_for()
            self.page.wait_for_function(SETTLED)
        return self

    def pick(self, label: str, token: str, charts: int = 1) -> "App":
        """Choose an option of a segmented control and wait until every chart shows that setting."""
        option = self.page.get_by_role("radio", name=label, exact=True)
        if not option.is_visible():  # in the closed sidebar
            self.choices()
        option.click()
        return self.wait(token=token, charts=charts)

    def still(self) -> "App":
        """Wait until no chart glides any more."""
        self.page.wait_for_function("!document.querySelector('[data-gliding]')", timeout=5_000)
        return self

    def charts(self) -> list[dict[str, Any]]:
        """What Plotly drew: traces (typed arrays as lists), layout.meta and axis titles."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll('.js-plotly-plot')].map((gd) => ({
                 meta: gd.layout.meta, yaxis: gd._fullLayout.yaxis?.title?.text, draws: Number(gd.dataset.draws),
                 data: gd._fullData.map((t) => ({type: t.type, name: t.name, visible: t.visible, uid: t.uid,
                   x: Array.from(t.x ?? []), y: Array.from(t.y ?? [])})),
                 calc: gd.calcdata.map((c) => c.length)}))"""
        )


@pytest.fixture(scope="session")
def kept(browser: Browser) -> Iterator[BrowserContext]:
    """One context for the tests that take ``app``: its cache spares the browser a fifth of the work of a page."""
    context = browser.new_context(**WINDOW)
    yield context
    context.close()


@pytest.fixture
def app(kept: BrowserContext, serve: Serve, request: pytest.FixtureRequest) -> Iterator[App]:
    """A fresh page; what it stored goes with it."""
    running = App(kept.new_page(), serve(getattr(request.module, "APP", "app.py")))
    yield running
    for page in kept.pages:
        if page.url.startswith("http"):
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.close()
    kept.clear_cookies()
    kept.clear_permissions()
    assert running.errors == []


def open_app(browser: Browser, url: str, **options: Any) -> Iterator[App]:
    """Yield an ``App`` in a browser context of its own; afterwards its errors must be empty."""
    context = browser.new_context(**WINDOW, **options)
    running = App(context.new_page(), url)
    yield running
    context.close()
    assert running.errors == []
