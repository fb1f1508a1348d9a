"""Which rows are scored, what is fitted on which rows (nothing on held-out ones), and rows that hold NaN."""

from __future__ import annotations

import numpy as np
import pytest

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.baselines import BASELINES
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.references import perturbation_mean


def with_other_truth(b: Benchmark, rows: np.ndarray, seed: int = 5) -> Benchmark:
    """A copy of a benchmark with other observed values in some rows."""
    adata = b.adata.copy()
    adata.X[rows] += np.random.default_rng(seed).normal(size=(int(rows.sum()), adata.n_vars)).astype(np.float32)
    return Benchmark.from_adata(adata)


# -- leaks ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", ["1", "2"])
def test_held_out_rows_reach_neither_reference_nor_baselines(random_benchmark, seed):
    b = random_benchmark()
    held = np.isin(b.splits[seed], ("test", "val"))
    changed = with_other_truth(b, held)
    assert not np.array_equal(changed.truth, b.truth)
    np.testing.assert_array_equal(perturbation_mean(changed, seed, "c"), perturbation_mean(b, seed, "c"))
    for baseline in BASELINES.values():
        np.testing.assert_array_equal(baseline.predict(changed, seed), baseline.predict(b, seed), err_msg=baseline.id)
    ours, theirs = Evaluation(b), Evaluation(changed)
    of_seed = np.flatnonzero(ours.rows["seed"] == seed)
    for kind in ("control", "perturbation"):
        np.testing.assert_array_equal(ours.reference(kind, of_seed), theirs.reference(kind, of_seed))
    for method in BASELINES:
        np.testing.assert_array_equal(ours.prediction(method, of_seed), theirs.prediction(method, of_seed))
    # the switch that says it leaks does leak
    assert not np.array_equal(
        ours.reference("perturbation", of_seed, include_held_out=True),
        theirs.reference("perturbation", of_seed, include_held_out=True),
    )


def test_training_rows_do_reach_them(random_benchmark):
    b = random_benchmark()
    changed = with_other_truth(b, (b.splits["1"] == "train") & ~b.is_control)
    for method in ("mean", "additive", "half_sum"):
        assert not np.array_equal(Evaluation(b).prediction(method), Evaluation(changed).prediction(method))
    assert np.array_equal(Evaluation(b).prediction("no_change"), Evaluation(changed).prediction("no_change"))


def test_perturbation_mean_is_the_unweighted_mean_of_training_profiles(random_benchmark):
    b = random_benchmark()
    rows = (b.splits["2"] == "train") & ~b.is_control
    assert rows.sum() == 7  # six singles and one double
    np.testing.assert_allclose(perturbation_mean(b, "2", "c"), b.truth[rows].mean(axis=0), rtol=1e-6)
    everything = perturbation_mean(b, "2", "c", include_held_out=True)
    np.testing.assert_allclose(everything, b.truth[~b.is_control].mean(axis=0), rtol=1e-6)


def test_training_rows_without_truth_are_left_out_of_the_mean(make_benchmark):
    truth = [[1.0, 1], [3, 3], [np.nan, np.nan], [9, 9]]
    b = make_benchmark(truth, ["A", "B", "C", "D"], split=["train", "train", "train", "test"])
    np.testing.assert_array_equal(perturbation_mean(b, "", "c"), [2, 2])


def test_additive_needs_both_singles_in_training(make_benchmark):
    truth = np.arange(10.0).reshape(5, 2)
    b = make_benchmark(
        truth, ["A", "B", "C", "A+B", "A+C"], control=[1, 1], split=["train", "train", "test", "test", "test"]
    )
    evaluation = Evaluation(b)
    by_name = dict(zip(evaluation.rows["perturbation"], evaluation.prediction("additive"), strict=True))
    np.testing.assert_array_equal(by_name["A+B"], truth[0] + truth[1] - 1)
    assert np.isnan(by_name["A+C"]).all() and np.isnan(by_name["C"]).all()
    np.testing.assert_array_equal(evaluation.predicted("additive"), evaluation.rows["perturbation"] == "A+B")


def test_each_context_has_its_own_reference_and_mean(make_benchmark):
    conditions, contexts = ["A", "B", "A", "B"], ["x", "x", "y", "y"]
    b = make_benchmark(
        [[1.0, 2], [3, 4], [50, 60], [70, 80]],
        conditions,
        contexts=contexts,
        control={"x": [0, 1], "y": [10, 11]},
        split=["train", "test"] * 2,
    )
    evaluation = Evaluation(b)
    assert list(evaluation.rows["context"]) == ["x", "y"] and list(evaluation.rows["block"]) == [0, 1]
    np.testing.assert_array_equal(evaluation.reference("control"), [[0, 1], [10, 11]])
    np.testing.assert_array_equal(evaluation.reference("perturbation"), [[1, 2], [50, 60]])
    np.testing.assert_array_equal(evaluation.prediction("mean"), [[1, 2], [50, 60]])
    np.testing.assert_array_equal(evaluation.prediction("no_change"), [[0, 1], [10, 11]])


# -- rows ----------------------------------------------------------------------------------------------------------
def test_rows_are_held_out_perturbations_per_seed(random_benchmark):
    b = random_benchmark()
    rows = Evaluation(b).rows
    assert list(rows.groupby("seed").size()) == [15, 14]
    assert (rows["n_perturbed"] == 2).all() and "ctrl" not in set(rows["perturbation"])
    assert list(b.conditions[rows["obs"]]) == list(rows["perturbation"])
    everything = Evaluation(b, ("train", "val", "test", "unassigned")).rows
    assert len(everything) == 2 * (b.adata.n_obs - 1)  # control is never scored


def test_rows_without_truth_are_not_scored_but_one_missing_gene_keeps_them(make_benchmark):
    truth = [[np.nan, np.nan], [np.nan, 1.0], [1.0, 1.0]]
    rows = Evaluation(make_benchmark(truth, ["A", "B", "C"], split=["test"] * 3)).rows
    assert list(rows["perturbation"]) == ["B", "C"]


def test_predicted_tells_missing_rows_from_missing_genes(make_benchmark):
    prediction = [[1.0, 1.0], [np.nan, 1.0], [np.nan, np.nan]]
    b = make_benchmark(np.ones((3, 2)), ["A", "B", "C"], split=["test"] * 3, predictions={"m": prediction})
    assert list(Evaluation(b).predicted("m")) == [True, True, False]


def test_predictions_follow_the_seed(make_benchmark):
    ones = np.ones((2, 3))
    b = make_benchmark(
        ones,
        ["A", "B"],
        predictions={"m__1": ones, "m__2": 2 * ones, "all": 7 * ones},
        split={"1": ["test", "train"], "2": ["test", "test"], "3": ["test", "train"]},
    )
    evaluation = Evaluation(b)
    assert list(evaluation.rows["seed"]) == ["1", "2", "2", "3"]
    np.testing.assert_array_equal(evaluation.prediction("m")[:, 0], [1, 2, 2, np.nan])
    np.testing.assert_array_equal(evaluation.prediction("all")[:, 0], [7, 7, 7, 7])


def test_genes_may_be_shared_or_one_set_a_row(random_benchmark):
    evaluation = Evaluation(random_benchmark())
    rows, n = np.array([3, 0, 20]), evaluation.benchmark.adata.n_vars
    each = np.stack([np.random.default_rng(r).permutation(n)[:4] for r in rows])
    for values in (
        evaluation.truth,
        lambda *a: evaluation.prediction("good", *a),
        lambda *a: evaluation.reference("perturbation", *a),
    ):
        whole = values(rows)
        np.testing.assert_array_equal(values(rows, each[0]), whole[:, each[0]])
        np.testing.assert_array_equal(values(rows, each), np.take_along_axis(whole, each, axis=1))


def test_half_of_the_cells_as_truth(make_benchmark):
    half = np.array([[1.0, 2], [np.nan, np.nan], [5, 6]])
    b = make_benchmark(np.zeros((3, 2)), ["A", "B", "C"], split=["test"] * 3, layers={"half_a": half, "half_b": half})
    evaluation = Evaluation(b, truth_from="half_a")
    assert list(evaluation.rows["perturbation"]) == ["A", "C"]  # B has no halves
    np.testing.assert_array_equal(evaluation.truth(), half[[0, 2]])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"parts": ()}, "none"), ({"parts": ("tset",)}, "tset"), ({"truth_from": "half_a"}, "half-cell")],
)
def test_what_cannot_be_scored(make_benchmark, arguments, says):
    with pytest.raises(UserError, match=says):
        Evaluation(make_benchmark(np.eye(2), ["A", "B"]), **arguments)


def test_targets_are_columns_of_measured_genes(make_benchmark):
    b = make_benchmark(np.ones((3, 2)), ["g1+g0", "g1+X", "X"], ["g0", "g1"], split=["test"] * 3)
    assert [list(t) for t in Evaluation(b).target_columns] == [[1, 0], [1], []]


# -- reading -------------------------------------------------------------------------------------------------------
def unaligned(matrix: np.ndarray) -> np.ndarray:
    """The same values where floats do not start at multiples of their size, as in a file that is mapped."""
    raw = np.empty(matrix.nbytes + 1, np.uint8)[1:]
    out = raw.view(matrix.dtype).reshape(matrix.shape)
    out[:] = matrix
    assert not out.flags.aligned
    return out


@pytest.mark.parametrize("layout", [np.array, unaligned, np.asfortranarray])
@pytest.mark.parametrize("n", [None, 1, 7, 60, 100])
@pytest.mark.parametrize("own", [False, True])
def test_what_is_gathered_are_the_rows_and_genes_asked_for(random_benchmark, layout, n, own):
    rng = np.random.default_rng(0)
    matrix = layout(rng.normal(size=(40, 100)).astype(np.float32))
    rows = rng.integers(0, 40, 600)  # more than are read at once, in no order
    genes = None if n is None else rng.integers(0, 100, (600, n) if own else n)
    found = Evaluation(random_benchmark()).gather(matrix, rows, genes)
    columns = np.arange(100) if genes is None else genes
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, matrix[rows[:, None], columns])


@pytest.mark.parametrize("n", [None, 1, 60])
def test_reading_some_rows_does_not_copy_all(random_benchmark, n):
    line = np.arange(100, dtype=np.float32)
    every = np.broadcast_to(line, (10**10, 100))  # four terabytes, were they there
    genes = None if n is None else np.arange(n)
    found = Evaluation(random_benchmark()).gather(every, np.array([5, 10**9]), genes)
    np.testing.assert_array_equal(found, np.tile(line[:n], (2, 1)))
