"""Colours that a person gave to methods: one short parameter of the link, ``col``, so they hold on every page."""

from __future__ import annotations

import re

from perturbviz.panels.figures.readable import contrast
from perturbviz.panels.figures.theme import SURFACE, THEME_COLOURS
from perturbviz.ui import session

_ENTRY = re.compile(r"([A-Za-z0-9._-]+):([0-9a-f]{6})")
VISIBLE = 3.0
"""Least contrast of a mark with what is around it (WCAG 2.2, 1.4.11)."""


def chosen() -> dict[str, str]:
    """Method -> colour, for the methods that were recoloured."""
    entries = map(_ENTRY.fullmatch, session.extra("col").split("~"))
    return {m[1]: f"#{m[2]}" for m in entries if m}


def choose(method: str, colour: str) -> None:
    """Give a method a colour; anything that is no colour is left out."""
    entries = (f"{m}:{c.lower().removeprefix('#')}" for m, c in {**chosen(), method: colour}.items())
    session.set_extra("col", "~".join(e for e in entries if _ENTRY.fullmatch(e)))


def forget() -> None:
    """Give all methods their own colours back."""
    session.set_extra("col", "")


def hard_to_see(colour: str) -> str:
    """Says on which background a colour is hard to see; "" where it is clear on both."""
    grounds = {"light": SURFACE, "dark": THEME_COLOURS[SURFACE]}
    # a colour of the palette has its counterpart on a dark background
    drawn = {"light": colour, "dark": THEME_COLOURS.get(colour, colour)}
    faint = [name for name, ground in grounds.items() if contrast(drawn[name], ground) < VISIBLE]
    return f"Hard to see on a {' or '.join(faint)} background." if faint else ""
