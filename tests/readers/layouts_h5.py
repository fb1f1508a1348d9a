"""Layouts that are AnnData files, from the description of each system's files."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
import zstandard

from tests.readers import tiny
from tests.readers.layouts import Case, gene_list, plain_truth, plus_control, predicted, writer

VAR = pd.DataFrame(index=tiny.GENES)


def save(path: Path, x, labels, column="condition", var=VAR, obs=None, **more) -> Path:
    """An .h5ad of rows with one label column."""
    path.parent.mkdir(parents=True, exist_ok=True)
    obs = pd.DataFrame({column: labels, **(obs or {})}, index=[f"cell{i}" for i in range(len(labels))])
    ad.AnnData(x, obs=obs, var=var, **more).write_h5ad(path)
    return path


def truth_cells(**kwargs):
    return tiny.cells(tiny.truth(), seed=5, **kwargs)


@writer
def gears_truth(folder: Path) -> Case:
    x, labels = truth_cells()
    names = [plus_control(c) if i % 2 else "+".join(reversed(plus_control(c).split("+"))) for i, c in enumerate(labels)]
    var = pd.DataFrame({"gene_name": tiny.GENES}, index=tiny.ENSEMBL)
    obs = {"cell_type": "A549", "dose_val": "1+1", "control": 0, "condition_name": [f"A549_{c}_1+1" for c in names]}
    save(
        folder / "norman" / "perturb_processed.h5ad",
        sp.csr_matrix(x),
        names,
        var=var,
        obs=obs,
        uns={"rank_genes_groups_cov_all": {"A549_KLF1+ctrl_1+1": np.array(tiny.ENSEMBL, dtype=object)}},
    )
    tiny.prediction().set_axis(tiny.ENSEMBL, axis=1).iloc[:, ::-1].to_csv(folder / "p.csv")
    return Case(["--truth", str(folder / "norman"), *predicted(folder / "p.csv")], ["gears-truth", "matrix"])


@writer
def cpa(folder: Path) -> Case:
    frame = pd.concat([tiny.truth().iloc[:4], tiny.prediction()])
    x, labels = tiny.cells(frame)
    real, _ = truth_cells()
    garbage = np.repeat(real[:1], len(real), axis=0)
    split = ["ood" if c == tiny.TEST[0] else "valid" if c == tiny.TEST[1] else "train" for c in labels]
    path = save(
        folder / "cpa.h5ad",
        garbage,
        labels,
        "cond_harm",
        obs={"split": split},
        obsm={"CPA_pred": x},
        layers={"X_true": real},
    )
    return Case(["--truth", str(path)], ["cpa"])


@writer
def state_predict(folder: Path) -> Case:
    for name, (x, labels) in (("pred", tiny.cells(tiny.prediction())), ("real", truth_cells())):
        names = ["non-targeting" if c == "ctrl" else c for c in labels]
        save(folder / "eval_last" / f"adata_{name}.h5ad", x, names, "target_gene", var=None)
    return Case(["--truth", str(folder), *predicted(folder / "eval_last"), *gene_list(folder)], ["state", "state"])


@writer
def state_infer(folder: Path) -> Case:
    x, labels = tiny.cells(pd.concat([tiny.truth().iloc[[0]] + 0.3, tiny.prediction()]))
    path = save(folder / "in_simulated.h5ad", x, labels, "gene")
    return Case([*plain_truth(folder), *predicted(path)], ["matrix", "state"])


@writer
def cell_eval(folder: Path) -> Case:
    names = {"ctrl": "non-targeting"}
    for name, (x, labels) in (("pred", tiny.cells(tiny.prediction())), ("real", truth_cells())):
        save(folder / f"{name}.h5ad", x.astype(np.float32), [names.get(c, c) for c in labels], "target_gene")
    return Case(["--truth", str(folder / "real.h5ad"), *predicted(folder / "pred.h5ad")], ["cell-eval", "cell-eval"])


@writer
def vcc_submission(folder: Path) -> Case:
    x, labels = tiny.cells(tiny.prediction())
    plain = save(folder / "pred.h5ad", sp.csr_matrix(x), labels, "target_gene").read_bytes()
    (folder / "pred.h5ad").unlink()
    with tarfile.open(folder / "pred.prep.vcc", "w") as archive:
        for name, data in (("pred.h5ad.zst", zstandard.compress(plain)), ("watermark.txt", b"vcc-prep")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return Case([*plain_truth(folder), *predicted(folder / "pred.prep.vcc")], ["matrix", "cell-eval"])


@writer
def cellsimbench(folder: Path) -> Case:
    x, labels = truth_cells()
    labels = ["control" if c == "ctrl" else c for c in labels]
    half = tiny.truth().iloc[1:]
    half.index = [f"K562_{c}" for c in half.index]
    uns = {
        "technical_duplicate_first_half_baseline": half + 0.1,
        "technical_duplicate_second_half_baseline": half - 0.1,
        "ctrl_baseline": tiny.truth().iloc[[0]].set_axis(["K562"]),
    }
    fold = ["test" if c in tiny.TEST else "train" for c in labels]
    truth = save(
        folder / "norman19_processed_complete.h5ad",
        x,
        labels,
        uns=uns,
        obs={"donor_id": "K562", "tech_dup_split": "NA", "split_fold_0": fold},
    )
    keys = [f"K562_{c}" for c in tiny.TEST]
    pred = save(folder / "predictions.h5ad", tiny.prediction().to_numpy(), tiny.TEST, obs={"pair_key": keys})
    return Case(["--truth", str(truth), *predicted(pred)], ["cellsimbench", "cellsimbench"])


@writer
def perturbench(folder: Path) -> Case:
    x, labels = tiny.cells(tiny.prediction(), per_condition=6)
    order = np.random.default_rng(0).permutation(len(labels))
    for i, rows in enumerate((order[:5], order[5:])):
        save(
            folder / "predictions" / f"prediction_chunk_{i}.h5ad",
            x[rows],
            [labels[r] for r in rows],
            obs={"cell_type": "k562"},
        )
    return Case([*plain_truth(folder), *predicted(folder / "predictions")], ["matrix", "perturbench"])


@writer
def pereggrn(folder: Path) -> Case:
    def commas(names):
        return [c.replace("+", ",") for c in names]

    x, labels = truth_cells()
    obs = {"is_control": [c == "ctrl" for c in labels], "expression_level_after_perturbation": "1"}
    truth = save(
        folder / "norman" / "test.h5ad",
        x,
        commas("scramble" if c == "ctrl" else c for c in labels),
        "perturbation",
        obs=obs,
    )
    x, labels = tiny.cells(tiny.prediction(), per_condition=2)
    outputs = folder / "exp" / "outputs"
    save(
        outputs / "predictions" / "0.h5ad",
        x,
        commas(labels),
        "perturbation",
        obs={"is_control": False, "expression_level_after_perturbation": "1,1"},
    )
    (outputs / "predictions" / "1.h5ad").touch()
    (outputs / "conditions.csv").write_text(",regression_method,data_split_seed\n0,RidgeCV,0\n1,mean,0\n")
    return Case(["--truth", str(truth), *predicted(folder / "exp")], ["pereggrn", "pereggrn"])


@writer
def cellpb_folders(folder: Path) -> Case:
    for name, row in tiny.prediction().iterrows():
        x, _ = tiny.cells(row.to_frame().T)
        save(folder / "bioLord" / name.replace("+", "_") / "adata_pert.h5ad", x, ["ctrl"] * len(x))
    return Case([*plain_truth(folder), *predicted(folder / "bioLord")], ["matrix", "cellpb"])


@writer
def pertpy(folder: Path) -> Case:
    for name, row in tiny.prediction().iterrows():
        x, _ = tiny.cells(row.to_frame().T)
        save(folder / "scgen" / f"{name}.h5ad", x, ["control"] * len(x), obs={"label": "pred"})
    words = [*plain_truth(folder), *predicted(folder / "scgen"), "--system", "pertpy"]
    return Case(words, ["matrix", "pertpy"])


@writer
def cellflow(folder: Path) -> Case:
    x, labels = tiny.cells(tiny.prediction())
    path = save(
        folder / "cf.h5ad", np.full(x.shape, 1e30, np.float32), labels, obs={"is_control": False}, layers={"X_recon": x}
    )
    return Case([*plain_truth(folder), *predicted(path)], ["matrix", "cellflow"])


@writer
def cz_benchmarks(folder: Path) -> Case:
    def write(name, x, labels):
        uns = {"config": {"condition_key": "gene_target"}, "control_cells_map": {"KLF1": {"cell1": "cell0"}}}
        return save(folder / name, x[:, ::-1], labels, "gene_target", var=VAR.iloc[::-1], uns=uns)

    truth, pred = write("ds.h5ad", *truth_cells()), write("p.h5ad", *tiny.cells(tiny.prediction()))
    return Case(["--truth", str(truth), *predicted(pred)], ["cz-benchmarks", "cz-benchmarks"])


@writer
def anndata_of_means(folder: Path) -> Case:
    path = save(folder / "p.h5ad", tiny.prediction().to_numpy(), pd.Categorical(tiny.TEST, [*tiny.TEST, "unused"]))
    return Case([*plain_truth(folder), *predicted(path)], ["matrix", "anndata"])


@writer
def state_predict_pseudobulk(folder: Path) -> Case:
    for name, frame in (("pred", tiny.prediction()), ("real", tiny.truth())):
        labels = ["non-targeting" if c == "ctrl" else c for c in frame.index]
        obs = {"pseudobulk_context": "K562", "pseudobulk_n_cells": 40}
        save(folder / "eval_last" / f"adata_{name}.h5ad", frame.to_numpy(), labels, "target_gene", var=None, obs=obs)
    return Case(["--truth", str(folder), *predicted(folder / "eval_last"), *gene_list(folder)], ["state", "state"])


@writer
def state_infer_older(folder: Path) -> Case:
    x, labels = tiny.cells(tiny.prediction())
    path = save(folder / "in_with_preds.h5ad", x, labels, "gene")
    return Case([*plain_truth(folder), *predicted(path)], ["matrix", "state"])


@writer
def state_infer_hvg(folder: Path) -> Case:
    x, labels = tiny.cells(tiny.prediction())
    wide = pd.DataFrame(index=[f"G{i}" for i in range(9)])
    path = save(
        folder / "in_simulated.h5ad",
        np.ones((len(x), 9)),
        labels,
        "gene",
        var=wide,
        obsm={"X_hvg": x[:, ::-1]},
        uns={"X_hvg_var_names": np.array(tiny.GENES[::-1], dtype=object)},
    )
    return Case([*plain_truth(folder), *predicted(path)], ["matrix", "state"])
