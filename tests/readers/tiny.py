"""One tiny truth for all reader tests: control, three singles, two doubles, six genes; and a prediction of it."""

import numpy as np
import pandas as pd

GENES = ["CEBPA", "KLF1", "HLA-A", "RP11-34P13.14", "MT-ND1", "TBCE"]
ENSEMBL = [f"ENSG000000000{i:02d}" for i in range(11, 17)]
CONDITIONS = ["ctrl", "BAK1", "CEBPA", "KLF1", "BAK1+CEBPA", "CEBPA+KLF1"]
TEST = ["BAK1+CEBPA", "CEBPA+KLF1"]
N_CELLS = [40, 10, 12, 14, 6, 8]
SPLIT = {"train": ["ctrl", "BAK1", "CEBPA", "KLF1"], "test": ["BAK1+CEBPA"], "val": ["CEBPA+KLF1"]}


def truth() -> pd.DataFrame:
    """Log-normalised means, conditions x genes."""
    rng = np.random.default_rng(7)
    base = np.array([1.5, 0.25, 2.0, 0.5, 3.0, 1.0])
    change = rng.normal(0, 0.15, (6, 6))
    change[0] = 0
    return pd.DataFrame(np.maximum(base + change, 0.01), CONDITIONS, GENES).astype(np.float32)


def prediction() -> pd.DataFrame:
    """A prediction of the two doubles, near the truth."""
    rng = np.random.default_rng(8)
    out = truth().loc[TEST]
    return (out + rng.uniform(0.01, 0.1, out.shape)).astype(np.float32)


def delta(frame: pd.DataFrame) -> pd.DataFrame:
    """Changes against the truth's control."""
    return frame - truth().loc["ctrl"]


def cells(frame: pd.DataFrame, per_condition: int = 4, seed: int = 3) -> tuple[np.ndarray, list[str]]:
    """Cells whose means are exactly the rows of ``frame`` (up to rounding), and their labels."""
    rng = np.random.default_rng(seed)
    blocks, labels = [], []
    for name, row in frame.iterrows():
        noise = rng.uniform(-0.005, 0.005, (per_condition, frame.shape[1]))
        blocks.append(row.to_numpy(float) + noise - noise.mean(axis=0))
        labels += [name] * per_condition
    return np.vstack(blocks).astype(np.float32), labels
