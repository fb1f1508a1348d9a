"""Which pairs count as non-additive: by the size of the deviation or by its significance, fitted or set by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from perturbviz.analyses.interactions.classes import MISSING, Codes, paper_classes
from perturbviz.analyses.interactions.pairs import Pairs
from perturbviz.benchmark.memo import kept
from perturbviz.errors import UserError
from perturbviz.metrics.nonadditive.deviation import beyond
from perturbviz.scoring.additivity import false_share, interaction_null, planted
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.stats.empirical_null import EmpiricalNull, fit_null

Kind = Literal["effect", "significance"]

#: Robust standard deviations at which a threshold starts where none could be fitted.
START = 4.0


@dataclass(frozen=True)
class Threshold:
    """Bounds at or beyond which a pair is non-additive.

    Attributes
    ----------
    kind
        "effect": bounds of the deviation; "significance": of the deviation over its standard error.
    lower, upper
        NaN: nothing on that side is non-additive.
    null
        The fitted null; None where it could not be fitted (``problem`` says why).
    by_hand
        The bounds were set by the user (or are a starting value), not read off the null.
    """

    kind: Kind
    lower: float
    upper: float
    null: EmpiricalNull | None = field(default=None, repr=False)
    problem: str = ""
    by_hand: bool = False

    @property
    def doubt(self) -> str:
        """Why calls by these bounds come with no error rate, as a sentence; "" where they do, or were set by hand."""
        return "" if self.by_hand or self.null is None else self.null.doubt

    def scaled(self, pairs: Pairs, values: np.ndarray) -> np.ndarray:
        """Deviations (D, G) or (R, G) in the units of the bounds.

        Raises
        ------
        UserError
            If the bounds are in standard errors, and those are not known.
        """
        if self.kind == "effect":
            return values
        if isinstance(pairs.se, str):
            raise UserError(pairs.se)
        se = pairs.se if len(values) == len(pairs.se) and values is pairs.deviation else pairs.se[pairs.double]
        return np.divide(values, se, out=np.full(values.shape, np.nan), where=se > 0)

    def true(self, pairs: Pairs) -> np.ndarray:
        """(D, G) bool: truly non-additive."""
        return beyond(self.scaled(pairs, pairs.deviation), self.lower, self.upper)

    def false_share(self, every: Pairs) -> float:
        """Share of false ones among the pairs called, all doubles once; NaN but for simulations, which know it."""
        return false_share(self.true(every), planted(every.evaluation, every.positions, every.columns))

    def true_classes(self, pairs: Pairs) -> Codes:
        """(D, G) class of every pair in the truth; ``classes.MISSING`` for genes that do not count."""
        size = self.scaled(pairs, pairs.deviation)
        codes = paper_classes(pairs.delta_a, pairs.delta_b, pairs.delta_ab, beyond(size, self.lower, self.upper))
        codes[np.isnan(size)] = MISSING
        return codes

    def predicted_classes(self, pairs: Pairs, method: str) -> Codes:
        """(R, G) class of every pair in a prediction, with the observed singles."""
        at, predicted = pairs.double, pairs.predicted(method)
        a, b, size = pairs.delta_a[at], pairs.delta_b[at], self.scaled(pairs, predicted)
        codes = paper_classes(a, b, predicted + a + b, beyond(size, self.lower, self.upper))
        codes[np.isnan(size)] = MISSING
        return codes


def usual_kind(every: Pairs) -> Kind:
    """The rule of the program: significance where standard errors are known, size elsewhere.

    Pairs differ in noise by the number of cells and by expression, which one null of plain deviations cannot hold.
    """
    return "effect" if isinstance(every.se, str) else "significance"


def fitted(every: Pairs, subset: GeneSubset, kind: Kind = "effect", level: float = 0.05) -> Threshold:
    """Bounds where the local fdr of an empirical null falls to ``level``.

    Parameters
    ----------
    every
        All doubles of the benchmark (:func:`perturbviz.analyses.interactions.pairs.every_pair`).
    subset
        The genes of those pairs.
    kind
        "significance" fits the null to deviations over their standard errors; where these are not known it falls back
        to "effect" and ``problem`` says so.

    Returns
    -------
    Threshold; with starting values, ``by_hand``, where no null can be fitted.
    """
    if kind == "significance":
        if isinstance(every.se, str):
            back = fitted(every, subset, "effect", level)
            return Threshold("effect", back.lower, back.upper, back.null, every.se, back.by_hand)
        null = _null_of_z(every)
        null = null if isinstance(null, str) else null.at(level)
        values = every.z()
    else:
        null = interaction_null(every.evaluation, subset, level=level)
        values = every.deviation
    if isinstance(null, str):
        q1, middle, q3 = _quartiles(values)
        reach = START * (q3 - q1) / 1.349
        return Threshold(kind, middle - reach, middle + reach, None, null, True)
    return Threshold(kind, null.lower, null.upper, null, null.reason)


@kept
def _null_of_z(every: Pairs) -> EmpiricalNull | str:
    try:
        return fit_null(every.z())
    except UserError as error:
        return str(error)


def _quartiles(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    return np.quantile(finite, [0.25, 0.5, 0.75]) if len(finite) else np.full(3, np.nan)
