"""Calibration: every control is made of the right half, seed, context and part, and judged on the right values."""

from __future__ import annotations

import numpy as np
import pytest

from perturbviz.analyses.calibration import calibration_map, simulated_duplicate, systematic_variation, with_controls
from perturbviz.benchmark import Benchmark
from perturbviz.scoring.evaluation import Evaluation
from tests.wiring.test_rows import named, subset_of
from tests.wiring.test_scores import agree
from tests.wiring.world import CONTEXTS, NAMES, SEEDS


@pytest.fixture(scope="module")
def controlled(bench):
    return with_controls(bench, "half_a")


def by_name(benchmark: Benchmark, method: str, seed: str) -> dict[tuple[str, str], np.ndarray]:
    values = benchmark.prediction(method, seed)
    pairs = zip(benchmark.row_contexts, benchmark.conditions, strict=True)
    return {pair: line for pair, line in zip(pairs, values, strict=True) if pair[1] != "ctrl"}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("control", ["duplicate", "interpolated-duplicate"])
def test_replicates_come_from_the_other_half_and_its_own_p_values(world, controlled, control, seed):
    for (c, name), found in by_name(controlled, control, seed).items():
        np.testing.assert_allclose(found, world.predicted(control, seed, c, name), atol=1e-5, err_msg=f"{c} {name}")


@pytest.mark.parametrize("truth", ["half_a", "all"])
@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_labels_are_truths_of_other_held_out_perturbations(world, bench, seed, truth):
    found = by_name(with_controls(bench, truth), "shuffled", seed)
    for context in CONTEXTS:
        held = [n for s, c, n in world.scored(truth=truth, seeds=(seed,)) if c == context]
        truths = {n: world.observed(context, n, truth) for n in held}
        lent = []
        for name in NAMES:
            value = found[context, name]
            if name not in held:
                assert np.isnan(value).all(), (context, name)
                continue
            (source,) = [n for n, known in truths.items() if np.allclose(known, value, atol=1e-6)]
            assert source != name
            lent.append(source)
        assert sorted(lent) == sorted(held)


def test_a_simulated_replicate_has_the_noise_of_its_own_standard_error(world, bench):
    made = simulated_duplicate(bench)
    z = []
    for line, context, name in zip(made, bench.row_contexts, bench.conditions, strict=True):
        if name == "ctrl":
            continue
        assert np.isnan(line).all() == (not world.known(context, name))
        if world.known(context, name):
            z.append((line - world.truth[context, name]) / world.se[context, name])
    scale = np.std(z, axis=1)  # of each perturbation: errors lie between .2 and .5, so others' would show
    assert np.mean(np.square(z)) == pytest.approx(1, abs=0.1) and scale.max() < 1.6 and scale.min() > 0.6


@pytest.mark.parametrize("key", ["all", "expressed:12", "de:7", "own-targets"])
@pytest.mark.parametrize("positive", ["duplicate", "interpolated-duplicate"])
def test_both_controls_are_scored_on_the_half_that_is_the_truth(world, bench, positive, key):
    pairs = [("mse", "none"), ("wmse", "none"), ("pearson_delta", "control"), ("pearson_delta", "perturbation")]
    for setting, found in zip(
        pairs, calibration_map(Evaluation(bench), [subset_of(key)], positive, pairs), strict=True
    ):
        negative = "no_change" if setting == ("pearson_delta", "perturbation") else "mean"
        assert (found.positive, found.negative) == (positive, negative)
        rows = list(found.rows[["seed", "context", "perturbation"]].itertuples(index=False, name=None))
        assert set(rows) == set(world.scored(truth="half_a"))
        for row, high, low in zip(rows, *found.values[:2], strict=True):
            assert agree(high, world.value(*setting, key, positive, row, truth="half_a")), (setting, row)
            assert agree(low, world.value(*setting, key, negative, row, truth="half_a")), (setting, row)


def test_systematic_variation_compares_with_the_training_shift_of_the_same_seed_and_context(world, bench):
    evaluation = Evaluation(bench)
    found = systematic_variation(evaluation)
    for (s, c, name), value in zip(named(evaluation), found.rows["cosine"], strict=True):
        shift, mine = world.mean(s, c) - world.control[c], world.truth[c, name] - world.control[c]
        assert agree(value, shift @ mine / np.linalg.norm(shift) / np.linalg.norm(mine))
