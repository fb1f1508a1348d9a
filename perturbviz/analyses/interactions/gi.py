"""Genetic-interaction scores, one set per double: how its profile is made up of those of its singles.

Model of Norman et al., Science 365 (2019) 786-793: Δ_AB = c1 Δ_A + c2 Δ_B + ε over genes, Δ the change against control.
Scores as in GEARS (Roohani, Huang & Leskovec, Nat. Biotechnol. 2024), over well expressed genes:

magnitude     sqrt(c1² + c2²); sqrt(2) if changes add, above for synergy, below for suppression. Noise in the singles
              lowers it (regression dilution), so compare doubles and methods with one another, not with sqrt(2)
corr_fit      Pearson correlation of the fit with Δ_AB; low for neomorphism
dominance     |log10(c1 / c2)|; high for epistasis
dcor          distance correlation of (Δ_A, Δ_B) with Δ_AB; dcor_singles: of Δ_A with Δ_B; dcor_first, dcor_second: of
              Δ_A and of Δ_B with Δ_AB
eq_contr      smaller over larger of dcor_first and dcor_second; low if one single dominates
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from perturbviz.errors import UserError

FloatArray = npt.NDArray[np.float64]
Estimator = Literal["theilsen", "ols"]

MIN_GENES = 3


@dataclass(frozen=True)
class GIScores:
    """Scores of one double; a score that is not defined for it is NaN."""

    c1: float = np.nan
    c2: float = np.nan
    magnitude: float = np.nan
    corr_fit: float = np.nan
    #: NaN where c1 and c2 differ in sign or either is 0.
    dominance: float = np.nan
    dcor: float = np.nan
    dcor_singles: float = np.nan
    dcor_first: float = np.nan
    dcor_second: float = np.nan
    eq_contr: float = np.nan


def gi_scores(
    delta_a: npt.ArrayLike,
    delta_b: npt.ArrayLike,
    delta_ab: npt.ArrayLike,
    estimator: Estimator = "theilsen",
    *,
    distances: bool = True,
    max_pairs: int = 100_000,
) -> GIScores:
    """Scores of one double.

    Parameters
    ----------
    delta_a, delta_b, delta_ab
        Changes against control over the same genes, G. For a prediction, `delta_ab` is the predicted one; GEARS
        also uses predicted singles, here that is the caller's choice. Genes with a NaN are left out.
    estimator
        "theilsen": robust, spatial median of the solutions for pairs of genes; "ols": least squares.
    distances
        Whether to compute the distance correlations (about 40 ms for 1,000 genes, and quadratic in them; the first
        call in a process compiles the library, which takes seconds).
    max_pairs
        Pairs of genes used by Theil-Sen; all of them where there are no more, else a fixed random sample.

    Returns
    -------
    All NaN with fewer than 3 genes.

    Raises
    ------
    UserError
        Unless ``estimator`` is "theilsen" or "ols".
    """
    a, b, y = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (delta_a, delta_b, delta_ab)))
    known = np.isfinite(a) & np.isfinite(b) & np.isfinite(y)
    a, b, y = a[known], b[known], y[known]
    if len(y) < MIN_GENES:
        return GIScores()
    singles = np.column_stack([a, b])
    if estimator == "theilsen":
        c1, c2 = theil_sen(singles, y, max_pairs=max_pairs)
    elif estimator == "ols":
        c1, c2 = np.linalg.lstsq(singles, y)[0]
    else:
        raise UserError(f'Coefficients are estimated by "theilsen" or "ols", not {estimator!r}.')
    parts = _distance_parts(a, b, singles, y) if distances else {}
    return GIScores(
        c1=float(c1),
        c2=float(c2),
        magnitude=float(np.hypot(c1, c2)),
        corr_fit=_pearson(singles @ np.array([c1, c2]), y),
        dominance=float(abs(np.log10(c1 / c2))) if c1 * c2 > 0 else np.nan,
        **parts,
    )


def gi_table(
    doubles: Sequence[str],
    delta_a: npt.ArrayLike,
    delta_b: npt.ArrayLike,
    delta_ab: npt.ArrayLike,
    estimator: Estimator = "ols",
    *,
    distances: bool = False,
    max_pairs: int = 100_000,
) -> pd.DataFrame:
    """Scores of every double (arrays P × G), one row each, with its published class where the names match.

    Least squares without distances by default: milliseconds for a whole screen, where the others take seconds.
    """
    a, b, ab = (np.asarray(v, dtype=float) for v in (delta_a, delta_b, delta_ab))
    if estimator == "ols" and not distances:
        rows: Any = _least_squares(a, b, ab)
    else:
        rows = [
            asdict(gi_scores(*row, estimator, distances=distances, max_pairs=max_pairs))
            for row in zip(a, b, ab, strict=True)
        ]
    table = pd.DataFrame(
        rows, index=pd.Index(doubles, name="double"), columns=list(GIScores.__dataclass_fields__), dtype=float
    )
    table["published_class"] = published_classes(doubles)
    return table


def _least_squares(a: FloatArray, b: FloatArray, y: FloatArray) -> dict[str, FloatArray]:
    """Scores by least squares of all rows at once (P × G), as ``gi_scores(..., "ols", distances=False)`` gives them."""
    known = np.isfinite(a) & np.isfinite(b) & np.isfinite(y)
    n = known.sum(axis=1)
    if not known.all():
        a, b, y = (np.where(known, v, 0.0) for v in (a, b, y))
    aa, bb, ab, ay, by = (np.einsum("pg,pg->p", u, v) for u, v in ((a, a), (b, b), (a, b), (a, y), (b, y)))
    det = aa * bb - ab**2
    with np.errstate(divide="ignore", invalid="ignore"):
        c1, c2 = (bb * ay - ab * by) / det, (aa * by - ab * ay) / det
        for i in np.flatnonzero(~(det > 1e-8 * aa * bb)):  # nearly parallel singles: the solution of least norm
            c1[i], c2[i] = np.linalg.lstsq(np.column_stack([a[i], b[i]]), y[i])[0]
        c1, c2 = (np.where(n >= MIN_GENES, c, np.nan) for c in (c1, c2))
        fit = c1[:, None] * a + c2[:, None] * b
        dominance = np.where(c1 * c2 > 0, np.abs(np.log10(np.abs(c1 / c2))), np.nan)
    return {
        "c1": c1,
        "c2": c2,
        "magnitude": np.hypot(c1, c2),
        "corr_fit": _row_pearson(fit, y, known),
        "dominance": dominance,
    }


def theil_sen(x: FloatArray, y: FloatArray, *, max_pairs: int = 100_000, seed: int = 1000) -> FloatArray:
    """Two coefficients without intercept: spatial median of the exact solutions for pairs of rows.

    The estimator of Dang, Peng, Wang & Zhang (2008) as scikit-learn's TheilSenRegressor computes it, same start and
    tolerance, but all 2 × 2 systems at once (a hundred times faster); where not all pairs are used the sample differs.

    Parameters
    ----------
    x
        G × 2.
    y
        G.
    """
    n = len(y)
    if n * (n - 1) // 2 <= max_pairs:
        i, j = np.array(list(combinations(range(n), 2))).T
    else:
        rng = np.random.default_rng(seed)
        i = rng.integers(n, size=max_pairs)
        j = (i + 1 + rng.integers(n - 1, size=max_pairs)) % n  # any row but i
    (p, q), (r, s) = x[i].T, x[j].T
    det = p * s - q * r
    solvable = np.abs(det) > 1e-12 * np.maximum(np.hypot(p, q) * np.hypot(r, s), np.finfo(float).tiny)
    with np.errstate(divide="ignore", invalid="ignore"):
        solutions = np.column_stack([y[i] * s - y[j] * q, p * y[j] - r * y[i]]) / det[:, None]
    if not solvable.all():  # parallel rows: the solution of least norm, as least squares gives it
        left = np.flatnonzero(~solvable)
        inverse = np.linalg.pinv(np.stack([x[i[left]], x[j[left]]], axis=1))
        solutions[left] = np.einsum("kab,kb->ka", inverse, np.column_stack([y[i[left]], y[j[left]]]))
    return spatial_median(solutions)


def spatial_median(points: FloatArray, *, tolerance: float = 1e-3, max_iter: int = 1000) -> FloatArray:
    """Point of least summed distance to `points` (n × d), by Weiszfeld's iteration from their mean.

    With the correction of Vardi & Zhang, PNAS 97 (2000) 1423-1426, for an iterate that is itself one of the points.
    Stops when a step is shorter than `tolerance`.
    """
    at = points.mean(axis=0)
    for _ in range(max_iter):
        difference = points - at
        distance = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        away = distance > np.finfo(float).eps
        if not away.any():
            break
        inverse = np.zeros_like(distance)
        inverse[away] = 1.0 / distance[away]
        pull = float(np.linalg.norm(inverse @ difference))
        stay = 0.0 if away.all() else (1.0 if pull == 0.0 else min(1.0, 1.0 / pull))
        step = (1.0 - stay) * (inverse @ points / inverse.sum() - at)
        at = at + step
        if step @ step < tolerance**2:
            break
    return at


def _distance_parts(a: FloatArray, b: FloatArray, singles: FloatArray, y: FloatArray) -> dict[str, float]:
    """Distance correlations; NaN where one side does not vary."""
    from dcor import distance_correlation  # compiles for seconds when imported

    def dcor(u: FloatArray, v: FloatArray) -> float:
        return float(distance_correlation(u, v)) if np.ptp(u, axis=0).any() and np.ptp(v) > 0 else np.nan

    first, second = dcor(a, y), dcor(b, y)
    comparable = np.isfinite(first + second) and max(first, second) > 0
    return {
        "dcor": dcor(singles, y),
        "dcor_singles": dcor(a, b),
        "dcor_first": first,
        "dcor_second": second,
        "eq_contr": min(first, second) / max(first, second) if comparable else np.nan,
    }


def _pearson(u: FloatArray, v: FloatArray) -> float:
    """Pearson correlation; NaN where one side is constant up to rounding."""
    du, dv = u - u.mean(), v - v.mean()
    nu, nv = np.linalg.norm(du), np.linalg.norm(dv)
    if nu <= 1e-12 * np.linalg.norm(u) or nv <= 1e-12 * np.linalg.norm(v):
        return np.nan
    return float(du @ dv / (nu * nv))


def _row_pearson(u: FloatArray, v: FloatArray, known: npt.NDArray[np.bool_]) -> FloatArray:
    """``_pearson`` of every row over its known genes (values elsewhere are 0)."""
    n = np.maximum(known.sum(axis=1, keepdims=True), 1)
    du, dv = (np.where(known, w - w.sum(axis=1, keepdims=True) / n, 0.0) for w in (u, v))
    nu, nv = np.linalg.norm(du, axis=1), np.linalg.norm(dv, axis=1)
    flat = (nu <= 1e-12 * np.linalg.norm(u, axis=1)) | (nv <= 1e-12 * np.linalg.norm(v, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(flat, np.nan, np.einsum("pg,pg->p", du, dv) / (nu * nv))


@cache
def norman_classes() -> dict[str, str]:
    """Published class of 88 doubles of Norman et al. 2019 by canonical name; source in norman_classes.csv."""
    lines = Path(__file__).with_name("norman_classes.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["double"]: row["class"] for row in rows}


def published_classes(doubles: Iterable[str]) -> list[str]:
    """Published class of each double ("A+B", either order); an empty string where there is none.

    The classes describe that screen (CRISPRa in K562): for another one they are at most a hint.
    """
    known = norman_classes()
    return [known.get("+".join(sorted(double.split("+"))), "") for double in doubles]
