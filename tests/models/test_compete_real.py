"""The linear model on Norman's and CaRPool's singles: who can be predicted, and that nothing beats the mean by much."""

import numpy as np
import pytest
from anndata import AnnData

from perturbviz.benchmark import Benchmark
from perturbviz.models.compete import predict, shared
from perturbviz.models.embedding_files import read_any
from perturbviz.models.held_out import resplit
from perturbviz.models.recipe import Recipe, file_source
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import Given, score
from tests.conftest import build_adata


def canonical(names):
    return ["+".join(sorted(str(n).split("+"))) for n in names]


@pytest.fixture(scope="module")
def norman(shared_file_once):
    d = np.load(shared_file_once("norman_pseudobulk.npz"))
    adata: AnnData = build_adata(
        np.vstack([d["lfc_s"], d["lfc_d"]]),
        canonical([*d["sing_labels"], *d["doub_labels"]]),
        d["genes_hvg"],
        space="delta",
    )
    return Benchmark.from_adata(adata)


@pytest.fixture(scope="module")
def carpool(shared_file_once):
    d = np.load(shared_file_once("carpool_thp1_pseudobulk.npz"))
    adata = build_adata(
        np.vstack([d["atoms"], d["double_eff"]]) + d["ctrl"],
        canonical([*d["single_genes"], *d["doubles"]]),
        d["genes"],
        control=d["ctrl"],
    )
    return Benchmark.from_adata(adata)


@pytest.fixture(scope="module")
def texts(shared_file_once):
    file = shared_file_once("gene_summaries.json")
    return file_source(file.name, file.read_bytes()), file.read_bytes()


def predictable(evaluation, found):
    return evaluation.rows["perturbation"][found.predicted].nunique()


def test_normans_singles(norman, texts):
    source, content = texts
    evaluation = Evaluation(resplit(norman, "folds"))
    assert evaluation.rows["perturbation"].nunique() == 104 and len(evaluation.benchmark.seeds) == 25
    table = read_any(content, "gene_summaries.json", norman.genes.union(norman.conditions)).table
    models = {"self": Recipe(), "text": Recipe(perturbation=source), "random": Recipe(perturbation="random")}
    found = {m: predict(evaluation, r.competitor({source: table})) for m, r in models.items()}
    assert [predictable(evaluation, f) for f in found.values()] == [57, 103, 104]
    given = [Given(m, m, f.values) for m, f in found.items()]
    rows = np.flatnonzero(np.all([f.predicted for f in found.values()], axis=0))
    ranking = rank(score(evaluation, "l2", methods=["mean"], rows=rows, given=given), n=300)
    assert len(ranking.scores.rows["perturbation"].unique()) == 57
    assert (ranking.table["low"] < ranking.table["score"]).all() and (
        ranking.table["score"] < ranking.table["high"]
    ).all()
    for model in models:  # none is clearly better than the mean
        assert ranking.difference(model, "mean")[2] > 0


def test_carpools_singles(carpool, norman):
    evaluation = Evaluation(resplit(carpool, "folds"))
    found = predict(evaluation, Recipe().competitor())
    assert evaluation.rows["perturbation"].nunique() == 28 and predictable(evaluation, found) == 7
    assert shared(carpool, norman).targets == 0 and shared(carpool, norman).genes == 179


def test_normans_doubles_by_sums_of_rows_do_not_reach_additive(norman):
    evaluation = Evaluation(norman)
    found = predict(evaluation, Recipe(sum_doubles=True).competitor())
    sums = [Given("sums", "sums", found.values)]
    rows = np.flatnonzero(found.predicted & evaluation.predicted("additive"))
    assert len(rows) > 30
    table = rank(score(evaluation, "l2", methods=["additive", "mean"], rows=rows, given=sums), n=300).table
    assert table.loc["additive", "score"] < table.loc["sums", "score"]
