"""Figures and sentences of the linear model page say what their numbers say."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.models.compete import Predictions
from perturbviz.models.diagnostics import ErrorMap
from perturbviz.models.error_by_distance import leaving_out_the_nearest
from perturbviz.panels.captions import linear as words
from perturbviz.panels.figures import linear as figures
from perturbviz.panels.figures.theme import MEAN_BAR
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "name": ["A<b>", "Mean", "None"],
            "score": [1.0, 2.0, np.nan],
            "low": [0.8, np.nan, np.nan],
            "high": [1.3, np.nan, np.nan],
            "n": [3, 3, 0],
            "reason": ["", "", "undefined: it predicts none"],
        },
        index=["a", "mean", "none"],
    )


def test_standing_has_points_means_and_intervals_only_where_known(table):
    values = {m: pd.Series([1.0, 2, 3], index=["p", "q", "r"]) for m in table.index}
    fig = figures.standing(
        table, values, dict.fromkeys(table.index, "#000000"), "L2", higher=False, marked=["a"]
    ).figure()
    points, means = fig.data
    assert points.ids == ("a|p", "a|q", "a|r", "mean|p", "mean|q", "mean|r") and list(points.x) == [1, 2, 3] * 2
    assert points.text[3] == "<b>p</b><br>Mean" and list(means.x) == [1, 2] and means.marker.color == MEAN_BAR
    np.testing.assert_allclose(means.error_x.array, [0.3, 0])
    np.testing.assert_allclose(means.error_x.arrayminus, [0.2, 0])
    assert fig.layout.yaxis.ticktext[0] == "<b>A&lt;b&gt;</b>" and fig.layout.xaxis.autorange == "reversed"
    assert fig.layout.annotations[0].text == "undefined: it predicts none"
    table.loc["none", "reason"] = "undefined: " + "it is < the reference, so its change is zero; " + "more"
    note = figures.standing(table, values, dict.fromkeys(table.index, "#000000"), "L2", False).layout["annotations"][0]
    assert note["text"] == "undefined: it is &lt; the reference, so its<br>change is zero"


@pytest.mark.parametrize("higher", [False, True])
def test_arrows_point_from_the_first_to_the_second_model(higher):
    before, after = pd.Series([1.0, 3, 2, 5], list("abcd")), pd.Series([2.0, 2, 1, np.nan], list("abcd"))
    fig = figures.arrows(before, after, ("one", "two"), "L2", higher, marked="c").figure()
    heads = {t.uid: list(t.customdata) for t in fig.data if t.mode == "markers"}
    gained, lost = ("a",), ("c", "b")
    assert heads == {
        "heads-better": list(gained if higher else lost),
        "heads-worse": list(lost if higher else gained),
    }
    note = words.arrows(before, after, ("one", "two"), higher, 3)
    assert f"{1 if higher else 2} of 3 perturbations are predicted better by two" in note and "too few" in note


def test_only_the_largest_changes_are_drawn_where_there_are_many():
    n = figures.MAX_ARROWS + 50
    before = pd.Series(np.zeros(n), [f"p{i}" for i in range(n)])
    after = before + np.arange(n)
    fig = figures.arrows(before, after, ("one", "two"), "L2", False).figure()
    drawn = {p for t in fig.data if t.mode == "markers" for p in t.customdata}
    assert len(drawn) == figures.MAX_ARROWS and f"p{n - 1}" in drawn and "p0" not in drawn
    assert [t.name for t in fig.data if t.mode == "markers"] == [f"worse by two: {n}"]  # p0 does not change
    said = [words.arrows(before, after, ("a", "b"), True, most) for most in (figures.MAX_ARROWS, n)]
    assert said[0] == f"{said[1]} Drawn: the {figures.MAX_ARROWS} largest changes."


def test_the_map_marks_the_current_setting_and_warns_of_tuning():
    training, held = np.array([[3.0, 4], [1, 4]]), np.array([[3.0, 2.5], [9, 4]])
    fig = figures.error_map(held, [1, 5], [0.1, 10.0], (5, 0.1)).figure()
    cells = next(t for t in fig.data if t.uid == "cells")
    assert [c for c, w in zip(cells.customdata, cells.marker.line.width, strict=True) if w] == ["5|0.1"]
    assert list(next(t for t in fig.data if t.uid == "errors").text) == ["3.00", "2.50", "9.00", "4.00"]
    found = ErrorMap((1, 5), (0.1, 10.0), training, held, 9, 4, {})
    note = words.maps(found, 3)
    assert "4 predictions in 3 splits" in note and "Smallest at K 1, λ 10 (2.5), where training error is 4" in note
    assert "Smallest at K 5, λ 0.1 (1)" in words.training_map(found)
    none = figures.error_map(np.full((2, 2), np.nan), [1, 5], [0.1, 10.0], (5, 0.1)).figure()
    assert any("no held-out perturbation" in a.text for a in none.layout.annotations)
    assert "No held-out perturbation" in words.maps(ErrorMap((1, 5), (0.1, 10.0), training, held * np.nan, 9, 0, {}), 1)


def test_spectrum_counts_what_holds_ninety_percent():
    changes = pd.Series([0.6, 0.25, 0.1, 0.05])
    table = pd.DataFrame(
        {
            "change_explained": changes,
            "change_cumulative": changes.cumsum(),
            "explained": [0.97, 0.01, 0.01, 0.01],
            "cumulative": [0.97, 0.98, 0.99, 1.0],
        }
    ).set_index(pd.RangeIndex(1, 5))
    said = words.spectrum(table, 2)
    assert "first 2 of 4 components hold 85% of the variance of the changes" in said and "90% takes 3" in said
    assert "the first 2 hold 98%, the first alone 97%" in said
    bars = [t for t in figures.spectrum(table, 2).figure().data if t.type == "bar"]
    assert [list(t.x) for t in bars] == [[1, 2], [3, 4]] and bars[0].marker.color != bars[1].marker.color


def test_distance_is_said_to_matter_only_where_it_does():
    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 30)
    frame = pd.DataFrame(
        {"distance": x, "error": 3 * x, "mean": 2.0, "nearest": "n"}, index=[f"p{i}" for i in range(30)]
    )
    curve = leaving_out_the_nearest(frame, ["error", "mean"])
    said = words.distance(frame, curve, False, "mean")
    assert "predicted worse (Spearman ρ 1.00" in said
    assert "Gain on the perturbation mean: 0.5 over all, -0.59 over the 9 farthest" in said and "(mean)" in said
    assert "predicted better" in words.distance(frame, curve, higher=True)
    shuffled = frame.assign(error=rng.permutation(frame["error"]))
    assert "does not order" in words.distance(shuffled, curve, higher=False)
    assert "equally far" in words.distance(frame.assign(distance=1.0), curve, higher=False)
    assert "too few" in words.distance(frame.iloc[:5], curve, higher=False)
    looks = {"error": ("this model", "#123456", "solid"), "mean": ("mean", "#000000", "dot")}
    points, *lines = figures.distance(frame, curve, looks, "L2").figure().data
    assert len(points.x) == 30 and [len(line.x) for line in lines] == [8, 8]


def test_many_distances_are_an_even_choice_with_the_marked_one():
    x = np.linspace(0, 1, 5000)
    frame = pd.DataFrame({"distance": x, "error": 3 * x, "nearest": "n"}, index=[f"p{i}" for i in range(5000)])
    curve = leaving_out_the_nearest(frame, ["error"])
    looks = {"error": ("this model", "#123456", "solid")}
    for marked, at in (("p1234", 1234), ("", None)):
        points = figures.distance(frame, curve, looks, "L2", marked).figure().data[0]
        assert len(points.x) == figures.MAX_DISTANCES + (at is not None)
        assert {"p0", "p4999"} <= set(points.ids) and (at is None or points.marker.size[points.ids.index(marked)] == 12)
        assert np.diff(points.x).max() < 0.02


def test_learning_compares_with_the_mean():
    rows = [(4, 0, 4.0, 2.5), (4, 1, 2.0, 2.5), (40, 0, 1.5, 2.0), (2, 0, np.nan, np.nan)]
    table = pd.DataFrame(rows, columns=["size", "repeat", "l2", "mean_l2"]).assign(
        reason=["", "", "", "2 are too few; so"]
    )
    said = words.learning(table, 2)
    assert "From 4 to 40 training perturbations the error goes from 3 to 1.5 (-50%); the mean ends at 2, above" in said
    assert "2 splits" in said and "1 of 4 draws predict nothing (2 are too few)" in said
    lines = [t for t in figures.learning(table, "#123456").figure().data if t.uid.startswith("line")]
    assert [list(t.y) for t in lines] == [[3.0, 1.5], [2.5, 2.0]]
    assert words.learning(table.assign(l2=np.nan, reason="why")) == "No learning curve: why"


def test_too_few_common_perturbations_name_who_takes_them_away():
    rows = pd.DataFrame({"context": "c", "perturbation": list("abcd")})

    def found(predicted):
        return Predictions(np.zeros((4, 1)), np.where(list(predicted), "", "no row").astype(object), {}, 0.0)

    models = {"this": found([1, 1, 1, 0]), "text": found([1, 0, 0, 1]), "none": found([0, 0, 0, 0])}
    assert words.common_without(rows, models, always="this") == {"text": 3}
    assert words.common_without(rows, models, always="none") == {"this": 2, "text": 3}


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
        "1 of 4 held-out perturbations could be predicted. Not predicted: 2 × target has no embedding; 1 × it is "
        "a combination."
    )
    assert words.coverage(rows, lost.iloc[:0]) == "All 4 held-out perturbations could be predicted."


@pytest.mark.parametrize("metric", ["l2", "pearson_delta", "sd_ratio"])
def test_better_than_the_mean_is_what_ranks_before_it(metric):
    """Also where closest to 1 is best: neither higher nor lower is better there."""
    demo = load(Path(__file__).parents[2] / "data" / "demo.h5ad")
    ranking = rank(score(Evaluation(demo), metric))
    ranks = ranking.table["rank"].dropna()
    others = [m for m in ranks.index if m != "mean"]
    assert {ranks[m] < ranks["mean"] for m in others} == {True, False}
    for method in others:
        said = words.against_mean(ranking, method, method)
        assert (" better than the " if ranks[method] < ranks["mean"] else " worse than the ") in said
