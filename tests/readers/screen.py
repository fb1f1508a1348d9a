"""A small experiment as people have it: counts of cells, their logarithms, means, and files of any form."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from perturbviz.benchmark import load as load_benchmark
from perturbviz.cli import main

GENES = [f"GEN{i}" for i in range(40)]
NAMES = ["ctrl", "GEN0", "GEN1", "GEN2", "GEN0+GEN1"]
PER_CONDITION = 15


def counts(depth: int = 3000, seed: int = 11) -> tuple[np.ndarray, list[str]]:
    """Counts of cells (cells, genes) and the condition of each."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(1.2, 1.0, len(GENES)) + 0.05
    change = {g: rng.normal(0, 0.6, len(GENES)) * (rng.random(len(GENES)) < 0.3) for g in NAMES[1:4]}
    cells, labels = [], []
    for name in NAMES:
        rate = base * np.exp(sum((change[g] for g in name.split("+") if g in change), np.zeros(len(GENES))))
        cells.append(rng.poisson(depth * rate / rate.sum(), (PER_CONDITION, len(GENES))))
        labels += [name] * PER_CONDITION
    return np.vstack(cells).astype("f4"), labels


def logs(x: np.ndarray) -> np.ndarray:
    """Each cell brought to 10,000, log1p."""
    return np.log1p(x / x.sum(axis=1, keepdims=True) * 1e4).astype("f4")


def means(x: np.ndarray, labels: list[str]) -> pd.DataFrame:
    """Mean row of each condition."""
    return pd.DataFrame(np.asarray(x, float), columns=GENES).groupby(pd.Series(labels), sort=False).mean()


def cells_file(path: Path, x: np.ndarray, labels: list[str], column: str = "condition", **more) -> Path:
    """An .h5ad of cells."""
    obs = pd.DataFrame({column: labels, **more.pop("obs", {})}, index=[f"c{i}" for i in range(len(labels))])
    ad.AnnData(x, obs=obs, var=pd.DataFrame(index=GENES), **more).write_h5ad(path)
    return path


class World:
    """A folder with a truth, a prediction and what convert and aggregate make of them."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys = folder, capsys
        self.x, self.labels = counts()
        self.log = logs(self.x)
        self.truth = means(self.log, self.labels)
        rng = np.random.default_rng(1)
        self.predicted = self.truth.iloc[1:] + rng.normal(0, 0.1, (len(NAMES) - 1, len(GENES)))
        self.predicted.to_csv(folder / "pred.csv")
        self.truth.to_csv(folder / "truth.csv")

    def run(self, *words):
        """Exit status and stderr."""
        (self.folder / "b.h5ad").unlink(missing_ok=True)
        status = main([*map(str, words), "-o", str(self.folder / "b.h5ad")])
        said = self.capsys.readouterr().err
        assert "Traceback" not in said
        assert (self.folder / "b.h5ad").exists() == (status < 2), said
        return status, said

    def convert(self, truth="truth.csv", prediction="pred.csv", *words):
        return self.run(
            "convert", "--truth", self.folder / truth, "--prediction", f"M={self.folder / prediction}", *words
        )

    def aggregate(self, file, *words):
        return self.run("aggregate", self.folder / file, "--condition", "condition", "--control", "ctrl", *words)

    def check(self, truth=None, predicted=None):
        """Values of the benchmark."""
        b = load_benchmark(self.folder / "b.h5ad")
        got = pd.DataFrame(b.truth, b.conditions, b.genes)
        wanted = self.truth if truth is None else truth
        np.testing.assert_allclose(got.loc[list(wanted.index), GENES], wanted, atol=2e-5)
        if predicted is not None:
            got = pd.DataFrame(b.prediction("M", ""), b.conditions, b.genes)
            np.testing.assert_allclose(got.loc[list(predicted.index), GENES], predicted, atol=2e-5)
        return b


def warned(said):
    return [line for line in said.splitlines() if "warning:" in line]
