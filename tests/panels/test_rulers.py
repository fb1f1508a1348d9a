"""Two rulers: what may be called a change, who is looked at, and where lines, dots and labels stand in each case."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.rulers import Flip, Rulers, change_size, rulers
from perturbviz.benchmark import load
from perturbviz.metrics import CATALOGUE
from perturbviz.panels import rulers as panels
from perturbviz.panels.captions import rulers as words
from perturbviz.panels.cast import UNKNOWN, cast
from perturbviz.panels.figures import slope
from perturbviz.panels.look import Look
from perturbviz.panels.rulers import neighbours
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores, score_view
from perturbviz.scoring.view import View
from tests.pages.conftest import ROOT

HEADS = ("from the control mean", "from the perturbation mean")
NAMES = ("Pearson delta vs the control mean", "Pearson delta vs the perturbation mean")


def ranking(levels, n=40, spread=0.01, metric="pearson_delta", reference="control") -> Ranking:
    """Methods m0, m1, … with these average scores; NaN for one that has none."""
    noise = np.random.default_rng(0).normal(0, spread, (len(levels), n))
    values = np.array(levels, float)[:, None] + noise - noise.mean(axis=1, keepdims=True)
    methods = tuple(f"m{i}" for i in range(len(levels)))
    rows = pd.DataFrame({"seed": "", "context": "c", "perturbation": [f"P{i}" for i in range(n)], "n_perturbed": 1})
    reasons = {m: "undefined: it is the reference" for m, v in zip(methods, levels, strict=True) if np.isnan(v)}
    card = CATALOGUE[metric].card
    return rank(Scores(card, metric, reference, "all", methods, methods, rows, values, np.full(n, 10), reasons))


def look(methods) -> Look:
    return Look({m: m for m in methods}, dict.fromkeys(methods, "#1653bf"))


def panel(flip: Flip, at=0, **more):
    return panels.slope(flip, at, HEADS, NAMES, look(flip.left.lines), **more)


@pytest.fixture(scope="module")
def demo() -> Evaluation:
    return Evaluation(load(ROOT / "data" / "demo.h5ad"))


@pytest.fixture(scope="module")
def shipped(demo) -> Flip:
    view = View(metric="pearson_delta")
    return Flip(*(rank(score_view(demo, view.with_(ref=ref))) for ref in ("control", "perturbation")))


def test_a_change_counts_where_it_is_clear_under_one_ruler():
    first = [0.9, 0.8, 0.7]
    winner = Flip(ranking(first), ranking([0.7, 0.8, 0.9]))
    assert winner.kind == "winner" and winner.mover in ("m0", "m2") and set(winner.heroes()) == {"m0", "m2"}
    assert Flip(ranking(first), ranking([0.9, 0.6, 0.7])).kind == "order"
    assert Flip(ranking(first), ranking(first)).kind == "same"
    unclear = Flip(ranking([0.5005, 0.5, 0.1], spread=0.2), ranking([0.5, 0.5005, 0.1], spread=0.2))
    assert unclear.swapped == (("m0", "m1"),) and unclear.clear == () and unclear.kind == "same"


@pytest.mark.parametrize(
    ("flip", "said"),
    [
        (Flip(ranking([0.9, 0.8]), ranking([0.8, 0.9])), "The winner depends on what you subtract."),
        (Flip(ranking([0.9, 0.8, 0.7]), ranking([0.9, 0.7, 0.8])), "The winner stays; the order depends"),
        (Flip(ranking([0.9, 0.8]), ranking([0.9, 0.8])), "Here the order does not depend on what you subtract."),
        (Flip(ranking([0.9]), ranking([0.3])), "One method: nothing to rank it against."),
        (Flip(ranking([0.9, 0.8], n=1), ranking([0.8, 0.9], n=1)), "One perturbation: too few to name a winner."),
        (Flip(ranking([0.9, 0.8], n=9), ranking([0.8, 0.9], n=9)), "Nine perturbations: too few to name a winner."),
    ],
)
def test_the_thesis_is_computed(flip, said):
    assert words.thesis(flip, by_reference=True).startswith(said)


def test_the_shipped_demo_is_the_case_that_the_app_opens_with(shipped):
    assert words.thesis(shipped, True) == "The winner depends on what you subtract."
    assert shipped.heroes() == ("overconfident", "additive", "cautious")
    assert words.opened(shipped, 0, HEADS).startswith(
        "From the control mean, **Overconfident** is first (0.814), statistically tied with Additive and Half-sum."
    )
    assert words.switched(shipped, 1) == (
        "**Additive** is now first (0.575). Cautious falls from 2nd to 8th (0.811 → 0.028). No change now has a score "
        "(9th). Perturbation mean has no score: it is the reference."
    )


def test_the_size_of_changes_is_told_where_it_is_far_from_the_observed_one(demo, shipped):
    found = {m: change_size(demo, m, View().subset) for m in ("cautious", "overconfident", "additive", "no_change")}
    assert found["no_change"] == 0 and 0.3 < found["cautious"] < 0.4 and found["overconfident"] > 1.5
    observed = demo.truth() - demo.reference("control")
    predicted = demo.prediction("cautious") - demo.reference("control")
    by_hand = np.median(np.linalg.norm(predicted, axis=1) / np.linalg.norm(observed, axis=1))
    assert np.isclose(change_size(demo, "cautious", View(genes="all").subset), by_hand)
    said = words.switched(shipped, 1, found["cautious"])
    assert "(0.811 → 0.028): its changes are 0.34 times the observed size." in said
    assert "times" not in words.switched(shipped, 1, 1.0) and "times" not in words.switched(shipped, 0, 0.34)


def test_with_few_perturbations_nobody_is_first():
    flip = Flip(ranking([0.9, 0.8], n=3), ranking([0.8, 0.9], n=3))
    said = words.opened(flip, 0, HEADS) + words.switched(flip, 1)
    assert "is first" not in said and "3 perturbations are too few to call a method first" in said
    labels = [a["text"] for a in panel(flip).figure.layout["annotations"]]
    assert "1" not in labels and "2" not in labels


def test_one_method_has_scores_and_no_rank():
    flip = Flip(ranking([0.9]), ranking([0.3], reference="perturbation"))
    said = words.opened(flip, 0, HEADS)
    assert "0.9 [" in said and "0.3 [" in said and "One method has no rank." in said and "first" not in said


@pytest.mark.parametrize("n", [1, 2, 4, 10, 20, 24, 30])
def test_every_method_has_its_line_and_the_dots_stand_at_its_rank(n):
    levels = np.linspace(0.9, 0.1, n)
    flip = Flip(ranking(levels), ranking(levels[::-1], reference="perturbation"))
    for at, order in enumerate((flip.left, flip.right)):
        drawn = panel(flip, at).figure
        drawn.figure()  # raises on what Plotly does not know
        dots = next(t for t in drawn.data if t["uid"] == "ruler")
        shown = len(dots["ids"])
        assert shown == (n if n < slope.MANY else 16) and set(dots["x"]) == {at}
        if n < slope.MANY:
            assert dict(zip(dots["ids"], dots["y"], strict=True)) == order.table["rank"].to_dict()
        names = [a["text"] for a in drawn.layout["annotations"] if "more" in a["text"]]
        assert bool(names) == (n >= slope.MANY)
        assert not names or names[0] == f"{n - shown} more"
        assert all(a["font"]["size"] >= 12 for a in drawn.layout["annotations"])


def test_a_switch_moves_dots_and_nothing_else():
    flip = Flip(ranking([0.9, 0.5, np.nan]), ranking([0.5, np.nan, 0.9], reference="perturbation"))
    left, right = (panel(flip, at).figure for at in (0, 1))
    still = lambda figure: [t for t in figure.data if t["uid"] != "ruler"]  # noqa: E731
    np.testing.assert_equal(still(left), still(right))
    for part in ("height", "margin", "xaxis", "yaxis", "meta"):
        assert left.layout[part] == right.layout[part]
    places = [
        {
            (a["x"], a["y"], a["xshift"], a["text"].removeprefix("<b>").removesuffix("</b>"))
            for a in f.layout["annotations"]
        }
        for f in (left, right)
    ]
    gone = {text for *_, text in places[0] ^ places[1]}
    assert gone and all("[" in text for text in gone), "scores come and go, names and ranks stay"


def test_what_has_no_score_stands_under_a_rule_with_a_hollow_dot_and_its_reason():
    flip = Flip(ranking([0.9, 0.5, np.nan]), ranking([0.5, 0.9, 0.7], reference="perturbation"))
    drawn = panel(flip).figure
    dots = next(t for t in drawn.data if t["uid"] == "ruler")
    at = dots["ids"].index("m2")
    assert dots["y"][at] == 4 and drawn.layout["shapes"][0]["y0"] == 3.5
    assert dots["marker"]["color"][at] == slope.SURFACE != dots["marker"]["color"][0]
    labels = [a["text"] for a in drawn.layout["annotations"] if a["y"] == 4]
    assert "–" in labels and "no score: the reference" in labels
    assert "0" not in labels and "no score (undefined: it is the reference)" in dots["text"][at]


def test_ties_share_a_rank_and_are_bracketed(shipped):
    drawn = panels.slope(shipped, 0, HEADS, NAMES, look(shipped.left.lines)).figure
    assert [a["text"] for a in drawn.layout["annotations"]].count("3=") >= 2
    assert ("additive", "half_sum") in neighbours(shipped.left)


def test_baseline_heroes_are_black_and_own_methods_are_heroes():
    flip = Flip(ranking([0.9, 0.8, 0.1]), ranking([0.8, 0.9, 0.1]))
    drawn = panel(flip, own=["m2"], baselines=["m0"]).figure
    heroes = {t["uid"]: t["line"]["color"] for t in drawn.data if t["uid"].startswith("hero-")}
    assert heroes == {"hero-m0": "#010101", "hero-m1": "#1653bf", "hero-m2": "#1653bf"}


def test_long_names_are_cut_and_told_in_full_on_hover():
    order = ranking([0.9, 0.8])
    long = "A model with a name that is far too long for any line <b>"
    table = order.table.assign(name=[long, "m1"])
    flip = Flip(replace(order, table=table), replace(order, table=table))
    drawn = panel(flip).figure
    labels = [a["text"] for a in drawn.layout["annotations"]]
    assert any("…" in text for text in labels) and not any(long in text for text in labels)
    dots = next(t for t in drawn.data if t["uid"] == "ruler")
    assert "far too long for any line &lt;b&gt;" in dots["text"][0]


# -- which two ------------------------------------------------------------------------------------------------------
def test_a_metric_of_changes_is_put_between_its_references_and_others_beside_pearson_delta(demo):
    b = demo.benchmark
    assert rulers(b, View(metric="cosine", ref="perturbation")) == Rulers(
        (("cosine", "control"), ("cosine", "perturbation"))
    )
    assert rulers(b, View()).pair == (("l2", "none"), ("pearson_delta", "control"))
    assert rulers(b, View(ref="perturbation")).pair == (("l2", "none"), ("pearson_delta", "perturbation"))


@pytest.mark.parametrize(("lost", "ref"), [("training", "control"), ("control", "perturbation")])
def test_without_one_of_the_means_the_switch_offers_l2_and_says_why(demo, lost, ref):
    class Lacking:
        """The demo as if it lacked one of the two means."""

        has_control, has_training = lost != "control", lost != "training"

        def __getattr__(self, name):
            return getattr(demo.benchmark, name)

    found = rulers(Lacking(), View(metric="pearson_delta", ref=ref))
    assert found.pair == (("pearson_delta", ref), ("l2", "none"))
    assert lost in found.why and found.why.endswith("so the switch offers L2 instead.")


def test_every_method_has_its_lines_in_the_cast(demo):
    found = cast(demo)
    assert set(found) == set(demo.methods) and all(len(who) > 30 and who != UNKNOWN for _, who in found.values())
    assert "It has seen the truth." in found["noisy-oracle"][1] and found["additive"][1].startswith("Baseline.")
    bare = demo.benchmark.with_predictions("zzz", "Zzz", {"": demo.benchmark.truth})
    who = cast(Evaluation(bare))["zzz"][1]
    assert who == f"{UNKNOWN} Added by you."
