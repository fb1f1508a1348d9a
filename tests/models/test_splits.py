"""Splits: complete, disjoint, the same everywhere, and without a held-out target in training."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbviz.benchmark.perturbations import targets
from perturbviz.errors import UserError
from perturbviz.models import cross_validation as splits

SINGLES = [f"G{i}" for i in range(20)]
NAMES = [*SINGLES, *(f"G{i}+G{j}" for i in range(10, 20) for j in range(i + 1, 20)), "G1+X1", "X1+X2"]


def test_folds_are_pinned_and_test_every_name_once():
    folds = splits.folds(["KLF1", "CEBPA", "AHR", "ctrl", "FEV+AHR"], k=2)
    assert folds == [
        {"train": ["AHR", "CEBPA", "KLF1"], "test": ["AHR+FEV"]},
        {"train": ["AHR+FEV"], "test": ["AHR", "CEBPA", "KLF1"]},
    ]
    for seed in range(3):
        tested = [n for fold in splits.folds(NAMES, seed=seed) for n in fold["test"]]
        assert sorted(tested) == sorted(NAMES)
    assert splits.folds(NAMES, seed=0) != splits.folds(NAMES, seed=1)


@settings(max_examples=50, deadline=None)  # a busy machine must not decide
@given(st.permutations(NAMES), st.integers(0, 5))
def test_the_order_of_names_does_not_matter(names, seed):
    assert splits.folds(names, seed=seed) == splits.folds(NAMES, seed=seed)
    assert splits.random_split(names, seed=seed) == splits.random_split(NAMES, seed=seed)


def test_a_fold_is_decided_by_the_name_alone():
    def fold_of(name, names):
        return next(i for i, f in enumerate(splits.folds(names, k=3)) if name in f["test"])

    assert [fold_of(n, NAMES) for n in SINGLES] == [fold_of(n, SINGLES) for n in SINGLES]


@pytest.mark.parametrize("seed", range(4))
def test_unseen_singles_leave_no_trace_in_training(seed):
    split = splits.unseen_singles(NAMES, fraction=0.25, seed=seed)
    assert len(split["test"]) == 5 and set(split["test"]) <= set(SINGLES)
    assert not {t for n in split["train"] for t in targets(n)} & set(split["test"])


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_combo_seen_counts_targets_in_training(seen):
    split = splits.combo_seen(NAMES, seen, fraction=0.3, seed=2)
    singles = {n for n in split["train"] if "+" not in n}
    assert split["test"] and not set(split["train"]) & set(split["test"])
    assert {len(singles & set(targets(n))) for n in split["test"]} == {seen}
    if seen < 2:
        unseen = {t for n in NAMES for t in targets(n)} - {t for n in split["train"] for t in targets(n)}
        assert all(unseen & set(targets(n)) for n in split["test"])


def test_random_split_and_context():
    split = splits.random_split(NAMES, fraction=0.1)
    assert len(split["test"]) == round(0.1 * len(NAMES)) and len(split["train"]) + len(split["test"]) == len(NAMES)
    pairs = [("A", "K562"), ("B+A", "K562"), ("A", "RPE1"), ("control", "RPE1")]
    assert splits.leave_one_context_out(pairs, "RPE1") == {
        "train": [("A", "K562"), ("A+B", "K562")],
        "test": [("A", "RPE1")],
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: splits.folds(NAMES, k=1),
        lambda: splits.random_split(NAMES, fraction=0),
        lambda: splits.random_split(["A"]),
        lambda: splits.random_split([]),
        lambda: splits.unseen_singles(["A+B", "A+C"]),
        lambda: splits.combo_seen(NAMES, 3),
        lambda: splits.combo_seen(SINGLES, 0),
        lambda: splits.leave_one_context_out([("A", "x")], "x"),
        lambda: splits.leave_one_context_out([("A", "x")], "y"),
        lambda: splits.folds(["A", "nan"]),
    ],
)
def test_impossible_splits_are_refused(make):
    with pytest.raises(UserError):
        make()
