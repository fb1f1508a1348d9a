"""Read what a page draws out of an ``AppTest``: the charts are JSON in a component's message."""

import base64
import json
from typing import Any

import numpy as np
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
