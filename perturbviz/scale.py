"""What numbers can be: one look at values for every reader, for truth and prediction. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOG_MAX = 50.0  # log1p values stay far below: expm1(50) molecules do not exist
MANY_NEGATIVE = 0.2  # share of negative values from which a table that says nothing about itself is asked about
ALIKE = 0.5  # correlation with control below which a row has little of the control's profile
CLEARLY_ALIKE = 0.9  # and above which it is a profile of expression
FACTOR = 2.0  # totals of expression that differ by more are another scale
_ROWS = 256  # rows looked at in one go


def looks_like_counts(values: np.ndarray) -> bool:
    """Whether values are beyond any logarithm, or whole numbers that are not all small."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return False
    return bool(
        finite.max() > LOG_MAX or (finite.max() > 2 and finite.min() >= 0 and (finite == np.round(finite)).all())
    )


def many_negative(values: np.ndarray) -> bool:
    """Whether more than a fifth of the values is negative; expression that a model predicts may well be like that."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (finite < 0).mean() > MANY_NEGATIVE)


@dataclass(frozen=True)
class Agreement:
    """How the numbers of a prediction go with expression that was measured.

    Attributes
    ----------
    total
        Median over rows of the total expression (sum over genes of expm1), as a multiple of the truth's.
    correlation
        Median over rows of the Pearson correlation with control; NaN where no row varies.
    """

    total: float
    correlation: float

    @property
    def same_total(self) -> bool:
        """Whether the totals agree to a factor of two."""
        return 1 / FACTOR <= self.total <= FACTOR

    @property
    def changes(self) -> bool:
        """Whether these are changes rather than expression: another total, and nothing of the control's profile."""
        return not self.same_total and not self.correlation >= ALIKE

    @property
    def expression(self) -> bool:
        """Whether these are expression rather than changes: the truth's total and the control's profile."""
        return self.same_total and self.correlation >= CLEARLY_ALIKE

    def words(self) -> str:
        """Both figures, for a sentence."""
        return (
            f"total expression {self.total:.2f} x the truth's, correlation with control {self.correlation:.2f}"
            if np.isfinite(self.correlation)
            else f"total expression {self.total:.2f} x the truth's, no correlation with control"
        )


def agreement(values: np.ndarray, truth: np.ndarray, control: np.ndarray) -> Agreement:
    """Compare predicted rows with measured expression.

    Parameters
    ----------
    values, truth
        (rows, genes); rows that hold NaN do not count.
    control
        (rows of ``values``, genes) measured control; rows that hold NaN are replaced by the mean of the truth.
    """
    truth = truth[np.isfinite(truth).all(axis=1)]
    measured = float(np.median(totals(truth))) if len(truth) else np.nan
    whole = np.isfinite(values).all(axis=1)
    values, control = values[whole], control[whole]
    if not len(values):
        return Agreement(np.nan, np.nan)
    typical = truth.mean(axis=0, dtype=np.float64) if len(truth) else np.zeros(values.shape[1])
    control = np.where(np.isfinite(control).all(axis=1, keepdims=True), control, typical.astype(np.float32))
    related = row_correlations(values, control)
    related = related[np.isfinite(related)]
    return Agreement(
        float(np.median(totals(values))) / max(measured, 1e-12), float(np.median(related)) if related.size else np.nan
    )


def totals(values: np.ndarray) -> np.ndarray:
    """Total expression of each row, the sum over genes of expm1: (rows, genes) -> (rows,) float64."""
    out = np.empty(len(values))
    with np.errstate(over="ignore"):
        for i in range(0, len(values), _ROWS):
            out[i : i + _ROWS] = np.expm1(values[i : i + _ROWS].astype(np.float64)).sum(axis=1)
    return out


def row_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of each row of ``a`` with the same row of ``b``; NaN where one of them does not vary."""
    out = np.full(len(a), np.nan)
    for i in range(0, len(a), _ROWS):
        x, y = (m[i : i + _ROWS].astype(np.float64) for m in (a, b))
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
        size = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        np.divide((x * y).sum(axis=1), size, out=out[i : i + _ROWS], where=size > 0)
    return out
