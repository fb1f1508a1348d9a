"""From a click to everything redrawn, in a real Chromium, against a bare app that draws the same charts.

Both apps run side by side: perturbviz with gliding off, and a floor that holds the figures of every setting ready and
draws them with ``st.plotly_chart``. Time runs from the press of the pointer to the second animation frame after every
chart carries the new setting. Clicks alternate between the apps, so that a noisy machine is noisy for both.

    python benchmarks/redraw.py                          # the demo
    python benchmarks/redraw.py --bench norman.h5ad      # and another benchmark
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
from playwright.sync_api import Error, Page, sync_playwright
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]
PAGES = ("rankings", "errors", "profiles", "interactions")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip
#: control -> settings that one click on it leads to, in turn; the rest of the view stays.
CONTROLS = {
    "reference": [{"ref": "control"}, {"ref": "perturbation"}],
    "genes": [{"genes": "all"}, {"genes": "de"}],
    "metric": [{"metric": "mae"}, {"metric": "pearson_delta"}],
}
BASE = {"metric": "pearson_delta"}
LABELS = {"control": "control", "perturbation": "pert. mean", "all": "all", "de": "DE", "expressed": "expressed"}


def controls(page: str, data: str) -> dict[str, list[dict]]:
    """The controls that mean something on a page: DE genes differ from double to double, so Interactions has none."""
    if page != "interactions":
        return CONTROLS
    if data != "demo":  # in delta space there is no expression to order genes by
        return {k: v for k, v in CONTROLS.items() if k != "genes"}
    return {**CONTROLS, "genes": [{"genes": "all"}, {"genes": "expressed"}]}


FLOOR = """
import pickle, sys
import plotly.graph_objects as go
import streamlit as st
st.set_page_config(layout="wide")
figures = st.cache_resource(lambda: pickle.load(open(sys.argv[1], "rb")))()
page = st.query_params["page"]
st.title(page)
with st.sidebar:
    chosen = st.segmented_control("setting", sorted(figures[page]), default=st.query_params["start"], required=True)
for i, figure in enumerate(figures[page][chosen]):
    st.plotly_chart(go.Figure(figure, skip_invalid=True), key=f"c{i}", theme=None)
"""

#: In the page: note the time of a press; resolve two frames after all charts show another token.
WATCH = """() => { window.__pressed = 0;
  document.addEventListener('pointerdown', () => { window.__pressed = performance.now(); }, {capture: true}); }"""
IDLE = "() => document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
TOKENS = "() => JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map(g => g.layout?.meta?.token))"
REDRAWN = """([before, n]) => new Promise((resolve, reject) => {
  const end = performance.now() + 30000;
  const look = () => {
    const gds = [...document.querySelectorAll('.js-plotly-plot')];
    const done = gds.length >= n && gds.every((g) => g._fullLayout && g.querySelector('.main-svg')
      && g.layout?.meta?.token !== undefined && !before.includes(g.layout.meta.token));
    if (done) requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - window.__pressed)));
    else if (performance.now() > end) reject(new Error('not redrawn in 30 s'));
    else requestAnimationFrame(look);
  }; look(); })"""


def name_of(query: dict) -> str:
    return json.dumps(query, sort_keys=True)


def collect(data: str, pages: list[str]) -> tuple[dict, dict]:
    """Figures of every page and setting as the app makes them: page -> setting -> figures; and how many a page has."""
    from tests.charts import figures

    found: dict[str, dict[str, list]] = {}
    for page in pages:
        found[page] = {}
        for settings in controls(page, data).values():
            for change in settings:
                query = {**BASE, **change, "data": data}
                at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
                for key, value in query.items():
                    at.query_params[key] = value
                at.run()
                if page != "rankings":
                    at.switch_page(f"pages/{page}.py").run()
                assert not at.exception, at.exception[0].message
                found[page][name_of(change)] = [
                    {"data": f["data"], "layout": {**f["layout"], "meta": {"token": name_of(change)}}}
                    for f in figures(at)
                ]
    return found, {page: len(next(iter(found[page].values()))) for page in pages}


def serve(command: list[str], **environment: str) -> tuple[str, subprocess.Popen]:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    options = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true",
               "--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]  # fmt: skip
    at = command.index("--") if "--" in command else len(command)
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", *command[:at], *options, *command[at:]], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read() == b"ok":
                return url, process
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def press(page: Page, label: str, n: int, metric: bool = False) -> float:
    """Click a control and wait for the redraw: milliseconds."""
    page.wait_for_function(IDLE)
    before = json.loads(page.evaluate(TOKENS))
    if metric:
        page.locator(".st-key-metric input").click()
        option = page.get_by_role("option", name=label, exact=True)
        while option.count():  # the list of a select box may move under the pointer: such a click chooses nothing
            option.click()
            page.wait_for_timeout(30)
    else:
        page.get_by_role("radio", name=label, exact=True).click()
    try:
        return page.evaluate(REDRAWN, [before, n])
    except Error as error:
        page.screenshot(path="redraw-failed.png")
        state = page.evaluate("() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState")
        raise RuntimeError(
            f"{page.url}: after a click on {label} the charts went from {before} to {page.evaluate(TOKENS)} "
            f"({n} wanted, script {state}); see redraw-failed.png"
        ) from error


def ready(page: Page, url: str, n: int) -> None:
    page.goto(url)
    page.wait_for_function(
        "n => { const g = [...document.querySelectorAll('.js-plotly-plot')];"
        " return g.length >= n && g.every(x => x._fullLayout && x.querySelector('.main-svg'))"
        " && document.querySelector('[data-testid=\"stApp\"]').dataset.testScriptState === 'notRunning'; }",
        arg=n, timeout=60_000,
    )  # fmt: skip
    page.evaluate(WATCH)
    page.wait_for_timeout(1500)


def show(data: str, page: str, control: str, lines: list[tuple]) -> None:
    mine, theirs = (np.array([x[i] for x in lines if x[:2] == (page, control)]) for i in (2, 3))
    ratio = np.median(mine) / np.median(theirs)
    print(
        f"{data:10} {page:13} {control:10} p50 {np.median(mine):5.0f} ms  p95 {np.quantile(mine, 0.95):5.0f} ms  "
        f"floor p50 {np.median(theirs):5.0f} ms  ratio {ratio:.2f}",
        flush=True,
    )


def measure(url: str, floor: str, data: str, pages: list[str], counts: dict, clicks: int) -> list[tuple]:
    """(page, control, ours, floor) in milliseconds, one line a click."""
    from perturbviz.metrics import CATALOGUE

    lines = []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS)
        ours = browser.new_page(viewport={"width": 1440, "height": 1000})
        bare = browser.new_page(viewport={"width": 1440, "height": 1000})
        for page in pages:
            n = counts[page]
            for control, (first, second) in controls(page, data).items():
                path = "" if page == "rankings" else page
                query = "&".join(f"{k}={v}" for k, v in {**BASE, **first, "data": data}.items())
                ready(ours, f"{url}/{path}?{query}", n)
                ready(bare, f"{floor}/?page={page}&start={urllib.parse.quote(name_of(first))}", n)
                for i in range(clicks + 2):
                    wanted = (second, first)[i % 2]
                    value = next(iter(wanted.values()))
                    label = CATALOGUE[value].card.name if control == "metric" else LABELS[value]
                    ours.bring_to_front()
                    mine = press(ours, label, n, metric=control == "metric")
                    ours.wait_for_timeout(250)
                    bare.bring_to_front()
                    theirs = press(bare, name_of(wanted), n)
                    bare.wait_for_timeout(250)
                    if i >= 2:  # the first click of each direction fills caches
                        lines.append((page, control, mine, theirs))
                show(data, page, control, lines)
        browser.close()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", help="a benchmark file besides the demo")
    parser.add_argument("--pages", nargs="+", default=list(PAGES))
    parser.add_argument("--clicks", type=int, default=10, help="counted clicks a page and control")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        environment = {"PERTURBVIZ_GLIDE": "0"}
        sets = ["demo"]
        if arguments.bench:
            shutil.copy(arguments.bench, folder)
            environment["PERTURBVIZ_DATA"] = os.environ["PERTURBVIZ_DATA"] = folder
            sets.append(f"file:{Path(arguments.bench).name}")
        (Path(folder) / "floor.py").write_text(FLOOR)
        url, app = serve(["app.py"], **environment)
        everything = []
        try:
            for data in sets:
                found, counts = collect(data, arguments.pages)
                stored = Path(folder) / "figures.pickle"
                stored.write_bytes(pickle.dumps(found))
                floor, bare = serve([str(Path(folder) / "floor.py"), "--", str(stored)])
                try:
                    lines = measure(url, floor, data, arguments.pages, counts, arguments.clicks)
                finally:
                    bare.terminate()
                everything += lines
        finally:
            app.terminate()
    mine, theirs = (np.array([x[i] for x in everything]) for i in (2, 3))
    print(
        f"all clicks: p50 {np.median(mine):.0f} ms, p95 {np.quantile(mine, 0.95):.0f} ms; floor p50 {np.median(theirs):.0f} ms, p95 {np.quantile(theirs, 0.95):.0f} ms"
    )
    print(
        f"redraw ratio p50={np.median(mine) / np.median(theirs):.2f} p95={np.quantile(mine, 0.95) / np.quantile(theirs, 0.95):.2f}"
    )


if __name__ == "__main__":
    main()
