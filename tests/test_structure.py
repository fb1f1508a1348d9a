"""The house: imports go down one list of rooms, Streamlit stays in the interface, and functions can be seen whole."""

import ast
import importlib.util
import re

import pytest

import perturbviz
from tests.draw import (
    FUNCTION,
    PAGE,
    ROOMS,
    ROOT,
    between_rooms,
    circles,
    graph,
    long_functions,
    long_pages,
    modules,
    room,
    upward,
)

INTERFACE = ("app", "pages", "perturbviz.ui")
#: Of Streamlit, what is not in its documentation: it may move with any release.
UNDOCUMENTED = ("_enqueue", "RerunException", "component_registry", "data-test-script-state", "runtime.")
#: Rooms whose functions a notebook calls.
CALLED = ("stats", "benchmark", "metrics", "scoring", "models", "analyses")
#: Literal tables that the formatter would make unreadable, at most.
UNFORMATTED = 24


def texts() -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in modules().items()}


def of_the_interface(module: str) -> bool:
    return any(module == part or module.startswith(part + ".") for part in INTERFACE)


def test_imports_are_found():
    assert sum(map(len, graph().values())) > 700 and {room(m) for m in modules()} == set(ROOMS)


def test_imports_go_down():
    """Those inside functions too; there are no exceptions."""
    assert upward() == []


def test_nothing_imports_itself_through_others():
    assert circles(between_rooms()) == [] and circles(graph()) == []


def test_the_package_has_nothing_on_its_lawn():
    """Every module but the doors and the one kind of error is in a room."""
    assert {p.name for p in (ROOT / "perturbviz").glob("*.py")} == {"__init__.py", "__main__.py", "errors.py"}


def test_from_the_package_itself_only_its_version_is_read():
    """It hands out its public names when asked, so from inside it would be a circle."""
    taken = set()
    for text in texts().values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == "perturbviz":
                taken |= {alias.name for alias in node.names if f"perturbviz.{alias.name}" not in modules()}
    assert taken <= {"__version__"}


def test_only_the_interface_knows_the_interface():
    bad = {(n, o) for n, others in graph().items() for o in others if of_the_interface(o) and not of_the_interface(n)}
    assert bad == set()
    for name, text in texts().items():
        if not of_the_interface(name):
            assert not re.search(r"^\s*(from|import) streamlit\b", text, re.M), f"{name} imports streamlit"


def test_pages_do_not_import_pages():
    assert not {(n, o) for n, others in graph().items() for o in others if o.startswith(("pages.", "app"))}


@pytest.mark.parametrize("name", UNDOCUMENTED)
def test_of_streamlit_only_what_is_documented(name):
    word = rf"streamlit\.{re.escape(name)}" if name == "runtime." else re.escape(name)
    assert [m for m, text in texts().items() if re.search(word, text)] == []


def test_a_function_can_be_seen_whole():
    assert long_functions() == [], f"longer than {FUNCTION} lines"


def test_a_page_can_be_seen_whole():
    assert long_pages() == [], f"longer than {PAGE} lines"


def test_the_formatter_is_asked_to_look_away_seldom():
    assert sum(text.count("fmt: skip") + text.count("fmt: off") for text in texts().values()) <= UNFORMATTED


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


def test_pages_end_early_where_the_address_is_written_first():
    """``perturbviz.ui.current.end``; after ``st.stop`` alone the link would be that of the view before."""
    files = [ROOT / "app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "perturbviz" / "ui").rglob("*.py")]
    assert len(files) > 30
    assert [f.name for f in files if "st.stop(" in f.read_text(encoding="utf-8")] == ["current.py"]


def test_choices_go_through_their_wrapper():
    """Streamlit hands a label that it does not know on as a value; ``perturbviz.ui.choose`` does not."""
    kinds = {"selectbox", "multiselect", "segmented_control", "pills", "radio", "select_slider", "button_group"}
    used, outside = set(), []
    for name, path in modules().items():
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


def public_functions() -> list[tuple[str, ast.FunctionDef]]:
    """(module and name, tree) of the public functions and methods of the rooms that a notebook calls."""
    found = []
    for name, text in texts().items():
        if room(name) not in CALLED:
            continue
        for outer in ast.parse(text).body:
            inner = outer.body if isinstance(outer, ast.ClassDef) and not outer.name.startswith("_") else [outer]
            for node in inner:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    found.append((f"{name}.{node.name}", node))
    return found


def raises_itself(function: ast.FunctionDef) -> bool:
    """Whether a ``raise UserError`` stands in its own lines, and not only in a function within."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) == "UserError":
            return True
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(node))
    return False


def test_public_functions_say_what_they_do_and_when_they_refuse():
    functions = public_functions()
    assert len(functions) > 300 and sum(raises_itself(f) for _, f in functions) > 20
    assert [name for name, f in functions if not ast.get_docstring(f)] == []
    refusing = {name: ast.get_docstring(f) or "" for name, f in functions if raises_itself(f)}
    silent = [name for name, said in refusing.items() if not re.search("[Rr]aise|UserError", said)]
    assert silent == []
