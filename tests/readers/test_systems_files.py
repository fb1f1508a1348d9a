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
