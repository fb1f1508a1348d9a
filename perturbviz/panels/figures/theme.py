"""The one look of all figures: template, type, neutral colours, and one colour per method.

Type has three sizes: 16 the question, 13 names and titles of axes, 12 ticks, legends, labels and cells.

Figures are written in light colours. ``THEME_COLOURS`` gives each of them its counterpart on a dark background;
whoever draws a figure on dark swaps the codes (``recoloured``, or the chart component in the browser), so a figure
itself never needs to know the theme and an exported one is right on white paper.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from perturbviz.panels.figures.drawing import Drawing, Figure
from perturbviz.panels.figures.readable import shade

TEXT = "#31333e"
MUTED = "#666875"
GRID = "#e6e7ec"
AXIS = "#a6a8b3"
SURFACE = "#fffffe"
MEAN_BAR = "#d7191b"
"""The red bar that marks a mean."""

MODEL_COLOURS = (
    "#1653bf",
    "#c68564",
    "#457e50",
    "#e546d6",
    "#a89403",
    "#2190e1",
    "#701e6b",
    "#4329a5",
    "#0e6e04",
    "#c55467",
    "#1c839a",
    "#61271b",
)
"""Colours of methods that are not baselines, in the order they are given out; on white."""

SEQUENTIAL = ("#f3f6fa", "#c3d8ec", "#7fb1d8", "#3a83bd", "#10579a", "#062f5f")
"""From little to much, for densities; the low end is near the background."""

DIVERGING = ("#9c3d00", "#d9843f", "#f2c79d", "#f5f5f4", "#a9cfea", "#4593c7", "#00508f")
"""From negative over nothing to positive."""

BASELINE_COLOURS = ("#010101", "#5a5a5b", "#8c8c8d", "#38383a", "#737374")
"""Colours of baselines, black to grey; on white."""

CLASS_COLOURS = {
    "additive": "#8e8e90",
    "buffering": "#0a6fb3",
    "synergistic": "#b8560a",
    "opposite": "#0b8457",
    "other": "#a2559c",
}
"""Colours of the kinds of non-additivity."""

CONTROL_COLOURS = {"positive": "#00796c", "negative": "#b0305c"}
"""Colours of a replicate of the experiment and of a prediction without information; always dashed or open."""

THEME_COLOURS: dict[str, str] = {
    TEXT: "#fafafa",
    MUTED: "#a3a8b4",
    GRID: "#2d313b",
    AXIS: "#6b7080",
    SURFACE: "#0e1117",
    MEAN_BAR: "#ff5a52",
    **dict(
        zip(
            MODEL_COLOURS,
            (
                "#47aaf8",
                "#fb9b30",
                "#b1dfa3",
                "#be44c8",
                "#f6d816",
                "#13739d",
                "#cb80c2",
                "#8530fb",
                "#5faa81",
                "#c52a50",
                "#1ae3f1",
                "#c15d1a",
            ),
            strict=True,
        )
    ),
    **dict(zip(BASELINE_COLOURS, ("#fdfdfd", "#b4b4b5", "#818182", "#d8d8d9", "#9a9a9b"), strict=True)),
    **dict(zip(SEQUENTIAL, ("#171c24", "#17375a", "#1d5c94", "#3a8ac8", "#80bdea", "#d9efff"), strict=True)),
    **dict(zip(DIVERGING, ("#ffb074", "#d97a30", "#7a4419", "#2b2e36", "#1d4f78", "#3d90cc", "#9ad4ff"), strict=True)),
    **dict(zip(CONTROL_COLOURS.values(), ("#2fc4b2", "#f57fa6"), strict=True)),
    **dict(
        zip(CLASS_COLOURS.values(), ("#97979a", "#58b0ec", "#f79a4a", "#43c795", "#d993d3"), strict=True),
    ),
}
"""Light colour (lower-case hex, as figures use it) to its counterpart on a dark background."""

INK = {
    (False, False): ("#000002", "#000003"),
    (False, True): ("#000004", "#fffffd"),
    (True, False): ("#fffffb", "#000005"),
    (True, True): ("#fffffa", "#fffffc"),
}
"""Black or white for text on coloured ground, where (light, dark) want white: code in light and in dark."""
THEME_COLOURS |= dict(INK.values())

GROUNDS = {"light": ("#ffffff",), "dark": ("#0e1117", "#191817")}
"""What is behind figures."""


def _text_shades() -> dict[str, str]:
    """Colour to the shade of it that names are written in; puts the shades' dark counterparts into the theme."""
    shades = {}
    for colour in (*MODEL_COLOURS, *BASELINE_COLOURS, *CLASS_COLOURS.values(), MEAN_BAR, *CONTROL_COLOURS.values()):
        light = shade(colour, GROUNDS["light"], "#000000")
        dark = shade(THEME_COLOURS[colour], GROUNDS["dark"], "#ffffff")
        if (light, dark) != (colour, THEME_COLOURS[colour]):
            light, dark = _unused(light, THEME_COLOURS), _unused(dark, THEME_COLOURS.values())
            THEME_COLOURS[light] = dark
        shades[colour] = light
    return shades


def _unused(colour: str, taken: Iterable[str]) -> str:
    """The colour, or the next one that looks the same and is not taken: codes must stay one to one."""
    taken = set(taken)
    while colour in taken:
        colour = f"{colour[:5]}{(int(colour[5:], 16) - 1) % 256:02x}"
    return colour


_TEXT_SHADES = _text_shades()


def text_colour(colour: str) -> str:
    """The colour for a name written in a mark's colour: the colour or a shade of it that can be read, light and dark.

    A colour without counterpart on dark (one that somebody chose) cannot be read on both: the name is plain text.
    """
    return _TEXT_SHADES.get(colour, TEXT)


DASH_CONTROL = "dash"


def method_colours(methods: Iterable[str], baselines: Iterable[str] = ()) -> dict[str, str]:
    """Give every method its colour: models from the palette, baselines black to grey.

    Pass all methods of a benchmark in a fixed order, not only the shown ones: the colour then stays with the method
    when others are hidden.

    Parameters
    ----------
    methods
        Method names in a fixed order; may include the baselines.
    baselines
        Names drawn as baselines.

    Returns
    -------
    dict
        Name to light hex colour; beyond 12 models or 5 baselines colours repeat.
    """
    base = list(dict.fromkeys(baselines))
    models = [name for name in dict.fromkeys(methods) if name not in set(base)]
    colours = {name: MODEL_COLOURS[i % len(MODEL_COLOURS)] for i, name in enumerate(models)}
    return colours | {name: BASELINE_COLOURS[i % len(BASELINE_COLOURS)] for i, name in enumerate(base)}


def control_colours(controls: Iterable[str], negative: Iterable[str]) -> dict[str, str]:
    """Give every control the colour of its kind: name to light hex colour."""
    empty = set(negative)
    return {name: CONTROL_COLOURS["negative" if name in empty else "positive"] for name in controls}


def method_dash(method: str, controls: Iterable[str] = ()) -> str:
    """Return the line style of a method: dashed for positive and negative controls, solid otherwise."""
    return DASH_CONTROL if method in set(controls) else "solid"


def recoloured(figure: Any, colours: Mapping[str, str] = THEME_COLOURS) -> Any:
    """Swap colour codes everywhere in a figure's plain JSON form (dicts, lists, strings); the input is kept.

    Parameters
    ----------
    figure
        Result of ``Figure.to_dict()`` or a part of it.
    colours
        Code to replacement, by default light to dark.
    """
    if isinstance(figure, str):
        return colours.get(figure, figure)
    if isinstance(figure, Mapping):
        return {key: recoloured(value, colours) for key, value in figure.items()}
    if isinstance(figure, list | tuple):
        return [recoloured(value, colours) for value in figure]
    return figure


def colour_scale(colours: Iterable[str]) -> list[list[Any]]:
    """Return evenly spaced stops of a Plotly colour scale."""
    steps = list(colours)
    return [[i / (len(steps) - 1), colour] for i, colour in enumerate(steps)]


@cache
def template() -> dict[str, Any]:
    """Return the template of every figure: fonts, margins, grid and legend in light colours; not to be changed."""
    axis = {
        "automargin": True,
        "ticklabeloverflow": "allow",  # margins make room; asking whether each label fits costs a third of a redraw
        "gridcolor": GRID,
        "linecolor": AXIS,
        "zerolinecolor": AXIS,
        "zerolinewidth": 1,
        "ticks": "",
        "tickfont": {"color": MUTED, "size": 12},
        "title": {"font": {"color": TEXT, "size": 13}, "standoff": 8},
    }
    bar = {"outlinewidth": 0, "ticks": "", "thickness": 12, "tickfont": {"color": MUTED, "size": 12}}
    return {
        "layout": {
            "font": {"color": TEXT, "size": 13, "family": "Source Sans, sans-serif"},
            "title": {
                "font": {"size": 16, "color": TEXT, "weight": 600},
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": 4, "l": 2},
            },
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(MODEL_COLOURS),
            "margin": {"l": 8, "r": 12, "t": 32, "b": 8},
            "xaxis": axis | {"zeroline": False},
            "yaxis": axis | {"ticklabelstandoff": 5},
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": SURFACE, "bordercolor": AXIS, "font": {"color": TEXT, "size": 13}},
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1,
                "yanchor": "bottom",
                "font": {"size": 12},
                "bgcolor": "rgba(0,0,0,0)",
                "itemsizing": "constant",
            },
            "annotationdefaults": {"font": {"color": TEXT, "size": 13}, "arrowcolor": MUTED},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": TEXT},
            "colorscale": {"sequential": colour_scale(SEQUENTIAL), "diverging": colour_scale(DIVERGING)},
            "newselection": {"line": {"color": TEXT}},
        },
        "data": {
            kind: [{"colorscale": colour_scale(SEQUENTIAL), "colorbar": bar}]
            for kind in ("heatmap", "histogram2d", "contour")
        },
    }


def figure_dict(fig: Figure) -> dict[str, Any]:
    """Return a figure's data and layout with the shared template, whichever the figure was made with.

    Importing Streamlit makes its own template Plotly's default; its colours are placeholders only
    ``st.plotly_chart`` understands, so they must not reach the browser.
    """
    plain: dict[str, Any] = {"data": fig.data, "layout": fig.layout} if isinstance(fig, Drawing) else fig.to_dict()
    return {"data": plain["data"], "layout": {**plain.get("layout", {}), "template": template()}}


_PIXELS = {"xshift", "yshift", "standoff", "arrowsize", "tracegroupgap"}  # in pixels wherever they stand
_PIXELS_OF = {
    "size": ("font", "tickfont", "textfont", "marker"),
    "width": ("line", "error_x", "error_y"),
    "thickness": ("error_x", "error_y", "colorbar"),
    **dict.fromkeys("lrtb", ("margin",)),
}


def scaled(spec: Any, factor: float, parent: str = "") -> Any:
    """Return a figure's plain JSON form with larger type, marks, lines and margins; the input is kept.

    Parameters
    ----------
    spec
        Result of :func:`figure_dict` or a part of it.
    factor
        1 changes nothing.
    parent
        Key that ``spec`` stands under: a width is in pixels for a line and in units of the data for a bar.
    """
    if factor == 1:
        return spec
    if isinstance(spec, Mapping):
        return {
            k: _grown(v, factor) if k in _PIXELS or parent in _PIXELS_OF.get(k, ()) else scaled(v, factor, k)
            for k, v in spec.items()
        }
    if isinstance(spec, list | tuple):
        return [scaled(v, factor, parent) for v in spec]
    return spec


def _grown(value: Any, factor: float) -> Any:
    """A number or a list of numbers times the factor; anything else as it is."""
    if isinstance(value, list | tuple):
        return [_grown(v, factor) for v in value]
    return value * factor if isinstance(value, int | float) and not isinstance(value, bool) else value
