"""Straight lines across the whole plot and what is written at them, for figures made of plain parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import CONTROL_COLOURS, DASH_CONTROL, MUTED, text_colour


def level(y: float, line: dict[str, Any]) -> dict[str, Any]:
    """Shape: a horizontal line at a height, from edge to edge."""
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y, "line": line}


def upright(x: float, line: dict[str, Any]) -> dict[str, Any]:
    """Shape: a vertical line at a place, from bottom to top."""
    return {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "y domain", "y0": 0, "y1": 1, "line": line}


def level_note(y: float, text: str, colour: str) -> dict[str, Any]:
    """Annotation under the right end of :func:`level`."""
    return {
        "text": text,
        "font": {"color": colour},
        "showarrow": False,
        "xref": "x domain",
        "x": 1,
        "xanchor": "right",
        "yref": "y",
        "y": y,
        "yanchor": "top",
    }


def upright_note(x: float, text: str, colour: str) -> dict[str, Any]:
    """Annotation right of the foot of :func:`upright`."""
    return {
        "text": text,
        "font": {"color": colour},
        "showarrow": False,
        "xref": "x",
        "x": x,
        "xanchor": "left",
        "yref": "y domain",
        "y": 0,
        "yanchor": "bottom",
    }


def ceiling_line(drawing: Drawing, score: float, name: str, upright: bool = False) -> Drawing:
    """A figure with a dashed line at the score that a perfect prediction gets, and its name.

    Parameters
    ----------
    drawing
        Methods stand side by side, or one below the other where ``upright``; their axis has a ``range``.
    score
        In units of the other axis.
    """
    across, along = ("y", "x") if upright else ("x", "y")
    colour, name = CONTROL_COLOURS["positive"], escape(name)
    line = {
        "type": "scatter",
        across: sorted(drawing.layout[f"{across}axis"]["range"]),
        along: [score, score],
        "uid": "ceiling",
        "mode": "lines",
        "name": name,
        "line": {"color": colour, "width": 2, "dash": DASH_CONTROL},
        "showlegend": False,
        "hovertemplate": f"<b>{name}</b><br>%{{{along}:.4g}}<extra></extra>",
    }
    said = {
        "text": name,
        "showarrow": False,
        "font": {"color": text_colour(colour), "size": 12},
        f"{along}ref": along,
        along: score,
        f"{across}ref": "paper",
        across: 1,
        "xanchor": "center" if upright else "right",
        "yanchor": "bottom",
    }
    margin = {"margin": {"t": 52}} if upright else {}  # the name stands over the plot
    layout = drawing.with_layout(annotations=[*drawing.layout.get("annotations", []), said], **margin).layout
    return Drawing([*drawing.data, line], layout)


def by_family(families: Sequence[str], name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines between families of rows, which are in one piece each, and their names at the right (``name``: an aside)."""
    first = [i for i in range(len(families)) if i == 0 or families[i] != families[i - 1]]
    lines = [level(i - 0.5, {"color": MUTED, "width": 1}) for i in first[1:]]
    names = [
        {
            "name": name,
            "x": 1,
            "xref": "paper",
            "y": (i + after - 1) / 2,
            "text": escape(families[i]),
            "showarrow": False,
            "xanchor": "left",
            "xshift": 8,
            "font": {"color": MUTED, "size": 11},
        }
        for i, after in zip(first, [*first[1:], len(families)], strict=True)
    ]
    return lines, names
