"""The mark of the state a figure shows, which the chart component and the tests read."""

from __future__ import annotations

import plotly.graph_objects as go


def marked(fig: go.Figure, token: str, *axes: object) -> go.Figure:
    """Write into a figure which state it shows (``token``) and what its axes are; returns the same figure.

    Zoom is kept from one state to the next while ``axes`` (metric, reference, gene, …) stay the same.
    """
    fig.update_layout(meta={"token": token, "axes": "|".join(map(str, axes))})
    return fig
