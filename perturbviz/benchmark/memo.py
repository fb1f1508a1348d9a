"""What is derived from a frozen value: computed once and kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any


class Memo:
    """Derived values by name, each computed when it is first asked for."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value kept under ``key``, or what ``make`` returns, kept from now on."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]
