"""Float32 rounding: when a change is no change."""

from __future__ import annotations

import numpy as np

#: A change smaller than this fraction of the profile's largest value is float32 rounding and counts as zero.
ROUNDING = 4 * np.finfo(np.float32).eps


def snap(change: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Set rows of ``change`` (P, G) that are zero up to rounding of profiles as large as ``size`` (P,) to exactly zero.

    In place, so that whatever divides by the length of a change finds none.
    """
    change[np.abs(change).max(axis=1, initial=0) <= ROUNDING * size] = 0
    return change
