import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from streamlit.testing.v1 import AppTest

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.panel import Panel
from perturbviz.panels.spreadsheet import csv_bytes
from perturbviz.ui.chart import Event, payload
from tests.charts import decoded, figures

APP = str(Path(__file__).parents[1] / "e2e" / "chart_app.py")


def encode(fig, token="t", **changes):
    said = {"question": "Why?", "alt": "a", "caption": "", "filename": "f", "table": pd.DataFrame()}
    return payload(Panel(key="k", figure=fig, **(said | changes)), token)


@pytest.fixture
def scatter():
    rng = np.random.default_rng(0)
    ids = [f"P{i}" for i in range(150)]
    traces = [go.Scatter(x=rng.random(150).astype("f4"), y=rng.random(150).astype("f4"), ids=ids) for _ in range(5)]
    return go.Figure(traces, layout={"meta": {"token": "t"}})


def test_payload_starts_with_a_digest_of_its_content(scatter):
    first, again, other = encode(scatter), encode(scatter), encode(scatter, caption="x")
    assert first == again
    assert first[:7] == b'{"id":"' and first[23:25] == b'",'
    assert first[7:23] != other[7:23]
    assert json.loads(first)["alt"] == "a"


def test_plain_parts_are_sent_as_plotlys_own_figure_is(scatter):
    plain = Drawing(
        [{"type": "scatter", "x": np.array([1.5, np.nan]), "y": np.arange(6).reshape(2, 3)[:, 1], "ids": ["a", "b"]}],
        {"height": 333, "xaxis": {"title": {"text": "x"}}},
    )
    changed = plain.with_layout(xaxis={"tickangle": -40}, meta={"token": "t"})
    assert plain.layout["xaxis"] == {"title": {"text": "x"}}

    def sent(fig):
        body = json.loads(encode(fig))
        return body["height"], [json.dumps(without_nan(decoded(json.loads(body[part])))) for part in ("data", "layout")]

    def without_nan(value):
        if isinstance(value, dict):
            return {k: without_nan(v) for k, v in sorted(value.items())}
        if isinstance(value, list | np.ndarray):
            return [without_nan(v) for v in value]
        return (
            None
            if isinstance(value, float) and np.isnan(value)
            else value
            if not isinstance(value, np.generic)
            else value.item()
        )

    assert sent(changed) == sent(changed.figure())
    assert changed.figure().layout.xaxis.tickangle == -40


def test_placeholder_colours_of_streamlit_never_reach_the_browser():
    import streamlit.elements.plotly_chart  # noqa: F401  (registers the template)

    pio.templates.default = "streamlit"
    try:
        sent = json.loads(encode(go.Figure(go.Scatter(y=[1, 2]))))
    finally:
        pio.templates.default = "plotly"
    assert "#000001" not in sent["data"] + sent["layout"]
    assert json.loads(sent["layout"])["template"]["layout"]["font"]["color"] == "#31333e"


def test_figure_is_not_changed(scatter):
    before = scatter.to_json()
    encode(scatter)
    assert scatter.to_json() == before


def test_glide_can_be_switched_off(scatter, monkeypatch):
    assert json.loads(encode(scatter))["glide"] is True
    monkeypatch.setenv("PERTURBVIZ_GLIDE", "0")
    assert json.loads(encode(scatter))["glide"] is False


def test_csv_guards_formulas_and_keeps_numbers():
    table = pd.DataFrame(
        {
            "name": ["=cmd|' /C calc'!A0", "+A", "-B", "@x", "\t=1", "-3", "+1e5", "A+B", None],
            "value": [0.1 + 0.2, -1, np.nan, np.inf, 5, 6, 7, 8, 9],
            "-formula": pd.Categorical(["=1"] * 9),
        }
    )
    back = pd.read_csv(BytesIO(csv_bytes(table)), dtype={"name": str}, float_precision="round_trip")
    assert list(back["name"][:8]) == ["'=cmd|' /C calc'!A0", "'+A", "'-B", "'@x", "'\t=1", "-3", "+1e5", "A+B"]
    assert back["name"].isna()[8]
    assert back["value"][0] == 0.1 + 0.2 and back["value"][1] == -1
    assert list(back.columns) == ["name", "value", "'-formula"] and set(back["'-formula"]) == {"'=1"}
    assert table["name"][0].startswith("=")


def test_csv_writes_a_named_index_and_no_other():
    table = pd.DataFrame({"a": [1]}, index=pd.Index(["=x"], name="gene"))
    assert csv_bytes(table).decode().splitlines() == ["gene,a", "'=x,1"]
    assert csv_bytes(table.reset_index(drop=True)).decode().splitlines() == ["a", "1"]


def test_page_tests_can_read_the_figures():
    at = AppTest.from_file(APP, default_timeout=20).run()
    assert not at.exception
    strip, bump, heat = figures(at)
    assert strip["key"] == "strip" and strip["question"].startswith("Which method") and strip["alt"]
    assert strip["layout"]["meta"]["token"] == "l2|as is|one"
    assert [len(trace["y"]) for trace in strip["data"]] == [150] * 5 + [5]
    expected = np.random.default_rng(1).normal(0, 0.3, 150).astype("f4")
    np.testing.assert_array_equal(strip["data"][0]["y"], expected)
    assert heat["data"][0]["z"].shape == (120, 120) and bump["height"] == 340
    at.segmented_control(key="metric").set_value("pearson").run()
    assert figures(at)[0]["layout"]["meta"]["token"] == "pearson|as is|one"


def test_falls_back_to_streamlits_own_chart(monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_CHARTS", "streamlit")
    at = AppTest.from_file(APP, default_timeout=20).run()
    assert not at.exception
    assert len(at.get("plotly_chart")) == 3 and not at.get("bidi_component")
    assert [len(trace["y"]) for trace in figures(at)[0]["data"]] == [150] * 5 + [5]
    assert "&lt;here&gt;" in figures(at)[0]["question"]


def test_event_is_empty_by_default():
    assert Event() == Event(clicked=None, selected=[])


def _one_panel():
    import pandas as pd

    from perturbviz.panels.figures.drawing import Drawing
    from perturbviz.panels.panel import Panel
    from perturbviz.ui.chart import draw

    figure = Drawing([{"type": "scatter", "x": [1.0], "y": [2.0]}], {"meta": {"kind": "x"}})
    panel = Panel(
        key="k",
        question="Why?",
        figure=figure,
        caption="So.",
        alt="One point.",
        table=lambda: pd.DataFrame({"x": [1.0]}),
        filename="one",
        height=300,
        axes=("l2", "control"),
    )
    draw(panel, "state")


def test_a_panel_is_drawn_with_all_that_is_said_about_it():
    at = AppTest.from_function(_one_panel, default_timeout=60).run()
    assert not at.exception
    (sent,) = figures(at)
    assert [sent[k] for k in ("key", "question", "note", "alt", "filename", "height", "select", "csv")] == [
        "k",
        "Why?",
        "So.",
        "One point.",
        "one",
        300,
        False,
        True,
    ]
    assert sent["layout"]["meta"] == {"kind": "x", "token": "state", "axes": "l2|control"}
