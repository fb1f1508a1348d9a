"""Figures and sentences of the linear model page say what their numbers say."""

import numpy as np
import pandas as pd
import pytest

from perturbviz import explain_linear as words
from perturbviz.baselines.compete import Predictions
from perturbviz.baselines.diagnostics import ErrorMap
from perturbviz.figures import linear as figures
from perturbviz.figures.theme import MEAN_BAR


@pytest.fixture
def table():
    return pd.DataFrame(
        {"name": ["A<b>", "Mean", "None"], "score": [1.0, 2.0, np.nan], "low": [0.8, np.nan, np.nan],
         "high": [1.3, np.nan, np.nan], "n": [3, 3, 0], "reason": ["", "", "undefined: it predicts none"]},
        index=["a", "mean", "none"],
    )  # fmt: skip


def test_standing_has_points_means_and_intervals_only_where_known(table):
    values = {m: pd.Series([1.0, 2, 3], index=["p", "q", "r"]) for m in table.index}
    fig = figures.standing(table, values, dict.fromkeys(table.index, "#000000"), "L2", higher=False, marked=["a"])
    cloud, means = fig.data
    assert len(cloud.x) == 6 and list(means.x) == [1, 2] and means.marker.color == MEAN_BAR
    np.testing.assert_allclose(means.error_x.array, [0.3, 0])
    np.testing.assert_allclose(means.error_x.arrayminus, [0.2, 0])
    assert fig.layout.yaxis.ticktext[0] == "<b>A&lt;b&gt;</b>" and fig.layout.xaxis.autorange == "reversed"
    assert "predicts none" in fig.layout.annotations[0].text


@pytest.mark.parametrize("higher", [False, True])
def test_arrows_point_from_the_first_to_the_second_model(higher):
    before, after = pd.Series([1.0, 3, 2, 5], list("abcd")), pd.Series([2.0, 2, 1, np.nan], list("abcd"))
    fig = figures.arrows(before, after, ("one", "two"), "L2", higher, marked="c")
    heads = {t.uid: list(t.customdata) for t in fig.data if t.mode == "markers"}
    gained, lost = ("a",), ("c", "b")
    assert heads == {
        "heads-better": list(gained if higher else lost),
        "heads-not better": list(lost if higher else gained),
    }
    note = words.arrows(before, after, ("one", "two"), higher)
    assert f"{1 if higher else 2} of 3 perturbations are predicted better by two" in note and "too few" in note


def test_only_the_largest_changes_are_drawn_where_there_are_many():
    n = figures.MAX_ARROWS + 50
    before = pd.Series(np.zeros(n), [f"p{i}" for i in range(n)])
    fig = figures.arrows(before, before + np.arange(n), ("one", "two"), "L2", False)
    drawn = {p for t in fig.data if t.mode == "markers" for p in t.customdata}
    assert len(drawn) == figures.MAX_ARROWS and f"p{n - 1}" in drawn and "p0" not in drawn


def test_the_map_marks_the_current_setting_and_warns_of_tuning():
    training, held = np.array([[3.0, 4], [1, 4]]), np.array([[3.0, 2.5], [9, 4]])
    fig = figures.error_maps(training, held, [1, 5], [0.1, 10.0], (5, 0.1))
    cells = next(t for t in fig.data if t.uid == "cells2")
    assert [c for c, w in zip(cells.customdata, cells.marker.line.width, strict=True) if w] == ["5|0.1"]
    note = words.maps(ErrorMap((1, 5), (0.1, 10.0), training, held, 9, 4, {}), 3)
    assert "3 splits" in note and "smallest at K 5, λ 0.1 (1)" in note and "held-out error at K 1, λ 10 (2.5)" in note
    none = figures.error_maps(training, np.full((2, 2), np.nan), [1, 5], [0.1, 10.0], (5, 0.1))
    assert any("no held-out perturbation" in a.text for a in none.layout.annotations)
    assert "No held-out perturbation" in words.maps(ErrorMap((1, 5), (0.1, 10.0), training, held * np.nan, 9, 0, {}), 1)


def test_spectrum_counts_what_holds_ninety_percent():
    explained = pd.Series([0.6, 0.25, 0.1, 0.05])
    table = pd.DataFrame({"explained": explained, "cumulative": explained.cumsum()})
    table.index = pd.RangeIndex(1, 5)
    assert "first 2 of 4 components hold 85%" in words.spectrum(table, 2, 4) and "90 % takes 3" in words.spectrum(
        table, 2, 4
    )
    assert len(set(figures.spectrum(table, 2).data[0].marker.color)) == 2


def test_distance_is_said_to_matter_only_where_it_does():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 30)
    frame = pd.DataFrame({"distance": x, "error": 3 * x, "nearest": "n"}, index=[f"p{i}" for i in range(30)])
    assert "predicted worse: Spearman ρ 1.00" in words.distance(frame, higher=False)
    assert "predicted better" in words.distance(frame, higher=True)
    assert "does not order" in words.distance(frame.assign(error=rng.permutation(frame["error"])), higher=False)
    assert "equally far" in words.distance(frame.assign(distance=1.0), higher=False)
    assert "too few" in words.distance(frame.iloc[:5], higher=False)
    assert len(figures.distance(frame, "L2", "#123456").data[0].x) == 30


def test_learning_compares_with_the_mean():
    rows = [
        ("model", 4, 0, 4.0),
        ("model", 4, 1, 2.0),
        ("model", 40, 0, 1.5),
        ("mean", 4, 0, 2.5),
        ("mean", 40, 0, 2.0),
    ]
    table = pd.DataFrame(rows, columns=["which", "size", "repeat", "l2"]).assign(reason="")
    assert (
        "From 4 to 40 training perturbations the error goes from 3 to 1.5 (-50%); the mean ends at 2, above"
        in words.learning(table)
    )
    lines = [t for t in figures.learning(table, "#123456").data if t.uid.startswith("line")]
    assert [list(t.y) for t in lines] == [[3.0, 1.5], [2.5, 2.0]]
    nothing = table.assign(l2=np.nan, reason="why")
    assert words.learning(nothing) == "why"


def test_reasons_are_counted_by_perturbation():
    rows = pd.DataFrame({"context": "c", "perturbation": ["a", "a", "b", "d+e", "f"]})
    reasons = np.array(
        [
            "",
            "its target a has no embedding",
            "its target b has no embedding",
            "it is a combination, so",
            "its target f has no embedding",
        ],
        object,
    )
    lost = words.unpredicted(rows, Predictions(np.zeros((5, 1)), reasons, {}, 0.0))
    assert list(lost["perturbation"]) == ["b", "d+e", "f"]  # a is predicted in one split
    assert words.coverage(rows, lost) == (
        "1 of 4 held-out perturbations could be predicted. Not predicted: 2 × target has no embedding; 1 × it is a combination."
    )
    assert words.coverage(rows, lost.iloc[:0]) == "All 4 held-out perturbations could be predicted."
