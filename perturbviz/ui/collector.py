"""Keeps garbage collection off the way from a click to a redraw.

Streamlit collects all generations of garbage after every run, with the interpreter's lock held. Of the half million
objects it then looks at nearly all belong to imported modules and never become garbage: 150 ms a click, for every
session of the server, during which no message leaves it.
"""

from __future__ import annotations

import gc
import sys

_modules = 0


def settle() -> None:
    """Take what imported modules hold out of the collector's sight; called after a run, works where modules came in."""
    global _modules
    if len(sys.modules) > _modules:
        _modules = len(sys.modules)
        gc.collect()
        gc.freeze()
