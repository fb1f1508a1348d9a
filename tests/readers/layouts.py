"""The tiny truth and prediction written as each system writes them, from the description of its files.

Every writer returns a :class:`Case`: the words for ``convert``, the systems that must be recognised, and what is
inside.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from tests.readers import tiny


@dataclass
class Case:
    """How to convert a layout, and what must come out besides the prediction of the two doubles."""

    words: list[str]
    systems: list[str]
    truth: bool = True  # False: the truth holds only the tested doubles
    conditions: list[str] = field(default_factory=lambda: list(tiny.CONDITIONS))


WRITERS: dict[str, Callable[[Path], Case]] = {}


def writer(function):
    """Register a layout."""
    WRITERS[function.__name__] = function
    return function


def plain_truth(folder: Path) -> list[str]:
    """``--truth`` with a CSV, for systems that write predictions only."""
    tiny.truth().to_csv(folder / "truth.csv")
    return ["--truth", str(folder / "truth.csv")]


def gene_list(folder: Path, genes=None) -> list[str]:
    (folder / "genes.txt").write_text("\n".join(genes or tiny.GENES) + "\n")
    return ["--genes", str(folder / "genes.txt")]


def predicted(path: Path) -> list[str]:
    return ["--prediction", f"m={path}"]


def run_folder(folder: Path, frame: pd.DataFrame, label: Callable[[str], str]) -> Path:
    folder.mkdir(parents=True)
    table = {label(c): [round(float(v), 8) for v in row] for c, row in frame.iterrows()}
    (folder / "all_predictions.json").write_text(json.dumps(table, indent=4))
    (folder / "gene_names.json").write_text(json.dumps(list(frame.columns)))
    return folder


def plus_control(name: str) -> str:
    return name if "+" in name or name == "ctrl" else f"{name}+ctrl"


@writer
def const_ae(folder: Path) -> Case:
    truth = run_folder(folder / "aa-11", tiny.truth(), plus_control)
    (truth / "n_cells.json").write_text(
        json.dumps(dict(zip(map(plus_control, tiny.CONDITIONS), tiny.N_CELLS, strict=True)))
    )
    with_control = pd.concat([tiny.truth().loc[["ctrl"]], tiny.prediction()])
    run = run_folder(
        folder / "bb-22",
        with_control.iloc[:, [3, 1, 0, 5, 4, 2]],
        lambda c: "_".join(g for g in c.split("+") if g != "ctrl"),
    )
    (folder / "split").write_text(json.dumps({k: [plus_control(c) for c in v] for k, v in tiny.SPLIT.items()}))
    return Case(["--truth", str(truth), *predicted(run), "--split", str(folder / "split")], ["const-ae", "const-ae"])


@writer
def gears_predict_pickle(folder: Path) -> Case:
    out = {c.replace("+", "_"): row.to_numpy() for c, row in tiny.prediction().iterrows()}
    (folder / "pred.pkl").write_bytes(pickle.dumps(out))
    return Case([*plain_truth(folder), *predicted(folder / "pred.pkl"), *gene_list(folder)], ["matrix", "gears"])


@writer
def gears_uncertainty_tuple(folder: Path) -> Case:
    out = {c.replace("+", "_"): row.to_numpy() for c, row in tiny.prediction().iterrows()}
    (folder / "pred.pkl").write_bytes(pickle.dumps((out, dict.fromkeys(out, 0.1))))
    return Case([*plain_truth(folder), *predicted(folder / "pred.pkl"), *gene_list(folder)], ["matrix", "gears"])


def test_res() -> dict:
    """What evaluate() returns: cells of the test conditions."""
    pred, labels = tiny.cells(tiny.prediction())
    real, _ = tiny.cells(tiny.truth().loc[tiny.TEST], seed=4)
    top = np.arange(3)
    return {
        "pert_cat": np.array(labels),
        "pred": pred,
        "truth": real,
        "pred_de": pred[:, top],
        "truth_de": real[:, top],
    }


@writer
def scfoundation_pickled_list(folder: Path) -> Case:
    content = [test_res(), {"mse": 0.1, "pearson": 0.9}, {c: {"mse": 0.1} for c in tiny.TEST}]
    (folder / "Plot.pkl").write_bytes(pickle.dumps(content, protocol=2))
    return Case([*plain_truth(folder), *predicted(folder / "Plot.pkl"), *gene_list(folder)], ["matrix", "gears"])


@writer
def cellpb_test_res(folder: Path) -> Case:
    content = test_res()
    content["pert_cat"] = np.array([f"{c} | K562" for c in content["pert_cat"]], dtype=object)
    (folder / "test_res.pkl").write_bytes(pickle.dumps(content))
    return Case([*plain_truth(folder), *predicted(folder / "test_res.pkl"), *gene_list(folder)], ["matrix", "gears"])


@writer
def gears_npz(folder: Path) -> Case:
    np.savez(folder / "test_res.npz", **test_res())
    words = ["--truth", str(folder / "test_res.npz"), *predicted(folder / "test_res.npz"), *gene_list(folder)]
    return Case(words, ["gears-npz", "gears-npz"], truth=False, conditions=tiny.TEST)


@writer
def systema(folder: Path) -> Case:
    for method, side, frame in (("gears", "pred", tiny.prediction()), ("gears", "gt", tiny.truth().loc[tiny.TEST])):
        frame = frame.iloc[::-1] if side == "pred" else frame
        frame.index = pd.MultiIndex.from_arrays([frame.index, [2] * len(frame)], names=["condition", "n_train"])
        frame.to_csv(folder / f"Norman_2019_3_{method}_post-{side}.csv")
    words = ["--truth", str(folder), "--prediction", f"m={folder}"]
    return Case(words, ["systema", "systema"], truth=False, conditions=tiny.TEST)


@writer
def csendes(folder: Path) -> Case:
    base = folder / "save" / "norman" / "RF" / "go"
    base.mkdir(parents=True)
    pred = tiny.prediction().set_axis(tiny.ENSEMBL, axis=1)
    pred.index = ["CEBPA+BAK1", "CEBPA+KLF1"]
    pred.to_csv(base / "predictions.csv")
    (base / "test_metrics.json").write_text('{"pearson": 0.9}')
    np.savez(
        base / "test_res_best_model.npz",
        pert_cat=pred.index.to_numpy(dtype=object),
        pred=pred.to_numpy(),
        truth=pred.to_numpy(),
    )
    ensembl = tiny.truth().set_axis([f"{e}.4" for e in tiny.ENSEMBL], axis=1)
    ensembl.to_csv(folder / "truth.csv")
    return Case(["--truth", str(folder / "truth.csv"), *predicted(base)], ["matrix", "csendes"])


@writer
def csendes_npz(folder: Path) -> Case:
    base = folder / "save" / "norman" / "mean"
    base.mkdir(parents=True)
    labels = np.array(["CEBPA+BAK1", "CEBPA+KLF1"])
    np.savez(
        base / "test_res_best_model.npz",
        pert_cat=labels,
        pred=tiny.prediction().to_numpy(),
        truth=tiny.truth().loc[tiny.TEST].to_numpy(),
    )
    path = base / "test_res_best_model.npz"
    return Case([*plain_truth(folder), *predicted(path), *gene_list(folder)], ["matrix", "gears-npz"])


@writer
def csv_of_means(folder: Path) -> Case:
    tiny.prediction().iloc[::-1, ::-1].to_csv(folder / "p.csv")
    return Case([*plain_truth(folder), *predicted(folder / "p.csv")], ["matrix", "matrix"])


@writer
def tsv_gz_of_means(folder: Path) -> Case:
    tiny.prediction().to_csv(folder / "p.tsv.gz", sep="\t")
    return Case([*plain_truth(folder), *predicted(folder / "p.tsv.gz")], ["matrix", "matrix"])


@writer
def parquet_of_means(folder: Path) -> Case:
    tiny.prediction().to_parquet(folder / "p.parquet")
    return Case([*plain_truth(folder), *predicted(folder / "p.parquet")], ["matrix", "matrix"])


@writer
def langpert(folder: Path) -> Case:
    frame = tiny.delta(tiny.prediction()).set_axis(range(6), axis=1)
    frame.index.name = "perturbation"
    frame.to_csv(folder / "predictions.csv")
    return Case(
        [*plain_truth(folder), *predicted(folder / "predictions.csv"), *gene_list(folder)], ["matrix", "langpert"]
    )


@writer
def perturbdict(folder: Path) -> Case:
    def write(path, frame):
        entries = {c: {"exprs": row.tolist(), "de_ranked": []} for c, row in frame.iterrows() if c != "ctrl"}
        control = tiny.truth().loc["ctrl"].tolist()
        content = {
            "data": {"gene_names": list(frame.columns), "perturbations": entries},
            "gene_names": list(frame.columns),
            "perturbations": list(entries),
            "ctrl_mean": control,
            "metadata": {},
        }
        path.write_text(json.dumps(content))
        return path

    truth = write(folder / "truth.json", tiny.truth())
    return Case(
        ["--truth", str(truth), *predicted(write(folder / "pred.json", tiny.prediction()))], ["perturbdict"] * 2
    )


@writer
def perteval(folder: Path) -> Case:
    x, labels = tiny.cells(tiny.delta(tiny.prediction()))
    np.savez(folder / "p.npz", pred=x, conditions=np.array(labels), genes=np.array(tiny.GENES))
    words = [*plain_truth(folder), *predicted(folder / "p.npz"), "--system", "perteval"]
    return Case(words, ["matrix", "perteval"])


@writer
def arrays(folder: Path) -> Case:
    np.savez(
        folder / "p.npz",
        pred=tiny.delta(tiny.prediction()).to_numpy(),
        conditions=np.array(tiny.TEST),
        genes=np.array(tiny.GENES),
        value_space="delta",
    )
    return Case([*plain_truth(folder), *predicted(folder / "p.npz")], ["matrix", "arrays"])


# -- R ---------------------------------------------------------------------------------------------------------------
class Rds:
    """A writer of R's serialisation, version 2, for lists, text and named numbers."""

    def __init__(self):
        self.symbols: list[str] = []

    def dump(self, value) -> bytes:
        return b"X\n" + struct.pack(">iii", 2, 0x040300, 0x020300) + self.item(value)

    def item(self, value) -> bytes:
        if value is None:
            return struct.pack(">i", 254)
        if isinstance(value, str):
            value = [value]
        if isinstance(value, pd.Series):
            body = struct.pack(">i", len(value)) + value.to_numpy(">f8").tobytes()
            return struct.pack(">i", 14 | 0x200) + body + self.names(list(value.index))
        if isinstance(value, dict):
            body = struct.pack(">i", len(value)) + b"".join(self.item(v) for v in value.values())
            return struct.pack(">i", 19 | 0x200) + body + self.names(list(value))
        if value and all(isinstance(v, str) for v in value):
            return struct.pack(">ii", 16, len(value)) + b"".join(self.text(v) for v in value)
        return struct.pack(">ii", 19, len(value)) + b"".join(self.item(v) for v in value)

    def text(self, value: str) -> bytes:
        data = value.encode()
        return struct.pack(">ii", 9 | 0x40000, len(data)) + data

    def names(self, names: list[str]) -> bytes:
        if "names" in self.symbols:
            symbol = struct.pack(">i", 255 | (1 << 8))
        else:
            self.symbols.append("names")
            symbol = struct.pack(">i", 1) + self.text("names")
        return struct.pack(">i", 2 | 0x400) + symbol + self.item(names) + struct.pack(">i", 254)


def runs() -> list[dict]:
    """The collected predictions as the paper's script builds them."""
    truth = {plus_control(c): row.astype(float) for c, row in tiny.truth().iterrows()}
    pred = {c.replace("+", "_"): row.astype(float) for c, row in tiny.prediction().iterrows()}
    return [
        {
            "id": "a-1",
            "name": "norman-1-ground_truth",
            "perturbation": list(truth),
            "prediction": truth,
            "prediction_std": truth,
        },
        {"id": "b-1", "name": "norman-1-gears", "perturbation": list(pred), "prediction": pred, "prediction_std": None},
    ]


@writer
def const_ae_rds(folder: Path) -> Case:
    import gzip

    (folder / "double_perturbation_results_predictions.RDS").write_bytes(gzip.compress(Rds().dump(runs())))
    split = {k: [plus_control(c) for c in v] for k, v in tiny.SPLIT.items()}
    parameters = [
        {"id": r["id"], "name": r["name"], "parameters": {"seed": "1"}, "test_train_labels": split} for r in runs()
    ]
    (folder / "double_perturbation_results_parameters.RDS").write_bytes(gzip.compress(Rds().dump(parameters)))
    return Case(["--truth", str(folder), "--prediction", f"m={folder}"], ["const-ae-rds", "const-ae-rds"])
