"""fetch ahlmann-eltze-2025: the published .RDS, in small, served locally, downloaded and converted once."""

import gzip

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.cli import main
from perturbviz.datasets import download
from perturbviz.datasets.catalogue import CATALOGUE
from perturbviz.errors import UserError
from perturbviz.evaluation import Evaluation
from perturbviz.rankings import rank
from perturbviz.scores import score
from tests.conftest import Quiet
from tests.readers import tiny
from tests.readers.layouts import Rds, plus_control

PREDICTIONS, PARAMETERS = (f"double_perturbation_results_{what}.RDS" for what in ("predictions", "parameters"))
TRAIN = ["ctrl", "BAK1", "CEBPA", "KLF1"]


def run(name, frame, label, std=None):
    rows = {label(c): row.astype(float) for c, row in frame.iterrows()}
    return {
        "id": f"hash-{name}",
        "name": f"norman_from_scfoundation-{name}",
        "perturbation": list(rows),
        "prediction": rows,
        "prediction_std": std,
    }


def gears_like(name):
    return "_".join(g for g in name.split("+") if g != "ctrl")


def published(folder, more=()):
    """Both files as the paper's collecting script writes them: one run a method and split, the truth in every split."""
    runs = [run("1-gears", tiny.prediction() + 0.2, gears_like)]  # a prediction before the truth
    for seed in ("1", "2"):
        runs += [
            run(f"{seed}-ground_truth", tiny.truth(), plus_control, {"x": pd.Series([0.1], ["g"])}),
            run(f"{seed}-additive_model", tiny.truth().loc[tiny.TEST] * 0.5, plus_control),
            run(f"{seed}-scgpt", tiny.truth() + float(seed) / 10, gears_like),
            run(f"{seed}-lpm", tiny.prediction().iloc[:, ::-1], str),
        ]
    runs += more
    (folder / PREDICTIONS).write_bytes(gzip.compress(Rds().dump(runs)))
    parameters = [
        {
            "id": r["id"],
            "name": r["name"],
            "parameters": {"seed": seed},
            "test_train_labels": {
                "train": list(map(plus_control, TRAIN)),
                "test": [tiny.TEST[int(seed) - 1]],
                "val": [tiny.TEST[2 - int(seed)]],
            },
        }
        for seed in ("1", "2")
        for r in runs
        if r["name"].split("-")[1] == seed
    ]
    (folder / PARAMETERS).write_bytes(gzip.compress(Rds().dump(parameters)))
    return folder


@pytest.fixture
def source(tmp_path):
    (tmp_path / "srv").mkdir()
    return published(tmp_path / "srv")


def test_fetch_downloads_and_converts_once(tmp_path, source, serve_folder, capsys):
    address, out = serve_folder(source), tmp_path / "cache"
    assert main(["fetch", "ahlmann-eltze-2025", "--mirror", address, "-o", str(out)]) == 0
    said = capsys.readouterr()
    path = out / "ahlmann_eltze_2025_double.h5ad"
    assert said.out.strip() == str(path) and [p.name for p in out.iterdir()] == [path.name]
    b = load(path)
    assert b.seeds == ("1", "2") and set(b.methods) == {"gears", "additive-model", "scgpt", "lpm"}
    assert [b.display_name(m) for m in ("gears", "scgpt", "additive-model")] == [
        "GEARS",
        "scGPT",
        "Additive (published)",
    ]
    truth = pd.DataFrame(b.truth, b.conditions, b.genes)
    np.testing.assert_allclose(truth.loc[tiny.CONDITIONS, tiny.GENES], tiny.truth(), rtol=2e-6)
    for method, seed, rows, expected in (
        ("gears", "1", tiny.TEST, tiny.prediction() + 0.2),
        ("lpm", "2", tiny.TEST, tiny.prediction()),
        ("scgpt", "2", tiny.CONDITIONS[1:], tiny.truth().iloc[1:] + 0.2),
    ):
        got = pd.DataFrame(b.prediction(method, seed), b.conditions, b.genes)
        np.testing.assert_allclose(got.loc[rows, tiny.GENES], expected, rtol=2e-6)
    assert b.prediction("gears", "2") is None and np.isnan(b.prediction("gears", "1")[1]).all()
    assert list(b.conditions[b.splits["2"] == "test"]) == [tiny.TEST[1]]
    assert b.title == CATALOGUE["ahlmann-eltze-2025"].title and not b.simulated
    facts = b.meta["source"]
    assert "SHA-256" in facts["file"] and f"{(source / PREDICTIONS).stat().st_size:,} bytes" in facts["file"]
    assert "7 runs of 4 methods" in facts["conversion"] and facts["licence"]
    table = rank(score(Evaluation(b), "l2")).table["score"]
    assert table["additive-model"] > table["lpm"]
    before = path.stat().st_mtime_ns
    assert main(["fetch", "ahlmann-eltze-2025", "--mirror", "http://127.0.0.1:9", "-o", str(out)]) == 0
    assert path.stat().st_mtime_ns == before


def test_runs_that_do_not_fit_are_left_out_aloud(tmp_path, serve_folder):
    nan = tiny.prediction()
    nan.iloc[0, 0] = np.nan
    fewer = tiny.prediction().drop(columns="TBCE")
    nameless = run("1-nameless", tiny.prediction(), str)
    nameless["prediction"] = {k: [] for k in nameless["prediction"]}
    other = tiny.prediction().set_axis(["X1", "X2"])
    null = run("1-null", tiny.prediction(), str)
    null["prediction"]["CEBPA+KLF1"] = None
    more = [run("1-holes", nan, str), run("1-few", fewer, str), nameless, run("1-other", other, str), null]
    published(tmp_path, more)
    b = download.open_dataset("ahlmann-eltze-2025", tmp_path / "c", serve_folder(tmp_path))
    assert list(b.genes) == [g for g in tiny.GENES if g != "TBCE"] and "few" in b.methods
    said = b.meta["source"]["conversion"]
    assert "5 of 6 genes kept, those that every run predicts (fewest: few, 5)" in said
    for name, why in (
        ("holes", "some but not all"),
        ("nameless", "no gene names"),
        ("other", "none of its conditions"),
    ):
        assert f"{name}" in said and why in said and name not in b.methods
    rows = dict(zip(b.conditions, b.prediction("null", "1"), strict=True))
    assert np.isnan(rows["CEBPA+KLF1"]).all() and not np.isnan(rows["BAK1+CEBPA"]).any()


@pytest.mark.parametrize("damage", ["cut", "flipped", "html", "no truth"])
def test_damaged_files_are_thrown_away(tmp_path, source, serve_folder, damage):
    data = (source / PREDICTIONS).read_bytes()
    changed = {
        "cut": data[:-9],  # whole content, but not gzip's check of it
        "flipped": data[:-6] + bytes([data[-6] ^ 1]) + data[-5:],
        "html": b"<html>sign in first</html>",
        "no truth": gzip.compress(Rds().dump([run("1-gears", tiny.prediction(), str)])),
    }[damage]
    (source / PREDICTIONS).write_bytes(changed)
    with pytest.raises(UserError, match="damaged or cut short|no binary .RDS|no run called ground_truth"):
        download.fetch("ahlmann-eltze-2025", tmp_path / "c", serve_folder(source))
    assert list((tmp_path / "c").iterdir()) == []


def test_a_download_that_ends_early_is_not_taken(tmp_path, source, serve_folder):
    class Cut(Quiet):
        def copyfile(self, source, outputfile):
            outputfile.write(source.read()[:-1000])  # less than the length that was declared

    with pytest.raises(UserError, match="could not be downloaded"):
        download.fetch("ahlmann-eltze-2025", tmp_path / "c", serve_folder(source, Cut))
    assert list((tmp_path / "c").iterdir()) == []


def test_progress_of_download_and_conversion(tmp_path, source, serve_folder):
    seen = []
    download.fetch("ahlmann-eltze-2025", tmp_path, serve_folder(source), lambda done, total: seen.append((done, total)))
    size = (source / PREDICTIONS).stat().st_size
    assert {total for _, total in seen} == {size} and seen.count((size, size)) > 7  # once at the end, once a run
