"""A small experiment as people have it: counts of cells, their logarithms, means, and files of any form."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

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
