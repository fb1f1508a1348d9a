"""Differential expression from group sums: Welch t with overestimated variance, Benjamini-Hochberg."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, stdtr

#: From this many degrees of freedom on and up to this |t| Hill's approximation of the p-value is exact to 2e-8.
_HILL_DF, _HILL_T = 50.0, 8.0


def mean_variance(n: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (ddof 1) from sums.

    Parameters
    ----------
    n
        Cells per row; (rows,).
    sums
        Sum of x and sum of x squared; (rows, genes, 2).

    Returns
    -------
    mean, variance
        (rows, genes) float64; NaN where n is 0, and below 2 for the variance. A variance below the rounding error of
        its own sums is zero: the gene is constant.
    """
    count = np.asarray(n, dtype=np.float64)[:, None]
    total, squares = sums[..., 0], sums[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        spread = squares - total * mean
        spread[spread <= 1e-13 * squares] = 0.0
        variance = spread / np.where(count > 1, count - 1, np.nan)
    return mean, variance


def welch_overestimated(
    n: np.ndarray,
    group: tuple[np.ndarray, np.ndarray],
    n_other: np.ndarray,
    other: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Welch t-test of each group against others, as scanpy's ``t-test_overestim_var`` defines it.

    ``t = (m1 - m2) / sqrt(v1/n1 + v2/n1)``: the variance of the others is divided by the size of the *group*, which
    overestimates it for small groups. Degrees of freedom are Welch's with the same sizes. As in scanpy, a gene
    without variance or difference on either side has t = 0 and p = 1, for the step-up correction needs every p.

    Parameters
    ----------
    n, group
        Cells (rows,) and mean and variance, each (rows, genes), of the groups.
    n_other, other
        The same for what each group is compared with; (1, genes) where all are compared with the same.

    Returns
    -------
    t, p
        (rows, genes) float64, two-sided; NaN rows where either side has fewer than two cells.
    """
    size = np.asarray(n, dtype=np.float64)[:, None]
    (m1, v1), (m2, v2) = group, other
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = v1 / size, v2 / size
        both = a + b
        t = (m1 - m2) / np.sqrt(both)
        df = (size - 1) * both**2 / (a * a + b * b)
        df[np.isnan(df)] = 1.0
        t[np.isnan(t)] = 0.0
        p = two_sided_p(t, df)
    undefined = (np.asarray(n) < 2) | (np.asarray(n_other) < 2)
    t[undefined] = np.nan
    p[undefined] = np.nan
    return t, p


def two_sided_p(t: np.ndarray, df: np.ndarray) -> np.ndarray:
    """Two-sided p-value of Student's t.

    The bulk (df >= 50, |t| < 8) uses Hill's normal approximation (Communications of the ACM 13, 1970, algorithm 395;
    relative error below 2e-8 there, and six times faster), everything else the incomplete beta function.
    """
    a = df - 0.5
    b = 48.0 * a * a
    y = a * np.log1p(t * t / df)
    z = (((((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b) + y + 3.0) / b + 1.0) * np.sqrt(y)
    p = 2.0 * ndtr(-z)
    exact = ~((df >= _HILL_DF) & (np.abs(t) < _HILL_T))
    p[exact] = 2.0 * stdtr(df[exact], -np.abs(t[exact]))
    return p


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values of every row (Benjamini & Hochberg 1995, step-up); rows x genes, NaN rows stay NaN."""
    rows, m = p.shape
    order = np.argsort(p, axis=1)
    order += np.arange(0, rows * m, m)[:, None]  # positions in the flat array
    ranked = p.take(order)
    ranked *= m / np.arange(1, m + 1)
    largest_first = ranked[:, ::-1]
    np.minimum.accumulate(largest_first, axis=1, out=largest_first)
    np.minimum(ranked, 1.0, out=ranked)
    adjusted = np.empty_like(p)
    adjusted.put(order, ranked)
    return adjusted
