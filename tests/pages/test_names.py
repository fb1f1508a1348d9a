"""Names from files are shown letter by letter wherever they stand: no picture, link, formula or tag of theirs acts."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

from perturbviz.benchmark import META, Benchmark, save
from tests.conftest import build_adata

PICTURE = "![i](http://example.invalid/i.png)"
LINK = "[x](http://example.invalid)"
TAG = "<a href='//example.invalid'>x</a>"
COLOUR = ":red[y] $x$"
PLAIN = ("selectbox", "multiselect", "select_slider", "arrow_data_frame", "text")
"""Elements that show their options or contents as they are."""


def texts(node, where: str = "") -> Iterator[tuple[str, str]]:
    """(name of the field, text) of every text of an element."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value, where)
    elif isinstance(node, str):
        yield where, node


def elements(block) -> Iterator[tuple[str, dict]]:
    """(kind, content) of everything on a page; of figures what Plotly is told."""
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from elements(child)
        proto = getattr(child, "proto", None)
        if child.type == "bidi_component":
            sent = json.loads(proto.bytes or b"{}")
            yield "figure", {"figure": [json.loads(sent[part]) for part in ("data", "layout") if part in sent]}
        elif proto is not None:
            yield child.type, MessageToDict(proto)


def drawn(node, where: str = "") -> Iterator[str]:
    """Text of a figure that Plotly shows, where it obeys tags: not the names by which it finds points again."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in ("ids", "customdata", "uid", "meta", "legendgroup"):
                yield from drawn(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from drawn(value, where)
    elif isinstance(node, str):
        yield node


def obeyed(at) -> list[str]:
    """Where a page would show something else than the letters of a name."""
    bad = []
    for kind, content in elements(at._tree):
        if kind == "figure":
            bad += [f"figure: {text[:200]}" for text in drawn(content) if "<a href" in text]
            continue
        for field, text in texts(content):
            if kind in PLAIN and field in ("options", "rawValue", "rawValues", "body", "default", "data"):
                continue
            acts = any(payload in text for payload in (PICTURE, LINK, COLOUR[:7], COLOUR[-3:]))
            if acts or (TAG in text and (content.get("allowHtml") or kind == "html")):
                bad.append(f"{kind} {field}: {text[:200]}")
    return bad


@pytest.fixture
def nasty(tmp_path, monkeypatch):
    """A benchmark in which everything that has a name has one that is markup."""
    rng = np.random.default_rng(0)
    genes = [PICTURE, LINK, TAG, COLOUR, *(f"g{i}" for i in range(26))]
    doubles = ["+".join(sorted((a, b))) for i, a in enumerate(genes[:6]) for b in genes[:i]]
    conditions = ["ctrl", *genes[:6], *doubles]
    control = rng.gamma(2, 0.5, len(genes))
    truth = control + rng.normal(size=(len(conditions), len(genes)))
    truth[0] = control
    adata = build_adata(
        truth,
        conditions,
        genes,
        control=control,
        predictions={m: truth + s * rng.normal(size=truth.shape) for m, s in (("good", 0.3), ("poor", 2.0))},
        split=["train"] * 7 + ["test"] * len(doubles),
    )
    keys = ("file", "licence", "citation", "provenance", "url", "left_out")
    methods = {"good": {"name": PICTURE, "kind": LINK, "note": LINK}, "poor": {"name": COLOUR + TAG, "note": PICTURE}}
    adata.uns[META] |= {"title": PICTURE + TAG, "description": COLOUR, "methods": methods}
    adata.uns[META]["source"] = dict.fromkeys(keys, PICTURE + LINK + COLOUR)
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    save(Benchmark.from_adata(adata).adata, tmp_path / "nasty.h5ad")
    return {"data": "file:nasty.h5ad", "genes": "all", "n": "20"}


PAGES = ("rankings", "errors", "profiles", "data", "goodhart", "linear_model", "calibration", "interactions")
SECTIONS = ("calls", "which", "scores")


def test_names_are_shown_and_not_obeyed(open_page, nasty):
    at, seen, bad = open_page("rankings", **nasty), 0, []
    for page in (*PAGES, *SECTIONS):
        if page in SECTIONS:
            at.session_state["ix"] = page
            at.run()
        elif page != "rankings":
            at.switch_page(f"pages/{page}.py").run()
        assert not at.exception, at.exception[0].message
        found = [text.replace("\\", "") for _, content in elements(at._tree) for _, text in texts(content)]
        seen += sum(PICTURE in text for text in found)
        bad += [f"{page}: {found}" for found in dict.fromkeys(obeyed(at))]
    assert bad == [] and seen > 100  # they do stand there
