"""What the server does before anybody has come: the first page then waits for nothing but the browser."""

from __future__ import annotations

import sys

from perturbviz.errors import UserError
from perturbviz.ui import badge, cache, ranking_sections, settle, sidebar, sources  # noqa: F401  (imported early)
from perturbviz.validity import default_view

SWITCH = 0.001  # seconds


def up() -> None:
    """Open the embedded demo and fill the caches of the view it opens with."""
    # While one session computes, the server's own thread wants the interpreter briefly and often, to send and to serve:
    # at Python's 5 ms a turn each file of the first page would wait for dozens of turns.
    sys.setswitchinterval(SWITCH)
    try:
        demo = sources.embedded("demo")
    except UserError:  # an installation without it
        return
    view = default_view(demo)
    cache.ranking(demo, view)
    cache.rank_table(demo, view)
