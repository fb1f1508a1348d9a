"""What the server imports and computes before anybody has come, while the first browser still loads the interface."""

from __future__ import annotations

import gc
import time

from perturbviz.errors import UserError
from perturbviz.scoring.validity import default_view
from perturbviz.ui import cache, sources
from perturbviz.ui.controls import badge, sidebar  # noqa: F401  (imported early)
from perturbviz.ui.sections import rankings as ranking_sections  # noqa: F401  (imported early)

LATER = 6  # seconds: by then whoever opened the page at once has it


def up() -> None:
    """Open the embedded demo and rank its methods under the view it opens with; later what the next clicks need."""
    try:
        demo = sources.embedded("demo")
    except UserError:  # an installation without it
        return
    view = default_view(demo)
    cache.ranking(demo, view)
    # What is there now stays: a search for garbage that goes through all of it holds up every click for 0.1 s and more.
    gc.freeze()
    gc.enable()
    time.sleep(LATER)
    cache.rank_table(demo, view, "few")
    cache.curves(demo, view)  # after an installation this compiles the sweep's loop, which takes seconds
    gc.collect()
    gc.freeze()
