"""Empirical null of the deviations from additivity: which of them are too large to be noise (Efron's local fdr).

Two groups: a share p0 of the values is null, normal with mean delta and standard deviation sigma; all values together
have density f. The local fdr of a value z is p0 f0(z) / f(z), the tail fdr the average of it from z outwards. Efron,
J. Am. Stat. Assoc. 99 (2004) 96-104 (central matching); Efron, Ann. Stat. 35 (2007) 1351-1377 (truncated maximum
likelihood); Efron, Large-Scale Inference (2010), chapters 5 and 6.

How it differs from R's locfdr, which the paper used
----------------------------------------------------
Written from the papers; R's locfdr was never run beside it, so no agreement in digits is claimed.

* Histogram and spline: 120 equal bins and a Poisson regression on a natural cubic spline as there, but bins reach at
  most 10 robust standard deviations from the median (beyond, p0 f0 is below 1e-20 of its peak; a single far value would
  otherwise make one bin as wide as the null), and knots are denser in the centre (equally spaced in asinh) and more of
  them (df 15, not 7), since deviations have a sharp centre and long tails.
* Maximum likelihood: the window is locfdr's, median ± b robust standard deviations with b = 4.3 exp(-.26 log10 N),
  1 for N > 500,000; the likelihood is maximised numerically to convergence. Its iteration was not compared.
* Central matching uses the same window (locfdr: the quartiles), which steadies it where values are few.
* The local fdr is made monotone from the outside inwards (the larger value wins, the cautious choice) and is not set
  to 1 around the mode.
* The threshold is where the local fdr crosses the level; the paper's code takes the observed value whose fdr is
  closest.
* A p0 above 1 is reported as 1.

Figures printed for the paper's preprint, to compare with where the same 124,000 deviations are at hand (they are not
part of this repository; it stacked five copies, N = 620,000, hence b = 1): ML delta .0067689, sigma .0575629, p0
.8270817; central matching -.000505, .0839471, .9886110; thresholds at local fdr .05: -.2049325 and .1948448; 8,060
below, 20,095 above. The tail fdr there is about .8% and 1.4%: a local fdr of 5% at the boundary is the stricter rule.
The paper itself prints 5,035 of 124,000 beyond its thresholds but not the thresholds; the labelled pairs of its source
data (Fig. 1f) bracket them: lower between -.21423 and -.21310, upper between .20046 and .20284.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from perturbviz.errors import UserError

FloatArray = npt.NDArray[np.float64]
Method = Literal["ml", "cm"]

#: Misfit of the null (deviance over degrees of freedom; 1 is chance) beyond which its fdr is no error rate.
MISFIT = 5.0

#: Fewer values than this cannot show a density in 120 bins.
MIN_VALUES = 200
N_BINS = 120
#: Degrees of freedom of the spline of log f.
SPLINE_DF = 15
#: Robust standard deviations from the median up to which the histogram reaches.
REACH = 10.0
#: Where neither the mixture nor the null expects this many values in a bin, their ratio is no evidence and is ignored.
EXPECTED = 0.01
#: Points per bin of the grid on which fdr is tabulated.
FINE = 10


@dataclass(frozen=True)
class EmpiricalNull:
    """A fitted empirical null; densities integrate to 1 over all values."""

    #: Mean, standard deviation and share of the null.
    delta: float
    sigma: float
    p0: float
    method: Method
    level: float
    n: int
    #: Deviations at or beyond these have local fdr ≤ level; NaN where no observed value has (`reason` says so).
    lower: float
    upper: float
    reason: str
    #: Bin mid-points, width, counts, fitted mixture f and p0 f0 (densities), share of non-null 1 - fdr.
    mids: FloatArray = field(repr=False)
    width: float
    counts: npt.NDArray[np.int64] = field(repr=False)
    f: FloatArray = field(repr=False)
    p0_f0: FloatArray = field(repr=False)
    nonnull: FloatArray = field(repr=False)
    #: Deviance over residual degrees of freedom of the mixture fit; about 1 for a good fit of independent values.
    misfit: float
    #: The same for p0 f0 against the counts in the window of the null's fit: is the centre normal?
    null_misfit: float
    #: Values outside the histogram (they are called whenever their side has a threshold).
    n_outside: int
    #: The window of the null's fit.
    window: tuple[float, float]
    #: Quantiles of the fitted null and of the values, at the same probabilities.
    qq_null: FloatArray = field(repr=False)
    qq_observed: FloatArray = field(repr=False)
    _grid: FloatArray = field(repr=False)
    _fdr: FloatArray = field(repr=False)
    _tail: FloatArray = field(repr=False)

    def fdr(self, values: npt.ArrayLike) -> FloatArray:
        """Local fdr: probability that a value just there is null. NaN for NaN; constant beyond the histogram."""
        return np.interp(np.asarray(values, dtype=float), self._grid, self._fdr)

    def tail_fdr(self, values: npt.ArrayLike) -> FloatArray:
        """Tail fdr: expected share of null values among all at least as far out on the same side of delta."""
        return np.interp(np.asarray(values, dtype=float), self._grid, self._tail)

    def at(self, level: float) -> EmpiricalNull:
        """The same fit with thresholds at another local fdr."""
        if level == self.level:
            return self
        centre = int(np.clip(np.searchsorted(self._grid, self.delta), 1, len(self._grid) - 1))
        lower, upper = _crossings(self._grid, self._fdr, centre, level)
        return replace(self, level=level, lower=lower, upper=upper, reason=_missing(lower, upper, level))

    @property
    def doubt(self) -> str:
        """Why the fdr is no error rate: the centre is not normal. "" where it is, or cannot be judged."""
        if not self.null_misfit > MISFIT:
            return ""
        return (
            f"The null does not fit (misfit {self.null_misfit:.0f}; 1 is chance), so the local fdr is a convention, "
            "not an error rate."
        )

    @property
    def n_nonnull(self) -> float:
        """Expected number of non-null values in the histogram, the sum of count × share of non-null."""
        return float(self.counts @ self.nonnull)


def fit_null(values: npt.ArrayLike, method: Method = "ml", level: float = 0.05) -> EmpiricalNull:
    """Fit the empirical null to deviations (or to z-scores).

    Parameters
    ----------
    values
        Any shape; NaN and infinite ones are left out. Give each observed pair once: copies (the same double in
        several splits) do not change delta and sigma much, but make the fit look surer than it is.
    method
        "ml": truncated normal by maximum likelihood in a central window; "cm": central matching, a parabola
        through log f in the same window.
    level
        Local fdr at which `lower` and `upper` are read off.

    Raises
    ------
    UserError
        Fewer than 200 finite values, no spread in the middle half, or a centre that is not bell-shaped.
    """
    x = np.asarray(values, dtype=float).ravel()
    d = _density(np.sort(x[np.isfinite(x)]))
    x, n, grid, log_f = d.x, len(d.x), d.grid, d.log_f
    delta, sigma, p0 = _centre(d, method)
    log_null = np.log(p0) - 0.5 * np.square((grid - delta) / sigma) - np.log(sigma * np.sqrt(2 * np.pi))
    centre = int(np.clip(np.searchsorted(grid, delta), 1, len(grid) - 1))
    fdr = _monotone(_local_ratio(log_null, log_f, n * d.width), centre)
    tail = _monotone(_tail_ratio(x, grid, delta, sigma, p0), centre)
    lower, upper = _crossings(grid, fdr, centre, level)
    every = slice(None, None, FINE)
    p0_f0, inside = np.exp(log_null[every]), (d.mids >= d.window[0]) & (d.mids <= d.window[1])
    probability = _probabilities(n)
    return EmpiricalNull(
        delta=float(delta),
        sigma=float(sigma),
        p0=float(p0),
        method=method,
        level=level,
        n=n,
        lower=lower,
        upper=upper,
        reason=_missing(lower, upper, level),
        mids=d.mids,
        width=d.width,
        counts=d.counts,
        f=np.exp(log_f[every]),
        p0_f0=p0_f0,
        nonnull=1.0 - fdr[every],
        misfit=d.misfit,
        null_misfit=_deviance(d.counts, n * d.width * p0_f0, inside),
        n_outside=int(n - d.counts.sum()),
        window=(float(d.window[0]), float(d.window[1])),
        qq_null=delta + sigma * special.ndtri(probability),
        qq_observed=_sorted_quantile(x, probability),
        _grid=grid,
        _fdr=fdr,
        _tail=tail,
    )


class _Density(NamedTuple):
    """Density of all values together, and the window in the centre where the null is fitted."""

    x: FloatArray  # sorted
    median: float
    scale: float
    mids: FloatArray
    width: float
    counts: npt.NDArray[np.int64]
    grid: FloatArray
    log_f: FloatArray  # on the grid
    misfit: float
    window: tuple[float, float]


def _density(x: FloatArray) -> _Density:
    """The density of sorted values."""
    n = len(x)
    if n < MIN_VALUES:
        raise UserError(
            f"An empirical null needs at least {MIN_VALUES} values; there are {n}. Use more genes or doubles."
        )
    median, scale = _middle(x)
    mids, width, counts = _bins(x, median, scale)
    grid = np.linspace(mids[0], mids[-1], (N_BINS - 1) * FINE + 1)
    log_rate, misfit = _log_spline((mids - median) / scale, counts, (grid - median) / scale)
    b = 1.0 if n > 500_000 else 4.3 * np.exp(-0.26 * np.log10(n))
    window = (median - b * scale, median + b * scale)
    return _Density(x, median, scale, mids, width, counts, grid, log_rate - np.log(n * width), misfit, window)


def _centre(d: _Density, method: Method) -> tuple[float, float, float]:
    """Mean, standard deviation and share of the null."""
    if method == "ml":
        delta, sigma, p0 = _truncated_ml(d.x, d.window, d.median, d.scale)
    elif method == "cm":
        delta, sigma, p0 = _central_matching(d.grid, d.log_f, d.window, d.median, d.scale)
    else:
        raise UserError(f'The null is fitted by "ml" or "cm", not {method!r}.')
    return delta, sigma, min(p0, 1.0)


def _middle(x: FloatArray) -> tuple[float, float]:
    """Median of sorted values and, from their quartiles, a normal's standard deviation."""
    q1, median, q3 = _sorted_quantile(x, np.array([0.25, 0.5, 0.75]))
    scale = (q3 - q1) / (2.0 * special.ndtri(0.75))
    if not scale > 1e-9 * max(abs(x[0]), abs(x[-1])):
        raise UserError("The middle half of the deviations is one and the same value: no noise to fit a null to.")
    return median, scale


def _bins(x: FloatArray, median: float, scale: float) -> tuple[FloatArray, float, npt.NDArray[np.int64]]:
    """Middles, width and counts of equal bins that reach so far from the median as sorted values do, and no further."""
    edges = np.linspace(max(x[0], median - REACH * scale), min(x[-1], median + REACH * scale), N_BINS + 1)
    at = np.searchsorted(x, edges)
    at[-1] = np.searchsorted(x, edges[-1], side="right")
    return (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0]), np.diff(at)


def _local_ratio(log_null: FloatArray, log_f: FloatArray, per_bin: float) -> FloatArray:
    """The null's share of the density, at most 1; 0 where hardly a value is expected in a bin."""
    ratio = np.exp(np.minimum(log_null - log_f, 0.0))
    ratio[per_bin * np.exp(np.maximum(log_f, log_null)) < EXPECTED] = 0.0
    return ratio


def _probabilities(n: int) -> FloatArray:
    """Where quantiles are compared: from -4 to 4 standard deviations, as far as n values tell."""
    probability = special.ndtr(np.linspace(-4, 4, 161))
    return probability[(probability * n >= 0.5) & ((1 - probability) * n >= 0.5)]


def _missing(lower: float, upper: float, level: float) -> str:
    """Which sides have no threshold, as a sentence; "" where both have."""
    sides = [side for side, bound in (("negative", lower), ("positive", upper)) if np.isnan(bound)]
    return f"No {' and no '.join(sides)} deviation has a local fdr of {level:g} or less." if sides else ""


def _deviance(counts: npt.NDArray[np.int64], expected: FloatArray, inside: npt.NDArray[np.bool_]) -> float:
    """Poisson deviance per degree of freedom of three fitted parameters; NaN with too few bins inside."""
    y, mu = counts[inside], expected[inside]
    if len(y) < 5:
        return np.nan
    return float(2.0 * (special.xlogy(y, y / mu) - (y - mu)).sum() / (len(y) - 3))


def _sorted_quantile(x: FloatArray, probability: FloatArray) -> FloatArray:
    """Quantiles of sorted values, linear between order statistics."""
    return np.interp(probability * (len(x) - 1), np.arange(len(x)), x)


def _log_spline(t: FloatArray, counts: npt.NDArray[np.int64], at: FloatArray) -> tuple[FloatArray, float]:
    """Log expected count by Poisson regression on a natural cubic spline, at the points `at`; and deviance / df.

    `t` and `at` in robust standard deviations from the median, `at` within `t`.
    """
    from scipy.interpolate import CubicSpline  # here, like optimize below: the first chart must not wait for them

    knots = 2 * np.sinh(np.linspace(np.arcsinh(t[0] / 2), np.arcsinh(t[-1] / 2), SPLINE_DF))
    knots[[0, -1]] = t[[0, -1]]
    basis = CubicSpline(knots, np.eye(SPLINE_DF), bc_type="natural")  # coefficients are the values at the knots
    fitted = _poisson(basis(t), counts)
    misfit = special.xlogy(counts, counts) - special.xlogy(counts, np.exp(basis(t) @ fitted)) - counts
    deviance = 2.0 * (misfit + np.exp(basis(t) @ fitted)).sum()
    return basis(at) @ fitted, float(deviance / (len(t) - SPLINE_DF))


def _poisson(design: FloatArray, counts: npt.NDArray[np.int64]) -> FloatArray:
    """Coefficients of a Poisson regression with log link, by maximum likelihood."""
    from scipy import optimize

    def loss(b: FloatArray) -> float:
        return float(np.exp(design @ b).sum() - counts @ (design @ b))

    def slope(b: FloatArray) -> FloatArray:
        return design.T @ (np.exp(design @ b) - counts)

    def bend(b: FloatArray) -> FloatArray:
        return design.T @ (np.exp(design @ b)[:, None] * design)

    start = np.linalg.lstsq(design, np.log(np.maximum(counts, 0.5)), rcond=None)[0]
    fit = optimize.minimize(loss, start, jac=slope, hess=bend, method="trust-exact", options={"gtol": 1e-7})
    return fit.x


def _truncated_ml(
    x: FloatArray, window: tuple[float, float], median: float, scale: float
) -> tuple[float, float, float]:
    """Mean, standard deviation and share of a normal seen in a window only, by maximum likelihood.

    The share in the window theta and the normal within it separate: theta is the observed share, (delta, sigma)
    maximise the truncated likelihood, for which count, mean and variance suffice, and p0 = theta / P(window).
    """
    from scipy import optimize

    first, last = np.searchsorted(x, window[0]), np.searchsorted(x, window[1], side="right")
    u = (x[first:last] - median) / scale
    mean, variance = u.mean(), u.var()
    a, b = (window[0] - median) / scale, (window[1] - median) / scale

    def mass(delta: float, sigma: float) -> float:
        return special.ndtr((b - delta) / sigma) - special.ndtr((a - delta) / sigma)

    def loss(theta: FloatArray) -> float:
        delta, sigma = theta[0], np.exp(theta[1])
        inside = mass(delta, sigma)
        if not inside > 0:
            return np.inf
        return theta[1] + (variance + (mean - delta) ** 2) / (2 * sigma**2) + np.log(inside)

    fit = optimize.minimize(loss, [mean, np.log(0.9)], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14})
    delta, sigma = fit.x[0], np.exp(fit.x[1])
    if not fit.success or sigma > 5.0 or not a < delta < b:
        raise UserError("The centre of the deviations is not bell-shaped: no normal null fits it.")
    return median + scale * delta, scale * sigma, len(u) / len(x) / mass(delta, sigma)


def _central_matching(
    grid: FloatArray, log_f: FloatArray, window: tuple[float, float], median: float, scale: float
) -> tuple[float, float, float]:
    """Parabola through log f in the window; a normal's log density is one, which gives delta, sigma and p0."""
    inside = (grid >= window[0]) & (grid <= window[1])
    if inside.sum() < 5:
        raise UserError("The deviations are too concentrated for central matching; use maximum likelihood.")
    c0, c1, c2 = np.polynomial.polynomial.polyfit((grid[inside] - median) / scale, log_f[inside] + np.log(scale), 2)
    if not c2 < 0:
        raise UserError("The centre of the deviations is not bell-shaped: no normal null fits it.")
    variance = -0.5 / c2
    delta = c1 * variance
    p0 = np.exp(c0 + 0.5 * delta**2 / variance) * np.sqrt(2 * np.pi * variance)
    return median + scale * delta, scale * np.sqrt(variance), float(p0)


def _tail_ratio(x: FloatArray, grid: FloatArray, delta: float, sigma: float, p0: float) -> FloatArray:
    """p0 times the null's tail over the observed tail, each side of delta outwards; observed tail at least 1/N."""
    right = grid >= delta
    observed = np.where(right, len(x) - np.searchsorted(x, grid), np.searchsorted(x, grid, side="right"))
    null = special.ndtr(-np.abs(grid - delta) / sigma)
    return np.minimum(p0 * null * len(x) / np.maximum(observed, 1), 1.0)


def _monotone(values: FloatArray, centre: int) -> FloatArray:
    """Non-increasing outwards from `centre` on both sides, by the running maximum from the outside inwards."""
    left = np.maximum.accumulate(values[:centre])
    right = np.maximum.accumulate(values[centre:][::-1])[::-1]
    return np.concatenate([left, right])


def _crossings(grid: FloatArray, fdr: FloatArray, centre: int, level: float) -> tuple[float, float]:
    """Where fdr falls to `level` left and right of the centre, linear between grid points; NaN where it does not."""

    def outwards(z: FloatArray, y: FloatArray) -> float:
        beyond = np.flatnonzero(y <= level)
        if not len(beyond):
            return np.nan
        i = beyond[0]
        if i == 0 or y[i - 1] == y[i]:
            return float(z[i])
        return float(z[i - 1] + (z[i] - z[i - 1]) * (y[i - 1] - level) / (y[i - 1] - y[i]))

    return outwards(grid[:centre][::-1], fdr[:centre][::-1]), outwards(grid[centre:], fdr[centre:])
