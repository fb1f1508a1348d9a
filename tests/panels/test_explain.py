"""Sentences about a ranking say what the data carry: ties, few perturbations, shared first places, spread."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perturbviz.analyses.robustness import Across, robustness
from perturbviz.metrics import CATALOGUE
from perturbviz.panels import captions
from perturbviz.panels.captions import views as view_captions
from perturbviz.panels.figures.rankings import _hover
from perturbviz.panels.figures.text import percent
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores


def scores_of(values, perturbations=None, metric="mse") -> Scores:
    """Scores of methods A, B, ... on singles P0, P1, ..."""
    values = np.asarray(values, float)
    methods = tuple("abcdefg"[: len(values)])
    labels = perturbations or [f"P{i}" for i in range(values.shape[1])]
    n_perturbed = [p.count("+") + 1 for p in labels]
    rows = pd.DataFrame({"seed": "", "context": "c", "perturbation": labels, "n_perturbed": n_perturbed})
    names = tuple(m.upper() for m in methods)
    n = np.full(values.shape[1], 10)
    return Scores(CATALOGUE[metric].card, metric, "none", "all", methods, names, rows, values, n, {})


def ranking(values, perturbations=None, metric="mse", how="mean") -> Ranking:
    return rank(scores_of(values, perturbations, metric), how)


NOISE = np.random.default_rng(0).random(20)


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, ">99%"), (0.9965, ">99%"), (0.9949, "99%"), (0.5, "50%"), (0.0049, "<1%"), (0.0, "<1%")]
)
def test_no_share_of_draws_is_called_certain(share, said):
    assert percent(share) == said


def test_a_clear_lead_is_never_first_in_all_draws():
    found = ranking([NOISE + 1, NOISE + 2 + 0.1 * NOISE])
    assert captions.headline(found).endswith("; first in >99% of bootstrap resamples.")
    assert "first in &gt;99% of bootstrap resamples" in _hover(found.lines["a"])


def test_where_there_is_no_interval_the_point_says_why():
    found = ranking([NOISE[:4] + 1, NOISE[:4] + 2])
    assert "no interval: 4 perturbations are too few (at least 10)" in _hover(found.lines["a"])


def test_a_shared_first_place_is_said_so():
    found = ranking([NOISE, NOISE, NOISE + 1])
    assert captions.headline(found).startswith("**A** and **B** share first place by Mean squared error: ")
    assert "before **C** with" in captions.headline(found) and "is first" not in captions.headline(found)
    assert captions.headline(ranking([NOISE, NOISE])).count(";") == 0


def test_combinations_of_one_target_cannot_be_told_apart():
    found = ranking([NOISE[:12], NOISE[:12] + 1], [f"A+T{i}" for i in range(12)])
    assert "every combination holds A, so nothing can be told apart" in captions.headline(found)
    assert captions.uncertainty(found) == "No intervals: every combination holds A."
    assert found.table["interval"].tolist() == ["none: every combination holds A"] * 2


def test_intervals_say_what_they_allow_for():
    pairs = [f"T{i}+T{j}" for i in range(6) for j in range(i)]
    shared = ranking([NOISE[:15], NOISE[:15] + 1], pairs)
    sentence = "intervals allow for that (6 targets in 15 combinations) and are about other targets."
    assert f"Combinations that share a target are not independent; {sentence}" in captions.uncertainty(shared)
    assert "share a target" not in captions.uncertainty(ranking([NOISE, NOISE + 1]))
    medians = captions.uncertainty(ranking([NOISE[:15], NOISE[:15] + 1], pairs, how="median"))
    assert "Those of medians are the bootstrap's, widened as much as those of the means." in medians


def test_neighbours_are_told_apart_each_pair_by_itself():
    found = ranking([NOISE, NOISE + 1 + 0.1 * NOISE])
    assert captions.uncertainty(found).endswith("No statistical ties between neighbours (paired intervals).")


def test_retrieval_values_share_candidates():
    found = ranking([NOISE, NOISE / 2], metric="centroid_accuracy")
    assert "Values share candidates; intervals are approximate." in captions.uncertainty(found)


def test_one_perturbation_is_called_one():
    assert captions.uncertainty(ranking([[1.0], [2.0]])) == "No intervals: one perturbation is too few (at least 10)."


def test_spread_compares_the_gap_of_mean_and_median_with_its_error():
    assert "equal everywhere (1)" in captions.spread(ranking(np.ones((2, 20))), "mean")
    normal = np.random.default_rng(1).normal(5, 3, 200)
    assert "median" not in captions.spread(ranking([normal, normal + 1]), "mean")
    skewed = np.random.default_rng(1).lognormal(0, 1, 200)
    said = captions.spread(ranking([skewed, skewed + 1]), "mean")
    assert "differ by more than twice their standard error" in said and "pull" not in said
    assert "median" not in captions.spread(ranking([skewed[:5], skewed[:5] + 1]), "mean")


def test_a_shared_first_place_overturns_nothing():
    found = ranking([NOISE, NOISE + 1])
    ranks = pd.DataFrame([[1.5, 1, 2, 1.5], [1.5, 2, 1, 1.5]], ["b", "a"])
    said = captions.overturn(ranks, ["w", "x", "y", "z"], str.upper, found)
    assert said == (
        "On the same genes A is first by **3 of 4** metrics and references. "
        "One click overturns it: **B** is first by x."
    )
    assert "overturns" not in captions.overturn(ranks.iloc[:, [0]], ["w"], str.upper, found)


def test_the_lead_changes_hands_only_where_nobody_keeps_it():
    tied, alone, other = ranking([NOISE, NOISE]), ranking([NOISE, NOISE + 1]), ranking([NOISE + 1, NOISE])
    assert captions.lead_change(tied, alone) == " **A** is now first alone."
    assert captions.lead_change(alone, tied) == " **A and B** are now first together."
    assert captions.lead_change(alone, other) == " First was A, first now is **B**."
    assert captions.lead_change(tied, tied) == ""


def test_ties_are_not_wins():
    values = np.stack([NOISE, NOISE + np.where(np.arange(20) < 15, 0, 1), NOISE * (1 + 1e-9)])
    found = ranking(values)
    others = ["b", "c"]
    said = captions.paired(found, "a", values[1:] - values[0], others)
    assert said.startswith("B is better than A on 0% of the values and equal on 75%. ")
    assert "paired 95% intervals" in said and said.endswith("C.")


def test_who_leads_at_which_number_of_genes_knows_ties():
    card = CATALOGUE["mse"].card
    said = captions.crossings(
        np.array([10, 20, 30]), np.array([[1.0, 1, 2], [1 + 1e-9, 2, 1]]), ["a", "b"], str.upper, card
    )
    assert said == "First place changes 2 times: A and B from 10 genes; A from 20 genes; B from 30 genes."


def test_counts_of_firsts_say_which_are_shared():
    table = pd.DataFrame([[1.5, 1, 2], [1.5, 2, 1], [3, 3, 3]], index=list("abc"), dtype=float)
    note = captions.bump_note(table, ["x", "y", "z"], str.upper)
    assert note.startswith("Of 3 metrics: A is first on 1, B on 1, A and B together on 1. ")
    assert "A is first on 1, B on 1, A and B together on 1" in view_captions.score_table(
        table.to_numpy().T, list("ABC")
    )
    assert "columns" not in captions.bump_note(table, ["x", "y", "z"], str.upper, count=False)


@given(arrays(bool, st.tuples(st.integers(1, 5), st.integers(0, 12))), st.sampled_from([None, 1, 3]))
def test_counts_of_firsts_add_up_to_the_columns(first, most):
    said = captions.firsts(first, [f"m{chr(97 + i)}" for i in range(len(first))], most)
    assert sum(int(n) for n in re.findall(r" on (\d+)", said)) == first.shape[1]


def test_the_podium_is_shared_by_those_who_share_every_first_place():
    values = np.stack([NOISE, NOISE * (1 + 1e-9), NOISE + np.where(np.arange(20) < 16, 1, -2)])
    found = robustness(scores_of(values), n=100)
    assert found.names[0] == "A"
    assert view_captions.podium(found).startswith("A and B share first on 80% of the single perturbations")


def test_robustness_of_few_perturbations_says_that_they_are_few():
    found = robustness(scores_of([NOISE[:5], NOISE[:5] + 1]), n=100)
    assert view_captions.blobs(found) == "No draws: 5 perturbations are too few (at least 10)."
    assert view_captions.significance(found) == "Nothing can be told apart: 5 perturbations are too few (at least 10)."
    assert np.isnan(found.blobs).all() and not found.better.any() and np.isnan(found.places["low"]).all()


def test_one_p_value_says_what_the_interval_says():
    pairs = [f"T{i}+T{j}" for i in range(7) for j in range(i)][:20]
    for k in range(30):
        rng = np.random.default_rng(k)
        scores = scores_of(rng.normal(size=(2, 20)) + [[0.0], [0.8]], pairs)
        apart = rank(scores).separable("a", "b")
        assert (robustness(scores, n=50).significance[0, 1] < 0.05) == apart


def test_methods_of_every_data_set_are_compared_or_none_is():
    ranks = pd.DataFrame({"x": [1.5, 1.5], "z": [2.0, 1.0]}, index=["a", "b"])
    said = view_captions.across(Across({"a": "A", "b": "B"}, ranks, ranks, None, {}, {"c": "C"}))
    assert said.startswith(
        "Compared are the 2 methods with a score on every data set (1 other has not). A and B are first on x; "
        "B is first on z."
    )
    none = pd.DataFrame(columns=["x"], dtype=float)
    assert view_captions.across(Across({}, none, none, None, {}, {"a": "A"})).startswith("Not comparable: fewer than")


def test_shares_of_views_are_votes():
    shares = pd.DataFrame({"name": ["A", "B"], "share": [0.9, 0.1], "views": [3, 1]}, index=["a", "b"])
    assert view_captions.won(shares, 4) == "Over 4 defensible views **A** wins 90% of the votes, before B (10%)."
