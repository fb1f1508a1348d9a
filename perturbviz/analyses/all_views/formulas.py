"""Values of the sum-type metrics from the sums of ``analyses.all_views.sums``, for many gene subsets and rows at once.

Only what the sums cannot decide is left to ``analyses.all_views.repair``: a change so small, or so constant over genes,
that its moments have lost their digits or that it counts as no change at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perturbviz.analyses.all_views.collect import Sums
from perturbviz.stats.rounding import ROUNDING

#: A spread below this fraction of what it was computed from has lost too many of float64's 16 digits.
ILL_CONDITIONED = 3e-8
#: A sum of squares below this fraction of what it was computed from is zero.
ZERO = 3e-15


@dataclass(eq=False)
class Moments:
    """Moments of truth and prediction on some gene subsets; arrays are (columns, rows).

    Attributes
    ----------
    sums
        Where they come from.
    method
        Index of the method.
    reference
        Index into ``sums.layout.references``.
    columns
        Which gene subsets.
    n
        (columns, rows) number of genes.
    """

    sums: Sums
    method: int
    reference: int
    columns: np.ndarray
    n: np.ndarray

    @cached_property
    def _at(self) -> slice | np.ndarray:
        """The columns, as a slice where they are neighbours, which copies nothing."""
        first = int(self.columns[0])
        end = first + len(self.columns)
        return slice(first, end) if np.array_equal(self.columns, np.arange(first, end)) else self.columns

    def _error(self, statistic: int) -> np.ndarray:
        return self.sums.errors[self.method, statistic, self._at]

    def _truth(self, statistic: int) -> np.ndarray:
        return self.sums.truths[statistic, self._at]

    @property
    def _k(self) -> int:
        return len(self.sums.layout.references)

    @cached_property
    def rounding(self) -> np.ndarray:
        """Largest spread of a change that is constant up to float32 rounding (see ``stats.rounding``); or -1."""
        if self.sums.layout.references[self.reference] == "none":
            return np.array(-1.0)
        return self.n * (1.001 * ROUNDING * self.sums.size[self.reference]) ** 2

    # -- plain -----------------------------------------------------------------------------------------------------
    @property
    def absolute_error(self) -> np.ndarray:
        """Sum of |x - y|."""
        return self._error(1)

    @property
    def squared_error(self) -> np.ndarray:
        """Sum of (x - y)²."""
        return self._error(2)

    @property
    def truth(self) -> np.ndarray:
        """Sum of y - r."""
        return self._truth(2 * self.reference)

    @property
    def truth_squared(self) -> np.ndarray:
        """Sum of (y - r)²."""
        return self._truth(2 * self.reference + 1)

    @property
    def _truth_error(self) -> np.ndarray:
        """Sum of (y - r)(x - y)."""
        return self._error(3 + self.reference)

    @cached_property
    def prediction(self) -> np.ndarray:
        """Sum of x - r."""
        return self.truth + self._error(0)

    @cached_property
    def prediction_squared(self) -> np.ndarray:
        """Sum of (x - r)²."""
        return self.truth_squared + 2 * self._truth_error + self.squared_error

    @cached_property
    def product(self) -> np.ndarray:
        """Sum of (y - r)(x - r)."""
        return self.truth_squared + self._truth_error

    @cached_property
    def truth_spread(self) -> np.ndarray:
        """Sum of squares of y - r around its mean."""
        return self.truth_squared - self.truth**2 / self.n

    @cached_property
    def prediction_spread(self) -> np.ndarray:
        """Sum of squares of x - r around its mean."""
        return self.prediction_squared - self.prediction**2 / self.n

    # -- weighted --------------------------------------------------------------------------------------------------
    @cached_property
    def weight(self) -> np.ndarray:
        """Sum of w; NaN where no gene of the subset has weight."""
        total = self._truth(2 * self._k)
        return np.where(total > 0, total, np.nan)

    @property
    def weighted_squared_error(self) -> np.ndarray:
        """Weighted sum of (x - y)²."""
        return self._error(4 + self._k)

    @property
    def _weighted_truth(self) -> np.ndarray:
        """Weighted sum of y - r."""
        return self._truth(2 * self._k + 1 + 2 * self.reference)

    @property
    def weighted_truth_squared(self) -> np.ndarray:
        """Weighted sum of (y - r)²."""
        return self._truth(2 * self._k + 2 + 2 * self.reference)

    @property
    def _weighted_truth_error(self) -> np.ndarray:
        """Weighted sum of (y - r)(x - y)."""
        return self._error(5 + self._k + self.reference)

    @cached_property
    def _weighted_prediction(self) -> np.ndarray:
        """Weighted sum of x - r."""
        return self._weighted_truth + self._error(3 + self._k)

    @cached_property
    def weighted_truth_spread(self) -> np.ndarray:
        """Weighted sum of squares of y - r around its weighted mean."""
        return self.weighted_truth_squared - self._weighted_truth**2 / self.weight

    @cached_property
    def weighted_prediction_spread(self) -> np.ndarray:
        """Weighted sum of squares of x - r around its weighted mean."""
        squares = self.weighted_truth_squared + 2 * self._weighted_truth_error + self.weighted_squared_error
        return squares - self._weighted_prediction**2 / self.weight

    @cached_property
    def weighted_covariance(self) -> np.ndarray:
        """Weighted sum of products around the weighted means."""
        product = self.weighted_truth_squared + self._weighted_truth_error
        return product - self._weighted_truth * self._weighted_prediction / self.weight


def _l2(m: Moments) -> np.ndarray:
    return np.sqrt(m.squared_error)


def _mse(m: Moments) -> np.ndarray:
    return m.squared_error / m.n


def _rmse(m: Moments) -> np.ndarray:
    return np.sqrt(m.squared_error / m.n)


def _mae(m: Moments) -> np.ndarray:
    return m.absolute_error / m.n


def _pearson(m: Moments) -> np.ndarray:
    covariance = m.product - m.truth * m.prediction / m.n
    return np.where(m.n > 1, np.clip(covariance / np.sqrt(m.truth_spread * m.prediction_spread), -1, 1), np.nan)


def _cosine(m: Moments) -> np.ndarray:
    return np.clip(m.product / np.sqrt(m.truth_squared * m.prediction_squared), -1, 1)


def _r2(m: Moments) -> np.ndarray:
    return np.where(m.n > 1, 1 - m.squared_error / m.truth_spread, np.nan)


def _wmse(m: Moments) -> np.ndarray:
    return m.weighted_squared_error / m.weight


def _weighted_r2(m: Moments) -> np.ndarray:
    return 1 - m.weighted_squared_error / m.weighted_truth_spread


def _weighted_pearson(m: Moments) -> np.ndarray:
    spread = m.weighted_truth_spread * m.weighted_prediction_spread
    return np.clip(m.weighted_covariance / np.sqrt(spread), -1, 1)


def _lost(spread: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Where a spread computed from sums as large as ``size`` has no digits left (False where it is NaN)."""
    return (spread <= ILL_CONDITIONED * size) | (spread <= 0)


def _rounding_alone(m: Moments) -> np.ndarray:
    """Where the predicted change counts as zero or constant without being zero, which moves the error itself."""
    zero = m.prediction_squared <= ZERO * (m.truth_squared + m.squared_error)
    return (m.prediction_spread <= m.rounding) & ~zero


def _unsure_truth(m: Moments) -> np.ndarray:
    return _lost(m.truth_spread, m.truth_squared) | (m.truth_spread <= m.rounding)


def _unsure_error(m: Moments) -> np.ndarray:
    return _unsure_truth(m) | _rounding_alone(m)


def _unsure_both(m: Moments) -> np.ndarray:
    prediction = _lost(m.prediction_spread, m.truth_squared + m.squared_error) | (m.prediction_spread <= m.rounding)
    return _unsure_truth(m) | prediction


def _unsure_weighted_truth(m: Moments) -> np.ndarray:
    return _lost(m.weighted_truth_spread, m.weighted_truth_squared) | (m.truth_spread <= m.rounding)


def _unsure_weighted_error(m: Moments) -> np.ndarray:
    return _unsure_weighted_truth(m) | _rounding_alone(m)


def _unsure_weighted(m: Moments) -> np.ndarray:
    prediction = _lost(m.weighted_prediction_spread, m.weighted_truth_squared + m.weighted_squared_error)
    return _unsure_weighted_truth(m) | prediction | (m.prediction_spread <= m.rounding)


@dataclass(frozen=True)
class Formula:
    """How a metric follows from moments.

    Attributes
    ----------
    value
        Moments -> values.
    unsure
        Where it does not follow (None: it always does).
    both
        Whether it is undefined where the *predicted* change is zero.
    weighted
        Whether it needs the weighted moments.
    """

    value: Callable[[Moments], np.ndarray]
    unsure: Callable[[Moments], np.ndarray] | None = None
    both: bool = False
    weighted: bool = False


#: Metric id -> formula; every other metric of the catalogue is computed by its own function.
FORMULAS: dict[str, Formula] = {
    "l2": Formula(_l2),
    "mse": Formula(_mse),
    "rmse": Formula(_rmse),
    "mae": Formula(_mae),
    "pearson": Formula(_pearson, _unsure_both, both=True),
    "r2": Formula(_r2, _unsure_error),
    "pearson_delta": Formula(_pearson, _unsure_both, both=True),
    "cosine": Formula(_cosine, _unsure_both, both=True),
    "r2_delta": Formula(_r2, _unsure_error),
    "wmse": Formula(_wmse, weighted=True),
    "weighted_r2_delta": Formula(_weighted_r2, _unsure_weighted_error, weighted=True),
    "weighted_pearson_delta": Formula(_weighted_pearson, _unsure_weighted, both=True, weighted=True),
}
