"""Time to read a benchmark of 30 layers x 225 conditions x 19,264 genes; the goal is under one second.

``python benchmarks/read.py [FOLDER]`` writes the file (0.5 GB) to FOLDER (default: the temporary folder), reads it
three times and removes it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark import load, save

LAYERS, CONDITIONS, GENES = 30, 225, 19_264


def main() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((CONDITIONS, GENES), np.float32)
    names = ["ctrl"] + [f"P{i}" for i in range(CONDITIONS - 1)]
    obs = pd.DataFrame({"condition": names, "context": "c", "is_control": [n == "ctrl" for n in names]}, index=names)
    adata = AnnData(truth, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]))
    for k in range(LAYERS):
        adata.layers[f"pred__m{k}"] = truth
    adata.uns["perturbviz"] = {"schema": 1, "value_space": "lognorm", "simulated": True}
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        path = save(adata, Path(folder) / "read.h5ad")
        size = path.stat().st_size / 1e9
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            benchmark = load(path)
            seconds.append(time.perf_counter() - start)
            assert len(benchmark.methods) == LAYERS
            del benchmark
    print(f"read layers={LAYERS} shape={CONDITIONS}x{GENES} GB={size:.2f} seconds={sorted(seconds)[1]:.3f}")


if __name__ == "__main__":
    main()
