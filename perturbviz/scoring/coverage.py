"""Coverage: how many of a view's perturbations each method predicts, and on how many all are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import n_units
from perturbviz.scoring.scores import view_rows
from perturbviz.scoring.view import View


@dataclass(frozen=True)
class Coverage:
    """Numbers of perturbations, each counted once over all splits.

    Attributes
    ----------
    asked
        What the view asks for, whoever predicts it.
    common
        What all methods predict that predict any: those a view with ``rows="common"`` compares on.
    predicted
        Method -> how many of the asked it predicts.
    what
        What is counted: "perturbation", or "value" (a perturbation in one split) where methods lack splits only.
    """

    asked: int
    common: int
    predicted: Mapping[str, int]
    what: str = "perturbation"

    @property
    def partial(self) -> tuple[str, ...]:
        """Methods that predict some of what is asked, not all; the fewest first."""
        some = [m for m, n in self.predicted.items() if 0 < n < self.asked]
        return tuple(sorted(some, key=lambda m: self.predicted[m]))


def coverage(evaluation: Evaluation, view: View, methods: Sequence[str]) -> Coverage:
    """Coverage of what a view asks for (its split, context, seed and size) by some methods."""
    asked = view_rows(evaluation, view.with_(rows="own"), methods)
    common = view_rows(evaluation, view.with_(rows="common"), methods)
    rows = {m: asked[evaluation.predicted(m)[asked]] for m in methods}

    def units(positions: np.ndarray) -> int:
        return n_units(evaluation.rows.iloc[positions])

    found = Coverage(units(asked), units(common), {m: units(r) for m, r in rows.items()})
    if found.partial or len(common) == len(asked):
        return found
    return Coverage(len(asked), len(common), {m: len(r) for m, r in rows.items()}, "value")
