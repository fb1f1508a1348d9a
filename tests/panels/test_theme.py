import itertools

import numpy as np
import plotly.graph_objects as go
import pytest

from perturbviz.panels.figures import theme

LIGHT, DARK = ("#ffffff",), ("#0e1117", "#191817")
# Viénot/Machado-type simulations of full dichromacy in linear RGB (Machado, Oliveira & Fernandes 2009).
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
    "deuteranopia": np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
}


def linear(code):
    s = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    lum = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (a, b))
    return lum[1] / lum[0]


def oklab(rgb):
    m1 = np.array([[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]])
    m2 = np.array([[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]])
    return m2 @ np.cbrt(m1 @ np.clip(rgb, 0, 1))


def palettes():
    models = list(theme.MODEL_COLOURS)
    return {"light": models, "dark": [theme.THEME_COLOURS[c] for c in models]}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_twelve_model_colours_can_be_told_apart(mode, vision):
    colours = [oklab(VISION[vision] @ linear(c)) for c in palettes()[mode]]
    assert len(colours) >= 12
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2)) > 0.05


def test_every_mark_and_text_has_contrast_on_its_background():
    marks = [*theme.MODEL_COLOURS, *theme.BASELINE_COLOURS, *theme.CLASS_COLOURS.values(), theme.MEAN_BAR]
    assert all(contrast(c, b) >= 3 for c in marks for b in LIGHT)
    assert all(contrast(theme.THEME_COLOURS[c], b) >= 3 for c in marks for b in DARK)
    for text in (theme.TEXT, theme.MUTED):
        assert contrast(text, "#ffffff") >= 4.5
        assert all(contrast(theme.THEME_COLOURS[text], b) >= 4.5 for b in DARK)


def test_theme_colours_are_one_to_one_and_lower_case():
    assert all(code == code.lower() for code in theme.THEME_COLOURS)
    assert not set(theme.MODEL_COLOURS) & set(theme.BASELINE_COLOURS)
    assert len(set(theme.THEME_COLOURS.values())) == len(theme.THEME_COLOURS)


def test_a_method_keeps_its_colour_and_baselines_are_grey():
    colours = theme.method_colours(["a", "mean", "b"], ["no_change", "mean"])
    assert colours["a"] == theme.MODEL_COLOURS[0] and colours["b"] == theme.MODEL_COLOURS[1]
    assert [colours[n] for n in ("no_change", "mean")] == list(theme.BASELINE_COLOURS[:2])
    assert theme.method_dash("empty", ["empty"]) == "dash" and theme.method_dash("a", ["empty"]) == "solid"


def test_recoloured_reaches_everything_and_keeps_its_input():
    figure = {"data": [{"marker": {"color": [theme.MEAN_BAR, "#123456"]}, "y": [1, None]}]}
    dark = theme.recoloured(figure)
    assert dark["data"][0]["marker"]["color"] == [theme.THEME_COLOURS[theme.MEAN_BAR], "#123456"]
    assert figure["data"][0]["marker"]["color"][0] == theme.MEAN_BAR and dark["data"][0]["y"] == [1, None]


def test_template_uses_only_colours_that_have_a_dark_counterpart():
    def codes(value):
        if isinstance(value, str):
            return {value} if value.startswith("#") else set()
        if isinstance(value, dict):
            value = value.values()
        return set().union(*map(codes, value)) if hasattr(value, "__iter__") else set()

    assert codes(go.layout.Template(theme.template()).to_plotly_json()) - set(theme.THEME_COLOURS) == set()
