"""Wherever a page names a method that has seen the truth, † stands after the name, and the page says what it means."""

import json
import re

import pytest

from perturbviz.benchmark.benchmark import SEEN_NOTE
from tests.charts import figures

NAMES = re.compile(r"(Noisy oracle|DE specialist)(†?)")
PROSE = re.compile(r"DE specialist and Noisy oracle have seen the truth")


def everything_shown(at) -> list[str]:
    """Text of every element and of every chart."""
    shown = [json.dumps({k: str(v) for k, v in f.items()}, ensure_ascii=False) for f in figures(at)]
    for kind in ("markdown", "caption", "text", "info", "warning", "success", "subheader"):
        shown += [str(element.value) for element in at.get(kind)]
    shown += [str(d.value.to_csv()) for d in at.dataframe]
    shown += [str(option) for box in (*at.selectbox, *at.multiselect) for option in box.options]
    shown += [b.label for b in (*at.button, *at.toggle)]
    return [PROSE.sub("", text) for text in shown]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("rankings", {"metric": "nonadditive_recall"}),
        ("rankings", {"section": "Score table"}),
        ("rankings", {"section": "Every view", "show": ["noisy-oracle", "additive"]}),
        ("rankings", {"section": "Robustness"}),
        ("rankings", {"section": "Retrieval", "method": "noisy-oracle"}),
        ("errors", {}),
        ("profiles", {}),
        ("interactions", {"ix": "finds"}),
        ("interactions", {"ix": "calls"}),
        ("calibration", {"metric": "mse"}),
        ("goodhart", {}),
        ("linear_model", {}),
        ("data", {}),
    ],
)
def test_names_carry_the_mark(open_page, page, query):
    at = open_page(page, **query)
    shown = everything_shown(at)
    found = [(m[1], m[2]) for text in shown for m in NAMES.finditer(text)]
    assert found and all(mark for _, mark in found), [t for t in shown if re.search(r"(oracle|specialist)(?!†)", t)][:3]
    banner = " ".join(str(c.value) for c in at.caption)
    assert "have seen the truth" in banner and "Additive is first by construction" in banner
    for figure in figures(at):
        drawn = str([figure["data"], figure["layout"], figure["question"]])
        assert ("†" in drawn) <= (SEEN_NOTE in figure["note"]), figure["key"]
