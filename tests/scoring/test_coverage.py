"""Coverage counts perturbations, and splits where methods lack only these; its sentences say what is compared."""

import numpy as np

from perturbviz.panels.captions import coverage as words
from perturbviz.scoring.coverage import Coverage, coverage
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View


def test_each_perturbation_counts_once_and_common_is_what_is_compared(random_benchmark):
    b = random_benchmark()  # two seeds
    doubles = np.flatnonzero(b.n_perturbed == 2)
    few = np.where(np.isin(np.arange(b.adata.n_obs), doubles[:4])[:, None], b.truth, np.nan)
    other = np.where(np.isin(np.arange(b.adata.n_obs), doubles[2:7])[:, None], b.truth, np.nan)
    b = b.with_predictions("few", "Few", {"": few}).with_predictions("other", "Other", {"": other})
    b = b.with_predictions("silent", "Silent", {"": np.full(b.adata.shape, np.nan)})
    evaluation = Evaluation(b)
    found = coverage(evaluation, View(), evaluation.methods)
    assert (found.asked, found.common, found.what) == (15, 2, "perturbation")
    assert found.partial == ("few", "other") and found.predicted["silent"] == 0 and found.predicted["good"] == 15
    rows = evaluation.rows.iloc[view_rows(evaluation, View(), evaluation.methods)]
    assert rows["perturbation"].nunique() == found.common
    assert coverage(evaluation, View(), ["good", "additive"]).partial == ()


def test_a_method_of_one_split_lacks_values_rather_than_perturbations(random_benchmark):
    b = random_benchmark()
    evaluation = Evaluation(b.with_predictions("one", "One", {"1": b.truth}))
    found = coverage(evaluation, View(), evaluation.methods)
    assert found.what == "value" and found.partial == ("one",)
    assert found.asked == len(evaluation.rows) and found.common == (evaluation.rows["seed"] == "1").sum()


def test_sentences_say_who_what_and_how_many():
    name = {"a": "A*", "b": "B", "c": "C"}.__getitem__
    found = Coverage(75, 13, {"a": 13, "b": 75, "c": 0})
    assert words.before_adding(found, ["a", "b", "c"], name) == [
        "**A\\*** predicts 13 of 75 scored perturbations: adding compares all methods on these 13.",
        "**C** predicts 0 of 75 scored perturbations: it gets no score.",
    ]
    fewer = Coverage(75, 5, {"a": 13, "b": 20, "c": 75})
    assert "adding compares all methods on the 5 that all predict" in words.before_adding(fewer, ["a"], name)[0]
    assert words.badge(fewer, False, name)[0] == (
        "All methods are compared on 5 of 75 perturbations: A\\* predicts only 13; B predicts only 20."
    )
    assert words.badge(Coverage(75, 75, {"a": 75}), False, name) == ("", "")
    assert words.genes_lost(2000, 1850).startswith("150 of 2,000 genes are missing") and words.genes_lost(9, 9) == ""
