"""Standard errors and 95% intervals of averages over units that may share targets, and draws of all of them together.

A+B and A+C share the measured A, its noise and its biology, so that values of doubles are no independent sample. The
variance of a mean is dyadic-cluster-robust (Fafchamps & Gubert 2007, J. Dev. Econ. 83, 326; Aronow, Samii & Assenova
2015, Polit. Anal. 23, 564): with w_i the share of the rows that belong to unit i and u_i = w_i (mean of unit i - mean),
V_raw is the sum of u_i u_j over all pairs of units that share a target. It is enlarged by a finite-sample constant
(:meth:`Sharing.correction`), never taken as smaller than under independence, and read against Student's t with one
degree of freedom less than there are targets. For units that share nothing this is Student's interval.

Such an interval is about another draw of targets, not about these perturbations measured again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np
from scipy.special import stdtr, stdtrit

from perturbviz.stats.averages import average, per_unit
from perturbviz.stats.bootstrap import N_RESAMPLES, bootstrap
from perturbviz.stats.ranks import quantile
from perturbviz.stats.sharing import Sharing

LEVEL = 0.95
TAIL = (1 + LEVEL) / 2
#: Units below which there is no interval, nothing is told apart, and no share of draws is given.
MIN_UNITS = 10
#: Draws of all averages together, for ranks and first places.
N_DRAWS = N_RESAMPLES


@dataclass(frozen=True, eq=False)
class Means:
    """Means of k series over units, with their errors.

    Attributes
    ----------
    value
        (k,) means over rows; NaN where a series has none.
    error
        (k,) standard errors; NaN where there is no interval.
    independent
        (k,) standard errors if no units shared a target.
    correction
        (k,) finite-sample constant; NaN where all units share a target.
    df
        (k,) degrees of freedom: targets - 1.
    n_units, n_targets
        (k,) distinct units and targets with a value.
    used
        (k, units) bool: whether a series has a row of a unit.
    residuals
        (k, units) weighted residuals u, 0 where not used.
    sharing
        Which units share targets.
    """

    value: np.ndarray
    error: np.ndarray
    independent: np.ndarray
    correction: np.ndarray
    df: np.ndarray
    n_units: np.ndarray
    n_targets: np.ndarray
    used: np.ndarray = field(repr=False)
    residuals: np.ndarray = field(repr=False)
    sharing: Sharing = field(repr=False)

    @property
    def widening(self) -> np.ndarray:
        """(k,) how many times wider the errors are than under independence; NaN where there is no interval."""
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = self.error / self.independent
        return np.where(self.independent > 0, ratio, np.where(np.isnan(self.error), np.nan, 1.0))

    def select(self, at: np.ndarray) -> Means:
        """Some of the series (positions)."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sharing"}
        return Means(**{name: value[at] for name, value in values.items()}, sharing=self.sharing)


def means(values: np.ndarray, unit: np.ndarray, sharing: Sharing) -> Means:
    """Means over rows with dyadic-cluster-robust errors.

    Parameters
    ----------
    values
        (k, rows); NaN rows of a series do not count for it.
    unit
        (rows,) codes 0 ... U-1 of the unit of each row: its splits are one unit, never more.
    sharing
        Of the U units.
    """
    each, size = per_unit(np.asarray(values, float), unit, len(sharing))
    total = size.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(total[:, None] > 0, size / total[:, None], 0.0)
        value = np.where(total > 0, (weight * np.where(size > 0, each, 0)).sum(axis=1), np.nan)
        residuals = weight * np.where(size > 0, each - value[:, None], 0.0)
    patterns = np.array([_pattern(sharing, s.astype(np.int32).tobytes()) for s in size]).reshape(len(size), 3)
    n_units, n_targets, correction = patterns[:, 0].astype(int), patterns[:, 1].astype(int), patterns[:, 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        independent = np.sqrt(n_units / np.maximum(n_units - 1, 1) * (residuals**2).sum(axis=1))
        robust = np.maximum(correction * sharing.squares(residuals), 0)
    error = np.where(np.isnan(correction) | (n_units < MIN_UNITS), np.nan, np.maximum(np.sqrt(robust), independent))
    return Means(value, error, independent, correction, n_targets - 1, n_units, n_targets, size > 0, residuals, sharing)


@lru_cache(maxsize=256)
def _pattern(sharing: Sharing, size: bytes) -> tuple[int, int, float]:
    """Units, targets and finite-sample constant for so many rows of each unit (int32)."""
    rows = np.frombuffer(size, np.int32)
    used = rows > 0
    if not used.any():
        return 0, 0, np.nan
    n = int(used.sum())
    if not sharing.shared(used) and np.all(rows[used] == rows[used][0]) and _singles(sharing, used):
        return n, n, n / (n - 1) if n > 1 else np.nan
    return n, sharing.n_targets(used), sharing.correction(rows / rows.sum())


def _singles(sharing: Sharing, used: np.ndarray) -> bool:
    return bool((np.asarray(sharing.member[used].sum(axis=1)).ravel() == 1).all())


def _covariances(found: Means) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariances of means that all have an interval, on the scale of their errors: (robust, independent, scale).

    The robust one is at least the independent one, as a matrix: the independent one plus the positive part of their
    difference. So no paired difference is narrower than under independence.
    """
    scale = np.where(found.error > 0, found.error, 1.0)
    u = found.residuals / scale[:, None]
    root, small = np.sqrt(found.correction), np.sqrt(found.n_units / (found.n_units - 1))
    independent = (u @ u.T) * np.outer(small, small)
    values, vectors = np.linalg.eigh(found.sharing.quadratic(u) * np.outer(root, root) - independent)
    return independent + (vectors * np.maximum(values, 0)) @ vectors.T, independent, scale


@dataclass(frozen=True, eq=False)
class Estimates:
    """Averages of k series, or their paired differences, with 95% intervals.

    Attributes
    ----------
    value, low, high, error
        (k,) averages, ends of their intervals and standard errors; the last three NaN where there is no interval.
    means
        Of the same series, from which the errors follow.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray
    means: Means = field(repr=False)

    @property
    def p(self) -> np.ndarray:
        """(k,) two-sided p-values of no difference from 0; NaN where there is no interval."""
        with np.errstate(invalid="ignore", divide="ignore"):
            statistic = np.where(self.error > 0, np.abs(self.value) / self.error, np.where(self.value == 0, 0, np.inf))
        return np.where(np.isnan(self.error), np.nan, 2 * stdtr(np.maximum(self.means.df, 1), -statistic))


def estimate(
    values: np.ndarray, unit: np.ndarray, sharing: Sharing, how: str = "mean", medians: np.ndarray | None = None
) -> Estimates:
    """Averages over rows with their intervals.

    Parameters
    ----------
    values, unit, sharing
        As of :func:`means`.
    how, medians
        "mean" or "median"; for the latter the (n, k) bootstrap medians of all series, where they are known already.
    """
    found = means(values, unit, sharing)
    if how == "mean":
        return _student(found)
    return _of_medians(average(values, how), bootstrap(values, unit, how) if medians is None else medians, found)


def paired(
    values: np.ndarray, i: int, unit: np.ndarray, sharing: Sharing, how: str = "mean", medians: np.ndarray | None = None
) -> Estimates:
    """Differences of averages, series ``i`` less each of all series, over the rows that both have.

    Parameters
    ----------
    medians
        (n, k) bootstrap medians of all series, where they are known already.
    """
    found = means(values[i] - values, unit, sharing)
    if how == "mean":
        return _student(found)
    medians = bootstrap(values, unit, how) if medians is None else medians
    have = ~np.isnan(values)
    value, deviations = np.full(len(values), np.nan), np.full(medians.shape, np.nan)
    for j in range(len(values)):
        both = have[i] & have[j]
        pair = values[[i, j]][:, both]
        value[j] = np.subtract(*average(pair, how))
        same = both.sum() == have[i].sum() == have[j].sum()  # else rows that only one of them has take no part
        drawn = medians[:, [i, j]] if same else bootstrap(np.where(both, values[[i, j]], np.nan), unit, how)
        deviations[:, j] = drawn[:, 0] - drawn[:, 1]
    return _of_medians(value, deviations, found)


def _student(found: Means) -> Estimates:
    half = stdtrit(np.maximum(found.df, 1), TAIL) * found.error
    return Estimates(found.value, found.value - half, found.value + half, found.error, found)


def _of_medians(value: np.ndarray, drawn: np.ndarray, found: Means) -> Estimates:
    """Intervals of medians: the bootstrap's deviations, as many times wider as those of the same series' means."""
    have = ~np.isnan(found.widening)
    low, high, error = np.full((3, len(value)), np.nan)
    if have.any():
        deviations = (drawn[:, have] - value[have]) * found.widening[have]
        low[have], high[have] = value[have] + quantile(deviations, [1 - TAIL, TAIL])
        error[have] = np.nanstd(deviations, axis=0, ddof=1)
    return Estimates(value, low, high, error, found)


def draws(
    found: Estimates, how: str = "mean", medians: np.ndarray | None = None, n: int = N_DRAWS, seed: int = 0
) -> np.ndarray:
    """Draws of all averages together, for ranks and first places: (n, k).

    Means: from a multivariate t distribution with their covariances and the fewest degrees of freedom of any. Medians:
    bootstrap medians whose deviations are widened alike, by what shared targets do to the differences of the means.
    NaN for all where one defined average has no interval, as nothing is then known about the order.
    """
    out = np.full((n, len(found.value)), np.nan)
    have = np.flatnonzero(~np.isnan(found.value))
    if not len(have) or np.isnan(found.error[have]).any():
        return out
    part = found.means.select(have)
    robust, independent, scale = _covariances(part)
    if how == "median":
        assert medians is not None
        wide, narrow = (_of_differences(v * np.outer(scale, scale)) for v in (robust, independent))
        factor = np.sqrt(wide / narrow) if narrow > 0 else 1.0
        out[:, have] = found.value[have] + factor * (medians[:n, have] - found.value[have])
        return out
    values, vectors = np.linalg.eigh(robust)
    rng, df = np.random.default_rng(seed), part.df.min()
    normal = rng.standard_normal((n, len(have))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    out[:, have] = found.value[have] + scale * normal / np.sqrt(rng.chisquare(df, (n, 1)) / df)
    return out


def _of_differences(covariance: np.ndarray) -> float:
    """Sum of the variances of all paired differences."""
    return float(len(covariance) * np.trace(covariance) - covariance.sum())
