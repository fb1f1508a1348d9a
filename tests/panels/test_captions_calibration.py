import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.calibration import Calibration
from perturbviz.analyses.calibration.controls import in_words
from perturbviz.analyses.calibration.fractions import drf
from perturbviz.analyses.calibration.verdict import VERDICTS, Duel
from perturbviz.metrics import CATALOGUE
from perturbviz.panels.captions import calibration as words
from perturbviz.panels.figures import calibration as figures

ROWS = pd.DataFrame({"seed": "", "context": "A", "perturbation": ["P<1>", "P2", "P3", "P4"]})


def judged(verdict: str, positive: str, other: Calibration | None = None, **more) -> Calibration:
    values = np.array([[0.1, 0.3, 0.5, np.nan], [0.4, 0.3, 0.2, 0.2], [0.75, 0, -1, np.nan]])
    given = {"drf": 0.1, "bds": 0.3, "n": 3, "duel": Duel(1, 1, 1), "reason": f"because of the {positive}", **more}
    return Calibration(
        card=CATALOGUE["mse"].card,
        metric="mse",
        reference="none",
        genes="all",
        positive=positive,
        negative="mean",
        drf_interval=(0.0, 0.2),
        bds_interval=(0.2, 0.4),
        verdict=verdict,
        rows=ROWS,
        values=values,
        other=other,
        **given,
    )


def test_the_badge_names_its_state():
    assert words.badge(None, benchmark_can=False)[0] == "No replicate in these data: cannot be assessed"
    assert "…" in words.badge(None)[0]
    assert words.badge("why not") == ("cannot be assessed", "gray", "why not")


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("positive", ["duplicate", "interpolated-duplicate", "simulated-duplicate"])
def test_every_verdict_names_its_replicate(verdict, positive):
    found = judged(verdict, positive)
    label, colour, tip = words.badge(found)
    assert label == f"{words.BADGES[verdict][0]}: {in_words(positive)}" and colour == words.BADGES[verdict][1]
    for text in (tip, found.says, words.reason(found), words.verdict(found, "all genes"), found.line()["verdict"]):
        assert in_words(positive) in text.lower()
    assert found.line()["replicate"] == in_words(positive) and found.line()["other_verdict"] == ""


def test_replicates_that_disagree_stand_side_by_side_with_the_reason():
    found = judged("narrow", "interpolated-duplicate", judged("inverted", "duplicate"))
    label, colour, tip = words.badge(found)
    assert (label, colour) == ("little headroom: interpolated · inverted: technical", "orange")
    for text in (tip, words.verdict(found, "all genes")):
        assert "ranks the perturbation mean above the technical duplicate" in text.lower()
        assert "tells the interpolated duplicate from the perturbation mean" in text.lower()
        assert "half of the cells" in text and "nearly by construction" in text
    line = found.line()
    assert line["other_replicate"] == "technical duplicate" and "ranks" in line["other_verdict"]
    assert "With the technical duplicate 1 of these verdicts would be others" in words.map_note([found])
    agree = judged("blind", "duplicate", judged("blind", "interpolated-duplicate"))
    assert words.badge(agree)[0] == "blind: technical duplicate"
    assert "gives the same verdict" in words.verdict(agree, "all genes")


def test_a_perfect_prediction_lies_beyond_the_replicate():
    note = words.fractions_note(judged("narrow", "duplicate"))
    assert "A perfect prediction of the mean lies beyond it (equal halves: half its squared error)" in note
    assert "no prediction can be asked" not in note


def test_the_note_counts_better_equal_and_worse_values():
    note = words.paired_note(judged("narrow", "duplicate"))
    assert note.startswith("The technical duplicate is better in 1, equal in 1, worse in 1 of 3 values")
    assert "most clearly worse for P3" in note and "1 undefined" in note


def test_points_are_coloured_by_who_wins_and_undefined_ones_are_left_out():
    found = judged("narrow", "duplicate")
    high, low, _ = found.values
    fig = figures.paired(high, low, words.row_signs(found), ROWS, ("rep", "empty"), "MSE").figure()
    drawn = {t.uid: len(t.x) for t in fig.data if t.uid != "same"}
    assert drawn == {"paired-better": 1, "paired-equal": 1, "paired-worse": 1}
    assert "P&lt;1&gt;" in fig.data[1].text[0]


def test_fractions_fall_from_left_to_right():
    card = CATALOGUE["mse"].card
    value = drf(np.array([0.1, 0.3, 0.5, np.nan]), np.array([0.4, 0.3, 0.2, 0.2]), card)
    fig = figures.fractions(value, ROWS, float(np.nanmedian(value)), 0.2).figure()
    drawn = next(t for t in fig.data if t.uid == "drf").y
    assert len(drawn) == 3
    assert (np.diff(drawn) < 0).all()
