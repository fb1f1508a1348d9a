"""Evaluation: which rows are scored, and truth, predictions, baselines and references of each, by name."""

from __future__ import annotations

import numpy as np
import pytest

from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, parse_subset, resolve
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View
from tests.wiring.world import BASELINES, METHODS, OWN, SEEDS

PARTS = [("test", "val"), ("test",), ("val",), ("train",), ("train", "val", "test", "unassigned")]
SUBSETS = ["all", "expressed:12", "de:7", "own", "all-targets", "expressed:12-targets", "de:7-targets", "own-targets"]


def named(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    return list(evaluation.rows[["seed", "context", "perturbation"]].itertuples(index=False, name=None))


def subset_of(key: str) -> GeneSubset:
    if key.startswith("own"):
        return GeneSubset("own", targets="-targets" not in key, own=OWN)
    return parse_subset(key)


@pytest.mark.parametrize("truth", ["all", "half_a"])
@pytest.mark.parametrize("parts", PARTS)
def test_scored_rows_are_those_of_the_split_with_a_truth(world, bench, parts, truth):
    evaluation = Evaluation(bench, parts, truth)
    rows = named(evaluation)
    assert len(rows) == len(set(rows)) and set(rows) == set(world.scored(parts, truth))
    assert list(evaluation.rows["n_perturbed"]) == [len(name.split("+")) for _, _, name in rows]
    blocks = {}
    for row, block in zip(rows, evaluation.rows["block"], strict=True):
        assert blocks.setdefault(block, row[:2]) == row[:2]
    assert len(set(blocks.values())) == len(blocks)
    expected = [world.observed(c, name, truth) for _, c, name in rows]
    np.testing.assert_array_equal(evaluation.truth(), expected)


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("method", [*METHODS, *BASELINES])
def test_predictions_are_those_of_the_row_s_seed_and_context(world, bench, method, parts):
    evaluation = Evaluation(bench, parts)
    expected = np.array([world.predicted(method, *row) for row in named(evaluation)])
    np.testing.assert_allclose(evaluation.prediction(method), expected, atol=1e-6)
    np.testing.assert_array_equal(evaluation.predicted(method), ~np.isnan(expected).any(axis=1))
    some = np.array([5, 0, 3])
    genes = np.array([[1, 0, 7], [3, 2, 5], [30, 8, 31]])
    np.testing.assert_allclose(
        evaluation.prediction(method, some, genes), np.take_along_axis(expected[some], genes, axis=1), atol=1e-6
    )


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("kind", ["control", "perturbation"])
def test_references_are_those_of_the_row_s_seed_and_context(world, bench, kind, everything):
    evaluation = Evaluation(bench)
    expected = np.array([world.reference(kind, s, c, everything) for s, c, _ in named(evaluation)])
    np.testing.assert_allclose(evaluation.reference(kind, include_held_out=everything), expected, atol=1e-6)
    # asked for in the other order: neither is kept for the other
    assert (evaluation.reference(kind, include_held_out=not everything) == expected).all() == (kind == "control")
    some = np.array([9, 2])
    np.testing.assert_allclose(
        evaluation.reference(kind, some, np.array([4, 1]), everything), expected[some][:, [4, 1]], atol=1e-6
    )


@pytest.mark.parametrize("truth", ["all", "half_a"])
@pytest.mark.parametrize("key", SUBSETS)
def test_every_row_is_scored_once_on_the_genes_of_its_context_and_truth(world, bench, key, truth):
    evaluation = Evaluation(bench, truth_from=truth)
    rows, found = named(evaluation), {}
    for block in resolve(subset_of(key), evaluation):
        for i, row in enumerate(block.rows):
            genes = (
                range(len(world.genes))
                if block.genes is None
                else block.genes[i]
                if block.genes.ndim == 2
                else block.genes
            )
            assert row not in found and len(genes) == block.n
            found[int(row)] = [world.genes[g] for g in genes]
    assert sorted(found) == list(range(len(rows)))
    for row, genes in found.items():
        assert genes == world.counted(key, *rows[row][1:], truth), rows[row]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"context": "y"},
        {"seed": "2"},
        {"size": "singles", "show": ("net", "partial", "mean")},
        {"size": "doubles", "show": ("net", "partial")},
        {"show": ("partial", "additive"), "context": "x", "seed": "1"},
        {"rows": "own"},
        {"rows": "own", "size": "doubles", "seed": "1"},
        {"split": "test"},
        {"split": "train", "show": ("flat", "half_sum")},
    ],
)
def test_rows_of_a_view_are_those_it_names(world, bench, change):
    view = View(**change)
    evaluation = Evaluation(bench, view.parts)
    methods = view.show or evaluation.methods
    expected = [
        (s, c, name)
        for s, c, name in world.scored(view.parts, seeds=(view.seed,) if view.seed else SEEDS)
        if view.context in ("", c) and (view.size == "all" or (view.size == "singles") == ("+" not in name))
    ]
    if view.rows == "common":
        expected = world.common(expected, methods)
    rows = named(evaluation)
    found = [rows[i] for i in view_rows(evaluation, view, methods)]
    assert expected and len(found) == len(set(found)) and set(found) == set(expected)
