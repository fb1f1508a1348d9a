from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.interactions.pairs import every_pair
from perturbviz.analyses.interactions.table import COLUMNS
from perturbviz.analyses.interactions.threshold import fitted
from perturbviz.benchmark import load, save
from perturbviz.cli import main
from perturbviz.scoring.additivity import interaction_null
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset


@pytest.fixture
def bench(random_benchmark, tmp_path):
    b = random_benchmark(n_single=7, n_genes=40)
    return b, save(b, tmp_path / "b.h5ad")


def run(path, *words):
    try:
        return main(["interactions", str(path), *words])
    except SystemExit as error:
        return error.code


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_table_of_pairs(bench, tmp_path, capsys, suffix):
    b, path = bench
    out = tmp_path / f"pairs.{suffix}"
    assert run(path, "--genes", "all", "--fdr", "0.3", "-o", str(out)) == 0
    table = pd.read_csv(out) if suffix == "csv" else pd.read_parquet(out)
    assert list(table.columns) == COLUMNS
    evaluation = Evaluation(b)
    assert len(table) == len(evaluation.methods) * 41 * 40
    null = interaction_null(evaluation, GeneSubset("all"), level=0.3)
    beyond = (table["observed_deviation"] >= null.upper) | (table["observed_deviation"] <= null.lower)
    np.testing.assert_array_equal(beyond, table["true_class"].astype(str) != "additive")
    np.testing.assert_allclose(table["local_fdr"], null.fdr(table["observed_deviation"]), atol=1e-9)
    additive = table[table["method"] == "additive"]
    assert (additive["predicted_class"].dropna().astype(str) == "additive").all()
    assert set(table.loc[table["method"] == "no_change", "predicted_class"].astype(str)) <= {
        "additive",
        "buffering",
        "other",
    }
    row = table[(table["method"] == "good") & (table["perturbation"] == "g0+g1") & (table["gene"] == "g5")].iloc[0]
    truth = dict(zip(b.conditions, b.truth[:, 5], strict=True))
    assert row["observed_deviation"] == pytest.approx(
        truth["g0+g1"] - truth["g0"] - truth["g1"] + b.control("c")[5], abs=1e-5
    )
    said = capsys.readouterr().err
    assert "additive: it predicts the sum itself" in said and "fitted to 840 pairs" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fdr", "1.5"], "between 0 and 1"),
        (["--genes", "de:5"], "DE genes differ"),
        (["--genes", "own:g1;g2"], "at least 200 values"),
        (["--genes", "own:nope"], "None of the genes"),
        (["--split", "val"], "try --split all"),
        (["-o", "x.txt"], "must end in"),
    ],
)
def test_bad_usage_is_one_line(bench, tmp_path, capsys, words, sentence):
    out = tmp_path / "pairs.csv"
    assert run(bench[1], *(words if "-o" in words else [*words, "-o", str(out)])) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not out.exists()


DEMO = Path(__file__).parents[2] / "data" / "demo.h5ad"


def test_standard_errors_are_used_where_there_are_any(tmp_path, capsys):
    out = tmp_path / "pairs.parquet"
    assert run(DEMO, "--genes", "expressed:200", "--split", "all", "-o", str(out)) == 0
    table, said = pd.read_parquet(out), capsys.readouterr().err
    every = every_pair(Evaluation(load(DEMO)), GeneSubset("expressed", 200))
    expected = fitted(every, GeneSubset("expressed", 200), "significance")
    one = table[(table["method"] == "additive") & (table["seed"] == "1")]
    called = (one["true_class"].astype(str) != "additive").to_numpy()
    assert called.sum() == expected.true(every).sum()
    assert (one["local_fdr"].to_numpy()[called] <= 0.05 + 1e-9).all()
    assert one["local_fdr"].to_numpy()[~called].min() > 0.05 - 1e-9
    assert "deviation / standard error <=" in said and "of the pairs called non-additive are false" in said
    assert ("not an error rate" in said) is bool(expected.doubt)

    assert run(DEMO, "--genes", "expressed:200", "--rule", "size", "-o", str(out)) == 0
    said = capsys.readouterr().err
    assert "non-additive: deviation <=" in said and "not an error rate" in said


def test_significance_needs_standard_errors(bench, tmp_path, capsys):
    out = tmp_path / "pairs.csv"
    assert run(bench[1], "--genes", "all", "--rule", "significance", "-o", str(out)) == 2
    printed = capsys.readouterr().err
    assert "neither standard errors nor half-cell means" in printed and len(printed.strip().splitlines()) == 1
    assert not out.exists()
