"""What a run draws is sent in one go; what takes long is not held back."""

import time
from threading import Thread
from types import SimpleNamespace

import pytest

from perturbviz.ui import burst


@pytest.fixture
def context(monkeypatch):
    sent = []
    made = SimpleNamespace(_enqueue=sent.append, sent=sent)
    monkeypatch.setattr(burst, "get_script_run_ctx", lambda: made)
    monkeypatch.setattr(burst, "PATIENCE", 60)
    return made


def test_what_is_drawn_is_sent_at_the_end_in_its_order(context):
    usual = context._enqueue
    with burst.together():
        for i in range(3):
            context._enqueue(i)
        assert context.sent == []
    assert context.sent == [0, 1, 2] and context._enqueue is usual
    context._enqueue(3)
    assert context.sent == [0, 1, 2, 3]


def test_what_takes_long_is_sent_while_it_lasts_and_nothing_after_it_waits(context, monkeypatch):
    monkeypatch.setattr(burst, "PATIENCE", 0.05)
    with burst.together():
        context._enqueue("title")
        end = time.monotonic() + 10
        while not context.sent and time.monotonic() < end:
            time.sleep(0.01)
        assert context.sent == ["title"]
        context._enqueue("progress")
        assert context.sent == ["title", "progress"]
    assert context.sent == ["title", "progress"]


def test_a_page_that_fails_or_is_left_shows_what_it_had_drawn(context):
    usual = context._enqueue
    with pytest.raises(ZeroDivisionError), burst.together():
        context._enqueue("title")
        raise ZeroDivisionError
    assert context.sent == ["title"] and context._enqueue is usual


def test_a_newer_click_ends_the_run_and_the_context_is_as_before(context):
    def interrupted(message):
        raise KeyboardInterrupt(message)

    context._enqueue = interrupted
    with pytest.raises(KeyboardInterrupt, match="first"), burst.together():
        context._enqueue("first")
        context._enqueue("second")
    assert context._enqueue is interrupted


def test_what_several_threads_draw_is_sent_once_each(context, monkeypatch):
    monkeypatch.setattr(burst, "PATIENCE", 0.05)
    with burst.together():
        threads = [Thread(target=lambda i=i: [context._enqueue((i, k)) for k in range(200)]) for i in range(4)]
        for t in threads:
            t.start()
        time.sleep(2 * burst.PATIENCE)
        for t in threads:
            t.join()
    assert len(context.sent) == 800 == len(set(context.sent))
    for i in range(4):
        assert [k for j, k in context.sent if j == i] == list(range(200))


def test_without_a_run_nothing_happens(monkeypatch):
    monkeypatch.setattr(burst, "get_script_run_ctx", lambda: None)
    with burst.together():
        pass
