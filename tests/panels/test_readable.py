"""Text and names can be read on what is behind them, in light and in dark (WCAG 2.2, 1.4.3)."""

import numpy as np
import pytest

from perturbviz.panels.figures import theme
from perturbviz.panels.figures.cells import cell_texts, ink
from perturbviz.panels.figures.readable import along, code, contrast

NAMED = [*theme.MODEL_COLOURS, *theme.BASELINE_COLOURS, *theme.CLASS_COLOURS.values()]


def test_contrast_of_known_colours():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colour", NAMED)
def test_a_name_in_a_marks_colour_can_be_read(colour):
    shade = theme.text_colour(colour)
    assert contrast(shade, "#ffffff") >= 4.5
    assert all(contrast(theme.THEME_COLOURS[shade], ground) >= 4.5 for ground in theme.GROUNDS["dark"])


def test_names_in_different_colours_stay_different():
    assert len({theme.text_colour(c) for c in NAMED}) == len(NAMED)
    assert theme.text_colour("#abcdef") == theme.TEXT  # a colour of one's own has no counterpart on dark


@pytest.mark.parametrize("scale", [theme.SEQUENTIAL, theme.DIVERGING])
def test_every_cell_of_a_heat_map_has_readable_text(scale):
    values = np.linspace(-1, 1, 201).reshape(3, 67)
    text = np.full(values.shape, "x", object)
    trace = cell_texts(text, values, -1, 1, scale, range(67), range(3), uid="t")
    inks = trace["textfont"]["color"]
    assert len(trace["x"]) == len(inks) == values.size
    for stops, of in ((scale, lambda c: c), ([theme.THEME_COLOURS[c] for c in scale], theme.THEME_COLOURS.get)):
        grounds = along(stops, values.ravel(), -1, 1)
        assert min(contrast(of(c), code(g)) for c, g in zip(inks, grounds, strict=True)) >= 4.5


def test_cells_without_text_or_value_stay_empty():
    text, values = np.array([["a", ""], ["c", "d"]], object), np.array([[1.0, 1.0], [np.nan, 0.0]])
    trace = cell_texts(text, values, 0, 1, theme.SEQUENTIAL, ["p", "q"], ["r", "s"], uid="t")
    assert (trace["text"], trace["x"], trace["y"]) == (["a", "d"], ["p", "q"], ["r", "s"])


@pytest.mark.parametrize("colour", theme.CLASS_COLOURS.values())
def test_numbers_in_bars_can_be_read(colour):
    (written,) = ink([colour])
    assert contrast(written, colour) >= 4.5
    assert contrast(theme.THEME_COLOURS[written], theme.THEME_COLOURS[colour]) >= 4.5
