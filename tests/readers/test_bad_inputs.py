"""Each bad input that really occurs: take good files, break one thing, expect the sentence (or the finding)."""

import json
import pickle
import shutil

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.readers import Options, load
from perturbviz.readers.assemble import Incoming, add_prediction, assemble
from tests.readers import layouts, layouts_h5, tiny
from tests.readers.layouts import run_folder
from tests.readers.layouts_h5 import save


def add(bench, frame, tmp_path, **options):
    """Add a frame, written as CSV, to the benchmark."""
    frame.to_csv(tmp_path / "p.csv")
    return add_prediction(bench, load(tmp_path / "p.csv", Options(**options)), Options(**options), "m")


def sentences(report):
    return "\n".join(report.lines())


def warnings(report):
    return "\n".join(f.text for f in report.warnings)


def test_01_duplicate_gene_symbols(tmp_path):
    frame = tiny.truth().rename(columns={"KLF1": "TBCE"})
    frame.to_csv(tmp_path / "t.csv")
    benchmark, reports = assemble(load(tmp_path / "t.csv"))
    assert list(benchmark.genes) == ["CEBPA", "TBCE", "HLA-A", "RP11-34P13.14", "MT-ND1", "TBCE.1"]
    assert "1 gene name repeated" in warnings(reports[0])
    mangled = tiny.prediction().set_axis([*frame.columns[:5], "TBCE.1"], axis=1)  # as pandas writes it back
    changed, report = add(benchmark, mangled, tmp_path)
    np.testing.assert_allclose(changed.prediction("m", "")[-1], mangled.iloc[-1], rtol=1e-6)
    assert report.counts["genes_missing"] == 0


def test_01_a_dot_number_is_stripped_only_beside_its_base_name(bench, tmp_path):
    _, report = add(bench, tiny.prediction().rename(columns={"TBCE": "ABC.1"}), tmp_path)
    assert report.counts["genes_missing"] == 1 and any("ABC.1" in f.items for f in report.findings)


def test_02_gene_order_differs(bench, tmp_path):
    changed, report = add(bench, tiny.prediction().iloc[:, [5, 0, 3, 1, 2, 4]], tmp_path)
    assert "in another order" in sentences(report)
    np.testing.assert_allclose(changed.prediction("m", "")[-1], tiny.prediction().iloc[-1], rtol=1e-6)


def test_02_labels_attached_in_the_wrong_order(tmp_path):
    rng = np.random.default_rng(0)
    genes = [f"G{i}" for i in range(60)]
    truth = pd.DataFrame(
        rng.gamma(1, 1, (1, 60)) + rng.normal(0, 0.02, (4, 60)), ["ctrl", "A", "B", "A+B"], genes
    ).abs()
    truth.to_csv(tmp_path / "t.csv")
    benchmark, _ = assemble(load(tmp_path / "t.csv"))
    shuffled = truth.iloc[1:].set_axis(rng.permutation(genes), axis=1)
    assert "look shuffled" in warnings(add(benchmark, shuffled, tmp_path)[1])
    assert "look shuffled" not in warnings(add(benchmark, truth.iloc[1:] + 0.01, tmp_path)[1])


def test_03_no_gene_names(bench, tmp_path):
    nameless = tiny.prediction().set_axis(range(6), axis=1)
    with pytest.raises(UserError, match=r"no gene names: give the list of its 6 genes .*--genes"):
        add(bench, nameless, tmp_path)
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"KLF1": np.ones(6)}))
    options = Options(genes=tuple(tiny.GENES[:5]), allow_pickle=True)
    with pytest.raises(UserError, match="gene list has 5 names"):
        add_prediction(bench, load(tmp_path / "x.pkl", options), options, "m")


def test_04_missing_and_extra_genes(bench, tmp_path):
    frame = tiny.prediction().drop(columns="KLF1").assign(NEW=1.0)
    changed, report = add(bench, frame, tmp_path)
    assert list(changed.genes) == [g for g in tiny.GENES if g != "KLF1"] and bench.adata.n_vars == 6
    assert "5 of 6 genes matched" in sentences(report) and "1 gene of the truth missing" in sentences(report)
    assert report.counts["genes_extra"] == 1


def test_04_vector_and_gene_list_differ_in_length(tmp_path):
    folder = run_folder(tmp_path / "r", tiny.prediction(), str)
    (folder / "gene_names.json").write_text(json.dumps(tiny.GENES[:5]))
    with pytest.raises(UserError, match=r"'BAK1\+CEBPA' has 6 values for 5 genes"):
        load(folder)


def test_05_ensembl_against_symbols(bench, tmp_path):
    ensembl = tiny.prediction().set_axis(tiny.ENSEMBL, axis=1)
    with pytest.raises(UserError, match=r"Ensembl ids .* truth has symbols .*--rename"):
        add(bench, ensembl, tmp_path)
    layouts_h5.gears_truth(tmp_path)
    both, _ = assemble(load(tmp_path / "norman"))
    for frame in (ensembl.set_axis([f"{e}.7" for e in tiny.ENSEMBL], axis=1), tiny.prediction()):
        changed, report = add(both, frame, tmp_path)
        assert report.counts["genes_missing"] == 0
        np.testing.assert_allclose(changed.prediction("m", "")[-1], frame.iloc[-1], rtol=1e-6)


def test_05_renamed_symbols_only_on_request(bench, tmp_path):
    old = tiny.prediction().rename(columns={"TBCE": "OLD1"})
    assert add(bench, old, tmp_path)[1].counts["genes_missing"] == 1
    _, report = add(bench, old, tmp_path, rename={"OLD1": "TBCE"})
    assert report.counts["genes_missing"] == 0 and "1 gene renamed (OLD1 -> TBCE)" in sentences(report)


def test_06_some_conditions_not_predicted(bench, tmp_path):
    changed, report = add(bench, tiny.prediction().iloc[:1], tmp_path)
    assert report.counts["missing"] == 4 and "stay empty" in sentences(report)
    assert np.isnan(changed.prediction("m", "")).all(axis=1).sum() == 5


def test_07_unseen_perturbation_predicted_as_control(bench, tmp_path):
    frame = tiny.prediction()
    frame.loc[:] = tiny.truth().loc["ctrl"].to_numpy()
    text = warnings(add(bench, frame, tmp_path)[1])
    assert "2 of 2 predicted rows are identical to control" in text and "identical to another predicted row" in text
    zero = tiny.delta(tiny.prediction()) * 0
    assert "identical to control" in warnings(add(bench, zero, tmp_path, value_space="delta")[1])


def test_08_order_of_targets_and_control(bench, tmp_path):
    frame = pd.concat([tiny.prediction(), tiny.truth().loc[["KLF1"]] + 0.1])
    frame.index = ["CEBPA+BAK1", "KLF1+CEBPA", "ctrl+KLF1"]
    _, report = add(bench, frame, tmp_path)
    assert report.counts["matched"] == 3 and report.counts["extra"] == 0


def test_09_stray_blanks(bench, tmp_path):
    _, report = add(bench, tiny.prediction().set_axis([" BAK1+CEBPA", "CEBPA+KLF1 "]), tmp_path)
    assert report.counts["matched"] == 2


def test_10_underscore_in_a_name_and_as_separator(tmp_path):
    frame = tiny.truth().rename(index={"KLF1": "TBCE_ENSG00000116957", "CEBPA+KLF1": "BAK1+TBCE_ENSG00000116957"})
    truth = load(run_folder(tmp_path / "t", frame, str))
    pred = frame.loc[["TBCE_ENSG00000116957", "BAK1+CEBPA"]] + 0.1
    run = load(run_folder(tmp_path / "r", pred, lambda c: c.replace("+", "_")))
    benchmark, reports = assemble(truth, [Incoming(run, "m")])
    assert reports[1].counts["matched"] == 2 and reports[1].counts["extra"] == 0
    assert benchmark.n_perturbed.tolist() == [0, 1, 1, 1, 2, 2]


def test_11_control_label_unknown_or_nan(tmp_path):
    frame = tiny.truth().rename(index={"ctrl": "scramble"})
    frame.loc["nan"] = 1.0
    frame.to_csv(tmp_path / "t.csv")
    benchmark, (report,) = assemble(load(tmp_path / "t.csv"))
    assert not benchmark.has_control and "no control row" in warnings(report) and "--control" in warnings(report)
    assert "not taken for control" in warnings(report) and report.counts["dropped"] == 1
    named, _ = assemble(load(tmp_path / "t.csv"), options=Options(control=("scramble",)))
    assert named.has_control


def test_12_predicted_control_is_ignored(bench, tmp_path):
    changed, report = add(bench, pd.concat([tiny.truth().iloc[[0]] + 5, tiny.prediction()]), tmp_path)
    np.testing.assert_array_equal(changed.control("all"), bench.control("all"))
    assert np.isnan(changed.prediction("m", "")[0]).all() and "always the measured one" in sentences(report)


def test_13_counts_instead_of_logs(bench, tmp_path):
    with pytest.raises(UserError, match="look like counts"):
        add(bench, np.expm1(tiny.prediction()) * 100, tmp_path)
    with pytest.raises(UserError, match="normalise each cell"):
        add(bench, np.expm1(tiny.prediction()) * 100, tmp_path, value_space="counts")
    (np.expm1(tiny.truth()) * 100).to_csv(tmp_path / "t.csv")
    with pytest.raises(UserError, match="mean of counts cannot be log-normalised"):
        assemble(load(tmp_path / "t.csv"))


def test_14_another_scale(bench, tmp_path):
    _, report = add(bench, tiny.prediction() / np.log(2), tmp_path)  # log2 instead of ln
    assert "The scales differ" in warnings(report)
    assert "The scales differ" not in warnings(add(bench, tiny.prediction(), tmp_path)[1])


def test_15_changes_instead_of_expression(bench, tmp_path):
    changes = tiny.delta(tiny.prediction())
    with pytest.raises(UserError, match="look like changes against control"):
        add(bench, changes, tmp_path)
    changed, _ = add(bench, changes, tmp_path, value_space="delta")
    np.testing.assert_allclose(changed.prediction("m", "")[-1], tiny.prediction().iloc[-1], rtol=1e-5)
    slightly = tiny.prediction()
    slightly.iloc[0, 1] = -0.01  # GEARS does that
    changed, report = add(bench, slightly, tmp_path)
    assert "1 negative value" in sentences(report) and (changed.prediction("m", "") < 0).sum() == 1


def test_15_expression_for_a_truth_of_changes(tmp_path):
    tiny.delta(tiny.truth()).to_csv(tmp_path / "t.csv")
    with pytest.raises(UserError, match="many negative values: say"):
        assemble(load(tmp_path / "t.csv"))
    benchmark, _ = assemble(load(tmp_path / "t.csv"), options=Options(value_space="delta"))
    with pytest.raises(UserError, match="subtract the control mean"):
        add(benchmark, tiny.prediction(), tmp_path, value_space="lognorm")


def test_16_nan_na_and_infinity(bench, tmp_path):
    frame = tiny.prediction()
    frame.iloc[0, 2] = np.nan
    with pytest.raises(UserError, match=r"some but not all genes missing, the first BAK1\+CEBPA, gene HLA-A"):
        add(bench, frame, tmp_path)
    frame.iloc[0, 2] = np.inf
    with pytest.raises(UserError, match=r"1 infinite value, the first for BAK1\+CEBPA, gene HLA-A"):
        add(bench, frame, tmp_path)
    folder = run_folder(tmp_path / "r", tiny.prediction(), str)
    text = (folder / "all_predictions.json").read_text()
    table = json.loads(text) | {"CEBPA+KLF1": [float("nan")] * 6}
    (folder / "all_predictions.json").write_text(json.dumps(table))  # Python's NaN, which is no JSON
    assert add_prediction(bench, load(folder), name="m")[1].counts["matched"] == 1
    table["CEBPA+KLF1"] = ["NA"] * 5 + ["oops"]
    (folder / "all_predictions.json").write_text(json.dumps(table))
    with pytest.raises(UserError, match=r"'CEBPA\+KLF1' must be a list of numbers"):
        load(folder)


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "dense"])
def test_17_dense_and_sparse(bench, tmp_path, kind):
    import scipy.sparse as sp

    x = tiny.prediction().to_numpy()
    path = save(tmp_path / "p.h5ad", x if kind == "dense" else getattr(sp, kind)(x), tiny.TEST)
    changed, _ = add_prediction(bench, load(path), name="m")
    np.testing.assert_allclose(changed.prediction("m", "")[-1], tiny.prediction().iloc[-1], rtol=1e-6)


def test_18_x_is_not_the_prediction(tmp_path):
    zeros = save(tmp_path / "zeros.h5ad", np.zeros((2, 6)), tiny.TEST)
    with pytest.raises(UserError, match="only zeros: it was never filled"):
        load(zeros)
    nan = save(tmp_path / "nan.h5ad", np.full((2, 6), np.nan), tiny.TEST)
    with pytest.raises(UserError, match="only NaN"):
        load(nan)
    ad.AnnData(obs=pd.DataFrame({"condition": tiny.TEST}, index=["a", "b"]), var=layouts_h5.VAR).write_h5ad(
        tmp_path / "x.h5ad"
    )
    with pytest.raises(UserError, match="no values in 'X'"):
        load(tmp_path / "x.h5ad")


def test_19_labels_copied_from_control_cells(bench, tmp_path):
    with pytest.raises(UserError, match="every row is labelled as control"):
        add(bench, tiny.prediction().set_axis(["control", "control"]), tmp_path)


def test_20_unused_categories(bench, tmp_path):
    labels = pd.Categorical(tiny.TEST, [*tiny.TEST, "BAK1", "never"])
    _, report = add_prediction(bench, load(save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), labels)), name="m")
    assert report.counts["matched"] == 2 and report.counts["extra"] == 0


def test_21_row_names_repeat(bench, tmp_path):
    adata = ad.AnnData(
        tiny.prediction().to_numpy(), obs=pd.DataFrame({"condition": tiny.TEST}, index=["0", "0"]), var=layouts_h5.VAR
    )
    adata.write_h5ad(tmp_path / "p.h5ad")
    assert add_prediction(bench, load(tmp_path / "p.h5ad"), name="m")[1].counts["matched"] == 2


def test_22_float16_is_summed_in_more(bench, tmp_path):
    n = 20_000
    x = np.repeat(tiny.prediction().to_numpy(np.float16)[:1], n, axis=0) * np.float16(3)  # sums leave float16
    loaded = load(save(tmp_path / "p.h5ad", x, tiny.TEST[:1] * n))
    np.testing.assert_allclose(loaded.truth.values[0], x[0].astype(np.float32), rtol=1e-3)


def test_23_elements_of_another_anndata_version(bench, tmp_path):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST, obs={"other": ["a", "b"]})
    with h5py.File(path, "r+") as file:
        file["obs/other"].attrs["encoding-type"] = "from-the-future"
    assert add_prediction(bench, load(path), name="m")[1].counts["matched"] == 2
    with h5py.File(path, "r+") as file:
        file["X"].attrs["encoding-type"] = "from-the-future"
    with pytest.raises(UserError, match="another version of anndata"):
        load(path)


def test_24_log_base_in_uns_is_never_relied_on(bench, tmp_path):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST, uns={"log1p": {"base": 2.0}})
    changed, _ = add_prediction(bench, load(path), name="m")
    np.testing.assert_allclose(changed.prediction("m", "")[-1], tiny.prediction().iloc[-1], rtol=1e-6)


def test_25_pickles_of_anything_else(tmp_path):
    for name, content in (("frame", tiny.truth()), ("data", ad.AnnData(np.ones((2, 2)))), ("code", print)):
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(content))
        with pytest.raises(UserError, match="which is refused"):
            load(tmp_path / f"{name}.pkl", Options(allow_pickle=True))
    np.savez(tmp_path / "p.npz", pred=np.ones((2, 6)), conditions=np.array(tiny.TEST, dtype=object))
    with pytest.raises(UserError, match="pickled object array"):
        load(tmp_path / "p.npz")


def test_26_metrics_instead_of_predictions(tmp_path):
    (tmp_path / "test_metrics.json").write_text('{"pearson": 0.9, "pearson_de": 0.8}')
    with pytest.raises(UserError, match=r"holds metrics \(pearson, pearson_de\), not predictions"):
        load(tmp_path / "test_metrics.json")
    (tmp_path / "agg_results.csv").write_text("statistic,mse\ncount,10\nmean,0.1\n")
    with pytest.raises(UserError, match=r"metrics, not predictions"):
        load(tmp_path / "agg_results.csv")
    (tmp_path / "out.pkl").write_bytes(pickle.dumps({"A": {"mse": 0.1}}))
    with pytest.raises(UserError, match="holds metrics"):
        load(tmp_path / "out.pkl", Options(allow_pickle=True))


def test_27_a_dummy_cell_type_decides_nothing(bench, tmp_path):
    frame = tiny.truth().assign(context="K562")
    frame.to_csv(tmp_path / "t.csv")
    k562, _ = assemble(load(tmp_path / "t.csv"))
    _, report = add(k562, tiny.prediction().assign(context="A549"), tmp_path)
    assert report.counts["matched"] == 2 and "'A549' is taken for the truth's 'K562'" in sentences(report)


def test_28_slashes_in_names(tmp_path):
    frame = tiny.truth().rename(index={"KLF1": "KLF1/x"}, columns={"TBCE": "TB/CE"})
    pd.concat([frame.assign(context="HepG2/C3A"), frame.assign(context="HepG2")]).to_csv(tmp_path / "t.csv")
    from perturbviz.benchmark import load as load_benchmark
    from perturbviz.benchmark import save as save_benchmark

    benchmark, (report,) = assemble(load(tmp_path / "t.csv"))
    pred = frame.iloc[1:].assign(context="HepG2/C3A")
    benchmark, _ = add_prediction(benchmark, _csv(pred, tmp_path), name="A/B")
    again = load_benchmark(save_benchmark(benchmark, tmp_path / "b.h5ad"))
    assert again.contexts == ("HepG2-C3A", "HepG2") and "HepG2/C3A = HepG2-C3A" in sentences(report)
    assert again.display_name("A-B") == "A/B" and "TB/CE" in again.genes and "KLF1/x" in again.conditions
    np.testing.assert_array_equal(again.prediction("A-B", "")[:6], benchmark.prediction("A-B", "")[:6])


def _csv(frame, tmp_path):
    frame.to_csv(tmp_path / "q.csv")
    return load(tmp_path / "q.csv")


def test_29_empty_and_cut_short(tmp_path):
    (tmp_path / "a.h5ad").touch()
    with pytest.raises(UserError, match="empty \\(0 bytes\\)"):
        load(tmp_path / "a.h5ad")
    layouts_h5.pereggrn(tmp_path)
    assert any("Run 1 was skipped: its file is empty" in n for n in load(tmp_path / "exp").notes)
    shutil.copy(
        tmp_path / "exp" / "outputs" / "predictions" / "1.h5ad", tmp_path / "exp" / "outputs" / "predictions" / "0.h5ad"
    )
    with pytest.raises(UserError, match="no run has finished"):
        load(tmp_path / "exp")


def test_30_clipped_truth(tmp_path):
    frame = tiny.truth()
    frame["MT-ND1"] = 14.0
    frame.to_csv(tmp_path / "t.csv")
    benchmark, _ = assemble(load(tmp_path / "t.csv"))
    pred = tiny.prediction()
    pred["MT-ND1"] = 14.0
    assert "both were clipped" in warnings(add(benchmark, pred, tmp_path)[1])


def test_31_half_of_the_cells_as_truth(tmp_path):
    layouts_h5.cellsimbench(tmp_path)
    loaded = load(tmp_path / "norman19_processed_complete.h5ad")
    assert {"half_a", "half_b"} <= set(loaded.layers) and any("mean of all cells" in n for n in loaded.notes)


def test_32_leaking_split(tmp_path):
    case = layouts.const_ae(tmp_path)
    split = json.loads((tmp_path / "split").read_text())
    split["test"].append("KLF1+ctrl")  # a training perturbation
    from perturbviz.readers.splitfile import from_parts

    assert from_parts(split)["KLF1+ctrl"] == "train" and case.words
    table = {c: p for p, cs in split.items() for c in cs if c != "KLF1+ctrl"} | {
        "KLF1+ctrl": "train",
        "ctrl+KLF1": "test",
    }
    tiny.truth().to_csv(tmp_path / "truth.csv")
    benchmark, (report,) = assemble(load(tmp_path / "truth.csv"), (), {"": table})
    assert "1 perturbation in more than one part, kept as training" in warnings(report)
    assert benchmark.splits[""][list(benchmark.conditions).index("KLF1")] == "train"
    assert "3 train, 1 val, 1 test" in sentences(report)
    with pytest.raises(UserError, match="belongs to other data"):
        assemble(load(tmp_path / "truth.csv"), (), {"": {"X": "train"}})


def test_every_row_of_the_list_has_a_test():
    import re
    import sys

    tested = {int(m[1]) for name in dir(sys.modules[__name__]) if (m := re.match(r"test_(\d\d)_", name))}
    assert tested == set(range(1, 33))
