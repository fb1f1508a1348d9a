import numpy as np
import pandas as pd

from perturbviz import explain_calibration as words
from perturbviz.calibration.fractions import bds, drf
from perturbviz.figures import calibration as figures
from perturbviz.metrics import CATALOGUE

ROWS = pd.DataFrame({"seed": "", "context": "A", "perturbation": ["P<1>", "P2", "P3", "P4"]})


def test_the_badge_names_its_state():
    assert words.badge(None, benchmark_can=False)[0] == "cannot be judged: no halves"
    assert "…" in words.badge(None)[0]
    assert words.badge("why not") == ("cannot be judged", "gray", "why not")


def test_points_are_coloured_by_who_wins_and_undefined_ones_are_left_out():
    card = CATALOGUE["mse"].card
    high, low = np.array([0.1, 0.3, 0.5, np.nan]), np.array([0.4, 0.3, 0.2, 0.2])
    fig = figures.paired(high, low, bds(high, low, card) == 1, ROWS, ("rep", "empty"), "MSE").figure()
    assert {t.uid: len(t.x) for t in fig.data if t.uid != "same"} == {"paired-True": 1, "paired-False": 2}
    assert "P&lt;1&gt;" in fig.data[1].text[0]


def test_fractions_fall_from_left_to_right():
    card = CATALOGUE["mse"].card
    value = drf(np.array([0.1, 0.3, 0.5, np.nan]), np.array([0.4, 0.3, 0.2, 0.2]), card)
    fig = figures.fractions(value, ROWS, float(np.nanmedian(value)), 0.2).figure()
    drawn = next(t for t in fig.data if t.uid == "drf").y
    assert len(drawn) == 3
    assert (np.diff(drawn) < 0).all()
