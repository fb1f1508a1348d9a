"""Whatever is fitted sees the observed training perturbations of its seed and context, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from perturbviz.analyses.goodhart import Arena, Knobs
from perturbviz.analyses.goodhart.partition import partition
from perturbviz.models import compete, learning_curve
from perturbviz.models.recipe import Recipe
from perturbviz.models.training import Predicted, Training
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import Given, score
from perturbviz.ui import cache_linear
from tests.wiring.test_rows import named
from tests.wiring.world import CONTEXTS, SEEDS

BLOCKS = [(s, c) for s in SEEDS for c in CONTEXTS]


@dataclass(frozen=True, eq=False)
class Memory:
    """A competitor that predicts the mean change of what it was shown."""

    label: str = "memory"

    def fit(self, training: Training) -> Recalled:
        return Recalled(training)


@dataclass(frozen=True, eq=False)
class Recalled:
    seen: Training

    def predict(self, names: Sequence[str]) -> Predicted:
        return np.tile(self.seen.changes.mean(axis=0), (len(names), 1)), {}


def same_rows(world, found: Training, context: str, names: Sequence[str]) -> None:
    assert sorted(found.names) == sorted(names) and sorted(found.genes) == sorted(world.genes)
    at = [world.genes.index(g) for g in found.genes]
    for name, change, profile in zip(found.names, found.changes, found.profiles, strict=True):
        np.testing.assert_allclose(change, (world.truth[context, name] - world.control[context])[at], atol=1e-6)
        np.testing.assert_allclose(profile, world.truth[context, name][at], atol=1e-6)


@pytest.mark.parametrize(("seed", "context"), BLOCKS)
def test_training_and_held_out_rows_are_those_of_the_split(world, bench, seed, context):
    same_rows(world, compete.training(bench, seed, context), context, world.trained(seed, context))
    for parts in (("test", "val"), ("test",), ("val",)):
        names = [n for _, c, n in world.scored(parts, seeds=(seed,)) if c == context]
        same_rows(world, compete.held_out(bench, seed, context, parts), context, names)
    train, held = compete.parts(bench, seed, context)
    assert not set(train.names) & set(held.names)
    same_rows(world, train, context, world.trained(seed, context))


def test_pre_training_on_another_data_set_takes_every_observed_perturbation(world, bench):
    found = compete.all_perturbations(bench)
    for name, change in zip(found.names, found.changes, strict=True):
        known = [world.truth[c, name] - world.control[c] for c in CONTEXTS if world.known(c, name)]
        np.testing.assert_allclose(change, np.mean(known, axis=0), atol=1e-6)


@pytest.mark.parametrize("parts", [("test", "val"), ("train",), ("test",)])
def test_a_competitor_learns_from_training_rows_whatever_is_scored(world, bench, parts):
    evaluation = Evaluation(bench, parts)
    found = compete.predict(evaluation, Memory())
    assert set(found.fits) == set(BLOCKS)
    for block, fitted in found.fits.items():
        same_rows(world, fitted.seen, block[1], world.trained(*block))
    expected = [world.mean(s, c) for s, c, _ in named(evaluation)]
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    some, genes = np.array([7, 1, 4]), GeneSubset("own", own=(world.genes[3], world.genes[0]))
    memory = [Given("memory", "Memory", found.values)]
    scores = score(evaluation, "mse", subset=genes, methods=[], rows=some, given=memory)
    at = np.array(expected)[some][:, [3, 0]]
    np.testing.assert_allclose(
        scores.values[0], ((evaluation.truth()[some][:, [3, 0]] - at) ** 2).mean(axis=1), atol=1e-5
    )


def test_an_entered_competitor_predicts_held_out_rows_of_each_seed(world, bench):
    entered = compete.enter(bench, Memory(), "Memory")
    for s in SEEDS:
        for c, name, value in zip(bench.row_contexts, bench.conditions, entered.prediction("Memory", s), strict=True):
            if (s, c, name) in world.scored():
                np.testing.assert_allclose(value, world.mean(s, c), atol=1e-5)
            else:
                assert np.isnan(value).all()


@pytest.mark.parametrize("link", ["linear_zero_zero_k1_l0.1", "linear_pca_pca_k3_l1e+12_s"])
def test_the_linear_model_of_the_page_learns_from_the_same_rows(world, bench, link):
    for block in BLOCKS:
        same_rows(world, cache_linear.training(bench, *block), block[1], world.trained(*block))
    evaluation = Evaluation(bench)
    found = cache_linear.predictions(evaluation, Recipe.from_link(link))
    for i, (s, c, name) in enumerate(named(evaluation)):  # an infinite penalty leaves the mean change
        if found.predicted[i]:
            np.testing.assert_allclose(found.values[i], world.mean(s, c), atol=1e-4, err_msg=f"{s} {c} {name}")
    assert found.predicted.any()


@pytest.mark.parametrize(("seed", "context"), BLOCKS)
def test_the_learning_curve_ends_with_all_training_rows_against_the_held_out_ones(world, bench, seed, context):
    train, held = compete.parts(bench, seed, context)
    line = learning_curve(Memory(), train, held, [len(train.names)], repeats=1).iloc[0]
    names = [n for _, c, n in world.scored(seeds=(seed,)) if c == context]
    errors = [np.linalg.norm(world.truth[context, n] - world.mean(seed, context)) for n in names]
    assert line["l2"] == pytest.approx(np.mean(errors), abs=1e-5) and line["n_predicted"] == len(names)


# -- the Goodhart lab ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("parts", [("test", "val"), ("train",)])
def test_a_transformation_sees_training_rows_of_its_seed_and_context(world, bench, parts):
    evaluation = Evaluation(bench, parts)
    rows = np.random.default_rng(1).permutation(len(evaluation.rows))
    arena = Arena(evaluation, "net", rows)
    chosen = [named(evaluation)[i] for i in rows]
    start = np.array([world.predicted("net", *row) for row in chosen])
    np.testing.assert_allclose(arena.start, start, atol=1e-6)
    for seed, context in BLOCKS:
        at = np.array([i for i, row in enumerate(chosen) if row[:2] == (seed, context)])
        seen = arena.allowed(seed, context, at, Knobs(copy=True, blend=0.5, blend_to="flat"))
        assert list(seen.names) == [chosen[i][2] for i in at]
        assert sorted(seen.training_names) == sorted(world.trained(seed, context))
        for name, profile in zip(seen.training_names, seen.training, strict=True):
            np.testing.assert_array_equal(profile, world.truth[context, name])
        np.testing.assert_allclose(seen.mean, world.mean(seed, context), atol=1e-6)
        np.testing.assert_allclose(seen.control, world.control[context], atol=1e-6)
        np.testing.assert_allclose(seen.other, [world.predicted("flat", *chosen[i]) for i in at], atol=1e-6)
    expected = []
    for s, c, name in chosen:  # the training profile nearest to the prediction, never its own
        guess = world.predicted("net", s, c, name)
        others = [world.truth[c, n] for n in world.trained(s, c) if n != name]
        expected.append(guess if np.isnan(guess).any() else min(others, key=lambda t: float(np.sum((t - guess) ** 2))))
    np.testing.assert_array_equal(arena.transform(Knobs(copy=True)), expected)
    half = [(np.array(world.predicted("net", *row)) + world.mean(*row[:2])) / 2 for row in chosen]
    np.testing.assert_allclose(arena.transform(Knobs(blend=0.5, blend_to="mean")), half, atol=1e-5)


def test_tuned_on_validation_rows_and_reported_on_test_rows_of_each_seed(world, bench):
    evaluation = Evaluation(bench)
    found = partition(evaluation, np.arange(len(evaluation.rows)))
    rows = named(evaluation)
    for s in SEEDS:
        assert {rows[i] for i in found.tune[s]} == set(world.scored(("val",), seeds=(s,)))
        assert {rows[i] for i in found.report[s]} == set(world.scored(("test",), seeds=(s,)))
