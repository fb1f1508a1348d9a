"""Properties on every data set: invariances, chance levels, perfect and empty predictions, undefined values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perturbviz.analyses import interactions
from perturbviz.metrics import CATALOGUE
from perturbviz.metrics.known import Training
from perturbviz.metrics.nonadditive import average_precision, nonadditive_recall
from perturbviz.metrics.retrieval import centroid_accuracy, pds, perturbench_rank, place
from perturbviz.metrics.weighted import de_weights
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import score

P, G = 5, 8
settings.register_profile("quick", max_examples=40, deadline=None)
settings.load_profile("quick")

number = st.floats(-8, 8, width=32).map(lambda x: float(np.float32(round(x, 3))))
matrix = arrays(np.float64, (P, G), elements=number)
seeds = st.integers(0, 10**6)
F = {name: metric.function for name, metric in CATALOGUE.items()}


def call(name: str, truth: np.ndarray, prediction: np.ndarray, genes=None, rows=None, reference=0.0) -> np.ndarray:
    """A metric with whatever it needs, made from gene and row numbers, so that permuting both permutes it as well."""
    genes = np.arange(truth.shape[1]) if genes is None else genes
    rows = np.arange(len(truth)) if rows is None else rows
    card = CATALOGUE[name].card
    stat = np.sin(1 + 3 * rows[:, None] + 7 * genes)
    control = np.tile(np.cos(genes), (len(truth), 1)) - reference
    # no errors of measurement: with them a perfect prediction gets less than 0
    known = {
        "block": np.zeros(len(truth)),
        "own_targets": genes[None] == rows[:, None],
        "training": Training({0.0: np.sin(np.arange(1, 10)[:, None] * (genes + 2) ** 2) - reference}),
        "training_place": np.full(len(truth), -1),
        "control_noise": np.zeros(truth.shape),
        "own_gene": np.array([int(np.flatnonzero(genes == r)[0]) for r in rows]),
        "control": control,
        "weights": de_weights(stat),
        "noise": np.zeros(truth.shape) if "control_noise" in card.needs else None,
        "padj": stat**2 / 10,
        "additive": np.sin(5 * rows[:, None] + genes),
        "thresholds": (-0.5, 0.5),
    }
    parameter = card.parameter
    arguments = {need: known[need] for need in card.needs_of(parameter.default if parameter else "")}
    if parameter:
        arguments[parameter.name] = 3 if parameter.whole_numbers else parameter.default
    if name == "lfc_nmae":
        arguments["fewest"] = 1  # there are eight genes in all
    return np.asarray(F[name](truth - reference, prediction - reference, **arguments))


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape or (P, G))


# 1
@given(matrix, matrix)
def test_errors_agree_with_one_another(y, p):
    np.testing.assert_allclose(F["l2"](y, p) ** 2, G * F["mse"](y, p), rtol=1e-12)
    np.testing.assert_allclose(F["rmse"](y, p) ** 2, F["mse"](y, p), rtol=1e-12)
    assert (F["mae"](y, p) <= F["rmse"](y, p) * (1 + 1e-12)).all()


# 2
@pytest.mark.parametrize("name", [n for n, m in CATALOGUE.items() if m.card.reference == "none"])
@given(seeds)
def test_without_reference_any_shared_one_cancels(name, seed):
    if name in ("pearson", "spearman", "r2") or "additive" in CATALOGUE[name].card.needs:
        return  # raw profiles are what these are about; the additive expectation would have to move along
    y, p, reference = random(seed), random(seed + 1), 3 * random(seed + 2, G)
    np.testing.assert_allclose(call(name, y, p), call(name, y, p, reference=reference), rtol=1e-9)


@pytest.mark.parametrize("name", ["pearson_delta", "cosine", "r2_delta", "weighted_pearson_delta"])
def test_metrics_of_changes_depend_on_the_reference(name):
    y, p = random(1), random(2)
    assert not np.allclose(call(name, y, p), call(name, y, p, reference=random(3, G)))


# 3
@given(matrix, arrays(np.float64, G, elements=number))
def test_a_constant_prediction_scores_chance(y, profile):
    p = np.tile(profile, (P, 1))
    block, none = np.zeros(P), np.full(P, -1)
    for distance in ("l1", "l2"):  # mid-ranks: also with ties
        values = pds(y, p, block=block, own_gene=none, distance=distance)
        assert values.mean() == pytest.approx((P + 1) / (2 * P), abs=1e-12)
    assert perturbench_rank(y, p, block=block) == pytest.approx((P - 1) / (2 * P), abs=1e-12)
    placed = place(p, y)
    accuracy = centroid_accuracy(y, p, block=block)
    if not placed.tied.any():
        np.testing.assert_allclose(np.sort(accuracy), np.linspace(0, 1, P), atol=1e-12)
        assert accuracy.mean() == pytest.approx(0.5, abs=1e-12)
    else:  # ties count as losses
        assert accuracy.mean() < 0.5


@pytest.mark.parametrize("distance", ["l1", "l2"])
@pytest.mark.parametrize("shape", [(62, 1000), (7, 333), (31, 65)])
def test_identical_truths_tie_whatever_the_matrix_product_rounds(distance, shape):
    rng = np.random.default_rng(0)
    y = 3 + rng.normal(size=shape).astype(np.float32).astype(float)
    y[-1], y[-2] = y[0], y[1]
    p = y + 0.1 * rng.normal(size=shape)
    placed = place(p, y, distance)
    twins = [0, 1, shape[0] - 2, shape[0] - 1]
    assert (placed.tied[twins] == 1).all() and (np.delete(placed.tied, twins) == 0).all()
    if distance == "l2":
        n = shape[0]
        accuracy = centroid_accuracy(y, p, block=np.zeros(n))
        np.testing.assert_allclose(accuracy[twins], (n - 2) / (n - 1))  # the twin is no win


@pytest.mark.parametrize("shape", [(62, 1000), (63, 257)])
def test_chance_is_exact_at_real_sizes(shape):
    rng = np.random.default_rng(1)
    y = (5 + rng.normal(size=shape)).astype(np.float32).astype(float)
    p = np.tile(y.mean(axis=0).astype(np.float32), (shape[0], 1)).astype(float)
    assert centroid_accuracy(y, p, block=np.zeros(shape[0])).mean() == pytest.approx(0.5, abs=1e-12)


# 4
@pytest.mark.parametrize("name", CATALOGUE)
@given(seeds)
@settings(max_examples=10)
def test_a_perfect_prediction(name, seed):
    card = CATALOGUE[name].card
    y = random(seed)
    value = call(name, y, y)
    limited = ("precision_at_k", "nonadditive_recall", "nonadditive_precision", "hit_recall", "de_auprc")
    if name in limited:  # by k, n, the budget, or by significance that is not size: see the card
        assert np.nanmax(value) <= 1
        return
    np.testing.assert_allclose(value, card.perfect, atol=1e-9)


# 5
@given(matrix)
def test_the_reference_explains_nothing(change):
    nothing = np.zeros_like(change)
    for value in (
        F["r2_delta"](change, nothing),
        F["weighted_r2_delta"](change, nothing, weights=de_weights(random(0))),
    ):
        assert (value[~np.isnan(value)] <= 1e-12).all()


# 6
@given(matrix, st.floats(-5, 5))
def test_constant_predictions_have_no_correlation(y, constant):
    p = np.full((P, G), constant)
    residue = p * (1 + 1e-15 * np.arange(G))
    for prediction in (p, residue):
        assert np.isnan(F["pearson"](y, prediction)).all() and np.isnan(F["pearson"](prediction, y)).all()
        weighted = F["weighted_pearson_delta"](y, prediction, weights=de_weights(random(0)))
        assert np.isnan(weighted).all()
    assert np.isnan(F["spearman"](y, p)).all()


@pytest.mark.parametrize("shift", [0.0, 0.3, -1.7])
@pytest.mark.parametrize("metric", ["pearson_delta", "weighted_pearson_delta"])
def test_a_change_that_is_constant_up_to_float32_is_undefined(make_benchmark, metric, shift):
    rng = np.random.default_rng(2)
    control = rng.gamma(2, 1, 50).astype(np.float32)
    truth = control + rng.normal(size=(4, 50))
    prediction = np.tile(control * np.float32(1 + 1e-7) + np.float32(shift), (4, 1))
    benchmark = make_benchmark(
        truth, ["A", "B", "C", "D"], control=control, split=["test"] * 4, predictions={"m": prediction}
    )
    scores = score(Evaluation(benchmark), metric, "control", methods=["m"])
    assert np.isnan(scores.values).all() and scores.reasons["m"].startswith("undefined: ")


def test_the_mean_of_a_file_is_the_reference_up_to_rounding(random_benchmark):
    b = random_benchmark()
    mean = np.tile(Evaluation(b).prediction("mean")[0], (b.adata.n_obs, 1))  # of the training rows of seed 1
    other = b.with_predictions("filed-mean", "Mean from a file", {"": mean * (1 + 5e-8)})
    values = score(Evaluation(other), "cosine", "perturbation", methods=["filed-mean", "mean"]).values
    first = Evaluation(other).rows["seed"] == "1"
    np.testing.assert_array_equal(np.isnan(values), [first, np.ones(len(first))])


# 7, 8
@pytest.mark.parametrize("name", CATALOGUE)
@given(seeds)
@settings(max_examples=10)
def test_order_of_genes_and_perturbations_does_not_matter(name, seed):
    y, p = random(seed), random(seed + 1)
    p[:, 2] = p[:, 3] = 0  # tied predictions
    rng = np.random.default_rng(seed)
    genes, rows = rng.permutation(G), rng.permutation(P)
    value = call(name, y, p)
    permuted = call(name, y[np.ix_(rows, genes)], p[np.ix_(rows, genes)], genes, rows)
    np.testing.assert_allclose(permuted, value[rows] if value.ndim else value, rtol=1e-9, atol=1e-12)


# 9
@given(seeds)
def test_an_additive_prediction_calls_no_interaction(seed):
    additive = random(seed)
    arguments = {"additive": additive, "thresholds": (-0.5, 0.5)}
    y = additive + random(seed + 1)
    for prediction in (additive, additive * (1 + 1e-7)):
        assert np.isnan(average_precision(y, prediction, **arguments))
        assert np.isnan(nonadditive_recall(y, prediction, n=3, **arguments))


# 10
@given(matrix, matrix)
def test_no_change_calls_are_buffering_or_other(a, b):
    classes = interactions.paper_classes(a, b, np.zeros_like(a), np.ones(a.shape, bool))
    assert set(interactions.class_names(classes).ravel()) <= {"buffering", "other"}


# 11
@given(matrix, matrix)
def test_tpr_fdp_rises_to_one(observed, predicted):
    score_of, positive = interactions.sided(observed, predicted, -1.0, 1.0)
    assume(positive.any())
    curve = interactions.tpr_fdp(interactions.rank(score_of, positive))
    assert (np.diff(curve.y) >= -1e-12).all() and curve.y[-1] == pytest.approx(1)


# 12
@given(matrix, st.floats(0.1, 100))
def test_weights_sum_to_one_and_have_no_scale(stat, factor):
    weights = de_weights(stat)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights >= 0).all()
    np.testing.assert_allclose(de_weights(-factor * stat), weights, atol=1e-9)


def test_equal_scores_give_uniform_weights():
    np.testing.assert_allclose(de_weights(np.array([[2.0, -2.0, 2.0, 2.0]])), 0.25)


# 14
@given(seeds)
def test_row_wise_and_column_wise_ranks_are_transposes(seed):
    y, p, block = random(seed), random(seed + 1), np.zeros(P)
    columns = perturbench_rank(y, p, block=block)  # truth fixed, predictions ranked
    rows = centroid_accuracy(p, y, block=block)  # the same with the roles exchanged
    np.testing.assert_allclose(columns * P / (P - 1), 1 - rows, atol=1e-12)


@given(seeds)
def test_pds_and_centroid_accuracy_differ_by_the_divisor(seed):
    y, p, block = random(seed), random(seed + 1), np.zeros(P)
    score_of = pds(y, p, block=block, own_gene=np.full(P, -1), distance="l2")
    np.testing.assert_allclose(score_of, 1 - (1 - centroid_accuracy(y, p, block=block)) * (P - 1) / P, atol=1e-12)


# 16
@pytest.mark.parametrize("name", CATALOGUE)
def test_a_subset_of_all_genes_is_all_genes(random_benchmark, name):
    b = random_benchmark()
    b.adata.layers["de_padj"] = np.random.default_rng(1).uniform(0, 0.3, b.adata.shape).astype(np.float32)
    b.adata.layers["se"] = np.random.default_rng(2).uniform(0.1, 0.2, b.adata.shape).astype(np.float32)
    evaluation = Evaluation(b)
    for reference in ("control", "perturbation") if CATALOGUE[name].card.reference == "delta" else ("none",):
        whole = score(evaluation, name, reference)
        same = score(evaluation, name, reference, GeneSubset("expressed", b.adata.n_vars))
        np.testing.assert_array_equal(same.values, whole.values)
        own = score(evaluation, name, reference, GeneSubset("own", own=tuple(b.genes[::-1])))
        np.testing.assert_allclose(own.values, whole.values, rtol=1e-9, atol=1e-12)


# -- parameters and cards ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CATALOGUE)
def test_cards_are_complete(name):
    card = CATALOGUE[name].card
    for part in (
        "id",
        "name",
        "symbol",
        "formula",
        "range",
        "empty",
        "summary",
        "pro",
        "con",
        "gaming",
        "source",
        "family",
        "undefined",
    ):
        assert getattr(card, part), f"{name} has no {part}"
    assert card.unit == "perturbation" or card.shared_genes
    assert not card.parameter or card.parameter.default in card.parameter.choices


@given(matrix)
def test_closest_to_one_is_best(values):
    card = CATALOGUE["sd_ratio"].card
    good = card.goodness(values)
    best = np.unravel_index(good.argmax(), good.shape)
    assert abs(values[best] - 1) == np.abs(values - 1).min()


@pytest.mark.parametrize("distance", ["l1", "l2", "cosine"])
def test_places_do_not_depend_on_how_many_queries_are_taken_at_once(distance, monkeypatch):
    rng = np.random.default_rng(0)
    truth, predictions = rng.normal(size=(17, 9)), rng.normal(size=(17, 9))
    predictions[3], truth[[5, 6]] = np.nan, truth[4]
    whole = place(predictions, truth, distance)
    monkeypatch.setattr("perturbviz.metrics.retrieval.QUERIES", 5)
    parts = place(predictions, truth, distance)
    for name in ("closer", "tied", "others"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
