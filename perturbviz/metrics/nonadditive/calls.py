"""A method's top calls: the (double, gene) pairs it sets furthest from additive, with ties shared fairly.

Shared by the composition of calls, by recurrence and by the search for the best false call.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from perturbviz.errors import UserError

Side = Literal["both", "synergy", "suppression"]


def call_score(predicted_deviation: npt.ArrayLike, side: Side = "both") -> npt.NDArray[np.float64]:
    """What pairs are ordered by, descending: |deviation| (both sides), deviation (synergy) or -deviation.

    Raises
    ------
    UserError
        Unless ``side`` is "both", "synergy" or "suppression".
    """
    value = np.asarray(predicted_deviation, dtype=float)
    if side == "both":
        return np.abs(value)
    if side == "synergy":
        return value
    if side == "suppression":
        return -value
    raise UserError(f'The side of a call is "both", "synergy" or "suppression", not {side!r}.')


def top_weights(score: npt.ArrayLike, n: int) -> npt.NDArray[np.float64]:
    """Weight of each pair among the n highest scores, same shape as `score`.

    1 above the n-th score, 0 below it; pairs tied with it share the remaining places equally, which is the expected
    value under a random order of ties. Weights add up to n, or to the number of finite scores if that is smaller.
    NaN scores are never called.

    Raises
    ------
    UserError
        If ``n`` is below 1.
    """
    value = np.asarray(score, dtype=float)
    if n < 1:
        raise UserError(f"The number of top calls must be at least 1, not {n}.")
    known = np.isfinite(value)
    if known.sum() <= n:
        return known.astype(float)
    cut = np.partition(value[known], -n)[-n]
    above, tied = value > cut, value == cut  # NaN compares false
    return above + tied * ((n - above.sum()) / tied.sum())


def top_index(score: npt.ArrayLike, n: int, among: npt.ArrayLike | None = None) -> npt.NDArray[np.intp]:
    """Flat positions of the n highest finite scores, best first; ties in order of position.

    Parameters
    ----------
    score
        Any shape; ``np.unravel_index(result, score.shape)`` gives rows and columns.
    n
        At most so many; fewer where fewer are eligible.
    among
        Boolean mask of eligible pairs, for example the truly additive ones: their first is the best false call.
    """
    value = np.asarray(score, dtype=float).ravel()
    eligible = np.isfinite(value)
    if among is not None:
        eligible &= np.asarray(among, dtype=bool).ravel()
    position = np.flatnonzero(eligible)
    if len(position) > n > 0:
        cut = np.partition(value[position], -n)[-n]
        position = position[value[position] >= cut]
    return position[np.argsort(-value[position], kind="stable")][:n]
