"""A slider step of the Goodhart lab in a real Chromium: from the key that moves it to both charts redrawn.

The server's share (all metrics scored, everything else of the script) is what the package computes for the same steps;
every step is a new setting, so that no cache answers. Gliding is off.

    python benchmarks/goodhart.py                                     # the demo
    python benchmarks/goodhart.py --bench norman.h5ad carpool.h5ad    # and other benchmarks
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from browser import FLAGS, ROOT, ready, serve
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(ROOT))
#: Resolve with the milliseconds since the key was pressed, two frames after both charts carry another setting.
STEP = """() => new Promise((resolve) => {
  const tokens = () => [...document.querySelectorAll('.js-plotly-plot')].map((g) => g.layout?.meta?.token);
  const before = tokens();
  let pressed = 0;
  document.addEventListener('keydown', () => { pressed = performance.now(); }, {capture: true, once: true});
  const look = () => {
    const now = tokens();
    if (now.length === 2 && now.every((t, i) => t !== before[i]))
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - pressed)));
    else requestAnimationFrame(look);
  };
  window.__step = new Promise((done) => { const old = resolve; resolve = (v) => { done(v); old(v); }; });
  look();
})"""


def painted(url: str, data: str, start: str, steps: int) -> list[float]:
    """Milliseconds of every step of the first slider."""
    found = []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        ready(page, f"{url}/goodhart?data={data}&start={start}&knobs=a1.5", 2)
        slider = page.get_by_role("slider", name="Shrink or amplify the change")
        slider.focus()
        for i in range(steps + 2):
            page.evaluate(f"() => {{ ({STEP})(); }}")
            page.keyboard.press("ArrowRight")
            took = page.evaluate("() => window.__step")
            if i >= 2:
                found.append(took)
            page.wait_for_timeout(250)
        browser.close()
    return found


def scored(path: Path, start: str, steps: int) -> list[float]:
    """Milliseconds to transform and to score on all metrics, without the page."""
    from perturbviz.analyses.goodhart import Arena, Knobs
    from perturbviz.benchmark import load
    from perturbviz.scoring.evaluation import Evaluation
    from perturbviz.scoring.prepared import Prepared
    from perturbviz.scoring.scores import view_rows
    from perturbviz.scoring.validity import default_view, offered_pairs

    benchmark = load(path)
    evaluation, view = Evaluation(benchmark), default_view(benchmark)
    rows = view_rows(evaluation, view, evaluation.methods)
    prepared = Prepared(evaluation, rows, tuple(offered_pairs(evaluation, view.subset)), view.subset)
    arena, found = Arena(evaluation, start, rows), []
    for i in range(steps + 2):
        begun = time.perf_counter()
        prepared.averages(arena.transform(Knobs(amplify=1.5 + 0.05 * i)))
        found.append(1000 * (time.perf_counter() - begun))
    return found[2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", nargs="*", default=[], help="benchmark files besides the demo")
    parser.add_argument("--start", default="additive", help="method that is transformed")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sets = {"demo": ROOT / "data" / "demo.h5ad"}
        for path in map(Path, arguments.bench):
            shutil.copy(path, folder)
            sets[f"file:{path.name}"] = path
        url, app = serve(["app.py"], PERTURBVIZ_GLIDE="0", PERTURBVIZ_DATA=folder)
        try:
            for data, path in sets.items():
                shown, own = (
                    painted(url, data, arguments.start, arguments.steps),
                    scored(path, arguments.start, arguments.steps),
                )
                print(
                    f"{data:34} painted p50 {np.median(shown):4.0f} ms  p95 {np.quantile(shown, 0.95):4.0f} ms  "
                    f"scored p50 {np.median(own):4.0f} ms  p95 {np.quantile(own, 0.95):4.0f} ms",
                    flush=True,
                )
        finally:
            app.terminate()


if __name__ == "__main__":
    main()
