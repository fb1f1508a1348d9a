"""What is derived from a frozen value: computed once and kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class Memo:
    """Derived values by name, each computed when it is first asked for."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value kept under ``key``, or what ``make`` returns, kept from now on."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


class Keeps(Protocol):
    """A frozen value that keeps what is derived from it."""

    @property
    def memo(self) -> Memo:
        """Where it is kept."""


K = TypeVar("K", bound=Keeps)
P = ParamSpec("P")
R = TypeVar("R")


def kept(derive: Callable[Concatenate[K, P], R]) -> Callable[Concatenate[K, P], R]:
    """Make a function of a frozen value compute each of its results once; further arguments must be hashable."""

    @wraps(derive)
    def ask(of: K, *more: P.args, **named: P.kwargs) -> R:
        return of.memo.once((derive, more, *named.items()), lambda: derive(of, *more, **named))

    return ask
