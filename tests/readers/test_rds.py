"""The published .RDS as a file has them: data set, names, NA, repeated symbols, standard errors; the imitation."""

import gzip
import json
import re
import struct
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load as load_benchmark
from perturbviz.cli import main
from perturbviz.errors import UserError
from perturbviz.readers import Options, const_ae_rds, load
from perturbviz.readers.assemble import add_prediction, assemble
from perturbviz.readers.rds import read_rds
from tests.readers import tiny
from tests.readers.layouts import Rds, plus_control

IMITATION = Path(__file__).parents[3] / "shared" / "data" / "rds_imitation"
imitation = pytest.mark.skipif(not IMITATION.is_dir(), reason="the imitation of ../shared/data is not here")
SINGLES = ("adamson", "replogle_k562_essential", "replogle_rpe1_essential")


def run(name, frame, std=None):
    rows = {plus_control(c): row.astype(float) for c, row in frame.iterrows()}
    return {
        "id": name,
        "name": name,
        "perturbation": list(rows),
        "prediction": rows,
        "prediction_std": None if std is None else {plus_control(c): s for c, s in std.items()},
    }


def write(folder, runs, kind="double", parameters=True):
    folder.mkdir(exist_ok=True)
    path = folder / f"{kind}_perturbation_results_predictions.RDS"
    path.write_bytes(gzip.compress(Rds().dump(runs)))
    if parameters:
        labels = {part: [plus_control(c) for c in names] for part, names in tiny.SPLIT.items()}
        entries = [{"id": r["id"], "name": r["name"], "parameters": {}, "test_train_labels": labels} for r in runs]
        path.with_name(path.name.replace("predictions", "parameters")).write_bytes(gzip.compress(Rds().dump(entries)))
    return path


def both(dataset):
    return [run(f"{dataset}-1-ground_truth", tiny.truth()), run(f"{dataset}-1-gears", tiny.prediction())]


@pytest.mark.parametrize("parameters", [True, False])
def test_the_data_set_chooses_the_file_of_a_folder_with_both_pairs(tmp_path, parameters):
    folder = tmp_path / "f"
    write(folder, both("norman"), "double", parameters)
    write(folder, [*both("adamson"), *both("rpe1")], "single", parameters)
    for dataset in ("norman", "adamson", "rpe1"):
        assert len(load(folder, Options(context=dataset)).predictions) == 1
    with pytest.raises(UserError) as error:
        load(folder)
    said = str(error.value)
    assert re.search(r"double_\S+: norman; single_\S+: adamson, rpe1: say which data set is meant \(--context", said)
    with pytest.raises(UserError, match=r"no file with 'dixit' .*double_\S+: norman; single_\S+: adamson, rpe1"):
        load(folder, Options(context="dixit"))
    with pytest.raises(UserError, match=r"holds adamson, rpe1: say which one is meant"):
        load(folder / "single_perturbation_results_predictions.RDS")


def test_the_other_system_of_the_same_authors_names_this_one(tmp_path):
    path = write(tmp_path / "f", both("norman"))
    for place in (path, path.parent):
        with pytest.raises(UserError, match="--system const-ae-rds"):
            load(place, Options(system="const-ae"))


def test_na_is_not_predicted_and_silent(tmp_path):
    """R's NA is a NaN with a payload that complains when it is cast."""
    frame = tiny.prediction()
    frame.loc["CEBPA+KLF1"] = np.nan
    wide = pd.concat([frame, pd.DataFrame(1.0, frame.index, [f"N{i}" for i in range(200)])], axis=1)
    wide.loc["CEBPA+KLF1"] = np.nan
    path = write(tmp_path / "f", [run("n-1-ground_truth", tiny.truth()), run("n-1-gears", wide)])
    plain, na = (struct.pack(">d", np.nan), bytes.fromhex("7ff00000000007a2"))  # a signalling NaN, 1954
    data = gzip.decompress(path.read_bytes())
    assert data.count(plain) == 206
    path.write_bytes(gzip.compress(data.replace(plain, na)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load(path)
        read_rds(path)
    rows = pd.DataFrame(found.predictions["gears", "1"].values, found.predictions["gears", "1"].labels)
    assert rows.loc["CEBPA+KLF1"].isna().all() and rows.loc["BAK1+CEBPA"].notna().all()


def test_repeated_symbols_are_matched_first_to_first_in_every_order(tmp_path):
    genes = [*tiny.GENES[:4], "TBCE", "TBCE"]
    truth, prediction = tiny.truth().set_axis(genes, axis=1), tiny.prediction().set_axis(genes, axis=1)
    runs = [
        run("n-1-ground_truth", truth),
        run("n-1-gears", prediction),
        run("n-1-scgpt", prediction.iloc[:, [4, 5, 0, 1, 2, 3]]),
    ]
    mixed = run("n-1-uce", prediction)  # one vector in another order than the first
    last = list(mixed["prediction"])[-1]
    mixed["prediction"][last] = mixed["prediction"][last].iloc[[4, 0, 1, 2, 3, 5]]
    bench, reports = assemble(load(write(tmp_path / "f", [*runs, mixed])))
    assert list(bench.genes) == [*genes[:5], "TBCE.1"]
    assert any("told apart by .1" in f.text and "TBCE" in f.items for f in reports[0].warnings)
    for method in ("gears", "scgpt", "uce"):
        got = pd.DataFrame(bench.prediction(method, "1"), bench.conditions).loc[tiny.TEST]
        np.testing.assert_allclose(got, prediction.to_numpy(), rtol=1e-6)


def test_standard_errors_need_the_numbers_of_cells(tmp_path):
    """prediction_std holds sd/n without gene names; the standard error of n cells is sd/sqrt(n), sd with n - 1."""
    rng = np.random.default_rng(1)
    cells = {c: rng.normal(2, 0.4, (n, 6)) for c, n in zip(tiny.CONDITIONS, tiny.N_CELLS, strict=True)}
    truth = pd.DataFrame({c: x.mean(axis=0) for c, x in cells.items()}, tiny.GENES).T
    std = {c: pd.Series(x.std(axis=0) / len(x), range(6)) for c, x in cells.items()}
    runs = [run("n-1-ground_truth", truth, {c: s.set_axis(map(str, s.index)) for c, s in std.items()})]
    path = write(tmp_path / "f", [*runs, run("n-1-gears", tiny.prediction())])
    bench, reports = assemble(load(path))
    assert "se" not in bench.adata.layers and "no standard error without n_cells.json" in " ".join(reports[0].lines())
    numbers = {plus_control(c): n for c, n in zip(tiny.CONDITIONS, tiny.N_CELLS, strict=True)}
    (path.parent / "n_cells.json").write_text(json.dumps(numbers))
    bench, _ = assemble(load(path))
    se = pd.DataFrame(bench.adata.layers["se"], bench.conditions, bench.genes)
    for c, x in cells.items():
        np.testing.assert_allclose(se.loc[c], x.std(axis=0, ddof=1) / np.sqrt(len(x)), rtol=1e-5)
    assert bench.adata.obs["n_cells"]["KLF1"] == dict(zip(tiny.CONDITIONS, tiny.N_CELLS, strict=True))["KLF1"]


def test_what_the_figures_show_and_the_file_lacks_is_said(tmp_path):
    notes = " ".join(load(write(tmp_path / "f", both("norman"))).notes)
    assert "No change is not in this file: it is computed here" in notes and "the Linear model page fits one" in notes
    more = [run(f"norman-1-{m}", tiny.prediction()) for m in ("no_change", "lpm")]
    notes = " ".join(load(write(tmp_path / "f", [*both("norman"), *more])).notes)
    assert "not in this file" not in notes


def test_methods_have_names_for_people():
    names = const_ae_rds.NAMES
    assert names["uce33"] == "UCE (33 layers)" and names["lpm_k562PertEmb"] == "Linear, P from K562"
    assert names["mean"] == "Mean (published)" and names["lpm_scgptGeneEmb"] == "Linear, G from scGPT"
    assert len(set(names.values())) == len(names)


# -- the imitation of the published files ----------------------------------------------------------------------------
def converted(tmp_path, dataset, capsys, *words):
    out = tmp_path / f"{dataset}.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main(["convert", "--truth", str(IMITATION), "--context", dataset, "-o", str(out), *words]) == 0
    return load_benchmark(out), capsys.readouterr().err


def runs_of(dataset):
    """(seed, method) -> rows by canonical condition, as the file has them."""
    path = const_ae_rds.prediction_file(IMITATION, dataset)
    out = {}
    for r in const_ae_rds.runs(path, "prediction"):
        name, seed, method = const_ae_rds.name_of(r)
        if name == dataset:
            labels = [_canonical(label) for label in r.get("perturbation").values]
            out[seed, method] = dict(zip(labels, r.get("prediction").values, strict=True))
    return out


def _canonical(label):
    parts = sorted(p for p in re.split(r"[+_]", label) if p not in ("ctrl", ""))
    return "+".join(parts) or "ctrl"


def check_every_run(bench, dataset):
    """Every run of the file is there, value by value."""
    found = runs_of(dataset)
    genes = [re.sub(r"\.1$", "", g) for g in bench.genes]
    second = np.array([g != h for g, h in zip(genes, bench.genes, strict=True)])
    slugs = {bench.display_name(m): m for m in bench.methods}
    assert {const_ae_rds.NAMES[m] for _, m in found if m != "ground_truth"} == set(slugs)
    for (seed, method), rows in found.items():
        got = bench.truth if method == "ground_truth" else bench.prediction(slugs[const_ae_rds.NAMES[method]], seed)
        for condition, row in zip(bench.conditions, got, strict=True):
            if condition == "ctrl" and method != "ground_truth":
                continue
            vector = rows.get(condition)
            if vector is None or np.isnan(vector.values).all():
                assert np.isnan(row).all(), (method, condition)
                continue
            at: dict = {}
            for gene, value in zip(vector.names, vector.values, strict=True):
                at.setdefault(gene, []).append(value)
            wanted = [at[g][1 if s else 0] for g, s in zip(genes, second, strict=True)]
            np.testing.assert_array_equal(row, np.array(wanted, "f4"), err_msg=f"{method} {condition}")


@imitation
def test_the_doubles_of_the_imitation_are_read_whole(tmp_path, capsys):
    bench, said = converted(tmp_path, "norman_from_scfoundation", capsys)
    assert bench.adata.shape == (39, 300) and bench.seeds == ("1", "2") and len(bench.methods) == 9
    assert "looks like" not in said and not re.search(r"split \d is left out", said) and "no standard error" in said
    check_every_run(bench, "norman_from_scfoundation")
    slug = next(m for m in bench.methods if bench.display_name(m) == "Additive (published)")
    truth = pd.DataFrame(bench.truth, bench.conditions)
    published = pd.DataFrame(bench.prediction(slug, "2"), bench.conditions)
    for double in bench.conditions[bench.n_perturbed == 2]:
        a, b = double.split("+")
        np.testing.assert_allclose(
            published.loc[double], truth.loc[a] + truth.loc[b] - truth.loc["ctrl"], atol=1.01 / 1024
        )
    assert (published.to_numpy()[1:] < 0).mean() > 0.3  # and that is no reason to refuse it


@imitation
@pytest.mark.parametrize("dataset", SINGLES)
def test_the_singles_of_the_imitation_are_read_whole(tmp_path, capsys, dataset):
    bench, said = converted(tmp_path, dataset, capsys)
    assert bench.adata.shape == (13, 140) and bench.seeds == ("1", "2") and len(bench.methods) == 16
    assert "Linear, G from scGPT lacks 20, 3 of them alone" in said and "scFoundation lacks 17, none of them" in said
    assert ("told apart by .1" in said) == (dataset != "adamson")
    check_every_run(bench, dataset)
    means = pd.DataFrame(bench.prediction("mean-predicted", "1"), bench.conditions).iloc[1:]
    np.testing.assert_allclose(means, np.tile(bench.truth[1:].mean(axis=0), (12, 1)), atol=1 / 1024)
    less = ("--without", "Linear, G from scGPT", "--without", "lpm_scFoundationGeneEmb")
    whole, said = converted(tmp_path, dataset, capsys, *less)
    assert whole.adata.shape == (13, 160) and len(whole.methods) == 14 and "are kept" not in said
    one = load(const_ae_rds.prediction_file(IMITATION, dataset), Options(context=dataset))
    assert "no method" in str(add_prediction(whole, one, Options(without=("nobody",)))[1].lines())
