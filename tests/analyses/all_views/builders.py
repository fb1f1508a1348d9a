"""A small random benchmark with everything that can go wrong in a sweep: gaps, zeros, ties, two contexts, two seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark import Benchmark


def random_benchmark(seed: int = 0, n_genes: int = 23, contexts: int = 2, space: str = "lognorm") -> Benchmark:
    """Singles (training) and doubles (held out, half test and half val) of five genes, one of which is not measured.

    Methods: "near" and "far" (noise added to the truth), "flat" (exactly the control mean), "tiny" (a change far below
    the truth's), "gappy" (one missing perturbation, one missing target gene).
    """
    rng = np.random.default_rng(seed)
    genes = [f"g{i}" for i in range(n_genes)]
    targets = ["g0", "g3", "g7", f"g{n_genes - 1}", "elsewhere"]
    conditions = [*targets, *("+".join(sorted((a, b))) for i, a in enumerate(targets) for b in targets[:i])]
    parts, values, control, obs = [], [], {}, []
    for c in range(contexts):
        base = rng.gamma(0.5, 1, n_genes)
        base[rng.choice(n_genes, 4, replace=False)] = base[0]  # ties in expression
        control[f"c{c}"] = base if space == "lognorm" else np.zeros(n_genes)
        change = rng.normal(0, 0.3, (len(conditions), n_genes)) * (rng.random((len(conditions), n_genes)) < 0.7)
        values.append(control[f"c{c}"] + change)
        for name in conditions:
            obs.append((name, f"c{c}"))
            parts.append("train" if "+" not in name else ("test" if rng.random() < 0.5 else "val"))
    truth = np.concatenate(values).astype(np.float32)
    background = np.repeat(np.stack(list(control.values())), len(conditions), axis=0)
    near = truth + rng.normal(0, 0.1, truth.shape)
    gappy = truth + rng.normal(0, 0.2, truth.shape)
    gappy[6] = np.nan
    gappy[8, 0] = np.nan
    tiny = background + 1e-5 * rng.normal(size=truth.shape)
    frame = pd.DataFrame(obs, columns=["condition", "context"])
    frame["is_control"] = False
    frame["split__1"] = parts
    frame["split__2"] = [p if p == "train" or rng.random() < 0.8 else "train" for p in parts]
    frame.index = frame["context"] + "::" + frame["condition"]
    layers = {
        "pred__near__1": near,
        "pred__near__2": near + 0.05 * rng.normal(size=truth.shape),
        "pred__far": truth + rng.normal(0, 0.5, truth.shape),
        "pred__flat": background,
        "pred__tiny": tiny,
        "pred__gappy": gappy,
        "de_score": rng.normal(size=truth.shape),
    }
    adata = AnnData(
        truth,
        obs=frame,
        var=pd.DataFrame(index=genes),
        layers={k: np.asarray(v, np.float32) for k, v in layers.items()},
    )
    if space == "lognorm":
        adata.varm["control_mean"] = pd.DataFrame({k: v.astype(np.float32) for k, v in control.items()}, index=genes)
    adata.uns["perturbviz"] = {"schema": 1, "value_space": space, "title": "Random", "simulated": True}
    return Benchmark.from_adata(adata)
