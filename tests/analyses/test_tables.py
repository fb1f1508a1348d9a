"""The tables of notebooks and of the command line: the contract's columns, and the same numbers as the pages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbviz as pv
from perturbviz.analyses.tables import RANKING
from perturbviz.cli import main
from perturbviz.scoring.scores import COLUMNS

DEMO = Path(__file__).parents[2] / "data" / "demo.h5ad"
TABLE = Path(__file__).parents[3] / "shared" / "data" / "ahlmann_eltze_2025_double_perturbations.xlsx"
CHOICES = {"metric": "pearson_delta", "reference": "perturbation", "genes": "expressed:1000"}


@pytest.fixture(scope="module")
def demo():
    return pv.load(DEMO)


def test_columns_are_the_contracts(demo):
    assert list(pv.score(demo, **CHOICES).columns) == COLUMNS
    table = pv.rank(demo, **CHOICES)
    assert list(table.columns) == RANKING
    assert RANKING == (
        [
            "method",
            "name",
            "score",
            "low",
            "high",
            "rank",
            "rank_low",
            "rank_high",
            "p_first",
            "tier",
            "n_units",
            "interval",
        ]
    )


def test_a_rankings_score_is_the_mean_of_the_scores(demo):
    scores, table = pv.score(demo, **CHOICES), pv.rank(demo, **CHOICES).set_index("method")
    means = scores.groupby("method")["value"].mean()
    for method in ("additive", "half_sum"):
        assert table["score"][method] == pytest.approx(means[method], rel=1e-9)
    defined = table.dropna(subset="score")
    assert (np.diff(defined["score"]) <= 1e-9).all() and (defined["rank"] == defined["rank"].sort_values()).all()
    assert table["score"].isna()["mean"] and np.isnan(table["rank"]["mean"])


def test_the_command_line_writes_the_notebooks_table(demo, tmp_path, capsys):
    out = tmp_path / "r.csv"
    words = ["--metric", "pearson_delta", "--reference", "perturbation", "--genes", "expressed:1000"]
    assert main(["rank", str(DEMO), *words, "-o", str(out)]) == 0
    pd.testing.assert_frame_equal(pd.read_csv(out), pv.rank(demo, **CHOICES), check_dtype=False)
    assert "wrote" in capsys.readouterr().err
    assert main(["rank", str(DEMO), "--view", "?metric=pearson_delta&ref=perturbation", "-o", str(out)]) == 0
    pd.testing.assert_frame_equal(pd.read_csv(out), pv.rank(demo, **CHOICES), check_dtype=False)


def test_the_median_and_a_part_of_the_split_change_the_scores(demo):
    mean, median = pv.rank(demo, "l2"), pv.rank(demo, "l2", average="median")
    assert not np.allclose(mean["score"].sort_values(), median["score"].sort_values())
    assert pv.rank(demo, "l2", split="test")["n_units"].iloc[0] < mean["n_units"].iloc[0]


def test_what_is_taken_where_nothing_is_named_is_said(demo):
    notes: list[str] = []
    pv.rank(demo, "pearson_delta", notes=notes)
    assert "genes: expressed:1000" in notes and "reference: control" in notes


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--metric", "pearson_delta", "--reference", "none"], "Its plain twin is pearson."),
        (["--metric", "nonsense"], "nonsense"),
        (["--view", "metric=l2", "--metric", "mse"], "leave out --metric"),
        (["--view", "show=zz"], "zz"),
        (["--genes", "best:3"], "best:3"),
        (["--split", "exam"], "--split 'exam'"),
        (["--view", "size=singles"], "No perturbation is left"),
    ],
)
def test_bad_choices_are_one_line_and_write_nothing(words, sentence, tmp_path, capsys):
    assert main(["rank", str(DEMO), *words, "-o", str(tmp_path / "r.csv")]) == 2
    err = capsys.readouterr().err.strip()
    assert sentence in err and "\n" not in err and not list(tmp_path.iterdir())


def test_every_view_holds_the_single_views(demo):
    many = pv.every_view(demo, metric="cosine", reference="perturbation")
    one = pv.score(demo, metric="cosine", reference="perturbation", genes="expressed:1000")
    keys = ["method", "seed", "context", "perturbation"]
    found = (
        many[many["genes"] == "expressed:1000"].astype(dict.fromkeys(keys, str)).set_index(keys)["value"].sort_index()
    )
    wanted = one.astype(dict.fromkeys(keys, str)).set_index(keys)["value"].sort_index()
    np.testing.assert_allclose(found, wanted.reindex(found.index), rtol=1e-4, atol=1e-6, equal_nan=True)


def test_calibration_as_a_table(demo):
    table = pv.calibrate(demo, genes="expressed:1000")
    assert {"metric", "reference", "genes", "drf", "bds", "n", "verdict"} <= set(table.columns) and len(table) > 10


def test_interactions_as_a_table(demo):
    notes: list[str] = []
    table = pv.interactions(demo, genes="expressed:100", notes=notes)
    assert list(table.columns) == (
        ["method", "seed", "context", "perturbation", "gene", "observed_deviation", "predicted_deviation"]
        + ["true_class", "predicted_class", "local_fdr"]
    )
    assert table["perturbation"].astype(str).str.contains("+", regex=False).all() and len(notes) > 2
    with pytest.raises(pv.UserError, match="between 0 and 1"):
        pv.interactions(demo, fdr=2)


@pytest.mark.skipif(not TABLE.exists(), reason="the paper's score table is not in ../shared/data")
def test_a_published_table_is_ranked_by_its_own_metrics():
    table = pv.load(TABLE)
    ranked = pv.rank(table, metric="l2").set_index("method")["score"]
    assert ranked["additive-published"] == pytest.approx(2.77, abs=0.01) and ranked.index[0] == "additive-published"
    with pytest.raises(pv.UserError, match="it holds"):
        pv.rank(table, metric="mse")
