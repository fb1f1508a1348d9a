"""Makes the pictures of the README: starts the app, opens it in Chromium, writes files beside this script."""

import io
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

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
SHOTS = {"views": "?section=Every+view"}
#: Points glide in a third of a second: slowed down, so that there is time for pictures in between.
SLOW = """(() => { const now = performance.now.bind(performance), frame = requestAnimationFrame.bind(window);
  performance.now = () => now() / 40; window.requestAnimationFrame = (f) => frame(() => f(performance.now())); })()"""
PATIENCE = 380_000  # milliseconds; every view of the demo takes a while on a busy machine
FRAMES, FRAME, HOLD = 16, 45, 2200  # pictures of a glide; milliseconds of one, and of what stands still
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


def _frame(page: Page) -> Image.Image:
    """The first screen from the title to the sentence, half as large."""
    top, foot = (page.locator(s).bounding_box() for s in ("h1", ".st-key-pv-said"))
    assert top and foot
    clip = {"x": top["x"] - 20, "y": top["y"] - 10, "width": top["width"] + 40}
    taken = page.screenshot(clip={**clip, "height": foot["y"] + foot["height"] - top["y"] + 10})  # type: ignore[arg-type]
    return Image.open(io.BytesIO(taken)).convert("RGB")


def moving(browser: Browser, url: str) -> None:
    """The switch, there and back, as one file that goes round for ever."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    page.add_init_script(SLOW)
    page.goto(url)
    page.wait_for_function(READY, timeout=PATIENCE)
    page.wait_for_timeout(4000)
    frames, durations = [_frame(page)], [HOLD]
    for name in ("perturbation mean", "control mean"):
        page.get_by_role("radio", name=name, exact=True).click()
        page.wait_for_selector("[data-gliding]", state="attached")
        for _ in range(FRAMES):
            frames.append(_frame(page))
            durations.append(FRAME)
        page.wait_for_function("!document.querySelector('[data-gliding]')", timeout=60_000)
        page.mouse.move(0, 0)
        page.wait_for_timeout(1500)
        frames.append(_frame(page))
        durations.append(HOLD)
    page.close()
    palette = frames[0].quantize(96)
    small = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    small[0].save(
        HERE / "switch.gif", save_all=True, append_images=small[1:], duration=durations, loop=0, optimize=True
    )


def main() -> None:
    """Open each page and photograph it."""
    with served() as url, chromium() as browser:
        moving(browser, url)
        page = browser.new_page(viewport={"width": 1300, "height": 800})
        for name, query in SHOTS.items():
            page.goto(f"{url}/{query}")
            page.wait_for_function(READY, timeout=PATIENCE)
            page.wait_for_timeout(1500)
            page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
