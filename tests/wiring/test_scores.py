"""Scores: each value equals the definition on the row's own truth, prediction, reference, genes and weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perturbviz.scoring import prepared as scoring
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.prepared import Prepared
from perturbviz.scoring.scores import Scores, score, score_many
from tests.wiring.test_rows import SUBSETS, named, subset_of
from tests.wiring.world import BASELINES, METHODS, World

EVERY = (*METHODS, *BASELINES)
SETTINGS = [
    ("l2", "none"),
    ("mse", "none"),
    ("wmse", "none"),
    ("pearson_delta", "control"),
    ("pearson_delta", "perturbation"),
]
#: Metrics that compare perturbations with one another, on the same genes.
SHARED = [("centroid_accuracy", "none"), ("pds", "none")]
#: Values that fit one piece: a few rows, everything.
PIECES = [90, 10**6]


def agree(found: float, expected: float) -> bool:
    return (math.isnan(found) and math.isnan(expected)) or found == pytest.approx(expected, rel=1e-5, abs=1e-5)


def check(found: Scores, world: World, setting: tuple[str, str], key: str, truth: str = "all") -> None:
    """Compare every line of a score table with the world, by name."""
    frame = found.to_frame()
    rows = list(dict.fromkeys(frame[["seed", "context", "perturbation"]].itertuples(index=False, name=None)))
    assert len(frame) == len(rows) * len(found.methods)
    for line in frame.itertuples():
        row = (line.seed, line.context, line.perturbation)
        expected = world.value(*setting, key, line.method, row, rows, truth)
        assert agree(line.value, expected), (setting, key, line, expected)
        assert line.n_genes == len(world.counted(key, line.context, line.perturbation, truth))


@pytest.mark.parametrize("chunk", PIECES)
@pytest.mark.parametrize("key", SUBSETS)
def test_every_value_is_that_of_its_own_row_genes_and_reference(world, bench, key, chunk, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    settings = SETTINGS + (SHARED if key in ("all", "expressed:12", "own") else [])
    for setting, found in score_many(Evaluation(bench), settings, subset_of(key), EVERY).items():
        check(found, world, setting, key)


@pytest.mark.parametrize("chunk", [90, 10**6])
def test_half_of_the_cells_as_the_truth_has_its_own_genes_and_weights(world, bench, chunk, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    evaluation = Evaluation(bench, truth_from="half_a")
    for key in ("all", "de:7", "own-targets"):
        for setting, found in score_many(evaluation, SETTINGS, subset_of(key), EVERY).items():
            check(found, world, setting, key, "half_a")


@pytest.mark.parametrize("chunk", [90, 10**6])
def test_candidates_are_the_chosen_rows_of_the_same_seed_and_context(world, bench, chunk, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    evaluation = Evaluation(bench)
    some = np.random.default_rng(2).permutation(len(evaluation.rows))[:20]
    for metric, reference in SHARED:
        found = score(evaluation, metric, subset=subset_of("all"), methods=EVERY, rows=some)
        assert list(found.rows["perturbation"]) == list(evaluation.rows["perturbation"].iloc[some])
        check(found, world, (metric, reference), "all")


@pytest.mark.parametrize("chunk", [1, 10**6])
@pytest.mark.parametrize("key", ["all", "expressed:12", "own"])
def test_one_value_a_data_set_is_that_of_its_seed_and_context(world, bench, key, chunk, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    evaluation = Evaluation(bench)
    settings = [("sd_ratio", "none"), ("gene_correlation", "none")]
    for (metric, _), found in score_many(evaluation, settings, subset_of(key), EVERY).items():
        frame = found.to_frame()
        assert len(frame) == 4 * len(EVERY) and set(frame["perturbation"]) == {"*"}
        for line in frame.itertuples():
            expected = world.of_data_set(metric, key, line.method, line.seed, line.context, world.scored())
            assert agree(line.value, expected), (line, expected)


def test_the_reference_over_all_perturbations_is_only_that_where_asked_for(world, bench):
    evaluation = Evaluation(bench)
    for everything in (True, False):
        found = score(
            evaluation,
            "pearson_delta",
            "perturbation",
            subset_of("own"),
            ["net", "flat"],
            include_held_out_in_reference=everything,
        )
        for line in found.to_frame().itertuples():
            at = [world.genes.index(g) for g in world.counted("own", line.context, line.perturbation)]
            minus = world.mean(line.seed, line.context, everything)
            truth = world.truth[line.context, line.perturbation] - minus
            guess = world.predicted(line.method, line.seed, line.context, line.perturbation) - minus
            expected = np.nan if np.isnan(guess).any() else np.corrcoef(truth[at], guess[at])[0, 1]
            assert agree(line.value, expected)


@pytest.mark.parametrize("kept", [1, 10**6])
@pytest.mark.parametrize("key", SUBSETS)
def test_predictions_given_as_arrays_get_the_same_values(world, bench, key, kept, monkeypatch):
    monkeypatch.setattr(scoring, "KEPT", kept)
    evaluation = Evaluation(bench)
    rows = np.random.default_rng(4).permutation(len(evaluation.rows))[:24]
    settings = SETTINGS + (SHARED if key in ("all", "expressed:12", "own") else [])
    prepared = Prepared(evaluation, rows, tuple(settings), subset_of(key))
    chosen = [named(evaluation)[i] for i in rows]
    for method in ("net", "partial", "additive"):
        prediction = np.array([world.predicted(method, *row) for row in chosen], np.float32)
        for setting, values in prepared.values(prediction).items():
            for row, value in zip(chosen, values, strict=True):
                assert agree(value, world.value(*setting, key, method, row, chosen)), (setting, method, row)
