"""Checks in Chromium that every page can be read: contrast (WCAG 2.1 AA), nothing wider than the screen.

``python docs/contrast.py`` opens every page in light and dark and at the width of a tablet and of a telephone, prints
what fails, and exits with 1 if anything does. ``--shots FOLDER`` keeps a picture of each.

The colour of a text is what its style says; its background is what is on the screen behind it, photographed with all
texts made transparent. Normal text needs 4.5:1, large text, icons and marks of charts 3:1. Cells of heat maps carry
their value in words too and are not marks in that sense; disabled controls are exempt (WCAG 1.4.3).
"""

import argparse
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page
from screenshots import chromium, served

PAGES = (
    "",
    "?section=Score+table",
    "?section=Every+view",
    "?section=Robustness",
    "?section=Across+data+sets",
    "?section=Retrieval",
    "errors",
    "profiles",
    "interactions",
    "interactions?ix=finds",
    "interactions?ix=calls",
    "interactions?ix=which",
    "interactions?ix=scores",
    "calibration",
    "goodhart",
    "goodhart?lab=tune",
    "goodhart?lab=table",
    "linear_model",
    "linear_model?look=spectrum",
    "linear_model?look=distance",
    "linear_model?look=learning",
    "data",
    "guide",
    "guide?guide=metrics",
    "guide?guide=talk",
    "guide?guide=glossary",
)
SETTINGS = tuple((theme, width) for width in (1440, 900, 390) for theme in ("light", "dark"))

SETTLED = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
  && document.querySelector('h1') && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
  && [...document.querySelectorAll('.pv-chart-plot')].every((g) => g.querySelector('.main-svg') && !g.dataset.gliding)
  && [...document.querySelectorAll('[data-testid="stElementContainer"]')]
    .every((e) => getComputedStyle(e).opacity === '1')"""

HEIGHT = """() => { const m = document.querySelector('.stMain'), s = document.querySelector(
    '[data-testid="stSidebar"][data-collapsed="false"] [data-testid="stSidebarContent"]');
  return Math.ceil(Math.max(m.scrollHeight, s?.scrollHeight ?? 0)); }"""

# Every visible text with its box, colour and size; every mark of a chart with the colour it is drawn in.
FOUND = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const veil = (el) => { let o = 1; for (let e = el; e; e = e.parentElement) o *= +getComputedStyle(e).opacity;
    return o; };
  const off = (el) => el.closest(
    '[disabled], [aria-disabled="true"], [hidden], .modebar, [data-testid="stTooltipHoverTarget"] :disabled');
  const cut = (el, x, y) => { for (let e = el.parentElement; e; e = e.parentElement) {
    const s = getComputedStyle(e), b = e.getBoundingClientRect();
    if (s.overflowX !== 'visible' && s.overflowY !== 'visible'
      && (x < b.left || x > b.right || y < b.top || y > b.bottom)) return true; }
    return false; };
  const texts = [], marks = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, el = node.parentElement, words = node.data.trim();
    if (!words || ['STYLE', 'SCRIPT', 'NOSCRIPT', 'TITLE'].includes(el.tagName) || off(el)) continue;
    const style = getComputedStyle(el);
    if (style.visibility !== 'visible' || style.display === 'none') continue;
    const range = document.createRange(); range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 3 || box.height < 3 || box.x < 0 || box.y < 0) continue;
      if (box.right > innerWidth || box.bottom > innerHeight) continue;
      if (cut(el, box.x + box.width / 2, box.y + box.height / 2)) continue;
      const top = el.ownerSVGElement ? null : document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      if (top && !top.contains(el) && !el.contains(top)) continue;  // something lies over it
      const [r, g, b, a] = rgba(el.ownerSVGElement ? style.fill : style.color);
      const opacity = a * veil(el) * (el.ownerSVGElement ? +style.fillOpacity : 1);
      if (opacity > 0.02) texts.push({words: words.slice(0, 60), box: [box.x, box.y, box.width, box.height],
        colour: [r, g, b], opacity, size: parseFloat(style.fontSize), weight: +style.fontWeight,
        icon: style.fontFamily.includes("Material"),
        where: el.ownerSVGElement?.closest('figure')?.ariaLabel?.slice(0, 40)
          ?? el.closest('[class*="st-key-"]')?.className.match(/st-key-[\\w-]+/)?.[0] ?? el.tagName});
      break;
    }
  }
  const layers = ['.scatterlayer', '.barlayer', '.boxlayer'].map((layer) => `.cartesianlayer ${layer} path`);
  for (const el of document.querySelectorAll([...layers, '.errorbar path', '.shapelayer path'].join())) {
    const style = getComputedStyle(el), o = veil(el), layer = el.closest('.errorbars') ? 'error bar'
      : el.closest('.points') ? 'point' : el.closest('.shapelayer') ? 'shape' : 'line';
    const stroked = parseFloat(style.strokeWidth) ? +style.strokeOpacity : 0;
    const colours = [[style.fill, +style.fillOpacity], [style.stroke, stroked]].filter(([c]) => c !== 'none')
      .map(([c, k]) => { const [r, g, b, a] = rgba(c); return [r, g, b, a * k * o]; }).filter((c) => c[3] > 0.02);
    if (!colours.length) continue;
    const trace = el.closest('g.trace')?.__data__?.[0]?.trace;
    if (trace?.uid?.includes('-edge-')) continue;  // sets a line off from what is behind it
    marks.push({what: `${layer} of ${trace?.name ?? trace?.uid ?? ''}`.slice(0, 50), colours,
      fill: layer !== 'point' && style.fill !== 'none' && !el.closest('.barlayer'),
      where: el.closest('figure')?.ariaLabel?.slice(0, 40) ?? ''});
  }
  const app = getComputedStyle(document.querySelector('[data-testid="stApp"]'));
  return {texts, marks, surface: rgba(app.backgroundColor).slice(0, 3)};
}"""

WIDER = """() => {
  const out = (e) => e.getBoundingClientRect().right > innerWidth + 1;
  return [...document.querySelectorAll('.stMain, .stMain *')]
    .filter((e) => !e.closest('svg') && e.scrollWidth > e.clientWidth + 1
      && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && (e.matches('.stMain') || out(e)))
    .map((e) => e.className.toString().slice(0, 60))
    .concat(document.documentElement.scrollWidth > innerWidth ? ['page'] : [],
      [...document.querySelectorAll('.pv-chart, .stMain h1, .stMain [role=radiogroup]')].filter(out)
        .map((e) => `reaches out: ${e.className}`)); }"""

HIDE = (
    "*, *::before { color: transparent !important; -webkit-text-fill-color: transparent !important; caret-color: "
    "transparent !important; transition: none !important } svg text, svg tspan { fill: transparent !important }"
)


def luminance(colours: np.ndarray) -> np.ndarray:
    """Relative luminance (WCAG 2.1) of sRGB colours 0-255, shape (..., 3)."""
    share = np.asarray(colours, float) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Contrast ratio of colours, 1 to 21."""
    one, two = luminance(a) + 0.05, luminance(b) + 0.05
    return np.maximum(one, two) / np.minimum(one, two)


def over(colour: np.ndarray, opacity: float, background: np.ndarray) -> np.ndarray:
    """A colour laid over a background."""
    return opacity * np.asarray(colour, float) + (1 - opacity) * np.asarray(background, float)


def low_texts(texts: list[dict[str, Any]], screen: np.ndarray) -> Iterator[str]:
    """Texts with too little contrast to what is behind them: screen is (height, width, 3) without its texts."""
    for text in texts:
        x, y, w, h = (round(v) for v in text["box"])
        behind = np.median(screen[y : y + h, x : x + w].reshape(-1, 3), axis=0)
        if np.isnan(behind).any():
            continue
        ratio = float(contrast(over(text["colour"], text["opacity"], behind), behind))
        large = text["icon"] or text["size"] >= 24 or (text["size"] >= 18.66 and text["weight"] >= 700)
        if ratio < (3 if large else 4.5) - 0.005:
            yield f"{ratio:.2f}:1  “{text['words']}” ({text['size']:g}px, in {text['where']})"


def low_marks(marks: list[dict[str, Any]], surface: np.ndarray) -> Iterator[str]:
    """Marks of which neither the inside nor the outline has 3:1 to the page."""
    for mark in marks:
        if mark["fill"]:
            continue  # bands and areas behind marks
        ratio = max(float(contrast(over(c[:3], c[3], surface), surface)) for c in mark["colours"])
        if ratio < 3 - 0.005:
            yield f"{ratio:.2f}:1  {mark['what']} (in {mark['where']})"


def look_at(page: Page, url: str, width: int, shot: Path | None = None) -> list[str]:
    """Open an address and say what is wrong with what it shows."""
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(url)
    page.wait_for_function(SETTLED, timeout=120_000)
    page.wait_for_timeout(1200)
    page.set_viewport_size({"width": width, "height": max(1000, min(page.evaluate(HEIGHT), 9000))})
    page.wait_for_timeout(600)
    page.wait_for_function(SETTLED, timeout=120_000)
    if shot:
        page.screenshot(path=shot)
    found, wide = page.evaluate(FOUND), page.evaluate(WIDER)
    style = page.add_style_tag(content=HIDE)
    screen = np.asarray(Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB"))
    style.evaluate("(e) => e.remove()")
    surface = np.array(found["surface"])
    lines = [*low_texts(found["texts"], screen), *low_marks(found["marks"], surface), *(f"wider: {w}" for w in wide)]
    return list(dict.fromkeys(lines))


def main() -> int:
    """Check every page in every setting; returns the exit status."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--url", help="of an app that runs; by default one is started")
    options.add_argument("--pages", nargs="*", default=PAGES)
    options.add_argument("--settings", nargs="*", help="such as dark-1440", default=[f"{t}-{w}" for t, w in SETTINGS])
    options.add_argument("--shots", type=Path, help="folder for pictures")
    wanted = options.parse_args()
    failures = 0
    with served() if not wanted.url else _given(wanted.url) as url, chromium() as browser:
        for setting in wanted.settings:
            theme, width = setting.split("-")
            page = browser.new_context(color_scheme=theme, reduced_motion="reduce").new_page()
            for name in wanted.pages:
                picture = "".join(c if c.isalnum() else "-" for c in name) or "rankings"
                shot = wanted.shots / f"{picture}-{setting}.png" if wanted.shots else None
                lines = look_at(page, f"{url}/{name}", int(width), shot)
                print(
                    f"{setting} {name or 'rankings'}: {len(lines) or 'nothing'} to put right",
                    *lines,
                    sep="\n  ",
                    flush=True,
                )
                failures += len(lines)
            page.context.close()
    return 1 if failures else 0


class _given:
    """An app that runs already."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")

    def __enter__(self) -> str:
        return self.url

    def __exit__(self, *_: object) -> None:
        """It goes on running."""


if __name__ == "__main__":
    sys.exit(main())
