"""A small app with every kind of chart the component must handle (random numbers); driven by test_chart.py."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from perturbviz.panels.figures.theme import MEAN_BAR, method_colours, template
from perturbviz.panels.panel import Panel
from perturbviz.ui import server
from perturbviz.ui.chart import draw

METHODS = ["Cautious", "Bold", "Noisy", "linear", "no change", "mean"]
COLOURS = method_colours(METHODS, ["no change", "mean"])
NAMES = [f"P{i}" for i in range(150)]


def strip(metric: str, order: str) -> go.Figure:
    """750 points, one colour a method, with red mean bars."""
    rng = np.random.default_rng({"l2": 1, "pearson": 2}[metric])
    methods = METHODS[:5] if order == "as is" else METHODS[:5][::-1]
    scores = {m: rng.normal(i, 0.3, 150).astype("f4") for i, m in enumerate(METHODS[:5])}
    fig = go.Figure(layout={"template": template()})
    for i, m in enumerate(methods):
        x = (i + rng.uniform(-0.3, 0.3, 150)).astype("f4")
        fig.add_trace(
            go.Scatter(
                x=x,
                y=scores[m],
                ids=NAMES,
                customdata=NAMES,
                mode="markers",
                name=m,
                marker={"color": COLOURS[m], "size": 5},
                hovertemplate="%{customdata}: %{y:.3f}",
            )
        )
    fig.add_trace(
        go.Scatter(
            x=np.arange(5),
            y=[float(scores[m].mean()) for m in methods],
            ids=methods,
            mode="markers",
            name="mean",
            marker={"symbol": "line-ew", "size": 40, "line": {"width": 3, "color": MEAN_BAR}},
        )
    )
    fig.update_xaxes(tickvals=list(range(5)), ticktext=methods, range=[-0.6, 4.6])
    fig.update_yaxes(title_text="L2 distance (log-normalised expression)")
    return fig


def bump(metric: str) -> go.Figure:
    """Ranks as lines, with error bars, bars' cousin of the strip."""
    rng = np.random.default_rng(len(metric))
    fig = go.Figure()
    for m in METHODS:
        fig.add_trace(
            go.Scatter(
                x=["L2", "MSE", "r"],
                y=rng.permutation(6)[:3] + 1.0,
                ids=["L2", "MSE", "r"],
                mode="lines+markers",
                name=m,
                line={"color": COLOURS[m]},
                error_y={"array": [0.2, 0.3, 0.1]},
            )
        )
    fig.update_yaxes(autorange="reversed", title_text="rank")
    return fig


def heatmap(metric: str, ring: bool) -> go.Figure:
    """A binned density, with a ring and a label on demand."""
    rng = np.random.default_rng(len(metric))
    place = {"type": "rect", "x0": 20, "x1": 40, "y0": 20, "y1": 40, "label": {"text": "r = -0.5"}}
    return go.Figure(
        go.Heatmap(z=rng.random((120, 120)).astype("f4")),
        layout={"shapes": [place] if ring else []},
    )


def charts_page() -> None:
    """All charts under three switches."""
    st.header("Charts")
    with st.sidebar:
        metric = st.segmented_control("Metric", ["l2", "pearson"], default="l2", required=True, key="metric")
        order = st.segmented_control("Order", ["as is", "reversed"], default="as is", required=True, key="order")
        axes = st.segmented_control("Axes", ["one", "other"], default="one", required=True, key="axes")
        many = st.toggle("Many", key="many")
        ring = st.toggle("Ring", key="ring")
    token = f"{metric}|{order}|{axes}" + "|ring" * ring
    panel = Panel(
        key="strip",
        question="Which method has the smallest error <here> & now?",
        figure=strip(metric, order),
        caption="Cautious leads <b>here</b>.",
        alt=f"Strip plot of 750 {metric} values for five methods",
        table=lambda: pd.DataFrame({"name": ["=1+1", "P1", "-3"], "value": [0.5, -1.25, np.nan]}),
        filename=f"errors {metric}",
        select=True,
        axes=(axes,),
    )
    event = draw(panel, token)
    if event.clicked is not None:
        st.session_state["clicks"] = st.session_state.get("clicks", 0) + 1
    st.text(f"clicked {event.clicked} clicks {st.session_state.get('clicks', 0)} selected {len(event.selected)}")
    left, right = st.columns(2)
    with left:
        draw(plain("bump", "How does the order shift?", bump(metric), 340), token)
    with right:
        draw(plain("heat", "Where are the genes?", heatmap(metric, ring), 340), token)
    if many:
        for i in range(3):
            draw(plain(f"more {i}", f"More {i}?", bump(metric), 250), token)


def plain(key: str, question: str, figure: go.Figure, height: int | None = None) -> Panel:
    """A chart without a table, of which little is said."""
    return Panel(
        key=key, question=question, figure=figure, caption="", alt=question, table=None, filename="chart", height=height
    )


def other_page() -> None:
    """A page with one chart, to leave and come back."""
    st.header("Other")
    draw(plain("bump", "Another?", bump("r")), "other")


if __name__ == "__main__":
    st.set_page_config(layout="wide", page_icon="📊")
    st.navigation([st.Page(charts_page, title="Charts", default=True), st.Page(other_page, title="Other")]).run()
else:
    app = st.App(__file__, routes=server.routes())
