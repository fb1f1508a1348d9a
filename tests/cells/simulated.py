"""Small simulated cells, and the same statistics computed the plain way with everything in memory."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse, stats

REAL_CELLS = Path(__file__).parents[2].parent / "shared" / "data" / "perturbench_devel_cells.h5ad"
ASKED = {"condition": "perturbation", "control": "control"}


def counts_of(n_cells=600, n_genes=40, seed=0):
    """Simulated counts with a different depth per cell; gene 0 is never seen, gene 1 responds to A."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["control", "A", "B", "A+B", "B+A", "C"], n_cells, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    rate = rng.gamma(0.5, 2.0, n_genes) * rng.uniform(0.5, 2, (n_cells, 1))
    rate[:, 0] = 0
    rate[np.char.find(labels, "A") >= 0, 1] += 6
    obs = pd.DataFrame(
        {"perturbation": labels, "line": rng.choice(["x", "y"], n_cells)}, index=[f"cell{i}" for i in range(n_cells)]
    )
    var = pd.DataFrame(index=[f"g{i}" for i in range(n_genes)])
    return ad.AnnData(sparse.csr_matrix(rng.poisson(rate).astype(np.float32)), obs=obs, var=var)


def lognorm(counts):
    """Normalise each cell to 1e4 and log1p; dense float64."""
    dense = counts.toarray().astype(float)
    return np.log1p(dense / dense.sum(axis=1, keepdims=True) * 1e4)


def plain_de(x, y):
    """scanpy's t-test_overestim_var of cells x against cells y, by scipy: t and adjusted p."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t, p = stats.ttest_ind_from_stats(
            x.mean(0), x.std(0, ddof=1), len(x), y.mean(0), y.std(0, ddof=1), len(x), equal_var=False
        )
    t[np.isnan(t)], p[np.isnan(p)] = 0, 1
    return t, stats.false_discovery_control(p)


def assert_same(a, b, tolerance=1e-6):
    """Two results agree in every row, column and layer."""
    assert list(a.obs_names) == list(b.obs_names)
    assert list(a.var_names) == list(b.var_names)
    pd.testing.assert_frame_equal(a.obs, b.obs, check_dtype=False, rtol=tolerance)
    np.testing.assert_allclose(a.X, b.X, rtol=tolerance, atol=tolerance)
    for key in a.layers:
        np.testing.assert_allclose(a.layers[key], b.layers[key], rtol=tolerance, atol=tolerance, err_msg=str(key))
