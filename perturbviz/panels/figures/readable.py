"""Contrast of colours (WCAG 2.2), and the shade of a colour in which text can be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

TEXT_CONTRAST = 4.5
"""Least contrast of normal text with what is behind it (WCAG 2.2, 1.4.3)."""


def channels(colour: str) -> np.ndarray:
    """Red, green and blue, 0 to 255, of a hex code."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], float)


def code(rgb: np.ndarray) -> str:
    """Hex code of red, green and blue, 0 to 255."""
    return "#" + "".join(f"{round(float(v)):02x}" for v in np.clip(rgb, 0, 255))


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance, 0 to 1, of colours (..., 3) with channels 0 to 255."""
    share = np.asarray(rgb, float) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    low, high = sorted(float(luminance(channels(c))) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def shade(colour: str, grounds: Sequence[str], towards: str) -> str:
    """The colour itself or, where text in it is too faint on one of the grounds, the nearest mixture that is not."""
    start, end = channels(colour), channels(towards)
    for share in np.linspace(0, 1, 101):
        mixed = code(start + share * (end - start))
        if all(contrast(mixed, ground) >= TEXT_CONTRAST + 0.05 for ground in grounds):
            return mixed
    return towards


def along(scale: Sequence[str], values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Colours (..., 3) that a colour scale of evenly spaced stops gives to values between ``low`` and ``high``."""
    stops = np.array([channels(c) for c in scale])
    place = np.clip((np.asarray(values, float) - low) / ((high - low) or 1), 0, 1)
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(place, at, stops[:, k]) for k in range(3)], axis=-1)


def wants_white(rgb: np.ndarray) -> np.ndarray:
    """Whether white text has more contrast than black on colours (..., 3); one of the two always has 4.5:1."""
    return 1.05 / (luminance(rgb) + 0.05) > (luminance(rgb) + 0.05) / 0.05
