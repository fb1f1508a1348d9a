"""Tables of scores: what is declared is taken as declared, what is not known is refused or said to be as published."""

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark.scoretable import COLUMNS, ScoreTable
from perturbviz.errors import UserError
from perturbviz.panels.captions import four_questions, headline
from perturbviz.scoring.genesets import key_in_words
from perturbviz.scoring.published_scores import card_of, label_of, name_of, scores_of
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.view import View


def table(metrics, reference="published", genes="published"):
    rng = np.random.default_rng(0)
    lines = [
        (m, "", "c", f"g{i}", k, reference, genes, 0, rng.random()) for k in metrics for m in "ab" for i in range(6)
    ]
    return ScoreTable(pd.DataFrame(lines, columns=COLUMNS), metrics, {"a": "A", "b": "B"}, "Table")


def test_name_symbol_and_direction_are_those_of_the_table():
    own = table({"err": {"better": "lower", "name": "Their error", "symbol": "E"}, "acc": {"better": "higher"}})
    card = card_of(own, "err")
    assert (card.name, card.symbol, card.better, card.formula) == ("Their error", "E", "lower", "")
    assert (name_of(own, "acc"), label_of(own, "acc")) == ("acc", "acc")
    ranking = rank(scores_of(own, "err"))
    assert ranking.table["score"].is_monotonic_increasing and "is first by Their error:" in headline(ranking)
    said = four_questions(View(metric="err"), ranking.scores, published=True)
    assert "reference: **as published**" in said and "genes: **as published**" in said


def test_a_metric_of_the_catalogue_keeps_the_reference_of_the_table():
    own = table({"r": {"better": "higher", "card": "pearson_delta", "name": "Pearson delta"}}, "perturbation", "de:20")
    assert label_of(own, "r") == "rΔ vs pert. mean" and name_of(own, "r") == "Pearson delta vs the perturbation mean"
    assert "differentially expressed, 20" in four_questions(View(metric="r"), scores_of(own, "r"), published=True)


def test_what_is_not_declared_is_refused():
    with pytest.raises(UserError, match="lower or higher is better"):
        table({"x": {"name": "X"}})
    with pytest.raises(UserError, match="reference 'ctrl' is not one of"):
        table({"x": {"better": "lower"}}, "ctrl")
    known = table({"x": {"better": "lower"}})
    for names, odd in (({"a": "A"}, "b"), ({"a": "A", "b": "B", "c": "C"}, "c")):
        with pytest.raises(UserError, match=f"no others: {odd}"):
            ScoreTable(known.frame, known.metrics, names, "Table")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("expressed:1000", "highly expressed, 1,000"),
        ("de:100-targets", "differentially expressed, 100 without the perturbed ones"),
        ("all", "all genes"),
        ("published", "as published"),
    ],
)
def test_genes_are_said_in_words(key, words):
    assert key_in_words(key) == words
