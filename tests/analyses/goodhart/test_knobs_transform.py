"""Knobs: links, identity, and that no transformation can see the truth of what is scored."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturbviz.analyses.goodhart import CARDS, Allowed, Arena, Knobs, game, transform, unavailable
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation

EVERY = (
    Knobs(amplify=2.0),
    Knobs(amplify=0.0),
    Knobs(shift=1.0),
    Knobs(blend=0.5),
    Knobs(blend_to="control", blend=0.3),
    Knobs(blend_to="additive", blend=1.0),
    Knobs(blend_to="poor", blend=0.4),
    Knobs(top=5),
    Knobs(small=1.0),
    Knobs(noise=0.5, seed=3),
    Knobs(positive=True),
    Knobs(clip=0.7),
    Knobs(copy=True),
    Knobs(shuffle=True, seed=2),
    Knobs(shuffle=True, copy=True, blend=0.5, top=9, small=0.5, amplify=1.5, shift=0.5, noise=0.1, positive=True),
)


def arena(evaluation, method="good", before=None):
    rows = np.arange(len(evaluation.rows))
    return Arena(evaluation, method, rows, before or Knobs())


# -- links ---------------------------------------------------------------------------------------------------------
@given(
    st.builds(
        Knobs,
        shuffle=st.booleans(),
        copy=st.booleans(),
        blend_to=st.sampled_from(["mean", "control", "no_change", "half_sum", "My-model.2"]),
        blend=st.integers(0, 20).map(lambda i: i / 20),
        top=st.integers(0, 20_000),
        small=st.integers(0, 30).map(lambda i: i / 10),
        amplify=st.integers(0, 500).map(lambda i: i / 100),
        shift=st.integers(-200, 300).map(lambda i: i / 100),
        noise=st.integers(0, 60).map(lambda i: i / 20),
        positive=st.booleans(),
        clip=st.integers(0, 50).map(lambda i: i / 10),
        seed=st.integers(0, 999),
    )
)
def test_a_setting_survives_its_link(knobs):
    assert Knobs.from_link(knobs.link) == knobs.effective


def test_links_are_short_and_bounded():
    assert Knobs().link == ""
    assert Knobs(amplify=1.5, blend=0.3).link == "b0.3~mean_a1.5"
    assert Knobs(blend_to="half_sum", blend=1.0).link == "b1~half~sum"
    assert Knobs.from_link("a99_n-5_k1e9").amplify == 5.0
    assert Knobs.from_link("a99_n-5_k1e9").noise == 0.0
    assert Knobs.from_link("a99_n-5_k1e9").top == 20_000


@pytest.mark.parametrize("text", ["q3", "a", "anan", "a1.5_<script>", "a--1", "b0.5~a/b", "a1..2"])
def test_a_bad_link_is_refused_in_one_sentence(text):
    with pytest.raises(UserError, match="no setting of knobs"):
        Knobs.from_link(text)


def test_every_knob_has_a_card_and_the_default_turns_nothing():
    assert Knobs().turned == ()
    assert Knobs().uses() == ("prediction",)
    assert "training" in Knobs(shift=1.0).uses()
    assert "training" in Knobs(blend_to="additive", blend=0.1).uses()
    assert Knobs(blend_to="poor", blend=0.1).uses() == ("prediction", "other")
    assert Knobs(blend_to="poor", blend=0.1).informed
    assert not Knobs(amplify=3, shift=1, noise=1, positive=True, top=4).informed
    assert len({c.code for c in CARDS}) == len(CARDS)


# -- values --------------------------------------------------------------------------------------------------------
def test_nothing_turned_is_the_identity(random_benchmark):
    a = arena(Evaluation(random_benchmark()))
    np.testing.assert_array_equal(a.transform(Knobs(amplify=1.0)), a.start)
    np.testing.assert_array_equal(a.transform(Knobs(blend_to="control", seed=7)), a.start)


def test_values_of_each_knob():
    y = np.array([[2.0, 1.0, 0.5, 3.0], [1.0, 2.0, 1.0, 0.0]], np.float32)
    c, m = np.array([1.0, 1.0, 1.0, 1.0], np.float32), np.array([2.0, 1.0, 1.0, 1.0], np.float32)
    train = np.array([[1, 2, 1, 0.5], [2, 1, 0, 3]], np.float32)
    a = Allowed(("A", "B"), y, c, m, 0.5, train, ("S", "T"), np.full((2, 4), 9.0, np.float32))
    expect = {
        Knobs(amplify=2.0): c + 2 * (y - c),
        Knobs(amplify=0.0): np.tile(c, (2, 1)),
        Knobs(shift=1.0): y + (m - c),
        Knobs(blend=0.5): (y + m) / 2,
        Knobs(blend_to="control", blend=1.0): np.tile(c, (2, 1)),
        Knobs(blend_to="x", blend=0.5): (y + 9) / 2,
        Knobs(top=1): [[1, 1, 1, 3], [1, 2, 1, 0]],  # ties at the last place are kept
        Knobs(small=1.0): [[1, 1, 1, 3], [1, 2, 1, 0]],  # root mean squares 1.15 and 0.71
        Knobs(positive=True): np.maximum(y, c),
        Knobs(clip=0.8): c
        + np.clip(y - c, *(np.array([[-0.8], [0.8]])[:, :, None] * np.sqrt(np.mean((y - c) ** 2, axis=1))[:, None])),
        Knobs(copy=True): train[[1, 0]],
        Knobs(amplify=3.0, shift=-2.0): m + 3 * (y - m),  # away from the training mean
    }
    for knobs, values in expect.items():
        np.testing.assert_allclose(transform(a, knobs), values, rtol=1e-6, err_msg=knobs.link)
    assert transform(a, Knobs(amplify=2.0)).dtype == np.float32
    np.testing.assert_array_equal(a.prediction, y)  # inputs are left alone


def test_a_scored_training_row_never_copies_itself():
    profile = np.eye(3, dtype=np.float32)
    a = Allowed(("A",), profile[:1], np.zeros(3), np.zeros(3), 1.0, profile, ("A", "B", "C"))
    assert not np.array_equal(transform(a, Knobs(copy=True))[0], profile[0])


def test_noise_has_the_asked_size_and_depends_on_name_and_seed_only():
    y = np.zeros((3, 4000), np.float32)
    a = Allowed(("A", "B", "C"), y, y[0], y[0], 2.0, y[:0])
    noisy = transform(a, Knobs(noise=0.5))
    assert noisy.std() == pytest.approx(1.0, rel=0.03)
    alone = dataclasses.replace(a, names=("B",), prediction=y[:1])
    np.testing.assert_array_equal(transform(alone, Knobs(noise=0.5))[0], noisy[1])
    assert not np.array_equal(transform(a, Knobs(noise=0.5, seed=1)), noisy)


def test_shuffling_only_exchanges_rows_and_missing_rows_stay_missing():
    y = np.arange(12, dtype=np.float32).reshape(4, 3)
    y[2] = np.nan
    a = Allowed(tuple("ABCD"), y, np.zeros(3), np.zeros(3), 1.0, y[:0])
    out = transform(a, Knobs(shuffle=True, seed=2))
    assert np.isnan(out[2]).all()
    assert sorted(out[[0, 1, 3], 0]) == sorted(y[[0, 1, 3], 0])
    assert not np.array_equal(out[[0, 1, 3]], y[[0, 1, 3]])
    for knobs in (Knobs(amplify=2), Knobs(blend=0.5), Knobs(top=1), Knobs(copy=False, noise=1.0)):
        assert np.isnan(transform(a, knobs)[2]).all()


# -- nothing sees the truth of what is scored ----------------------------------------------------------------------
@pytest.mark.parametrize("knobs", EVERY, ids=lambda k: k.link)
def test_held_out_truth_never_changes_a_transformation(random_benchmark, knobs):
    benchmark = random_benchmark()
    before = game(Evaluation(benchmark), "good", knobs, np.arange(len(Evaluation(benchmark).rows)))
    for seed in benchmark.seeds:  # the truth of one seed's held-out rows may be training truth of another
        adata = benchmark.adata.copy()
        held_out = np.isin(benchmark.splits[seed], ("test", "val"))
        adata.X = np.where(held_out[:, None], adata.X[::-1] * 3 + 1, adata.X).astype(np.float32)
        evaluation = Evaluation(Benchmark.from_adata(adata))
        after = game(evaluation, "good", knobs, np.arange(len(evaluation.rows)))
        mine = (evaluation.rows["seed"] == seed).to_numpy()
        np.testing.assert_array_equal(after[mine], before[mine])


def test_training_truth_does_change_those_that_say_so(random_benchmark):
    benchmark = random_benchmark()
    adata = benchmark.adata.copy()
    adata.X = np.where(
        (benchmark.splits["1"] == "train")[:, None] & ~benchmark.is_control[:, None], adata.X + 1, adata.X
    ).astype(np.float32)
    other = Evaluation(Benchmark.from_adata(adata))
    rows = np.flatnonzero((other.rows["seed"] == "1").to_numpy())
    for knobs in EVERY:
        same = np.array_equal(game(other, "good", knobs, rows), game(Evaluation(benchmark), "good", knobs, rows))
        assert same == ("training" not in knobs.uses()), knobs.link


def test_what_is_allowed_holds_no_truth_of_scored_rows(random_benchmark):
    evaluation = Evaluation(random_benchmark())
    a = arena(evaluation)
    at = np.flatnonzero((evaluation.rows["seed"] == "1").to_numpy())
    allowed = a.allowed("1", "c", at, Knobs(copy=True, noise=1.0))
    truth = evaluation.truth(at)
    assert not set(allowed.training_names) & set(allowed.names)
    for field in dataclasses.fields(allowed):
        value = getattr(allowed, field.name)
        if isinstance(value, np.ndarray) and value.ndim == 2:
            assert not any((value == row).all(axis=1).any() for row in truth.astype(np.float32))


def test_what_a_benchmark_does_not_hold_is_refused(make_benchmark):
    truth = np.random.default_rng(0).normal(size=(5, 6))
    bare = make_benchmark(
        truth,
        list("ABCDE"),
        predictions={"m": truth + 1},
        split=["test"] * 5,
    )
    evaluation = Evaluation(bare)
    refused = unavailable(evaluation)
    assert {"amplify", "shift", "copy"} <= set(refused)
    assert not {"shuffle", "blend"} & set(refused)
    for knobs in (
        Knobs(amplify=2.0),
        Knobs(shift=1.0),
        Knobs(copy=True),
        Knobs(blend=0.5),
        Knobs(blend_to="nobody", blend=1.0),
    ):
        with pytest.raises(UserError):
            game(evaluation, "m", knobs, np.arange(5))


def test_a_start_can_itself_be_transformed(random_benchmark):
    evaluation = Evaluation(random_benchmark())
    twice = arena(evaluation, before=Knobs(amplify=2.0)).transform(Knobs(amplify=0.5))
    np.testing.assert_allclose(twice, arena(evaluation).start, rtol=2e-5, atol=2e-6)
