"""From a click to everything redrawn, in a real Chromium, against a bare app that draws the same charts.

Both apps run side by side: perturbviz with gliding off, and a floor that holds the figures of every setting ready and
draws them with ``st.plotly_chart``. Time runs from the press of the pointer or key to the second animation frame after
every chart that the click changes carries the new setting. Clicks alternate between the apps, so that a noisy machine
is noisy for both. Every page that draws the view, every control of the sidebar that changes a picture on it, each
clicked to and fro; charts that look the same before and after are not waited for. The first click of each,
with whatever is not computed yet, is told apart ("first").

    python benchmarks/redraw.py                          # the demo, and a simulated benchmark of Norman size
    python benchmarks/redraw.py --size large             # 6 methods x 10,000 perturbations x 8,000 genes, simulated
    python benchmarks/redraw.py --size demo --bench norman.h5ad --pages errors --controls metric genes
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Error, Page, sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import floor as bare  # noqa: E402
import sizes  # noqa: E402
from browser import ACTS, DRAWS, IDLE, SIZE, launch, press, ready, serve  # noqa: E402
from controls import BASE, PAGES, Control, Link, controls  # noqa: E402

PAUSE = 100  # milliseconds between clicks, after both scripts have ended
PATIENCE = {"large": 300}  # seconds for one click


@dataclass(frozen=True)
class Clicks:
    """What was measured on one control of one page, in milliseconds."""

    size: str
    page: str
    control: str
    first: float
    ours: list[float]
    floor: list[float]


@dataclass
class Pair:
    """A page open in the app and in the floor, with the figures of its settings."""

    app: str
    floor: str
    page: str
    data: str
    figures: dict[str, list]
    ours: Page
    bare: Page
    patience: float
    opened: Link | None = None
    unfolded: bool = False

    def link(self, base: Link, more: Link | None = None) -> Link:
        """A setting."""
        return {"data": self.data, **base, **(more or {})}

    def open(self, base: Link, slide: str = "") -> None:
        """Load both at a setting."""
        link, path = self.link(base), "" if self.page == "rankings" else self.page
        keys = [key for key, _ in self.figures[bare.name_of(link)]]
        ready(self.ours, f"{self.app}/{path}?{urllib.parse.urlencode(link, doseq=True)}", 1, keys, self.patience, 1.0)
        self.open_floor(link, slide)
        self.opened, self.unfolded = base, False

    def open_floor(self, link: Link, slide: str = "") -> None:
        """Load the floor."""
        query = {"page": self.page, "start": bare.name_of(link)} | ({"slide": slide} if slide else {})
        ready(
            self.bare,
            f"{self.floor}/?{urllib.parse.urlencode(query)}",
            1,
            [key for key, _ in self.figures[bare.name_of(link)]],
            60,
            0.2,
        )

    def unfold(self) -> None:
        """Open the sidebar's expander."""
        if not self.unfolded:
            self.ours.locator(".st-key-_more summary").click()
            self.ours.wait_for_selector(".st-key-split", timeout=1000 * self.patience)
            self.unfolded = True


def measure(pair: Pair, control: Control, clicks: int, size: str) -> Clicks | None:
    """Click to and fro, counting clicks that redraw something; None where the control changes nothing that is drawn."""
    sliding = control.kind == "slide"
    here, there = (bare.name_of(pair.link(control.base, to)) for to in ({}, control.to))
    keys = {(a, b): bare.changed(pair.figures[a], pair.figures[b]) for a, b in ((here, there), (there, here))}
    if not all(keys.values()):
        return None
    if pair.opened != control.base:
        pair.open(control.base, there if sliding else "")
    elif sliding:
        pair.open_floor(pair.link(control.base), there)
    if control.folded:
        pair.unfold()
    act = ACTS[control.kind]

    def ours(i: int) -> float:
        """The i-th click, there and back in turn."""
        label, way = ((control.there, (here, there)), (control.back, (there, here)))[i % 2]
        took = press(pair.ours, lambda: act(pair.ours, control.key, label), keys[way], 1, pair.patience)
        pair.ours.wait_for_function(IDLE, timeout=1000 * pair.patience)
        pair.ours.wait_for_timeout(PAUSE)
        return took

    def theirs(i: int) -> float:
        way = ((here, there), (there, here))[i % 2]
        label = ("ArrowRight", "ArrowLeft")[i % 2] if sliding else way[1]
        act = ACTS["slide" if sliding else "radio"]
        took = press(pair.bare, lambda: act(pair.bare, "setting", label), keys[way])
        pair.bare.wait_for_function(IDLE)
        pair.bare.wait_for_timeout(PAUSE)
        return took

    found = Clicks(size, pair.page, control.name, 0, [], [])
    pair.ours.bring_to_front()
    first = ours(0)
    for i in range(clicks):
        pair.ours.bring_to_front()
        before = pair.ours.evaluate(DRAWS)
        took = ours(i + 1)
        drawn = pair.ours.evaluate(DRAWS) != before
        pair.bare.bring_to_front()
        floor = theirs(i)
        if drawn:
            found.ours.append(took)
            found.floor.append(floor)
    if not clicks % 2:  # back to where all began
        pair.ours.bring_to_front()
        ours(1)
    if sliding or clicks % 2:
        pair.open_floor(pair.link(control.base))
    return replace(found, first=first) if found.ours else None


def line(found: Clicks) -> str:
    """What is printed of a control."""
    return (
        f"{found.size:10} {found.page:13} {found.control:10} p50 {p50(found.ours):5.0f} ms  p95 "
        f"{p95(found.ours):5.0f} ms  floor p50 {p50(found.floor):5.0f} ms  p95 {p95(found.floor):5.0f} ms  ratio "
        f"{p50(found.ours) / p50(found.floor):.2f}  first {found.first:5.0f} ms"
    )


def p50(values: Iterable[float]) -> float:
    """Median."""
    return float(np.median(list(values)))


def p95(values: Iterable[float]) -> float:
    """95th percentile."""
    return float(np.quantile(list(values), 0.95))


def run_page(
    browser: Browser,
    apps: tuple[str, str],
    size: str,
    data: str,
    page: str,
    wanted: list[Control],
    figures: dict,
    clicks: int,
    problems: list[str],
) -> list[Clicks]:
    """Measure the controls of a page."""
    everything: list[Clicks] = []
    pages = [browser.new_page(viewport=SIZE) for _ in range(2)]
    pair = Pair(*apps, page, data, figures, *pages, PATIENCE.get(size, 60))
    for control in wanted:
        try:
            found = measure(pair, control, clicks, size)
        except (Error, RuntimeError) as error:
            problems.append(f"{size} {page} {control.name}: {str(error).splitlines()[0]}")
            print(f"FAILED {problems[-1]}", flush=True)
            pair.opened = None  # load it anew
            continue
        if found is None:
            print(f"{size:10} {page:13} {control.name:10} changes nothing that is drawn here", flush=True)
        else:
            everything.append(found)
            print(line(found), flush=True)
    for p in pages:
        p.close()
    return everything


def run_size(
    browser: Browser,
    app: str,
    folder: Path,
    size: str,
    data: str,
    titles: dict[str, str],
    arguments: argparse.Namespace,
    problems: list[str],
) -> list[Clicks]:
    """Measure all pages on a benchmark."""
    from perturbviz.benchmark import Benchmark
    from perturbviz.ui.sources import open_source

    source = open_source(data)
    assert isinstance(source, Benchmark)
    wanted = {
        page: [
            c for c in controls(source, data, page, titles) if not arguments.controls or c.name in arguments.controls
        ]
        for page in arguments.pages
    }
    begun = time.monotonic()
    figures: bare.Figures = {}
    for page in arguments.pages:
        links = [{"data": data, **base} for base in [BASE, *(c.base | to for c in wanted[page] for to in ({}, c.to))]]
        figures[page] = bare.collect(page, links)
    print(f"{size}: figures of all settings made in {time.monotonic() - begun:.0f} s", flush=True)
    stored = folder / f"figures-{size}.pickle"
    stored.write_bytes(pickle.dumps(figures))
    floor, server = serve([str(bare.write(folder)), "--", str(stored)])
    everything: list[Clicks] = []
    try:
        for page in arguments.pages:
            if not figures[page][bare.name_of({"data": data, **BASE})]:
                print(f"{size:10} {page:13} draws nothing of these data", flush=True)
                continue
            everything += run_page(
                browser, (app, floor), size, data, page, wanted[page], figures[page], arguments.clicks, problems
            )
    finally:
        server.terminate()
    return everything


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", nargs="+", choices=["demo", *sizes.MAKE], default=["demo", "norman"])
    parser.add_argument("--bench", help="a benchmark file besides")
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES))
    parser.add_argument("--controls", nargs="+", help="names as printed; all where none is given")
    parser.add_argument("--clicks", type=int, default=2, help="counted clicks a page and control")
    arguments = parser.parse_args()
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="perturbviz-redraw-") as name:
        folder = Path(name)
        environment = bare.environment(folder)
        sets = {}
        for size in arguments.size:
            if size != "demo":
                begun = time.monotonic()
                made = sizes.MAKE[size](folder / f"{size}-size-simulated.h5ad")
                print(
                    f"{size}: {made.stat().st_size / 1e9:.1f} GB simulated in {time.monotonic() - begun:.0f} s",
                    flush=True,
                )
            sets[size] = "demo" if size == "demo" else f"file:{made.name}"
        if arguments.bench:
            (folder / Path(arguments.bench).name).symlink_to(Path(arguments.bench).resolve())
            sets[Path(arguments.bench).stem] = f"file:{Path(arguments.bench).name}"
        from perturbviz.ui.sources import choices

        titles = choices()
        app, server = serve(["app.py"], **environment)
        found: list[Clicks] = []
        try:
            with sync_playwright() as p:
                browser = launch(p)
                for size, data in sets.items():
                    found += run_size(browser, app, folder, size, data, titles, arguments, problems)
                browser.close()
        finally:
            server.terminate()
            server.wait()
    report(found, list(sets), problems)


def report(found: list[Clicks], names: list[str], problems: list[str]) -> None:
    """A line for each size and one for those that every release is judged by."""
    for problem in problems:
        print(f"FAILED {problem}")
    total = [c for c in found if c.size in ("demo", "norman")] or found
    for size, chosen in [*((s, [c for c in found if c.size == s]) for s in names), ("ratio", total)]:
        if not chosen:
            continue
        ours, floor = [t for c in chosen for t in c.ours], [t for c in chosen for t in c.floor]
        middle, high = p50(ours) / p50(floor), p95(ours) / p95(floor)
        if size == "ratio":
            print(f"redraw ratio p50={middle:.2f} p95={high:.2f}")
        else:
            print(
                f"redraw {size} p50={p50(ours):.0f} p95={p95(ours):.0f} floor={p50(floor):.0f} ratio={middle:.2f} "
                f"p95/p50={p95(ours) / p50(ours):.2f} first={p50(c.first for c in chosen):.0f} clicks={len(ours)}"
            )
    if problems:
        sys.exit(1)


if __name__ == "__main__":
    main()
