"""What is known about a metric besides its formula: the card that pages, tooltips, Guide and tests read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike


def is_whole(text: str) -> bool:
    """Whether a parameter is a whole number of at most seven ASCII digits."""
    return text.isascii() and text.isdecimal() and len(text) <= 7


@dataclass(frozen=True)
class Parameter:
    """The one parameter a metric may have, written ``id@value``.

    Attributes
    ----------
    name, default, meaning
        Keyword of the function, value where none is written, and what it means.
    choices
        Values offered.
    whole_numbers
        Whether any whole number above 0 will do as well; the function then gets an int.
    needs
        (value, need) pairs: what the function needs for one value only, beyond ``Card.needs``.
    """

    name: str
    default: str
    choices: tuple[str, ...]
    meaning: str
    whole_numbers: bool = False
    needs: tuple[tuple[str, str], ...] = ()

    def value(self, text: str) -> str | int:
        """What the function is given for ``text``."""
        return int(text) if self.whole_numbers and is_whole(text) else text


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
        Names of the further arguments of the function (see ``perturbviz.scoring.inputs``): weights, block, ...
    undefined
        When the function returns NaN, in words that follow "undefined: ".
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
    undefined: str = "a value is missing"
    parameter: Parameter | None = None
    plain_twin: str = ""
    traps: str = ""
    axis: str = ""  # axis label with units; the name where empty

    @cached_property
    def arrow(self) -> str:
        """Direction mark shown wherever the score is."""
        return {"lower": "lower is better ↓", "higher": "higher is better ↑", "one": "closest to 1 is best"}[
            self.better
        ]

    def needs_of(self, value: str) -> tuple[str, ...]:
        """Further arguments of the function for one value of the parameter ("" where there is none)."""
        extra = self.parameter.needs if self.parameter else ()
        return (*self.needs, *(need for v, need in extra if v == value))

    @property
    def rises(self) -> bool:
        """Whether axes run from worse to better as values grow: all metrics but errors, "closest to 1" among them."""
        return self.better != "lower"

    def goodness(self, value: ArrayLike) -> np.ndarray:
        """``value`` on a scale where higher is better (for ordering only)."""
        value = np.asarray(value, float)
        if self.better == "one":
            return -np.abs(value - 1)
        return -value if self.better == "lower" else value


@dataclass(frozen=True)
class Metric:
    """A metric is a function and a card.

    Attributes
    ----------
    card
        What is known about it.
    function
        Takes ``truth`` and ``prediction`` (perturbations x genes, float64, reference already subtracted where the
        card says so) and, by keyword, what the card needs and its parameter; returns one float64 value per
        perturbation, NaN where undefined. With unit "data set" it gets the predicted rows of one data set (seed and
        context) and returns a float.
    of_truth
        Optional: takes ``truth`` and returns further keyword arguments of ``function`` (one row a perturbation) that
        depend on the truth alone, so that they are computed once for all methods.
    shared
        Optional: takes what ``function`` takes but for the parameter, and returns further keyword arguments that are
        the same for all metrics which name it, so that they need be computed once; ``function`` does without them.
    """

    card: Card
    function: Callable[..., Any] = field(repr=False)
    of_truth: Callable[[np.ndarray], dict[str, np.ndarray]] | None = field(default=None, repr=False)
    shared: Callable[..., dict[str, Any]] | None = field(default=None, repr=False)
