"""Which choice decides: the Shapley share of the variance of a method's rank over the defensible views.

The value of a set S of choices (factors) is the variance of the rank's conditional mean given those choices,
Var(E[rank | S]), over the views that count with their votes. Views need not form a rectangle (a metric without a
reference has one), so effects of single choices do not add up; Shapley values (Owen 2014, SIAM/ASA JUQ 2, 245: variance
explained under dependence) split the whole variance among the choices without remainder.
"""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.defensible import FACTORS, Views


def deciding_choices(views: Views, factors: tuple[str, ...] = FACTORS) -> pd.DataFrame:
    """Share of rank variance that goes to each choice.

    Returns
    -------
    factors x ("all", each method): shares that sum to 1 in each column; "all" sums the variances of all methods. NaN
    for a method whose rank never changes.
    """
    codes = np.stack([pd.factorize(views.frame[f])[0] for f in factors], axis=1).reshape(len(views), len(factors))
    effects = shapley(codes, views.ranks, views.vote)
    effects = np.concatenate([effects.sum(axis=1, keepdims=True), effects], axis=1)
    total = effects.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 1e-12, effects / total, np.nan)
    return pd.DataFrame(share, index=pd.Index(factors, name="choice"), columns=["all", *views.methods])


def shapley(codes: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Shapley effects on a variance, exact over all subsets of factors.

    Parameters
    ----------
    codes
        (V, k) level of each factor, integers from 0.
    values
        (V, m) what varies; NaN entries do not count for their column.
    weight
        (V,) weights.

    Returns
    -------
    (k, m) effects; columns sum to the variance of the mean given all factors.
    """
    k = codes.shape[1]
    value = [explained_variance(codes[:, [i for i in range(k) if s >> i & 1]], values, weight) for s in range(2**k)]
    effects = np.zeros((k, values.shape[1]))
    for i in range(k):
        for s in range(2**k):
            if not s >> i & 1:
                effects[i] += (value[s | 1 << i] - value[s]) / (k * comb(k - 1, s.bit_count()))
    return effects


def explained_variance(codes: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted variance of the conditional means of ``values`` (V, m) given the columns of ``codes`` (V, j): (m,)."""
    have = ~np.isnan(values)
    w = np.where(have, weight[:, None], 0)
    total = w.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = w / total
        overall = (w * np.where(have, values, 0)).sum(axis=0)
        centred = w * np.where(have, values - overall, 0)
    group = _groups(codes)
    count = int(group.max()) + 1 if len(group) else 0
    out = np.zeros(values.shape[1])
    for m in range(values.shape[1]):
        if total[m] > 0:
            mass, sums = np.bincount(group, w[:, m], count), np.bincount(group, centred[:, m], count)
            some = mass > 0
            out[m] = (sums[some] ** 2 / mass[some]).sum()
    return out


def _groups(codes: np.ndarray) -> np.ndarray:
    """One number for each combination of levels."""
    group = np.zeros(len(codes), np.int64)
    for column in codes.T:
        group = np.unique(group * (int(column.max(initial=0)) + 1) + column, return_inverse=True)[1]
    return group
