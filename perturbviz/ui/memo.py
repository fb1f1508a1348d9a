"""One cache for all sessions: a function that is asked the same once more answers with what it has.

The same is what says the same: benchmarks and tables of scores by their content, evaluations by benchmark, parts and
truth, everything else by its fields. Kept with an answer is what was asked in this short form, never an array, so that
no cache holds on to data that nobody has open any more.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import nullcontext
from functools import update_wrapper
from inspect import signature
from threading import Condition
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np
import streamlit as st
from cachetools import LRUCache, cached

P = ParamSpec("P")
R = TypeVar("R")

#: All there are.
MEMOS: list[Memo] = []


def short(value: Any) -> Hashable:
    """What decides whether two arguments are equal, without the data they hold."""
    if isinstance(value, tuple):
        return tuple(map(short, value))
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return getattr(value, "identity", value)


class Memo(Generic[P, R]):
    """A function with its answers; build with :func:`memo`. Sessions and threads may call it at the same time."""

    def __init__(
        self, function: Callable[P, R], most: int, plain: Callable[..., tuple[Any, ...]] | None, spinner: str
    ) -> None:
        self._function: Callable[..., R] = function
        self.plain, self._spinner = plain, spinner
        parameters = signature(function).parameters
        self._names = tuple(parameters)
        self._named = tuple(name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY)
        self._defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        self._kept: LRUCache[Hashable, R] = LRUCache(most)
        self._changing = Condition()
        # computed once however many ask at a time; an error is not kept
        keep = cached(self._kept, key=lambda *asked: short(asked), condition=self._changing)
        self._answer = keep(self._compute)
        update_wrapper(self, function)
        MEMOS.append(self)

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R:
        """The answer, kept or new."""
        return self._answer(*self._asked(arguments, named))

    def known(self, *arguments: P.args, **named: P.kwargs) -> R | None:
        """The answer where it is there already, else None."""
        with self._changing:
            return self._kept.get(short(self._asked(arguments, named)))

    def keep(self, answer: R, *arguments: P.args, **named: P.kwargs) -> None:
        """Take an answer that came about elsewhere, unless there is one."""
        with self._changing:
            self._kept.setdefault(short(self._asked(arguments, named)), answer)

    def drop(self, *arguments: P.args, **named: P.kwargs) -> None:
        """Forget one answer."""
        with self._changing:
            self._kept.pop(short(self._asked(arguments, named)), None)

    def clear(self) -> None:
        """Forget all answers."""
        with self._changing:
            self._kept.clear()

    def _asked(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in order, reduced to what decides the answer."""
        if len(arguments) < len(self._names):
            given = self._defaults | named
            arguments += tuple(given[name] for name in self._names[len(arguments) :])
        return self.plain(*arguments) if self.plain else arguments

    def _compute(self, *arguments: Any) -> R:
        with st.spinner(self._spinner) if self._spinner else nullcontext():
            at = len(arguments) - len(self._named)
            return self._function(*arguments[:at], **dict(zip(self._named, arguments[at:], strict=True)))


def memo(
    most: int, plain: Callable[..., tuple[Any, ...]] | None = None, spinner: str = ""
) -> Callable[[Callable[P, R]], Memo[P, R]]:
    """Keep the last answers of a function.

    Parameters
    ----------
    most
        How many; the one that was not asked for the longest goes first.
    plain
        From the arguments to arguments that say no more than what decides the answer: the function is only ever
        called with these, so it cannot depend on anything else.
    spinner
        What to say while an answer is computed.
    """
    return lambda function: Memo(function, most, plain, spinner)


def forget() -> None:
    """Empty every cache, as after a start."""
    for one in MEMOS:
        one.clear()
