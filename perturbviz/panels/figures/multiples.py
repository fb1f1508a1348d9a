"""Small multiples: panels whose axes move together, and what is written above and into them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
) -> tuple[dict[str, Any], list[Place]]:
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
    axes: dict[str, Any] = {}
    places = []
    for i in range(n):
        row, column = divmod(i, columns)
        k = "" if i == 0 else str(i + 1)
        left, top = column * (width + gap_x), 1 - row * (height + gap_y)
        place = Place(left, min(left + width, 1), max(top - height, 0), top, f"x{k}", f"y{k}")
        axis = {"range": list(reach), "nticks": 5, "showgrid": True, "zeroline": zero}
        lowest = i + columns >= n
        axes[f"xaxis{k}"] = {
            **axis,
            "domain": [place.left, place.right],
            "anchor": place.y,
            "showticklabels": lowest,
            "title": {"text": x_title if lowest and column == 0 else ""},
            **({"matches": "x"} if i else {}),
        }
        axes[f"yaxis{k}"] = {
            **axis,
            "domain": [place.bottom, place.top],
            "anchor": place.x,
            "showticklabels": column == 0,
            "title": {"text": y_title if i == 0 else ""},
            **({"matches": "y"} if i else {}),
        }
        places.append(place)
    return axes, places


def above(place: Place, text: str, colour: str) -> dict[str, Any]:
    """A line above a panel, for ``layout.shapes``: a changed label is drawn at once, a changed annotation with the chart."""
    return _label(
        place, place.top, {"text": text, "textposition": "bottom left", "font": {"size": 13, "color": colour}}
    )


def inside(place: Place, text: str, colour: str) -> dict[str, Any]:
    """Lines in the upper left corner of a panel, for ``layout.shapes``."""
    return _label(
        place, place.bottom, {"text": text, "textposition": "top left", "font": {"size": 11, "color": colour}}
    )


def _label(place: Place, bottom: float, label: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "paper",
        "yref": "paper",
        "x0": place.left,
        "x1": place.right,
        "y0": bottom,
        "y1": place.top,
        "line": {"width": 0},
        "label": label,
    }
