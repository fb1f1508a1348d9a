"""The command line as scripts of others use it."""

import pandas as pd
import pytest

from perturbviz.cli import main
from perturbviz.metrics import CATALOGUE
from perturbviz.readers import SYSTEMS
from perturbviz.scoring.scores import COLUMNS
from tests.readers import tiny


@pytest.fixture
def bench(tmp_path):
    """A converted benchmark of the tiny truth with two seeds of one method."""
    tiny.truth().to_csv(tmp_path / "truth.csv")
    tiny.prediction().to_csv(tmp_path / "p1.csv")
    (tiny.prediction() + 0.1).to_csv(tmp_path / "p2.csv")
    status = main(
        [
            "convert",
            "--truth",
            str(tmp_path / "truth.csv"),
            "--prediction",
            f"My model@1={tmp_path / 'p1.csv'}",
            "--prediction",
            f"My model@2={tmp_path / 'p2.csv'}",
            "-o",
            str(tmp_path / "b.h5ad"),
        ]
    )
    assert status == 0
    return tmp_path / "b.h5ad"


def evaluate(bench, *words, suffix=".csv"):
    out = bench.with_suffix(suffix)
    status = main(["evaluate", str(bench), *words, "-o", str(out)])
    return status, (
        pd.read_csv(out, keep_default_na=False, na_values=[""]) if suffix == ".csv" else pd.read_parquet(out)
    )


def test_defaults_are_l2_on_expressed_genes(bench, capsys):
    status, table = evaluate(bench)
    assert status == 0 and list(table.columns) == COLUMNS
    assert set(table["metric"]) == {"l2"} and set(table["reference"]) == {"none"}
    assert set(table["genes"]) == {"expressed:1000"} and set(table["perturbation"]) == set(tiny.TEST)
    assert set(table["seed"]) == {1, 2}
    assert "genes: expressed:1000" in capsys.readouterr().err
    mine = table[(table["method"] == "My-model") & (table["seed"] == 1)].set_index("perturbation")["value"]
    difference = (tiny.prediction() - tiny.truth().loc[tiny.TEST]).to_numpy(float)
    assert mine[tiny.TEST].to_numpy() == pytest.approx((difference**2).sum(axis=1) ** 0.5, rel=1e-5)


def test_several_metrics_and_subsets(bench):
    status, table = evaluate(
        bench,
        "--metric",
        "mse",
        "--metric",
        "pearson_delta",
        "--reference",
        "control",
        "--genes",
        "de:3",
        "--genes",
        "own:KLF1;TBCE;HLA-A",
        suffix=".parquet",
    )
    assert status == 0 and set(table["genes"]) == {"de:3", "own:3"}
    assert set(table.loc[table["metric"] == "mse", "reference"]) == {"none"}
    assert set(table.loc[table["metric"] == "pearson_delta", "reference"]) == {"control"}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_all_views_hold_the_single_views(bench, suffix):
    words = ("--metric", "mse", "--metric", "pearson_delta")
    status, table = evaluate(bench, "--all-views", *words, suffix=suffix)
    assert status == 0 and list(table.columns) == COLUMNS
    assert set(table["metric"]) == {"mse", "pearson_delta"} and set(table["reference"]) == {
        "none",
        "control",
        "perturbation",
    }
    keys = [c for c in COLUMNS if c not in ("n_genes", "value")]
    assert not table.astype(dict.fromkeys(keys, str)).duplicated(keys).any()
    one = evaluate(bench, *words, "--genes", "all", suffix=suffix)[1]
    both = one.astype(dict.fromkeys(keys, str)).merge(table.astype(dict.fromkeys(keys, str)), on=keys)
    assert len(both) == len(one)
    assert both["value_x"].to_numpy() == pytest.approx(both["value_y"].to_numpy(), rel=1e-5, abs=1e-7, nan_ok=True)


def test_parts_of_the_split(bench):
    assert set(evaluate(bench, "--split", "all")[1]["perturbation"]) == set(tiny.CONDITIONS[1:])
    assert set(evaluate(bench, "--split", "train")[1]["perturbation"]) == set(tiny.CONDITIONS[1:4])


def test_split_file_and_rename(tmp_path, capsys):
    tiny.truth().rename(index={"KLF1": "EKLF"}).to_csv(tmp_path / "truth.csv")
    (tmp_path / "split").write_text('{"train": ["ctrl", "BAK1+ctrl"], "test": ["ctrl+KLF1"], "val": ["CEBPA"]}')
    (tmp_path / "names.csv").write_text("EKLF,KLF1\n")
    words = ["--truth", str(tmp_path / "truth.csv"), "--split", str(tmp_path / "split"), "-o", str(tmp_path / "b.h5ad")]
    assert main(["convert", *words, "--rename", str(tmp_path / "names.csv")]) == 0
    assert "1 train, 1 val, 1 test, 2 unassigned" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--metric", "nonsense"], "no metric 'nonsense'"),
        (["--metric", "pearson_delta", "--reference", "none"], "plain twin is pearson"),
        (["--genes", "top:5"], "no gene subset"),
        (["--split", "tset"], "--split 'tset'"),
        (["--metric", "centroid_accuracy", "--genes", "de:5"], "differ from one perturbation to the next"),
        (["--reference", "mean"], "invalid choice"),
        (["--all-views", "--genes", "all"], "leave --genes out"),
        (["--bogus"], "--bogus"),
    ],
)
def test_bad_usage_is_one_line_and_writes_nothing(bench, capsys, words, sentence):
    capsys.readouterr()
    out = bench.with_suffix(".csv")
    try:
        status = main(["evaluate", str(bench), *words, "-o", str(out)])
    except SystemExit as error:
        status = error.code
    printed = capsys.readouterr()
    assert status == 2 and printed.out == "" and sentence in printed.err
    assert len(printed.err.strip().splitlines()) == 1 and not out.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["evaluate", "missing.h5ad", "-o", "o.csv"], "no such file"),
        (["evaluate", "b.h5ad", "-o", "o.txt"], "must end in .csv or .parquet"),
        (["evaluate", "b.h5ad", "-o", "no/folder/o.csv"], "does not exist"),
        (["convert", "--truth", "truth.csv", "-o", "o.csv"], "must end in .h5ad"),
        (["convert", "--truth", "nothing", "-o", "o.h5ad"], "no such file or folder"),
        (
            ["convert", "--truth", "truth.csv", "--system", "foo", "--prediction", "p1.csv", "-o", "o.h5ad"],
            "no system 'foo'",
        ),
        (["convert", "--truth", "truth.csv", "--prediction", "=p1.csv", "-o", "o.h5ad"], "NAME=PATH"),
        (["convert", "--truth", "b.h5ad", "--prediction", "additive=b.csv", "-o", "o.h5ad"], "no such file"),
        (["fetch", "nothing"], "no data set 'nothing'"),
        (["dance"], "invalid choice: 'dance'"),
        (["dance\nnow"], "invalid choice: 'dance"),
        (["evaluate", "b.h5ad", "--bogus\nx", "-o", "o.csv"], "--bogus x"),
        (["evaluate", "b.h5ad", "--genes", "expressed:" + "9" * 4400, "-o", "o.csv"], "no gene subset"),
        (["aggregate", "b.h5ad", "--condition", "c", "--seed", "9" * 20, "-o", "o.h5ad"], "no whole number from 0"),
        (["aggregate", "b.h5ad", "--condition", "c", "--seed", "٣", "-o", "o.h5ad"], "no whole number from 0"),
        (["report", "b.h5ad", "--view", "show=zz", "-o", "o.html"], "zz"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(bench, capsys, monkeypatch, words, sentence):
    monkeypatch.chdir(bench.parent)
    before = sorted(p.name for p in bench.parent.iterdir())
    capsys.readouterr()
    try:
        status = main(words)
    except SystemExit as error:
        status = error.code
    printed = capsys.readouterr()
    assert status == 2 and sentence in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert sorted(p.name for p in bench.parent.iterdir()) == before


def test_a_baseline_name_is_kept_apart(bench, tmp_path):
    words = ["--prediction", f"mean={tmp_path / 'p1.csv'}", "-o", str(tmp_path / "c.h5ad")]
    assert main(["convert", "--truth", str(tmp_path / "truth.csv"), *words]) == 0
    table = evaluate(tmp_path / "c.h5ad")[1]
    assert {"mean", "mean-predicted"} <= set(table["method"])


def test_formulas_in_names_are_harmless_in_csv(tmp_path):
    frame = tiny.truth().rename(index={"KLF1": '=HYPERLINK("x")'})
    frame.to_csv(tmp_path / "t.csv")
    main(["convert", "--truth", str(tmp_path / "t.csv"), "-o", str(tmp_path / "b.h5ad")])
    main(["evaluate", str(tmp_path / "b.h5ad"), "--split", "all", "-o", str(tmp_path / "s.csv")])
    text = (tmp_path / "s.csv").read_text()
    assert "'=HYPERLINK" in text and ',"=HYPERLINK' not in text


@pytest.mark.parametrize(
    ("command", "ids"), [("systems", SYSTEMS), ("metrics", CATALOGUE), ("datasets", ["demo", "norman", "carpool"])]
)
def test_listings(capsys, command, ids):
    assert main([command]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.startswith(i) for line in lines) for i in ids)
