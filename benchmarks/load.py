"""Many users at once: clicks of websocket clients, and of real browsers among them, against one server.

Every client has a session of its own, opens a page and then clicks a control of the sidebar at its own pace; two
browsers do the same and time what is painted. The server's memory is read all along, its health every second.

    python benchmarks/load.py                             # 20 clients, 2 browsers, a click every 5 s, 10 minutes
    python benchmarks/load.py --minutes 2 --users 10
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.request
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from browser import FLAGS, press, radio, ready, serve  # noqa: E402
from client import Client  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

CLICKS = [("ref", "pert. mean"), ("ref", "control"), ("genes", "all"), ("genes", "expressed")]
PAGES = {"": 2, "errors": 2, "profiles": 1, "interactions": 3}  # and how many charts each has


async def user(i: int, url: str, data: str, pause: float, until: float, seconds: list, problems: list) -> None:
    """One session: opens a page, clicks until the time is over."""
    chance = random.Random(i)
    page = list(PAGES)[i % len(PAGES)]
    client = Client(url, f"metric=pearson_delta&data={data}", page)
    try:
        await asyncio.sleep(chance.uniform(0, pause))
        await client.open()
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * pause)
            key, label = chance.choice([c for c in CLICKS if c[0] in client.widgets])
            seconds.append((time.monotonic(), await client.choose(key, label)))
    except Exception as error:  # a user who was thrown out is what this looks for
        problems.append(f"user {i}: {type(error).__name__}: {error}")
    problems += [f"user {i}: {e}" for e in client.errors]


def browse(i: int, url: str, data: str, pause: float, until: float, painted: list, problems: list) -> None:
    """One real browser that flips the reference and waits for the charts."""
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=FLAGS
            )
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            name = list(PAGES)[i]
            ready(page, f"{url}/{name}?metric=pearson_delta&data={data}", PAGES[name])
            turn = 0
            while time.monotonic() < until:
                page.wait_for_timeout(1000 * pause)
                label = ("pert. mean", "control")[turn % 2]
                painted.append(
                    (time.monotonic(), press(page, partial(radio, page, "ref", label), n=PAGES[name]) / 1000)
                )
                turn += 1
            browser.close()
    except Exception as error:
        problems.append(f"browser {i}: {type(error).__name__}: {error}")


def watch(pid: int, url: str, until: float, memory: list, ill: list) -> None:
    """Memory of the server in MB, and whether it answers, once a second."""
    while time.monotonic() < until:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                memory.append((time.monotonic(), int(line.split()[1]) / 1024))
        start = time.monotonic()
        try:
            assert urllib.request.urlopen(f"{url}/_stcore/health", timeout=10).read() == b"ok"
        except (OSError, AssertionError) as error:
            ill.append(f"{start:.0f}: {error}")
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--pause", type=float, default=5, help="mean seconds between two clicks of a user")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--bench", help="a benchmark file instead of the demo")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = "demo"
        if arguments.bench:
            shutil.copy(arguments.bench, folder)
            data = f"file:{Path(arguments.bench).name}"
        url, server = serve(["app.py"], PERTURBVIZ_GLIDE="0", PERTURBVIZ_DATA=folder)
        try:
            start = time.monotonic()
            until = start + 60 * arguments.minutes
            seconds, painted, memory, problems, ill = [], [], [], [], []
            threads = [
                threading.Thread(target=browse, args=(i, url, data, arguments.pause, until, painted, problems))
                for i in range(arguments.browsers)
            ]
            threads.append(threading.Thread(target=watch, args=(server.pid, url, until, memory, ill)))
            for thread in threads:
                thread.start()

            async def crowd() -> None:
                users = (user(i, url, data, arguments.pause, until, seconds, problems) for i in range(arguments.users))
                await asyncio.gather(*users)

            asyncio.run(crowd())
            for thread in threads:
                thread.join()
        finally:
            server.terminate()
    report(start, seconds, painted, memory, problems, ill)


def report(start: float, seconds: list, painted: list, memory: list, problems: list, ill: list) -> None:
    """Print what was seen; the first fifth is warm-up for the memory."""
    for problem in problems[:20] + ill[:20]:
        print(problem)
    took, shown = (np.array([s for _, s in x]) for x in (seconds, painted))
    at, used = np.array(memory).T
    warm = at > start + (at[-1] - start) / 5
    slope = 60 * np.polyfit(at[warm], used[warm], 1)[0]
    print(f"{len(took)} clicks of clients: p50 {np.median(took):.2f} s, p95 {np.quantile(took, 0.95):.2f} s")
    print(
        f"{len(shown)} clicks in browsers, painted: p50 {np.median(shown):.2f} s, p95 {np.quantile(shown, 0.95):.2f} s"
    )
    print(
        f"memory: {used[0]:.0f} MB at first, {used[warm][0]:.0f} MB warm, {used[-1]:.0f} MB at the end, "
        f"{slope:+.1f} MB a minute"
    )
    print(
        f"load errors={len(problems)} unanswered={len(ill)} server_p95={np.quantile(took, 0.95):.2f} "
        f"painted_p95={np.quantile(shown, 0.95):.2f} memory_slope={slope:.1f}"
    )


if __name__ == "__main__":
    main()
