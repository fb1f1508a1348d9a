"""What is known about a metric besides its formula: the card that pages, tooltips, Guide and tests read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Parameter:
    """The one parameter a metric may have, written ``id@value``."""

    name: str
    default: str
    choices: tuple[str, ...] = ()  # empty: a positive integer
    meaning: str = ""


@dataclass(frozen=True)
class Card:
    r"""Everything said about a metric, once.

    Attributes
    ----------
    id, name, symbol
        Id of links and files; name on screen; short symbol for axes and column heads.
    formula
        LaTeX; Y truth, \hat Y prediction, S the gene subset, r the reference.
    unit
        What one value belongs to: a perturbation, a gene or a whole data set.
    better
        "lower", "higher", or "one" (closest to 1 is best).
    range, perfect, empty
        Possible values; value of a perfect prediction; what a prediction without information gets, in words.
    reference
        "none": any shared reference cancels or is not used; "delta": a reference must be subtracted.
    shared_genes
        True where perturbations are compared with one another, so that a subset must not differ between them.
    needs
        Names of the further arguments of the function (see ``perturbviz.scores``): weights, block, ...
    plain_twin
        For a delta metric the id of the same question without a reference, if there is one.
    family
        Metrics of one family order methods alike or nearly so; families share one vote among all views.
    """

    id: str
    name: str
    symbol: str
    formula: str
    better: Literal["lower", "higher", "one"]
    range: str
    perfect: float
    empty: str
    summary: str
    pro: str
    con: str
    gaming: str
    source: str
    family: str
    unit: Literal["perturbation", "gene", "data set"] = "perturbation"
    reference: Literal["none", "delta"] = "none"
    shared_genes: bool = False
    needs: tuple[str, ...] = ()
    parameter: Parameter | None = None
    plain_twin: str = ""
    traps: str = ""
    axis: str = ""  # axis label with units; the name where empty

    @property
    def arrow(self) -> str:
        """Direction mark shown wherever the score is."""
        return {"lower": "lower is better ↓", "higher": "higher is better ↑", "one": "closest to 1 is best"}[
            self.better
        ]

    def goodness(self, value: np.ndarray) -> np.ndarray:
        """``value`` on a scale where higher is better (for ordering only)."""
        value = np.asarray(value, float)
        if self.better == "one":
            return -np.abs(value - 1)
        return -value if self.better == "lower" else value


@dataclass(frozen=True)
class Metric:
    """A metric is a function and a card.

    The function takes ``truth`` and ``prediction`` (perturbations x genes, float64, reference already subtracted
    where the card says so) and, by keyword, what ``card.needs`` and ``card.parameter`` name; it returns one float64
    value per perturbation, NaN where undefined. For the units "gene" and "data set" it gets the rows of one data
    set (seed and context) and returns a float.
    """

    card: Card
    function: Callable[..., np.ndarray] = field(repr=False)
