"""Whole numbers that people write in links, settings and arguments."""

from __future__ import annotations

import re


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number in ASCII digits, at most 18 of them and within bounds; None for anything else.

    ``int`` takes the digits of every script, and fails beyond some thousands of them.
    """
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) and low <= int(text) <= high else None
