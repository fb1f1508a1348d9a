"""The one cache: it never answers for anything else, computes once, keeps no errors and no data."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbviz.benchmark import Benchmark
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.view import View
from perturbviz.ui.memo import memo
from tests.conftest import build_adata


def bench(value: float = 1.0, **more) -> Benchmark:
    truth = [[0.0, 0.0], [1.0, value], [2.0, 3.0]]
    return Benchmark.from_adata(build_adata(truth, ["ctrl", "A", "B"], control=[0.0, 0.0], **more))


BENCHMARKS = [bench(), bench(2.0), bench(predictions={"m": np.ones((3, 2))}), bench(split=["train", "train", "test"])]
VIEWS = st.builds(
    View,
    data=st.sampled_from(["demo", "x"]),
    metric=st.sampled_from(["l2", "pds@l1"]),
    ref=st.sampled_from(["control", "perturbation"]),
    n=st.integers(1, 3),
    own=st.sampled_from([(), ("g0",), ("g0", "g1")]),
    targets=st.booleans(),
    seed=st.sampled_from(["", "1"]),
    avg=st.sampled_from(["mean", "median"]),
    show=st.sampled_from([(), ("m",), ("m", "mean"), ("mean", "m")]),
)
PARTS = st.sampled_from([("test",), ("test", "val"), ("val", "test"), ("train",)])
ASKED = st.tuples(st.sampled_from(BENCHMARKS), PARTS, VIEWS, st.sampled_from([(), ("m",), ("mean",), ("m", "mean")]))


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(ASKED, max_size=12))
def test_an_answer_is_never_that_of_another_benchmark_part_view_or_method(asked):
    kept = memo(5)(lambda evaluation, view, methods, rows: (evaluation, view, methods, rows))
    for benchmark, parts, view, methods in asked:
        rows = np.arange(view.n)
        evaluation, *others, own = kept(Evaluation(benchmark, parts), view, methods, rows)
        assert (evaluation.benchmark.content_id, evaluation.parts) == (benchmark.content_id, parts)
        assert others == [view, methods] and np.array_equal(own, rows)


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(VIEWS, max_size=12))
def test_a_function_is_only_told_what_decides_its_answer(views):
    kept = memo(5, plain=lambda view: (view.with_(data="", avg="mean"),))(lambda view: view)
    for view in views:
        assert kept(view) == view.with_(data="", avg="mean")


def test_equal_values_that_came_about_apart_share_an_answer():
    made = []
    kept = memo(5)(lambda evaluation, *, n=3: made.append(n) or object())
    first = kept(Evaluation(bench()))
    assert kept(Evaluation(bench())) is first and kept(Evaluation(bench()), n=3) is first
    assert kept.known(Evaluation(bench()), n=3) is first and kept.known(Evaluation(bench()), n=4) is None
    assert Evaluation(bench()) == Evaluation(bench()) != Evaluation(bench(2.0)) and made == [3]


def test_the_last_answers_stay_and_others_can_be_taken_over_or_dropped():
    kept = memo(2)(lambda n: [n])
    first = kept(1)
    kept(2)
    kept(1)
    kept(3)
    assert kept.known(2) is None and kept.known(1) is first
    kept.keep(["other"], 1)
    kept.keep(["other"], 4)
    assert kept(1) is first and kept(4) == ["other"]
    kept.drop(4)
    assert kept(4) == [4]
    kept.clear()
    assert kept.known(1) is None


def test_an_error_is_not_kept():
    tries = []

    @memo(5)
    def sometimes(n):
        tries.append(n)
        if len(tries) == 1:
            raise ValueError
        return n

    with pytest.raises(ValueError):
        sometimes(1)
    assert sometimes(1) == 1 and sometimes(1) == 1 and tries == [1, 1]


def test_threads_that_ask_at_the_same_time_wait_for_one_answer():
    made, together = [], Barrier(4)
    kept = memo(5)(lambda n: made.append(n) or object())

    def ask(_):
        together.wait(10)
        return kept(1)

    with ThreadPoolExecutor(4) as pool:
        assert len({id(answer) for answer in pool.map(ask, range(4))}) == 1
    assert made == [1]


def test_an_answer_holds_on_to_no_data():
    kept = memo(5)(lambda evaluation: len(evaluation.rows))
    benchmark = bench(3.0)
    kept(Evaluation(benchmark))
    gone = weakref.ref(benchmark)
    del benchmark
    gc.collect()
    assert gone() is None and kept.known(Evaluation(bench(3.0))) == 2
