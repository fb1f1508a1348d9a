import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.interactions import (
    MISSING,
    NOTEBOOK_CLASSES,
    PAPER_CLASSES,
    call_score,
    class_counts,
    class_names,
    composition,
    confusion,
    notebook_classes,
    paper_classes,
    top_index,
    top_weights,
)
from perturbviz.metrics.nonadditive.deviation import beyond

TESTS = Path(__file__).parents[2]
GOLDEN = json.loads((TESTS / "golden" / "metrics_golden.json").read_text())["interaction_class_examples"]
WORKBOOK = TESTS.parents[1] / "shared" / "data" / "ahlmann_eltze_2025_double_perturbations.xlsx"
LOWER, UPPER = -0.2049325, 0.1948448


def classes(a, b, o):
    a, b, o = (np.asarray(x, dtype=float) for x in (a, b, o))
    return paper_classes(a, b, o, beyond(o - a - b, LOWER, UPPER))


@pytest.mark.parametrize("example", GOLDEN)
def test_golden_examples(example):
    a, b, o = (float(x) for x in example.strip("()").split(","))
    assert class_names(classes([a], [b], [o]))[0] == GOLDEN[example]


def test_zeros_and_missing():
    codes = classes([0, 1, 0, 1, np.nan], [0, -1, -1, 1, 1], [1, 1, -3, np.nan, 1])
    assert list(class_names(codes)) == ["other", "other", "synergistic", "", ""]


def test_class_depends_on_no_scale_and_mirrors():
    rng = np.random.default_rng(0)
    a, b, o = rng.normal(size=(3, 500))
    everywhere = np.ones(500, dtype=bool)
    expected = paper_classes(a, b, o, everywhere)
    assert set(expected) == {1, 2, 3, 4}
    np.testing.assert_array_equal(paper_classes(-a, -b, -o, everywhere), expected)
    np.testing.assert_array_equal(paper_classes(b, a, o, everywhere), expected)
    np.testing.assert_array_equal(paper_classes(9 * a, 9 * b, 9 * o, everywhere), expected)


def test_no_change_can_only_call_buffering_or_other():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 40, 50))
    counts = class_counts(classes(a, b, np.zeros((40, 50))))
    called = {name for name, count in zip(PAPER_CLASSES, counts, strict=True) if count}
    assert called == {"additive", "buffering", "other"}


def test_undefined_threshold_calls_nothing():
    assert not beyond([-5, 5], np.nan, np.nan).any()
    assert list(beyond([-5, 5, np.nan], np.nan, 1)) == [False, True, False]


def test_notebook_labels_are_strict():
    codes = notebook_classes([UPPER, UPPER + 1e-9, LOWER - 1e-9, 0, np.nan], LOWER, UPPER)
    assert list(class_names(codes, NOTEBOOK_CLASSES)) == ["additive", "synergy", "suppression", "additive", ""]


def test_confusion_and_composition():
    true = np.array([[0, 1, 2], [4, MISSING, 1]], dtype=np.int8)
    predicted = np.array([[0, 1, 1], [MISSING, 1, 3]], dtype=np.int8)
    table = confusion(true, predicted)
    assert table.sum() == 4 and table[0, 0] == table[1, 1] == table[2, 1] == table[1, 3] == 1
    # two clear calls, and two pairs tied for the third place share it
    weights = top_weights(np.array([[5, 4, 3], [0, 9, 3]]), 4)
    np.testing.assert_allclose(weights, [[1, 1, 0.5], [0, 1, 0.5]])
    np.testing.assert_allclose(composition(true, weights), [1, 1.5, 0.5, 0, 0])


def test_top_weights_are_the_mean_over_random_orders():
    rng = np.random.default_rng(2)
    score = rng.integers(0, 4, size=30).astype(float)
    score[3] = np.nan
    drawn = np.zeros(30)
    for _ in range(4000):
        order = rng.permutation(30)
        best = order[np.argsort(-np.nan_to_num(score[order], nan=-1), kind="stable")][:11]
        drawn[best] += 1 / 4000
    np.testing.assert_allclose(top_weights(score, 11), drawn, atol=0.04)
    assert top_weights(score, 100).sum() == 29


def test_best_false_call():
    predicted = np.array([[3.0, -4, 1], [np.nan, 2, 0]])
    truly = np.array([[False, True, False], [False, False, True]])
    score = call_score(predicted)
    best = np.unravel_index(top_index(score, 1, among=~truly), predicted.shape)
    assert (best[0][0], best[1][0]) == (0, 0)
    assert list(top_index(score, 3)) == [1, 0, 4]
    assert list(top_index(np.array([1.0, 2, 2, 2]), 2)) == [1, 2]
    assert len(top_index(score, 3, among=np.zeros_like(truly))) == 0


@pytest.mark.skipif(not WORKBOOK.exists(), reason="needs the paper's source data (../shared/data)")
def test_published_labels_follow_the_rule():
    # The sheet has the sum of the singles but not the singles, so "other" cannot be told; the rest can.
    pairs = pd.read_excel(WORKBOOK, sheet_name="Panel F").query("interaction_label != 'Other'")
    half = (pairs["ref"] - pairs["baseline"]).to_numpy() / 2
    label = pairs["interaction_label"].str.lower().replace("synergy", "synergistic").to_numpy()
    double = (pairs["ground_truth"] - pairs["baseline"]).to_numpy()
    got = class_names(paper_classes(half, half, double, label != "additive"))
    assert len(got) > 3000
    np.testing.assert_array_equal(got, label)
