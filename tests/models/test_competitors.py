"""Matching mean, neighbours, ridge regression and the forest: by hand on tiny data, and shared promises."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from perturbviz.errors import UserError
from perturbviz.models.forest import Forest
from perturbviz.models.linear import LinearModel
from perturbviz.models.matching import MatchingMean
from perturbviz.models.neighbours import KNeighbours, NearestPerturbation, distance_to_training
from perturbviz.models.regression import RidgeRegression
from perturbviz.models.training import Training

TINY = Training(("A", "B", "C"), np.array([[1.0, 0], [0, 2], [4, 4]]), ("x", "y"))
ROWS = pd.DataFrame([[1.0, 0], [0, 1], [-1, -1], [3, 1], [0, 0.2]], index=list("ABCDE"))


def test_matching_mean_by_hand():
    fitted = MatchingMean().fit(TINY)
    predicted, reasons = fitted.predict(["A", "A+B", "A+Z", "Y+Z", "Z", "ctrl"])
    mean = TINY.changes.mean(axis=0)
    expected = [[1, 0], [0.5, 1], (mean + [1, 0]) / 2, mean, mean, [np.nan, np.nan]]
    np.testing.assert_allclose(predicted, expected)
    assert list(reasons) == ["ctrl"]
    assert [fitted.n_seen(n) for n in ("A+B", "A+Z", "Y+Z")] == [2, 1, 0]


def test_nearest_perturbation_by_hand():
    predicted, reasons = NearestPerturbation(ROWS).fit(TINY).predict(["D", "E", "D+E", "Q", "B+Q"])
    np.testing.assert_allclose(predicted[:3], [[1, 0], [0, 2], [1, 0]])
    assert np.isnan(predicted[3:]).all()
    assert reasons == {"Q": "its target Q has no embedding", "B+Q": "its target Q has no embedding"}
    assert np.array_equal(NearestPerturbation(ROWS, metric="euclidean").fit(TINY).predict(["D"])[0], [[1, 0]])


def test_k_neighbours_average_and_k_beyond_the_data_is_the_mean():
    np.testing.assert_allclose(KNeighbours(ROWS, k=2).fit(TINY).predict(["D"])[0], [[0.5, 1]])
    np.testing.assert_allclose(KNeighbours(ROWS, k=50).fit(TINY).predict(["D"])[0], [TINY.mean()])
    assert KNeighbours(ROWS, k=1).fit(TINY).predict(["D"])[0].tolist() == [[1, 0]]


def test_ridge_regression_is_scikit_learns_on_matched_rows(simulated, table):
    fitted = RidgeRegression(table, ridge=2.0).fit(simulated)
    assert "g00" in simulated.names and "g00" not in fitted.fitted_on
    x = np.array([table.loc[n.split("+")].sum() for n in fitted.fitted_on])
    own = Ridge(2.0).fit(x, simulated.subset(fitted.fitted_on).changes)
    np.testing.assert_allclose(fitted.predict(["g03"])[0], own.predict(table.loc[["g03"]].to_numpy()))


def test_ridge_regression_finds_a_linear_rule(simulated):
    """Without noise and with the true embedding, an unseen perturbation and a combination are predicted exactly."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(30, 3)), index=list(simulated.genes))
    rule = rng.normal(size=(3, 30))
    names = simulated.genes[:10]
    training = Training(names, rows.loc[list(names)].to_numpy() @ rule + 1, simulated.genes)
    predicted, _ = RidgeRegression(rows, ridge=0).fit(training).predict(["g20", "g20+g21"])
    np.testing.assert_allclose(predicted[0], rows.loc["g20"] @ rule + 1, atol=1e-9)
    np.testing.assert_allclose(predicted[1], rows.loc[["g20", "g21"]].sum() @ rule + 1, atol=1e-9)


def test_forest_follows_the_data_and_stays_in_their_range():
    rng = np.random.default_rng(0)
    names = tuple(f"p{i}" for i in range(60))
    rows = pd.DataFrame(rng.normal(size=(60, 2)), index=list(names))
    step = np.where(rows[[0]] > 0, 1.0, -1.0) * np.array([1, 2, -1])
    fitted = Forest(rows, n_trees=30).fit(Training(names[:40], step[:40], ("x", "y", "z")))
    predicted, _ = fitted.predict(names[40:])
    assert np.corrcoef(predicted.ravel(), step[40:].ravel())[0, 1] > 0.8
    assert np.abs(predicted).max() <= 2 + 1e-9


@pytest.mark.parametrize("competitor", [KNeighbours, NearestPerturbation, RidgeRegression, Forest])
def test_deterministic_and_independent_of_the_order(competitor, simulated, table):
    names = ["g01", "g03+g05", "g00"]
    recipe = competitor(table)
    shuffled = simulated.subset(np.random.default_rng(1).permutation(simulated.names))
    a, reasons = recipe.fit(simulated).predict(names)
    np.testing.assert_allclose(a, recipe.fit(shuffled).predict(names)[0], atol=1e-9)
    assert np.isfinite(a[:2]).all() and np.isnan(a[2]).all() and list(reasons) == ["g00"]


@pytest.mark.parametrize(
    "recipe",
    [MatchingMean(), KNeighbours("pca"), NearestPerturbation("pca"), RidgeRegression("pca"), Forest("pca", n_trees=5)],
    ids=lambda r: r.label,
)
def test_changing_held_out_rows_changes_nothing(recipe, simulated):
    train = [n for n in simulated.names if n not in ("g02", "g04", "g02+g04")]
    spoilt = simulated.changes.copy()
    spoilt[[i for i, n in enumerate(simulated.names) if n not in train]] -= 50
    other = Training(simulated.names, spoilt, simulated.genes, simulated.control)
    a, b = (recipe.fit(d.subset(train)).predict(["g02", "g02+g04"])[0] for d in (simulated, other))
    assert np.isfinite(a).all()
    np.testing.assert_array_equal(a, b)


def test_labels_tell_recipes_apart(table):
    table.attrs["name"] = "scgpt"
    recipes = [
        MatchingMean(),
        LinearModel(),
        LinearModel(ridge=1),
        LinearModel("pca", table),
        LinearModel("pca", "random"),
        LinearModel("pca", "random", seed=1),
        LinearModel(sum_doubles=True),
        LinearModel(include_control=True),
        NearestPerturbation(table),
        KNeighbours(table),
        KNeighbours(table, k=3),
        KNeighbours("pca"),
        KNeighbours("pca", dims=3),
        RidgeRegression(table),
        RidgeRegression(table, ridge=3),
        Forest(table),
        Forest(table, seed=1),
        LinearModel("pca", table, cut_tables=True),
        LinearModel(table, "pca", missing_genes="nan"),
    ]
    labels = [r.label for r in recipes]
    assert len(set(labels)) == len(labels), labels
    assert "scgpt" in NearestPerturbation(table).label


def test_distance_to_training_by_hand():
    out = distance_to_training(["D", "A", "A+B", "Q"], ["A", "B", "C"], ROWS, metric="euclidean")
    np.testing.assert_allclose(out["distance"][:3], [5**0.5, 2**0.5, 1])
    assert list(out["nearest"]) == ["A", "B", "A", ""]
    assert out.loc["Q", "reason"] == "its target Q has no embedding"
    assert distance_to_training(["A"], ["A"], ROWS).loc["A", "reason"].startswith("it is the only")
    assert distance_to_training(["A"], ["Z"], ROWS).loc["A", "reason"].startswith("no training perturbation")


def test_distance_takes_the_rows_of_a_fitted_model(simulated):
    fitted = LinearModel().fit(simulated)
    out = distance_to_training(["g03", "NOT"], simulated.names, fitted.rows)
    assert 0 <= out.loc["g03", "distance"] <= 2 and "measured" in out.loc["NOT", "reason"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: KNeighbours(ROWS, k=0),
        lambda: NearestPerturbation(ROWS, k=2),
        lambda: RidgeRegression(ROWS, ridge=-1),
        lambda: Forest(ROWS, n_trees=0),
        lambda: Forest("random", dims=0).fit(TINY),
        lambda: KNeighbours(ROWS.loc[["A", "D"]]).fit(TINY),
        lambda: KNeighbours(ROWS.assign(word="x")).fit(TINY),
        lambda: KNeighbours(pd.concat([ROWS, ROWS])).fit(TINY),
    ],
)
def test_bad_recipes_are_refused_in_one_sentence(make):
    with pytest.raises(UserError) as refused:
        make()
    assert "\n" not in str(refused.value)
