"""Between benchmarks and competitors: training rows only, every held-out row predicted or explained."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.models.compete import (
    all_perturbations,
    enter,
    held_out,
    most_common,
    parts,
    predict,
    shared,
    side_by_side,
    training,
)
from perturbviz.models.diagnostics import error_map, learning_curve
from perturbviz.models.embeddings import pretrained
from perturbviz.models.held_out import SPLITS, resplit, split_problem
from perturbviz.models.linear import LinearModel
from perturbviz.models.recipe import KINDS, Recipe
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import Given, score

MODEL = LinearModel(dims=3, sum_doubles=True)


def spoilt(benchmark: Benchmark, rows: np.ndarray) -> Benchmark:
    """The same benchmark with other values in the given rows."""
    a = benchmark.adata
    truth = a.X.copy()
    truth[rows] = 50 - 3 * truth[rows]
    layers = {k: v for k, v in a.layers.items() if not k.startswith("pred__")}
    return Benchmark(
        AnnData(truth, obs=a.obs, var=a.var, layers=layers, varm=dict(a.varm), uns=a.uns),
        benchmark.splits,
        benchmark.split_origin,
    )


@pytest.fixture
def two_contexts(make_benchmark):
    """Singles and doubles in two contexts, half of each held out in the first."""
    rng = np.random.default_rng(4)
    genes = [f"g{i}" for i in range(25)]
    names = [*genes[:8], *(f"g{i}+g{i + 1}" for i in range(6))]
    truth = rng.normal(2, 1, size=(2 * (len(names) + 1), 25))
    part = ["train"] + ["train", "test"] * 7
    return make_benchmark(
        truth,
        ["ctrl", *names] * 2,
        genes,
        contexts=["x"] * 15 + ["y"] * 15,
        control={"x": truth[0], "y": truth[15]},
        split=part + ["train"] * 15,
    )


@pytest.mark.parametrize(
    ("kind", "how"), [*(("linear", how) for how in SPLITS), *((kind, "random") for kind in KINDS if kind != "linear")]
)
def test_changing_held_out_rows_changes_no_prediction(two_contexts, kind, how):
    benchmark = resplit(two_contexts, how, n_seeds=1)
    recipe = Recipe.of(kind, dims=3, sum_doubles=True, include_control=kind == "linear")
    for seed in benchmark.seeds:
        held = np.isin(benchmark.splits[seed], ["test", "val"])
        assert held.any()
        one = replace(benchmark, splits={seed: benchmark.splits[seed]})
        a, b = (predict(Evaluation(x), recipe.competitor()) for x in (one, spoilt(one, held)))
        np.testing.assert_array_equal(a.values, b.values)
        assert a.predicted.any() and list(a.reasons) == list(b.reasons)
        c = predict(Evaluation(spoilt(one, one.splits[seed] == "train")), recipe.competitor())
        assert not np.array_equal(a.values, c.values, equal_nan=True)  # the test can fail


def test_missing_values_of_held_out_rows_change_no_prediction(two_contexts):
    holed = spoilt(two_contexts, np.zeros(30, bool))
    holed.adata.X[np.flatnonzero(two_contexts.splits[""] == "test")[0], 3] = np.nan
    a, b = (predict(Evaluation(x), MODEL) for x in (two_contexts, holed))
    np.testing.assert_array_equal(a.values, b.values)


def test_training_holds_the_training_rows_by_name(two_contexts):
    found = training(two_contexts, "", "x")
    rows = (two_contexts.splits[""] == "train") & (two_contexts.row_contexts == "x") & ~two_contexts.is_control
    assert list(found.names) == list(two_contexts.conditions[rows])
    np.testing.assert_allclose(found.profiles, two_contexts.truth[rows], atol=1e-6)
    np.testing.assert_allclose(found.control, two_contexts.control("x"))
    held = held_out(two_contexts, "", "x")
    assert not set(held.names) & set(found.names) and len(held.names) + len(found.names) == 14
    assert held_out(two_contexts, "", "y") is None


def test_parts_are_training_and_held_out_of_one_split(two_contexts):
    train, held = parts(two_contexts)
    np.testing.assert_array_equal(train.changes, training(two_contexts, "", "x").changes)
    assert held.names == held_out(two_contexts, "", "x").names
    with pytest.raises(UserError, match="holds out no perturbation of y"):
        parts(two_contexts, context="y")
    with pytest.raises(UserError, match="no context 'z'; it has: x, y"):
        parts(two_contexts, context="z")
    with pytest.raises(UserError, match="no split '9'"):
        parts(two_contexts, seed="9")


def test_predictions_are_those_of_the_model_plus_control(two_contexts):
    evaluation = Evaluation(two_contexts)
    found = predict(evaluation, MODEL)
    fitted = MODEL.fit(training(two_contexts, "", "x"))
    changes, reasons = fitted.predict(list(evaluation.rows["perturbation"]))
    assert not reasons and set(evaluation.rows["context"]) == {"x"}
    np.testing.assert_allclose(found.values, changes + two_contexts.control("x"), rtol=1e-5)
    assert list(found.fits) == [("", "x")] and found.seconds > 0


def test_an_unseen_context_learns_from_the_others(two_contexts):
    benchmark = resplit(two_contexts, "context")
    assert benchmark.seeds == ("x", "y")
    copying = predict(Evaluation(benchmark), LinearModel("identity", "identity", ridge=0))
    rows = Evaluation(benchmark).rows
    y = benchmark.row_contexts == "y"
    change = dict(zip(benchmark.conditions[y], benchmark.truth[y] - benchmark.control("y"), strict=True))
    for i in np.flatnonzero(rows["context"] == "x"):
        expected = change[rows["perturbation"][i]] + benchmark.control("x")
        np.testing.assert_allclose(copying.values[i], expected, atol=1e-5)


def test_map_and_learning_curve_of_an_unseen_context(two_contexts):
    """The same names in training and held out are no leak there; in one context they are."""
    benchmark = resplit(two_contexts, "context")
    train, held = parts(benchmark, "x", "x")
    assert set(held.names) == set(train.names) and (held.context, train.context) == ("x", "y")
    model = LinearModel(dims=3, sum_doubles=True)
    found = error_map(train, held, [3], [0.1], model)
    assert found.n_held_out == 14 and found.held_out[0, 0] > found.training[0, 0]
    curve = learning_curve(model, train, held, [14], repeats=1)
    np.testing.assert_allclose(curve["l2"], found.held_out[0])
    with pytest.raises(UserError, match="held out and in the training data"):
        error_map(train, replace(held, context="y"), [3], [0.1], model)


def test_without_control_profiles_do(make_benchmark, random_benchmark):
    with_control = random_benchmark(control=None, predictions={})
    assert not with_control.has_control
    found = predict(Evaluation(with_control), LinearModel(dims=3, sum_doubles=True))
    same = predict(Evaluation(random_benchmark(predictions={})), LinearModel(dims=3, sum_doubles=True))
    np.testing.assert_allclose(found.values, same.values, rtol=1e-4)


def test_changes_are_predicted_as_changes(random_benchmark):
    benchmark = random_benchmark(space="delta", control=None, predictions={})
    found = predict(Evaluation(benchmark), LinearModel("zero", "zero"))
    mean = benchmark.truth[(benchmark.splits["1"] == "train") & ~benchmark.is_control].mean(axis=0)
    np.testing.assert_allclose(found.values[0], mean, rtol=1e-5)


def test_an_entered_competitor_is_a_method_like_any_other(random_benchmark):
    before = random_benchmark()
    after = enter(before, MODEL, "My <b>model</b>", note="how")
    assert after.methods == ("good", "poor", "My-b-model-b") and before.methods == ("good", "poor")
    assert after.display_name("My-b-model-b") == "My <b>model</b>"
    assert after.meta["methods"]["My-b-model-b"]["kind"] == "linear"
    evaluation = Evaluation(before)
    found = predict(evaluation, MODEL)
    mine = [Given("mine", "Mine", found.values)]

    def alone(metric, **more):
        return score(evaluation, metric, methods=[], given=mine, **more)

    beside = score(evaluation, "l2", methods=["mean"], given=mine)
    assert (beside.methods, beside.names) == (("mean", "mine"), ("Perturbation mean", "Mine"))
    for metric in ("l2", "centroid_accuracy"):
        one = alone(metric).values
        np.testing.assert_allclose(one, score(Evaluation(after), metric, methods=["My-b-model-b"]).values)
    both = side_by_side(score(evaluation, "l2", methods=["good"]), alone("l2"))
    np.testing.assert_array_equal(both.values, score(evaluation, "l2", methods=["good"], given=mine).values)
    np.testing.assert_array_equal(alone("l2", rows=np.array([3, 1])).values, alone("l2").values[:, [3, 1]])
    with pytest.raises(UserError, match="do not fit"):
        score(evaluation, "l2", given=[Given("mine", "Mine", found.values[:2])])


def test_rows_without_a_prediction_say_why(random_benchmark):
    benchmark = random_benchmark(predictions={})
    evaluation = Evaluation(benchmark)
    found = predict(evaluation, LinearModel(dims=3))
    assert not found.predicted.any() and np.isnan(found.values).all()
    assert all("combination" in reason for reason in found.reasons)
    with pytest.raises(UserError, match="predicts none of the .* held-out rows: it is a combination"):
        enter(benchmark, LinearModel(dims=3))
    table = pd.DataFrame(np.eye(1), index=["g0"])
    lost = predict(evaluation, LinearModel("pca", table))
    assert not lost.fits and "at least 2" in most_common(lost.reasons)
    held = replace(
        benchmark, splits={"1": np.where(benchmark.splits["1"] == "train", "unassigned", "test").astype(object)}
    )
    with pytest.raises(UserError, match="no training perturbations for seed 1"):
        training(held, "1", "c")


# -- other splits --------------------------------------------------------------------------------------------------
def test_folds_hold_every_single_out_once_a_seed(two_contexts):
    benchmark = resplit(two_contexts, "folds")
    rows = Evaluation(benchmark).rows
    rows["repeat"] = rows["seed"].str.partition(".")[0]
    counts = rows.groupby(["repeat", "context", "perturbation"]).size()
    assert (counts == 1).all() and len(counts) == 5 * 2 * 8
    assert all((benchmark.n_perturbed[p == "train"] == 1).all() for p in benchmark.splits.values())


def test_a_new_split_leaves_the_methods_of_the_file_behind(random_benchmark):
    before = random_benchmark()
    after = resplit(before, "random")
    assert after.methods == () and before.methods and after.content_id != before.content_id
    assert len({resplit(before, how).content_id for how in ("file", "folds", "seen1", "seen2", "random")}) == 5
    assert "hashes" in after.split_origin and resplit(before, "file") is before


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_combinations_have_as_many_seen_targets_as_said(random_benchmark, seen):
    benchmark = resplit(random_benchmark(8, predictions={}), f"seen{seen}")
    for part in benchmark.splits.values():
        singles = set(benchmark.conditions[(part == "train") & (benchmark.n_perturbed == 1)])
        for name in benchmark.conditions[part == "test"]:
            assert len(singles & set(name.split("+"))) == seen


def test_splits_that_make_no_sense_are_refused(random_benchmark, make_benchmark):
    benchmark = random_benchmark(predictions={})
    assert "one context only" in split_problem(benchmark, "context")
    singles = make_benchmark(np.ones((3, 4)), ["ctrl", "g0", "g1"], control=np.ones(4))
    for how, why in (("folds", "at least 5"), ("seen1", "at least 5"), ("context", "context"), ("none", "no split")):
        with pytest.raises(UserError, match=why):
            resplit(singles, how)


# -- pre-training --------------------------------------------------------------------------------------------------
def test_what_two_benchmarks_share(random_benchmark, make_benchmark):
    one, other = random_benchmark(seed=1, predictions={}), random_benchmark(seed=2, predictions={})
    found = shared(one, other)
    assert (found.perturbations, found.targets, found.genes) == (21, 6, 30) and not found.same_measurements
    assert shared(one, random_benchmark(seed=1)).same_measurements
    assert shared(one, resplit(one, "random")).same_measurements
    stranger = make_benchmark(np.eye(3), ["ctrl", "A", "B"], ["A", "B", "C"], control=np.zeros(3))
    assert shared(one, stranger).targets == 0
    table = pretrained(all_perturbations(other), 3)
    assert set(table.index) == set(other.conditions) - {"ctrl"}
    assert predict(Evaluation(one), LinearModel("pca", table, dims=3, sum_doubles=True)).predicted.all()


@pytest.mark.parametrize("what", ["changes", "scale", "one of many", "a further context", "without control", "rounded"])
def test_the_same_measurements_are_known_in_any_guise(random_benchmark, make_benchmark, what):
    """Pre-training on them would let held-out perturbations in."""
    one, rng = random_benchmark(seed=1, predictions={}), np.random.default_rng(0)
    names, control = list(one.conditions), one.control("c").astype(float)
    truth = np.where(one.is_control[:, None], control, one.truth).astype(float)
    other = rng.normal(2, 1, truth.shape)
    if what == "changes":
        copy = make_benchmark(truth - control, names, one.genes, space="delta", control=None)
    elif what == "scale":
        copy = make_benchmark((truth - control) / np.log(2), names, one.genes, space="delta", control=None)
    elif what == "one of many":
        other[3] = truth[3]
        copy = make_benchmark(other, names, one.genes, control=control)
    elif what == "a further context":
        copy = make_benchmark(
            np.vstack([truth, other]),
            names * 2,
            one.genes,
            contexts=["x"] * len(names) + ["y"] * len(names),
            control={"x": control, "y": other[0]},
        )
    elif what == "without control":
        copy = make_benchmark(truth + 5, names, one.genes, control=None)
    else:
        copy = make_benchmark(truth.round(3), names, one.genes, control=control.round(3))
    assert shared(one, copy).same_measurements and shared(copy, one).same_measurements
    assert not shared(
        one, make_benchmark(rng.normal(2, 1, truth.shape), names, one.genes, control=control)
    ).same_measurements


def test_contexts_are_averaged_for_pre_training(two_contexts):
    found = all_perturbations(two_contexts)
    assert len(found.names) == 14
    b = two_contexts
    rows = [np.flatnonzero((b.conditions == "g0") & (b.row_contexts == c))[0] for c in ("x", "y")]
    expected = np.mean([b.truth[r] - b.control(c) for r, c in zip(rows, ("x", "y"), strict=True)], axis=0)
    np.testing.assert_allclose(found.changes[found.index["g0"]], expected, atol=1e-6)
