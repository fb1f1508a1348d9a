"""Looking ahead begins when the user rests, and what has not begun is dropped by the next click."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from perturbviz.ui import cache


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as made:
        yield made


def test_calls_are_made_once_the_user_rests(executor, monkeypatch):
    monkeypatch.setattr(cache, "REST", 1)
    done = Event()
    cache.Ahead(executor, lambda: [done.set])
    assert not done.is_set()
    assert done.wait(10)


def test_a_click_before_that_drops_them(executor, monkeypatch):
    monkeypatch.setattr(cache, "REST", 1)
    made = []
    cache.Ahead(executor, lambda: [lambda: made.append(1)]).stop()
    time.sleep(1.5)
    assert not made


def test_a_later_click_drops_those_that_wait_and_lets_the_one_that_runs_end(executor, monkeypatch):
    monkeypatch.setattr(cache, "REST", 0.01)
    begun, end, made = Event(), Event(), []

    def long():
        begun.set()
        assert end.wait(10)
        made.append("first")

    ahead = cache.Ahead(executor, lambda: [long, lambda: made.append("second")])
    assert begun.wait(10)
    ahead.stop()
    end.set()
    executor.shutdown()
    assert made == ["first"]
