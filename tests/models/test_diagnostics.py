"""The map of errors equals refitting every setting; the spectrum and the learning curve are what they say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.models.diagnostics import error_map, l2, learning_curve, spectrum
from perturbviz.models.embeddings import gene_scores, singular_values
from perturbviz.models.linear import LinearModel
from perturbviz.models.matching import MatchingMean
from perturbviz.models.neighbours import KNeighbours
from perturbviz.models.training import Training

HELD = ["g02", "g06", "g10", "g02+g04"]
DIMS, RIDGES = (1, 3, 7, 40), (0.0, 0.1, 10.0, np.inf)


@pytest.fixture
def parts(simulated):
    return simulated.subset([n for n in simulated.names if n not in HELD]), simulated.subset(HELD)


def models(table):
    wide = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 45)), index=[f"g{i:02d}" for i in range(30)])
    return {
        "both from the data": LinearModel(),
        "control and sums": LinearModel(include_control=True, sum_doubles=True),
        "tables": LinearModel(table, table, sum_doubles=True),
        "cut tables": LinearModel(table, wide, cut_tables=True),
        "more dimensions than data": LinearModel(wide, wide),
        "genes left out": LinearModel(table, "random", missing_genes="nan"),
        "identity genes": LinearModel("identity", "random"),
        "identity both": LinearModel("identity", "identity", sum_doubles=True),
        "zero": LinearModel("zero", "zero"),
    }


@pytest.mark.parametrize("which", models(pd.DataFrame()).keys())
def test_map_equals_refitting(which, parts, table):
    training, held = parts
    model = models(table)[which]
    found = error_map(training, held, DIMS, RIDGES, model)
    for i, k in enumerate(DIMS):
        for j, ridge in enumerate(RIDGES):
            fitted = replace(model, dims=k, ridge=ridge).fit(training)
            own = l2(fitted.predict(fitted.fitted_on)[0], training.subset(fitted.fitted_on).changes).mean()
            predicted, reasons = fitted.predict(held.names)
            np.testing.assert_allclose(found.training[i, j], own, atol=1e-6, err_msg=f"{k} {ridge}")
            np.testing.assert_allclose(found.held_out[i, j], np.nanmean(l2(predicted, held.changes)), atol=1e-6)
            assert reasons == found.reasons and found.n_held_out == 4 - len(reasons)


def test_map_without_a_predictable_perturbation(parts):
    training, held = parts
    found = error_map(training, held, [2], [0.1], LinearModel("pca", "identity"))
    assert np.isnan(found.held_out).all() and np.isfinite(found.training).all() and len(found.reasons) == 4


def test_held_out_may_not_be_in_training(simulated):
    for call in (
        lambda: error_map(simulated, simulated.subset(["g02"]), [2], [0.1]),
        lambda: learning_curve(MatchingMean(), simulated, simulated.subset(["g02"]), [3]),
    ):
        with pytest.raises(UserError, match="'g02' is held out and in the training data"):
            call()


def test_map_aligns_genes_by_name(parts):
    training, held = parts
    shuffled = held.on_genes(np.random.default_rng(0).permutation(held.genes))
    a, b = (error_map(training, h, [3], [0.1]).held_out for h in (held, shuffled))
    np.testing.assert_allclose(a, b)


def test_spectrum_is_the_variance_of_the_gene_scores(simulated):
    table = spectrum(simulated)
    scores = gene_scores(simulated, 5)
    np.testing.assert_allclose(table["singular_value"][:5], np.linalg.norm(scores, axis=0), atol=1e-8)
    assert table["cumulative"].iloc[-1] == pytest.approx(1) and (np.diff(table["singular_value"]) <= 1e-12).all()
    centred = simulated.changes - simulated.changes.mean(axis=0)
    own = np.linalg.svd(centred, compute_uv=False) ** 2
    np.testing.assert_allclose(table["change_explained"], own / own.sum(), atol=1e-9)
    assert len(singular_values(simulated, include_control=True)) == len(table) + 1


def test_learning_curve_ends_at_the_whole_training_set(parts):
    training, held = parts
    whole = l2(MatchingMean().fit(training).predict(held.names)[0], held.changes).mean()
    curve = learning_curve(MatchingMean(), training, held, [2, 5, 14], repeats=3, seed=4)
    assert curve.groupby("size").size().to_dict() == {2: 3, 5: 3, 14: 3}
    np.testing.assert_allclose(curve.loc[curve["size"] == 14, "l2"], whole)
    mean = np.linalg.norm(training.mean() - held.changes, axis=1).mean()
    np.testing.assert_allclose(curve.loc[curve["size"] == 14, "mean_l2"], mean)
    pd.testing.assert_frame_equal(curve, learning_curve(MatchingMean(), training, held, [2, 5, 14], 3, 4))
    with pytest.raises(UserError, match="between 1 and 14"):
        learning_curve(MatchingMean(), training, held, [15])


def test_learning_curve_says_why_a_size_is_missing(parts, table):
    training, held = parts
    curve = learning_curve(KNeighbours(table), training, held, [1], repeats=2)
    assert curve["l2"].isna().all() and curve["reason"].str.contains("needs at least 2").all()


def test_map_of_a_hundred_settings_is_quick(seconds):
    """1,000 perturbations × 8,000 genes, ten K up to 50 × ten λ: under 3 s."""
    rng = np.random.default_rng(0)
    genes = tuple(f"g{i}" for i in range(8000))
    training = Training(genes[:1000], rng.normal(size=(1000, 8000)), genes)
    held = Training(genes[1000:1100], rng.normal(size=(100, 8000)), genes)
    assert seconds(lambda: error_map(training, held, range(5, 51, 5), np.logspace(-3, 6, 10))) < 3
