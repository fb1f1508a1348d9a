"""The linear model: published numbers, limits that are known exactly, and that it sees training data only."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.models.embeddings import gene_scores, pretrained, random_rows
from perturbviz.models.linear import LinearModel
from perturbviz.models.training import Training

#: metrics_golden.json, "linear_model": authors' code on the four-perturbation fixture.
CONTROL = np.array([1, 2, 0.5, 3, 1.5, 0])
CHANGES = np.array([[2, 2, 0.5, 2.5, 1.5, 0.2], [1, 3, 0.5, 3, 1, 0], [1.5, 2, 1.5, 3, 1.5, 0.4]]) - CONTROL
G = pd.DataFrame([[1, 0], [0, 1], [1, 1], [2, -1], [-1, 0], [0, -1]], index=[f"g{i}" for i in range(1, 7)])
P = pd.DataFrame([[1, 0], [0, 1], [1, 1], [0.5, -1]], index=list("ABCD"))
GOLDEN = {
    "W": [[-0.02505517877156944, 0.06388114282216945], [-0.08502764415595343, 0.0918747846141381]],
    "b": [0.5, 1 / 3, 1 / 3, -1 / 6, -1 / 6, 0.2],
    "D": [0.4235912678, 0.1989447266, 0.1225359944, -0.1850955244, -0.0902579345, 0.3343886067],
}


@pytest.fixture
def fixture() -> Training:
    return Training(("A", "B", "C"), CHANGES, tuple(G.index), CONTROL)


def test_golden_weights_intercept_and_prediction(fixture):
    fitted = LinearModel(G, P).fit(fixture)
    np.testing.assert_allclose(fitted.weights, GOLDEN["W"], atol=1e-9)
    np.testing.assert_allclose(fitted.intercept, GOLDEN["b"], atol=1e-9)
    np.testing.assert_allclose(fitted.predict(["D"])[0][0], GOLDEN["D"], atol=1e-9)


def test_golden_file_says_the_same(shared_file):
    golden = json.loads(shared_file("reference/metrics_golden.json").read_text())["linear_model"]
    for key in ("W", "b"):
        np.testing.assert_allclose(GOLDEN[key], golden[key], atol=1e-9)
    np.testing.assert_allclose(GOLDEN["D"], golden["pred_change"], atol=1e-9)


def test_equals_the_kronecker_least_squares_problem(simulated, table):
    """Each side is a ridge problem of its own: solve them one after the other with normal equations."""
    model = LinearModel("pca", table, dims=4, ridge=0.7, sum_doubles=True)
    fitted = model.fit(simulated)
    g, p = fitted.gene_rows, fitted.rows.rows(fitted.fitted_on)[0]
    y = simulated.subset(fitted.fitted_on).changes
    right = np.linalg.solve(p.T @ p + 0.7 * np.eye(5), p.T @ (y - y.mean(0)))
    w = np.linalg.solve(g.T @ g + 0.7 * np.eye(4), g.T @ right.T)
    np.testing.assert_allclose(fitted.weights, w, atol=1e-10)


def test_control_as_a_zero_change(simulated, table):
    """The paper's variant equals the plain one on data with a row of zeros whose embedding is zero."""
    with_zero = Training(
        (*simulated.names, "zero"), np.vstack([simulated.changes, np.zeros(30)]), simulated.genes, simulated.control
    )
    zero_row = pd.concat([table, pd.DataFrame(np.zeros((1, 5)), index=["zero"])])
    paper = LinearModel("pca", table, dims=4, include_control=True).fit(simulated)
    plain = LinearModel("pca", zero_row, dims=4).fit(with_zero)
    np.testing.assert_allclose(paper.intercept, plain.intercept, atol=1e-12)
    np.testing.assert_allclose(paper.predict(["g03"])[0], plain.predict(["g03"])[0], atol=1e-9)
    n = len(paper.fitted_on)
    np.testing.assert_allclose(paper.intercept, simulated.subset(paper.fitted_on).mean() * n / (n + 1))


@pytest.mark.parametrize(
    "change", [{"ridge": np.inf}, {"ridge": 1e14}, {"perturbation_embedding": "zero"}, {"gene_embedding": "zero"}]
)
def test_limits_give_the_mean(simulated, change):
    fitted = LinearModel("pca", "random", dims=5).fit(simulated)
    assert not np.allclose(fitted.predict(["g03"])[0][0], simulated.mean(), atol=1e-3)
    fitted = replace(LinearModel("pca", "random", dims=5), **change).fit(simulated)
    np.testing.assert_allclose(fitted.predict(["g03"])[0][0], simulated.mean(), atol=1e-9)


def test_identities_without_ridge_reproduce_training(simulated):
    predicted, reasons = LinearModel("identity", "identity", ridge=0).fit(simulated).predict(simulated.names)
    np.testing.assert_allclose(predicted, simulated.changes, atol=1e-10)
    assert not reasons


def test_identity_table_equals_identity(simulated):
    eye = pd.DataFrame(np.eye(30), index=list(simulated.genes))
    for ridge in (0, 0.3):
        a = LinearModel("identity", "random", ridge=ridge).fit(simulated).predict(["g01"])[0]
        np.testing.assert_allclose(a, LinearModel(eye, "random", ridge=ridge).fit(simulated).predict(["g01"])[0])


def test_gene_scores_are_principal_components(simulated):
    profiles = (simulated.changes + simulated.control).T
    left, size, _ = np.linalg.svd(profiles - profiles.mean(axis=0), full_matrices=False)
    scores = gene_scores(simulated, 6).to_numpy()
    np.testing.assert_allclose(np.abs(scores), np.abs(left[:, :6] * size[:6]), atol=1e-8)
    assert (scores[np.abs(scores).argmax(axis=0), range(6)] > 0).all()
    np.testing.assert_allclose(gene_scores(simulated, 3), scores[:, :3], atol=1e-9)
    assert gene_scores(simulated, 99).shape[1] <= len(simulated.names)


def test_pretrained_scores_are_those_of_the_other_data(simulated):
    other = pretrained(simulated, 3)
    centred = simulated.changes - simulated.changes.mean(axis=0)
    np.testing.assert_allclose(other.T @ other, np.diag(np.linalg.svd(centred)[1][:3] ** 2), atol=1e-8)
    stranger = Training(("x", "y"), simulated.changes[:2], simulated.genes)
    with pytest.raises(UserError, match="0 of 2 training perturbations have a row.*x: its target x has no embedding"):
        LinearModel("pca", other).fit(stranger)


def test_changing_held_out_rows_changes_nothing(simulated):
    """Everything fitted comes from the training rows: the rest may hold anything."""
    everything, train = simulated.names, [n for n in simulated.names if n not in ("g02", "g04", "g02+g04")]
    spoilt = simulated.changes.copy()
    spoilt[[everything.index(n) for n in everything if n not in train]] += 100
    spoilt = Training(everything, spoilt, simulated.genes, simulated.control)
    for model in (LinearModel(sum_doubles=True), LinearModel("identity", "random"), LinearModel(include_control=True)):
        a, b = (data.subset(train) for data in (simulated, spoilt))
        np.testing.assert_array_equal(model.fit(a).predict(["g02"])[0], model.fit(b).predict(["g02"])[0])


def test_order_of_perturbations_and_genes_does_not_matter(simulated, table):
    rng = np.random.default_rng(0)
    genes = list(rng.permutation(simulated.genes))
    shuffled = simulated.subset(rng.permutation(simulated.names)).on_genes(genes)
    for model in (LinearModel(), LinearModel("random", table), LinearModel(table, "random")):
        a, b = (model.fit(data).predict(["g02", "g06"])[0] for data in (simulated, shuffled))
        np.testing.assert_allclose(pd.DataFrame(a, columns=simulated.genes)[genes], b, atol=1e-7)


def test_unpredictable_perturbations_are_nan_with_a_reason(simulated, table):
    predicted, reasons = LinearModel("pca", table).fit(simulated).predict(["g01", "g00", "g02+g04", "ctrl"])
    assert np.isfinite(predicted[0]).all() and np.isnan(predicted[1:]).all()
    assert reasons["g00"] == "its target g00 has no embedding"
    assert "combination" in reasons["g02+g04"] and "control" in reasons["ctrl"]
    _, reasons = LinearModel().fit(simulated).predict(["NOT_MEASURED"])
    assert "not among the measured genes" in reasons["NOT_MEASURED"]
    _, reasons = LinearModel("pca", "identity").fit(simulated).predict(["g01"])
    assert "not in the training data" in reasons["g01"]


def test_doubles_are_sums_of_rows(simulated, table):
    fitted = LinearModel("pca", table, sum_doubles=True).fit(simulated)
    (a, b, ab), _ = fitted.predict(["g03", "g05", "g03+g05"])
    np.testing.assert_allclose(ab, a + b - fitted.intercept, atol=1e-10)
    assert fitted.predict(["g00+g05"])[1] == {"g00+g05": "its target g00 has no embedding"}


def test_genes_without_a_row_get_the_mean_or_nothing(simulated, table):
    mean = LinearModel(table, "random").fit(simulated)
    np.testing.assert_allclose(mean.predict(["g01"])[0][0, 0], simulated.mean()[0])
    assert mean.without_row.sum() == 1
    nan = LinearModel(table, "random", missing_genes="nan").fit(simulated)
    assert list(np.isnan(nan.predict(["g01"])[0][0])) == [True] + [False] * 29
    np.testing.assert_array_equal(mean.weights, nan.weights)


def test_random_rows_depend_on_name_and_seed_alone():
    rows = random_rows(["a", "b"], 2000)
    np.testing.assert_array_equal(rows[1], random_rows(["b"], 2000)[0])
    np.testing.assert_array_equal(rows[:, :7], random_rows(["a", "b"], 7))
    assert not np.array_equal(rows, random_rows(["a", "b"], 2000, seed=1))
    assert np.abs(rows.mean(axis=1)).max() < 0.1 and np.abs(rows.std(axis=1) - 1).max() < 0.1
    assert abs(np.corrcoef(rows)[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"ridge": -1}, "0 or more"),
        ({"ridge": np.nan}, "0 or more"),
        ({"dims": 0}, "at least one dimension"),
        ({"gene_embedding": "nonsense"}, "no gene embedding 'nonsense'"),
        ({"perturbation_embedding": "nonsense"}, "no embedding 'nonsense'"),
        ({"gene_embedding": P}, "0 of 30 genes have a row"),
    ],
)
def test_bad_recipes_are_refused(simulated, kwargs, message):
    with pytest.raises(UserError, match=message):
        LinearModel(**kwargs).fit(simulated)


def test_bad_training_data_are_refused():
    for names, changes, message in [
        (("A", "A"), np.zeros((2, 2)), "'A' occurs twice"),
        (("A", "B"), np.zeros((2, 3)), "shape"),
        (("A", "B"), np.array([[0, np.nan], [0, 0]]), "1 missing"),
        ((), np.zeros((0, 2)), "nothing to train on"),
    ]:
        with pytest.raises(UserError, match=message):
            Training(names, changes, ("x", "y"))


def test_refit_is_quick(seconds):
    """1,000 perturbations × 8,000 genes, K = 50, scores at hand: under 0.3 s."""
    rng = np.random.default_rng(0)
    genes = tuple(f"g{i}" for i in range(8000))
    training = Training(genes[:1000], rng.normal(size=(1000, 8000)), genes)
    scores = pd.DataFrame(rng.normal(size=(8000, 50)), index=list(genes))
    assert seconds(lambda: LinearModel(dims=50).fit(training, scores)) < 0.3
