"""Straight lines across the whole plot and what is written at them, for figures made of plain parts."""

from __future__ import annotations

from collections.abc import Sequence

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import Part, line, note
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import CONTROL_COLOURS, DASH_CONTROL, MUTED, text_colour


def level(y: float, stroke: Part) -> Part:
    """Shape: a horizontal line at a height, from edge to edge."""
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y, "line": stroke}


def upright(x: float, stroke: Part) -> Part:
    """Shape: a vertical line at a place, from bottom to top."""
    return {"type": "line", "xref": "x", "x0": x, "x1": x, "yref": "y domain", "y0": 0, "y1": 1, "line": stroke}


def level_note(y: float, text: str, colour: str) -> Part:
    """Annotation under the right end of :func:`level`."""
    end = {"xref": "x domain", "xanchor": "right", "yref": "y", "yanchor": "top"}
    return note(1, y, text, colour=colour, size=None, **end)


def upright_note(x: float, text: str, colour: str) -> Part:
    """Annotation right of the foot of :func:`upright`."""
    foot = {"xref": "x", "xanchor": "left", "yref": "y domain", "yanchor": "bottom"}
    return note(x, 0, text, colour=colour, size=None, **foot)


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
    ends = {across: sorted(drawing.layout[f"{across}axis"]["range"]), along: [score, score]}
    stroke = {"color": colour, "width": 2, "dash": DASH_CONTROL}
    hover = f"<b>{name}</b><br>%{{{along}:.4g}}"
    ceiling = line(ends["x"], ends["y"], "ceiling", stroke, hover, legend=False, name=name)
    place = {along: score, across: 1, f"{along}ref": along, f"{across}ref": "paper"}
    said = note(
        place["x"],
        place["y"],
        name,
        colour=text_colour(colour),
        xref=place["xref"],
        yref=place["yref"],
        xanchor="center" if upright else "right",
        yanchor="bottom",
    )
    margin = {"margin": {"t": 52}} if upright else {}  # the name stands over the plot
    layout = drawing.with_layout(annotations=[*drawing.layout.get("annotations", []), said], **margin).layout
    return Drawing([*drawing.data, ceiling], layout)


def by_family(families: Sequence[str], name: str) -> tuple[list[Part], list[Part]]:
    """Lines between families of rows, in one piece each, and their names at the right (``name``: an aside)."""
    first = [i for i in range(len(families)) if i == 0 or families[i] != families[i - 1]]
    lines = [level(i - 0.5, {"color": MUTED, "width": 1}) for i in first[1:]]
    ends = [*first[1:], len(families)]
    beside: Part = {"name": name, "xref": "paper", "xanchor": "left", "xshift": 8}
    names = [
        note(1, (i + after - 1) / 2, escape(families[i]), size=12, **beside)
        for i, after in zip(first, ends, strict=True)
    ]
    return lines, names
