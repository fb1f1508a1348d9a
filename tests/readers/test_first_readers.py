"""Canonical file, const-ae run folders, the pseudobulk bundles, the paper's workbook, and the plain matrix."""

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import save
from perturbviz.errors import UserError
from perturbviz.readers import Options, load, recognise
from perturbviz.readers.assemble import Incoming, add_prediction, assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.published_scores import scores_of
from perturbviz.scoring.scores import score
from tests.readers import layouts, layouts_h5, tiny

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def real(name: str) -> Path:
    """A real file, or skip."""
    if not (SHARED / name).is_file():
        pytest.skip(f"real data file {name} is not here")
    return SHARED / name


def const_ae(folder: Path, frame: pd.DataFrame, rename=lambda c: c, **extra) -> Path:
    """Write a run folder as the paper's scripts do."""
    folder.mkdir()
    table = {rename(c): [float(v) for v in row] for c, row in zip(frame.index, frame.to_numpy(), strict=True)}
    (folder / "all_predictions.json").write_text(json.dumps(table, indent=4))
    (folder / "gene_names.json").write_text(json.dumps(list(frame.columns)))
    for name, content in extra.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def check_values(benchmark, frame=None, method="m"):
    """Benchmark equals the tiny truth, and its method the tiny prediction."""
    expected = tiny.truth()
    truth = pd.DataFrame(benchmark.truth, benchmark.conditions, benchmark.genes).loc[expected.index, expected.columns]
    np.testing.assert_allclose(truth, expected, rtol=1e-6)
    if frame is not None:
        seed = next(iter(benchmark._layers[method]))
        got = pd.DataFrame(benchmark.prediction(method, seed), benchmark.conditions, benchmark.genes)
        assert list(got.dropna(how="all").index) == sorted(frame.index)
        np.testing.assert_allclose(got.loc[frame.index, frame.columns], frame, rtol=2e-6)


@pytest.mark.parametrize(
    "dialect",
    [
        lambda c: c if "+" in c or c == "ctrl" else f"{c}+ctrl",
        lambda c: "" if c == "ctrl" else c.replace("+", "_"),
        str,
    ],
    ids=["truth", "gears", "linear"],
)
def test_const_ae_key_dialects(tmp_path, dialect):
    truth = load(const_ae(tmp_path / "truth", tiny.truth(), lambda c: c if "+" in c or c == "ctrl" else f"ctrl+{c}"))
    predicted = pd.concat([tiny.truth().loc[["ctrl"]] + 0.5, tiny.prediction()])
    run = load(const_ae(tmp_path / "run", predicted.iloc[:, ::-1], dialect))
    assert run.system == "const-ae"
    benchmark, reports = assemble(truth, [Incoming(run, "m")])
    check_values(benchmark, tiny.prediction())
    text = "\n".join(reports[1].lines())
    assert "in another order" in text and "3 conditions of the truth not predicted" in text
    assert "control row is left out" in text  # the predicted control never becomes the reference


def test_const_ae_na_strings_fewer_genes_and_missing_conditions(tmp_path):
    frame = tiny.prediction().drop(columns=["TBCE"])
    folder = const_ae(tmp_path / "run", frame)
    table = json.loads((folder / "all_predictions.json").read_text())
    table["CEBPA+KLF1"] = ["NA"] * 5
    (folder / "all_predictions.json").write_text(json.dumps(table))
    truth = load(const_ae(tmp_path / "truth", tiny.truth()))
    before, _ = assemble(truth)
    benchmark, report = add_prediction(before, load(folder), name="m")
    assert list(benchmark.genes) == tiny.GENES[:5] and before.adata.n_vars == 6 and before.methods == ()
    assert report.counts["genes_missing"] == 1 and report.counts["matched"] == 1
    assert any("TBCE" in f.items for f in report.findings)


def test_const_ae_standard_errors_are_corrected(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(2, 0.4, (9, 6))
    frame = pd.DataFrame([x.mean(axis=0), x.mean(axis=0) + 1], ["ctrl", "KLF1"], tiny.GENES)
    as_written = (x.std(axis=0) / len(x)).tolist()
    folder = const_ae(
        tmp_path / "t",
        frame,
        all_predictions_se={"ctrl": as_written, "KLF1": as_written},
        n_cells={"ctrl": 9, "KLF1": 9},
    )
    benchmark, _ = assemble(load(folder))
    np.testing.assert_allclose(benchmark.adata.layers["se"][0], x.std(axis=0, ddof=1) / 3, rtol=1e-5)
    (folder / "n_cells.json").unlink()
    benchmark, reports = assemble(load(folder))
    assert "se" not in benchmark.adata.layers and "no standard error" in "\n".join(reports[0].lines())


def test_colliding_labels_are_merged_by_cells(tmp_path):
    frame = tiny.truth()
    twice = pd.concat([frame, frame.loc[["KLF1"]] + 1])
    twice.index = [*[c if c != "KLF1" else "KLF1+ctrl" for c in frame.index], "ctrl+KLF1"]
    cells = dict.fromkeys(twice.index, 10) | {"KLF1+ctrl": 30, "ctrl+KLF1": 10}
    benchmark, reports = assemble(load(const_ae(tmp_path / "t", twice, n_cells=cells)))
    row = benchmark.truth[list(benchmark.conditions).index("KLF1")]
    np.testing.assert_allclose(row, frame.loc["KLF1"] + 0.25, rtol=1e-6)
    assert benchmark.adata.obs["n_cells"]["KLF1"] == 40
    assert "KLF1 = KLF1+ctrl & ctrl+KLF1" in "\n".join(reports[0].lines())


def test_canonical_file_as_truth_and_as_prediction(tmp_path):
    truth = load(const_ae(tmp_path / "truth", tiny.truth()))
    run = load(const_ae(tmp_path / "run", tiny.prediction()))
    benchmark, _ = assemble(truth, [Incoming(run, "m")], {"": {c: p for p, cs in tiny.SPLIT.items() for c in cs}})
    path = save(benchmark, tmp_path / "b.h5ad")
    assert recognise(path).id == "perturbviz"
    again, _ = assemble(load(path), [Incoming(load(path), "copy")])
    check_values(again, tiny.prediction(), "copy")
    assert again.splits[""].tolist() == benchmark.splits[""].tolist()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".csv.gz"])
def test_plain_matrix(tmp_path, suffix):
    frame = tiny.truth()
    for name, table in (("truth", frame), ("run", tiny.prediction().iloc[::-1, ::-1])):
        path = tmp_path / f"{name}{suffix}"
        table.to_parquet(path) if suffix == ".parquet" else table.to_csv(path, sep="\t" if suffix == ".tsv" else ",")
    assert recognise(tmp_path / f"run{suffix}").id == "matrix"
    benchmark, _ = assemble(load(tmp_path / f"truth{suffix}"), [Incoming(load(tmp_path / f"run{suffix}"), "m")])
    check_values(benchmark, tiny.prediction())


def test_matrix_with_contexts_split_and_cells(tmp_path):
    frame = tiny.truth()
    both = pd.concat([frame.assign(context="A"), (frame + 1).assign(context="B")]).assign(n_cells=5)
    both["split"] = ["test" if "+" in c else "train" for c in both.index]
    both.to_csv(tmp_path / "t.csv")
    benchmark, _ = assemble(load(tmp_path / "t.csv"))
    assert benchmark.contexts == ("A", "B") and benchmark.adata.shape == (12, 6)
    np.testing.assert_allclose(benchmark.control("B"), frame.loc["ctrl"] + 1, rtol=1e-6)
    assert (benchmark.splits[""] == "test").sum() == 4
    tiny.prediction().to_csv(tmp_path / "p.csv")
    with pytest.raises(UserError, match="--context"):
        add_prediction(benchmark, load(tmp_path / "p.csv"), name="m")


def test_predicted_changes_are_added_to_the_measured_control(tmp_path):
    tiny.truth().to_csv(tmp_path / "t.csv")
    tiny.delta(tiny.prediction()).to_csv(tmp_path / "p.csv")
    truth, run = load(tmp_path / "t.csv"), load(tmp_path / "p.csv")
    benchmark, _ = assemble(truth, [Incoming(run, "m")], options=Options(value_space="delta"), truth_options=Options())
    check_values(benchmark, tiny.prediction())


# -- real files ----------------------------------------------------------------------------------------------------
def means(evaluation, metric, reference="control"):
    """Mean score over the doubles whose singles were both measured; only those are candidates of retrieval."""
    common = np.flatnonzero(evaluation.predicted("additive"))
    scores = score(evaluation, metric, reference, rows=common)
    return dict(zip(scores.methods, scores.values.mean(axis=1), strict=True))


def test_norman_reproduces_the_published_flips():
    benchmark, _ = assemble(load(real("norman_pseudobulk.npz")))
    assert benchmark.value_space == "delta" and (benchmark.n_perturbed == 1).sum() == 104
    evaluation = Evaluation(benchmark)
    l2 = means(evaluation, "l2")
    assert l2 == pytest.approx({"half_sum": 17.167, "additive": 19.251, "mean": 22.046, "no_change": 23.915}, abs=1e-3)
    control = means(evaluation, "pearson_delta")
    assert control["additive"] == pytest.approx(control["half_sum"], abs=1e-9) == pytest.approx(0.675, abs=5e-4)
    systema = means(evaluation, "pearson_delta", "perturbation")
    assert (systema["additive"], systema["half_sum"]) == pytest.approx((0.620, 0.594), abs=5e-4)
    accuracy = means(evaluation, "centroid_accuracy")
    assert (accuracy["additive"], accuracy["half_sum"]) == pytest.approx((0.966, 0.864), abs=5e-4)


def test_carpool_additive_is_last_on_l2_and_first_on_pearson_delta():
    benchmark, _ = assemble(load(real("carpool_thp1_pseudobulk.npz")))
    evaluation = Evaluation(benchmark, truth_from="half_a")
    l2 = means(evaluation, "l2")
    assert [l2[m] for m in ("half_sum", "mean", "additive")] == pytest.approx([5.851, 6.623, 7.392], abs=1e-3)
    correlation = means(evaluation, "pearson_delta")
    assert correlation["additive"] > correlation["mean"]


def test_workbook_reproduces_its_own_scores():
    path = real("ahlmann_eltze_2025_double_perturbations.xlsx")
    loaded = load(path)
    benchmark, _ = assemble(loaded)
    assert len(benchmark.methods) == 9 and benchmark.adata.shape == (2, 1000)
    table = pd.read_excel(path, sheet_name="Panel B").groupby("method")[["l2", "r2", "r2_delta"]].first()
    names = {"additive_model": "additive-published", "no_change": "no-change-published"}
    table.index = [names.get(m, m) for m in table.index]
    evaluation = Evaluation(benchmark)
    for column, metric in (("l2", "l2"), ("r2", "pearson"), ("r2_delta", "pearson_delta")):
        scores = score(evaluation, metric, "control", methods=list(table.index))
        np.testing.assert_allclose(scores.values[:, 0], table[column], atol=1e-4)  # no_change undefined on both sides
    panel = scores_of(loaded.scores, "l2")
    means_ = dict(zip(panel.methods, np.nanmean(panel.values, axis=1), strict=True))
    assert means_["additive-published"] == pytest.approx(2.77, abs=0.005) and means_["cpa"] == pytest.approx(
        12.2, abs=0.05
    )
    assert panel.values.shape == (9, 310) and panel.rows["perturbation"].nunique() == 122


def test_one_bad_file_of_a_folder_is_left_out_aloud(tmp_path):
    """The others are read: Systema's tables, PEREGGRN's runs."""
    layouts.systema(tmp_path)
    (tmp_path / "Norman_2019_3_scgpt_post-pred.csv").write_text(",n_train,A\nBAK1,2,much\n")
    loaded = load(tmp_path)
    assert list(loaded.predictions) == [("gears", "3")] and "not a number" in loaded.left_out["scgpt, split 3"]
    layouts_h5.pereggrn(tmp_path)
    bad = tmp_path / "exp" / "outputs" / "predictions" / "1.h5ad"
    bad.write_bytes(b"\x89HDF\r\n\x1a\n")
    loaded = load(tmp_path / "exp")
    assert len(loaded.predictions) == 1 and "damaged" in next(iter(loaded.left_out.values()))


def test_synthetic_controls_of_cellsimbench_are_no_perturbation(tmp_path):
    layouts_h5.cellsimbench(tmp_path)
    path = tmp_path / "norman19_processed_complete.h5ad"
    a = ad.read_h5ad(path)
    a.obs["condition"] = ["ctrl_synthetic_mean" if i < 2 else str(c) for i, c in enumerate(a.obs["condition"])]
    a.write_h5ad(path)
    loaded = load(path)
    assert "ctrl_synthetic_mean" not in loaded.truth.labels and len(loaded.truth.labels) == len(loaded.layers["se"])
    assert any("ctrl_synthetic_mean" in n and "left out" in n for n in loaded.notes)
