"""What the server imports and computes before anybody has come, while the first browser still loads the interface."""

from __future__ import annotations

from perturbviz.errors import UserError
from perturbviz.ui import badge, cache, ranking_sections, settle, sidebar, sources  # noqa: F401  (imported early)
from perturbviz.validity import default_view


def up() -> None:
    """Open the embedded demo and rank its methods under the view it opens with."""
    try:
        demo = sources.embedded("demo")
    except UserError:  # an installation without it
        return
    cache.ranking(demo, default_view(demo))
