"""Float32 rounding: when a change is no change."""

from __future__ import annotations

import numpy as np

#: A change smaller than this fraction of the profile's largest value is float32 rounding and counts as zero.
ROUNDING = 4 * np.finfo(np.float32).eps


def snap(change: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Make rows of ``change`` (P, G) that are zero, or the same for every gene, up to rounding exactly so, in place.

    Rounding is that of profiles as large as ``size`` (P,). Otherwise correlations of what does not vary would be
    correlations of rounding errors.
    """
    if not change.size:
        return change
    low, high, tolerance = change.min(axis=1), change.max(axis=1), ROUNDING * size
    same = np.flatnonzero(high - low <= 2 * tolerance)
    change[same] = ((low + high) / 2)[same, None]
    change[np.maximum(high, -low) <= tolerance] = 0
    return change
