"""Every system's layout converts to the same canonical arrays, through the command line."""

import pickle
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from perturbviz.benchmark import load as load_benchmark
from perturbviz.cli import main
from perturbviz.readers import SYSTEMS, Options, load
from perturbviz.readers.assemble import Incoming, assemble
from perturbviz.readers.rds import read_rds
from perturbviz.scoring.published_scores import card_of, scores_of
from perturbviz.scoring.rankings import ranks
from perturbviz.stats import average
from tests.readers import layouts_h5, tiny
from tests.readers.layouts import WRITERS, Rds, plain_truth, plus_control, predicted, runs
from tests.readers.layouts_h5 import save

SCPERTURBENCH = Path(__file__).parents[3] / "shared" / "data" / "scperturbench_combo_top100.csv"


@pytest.mark.parametrize("layout", WRITERS)
def test_layout_converts_to_the_canonical_arrays(tmp_path, capsys, layout):
    case = WRITERS[layout](tmp_path)
    assert main(["convert", *case.words, "-o", str(tmp_path / "out.h5ad")]) == 0, capsys.readouterr().err
    said = capsys.readouterr().err
    for system in case.systems:
        assert f"read as {SYSTEMS[system].name} (" in said
    benchmark = load_benchmark(tmp_path / "out.h5ad")
    expected, predicted_ = tiny.truth().loc[case.conditions], tiny.prediction()
    if layout == "csendes":
        expected, predicted_ = (f.set_axis([f"{e}.4" for e in tiny.ENSEMBL], axis=1) for f in (expected, predicted_))
    assert sorted(benchmark.conditions) == sorted(case.conditions)
    truth = pd.DataFrame(benchmark.truth, benchmark.conditions, benchmark.genes)
    np.testing.assert_allclose(truth.loc[expected.index, expected.columns], expected, rtol=2e-6, atol=1e-6)
    assert len(benchmark.methods) >= 1
    method = "m" if "m" in benchmark.methods else benchmark.methods[-1]
    (seed,) = benchmark._layers[method]
    got = pd.DataFrame(benchmark.prediction(method, seed), benchmark.conditions, benchmark.genes)
    np.testing.assert_allclose(got.loc[tiny.TEST, expected.columns], predicted_, rtol=2e-6, atol=1e-6)
    if case.truth:
        np.testing.assert_allclose(benchmark.control(benchmark.contexts[0]), truth.loc["ctrl"], rtol=1e-6)
        assert set(benchmark.conditions[benchmark.splits[benchmark.seeds[0]] == "test"]) <= set(tiny.TEST)


def test_every_system_has_a_layout():
    covered = {s for w in WRITERS for s in _systems_of(w)}
    elsewhere = {"perturbviz", "nature-methods-2025", "norman-npz", "carpool-npz"}  # test_first_readers
    elsewhere |= {"nature-methods-2025-singles", "nature-methods-2025-genes"}  # test_published_tables, as the next
    elsewhere |= {"scperturbench-distances", "scouter-scores", "scouter-gi"}
    here = {
        "scperturb",
        "openproblems",
        "embedding",
        "scperturbench",
        "cell-eval-scores",
        "cellsimbench-scores",
        "metrics-json",
    }
    assert set(SYSTEMS) == covered | elsewhere | here


#: What the systems leave on disk, by name -> layouts written above or tests below that convert it to the truth.
ON_DISK = {
    "const-ae folders": ["const_ae"],
    "const-ae RDS": ["const_ae_rds"],
    "GEARS": ["gears_predict_pickle", "gears_uncertainty_tuple", "gears_npz", "gears_truth"],
    "scGPT": ["gears_predict_pickle", "gears_npz", "test_other_score_tables"],
    "scFoundation": ["scfoundation_pickled_list"],
    "CPA": ["cpa", "test_cpa_counts_are_asked_about_and_normalised_per_cell"],
    "State predict": ["state_predict", "state_predict_pseudobulk"],
    "State infer": ["state_infer", "state_infer_older", "state_infer_hvg"],
    "cell-eval and VCC": ["cell_eval", "vcc_submission", "test_other_score_tables"],
    "Systema": ["systema"],
    "Miller et al.": ["cellsimbench"],
    "PerturBench": ["perturbench"],
    "PEREGGRN": ["pereggrn"],
    "PertEval": ["perteval"],
    "one PCA": ["test_embeddings_are_decoded_by_ridge_on_training_conditions"],
    "Csendes et al.": ["csendes", "csendes_npz"],
    "LangPert, PerturbDict": ["langpert", "perturbdict"],
    "CellPB": ["cellpb_test_res", "cellpb_folders"],
    "scEval": ["test_embeddings_are_decoded_by_ridge_on_training_conditions", "test_other_score_tables"],
    "CellFlow": ["cellflow"],
    "pertpy": ["pertpy"],
    "scPerturb": ["test_scperturb_counts_are_normalised_per_cell"],
    "Open Problems": ["test_open_problems"],
    "cz-benchmarks": ["cz_benchmarks"],
    "Geneformer, UCE, scBERT": ["test_embeddings_are_decoded_by_ridge_on_training_conditions"],
    "any matrix": ["csv_of_means", "tsv_gz_of_means", "parquet_of_means", "anndata_of_means", "arrays"],
}


@pytest.mark.parametrize("system", ON_DISK)
def test_everything_on_disk_has_a_layout_or_a_test(system):
    assert all(name in WRITERS or callable(globals().get(name)) for name in ON_DISK[system])


def test_every_layout_belongs_to_a_system():
    assert set(WRITERS) <= {name for names in ON_DISK.values() for name in names}


def _systems_of(layout):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return WRITERS[layout](Path(folder)).systems


def test_halves_and_folds_of_cellsimbench(tmp_path):
    layouts_h5.cellsimbench(tmp_path)
    benchmark, _ = assemble(load(tmp_path / "norman19_processed_complete.h5ad"))
    row = list(benchmark.conditions).index("KLF1")
    np.testing.assert_allclose(benchmark.adata.layers["half_a"][row], tiny.truth().loc["KLF1"] + 0.1, rtol=1e-6)
    assert np.isnan(benchmark.adata.layers["half_a"][0]).all() and benchmark.seeds == ("fold0",)


def test_standard_errors_of_cells(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.gamma(2, 0.5, (12, 6)).astype(np.float32)
    path = save(tmp_path / "c.h5ad", x.astype(np.float16), ["ctrl"] * 5 + ["KLF1"] * 7)
    benchmark, _ = assemble(load(path))
    expected = x[5:].astype(np.float16).std(axis=0, ddof=1, dtype=np.float64) / np.sqrt(7)
    np.testing.assert_allclose(benchmark.adata.layers["se"][1], expected, rtol=1e-5)
    assert benchmark.adata.obs["n_cells"].tolist() == [5, 7]


def counts_cells():
    rng = np.random.default_rng(2)
    labels = ["control"] * 6 + ["KLF1"] * 5 + ["CEBPA_KLF1"] * 4 + ["TBCE_ENSG00000116957"] * 3 + ["nan"] * 2
    x = rng.poisson(20, (len(labels), 6)).astype(float)
    log = np.log1p(x / x.sum(axis=1, keepdims=True) * 1e4)
    return x, labels, pd.DataFrame(log, labels).groupby(level=0).mean()


def test_scperturb_counts_are_normalised_per_cell(tmp_path, capsys):
    x, labels, expected = counts_cells()
    nperts = [{"control": 0, "KLF1": 1, "CEBPA_KLF1": 2, "TBCE_ENSG00000116957": 1, "nan": 0}[c] for c in labels]
    var = pd.DataFrame({"ensembl_id": tiny.ENSEMBL}, index=tiny.GENES)
    save(
        tmp_path / "NormanWeissman2019.h5ad", sp.csr_matrix(x), labels, "perturbation", var=var, obs={"nperts": nperts}
    )
    out = tmp_path / "b.h5ad"
    assert main(["convert", "--truth", str(tmp_path / "NormanWeissman2019.h5ad"), "-o", str(out)]) == 0
    b = load_benchmark(out)
    assert list(b.conditions) == ["ctrl", "KLF1", "TBCE_ENSG00000116957", "CEBPA+KLF1"]
    assert "1 row dropped" in capsys.readouterr().err
    for name, label in (("ctrl", "control"), ("CEBPA+KLF1", "CEBPA_KLF1"), ("TBCE_ENSG00000116957",) * 2):
        np.testing.assert_allclose(b.truth[list(b.conditions).index(name)], expected.loc[label], rtol=1e-5)


def test_cpa_counts_are_asked_about_and_normalised_per_cell(tmp_path, capsys):
    x, labels, expected = counts_cells()
    keep = [i for i, c in enumerate(labels) if c in ("KLF1", "control")]
    path = save(tmp_path / "cpa.h5ad", x[keep], [labels[i] for i in keep], "cond_harm", obsm={"CPA_pred": x[keep] * 30})
    frame = pd.DataFrame(expected.loc[["control", "KLF1"]].to_numpy(), ["ctrl", "KLF1"], tiny.GENES)
    frame.to_csv(tmp_path / "t.csv")
    words = ["convert", "--truth", str(tmp_path / "t.csv"), *predicted(path), "-o", str(tmp_path / "b.h5ad")]
    assert main(words) == 2
    assert "--value-space counts" in capsys.readouterr().err and not (tmp_path / "b.h5ad").exists()
    assert main([*words, "--value-space", "counts", "--truth-value-space", "lognorm"]) == 0
    b = load_benchmark(tmp_path / "b.h5ad")
    np.testing.assert_allclose(b.prediction("m", "")[1], expected.loc["KLF1"], rtol=1e-5)


def test_open_problems(tmp_path):
    rng = np.random.default_rng(3)
    values = rng.normal(0, 2, (4, 6)).astype(np.float32)
    drugs, types = ["Drug A+B", "Drug C", "Drug A+B", "Dimethyl Sulfoxide"], ["NK", "NK", "T", "T"]
    obs = pd.DataFrame(
        {"sm_name": drugs, "cell_type": types, "split": ["train", "public_test", "private_test", "train"]},
        index=[str(i) for i in range(4)],
    )
    ad.AnnData(obs=obs, var=layouts_h5.VAR, layers={"clipped_sign_log10_pval": values}).write_h5ad(
        tmp_path / "de_test.h5ad"
    )
    ad.AnnData(
        obs=pd.DataFrame(index=["7", "8"]),
        var=layouts_h5.VAR,
        layers={"prediction": values[1:3] + 1},
        uns={"method_id": "nn", "dataset_id": "neurips"},
    ).write_h5ad(tmp_path / "prediction.h5ad")
    (tmp_path / "id_map.csv").write_text("id,sm_name,cell_type\n7,Drug C,NK\n8,Drug A+B,T\n")
    words = ["--truth", str(tmp_path / "de_test.h5ad"), *predicted(tmp_path / "prediction.h5ad")]
    assert main(["convert", *words, "-o", str(tmp_path / "b.h5ad")]) == 0
    b = load_benchmark(tmp_path / "b.h5ad")
    assert b.value_space == "signed_logp" and b.contexts == ("NK", "T")
    row = [
        i for i, (c, t) in enumerate(zip(b.conditions, b.row_contexts, strict=True)) if (c, t) == ("Drug A\uff0bB", "T")
    ]
    np.testing.assert_allclose(b.prediction("m", "")[row[0]], values[2] + 1, rtol=1e-6)
    assert b.splits[""][row[0]] == "test" and b.n_perturbed[row[0]] == 1  # one compound, whatever its name holds


@pytest.mark.parametrize("layout", ["h5ad", "tsv", "sceval"])
def test_embeddings_are_decoded_by_ridge_on_training_conditions(tmp_path, layout):
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(4)
    z = rng.normal(size=(6, 3)).astype(np.float32)
    words = []
    if layout == "tsv":
        path = tmp_path / "emb.tsv"
        pd.DataFrame(z.T, columns=tiny.CONDITIONS).to_csv(path, sep="\t", index=False)
        words = ["--system", "embedding"]
    elif layout == "h5ad":
        path = save(tmp_path / "u.h5ad", np.ones((6, 6)), [plus_control(c) for c in tiny.CONDITIONS], obsm={"X_uce": z})
    else:
        path = save(
            tmp_path / "a_tgpt_all.h5ad",
            np.ones((6, 6)),
            [0, 1, 2, 3, 4, 5],
            "pert_condition",
            obsm={"X_tgpt": z},
            layers={"ground_truth": tiny.truth().to_numpy()},
        )
        (tmp_path / "codes.csv").write_text("".join(f"{i},{c}\n" for i, c in enumerate(tiny.CONDITIONS)))
        words = ["--rename", str(tmp_path / "codes.csv")]
    words = [*plain_truth(tmp_path), *predicted(path), *words, "-o", str(tmp_path / "b.h5ad")]
    assert main(["convert", *words]) == 0
    b = load_benchmark(tmp_path / "b.h5ad")
    train = [1, 2, 3]
    expected = Ridge(alpha=1.0).fit(z[train], tiny.truth().to_numpy()[train]).predict(z)
    got = pd.DataFrame(b.prediction("m", ""), b.conditions)
    np.testing.assert_allclose(got.loc[tiny.CONDITIONS[4:]], expected[4:], rtol=1e-5)


def test_scperturbench_scores(tmp_path):
    frame = pd.DataFrame(
        {
            "method": ["A", "B"] * 2,
            "cor": [0.5, 0.4, 0.3, np.nan],
            "mse_score": [1, 0, 0.2, 1.0],
            "Rank_mse": [1, 2, 2, 1],
            "ac_rank": [1.5, 1.5, 2, 1],
            "DataSet": "Norman",
            "op": ["AHR+FEV_1"] * 2 + ["AHR+FEV_2"] * 2,
        }
    )
    frame.to_csv(tmp_path / "combo.csv")
    table = load(tmp_path / "combo.csv").scores
    assert set(table.metrics) == {"cor", "mse_score", "Rank_mse", "ac_rank"}
    assert "scaled" in table.metrics["mse_score"]["name"] and table.metrics["mse_score"]["better"] == "higher"
    assert table.metrics["Rank_mse"]["better"] == "lower" and card_of(table, "cor").id == "pearson_delta"
    scores = scores_of(table, "cor")
    assert scores.values.shape == (2, 2) and list(scores.rows["seed"]) == ["1", "2"]


@pytest.mark.skipif(not SCPERTURBENCH.is_file(), reason=f"the real table is not there: {SCPERTURBENCH}")
@pytest.mark.parametrize(
    ("metric", "place"), [("cor", 9), ("mse_score", 11), ("edistance_score", 15), ("was_score", 3), ("Rank_pcc", 8)]
)
def test_scgpt_on_norman_stands_at_every_place(metric, place):
    scores = scores_of(load(SCPERTURBENCH).scores, metric)
    norman = (scores.rows["context"] == "Norman").to_numpy()
    found = ranks(average(scores.values[:, norman], "mean"), scores.card)
    assert found[list(scores.methods).index("scGPT")] == place


def test_other_score_tables(tmp_path):
    (tmp_path / "K562_results.csv").write_text("perturbation,mse,pearson_delta\nKLF1,0.1,0.5\nBAK1,0.2,0.6\n")
    table = load(tmp_path / "K562_results.csv").scores
    assert card_of(table, "mse").better == "lower" and set(table.frame["context"]) == {"K562"}
    (tmp_path / "detailed_metrics.csv").write_text("model,perturbation,metric,value\nfMLP,KLF1,mse,0.1\n")
    assert load(tmp_path / "detailed_metrics.csv").system == "cellsimbench-scores"
    (tmp_path / "test_pert_res.json").write_text('{"KLF1+ctrl": {"pearson": 0.9, "mse": 0.1}}')
    assert load(tmp_path / "test_pert_res.json").scores.frame["perturbation"].tolist() == ["KLF1", "KLF1"]


def test_rds_agrees_with_an_independent_reader(tmp_path):
    import rdata

    (tmp_path / "a.RDS").write_bytes(Rds().dump(runs()))
    ours, theirs = read_rds(tmp_path / "a.RDS"), rdata.read_rds(tmp_path / "a.RDS")
    for one, other in zip(ours.values, theirs, strict=True):
        assert list(one.names) == list(other)
        for name, vector in other["prediction"].items():
            mine = one.get("prediction").get(name)
            np.testing.assert_array_equal(mine.values, vector.values)
            assert list(mine.names) == list(next(iter(vector.coords.values())).values)


def test_two_seeds_of_systema_share_one_truth(tmp_path):
    for seed, names in ((1, tiny.TEST[:1]), (2, tiny.TEST)):
        for side, frame in (("pred", tiny.prediction()), ("gt", tiny.truth())):
            frame.loc[names].to_csv(tmp_path / f"N_{seed}_cpa_post-{side}.csv")
    b, _ = assemble(load(tmp_path))
    assert b.seeds == ("1", "2") and (b.splits["1"] == "test").sum() == 1 and b.adata.n_obs == 2
    assert np.isnan(b.prediction("cpa", "1")).all(axis=1).sum() == 1


def test_pickles_are_for_the_command_line(tmp_path):
    (tmp_path / "p.pkl").write_bytes(pickle.dumps({"A": np.ones(6)}))
    with pytest.raises(ValueError, match="command line only"):
        load(tmp_path / "p.pkl")
    assert load(tmp_path / "p.pkl", Options(allow_pickle=True)).predictions


def test_zip_of_a_folder(tmp_path):
    import shutil

    WRITERS["const_ae"](tmp_path)
    shutil.make_archive(str(tmp_path / "upload"), "zip", tmp_path / "bb-22")
    loaded = load(tmp_path / "upload.zip")
    assert loaded.system == "const-ae" and loaded.source["file"] == "upload"
    truth = load(tmp_path / "aa-11")
    benchmark, _ = assemble(truth, [Incoming(loaded, "zipped")])
    assert benchmark.methods == ("zipped",)


def test_lines_of_scperturbench_that_are_left_out_are_counted(tmp_path):
    frame = pd.DataFrame(
        {
            "method": "A",
            "cor": [0.5, 0.9, 0.4, "bad"],
            "DataSet": "Norman",
            "op": ["AHR+FEV_1", "AHR+FEV_1", "FEV+AHR_1", "KLF1_1"],
        }
    )
    frame.to_csv(tmp_path / "combo.csv")
    loaded = load(tmp_path / "combo.csv")
    said = " ".join(loaded.notes)
    assert "2 lines left out, whose method, data set, perturbation and split came before." in said
    assert "1 value empty or no number: undefined, not 0." in said and "2 lines left out" in loaded.scores.note
    assert loaded.scores.frame["value"].tolist()[:1] == [0.5] and len(loaded.scores.frame) == 2


def test_numbers_without_names_say_what_is_missing(tmp_path):
    np.save(tmp_path / "preds.npy", np.ones((2, 6)))
    with pytest.raises(ValueError, match="without conditions or genes"):
        load(tmp_path / "preds.npy")
