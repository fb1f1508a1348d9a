"""Figures and sentences of the Goodhart lab: what is drawn and said follows the numbers, names are escaped."""

import numpy as np
import pandas as pd

from perturbviz.analyses.goodhart import Knobs
from perturbviz.analyses.goodhart.optimise import Optimum, Tuned
from perturbviz.metrics import CATALOGUE
from perturbviz.panels.captions import goodhart as captions
from perturbviz.panels.figures import goodhart as figures

NAMES = {"a": "A <b>bold</b>", "b": "B", "c": "C"}
COLOURS = {"a": "#1653bf", "b": "#c68564", "c": "#457e50"}


def trace(fig, uid):
    return next(t for t in fig.data if t.uid == uid)


def plane(y=(0.3, 0.2, 0.1), trail=((1.0, 0.3, "start"), (2.0, 0.5, "change × 2"))):
    x = pd.Series([1.0, 2.0, np.nan], index=list("abc"))
    return figures.plane(
        x, pd.Series(y, index=list("abc")), NAMES, COLOURS, "a", trail, ("MSE", "PDS"), (True, False)
    ).figure()


def test_plane_draws_methods_trail_and_diamond():
    fig = plane()
    assert list(trace(fig, "methods").ids) == ["a", "b"]
    assert "<b>" not in trace(fig, "methods").text[0]
    np.testing.assert_allclose(trace(fig, "yours").x, [2.0])
    np.testing.assert_allclose(trace(fig, "trail").y, [0.3, 0.5])
    assert fig.layout.xaxis.autorange == "reversed"
    assert fig.layout.yaxis.autorange is True
    assert "undefined: C" in fig.layout.annotations[0].text


def test_plane_without_a_defined_position_says_so():
    fig = plane(trail=((1.0, 0.3, "start"), (np.nan, 0.5, "change × 0")))
    assert len(trace(fig, "yours").x) == 0
    assert "the transformed one" in fig.layout.annotations[0].text


def test_names_in_the_plane_avoid_one_another():
    places = figures._label_places(
        [(0, 0), (0.001, 0.001), (1, 1)], ["Additive", "Additive + twist", "Far"], (False, False)
    )
    assert places[0] != places[1]
    beside = [(0, 0), (0.45, 0), (1, 1)]  # far apart on a wide screen, not on a narrow one
    left, right, _ = figures._label_places(beside, ["No change", "Perturbation mean", "Far"], (False, False))
    assert (left, right) != ("middle right", "middle left")


def test_strip_lines_go_up_where_the_rank_got_better():
    fig = figures.strip(
        ["L2", "PDS", "AP"], np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, np.nan]), 3, "#1653bf"
    ).figure()
    np.testing.assert_array_equal(trace(fig, "strip-better").y[:2], [3, 1])
    np.testing.assert_array_equal(trace(fig, "strip-worse").y[:2], [1, 2])
    assert [a.x for a in fig.layout.annotations] == [2]
    text = captions.steps(["L2", "PDS", "AP"], np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, np.nan]), "B")
    assert "On 1 of 3" in text
    assert "on 1 lower" in text
    assert "on 1 it became undefined" in text
    assert "L2, 3rd to 1st" in text
    same = np.array([1.0, np.nan])
    assert "keeps its rank on all 2" in captions.steps(["L2", "rΔ"], same, same, "B")


def test_strip_shows_where_the_others_stand_and_stood():
    was = pd.DataFrame([[1.0, 2.0], [3.0, np.nan]], index=["a", "b"])
    now = pd.DataFrame([[2.0, 2.0], [3.0, np.nan]], index=["a", "b"])
    mine = np.array([2.0, 1.0]), np.array([1.0, 1.0])
    fig = figures.strip(
        ["L2", "PDS"], *mine, 3, "#1653bf", ["L2 distance", "Discrimination"], (was, now), NAMES, COLOURS
    ).figure()
    dots = trace(fig, "strip-others")
    assert list(dots.y) == [2, 2, 3]
    assert dots.text[0] == "<b>L2 distance</b><br>A &lt;b&gt;bold&lt;/b&gt;: rank 2, 1 before"
    assert dots.text[2].endswith("B: rank 3")
    assert trace(fig, "strip-after").text[1] == "Discrimination"


def test_scale_marks_what_is_beyond_its_edges():
    table = pd.DataFrame(
        {
            "label": ["L2", "rΔ", "AP"],
            "name": ["L2", "rΔ", "AP"],
            "before": [1.0, np.nan, 0.2],
            "after": [9.0, 0.5, 0.3],
            "scaled_before": [0.5, np.nan, 0.1],
            "scaled_after": [-7.0, 0.6, 0.4],
            "change": [-1.0, np.nan, 1.0],
        }
    )
    fig = figures.scales(table, 2, "a perfect prediction").figure()
    after = trace(fig, "scale-after")
    assert after.x[0] == figures.EDGES[0]
    assert after.marker.symbol[0] == "triangle-left"
    assert after.customdata[0][1] == -7.0
    assert any("before undefined, after 0.5" in a.text for a in fig.layout.annotations)
    assert fig.layout.yaxis.ticktext[2] == "<b>AP</b>"


def optimum(report, knobs, setting=("pds", "none")):
    tuned = Tuned("1", knobs, (0.5, 0.9), report, np.array([0.5, 0.9]))
    return Optimum(CATALOGUE[setting[0]].card, setting, "m", "halves", (tuned,), True, 0.1)


def effects(**change):
    card = {m: CATALOGUE[m].card.family for m in change}
    return pd.DataFrame(
        {"metric": list(change), "reference": "none", "family": list(card.values()), "change": list(change.values())}
    )


def test_the_verdict_follows_what_happened():
    amplify, broken, fine = Knobs(amplify=3.0), effects(mse=-1.0, pearson=0.0), effects(mse=1.0, pearson=1.0)
    assert "Nothing was learnt about any perturbation" in captions.learnt(optimum((0.5, 0.8), amplify), broken, str)
    assert "how large changes are" in captions.learnt(optimum((0.5, 0.8), amplify), fine, str)
    assert "no gain" in captions.learnt(optimum((0.5, 0.4), amplify), fine, str)
    assert "stays as it is" in captions.learnt(optimum((0.5, 0.5), Knobs()), fine, str)
    borrowed = captions.learnt(optimum((0.5, 0.8), Knobs(blend_to="<x>", blend=0.5)), fine, str)
    assert "borrowed" in borrowed
    assert "\\<x\\>" in borrowed


def test_a_target_that_did_no_harm_is_said_to():
    assert captions.harm(3, 10, 14) == "of 14 other families of metrics 3 got better and 10 worse"
    assert captions.harm(8, 5, 14).endswith("5 worse, so on the whole this target did no harm here")
    assert captions.harm(4, 0, 14).endswith("0 worse, so this target did no harm here")
    better = captions.learnt(optimum((0.5, 0.8), Knobs(amplify=3.0)), effects(mse=1.0, pearson=1.0), str)
    assert "this target did no harm here" in better
    worse = captions.learnt(optimum((0.5, 0.8), Knobs(amplify=3.0)), effects(mse=-1.0, pearson=0.0), str)
    assert "no harm" not in worse


def test_the_reveal_holds_the_untouched_prediction_against_the_teams():
    ranks = pd.DataFrame({0: [2.0, 3.0, 1.0], 1: [2.0, 1.0, 3.0]}, index=["Red", "Blue", "Plain, untouched"])
    text = captions.revealed(ranks, ["MSE", "PDS"], 0, ["Plain, untouched"], (1, 6, 9))
    assert text.startswith("No team is better than Plain, untouched on MSE; Red comes nearest")
    assert text.endswith("Against its untouched prediction: of 9 other families of metrics 1 got better and 6 worse.")
    ranks.loc["Red", 0], ranks.loc["Plain, untouched", 0] = 1.0, 2.0
    assert captions.revealed(ranks, ["MSE", "PDS"], 0, ["Plain, untouched"]).startswith("Red is first on MSE")


def test_climb_says_undefined_before():
    fig = figures.climb(
        ["1", ""],
        np.array([[np.nan, 0.7], [0.1, 0.2]]),
        np.array([[np.nan, 0.6], [0.1, 0.15]]),
        "PDS",
        False,
        "#1653bf",
    ).figure()
    assert sum(a.text == "undefined before" for a in fig.layout.annotations) == 2
    assert fig.layout.yaxis.ticktext == ("seed 1", "one split")
    np.testing.assert_allclose(trace(fig, "climb-reported on-after").x, [0.6, 0.15])


def test_reveal_sentence_counts_wins():
    ranks = pd.DataFrame({0: [1.0, 2.0], 1: [2.0, 1.0], 2: [2.0, 1.0]}, index=["Red", "Blue"])
    text = captions.revealed(ranks, ["MSE", "PDS", "CA"], 0)
    assert text.startswith("Red is first on MSE")
    assert "first (or shares it) on 0 and last on 2" in text
