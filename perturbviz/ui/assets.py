"""The browser's files: the chart component, and plotly.js from the installed plotly package; no import of plotly itself.

Streamlit's component route serves them, which knows the base path. A page asks for them in its head already
(``PRELOAD``, ``EARLY``), so that they are there when the first chart arrives.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from streamlit.components.v1.custom_component import CustomComponent
from streamlit.runtime import Runtime

ASSETS = Path(__file__).parent / "chart_assets"
PLOTLY_VERSION = version("plotly")
_ROUTE = f"component/{__name__}"
#: (address relative to the app, what it is) of every file that the first chart waits for.
PRELOAD = (
    *((f"{_ROUTE}.chart/{name}", "modulepreload") for name in ("chart.js", "glide.js", "look.js", "plotly.js")),
    (f"{_ROUTE}.plotly/plotly.min.js?v={PLOTLY_VERSION}", "preload; as=fetch; crossorigin"),
)
#: A module that belongs into every page.
EARLY = f"{_ROUTE}.chart/early.js?plotly={PLOTLY_VERSION}"


def plotly_folder() -> Path:
    """Where the installed plotly package keeps plotly.js."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly is not installed")
    return Path(spec.origin).parent / "package_data"


@lru_cache(maxsize=1)
def serve(runtime: Runtime) -> None:
    """Let a running server hand out the files, once; ``st.declare_component`` would do so in a page's run only."""
    for name, folder in (("chart", ASSETS), ("plotly", plotly_folder())):
        runtime.component_registry.register_component(
            CustomComponent(f"{__name__}.{name}", path=str(folder), module_name=__name__)
        )
