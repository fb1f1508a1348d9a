"""From ``streamlit run app.py`` to the first chart: a new server process each time, a browser that waits for it.

python benchmarks/start.py            # five starts; the last line reads ``start seconds p50=… max=…``
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
from browser import FLAGS, serve

DRAWN = "document.querySelector('.js-plotly-plot .main-svg')"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=5)
    took = []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS)
        for _ in range(parser.parse_args().times):
            page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
            start = time.perf_counter()
            url, server = serve(["app.py"])
            try:
                healthy = time.perf_counter() - start
                page.goto(url)
                page.wait_for_function(DRAWN, timeout=60_000)
                took.append(time.perf_counter() - start)
                print(f"server answers after {healthy:.2f} s, first chart after {took[-1]:.2f} s", flush=True)
            finally:
                server.terminate()
                server.wait()
                page.context.close()
        browser.close()
    print(f"start seconds p50={np.median(took):.2f} max={max(took):.2f}")


if __name__ == "__main__":
    main()
