"""The browser's files: the chart component, and plotly.js from the installed plotly package; no import of plotly itself.

Streamlit's component route serves them, which knows the base path. A page asks for them in its head already
(``PRELOAD``, ``EARLY``), so that they are there when the first chart arrives.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from streamlit.components.v1.custom_component import CustomComponent
from streamlit.runtime import Runtime

ASSETS = Path(__file__).parent / "chart"
PLOTLY_VERSION = version("plotly")
_ROUTE = f"component/{__name__}"
KEPT = f"{_ROUTE}.plotly/plotly.js"
#: (address relative to the app, what it is) of every file that the first chart waits for.
PRELOAD = (
    *((f"{_ROUTE}.chart/{name}", "modulepreload") for name in ("chart.js", "glide.js", "look.js", "plotly.js")),
    (f"{KEPT}?v={PLOTLY_VERSION}", "modulepreload"),
)
#: Parts of Streamlit's interface that the first page shows, in the order in which it does.
PARTS = (
    "BidiComponent",
    "Html",
    "Selectbox",
    "Button",
    "PageLink",
    "ButtonGroup",
    "Checkbox",
    "DownloadButton",
    "Slider",
)


#: Name -> file of every script of the installed Streamlit's interface.
INTERFACE = {
    file.name: file
    for file in sorted((Path(str(find_spec("streamlit").origin)).parent / "static" / "static" / "js").glob("*.js"))  # type: ignore[union-attr]
}


def part_files() -> list[str]:
    """Files of ``PARTS`` in the installed Streamlit; without those that it does not have."""
    found = {name.partition(".")[0]: name for name in INTERFACE}
    return [found[part] for part in PARTS if part in found]


#: A module that belongs into every page.
EARLY = f"{_ROUTE}.chart/early.js?plotly={PLOTLY_VERSION}&amp;parts={','.join(part_files())}"


@lru_cache(maxsize=1)
def plotly_folder() -> Path:
    """Folder with the installed package's plotly.js as a module, which browsers read ahead; gone with the process.

    The module has its own ``module``, so that neither an AMD loader nor Streamlit's own plotly is involved. The library
    is one function: in brackets of its own browsers translate it while they read it, not when it is called.
    """
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("plotly is not installed")
    folder = tempfile.mkdtemp(prefix="perturbviz-plotly-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with (Path(folder) / "plotly.js").open("wb") as file:
        file.write(b"const module = { exports: {} }, exports = module.exports, define = undefined;\n")
        library = (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes()
        if library.count(begin := b": this, () => {") == 1 and library.endswith(end := b"}));"):
            library = library.replace(begin, b": this, (() => {").removesuffix(end) + b"})));"
        file.write(library)
        file.write(b"\nexport default module.exports;\n")
    return Path(folder)


@lru_cache(maxsize=1)
def serve(runtime: Runtime) -> None:
    """Let a running server hand out the files, once; ``st.declare_component`` would do so in a page's run only."""
    for name, folder in (("chart", ASSETS), ("plotly", plotly_folder())):
        runtime.component_registry.register_component(
            CustomComponent(f"{__name__}.{name}", path=str(folder), module_name=__name__)
        )
