"""Classes of interaction per (double, gene): those of the paper, those of its notebook, and their confusion.

Paper: Ahlmann-Eltze, Huber & Anders, Nature Methods 2025, Methods. With a, b, o the changes against control of the
two singles and the double, and e = a + b: a pair that is not beyond the threshold is additive; beyond it, singles
that change the gene in different directions make it "other"; otherwise the double goes the opposite way ("opposite"),
stays between no change and the sum ("buffering") or exceeds the sum ("synergistic").

The paper leaves zeros open; here a single without any change agrees with either direction, and where the sum is 0
there is no direction to compare with, so the pair is "other".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int8]

MISSING = -1
ADDITIVE, BUFFERING, SYNERGISTIC, OPPOSITE, OTHER = range(5)
#: Names by code of the paper's classes.
PAPER_CLASSES = ("additive", "buffering", "synergistic", "opposite", "other")

SUPPRESSION, SYNERGY = 1, 2
#: Names by code of the notebook's labels, which look at the sign of the deviation alone.
NOTEBOOK_CLASSES = ("additive", "suppression", "synergy")


def paper_classes(
    delta_a: npt.ArrayLike, delta_b: npt.ArrayLike, delta_ab: npt.ArrayLike, nonadditive: npt.ArrayLike
) -> Codes:
    """Class of each pair by comparison of the double with its singles.

    Parameters
    ----------
    delta_a, delta_b
        Observed changes of the singles against control, any shape (P × G); the observed ones for predictions too.
    delta_ab
        Change of the double against control, observed or predicted.
    nonadditive
        Which pairs count as non-additive: ``beyond(deviation, lower, upper)``, or significance.

    Returns
    -------
    int8 codes into ``PAPER_CLASSES``; ``MISSING`` where a change is NaN.
    """
    a, b, o = (np.asarray(x, dtype=float) for x in (delta_a, delta_b, delta_ab))
    e = a + b
    along = o * np.sign(e)
    codes = np.full(np.broadcast_shapes(e.shape, o.shape), BUFFERING, dtype=np.int8)
    codes[along > np.abs(e)] = SYNERGISTIC
    codes[along < 0] = OPPOSITE
    codes[np.broadcast_to((np.sign(a) * np.sign(b) < 0) | (e == 0), codes.shape)] = OTHER
    codes[~np.broadcast_to(np.asarray(nonadditive, dtype=bool), codes.shape)] = ADDITIVE
    codes[np.isnan(e + o)] = MISSING
    return codes


def notebook_classes(deviation: npt.ArrayLike, lower: float, upper: float) -> Codes:
    """Class of each pair by the sign of its deviation alone; codes into ``NOTEBOOK_CLASSES``, ``MISSING`` for NaN.

    Strictly beyond the threshold, as in the notebook of the paper's preprint.
    """
    value = np.asarray(deviation, dtype=float)
    codes = np.zeros(value.shape, dtype=np.int8)
    codes[value > upper] = SYNERGY
    codes[value < lower] = SUPPRESSION
    codes[np.isnan(value)] = MISSING
    return codes


def class_names(codes: Codes, names: Sequence[str] = PAPER_CLASSES) -> npt.NDArray[np.object_]:
    """Names of codes; an empty string where missing."""
    return np.array([*names, ""], dtype=object)[codes]


def class_counts(codes: Codes, n_classes: int = len(PAPER_CLASSES)) -> npt.NDArray[np.int64]:
    """Pairs per class, missing ones left out."""
    return np.bincount(codes[codes >= 0], minlength=n_classes).astype(np.int64)


def confusion(true: Codes, predicted: Codes, n_classes: int = len(PAPER_CLASSES)) -> npt.NDArray[np.int64]:
    """Pairs by true class (rows) and predicted class (columns), n_classes × n_classes; missing ones left out."""
    true, predicted = np.broadcast_arrays(true, predicted)
    known = (true >= 0) & (predicted >= 0)
    cell = true[known].astype(np.int64) * n_classes + predicted[known]
    return np.bincount(cell, minlength=n_classes**2).reshape(n_classes, n_classes)


def composition(
    codes: Codes, weights: npt.NDArray[np.floating], n_classes: int = len(PAPER_CLASSES)
) -> npt.NDArray[np.float64]:
    """How many of a method's top calls fall in each class (true classes for precision, predicted ones for habits).

    Parameters
    ----------
    codes
        Class of every pair.
    weights
        Weight of every pair among the calls, same shape, from ``calls.top_weights``: 1 for a call, a fraction
        where ties share the last places. Missing pairs are left out.
    """
    known = codes >= 0
    share = np.asarray(weights, dtype=float)[known]
    return np.bincount(codes[known], weights=share, minlength=n_classes).astype(float)
