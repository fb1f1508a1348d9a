"""Every sentence is computed: each is checked on two data sets whose truth is known."""

import re

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.interactions import PAPER_CLASSES, class_counts, fit_null
from perturbviz.analyses.interactions.pairs import every_pair, make_pairs
from perturbviz.analyses.interactions.summary import class_confusion, finding, recurrence
from perturbviz.analyses.interactions.threshold import Threshold, fitted
from perturbviz.panels.captions import interactions as captions
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset

LABEL = {
    "good": "Good",
    "poor": "Poor",
    "no_change": "No change",
    "half_sum": "Half-sum",
    "additive": "Additive",
    "truth": "Truth",
}


@pytest.fixture(params=[(0, "good"), (5, "poor")])
def screen(request, random_benchmark):
    """A random screen; the method that finds interactions is "good", or, in the second, "poor"."""
    seed, best = request.param
    b = random_benchmark(n_single=7, n_genes=60, seed=seed)
    if best == "poor":
        good, poor = b.prediction("good", "1"), b.prediction("poor", "1")
        b = b.with_predictions("good", "Good", {"": poor}).with_predictions("poor", "Poor", {"": good})
    evaluation = Evaluation(b)
    pairs = make_pairs(evaluation, GeneSubset("all"))
    return pairs, Threshold("effect", -2.5, 2.5, by_hand=True), best


def test_how_many(screen):
    pairs, bound, _ = screen
    codes = bound.true_classes(pairs)
    n, total = int((codes > 0).sum()), codes.size
    text = captions.how_many(bound, n, total, len(pairs.doubles))
    assert text.startswith(f"{n:,} of {total:,} pairs ({n / total:.2%}) of 21 doubles") and "set by hand" in text
    assert n == (np.abs(pairs.deviation) >= 2.5).sum()
    assert "One side has no threshold" in captions.how_many(
        Threshold("effect", np.nan, 2.5, by_hand=True), n, total, 21
    )


def test_classes(screen):
    pairs, bound, _ = screen
    counts = dict(zip(PAPER_CLASSES, class_counts(bound.true_classes(pairs)).tolist(), strict=True))
    first = max(PAPER_CLASSES[1:], key=counts.get)
    assert f"most common class is {first} (" in captions.classes(counts)
    assert "every pair counts as additive" in captions.classes({"additive": 5, "buffering": 0})
    assert "none is synergistic or other" in captions.classes(
        {"additive": 5, "buffering": 2, "synergistic": 0, "other": 0}
    )


def test_who_finds_them(screen):
    pairs, bound, best = screen
    found = {m: finding(pairs, m, bound, n=50) for m in ("good", "poor", "no_change", "half_sum", "additive")}
    text = captions.against_no_change(found, LABEL, "both")
    assert text.startswith(f"{LABEL[best]} finds non-additive pairs best")
    scores = {m: f.table["average_precision"].mean() for m, f in found.items() if not f.why}
    ahead = sum(scores[m] > scores["no_change"] for m in ("good", "poor"))
    assert f"{ahead} of 2 other methods" in text
    said = captions.take_part(found, LABEL)
    assert "Additive cannot compete" in said and "Half-sum orders pairs exactly like no change" in said
    curves = {m: f.curves["roc"] for m, f in found.items() if not f.why}
    note = captions.curve_note("roc", curves, LABEL)
    assert f"({LABEL[best]})" in note and "2 splits" in note
    nothing = Threshold("effect", -99, 99, by_hand=True)
    empty = {m: finding(pairs, m, nothing) for m in ("good", "no_change")}
    assert "nothing to find" in captions.against_no_change(empty, LABEL, "synergy")
    assert "no pair is non-additive" in captions.curve_note(
        "roc", {m: f.curves["roc"] for m, f in empty.items()}, LABEL
    )


def test_half_sum_and_no_change_do_order_alike(screen):
    pairs, bound, _ = screen
    one, other = (finding(pairs, m, bound).table for m in ("no_change", "half_sum"))
    np.testing.assert_allclose(one["average_precision"], other["average_precision"], rtol=1e-3)


def test_confusion_names_what_is_never_predicted(screen):
    pairs, bound, best = screen
    true = bound.true_classes(pairs)[pairs.double]
    table = class_confusion(true, bound.predicted_classes(pairs, "no_change"))
    text = captions.confusion(table, "No change")
    assert text.endswith("none synergistic or opposite.")
    right = class_confusion(true, true)
    said = [int(v) for v in re.findall(r"\((\d+)% rightly\)", captions.confusion(right, "Perfect"))]
    assert said and set(said) == {100}
    assert "all its pairs are additive" in captions.confusion(class_confusion(true, np.zeros_like(true)), "Additive")
    assert best


def test_composition_and_recurrence(screen):
    pairs, *_ = screen
    table = pd.DataFrame([[8, 2, 0, 0, 0], [5, 5, 0, 0, 0]], index=["good", "poor"], columns=PAPER_CLASSES)
    assert (
        captions.composition(table, LABEL, 10)
        == "Of the top 10 calls, 50% of Poor's and 20% of Good's are truly non-additive."
    )
    weights = np.zeros((len(pairs.rows), len(pairs.genes)))
    habit = weights.copy()
    habit[:, 7], weights[:, :20] = 1, 1
    text = captions.recurring(recurrence(pairs, {"truth": weights, "good": habit}, k=1), LABEL, "genes")
    assert "(g7)" in text and "100% of Good's calls" in text and "5% of the truth's" in text


def test_one_gene_and_one_double(screen):
    observed, additive = np.array([1.0, -2.0, 0.1]), np.array([1.1, 1.0, 0.1])
    text = captions.one_gene(
        "G",
        observed,
        additive,
        ["additive", "opposite", "additive"],
        ["A+B", "A+C", "B+C"],
        {"good": observed + 0.1},
        LABEL,
    )
    assert "not additive in 1 of 3 doubles, furthest in A+C (sum 1.00, observed -2.00)" in text and text.endswith(
        "Good."
    )
    text = captions.one_gene(
        "G", observed, observed, ["additive"] * 3, ["A+B", "A+C", "B+C"], {"good": observed + 1}, LABEL
    )
    assert "0 of 3" in text and "the sum of the singles." in text
    assert "All 9 genes of A+B are additive" in captions.one_pair("A+B", {"additive": 9, "other": 0}, "")
    assert "3 are not additive: 2 other and 1 buffering." in captions.one_pair(
        "A+B", {"additive": 6, "buffering": 1, "other": 2}, ""
    )


@pytest.mark.parametrize(
    ("heavy", "sentence"), [(0.0, "stay within one null standard deviation"), (0.03, "upper tail")]
)
def test_null_in_words(heavy, sentence):
    rng = np.random.default_rng(0)
    z = np.where(rng.random(40_000) < heavy, 3.0 + rng.normal(size=40_000), rng.normal(size=40_000)) / 10
    null = fit_null(z)
    assert sentence in captions.qq(null)
    assert "its centre is normal" in captions.fit_quality(null)
    text = captions.tails(Threshold("effect", null.lower, null.upper, null))
    assert ("above" in text) == np.isfinite(null.upper)
    if np.isfinite(null.upper):
        assert f"{float(null.tail_fdr(null.upper)):.2%} above" in text


def test_a_mixture_of_noise_levels_is_said_not_to_be_normal():
    rng = np.random.default_rng(1)
    z = rng.normal(size=60_000) * np.exp(0.8 * rng.normal(size=60_000))
    assert "not normal" in captions.fit_quality(fit_null(z))


def test_scores_of_doubles():
    assert "best with the observed one for Good (r 0.80), worst for Poor (r 0.10)" in captions.scores(
        {"good": 0.8, "poor": 0.1, "additive": np.nan}, LABEL, "magnitude", 9
    )
    assert "no predicted fit correlates positively" in captions.scores({"good": -0.2}, LABEL, "fit", 9)
    assert "undefined" in captions.scores({"additive": np.nan}, LABEL, "fit", 9)
    table = pd.DataFrame({"class": ["a_b", "a_b", "c"], "value": [1.0, 3.0, 0.5]})
    assert "lowest for c (0.50) and highest for a b (2.00)" in captions.published_classes(table, "magnitude")


def test_too_few_values_start_from_robust_bounds(random_benchmark):
    every = every_pair(Evaluation(random_benchmark(n_single=4, n_genes=20)), GeneSubset("all"))
    bound = fitted(every, GeneSubset("all"))
    assert bound.null is None and "at least 200 values" in bound.problem and bound.lower < 0 < bound.upper
    assert "set by hand" in captions.bounds(bound) and captions.tails(bound) == ""
