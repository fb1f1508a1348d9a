"""The linear model page: what it draws is what the package computes, and what it adds stays."""

import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from perturbviz.benchmark import load, save
from perturbviz.benchmark.perturbations import targets
from perturbviz.catalogue.entries import CATALOGUE
from perturbviz.models.compete import predict
from perturbviz.models.embedding_files import read_any
from perturbviz.models.held_out import resplit
from perturbviz.models.recipe import Recipe, file_source
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import Given, score
from tests.charts import figures
from tests.conftest import build_adata
from tests.pages.conftest import ROOT, unfold

DEFAULT = Recipe(sum_doubles=True)


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def means(at):
    trace = next(t for t in chart(at, "standing")["data"] if t["uid"] == "means")
    return dict(zip(trace["ids"], np.asarray(trace["x"], float), strict=True))


def written(at):
    return " ".join(m.value for m in (*at.markdown, *at.caption, *at.info, *at.warning))


@pytest.fixture(scope="module")
def demo():
    return load(ROOT / "data" / "demo.h5ad")


def expected(benchmark, recipe):
    """L2 on the default genes, computed without the page."""
    evaluation = Evaluation(benchmark)
    own = [Given("x", "x", predict(evaluation, recipe.competitor()).values)]
    return np.nanmean(score(evaluation, "l2", subset=GeneSubset("expressed", 1000), methods=[], given=own).values)


def test_the_page_shows_what_the_package_computes(open_page, demo):
    at = open_page("linear_model")
    drawn = means(at)
    np.testing.assert_allclose(drawn[DEFAULT.slug], expected(demo, DEFAULT), rtol=1e-5)
    assert {"additive", "mean", "noisy-oracle"} < set(drawn)
    arrows = chart(at, "arrows")
    assert "predicted better by P pre-trained on demo-b than by This model (self-trained)" in arrows["note"]
    assert sum(len(t["x"]) for t in arrows["data"] if t["uid"].startswith("heads")) == 75
    maps = chart(at, "map")
    assert np.asarray(maps["data"][0]["z"]).shape == (10, 8) and "tuning" in maps["note"]
    assert np.nanmin(chart(at, "training")["data"][0]["z"]) < np.nanmin(maps["data"][0]["z"])
    at.select_slider(key="lm_k").set_value(3).run()
    changed = Recipe(sum_doubles=True, dims=3)
    np.testing.assert_allclose(means(at)[changed.slug], expected(demo, changed), rtol=1e-5)
    assert at.query_params["recipe"] in (changed.link, [changed.link])


def test_unseen_singles_by_folds(open_page, demo):
    at = open_page("linear_model", unseen="folds")
    drawn = means(at)
    np.testing.assert_allclose(drawn[DEFAULT.slug], expected(resplit(demo, "folds"), DEFAULT), rtol=1e-5)
    assert "additive" not in drawn and "noisy-oracle" not in drawn and "mean" in drawn
    assert at.selectbox(key="lm_split").value == "folds"
    for look, key in (("spectrum", "spectrum"), ("distance", "distance"), ("learning", "learning")):
        at.segmented_control(key="look").set_value(look).run()
        assert not at.exception and chart(at, key)["note"] and at.query_params["look"] in (look, [look])


def test_pre_training_on_the_second_context_gives_arrows(open_page):
    recipe = Recipe(perturbation="d-demo-b", sum_doubles=True)
    at = open_page("linear_model", recipe=recipe.link)
    assert at.selectbox(key="lm_p").value == "d-demo-b" and recipe.slug in means(at)
    assert at.selectbox(key="lm_from").value == "P.pca" and at.selectbox(key="lm_to").value == "this"
    assert "than by Self-trained" in chart(at, "arrows")["note"]


def test_added_methods_compete_on_every_page_and_live_in_the_link(open_page, demo):
    at = open_page("linear_model")
    at.button(key="lm_add").click().run()
    assert not at.exception and at.button(key="lm_add").disabled
    link = dict(at.query_params.items())
    assert DEFAULT.link in str(link["lm"])
    at.switch_page("pages/rankings.py").run()
    order = chart(at, "order")["data"][0]
    assert DEFAULT.slug in order["ids"]
    again = open_page("rankings", **link)
    order = chart(again, "order")["data"][0]
    drawn = dict(zip(order["ids"], np.asarray(order["x"], float), strict=True))
    np.testing.assert_allclose(drawn[DEFAULT.slug], expected(demo, DEFAULT), rtol=1e-5)
    at.switch_page("pages/linear_model.py").run()
    at.button(key=f"lm_remove_{DEFAULT.link}").click().run()
    assert "lm" not in at.query_params
    at.switch_page("pages/rankings.py").run()
    assert DEFAULT.slug not in chart(at, "order")["data"][0]["ids"]


def test_a_recipe_whose_file_is_not_here_says_so(open_page):
    source = file_source("texts.json", b"elsewhere")
    recipe = Recipe(perturbation=source, sum_doubles=True)
    at = open_page("rankings", lm=f"{recipe.link}__demo~nonsense__demo")
    assert recipe.slug not in chart(at, "order")["data"][0]["ids"]
    assert "texts" in written(at) and "is not here" in written(at) and "not a recipe" in written(at)
    at = open_page("linear_model", recipe=recipe.link)
    assert "The file “texts” (content" in written(at) and not figures(at)


def test_other_models_and_what_they_have_not(open_page):
    at = open_page("linear_model", recipe="nearest_pca_k10")
    assert Recipe("nearest").slug in means(at)
    assert "the linear model" in written(at)  # the map is its
    at = open_page("linear_model", recipe="matching")
    at.segmented_control(key="look").set_value("distance").run()
    assert not at.exception and "no embedding of perturbations" in written(at)


@pytest.mark.parametrize("ending", ["npz", "json"])  # further formats: tests/models
def test_an_uploaded_embedding_is_used_and_kept_out_of_the_link(open_page, demo, ending):
    names = sorted({*demo.genes[:80], *(t for c in demo.conditions for t in targets(c))})
    values = np.random.default_rng(0).normal(size=(len(names), 4)).round(3)
    file = io.BytesIO()
    if ending == "npz":
        np.savez(file, genes=np.array(names), embedding=values)
    else:
        words = {n: " ".join(f"word{j}" for j in range(8) if (i >> j) % 2 or j == i % 8) for i, n in enumerate(names)}
        file.write(json.dumps(words).encode())
    at = open_page("linear_model")
    at.file_uploader(key="lm_file").upload(f"own.{ending}", file.getvalue()).run()
    source = file_source(f"own.{ending}", file.getvalue())
    recipe = Recipe(perturbation=source, sum_doubles=True)
    assert not at.exception and at.query_params["recipe"] in (recipe.link, [recipe.link])
    table = read_any(file.getvalue(), f"own.{ending}", {*demo.genes, *names}).table
    found = predict(Evaluation(demo), recipe.competitor({source: table}))
    assert found.predicted.all() and "All 75 held-out perturbations" in written(at)
    assert f"own.{ending}" in written(at) and recipe.slug in means(at)


def test_an_uploaded_file_that_knows_no_gene_says_so(open_page):
    at = open_page("linear_model")
    at.file_uploader(key="lm_file").upload("own.csv", b"gene,x\nNOBODY,1\n").run()
    assert "own.csv names no known gene or perturbation" in written(at) and not figures(at)


def test_combinations_without_sums_cannot_be_entered(open_page):
    at = open_page("linear_model", recipe=Recipe().link)
    assert at.button(key="lm_add").disabled and "sums for combinations" in written(at) + str(
        at.button(key="lm_add").help
    )
    assert "could be predicted. Not predicted: 75 × it is a combination" in written(at)
    assert not at.dataframe  # folded away it is not sent
    assert len(unfold(at, "lm_lost").dataframe[0].value) == 75


@pytest.fixture
def two_screens(tmp_path, monkeypatch):
    """Two simulated screens of other targets, few of them measured, and a file of texts, offered by the operator."""
    rng = np.random.default_rng(0)
    for name, letter, n in (("one", "A", 30), ("other", "B", 12)):
        targets = [f"{letter}{i}" for i in range(n)]
        genes = [*targets[:7], *(f"g{i}" for i in range(40))]
        adata = build_adata(rng.normal(size=(n, len(genes))), targets, genes, space="delta")
        adata.uns["perturbviz"]["title"] = name.title()
        save(adata, tmp_path / f"{name}.h5ad")
    (tmp_path / "embeddings").mkdir()
    texts = {f"A{i}": f"factor of kind{i % 4} and kind{i % 3}" for i in range(25)}
    (tmp_path / "embeddings" / "texts.json").write_text(json.dumps(texts))
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    return tmp_path


def test_few_predictable_perturbations_give_points_without_interval(open_page, two_screens):
    source = file_source("texts.json", (two_screens / "embeddings" / "texts.json").read_bytes())
    at = open_page("linear_model", data="file:one.h5ad", unseen="folds", genes="all")
    text = written(at)
    assert "7 of 30 held-out perturbations could be predicted. Not predicted: 23 × target is not among" in text
    assert "This model (self-trained) 7" in text
    assert "P texts 25" in text and "Random P 30" in text
    assert "No interval: 7 perturbations" in chart(at, "standing")["note"]
    bars = next(t for t in chart(at, "standing")["data"] if t["uid"] == "means")
    assert not np.any(bars["error_x"]["array"])
    at.selectbox(key="lm_p").set_value(source).run()
    at.pills(key="lm_beside").set_value(["random"]).run()
    assert "25 of 30 perturbed genes" in written(at) and "interval over" in chart(at, "standing")["note"]
    bars = next(t for t in chart(at, "standing")["data"] if t["uid"] == "means")
    assert np.all(np.asarray(bars["error_x"]["array"]) > 0)


def test_an_unseen_dose_is_compared_with_the_mean_of_the_others(open_page, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    targets_, genes = [f"g{i}" for i in range(15)], [f"g{i}" for i in range(40)]
    shared = rng.normal(size=(15, 40))
    doses = {
        dose: np.vstack([np.zeros((1, 40)), shared + 0.3 * rng.normal(size=shared.shape)]) + 2
        for dose in ("low", "high")
    }
    adata = build_adata(
        np.vstack([*doses.values()]),
        ["ctrl", *targets_] * 2,
        genes,
        contexts=["low"] * 16 + ["high"] * 16,
        control={dose: values[0] for dose, values in doses.items()},
    )
    save(adata, tmp_path / "doses.h5ad")
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    at = open_page("linear_model", data="file:doses.h5ad", unseen="context", genes="all")
    own, mean = Recipe(), Recipe(perturbation="zero")
    drawn = means(at)
    assert drawn[own.slug] < drawn[mean.slug] and "All 30 held-out perturbations" in written(at)
    assert "better than the mean of the other contexts (paired 95% interval" in written(at)
    assert "than by Mean of the other contexts" in chart(at, "arrows")["note"]
    assert np.isfinite(np.asarray(chart(at, "map")["data"][0]["z"])).all()
    at.segmented_control(key="look").set_value("learning").run()
    assert not at.exception and "the mean ends at" in chart(at, "learning")["note"]
    at.selectbox(key="lm_split").set_value("folds").run()
    assert mean.slug not in means(at) and "mean" in means(at)


def test_descriptions_of_genes_are_a_click_away(open_page, two_screens, serve_folder, monkeypatch):
    """The catalogue's file is fetched, stays for the next session, and stands beside the model at once."""
    (two_screens / "embeddings" / "texts.json").rename(two_screens / "public.json")
    content = (two_screens / "public.json").read_bytes()
    entry = replace(
        CATALOGUE["gene-summaries"],
        filename="public.json",
        sha256=hashlib.sha256(content).hexdigest(),
        title="Some genes",
    )
    monkeypatch.setitem(CATALOGUE, "gene-summaries", entry)
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(two_screens / "cache"))
    monkeypatch.setenv("PERTURBVIZ_MIRROR", "http://127.0.0.1:9")
    at = open_page("linear_model", data="file:one.h5ad", unseen="folds", genes="all")
    at.button(key="lm_get_gene-summaries").click().run()
    assert not at.exception and "is there a network" in written(at)
    monkeypatch.setenv("PERTURBVIZ_MIRROR", serve_folder(two_screens))
    at.button(key="lm_get_gene-summaries").click().run()
    assert not at.exception and "P public 25" in written(at)
    assert not [b for b in at.button if b.key == "lm_get_gene-summaries"]
    assert "P public 25" in written(open_page("linear_model", data="file:one.h5ad", unseen="folds", genes="all"))


def test_screens_without_a_common_target_say_so(open_page, two_screens):
    recipe = Recipe(perturbation="d-file%3Aother.h5ad")
    at = open_page("linear_model", data="file:one.h5ad", genes="all", recipe=recipe.link)
    assert "“Other” and “One” share no target" in written(at) and not figures(at)


def test_pre_training_on_the_same_measurements_is_refused(open_page, two_screens):
    (two_screens / "copy.h5ad").write_bytes((two_screens / "one.h5ad").read_bytes())
    recipe = Recipe(perturbation="d-file%3Acopy.h5ad")
    at = open_page("linear_model", data="file:one.h5ad", genes="all", recipe=recipe.link)
    assert "same measurements" in written(at) and not figures(at)
