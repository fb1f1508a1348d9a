"""Panels of interactions on two screens: what they say are the numbers they bring."""

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.interactions import PAPER_CLASSES, class_counts
from perturbviz.analyses.interactions.pairs import make_pairs
from perturbviz.analyses.interactions.summary import class_confusion, double_labels, finding, over_splits, recurrence
from perturbviz.analyses.interactions.threshold import Threshold
from perturbviz.panels import interaction_pairs, interactions
from perturbviz.panels.look import look_of
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from tests.panels.test_panels import said

BOUND = Threshold("effect", -2.5, 2.5, by_hand=True)


@pytest.fixture(params=[0, 5])
def screen(request, random_benchmark):
    """Pairs of a random screen, their true classes, and how methods are drawn."""
    evaluation = Evaluation(random_benchmark(n_single=7, n_genes=60, seed=request.param))
    pairs = make_pairs(evaluation, GeneSubset("all"))
    return pairs, BOUND.true_classes(pairs), look_of(evaluation)


def test_deviations_and_classes_are_counted(screen):
    pairs, codes, _ = screen
    panel = interactions.deviations(BOUND, pairs)
    np.testing.assert_allclose(panel.numbers()["deviation"], pairs.deviation.ravel())
    counts = dict(zip(PAPER_CLASSES, class_counts(codes).tolist(), strict=True))
    panel = interactions.classes(counts, BOUND)
    said(panel)
    assert (
        panel.numbers().set_index("class")["pairs"].to_dict() == counts
        and f"{counts['additive']:,} additive" in panel.alt
    )
    most = max(PAPER_CLASSES[1:], key=counts.__getitem__)
    assert f"The most common class is {most} (" in panel.caption


def test_curves_are_of_the_methods_that_order_pairs(screen):
    pairs, _, look = screen
    found = {m: finding(pairs, m, BOUND, "both", 50) for m in ("good", "poor", "additive")}
    for kind in ("tpr_fdp", "precision_recall", "roc"):
        panel = interactions.curves(kind, "both", found, look, BOUND)
        said(panel)
        assert set(panel.numbers()["method"]) == {"good", "poor"} and panel.axes == (f"{kind}both",)
    assert interactions.curves("roc", "both", {"additive": found["additive"]}, look, BOUND) is None


def test_calls_are_split_by_the_class_that_is_asked_for(screen):
    pairs, _, look = screen
    true, predicted = (pd.Series(v, PAPER_CLASSES) for v in ([30, 5, 5, 5, 5], [0, 20, 10, 10, 10]))
    calls = {"truth": (predicted, predicted), "good": (true, predicted)}
    for by, expected in (("true class", true), ("predicted class", predicted)):
        panel = interactions.composition(calls, by, 50, 2, look, BOUND)
        said(panel)
        assert f"({by})" in panel.question and "40% are truly non-additive" in panel.caption
        line = panel.numbers().set_index("method").loc[look.name("good")]
        assert line.to_dict() == expected.to_dict()
    table = class_confusion(BOUND.true_classes(pairs)[pairs.double], BOUND.predicted_classes(pairs, "good"))
    panel = interactions.confusion(table, "good", look, BOUND)
    said(panel)
    assert panel.question == f"{look.name('good')}: is the class right?"
    assert panel.numbers().set_index("true class").to_numpy().sum() == table.to_numpy().sum()


@pytest.mark.parametrize("axis", ["genes", "doubles"])
def test_those_called_most_often_come_first(screen, axis):
    pairs, _, look = screen
    weights = {m: (np.abs(pairs.predicted(m)) > 1).astype(float) for m in ("good", "poor")}
    found = recurrence(pairs, weights, axis)
    panel = interaction_pairs.recurrence(found, axis, 50, look, BOUND)
    said(panel)
    numbers = panel.numbers().set_index(axis)
    total = numbers.sum(axis=1)
    assert total.is_monotonic_decreasing and set(found.top) == set(total.index[: found.k])


def test_a_gene_is_drawn_with_its_own_sums_and_a_click_names_its_double(screen):
    pairs, codes, look = screen
    gene, double = str(pairs.genes[3]), str(pairs.doubles["perturbation"].iloc[2])
    panel = interaction_pairs.gene(pairs, gene, codes, double, ["good", "additive"], look, BOUND)
    said(panel)
    numbers = panel.numbers().set_index("double")
    np.testing.assert_allclose(numbers["observed"], pairs.delta_ab[:, 3])
    np.testing.assert_allclose(numbers["additive"], pairs.delta_a[:, 3] + pairs.delta_b[:, 3])
    np.testing.assert_allclose(numbers["good"] - numbers["additive"], over_splits(pairs, pairs.predicted("good")[:, 3]))
    assert "additive_x" not in numbers and list(numbers.columns) == ["additive", "observed", "class", "good"]
    label = double_labels(pairs)[2]
    assert interaction_pairs.clicked_double(pairs, label) == double
    assert interaction_pairs.clicked_double(pairs, "no such") == ""


def test_a_double_is_drawn_with_its_own_genes(screen):
    pairs, codes, look = screen
    panel = interaction_pairs.double(pairs, 2, codes[2], str(pairs.genes[0]), "good", look, BOUND)
    said(panel)
    name = pairs.doubles["perturbation"].iloc[2]
    numbers, n = panel.numbers(), int((codes[2] > 0).sum())
    assert name in panel.question and f"{n:,} are not additive" in panel.caption
    assert (numbers["class"] != "additive").sum() == n
    np.testing.assert_allclose(numbers["observed"], pairs.delta_ab[2])


def test_scores_of_doubles_say_how_they_correlate(screen):
    _, _, look = screen
    rng = np.random.default_rng(1)
    truth = pd.DataFrame({"magnitude": rng.random(12)}, index=[f"A+{i}" for i in range(12)])
    good = truth + rng.normal(0, 0.05, (12, 1))
    classes = ["", "synergy", "epistasis"] * 4
    panel = interactions.scores(truth, {"good": good, "poor": -truth}, "magnitude", "magnitude", classes, look)
    said(panel)
    r = np.corrcoef(truth["magnitude"], good["magnitude"])[0, 1]
    assert f"{r:.2f}" in panel.caption and "Ringed" in panel.caption and look.name("good") in panel.caption
    assert "Ringed" not in interactions.scores(truth, {"good": good}, "magnitude", "m", [""] * 12, look).caption
    apart = interactions.by_class(truth, "magnitude", "magnitude", classes)
    said(apart)
    assert len(apart.numbers()) == 8 and set(apart.numbers()["class"]) == {"synergy", "epistasis"}
