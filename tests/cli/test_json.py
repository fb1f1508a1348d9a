"""``--json`` of rank and evaluate: the same numbers as the table, undefined as null, nothing else on stdout."""

import json

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import save
from perturbviz.cli import main
from tests.conftest import build_adata


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    from perturbviz.benchmark import Benchmark

    rng = np.random.default_rng(0)
    names = ["g1", "g2", "g3", "g4", "g1+g2", "g3+g4", "g1+g3", "g2+g4"]
    truth = rng.normal(size=(8, 12))
    adata = build_adata(truth, names, space="delta", predictions={"m": truth + 0.1}, split=["train"] * 4 + ["test"] * 4)
    return save(Benchmark.from_adata(adata), tmp_path_factory.mktemp("json") / "b.h5ad")


def test_rank_as_json_is_the_table(file, tmp_path, capsys):
    named = ["--metric", "pearson_delta", "--reference", "control", "--genes", "all"]
    assert main(["rank", str(file), *named, "-o", str(tmp_path / "r.csv")]) == 0
    said = capsys.readouterr()
    assert said.out == "" and main(["rank", str(file), *named, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["data_set"], found["simulated"], len(found["content"])) == ("Toy", True, 16)
    assert found["choices"]["metric"] == "pearson_delta" and found["choices"]["average"] is None
    table = pd.read_csv(tmp_path / "r.csv")
    assert [r["method"] for r in found["rows"]] == list(table["method"]) and set(found["rows"][0]) == set(table.columns)
    no_change = next(r for r in found["rows"] if r["method"] == "no_change")
    assert no_change["score"] is None and no_change["rank"] is None
    np.testing.assert_allclose([r["score"] or np.nan for r in found["rows"]], table["score"])
    assert any("no_change" in note for note in found["notes"]) and "wrote to stdout: " in err
    assert main(["rank", str(file), *named, "--json", "-o", str(tmp_path / "r.json")]) == 0
    assert json.loads((tmp_path / "r.json").read_text()) == found and capsys.readouterr().out == ""


def test_evaluate_as_json_is_the_table(file, tmp_path, capsys):
    for words in (["--metric", "mse", "--genes", "all"], ["--all-views", "--metric", "mse"]):
        assert main(["evaluate", str(file), *words, "-o", str(tmp_path / "s.csv")]) == 0
        capsys.readouterr()
        assert main(["evaluate", str(file), *words, "--json"]) == 0
        rows, table = json.loads(capsys.readouterr().out)["rows"], pd.read_csv(tmp_path / "s.csv")
        assert len(rows) == len(table)
        np.testing.assert_allclose([r["value"] for r in rows], table["value"])
        assert [r["perturbation"] for r in rows] == list(table["perturbation"])


@pytest.mark.parametrize(
    "words",
    [
        ["rank"],
        ["evaluate"],
        ["rank", "--json", "--metric", "none-such"],
        ["evaluate", "--json", "--all-views", "--metric", "pearson"],
        ["rank", "--json", "-o", "r.csv"],
        ["rank", "-o", "r.json"],
    ],
)
def test_what_goes_wrong_is_one_line_and_nothing_on_stdout(words, file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([words[0], str(file), *words[1:]]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and not list(tmp_path.iterdir())
