"""Deviation of a double perturbation from the sum of its singles, and how uncertain that deviation is.

Arrays are pairs of perturbations × genes (P × G). In a value space that already is a change against control
(log fold changes) the control is 0. Both the observed and the predicted deviation use the *observed* singles, so a
prediction is only asked for the double.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from perturbviz.errors import UserError

FloatArray = npt.NDArray[np.floating]

#: Deviations this small against the largest observed one are rounding of a file stored in single precision.
ROUNDING = 1e-5


def additive_expectation(
    single_a: npt.ArrayLike, single_b: npt.ArrayLike, control: npt.ArrayLike | float = 0.0
) -> FloatArray:
    """Expression expected of the double if the changes of its singles add: Y_A + Y_B - c.

    Parameters
    ----------
    single_a, single_b
        Observed profiles of the two singles of each double, P × G; NaN where a single was not measured.
    control
        Control mean, G; 0 where the profiles are changes against control.

    Returns
    -------
    P × G, float64; NaN where a single is missing.

    Raises
    ------
    UserError
        If the two sets of singles differ in shape.
    """
    a, b = np.asarray(single_a, dtype=float), np.asarray(single_b, dtype=float)
    if a.shape != b.shape:
        raise UserError(f"The two sets of singles differ in shape: {a.shape} and {b.shape}; align them by double.")
    return a + b - np.asarray(control, dtype=float)


def deviation(observed: npt.ArrayLike, additive: npt.ArrayLike) -> FloatArray:
    """Profile of the double (observed or predicted) minus its additive expectation, P × G."""
    return np.asarray(observed, dtype=float) - np.asarray(additive, dtype=float)


def is_additive(predicted_deviation: npt.ArrayLike, observed_deviation: npt.ArrayLike) -> bool:
    """Whether a prediction is the additive expectation itself, up to rounding of stored values.

    Such a prediction names no interaction and cannot be ordered: it takes no part in curves and recall.
    True as well where nothing is predicted.
    """
    predicted, observed = np.asarray(predicted_deviation, dtype=float), np.asarray(observed_deviation, dtype=float)
    size = np.abs(predicted[np.isfinite(predicted)])
    scale = np.abs(observed[np.isfinite(observed)])
    return bool(size.max(initial=0.0) <= ROUNDING * scale.max(initial=0.0))


def deviation_se(
    se_double: npt.ArrayLike,
    se_a: npt.ArrayLike,
    se_b: npt.ArrayLike,
    se_control: npt.ArrayLike | float = 0.0,
) -> FloatArray:
    """Standard error of Y_AB - Y_A - Y_B + c: the four means come from different cells, so their variances add.

    Parameters
    ----------
    se_double, se_a, se_b
        Standard errors of the means of the double and its singles, P × G.
    se_control
        Standard error of the control mean, G (0 where it is not known: with many control cells it is small).
    """
    parts = (se_double, se_a, se_b, se_control)
    return np.sqrt(sum(np.square(np.asarray(part, dtype=float)) for part in parts))


def se_from_halves(
    half_a: npt.ArrayLike,
    half_b: npt.ArrayLike,
    *,
    share_a: npt.ArrayLike | float = 0.5,
    pool: Literal["both", "genes", "none"] = "both",
) -> FloatArray:
    """Standard error of a mean from the means of two disjoint halves of its cells.

    With a share w of the cells in half a, ``Var(mean) = w (1 - w) E[(half_a - half_b)²]``. One squared difference has
    a single degree of freedom, so by default it is pooled.

    Parameters
    ----------
    half_a, half_b
        Means of the two halves, P × G; NaN where a condition has no halves.
    share_a
        Share of the cells in half a, a number or one per row (P,). Equal halves where not known; for unequal
        ones that is too large, never too small.
    pool
        "both": variance = row effect × column effect (few cells make a whole row noisy, a variable gene makes
        a whole column noisy), each estimated by its mean; "genes": one variance per gene, averaged over rows;
        "none": as measured, one degree of freedom each.

    Returns
    -------
    P × G; NaN in rows without halves.

    Raises
    ------
    UserError
        Unless ``pool`` is "both", "genes" or "none".
    """
    a, b = np.asarray(half_a, dtype=float), np.asarray(half_b, dtype=float)
    share = np.asarray(share_a, dtype=float)
    share = share[:, None] if share.ndim == 1 else share
    variance = share * (1.0 - share) * np.square(a - b)
    if pool == "none":
        return np.sqrt(variance)
    known = np.isfinite(variance)
    n_row, n_gene = known.sum(axis=1, keepdims=True), known.sum(axis=0, keepdims=True)
    filled = np.where(known, variance, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_gene = filled.sum(axis=0, keepdims=True) / n_gene
        if pool == "genes":
            pooled = np.broadcast_to(by_gene, variance.shape)
        elif pool == "both":
            by_row = filled.sum(axis=1, keepdims=True) / n_row
            pooled = by_row * by_gene / (filled.sum() / known.sum())
        else:
            raise UserError(f'Pooling of half differences is "both", "genes" or "none", not {pool!r}.')
    return np.where(n_row > 0, np.sqrt(pooled), np.nan)


def z_scores(deviation: npt.ArrayLike, se: npt.ArrayLike) -> FloatArray:
    """Deviation over its standard error; NaN where the error is 0 or not known."""
    value, error = np.broadcast_arrays(np.asarray(deviation, dtype=float), np.asarray(se, dtype=float))
    result = np.full(value.shape, np.nan)
    np.divide(value, error, out=result, where=np.isfinite(error) & (error > 0))
    return result


def beyond(deviation: npt.ArrayLike, lower: float, upper: float) -> npt.NDArray[np.bool_]:
    """Which deviations lie at or beyond a threshold; a NaN threshold has nothing beyond it, nor has a NaN value."""
    value = np.asarray(deviation, dtype=float)
    return (value >= upper) | (value <= lower)
