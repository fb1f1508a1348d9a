"""Draw the house: rooms, floors, circles, and what one click passes through.

``python tests/draw.py`` prints the rooms; with ``--click`` also the modules and functions that a click on "reference"
runs, with every score at hand. ``--long`` lists functions and pages over the limits. Imports inside functions count.
"""

from __future__ import annotations

import argparse
import ast
import sys
import threading
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).resolve().parents[1]
#: Rooms from the ground up: a module imports from its own room and from those before it.
ROOMS = (
    *("errors", "stats", "benchmark", "cells", "readers", "catalogue"),  # the data
    *("metrics", "scoring", "models", "analyses"),  # what is computed
    *("panels", "guide", "report"),  # what is said and drawn
    *("cli", "ui", "pages"),  # who asks for it
)
FUNCTION, PAGE = 60, 80  # lines at most


@lru_cache(maxsize=1)
def modules() -> dict[str, Path]:
    """Dotted name -> file of every module of the product."""
    paths = [*ROOT.glob("perturbviz/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def room(module: str) -> str:
    """The room of a module. The doors (``app``, ``perturbviz``, ``__main__``) stand in front of all, as pages do."""
    parts = module.split(".")
    return parts[1] if parts[0] == "perturbviz" and len(parts) > 1 and parts[1] != "__main__" else "pages"


def floor(module: str) -> int:
    """Place of a module's room in ``ROOMS``; rooms nobody planned stand beside the doors."""
    return ROOMS.index(room(module)) if room(module) in ROOMS else len(ROOMS)


@lru_cache(maxsize=1)
def graph() -> dict[str, set[str]]:
    """Module -> modules it imports, at the top or inside a function, by statement or by name (``import_module``).

    The package itself hands out its public names when they are asked for: as something imported it counts for nothing.
    """
    return {
        name: {o for o in _imported(_tree(path)) if o not in (name, "perturbviz")} for name, path in modules().items()
    }


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` is an import of that module
            parts = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {part if part in modules() else node.module for part in parts.values()}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} if node.value.startswith("perturbviz.") else set()
    return found & set(modules())


def upward() -> list[tuple[str, str]]:
    """Imports from a room of a higher floor: (module, what it imports)."""
    return sorted((name, other) for name, others in graph().items() for other in others if floor(other) > floor(name))


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Sets of two and more that lead to one another."""
    names = sorted({*edges, *(o for others in edges.values() for o in others)})
    index = {name: i for i, name in enumerate(names)}
    pairs = [(index[a], index[b]) for a, others in edges.items() for b in others if a != b]
    rows, columns = np.array(pairs).T
    shape = (len(names), len(names))
    matrix = csr_array((np.ones(len(pairs), bool), (rows, columns)), shape=shape)
    n, label = connected_components(matrix, connection="strong")
    groups = [[name for name, at in zip(names, label, strict=True) if at == i] for i in range(n)]
    return [group for group in groups if len(group) > 1]


def between_rooms() -> dict[str, set[str]]:
    """Room -> rooms it imports from."""
    out: dict[str, set[str]] = {}
    for name, others in graph().items():
        out.setdefault(room(name), set()).update(room(o) for o in others if room(o) != room(name))
    return out


def long_functions() -> list[tuple[int, str]]:
    """(lines, module and name) of every function over the limit, the longest first."""
    found = []
    for name, path in modules().items():
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                found += [(lines, f"{name}.{node.name}")] if lines > FUNCTION else []
    return sorted(found, reverse=True)


def long_pages() -> list[tuple[int, str]]:
    """(lines, name) of every page over the limit, the longest first."""
    pages = {p.stem: len(p.read_text(encoding="utf-8").splitlines()) for p in (ROOT / "pages").glob("*.py")}
    return sorted(((n, name) for name, n in pages.items() if n > PAGE), reverse=True)


class Footprints:
    """Functions of the product that were called, in order; comprehensions belong to the function they stand in."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._file: dict[str, str] = {}
        self._known = {str(path): name for name, path in modules().items()}

    def __call__(self, frame, event: str, argument: object) -> None:
        """The profiler's hook."""
        if event == "call":
            name = self._known.get(frame.f_code.co_filename)
            function = frame.f_code.co_qualname
            if name and function.rpartition(".")[2] not in ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"):
                self.calls.append((name, function))

    def __enter__(self) -> Footprints:
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *stopped: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def counts(self) -> dict[str, int]:
        """How many modules and functions, and how often one module handed over to another."""
        order = [name for name, _ in self.calls]
        moves = sum(a != b for a, b in zip(order, order[1:], strict=False))
        return {"modules": len(set(order)), "functions": len(set(self.calls)), "moves": moves}


def click() -> Footprints:
    """One click on "reference" on the home page, when both settings have been seen before."""
    from streamlit.testing.v1 import AppTest

    sys.path.insert(0, str(ROOT))
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.query_params["metric"] = "pearson_delta"
    at.run()
    for value in ("control", "perturbation", "control"):
        at.segmented_control(key="ref").set_value(value).run()
    with Footprints() as footprints:
        at.segmented_control(key="ref").set_value("perturbation").run()
    assert not at.exception, at.exception[0].message
    return footprints


def draw() -> None:
    """Print the rooms from the top down."""
    lines = Counter({name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()})
    edges = between_rooms()
    rooms = sorted({room(m) for m in modules()}, key=lambda r: (ROOMS.index(r) if r in ROOMS else 99, r), reverse=True)
    print(f"{'floor':>5}  {'room':18}{'modules':>8}{'lines':>8}   imports from")
    for r in rooms:
        own = [m for m in modules() if room(m) == r]
        at = ROOMS.index(r) if r in ROOMS else "?"
        print(f"{at:>5}  {r:18}{len(own):>8}{sum(lines[m] for m in own):>8}   {' '.join(sorted(edges.get(r, ())))}")
    print(f"{len(rooms)} rooms, {len(modules())} modules, {sum(lines.values())} lines")
    print("circles of rooms:", circles(edges) or "none")
    print("circles of modules:", circles(graph()) or "none")
    for name, other in upward():
        print(f"goes up: {name} imports {other}")


def main() -> None:
    """What the arguments ask for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--click", action="store_true", help="what one click passes through")
    parser.add_argument("--long", action="store_true", help="functions and pages over the limits")
    arguments = parser.parse_args()
    draw()
    if arguments.long:
        for n, name in [*long_functions(), *long_pages()]:
            print(f"{n:>5} lines  {name}")
    if arguments.click:
        footprints = click()
        calls = Counter(footprints.calls)
        by_module = Counter(name for name, _ in footprints.calls)
        for name, n in by_module.most_common():
            functions = sorted({f for m, f in calls if m == name})
            print(f"{n:>6} calls  {name}: {', '.join(functions)}")
        print("one click on “reference”:", ", ".join(f"{n} {what}" for what, n in footprints.counts().items()))


if __name__ == "__main__":
    main()
