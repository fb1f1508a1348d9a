"""Methods that have seen the truth carry † after their names, and what names them says what it means."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load, save
from perturbviz.benchmark.benchmark import SEEN_NOTE
from perturbviz.cli import main
from perturbviz.panels.captions import footnoted, headline, made_additive, who_saw_the_truth
from perturbviz.panels.spreadsheet import csv_bytes, marked_methods
from perturbviz.readers.assemble.prediction import _slug
from perturbviz.report.content import Item
from perturbviz.report.page import build
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score
from perturbviz.scoring.view import View

DEMO = Path(__file__).parents[2] / "data" / "demo.h5ad"
SEEING = ("de-specialist", "noisy-oracle")
BARE = re.compile(r"(Noisy oracle|DE specialist)(?!†)")


@pytest.fixture(scope="module")
def demo():
    return load(DEMO)


def test_the_mark_stands_after_the_name_and_not_in_the_id(demo):
    assert demo.seeing == SEEING
    evaluation = Evaluation(demo)
    assert [evaluation.name(m) for m in SEEING] == ["DE specialist†", "Noisy oracle†"]
    assert evaluation.name("cautious") == "Cautious" and demo.plain_name("noisy-oracle") == "Noisy oracle"
    assert set(SEEING) < set(demo.methods)
    ranking = rank(score(evaluation, "nonadditive_recall"))
    assert {m for m, name in ranking.table["name"].items() if name.endswith("†")} == set(SEEING)
    assert "Noisy oracle†" in headline(ranking)


def test_the_mark_stays_with_copies_and_files(demo, tmp_path):
    more = demo.with_predictions("mine", "Mine", {"": demo.truth}, sees_truth=True)
    assert set(more.seeing) == {*SEEING, "mine"} and more.display_name("mine") == "Mine†"
    assert more.content_id != demo.with_predictions("mine", "Mine", {"": demo.truth}).content_id
    save(more, tmp_path / "more.h5ad")
    again = load(tmp_path / "more.h5ad")
    assert again.seeing == more.seeing and again.content_id == more.content_id
    assert more.renamed("noisy-oracle", "Oracle of Delphi").display_name("noisy-oracle") == "Oracle of Delphi†"
    theirs = demo.with_predictions("noisy-oracle", "Noisy oracle", {"": demo.truth})  # what somebody uploads is theirs
    assert theirs.seeing == ("de-specialist",)


def test_predictions_of_the_same_name_still_replace(demo):
    assert _slug(demo, "noisy-oracle", "Noisy oracle") == "noisy-oracle"
    assert _slug(demo, "noisy-oracle", "Another") == "noisy-oracle-2"


def test_sentences_and_footnotes(demo, make_benchmark):
    assert who_saw_the_truth(demo) == "† DE specialist and Noisy oracle have seen the truth, as no real method can."
    plain = make_benchmark(np.ones((2, 3)), ["a", "b"], predictions={"m": np.ones((2, 3))})
    assert who_saw_the_truth(plain) == "" and made_additive(plain) == ""
    assert footnoted("A note.", "Cautious") == "A note." and footnoted("", "Noisy oracle†") == SEEN_NOTE
    assert footnoted(f"x {SEEN_NOTE}", "Noisy oracle†") == f"x {SEEN_NOTE}"


def test_what_was_made_additive_is_counted(demo):
    doubles = np.flatnonzero(demo.n_perturbed == 2)
    top = np.argsort(-demo.control("A"), kind="stable")[:1000]
    share = np.mean(demo.layers["planted"][doubles][:, top] == 0)
    assert 0.96 < share < 0.98
    said = made_additive(demo)
    assert said.startswith(f"{share:.0%} of the pairs") and "Additive is first by construction" in said


def test_tables_of_ids_gain_a_column():
    table = pd.DataFrame({"method": ["noisy-oracle", "additive"], "value": [1.0, 2.0]})
    marked = marked_methods(table, SEEING)
    assert list(marked) == ["method", "sees_truth", "value"] and marked["sees_truth"].tolist() == [True, False]
    assert list(table) == ["method", "value"] and marked_methods(table, ()) is table
    assert marked_methods(table[["value"]], SEEING).equals(table[["value"]])
    assert b"noisy-oracle,True,1.0" in csv_bytes(marked)


def test_the_report_marks_names_and_explains_the_mark(demo):
    page = build([Item(demo, View(metric="nonadditive_recall"))])
    assert page.count("Noisy oracle†") > 3 and not BARE.search(page.replace("DE specialist and Noisy oracle have", ""))
    assert who_saw_the_truth(demo) in page and SEEN_NOTE in page and "Additive is first by construction" in page


def test_the_command_line_names_who_has_seen_the_truth(capsys, tmp_path):
    assert main(["evaluate", str(DEMO), "-o", str(tmp_path / "s.csv")]) == 0
    assert "† de-specialist and noisy-oracle have seen the truth" in capsys.readouterr().err
    assert set(pd.read_csv(tmp_path / "s.csv")["method"]) >= set(SEEING)
