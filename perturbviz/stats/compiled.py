"""Loops that numpy has no fast form for, compiled by numba when they are first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def compiled(loop: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """The compiled loop, which holds no interpreter lock while it runs.

    Its code is kept beside the file of ``loop``, or where numba keeps it, so that only the first call after
    installation compiles. ``options`` are those of ``numba.njit``.
    """
    import numba  # here, because it takes half a second that other commands need not wait

    try:
        return numba.njit(nogil=True, cache=True, **options)(loop)
    except RuntimeError:  # no folder to keep the compiled code in
        return numba.njit(nogil=True, **options)(loop)
