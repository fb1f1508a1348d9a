"""Shares of views won and deciding choices on the demo and on real screens, where only baselines compete."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from perturbviz.analyses.all_views import sweep
from perturbviz.analyses.all_views.defensible import FACTORS, ViewFilter, defensible
from perturbviz.analyses.robustness import deciding_choices, flattering, shares_of_views
from perturbviz.benchmark import Benchmark, load
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score_view
from perturbviz.stats import average
from tests.analyses.all_views.brute_force import brute_force_shapley

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
METRICS = ["l2", "mse", "mae", "pearson_delta", "cosine", "r2_delta", "wmse", "centroid_accuracy", "direction_match"]


def screen(singles, doubles, single_names, double_names, genes) -> Benchmark:
    """A benchmark in delta space; combinations named in canonical order."""
    names = [*map(str, single_names), *("+".join(sorted(str(d).split("+"))) for d in double_names)]
    obs = pd.DataFrame({"condition": names, "context": "", "is_control": False}, index=names)
    meta = {"schema": 1, "value_space": "delta", "title": "Screen"}
    values = np.concatenate([singles, doubles]).astype(np.float32)
    return Benchmark.from_adata(AnnData(values, obs, pd.DataFrame(index=[str(g) for g in genes]), {"perturbviz": meta}))


def norman() -> Benchmark:
    file = np.load(DATA / "norman_pseudobulk.npz", allow_pickle=True)
    return screen(file["lfc_s"], file["lfc_d"], file["sing_labels"], file["doub_labels"], file["genes_hvg"])


def carpool() -> Benchmark:
    file = np.load(DATA / "carpool_thp1_pseudobulk.npz", allow_pickle=True)
    return screen(file["atoms"], file["double_eff"], file["single_genes"], file["doubles"], file["genes"])


@pytest.mark.parametrize("name", ["demo", "norman", "carpool"])
def test_every_method_has_its_share_and_every_choice_its_part(name):
    if name == "demo":
        benchmark = load(ROOT / "data" / "demo.h5ad")
    elif not DATA.is_dir():
        pytest.skip("the real data are not here")
    else:
        benchmark = {"norman": norman, "carpool": carpool}[name]()
    evaluation = Evaluation(benchmark)
    swept = sweep(evaluation, metrics=METRICS, sizes=(20, 100, 1000), direct_sizes=(20, 100, 1000))
    views = defensible(swept, ViewFilter(sizes=(20, 100, 1000)))
    shares = shares_of_views(views)
    assert set(shares.index) == set(evaluation.methods)
    assert shares["share"].sum() == pytest.approx(1)
    assert (shares["share"] > 0).sum() > 1  # no method wins everywhere

    decides = deciding_choices(views)
    np.testing.assert_allclose(decides.dropna(axis=1).sum(), 1)
    method = shares.index[0]
    m = views.methods.index(method)
    expected = brute_force_shapley(views.frame, views.ranks[:, m], views.vote, FACTORS)
    total = sum(expected.values())
    np.testing.assert_allclose(decides[method], [expected[f] / total for f in FACTORS], atol=1e-9)

    for portrait in flattering(views, method):
        direct = average(score_view(evaluation, portrait.view).values, portrait.view.avg)
        if portrait.view.split == "held-out":
            np.testing.assert_allclose(views.scores[portrait.position], direct, rtol=1e-6)
