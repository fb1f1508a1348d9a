"""Read what a page draws out of an ``AppTest``: the charts are JSON in a component's message."""

import base64
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from streamlit.testing.v1 import AppTest

LEAST_TYPE = 12  # pixels


def figures(at: AppTest) -> list[dict[str, Any]]:
    """Return the charts of a page in order, each ``{"key", "question", "alt", "note", "data", "layout", ...}``.

    ``data`` and ``layout`` are Plotly's JSON with arrays as numpy arrays, checked by Plotly.
    """
    charts = []
    for block in at.get("bidi_component"):
        if block.proto.component_name == "perturbviz_chart":
            sent = json.loads(block.proto.bytes)
            figure = {part: decoded(json.loads(sent[part])) for part in ("data", "layout")}
            figure["layout"]["meta"] = sent["meta"]
            go.Figure(figure)  # raises on what Plotly does not know: figures are built without its checks
            assert min(type_sizes(figure)) >= LEAST_TYPE, sent["key"]
            charts.append({**sent, **figure})
    for block in at.get("plotly_chart"):
        spec = decoded(json.loads(block.proto.spec))
        title = spec["layout"].get("title", {}).get("text", "")
        charts.append({"key": "", "question": title, "alt": "", "note": "", **spec})
    return charts


def type_sizes(value: Any, of_type: bool = False) -> list[float]:
    """Sizes of all type in a figure, pixels."""
    if isinstance(value, dict):
        own = [value["size"]] if of_type and isinstance(value.get("size"), int | float) else []
        return own + [size for key, item in value.items() for size in type_sizes(item, key.endswith("font"))]
    if isinstance(value, list):
        return [size for item in value for size in type_sizes(item, of_type)]
    return []


def decoded(value: Any) -> Any:
    """Replace Plotly's base64 arrays by numpy arrays, everywhere in a JSON value."""
    if isinstance(value, dict):
        if "bdata" in value:
            array = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
            return array.reshape([int(n) for n in str(value["shape"]).split(",")]) if "shape" in value else array
        return {key: decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return value


#: The four questions, as every figure that leaves the app answers them.
QUESTIONS = ("reference: ", "genes: ", "perturbations: ", "average: ")
#: Families of type that every program has.
GENERIC = {"Arial", "Helvetica", "sans-serif"}


def says_what_it_is_about(path: Path, name: str, data: str) -> None:
    """Parse an SVG or CSV that was downloaded, and check that it can stand alone."""
    if name.endswith(".csv"):
        table = pd.read_csv(path)
        assert len(table) and {"data_set", "view", "source", "link"} <= set(table.columns)
        said = {c: set(table[c]) for c in ("data_set", "view", "source", "link")}
        assert all(len(values) == 1 for values in said.values()), "the same in every line"
        text = " ".join(next(iter(values)) for values in said.values())
    else:
        root = ElementTree.parse(path).getroot()
        (foot,) = [node for node in root.iter() if node.get("class") == "pv-about"]
        text = " ".join(span.text or "" for span in foot)
        width, height = (float(v) for v in (root.get("viewBox") or "").split()[2:])
        assert max(float(span.get("y", 0)) for span in foot) < height and width > 200
        if "paper" in name:
            assert root.get("width") == "180mm" and (root.get("height") or "").endswith("mm")
        families = {f.strip("'\" ") for node in root.iter() for f in _families(node)}
        assert families <= GENERIC, families
    assert data in text and "simulated" in text and all(question in text for question in QUESTIONS), text
    assert "metric=" in text, "a link"


def _families(node: ElementTree.Element) -> list[str]:
    """Families of type of one element of an SVG."""
    style = dict(part.split(":", 1) for part in (node.get("style") or "").split(";") if ":" in part)
    given = node.get("font-family") or {k.strip(): v for k, v in style.items()}.get("font-family", "")
    return given.split(",") if given else []
