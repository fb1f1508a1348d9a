"""A recipe is the same after a link, and makes the competitor it names."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbviz.benchmark import SLUG
from perturbviz.errors import UserError
from perturbviz.models.linear import LinearModel
from perturbviz.models.recipe import KINDS, Recipe, data_of, data_source, file_source, is_table, source_label

FILE = file_source("gene summaries (v2).json", b"content")
SOURCES = st.sampled_from(["pca", "identity", "random", "zero", FILE, data_source("file:my data_1~x.h5ad")])


KNOBS = st.tuples(
    st.sampled_from(list(KINDS)),
    SOURCES,
    SOURCES,
    st.integers(1, 50),
    st.floats(0, 1e6),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(1, 30),
    st.integers(0, 999),
)


@settings(max_examples=80, deadline=None)
@given(KNOBS)
def test_link_round_trip(knobs):
    kind, gene, perturbation, dims, ridge, *rest = knobs
    recipe = Recipe.of(kind, gene, perturbation, dims, float(f"{ridge:g}"), *rest)
    again = Recipe.from_link(recipe.link)
    assert again == recipe and hash(again) == hash(recipe) and again.label == recipe.label
    assert SLUG.fullmatch(recipe.slug) and "~" not in recipe.link and "__" not in recipe.link


def test_knobs_that_do_not_matter_do_not_make_another_recipe():
    assert Recipe.of("matching", "random", FILE, dims=3) == Recipe("matching")
    assert Recipe.of(seed=4) == Recipe() and Recipe(perturbation="random", seed=4) != Recipe(perturbation="random")
    assert Recipe.of(whole_tables=True, leave_genes_out=True) == Recipe()
    assert Recipe("neighbours", neighbours=3) != Recipe("neighbours") and Recipe.of(neighbours=3) == Recipe()


def test_tables_are_named_by_content_or_benchmark():
    assert file_source("a/b.json", b"x") == file_source("b.json", b"x") != file_source("b.json", b"y")
    assert is_table(FILE) and source_label(FILE) == "gene-summaries-v2"
    assert data_of(data_source("file:my data_1~x.h5ad")) == "file:my data_1~x.h5ad" and data_of(FILE) is None
    assert "pre-trained on demo-b" in Recipe(perturbation=data_source("demo-b")).label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "linear",
        "linear_pca",
        "linear_pca_pca_q",
        "linear_pca_nonsense",
        "linear_pca_pca_k0",
        "linear_pca_pca_l-1",
        "linear_pca_pca_kx",
        "sum_pca_pca",
        "ridge_pca_linf",
        "linear_pca_pca_lnan",
        "linear_pca_pca_k51",
    ],
)
def test_other_strings_are_refused_in_one_sentence(text):
    with pytest.raises(UserError) as error:
        Recipe.from_link(text)
    assert "\n" not in str(error.value)


def test_competitors_get_their_tables(simulated):
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 8)), index=list(simulated.genes))
    with pytest.raises(UserError, match="needs the file “gene-summaries-v2” .content .*, which is not here"):
        Recipe(perturbation=FILE).competitor()
    for kind in KINDS:
        recipe = Recipe.of(kind, perturbation=FILE, dims=3)
        changes, reasons = recipe.competitor({FILE: table}).fit(simulated).predict(["g01"])
        assert np.isfinite(changes).all() and not reasons
    late = Recipe(perturbation=FILE, dims=3).competitor({FILE: table}, cut_when_fitted=True)
    assert isinstance(late, LinearModel) and late.cut_tables
    early = Recipe(perturbation=FILE, dims=3).competitor({FILE: table})
    np.testing.assert_allclose(
        late.fit(simulated).predict(["g01"])[0], early.fit(simulated).predict(["g01"])[0], atol=1e-9
    )
    whole = Recipe(perturbation=FILE, dims=3, whole_tables=True).competitor({FILE: table})
    assert whole.fit(simulated).weights.shape[1] == 8
