"""Files written by the systems' own code: each read exactly, without declaring anything."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.benchmark.perturbations import parse_condition
from perturbviz.cli import main

SYSTEMS = Path(__file__).parents[3] / "shared" / "data" / "systems"
pytestmark = pytest.mark.skipif(not SYSTEMS.is_dir(), reason="the files of ../shared/data/systems are not here")


def converted(tmp_path, *words):
    """The benchmark of the same cells with one more method."""
    out = tmp_path / "bench.h5ad"
    words = [str(SYSTEMS / w) if (SYSTEMS / w).exists() else w for w in words]
    assert main(["convert", "--truth", str(SYSTEMS / "truth.h5ad"), *words, "-o", str(out)]) == 0
    return load(out)


def check(bench, expected, method="m"):
    """Exactly the expected rows are predicted, and exactly those values."""
    z = np.load(SYSTEMS / expected)
    names = [parse_condition(c) for c in z["conditions"]]
    got = pd.DataFrame(bench.prediction(method, ""), bench.conditions, bench.genes)
    assert set(got.index[got.notna().all(axis=1)]) == set(names)
    np.testing.assert_allclose(got.loc[names, z["genes"]], z["values"], atol=2e-6)


def test_gears_predict(tmp_path, capsys):
    bench = converted(tmp_path, "--prediction", f"m={SYSTEMS}/gears/pred.pkl", "--genes", "gears/genes.txt")
    check(bench, "gears/expected_pred.npz")
    said = capsys.readouterr().err
    assert "1,828 negative values in expression: counted" in said and "m: warning" not in said


@pytest.mark.parametrize("genes", ["genes.txt", "ens.txt"])
def test_gears_evaluate(tmp_path, capsys, genes):
    words = ["--prediction", f"m={SYSTEMS}/gears/test_res.pkl.gz", "--split", "gears/split.pkl"]
    if genes == "ens.txt":
        pairs = zip(*((SYSTEMS / "gears" / f).read_text().split() for f in ("ens.txt", "genes.txt")), strict=True)
        (tmp_path / "rename.csv").write_text("\n".join(",".join(pair) for pair in pairs))
        words += ["--rename", str(tmp_path / "rename.csv")]
    bench = converted(tmp_path, *words, "--genes", f"gears/{genes}")
    check(bench, "gears/expected_res.npz")
    assert "m: warning" not in capsys.readouterr().err
    assert (bench.splits[""] == "test").sum() == 10


def test_state_infer_takes_the_prediction_beside_its_input(tmp_path, capsys):
    """X is what was put in; obsm["X_hvg"] has no names of its own, but var marks as many genes."""
    bench = converted(tmp_path, "--prediction", f"m={SYSTEMS}/state/infer_hvg_simulated.h5ad")
    check(bench, "state/expected_infer_hvg.npz")
    assert "Predictions are taken from 'obsm/X_hvg'" in capsys.readouterr().err


def test_state_predict_of_highly_variable_genes(tmp_path):
    bench = converted(tmp_path, "--prediction", f"m={SYSTEMS}/state/run_hvg", "--genes", "state/genes_run_hvg.txt")
    check(bench, "state/expected_run_hvg.npz")


def test_pertpy_of_the_cell_type_that_was_held_out(tmp_path, capsys):
    """The truth has three cell types; each prediction holds one of them, and is named after its perturbation."""
    out = tmp_path / "bench.h5ad"
    words = ["--truth", str(SYSTEMS / "pertpy" / "cells.h5ad"), "--system", "pertpy"]
    words += ["--prediction", f"m={SYSTEMS}/pertpy/preds", "--context", "cell_type"]
    assert main(["convert", *words, "-o", str(out)]) == 0
    bench = load(out)
    z = np.load(SYSTEMS / "pertpy" / "expected.npz")
    rows = bench.row_contexts == "A172"
    got = pd.DataFrame(bench.prediction("m", ""), bench.conditions, bench.genes)
    assert got[~rows].isna().all(axis=None)
    np.testing.assert_allclose(got[rows].loc[list(z["conditions"]), z["genes"]], z["values"], atol=2e-6)


def test_scperturbench_takes_imputed_rows_only(tmp_path, capsys):
    bench = converted(tmp_path, "--prediction", f"m={SYSTEMS}/scperturbench/result.h5ad")
    check(bench, "scperturbench/expected.npz")
    assert "By obs column 'Expcategory' 300 of 700 rows are predicted" in capsys.readouterr().err


def test_scperturbench_table_of_means(tmp_path):
    check(converted(tmp_path, "--prediction", f"m={SYSTEMS}/scperturbench/pred.tsv"), "scperturbench/expected_tsv.npz")
