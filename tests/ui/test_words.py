"""Words on screen: one word a concept, no sentence that was retired, no file keys, metrics by names people know."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from perturbviz.metrics import CATALOGUE

ROOT = Path(__file__).parents[2]
#: What people no longer meet; the second half says what stands instead.
RETIRED = {
    r"[Ww]hich prediction is best here": "Which method predicts best? It depends how you measure",
    r"\bcannot be judged\b": "cannot be assessed",
    r"judged: no halves": "no replicate in these data",
    r"\b(can|Can|cannot|Cannot) be told apart (from|here)": "statistical tie",
    r"\bleads? (by|on|alone|at)\b": "is first",
    r"is defined again": "now has a score",
    r"stop to hold": "stop fitting",
    r"Where does it end": "What rank does it get?",
    r"by change and by retrieval": "on each metric",
    r"Nothing is turned": "All sliders neutral",
    r"[Tt]ransform a prediction by hand": "Change a prediction with sliders",
    r"What the files do not say": "Format options",
    r"^They are$": "This file contains",
    r"Drop what a model wrote": "Upload predictions",
    r"never filled$": "stay empty",
    r"^Lacks: ": "Missing:",
    r"Not offered here": "unavailable for these data",
    r"One value for each": "Computed per",
    r"Drawn a method": "points drawn per method",
    r"best false call$": "most confident false positive",
    r"^Come back$": "Rejoin",
    r"This link is about": "This link needs",
    r"[Aa]dd to the competition": "Add to the ranking",
    r"good from empty": "a good prediction from an uninformative one",
    r"of (the )?draws\b": "of bootstrap resamples",
    r"[Tt]his benchmark\b|\b(a|the|open|another) benchmark\b": "data set",
    r"\(half_a, half_b\)|\(se\)": "in words",
}
#: Symbols that only their authors read.
CRYPTIC = {"DE∩", "±", "NA", "CA", "AP"}


def on_screen() -> Iterator[tuple[str, str]]:
    """Texts of the program that are no docstrings, with where they stand; the command line has words of its own."""
    files = [*(ROOT / "perturbviz").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    for path in (p for p in files if "cli" not in p.parts):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


TEXTS = list(on_screen())


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_retired_sentence_or_word_stays_away(pattern):
    assert len(TEXTS) > 5000
    assert [where for where, text in TEXTS if re.search(pattern, text)] == [], f"say: {RETIRED[pattern]}"


def test_metrics_have_symbols_that_say_what_they_are():
    assert not {w for m in CATALOGUE.values() for w in m.card.symbol.split()} & CRYPTIC
