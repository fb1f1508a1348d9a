"""Small multiples: panels whose axes move together, and what is written above and into them."""

from __future__ import annotations

from dataclasses import dataclass

from perturbviz.panels.figures.parts import Part, axis, box

#: Colours of a heat map of counts behind the points.
DENSITY = [[0, "rgba(128,132,140,0)"], [0.001, "rgba(128,132,140,0.25)"], [1, "rgba(128,132,140,0.95)"]]


@dataclass(frozen=True)
class Place:
    """Place of a panel in paper coordinates (0 to 1), and the names of its axes in traces (``x2``, ``y2``)."""

    left: float
    right: float
    bottom: float
    top: float
    x: str
    y: str


def grid(
    n: int, columns: int, reach: tuple[float, float], x_title: str, y_title: str, zero: bool
) -> tuple[Part, list[Place]]:
    """Axes of ``n`` panels, row by row, and their places.

    Parameters
    ----------
    reach
        Ends of both axes, the same for all panels.
    zero
        Draw the lines of zero.
    """
    rows = -(-n // columns)
    gap_x, gap_y = 0.028, 0.1 / max(rows, 1) ** 0.5
    width, height = (1 - gap_x * (columns - 1)) / columns, (1 - gap_y * (rows - 1)) / max(rows, 1)
    axes: Part = {}
    places = []
    for i in range(n):
        row, column = divmod(i, columns)
        k = "" if i == 0 else str(i + 1)
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        place = Place(left, min(left + width, 1), max(top - height, 0), top, f"x{k}", f"y{k}")
        lowest, leftmost = i + columns >= n, column == 0
        shared = {"range": list(reach), "nticks": 5, "showgrid": True, "zeroline": zero}
        across = {"domain": [place.left, place.right], "anchor": place.y, "showticklabels": lowest}
        upward = {"domain": [place.bottom, place.top], "anchor": place.x, "showticklabels": leftmost}
        moving = [{"matches": "x"}, {"matches": "y"}] if i else [{}, {}]
        axes[f"xaxis{k}"] = axis(x_title if lowest and leftmost else "", **shared, **across, **moving[0])
        axes[f"yaxis{k}"] = axis(y_title if i == 0 else "", **shared, **upward, **moving[1])
        places.append(place)
    return axes, places


def above(place: Place, text: str, colour: str) -> Part:
    """A line above a panel, for ``layout.shapes``: unlike an annotation, a changed label is drawn without the chart."""
    font = {"size": 13, "color": colour}
    return _label(place, place.top, {"text": text, "textposition": "bottom left", "font": font})


def inside(place: Place, text: str, colour: str) -> Part:
    """Lines in the upper left corner of a panel, for ``layout.shapes``."""
    font = {"size": 12, "color": colour}
    return _label(place, place.bottom, {"text": text, "textposition": "top left", "font": font})


def _label(place: Place, bottom: float, label: Part) -> Part:
    ends = (place.left, place.right), (bottom, place.top)
    return box(*ends, xref="paper", yref="paper", line={"width": 0}, label=label)
