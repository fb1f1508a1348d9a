"""Interactions: doubles meet their singles in their own context, predictions their seed, thresholds all doubles."""

from __future__ import annotations

import numpy as np
import pytest

from perturbviz.analyses.interactions.pairs import every_pair, make_pairs
from perturbviz.analyses.interactions.summary import finding
from perturbviz.analyses.interactions.table import pair_table
from perturbviz.analyses.interactions.threshold import Threshold, fitted
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score
from tests.wiring.test_rows import subset_of
from tests.wiring.world import CONTEXTS, METHODS, NAMES

DOUBLES = [
    (c, name)
    for c in CONTEXTS
    for name in NAMES
    if name.count("+") == 1 and not (c == "y" and "D" in name) and (c, name) != ("x", "B+D")
]
BEYOND = 0.4  # between two values of the grid
BOUND = Threshold("effect", -BEYOND, BEYOND, by_hand=True)


def rows_of(world) -> list[tuple[str, str, str]]:
    """Scored doubles with two observed singles."""
    return [row for row in world.scored() if row[1:] in DOUBLES]


@pytest.mark.parametrize("key", ["all", "own", "expressed:12"])
def test_deviations_are_those_of_the_double_s_own_context_and_seed(world, bench, key):
    pairs = make_pairs(Evaluation(bench), subset_of(key))
    lines = list(pairs.rows[["seed", "context", "perturbation"]].itertuples(index=False, name=None))
    usable = [(s, c, n) for s, c, n in lines if (c, n) in DOUBLES]
    assert sorted(usable) == sorted(rows_of(world))
    at = [world.genes.index(g) for g in pairs.genes]
    for i, (s, c, name) in enumerate(lines):
        d = pairs.double[i]
        assert tuple(pairs.doubles.loc[d, ["context", "perturbation"]]) == (c, name)
        counted = np.isin(np.array(world.genes)[at], world.counted(key, c, name))
        expected = np.where(counted, world.expected(c, name)[at], np.nan)
        first, second = name.split("+")
        np.testing.assert_allclose(pairs.expected[d], expected, atol=1e-6)
        np.testing.assert_allclose(pairs.deviation[d], world.truth[c, name][at] - expected, atol=1e-6)
        np.testing.assert_allclose(pairs.delta_a[d], (world.truth[c, first] - world.control[c])[at], atol=1e-6)
        np.testing.assert_allclose(pairs.delta_b[d], (world.truth[c, second] - world.control[c])[at], atol=1e-6)
        np.testing.assert_allclose(pairs.delta_ab[d], (world.truth[c, name] - world.control[c])[at], atol=1e-6)
        error = world.se[c, name] ** 2 + world.se[c, first] ** 2 + world.se[c, second] ** 2 + world.se_control[c] ** 2
        np.testing.assert_allclose(pairs.se[d], np.sqrt(error)[at], atol=1e-6)
        for method in (*METHODS, "additive", "half_sum"):
            predicted = world.predicted(method, s, c, name)[at] - expected
            np.testing.assert_allclose(pairs.predicted(method)[i], predicted, atol=1e-6)


def test_thresholds_come_from_every_double_once_whatever_is_scored(world, bench):
    for parts in (("test", "val"), ("test",), ("train",)):
        pairs = every_pair(Evaluation(bench, parts), subset_of("all"))
        found = list(pairs.doubles.itertuples(index=False, name=None))
        known = [d for d, line in zip(found, pairs.deviation, strict=True) if np.isfinite(line).all()]
        assert len(found) == len(set(found)) and set(known) == set(DOUBLES)
        assert fitted(pairs, subset_of("all")).null.n == len(DOUBLES) * len(world.genes)


def calls(predicted: np.ndarray, n: int) -> np.ndarray:
    """Weight of each pair among the n furthest, pairs tied for the last place sharing it."""
    size = np.abs(predicted)
    last = sorted(size, reverse=True)[n - 1]
    above, tied = size > last, size == last
    return above + tied * (n - above.sum()) / tied.sum()


@pytest.mark.parametrize("method", ["net", "partial", "half_sum"])
def test_what_a_method_finds_is_counted_within_its_seed_and_context(world, bench, method):
    found = finding(make_pairs(Evaluation(bench), subset_of("all")), method, BOUND, n=30).table
    for line in found.itertuples():
        rows = [r for r in rows_of(world) if r[:2] == (line.seed, line.context)]
        rows = world.common(rows, (method,))
        real = np.concatenate([world.truth[c, n] - world.expected(c, n) for _, c, n in rows])
        guess = np.concatenate([world.predicted(method, *r) - world.expected(*r[1:]) for r in rows])
        true = np.abs(real) >= BEYOND
        weight = calls(guess, 30)
        assert (line.n_pairs, line.n_positive) == (len(real), true.sum())
        assert line.recall == pytest.approx((weight * true).sum() / true.sum(), abs=1e-6)
        assert line.precision == pytest.approx((weight * true).sum() / 30, abs=1e-6)
    assert len(found) == 4


def test_the_metric_uses_the_threshold_fitted_to_every_double(world, bench):
    evaluation = Evaluation(bench)
    bound = fitted(every_pair(evaluation, subset_of("all")), subset_of("all"))
    assert bound.null is not None
    frame = score(evaluation, "nonadditive_recall@100", subset=subset_of("all"), methods=["net", "partial"]).to_frame()
    table = {m: finding(make_pairs(evaluation, subset_of("all")), m, bound, n=100).table for m in ("net", "partial")}
    for line in frame.itertuples():
        same = table[line.method]
        here = same[(same["seed"] == line.seed) & (same["context"] == line.context)]
        assert line.value == pytest.approx(here["recall"].iloc[0], nan_ok=True)


def test_written_pairs_are_those_of_their_names(world, bench):
    pairs = make_pairs(Evaluation(bench), subset_of("own"))
    table = pair_table(pairs, BOUND, ("net", "flat"))
    assert len(table) == 2 * len(rows_of(world)) * len(world.counted("own", "x", "A"))
    for line in table.itertuples():
        i = world.genes.index(line.gene)
        c, name = line.context, line.perturbation
        real, guess = world.truth[c, name][i], world.predicted(line.method, line.seed, c, name)[i]
        assert line.observed_deviation == pytest.approx(real - world.expected(c, name)[i], abs=1e-6)
        assert line.predicted_deviation == pytest.approx(guess - world.expected(c, name)[i], abs=1e-6, nan_ok=True)
        assert (line.true_class == "additive") == (abs(line.observed_deviation) < BEYOND)
