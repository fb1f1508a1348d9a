"""The rooms of the house: who imports whom. Data flows one way, and Streamlit stays in the interface."""

import ast
import importlib.util
import re
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import perturbviz

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
    for p in [*ROOT.glob("perturbviz/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "app.py"]
}
INTERFACE = ("app", "pages.", "perturbviz.ui")
#: From left to right; none imports, directly or through others, from a room to its right.
FLOW = ("benchmark", "evaluation", "view", "scores", "rankings", "views", "explain_views", "ui.current")
#: What a room may import besides itself.
ONLY = {
    "perturbviz.stats": ("perturbviz.errors",),  # arrays only
    "perturbviz.metrics": ("perturbviz.errors", "perturbviz.rounding", "perturbviz.interactions"),  # arrays only
    "perturbviz.figures": ("perturbviz.errors", "perturbviz.interactions"),  # names of classes
}


@lru_cache(maxsize=1)
def graph() -> dict[str, dict[str, bool]]:
    """Module -> imported modules of the project -> whether at the top of the file."""
    out: dict[str, dict[str, bool]] = {name: {} for name in MODULES}
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                # `from package import module` is an import of that module
                parts = [f"{node.module}.{alias.name}" for alias in node.names]
                found = [part if part in MODULES else node.module for part in parts]
            else:
                continue
            for other in found:
                if other in MODULES and other != name:
                    out[name][other] = out[name].get(other, False) or node in tree.body
    assert sum(len(v) for v in out.values()) > 500, "imports are no longer found"
    return out


def reached(start: str) -> set[str]:
    """All modules that importing one leads to."""
    seen, todo = set(), [start]
    while todo:
        for other, top in graph()[todo.pop()].items():
            if top and other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def test_no_module_imports_itself_through_others():
    """Imports inside functions count: those that lead back would be a circle too."""
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail("imports in a circle: " + " → ".join(reversed(error.args[1])))


@pytest.mark.parametrize("place", range(len(FLOW)))
def test_data_flows_one_way(place):
    name = f"perturbviz.{FLOW[place]}"
    to_the_right = {f"perturbviz.{other}" for other in FLOW[place + 1 :]}
    assert not reached(name) & to_the_right


@pytest.mark.parametrize("room", ONLY)
def test_a_metric_never_knows_where_its_arrays_came_from_and_a_figure_never_reads_a_benchmark(room):
    bad = {
        (name, other)
        for name, others in graph().items()
        if name.startswith(room)
        for other in others
        if not other.startswith((room, *ONLY[room]))
    }
    assert bad == set()


def test_only_the_interface_knows_the_interface():
    bad = {
        (n, o)
        for n, others in graph().items()
        for o in others
        if o.startswith(INTERFACE) and not n.startswith(INTERFACE)
    }
    assert bad == set()
    for name, path in MODULES.items():
        nodes = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Import | ast.ImportFrom)]
        imported = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
        imported |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}
        if any(i.split(".")[0] == "streamlit" for i in imported):
            assert name.startswith(INTERFACE), f"{name} imports streamlit"


def test_pages_do_not_import_pages():
    assert not {(n, o) for n, others in graph().items() for o in others if o.startswith(("pages.", "app"))}


def test_the_public_interface_is_what_its_docstring_shows(monkeypatch):
    text = perturbviz.__doc__ or ""
    rooms = re.findall(r"``(perturbviz\.\w+)``", text)
    assert len(rooms) > 10 and all(importlib.util.find_spec(room) for room in rooms)
    assert all(hasattr(perturbviz, name) for name in perturbviz.__all__)
    example = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    monkeypatch.chdir(ROOT)
    found: dict = {}
    exec(compile(example, "perturbviz/__init__.py", "exec"), found)
    assert len(found["ranking"]) > 5 and len(found["scores"]) > 1000


def test_pages_end_early_without_taking_the_sidebar_with_them():
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "perturbviz" / "ui").rglob("*.py")]
    assert len(files) > 30
    assert [f.name for f in files if "st.stop(" in f.read_text(encoding="utf-8")] == []


def test_choices_go_through_their_wrapper():
    """Streamlit hands a label that it does not know on as a value; ``perturbviz.ui.choose`` does not."""
    kinds = {"selectbox", "multiselect", "segmented_control", "pills", "radio", "select_slider", "button_group"}
    used, outside = set(), []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Attribute) and node.attr in kinds):
                continue
            if isinstance(node.value, ast.Name) and node.value.id == "choose":
                used.add(node.attr)
            else:
                outside.append(f"{name}: {ast.unparse(node)}")
    assert outside == [] and used == kinds - {"radio", "button_group"}


def test_styles_do_not_ask_for_parts_of_classes():
    """Such a rule makes the browser restyle all below an element at every change of any class: a tenth of a click."""
    sheets = [*(ROOT / "perturbviz" / "ui").rglob("*.css")]
    assert len(sheets) == 3
    assert [s.name for s in sheets if re.search(r"\[class[~|^$*]?=", s.read_text(encoding="utf-8"))] == []
