"""The matching mean of Systema: the average of what is known about each target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbviz.benchmark.perturbations import targets
from perturbviz.models.training import Predicted, Training, unpredicted


@dataclass(frozen=True)
class MatchingMean:
    """Mean over the targets of X_k: the training single of target k, or the training mean where it is unseen (§4.6).

    Two seen singles are averaged, not summed; an unseen single gets the mean baseline. Systema averages cells, here
    every training perturbation counts once (variant (i) of the mean baseline).
    """

    label: str = "matching mean"

    def fit(self, training: Training) -> FittedMatchingMean:
        """Remember the training singles and the mean."""
        return FittedMatchingMean(training, training.mean())


@dataclass(frozen=True, eq=False)
class FittedMatchingMean:
    """A fitted matching mean."""

    training: Training
    mean: np.ndarray

    def predict(self, names: Sequence[str]) -> Predicted:
        """Changes of the named perturbations, n × G; only control has no prediction."""
        out, reasons = unpredicted(names, len(self.mean)), {}
        for i, name in enumerate(names):
            parts = targets(name)
            if parts:
                out[i] = np.mean([self._known(target) for target in parts], axis=0)
            else:
                reasons[name] = "it is control, not a perturbation"
        return out, reasons

    def n_seen(self, name: str) -> int:
        """Targets whose single is among the training perturbations."""
        return sum(target in self.training.index for target in targets(name))

    def _known(self, target: str) -> np.ndarray:
        row = self.training.index.get(target)
        return self.mean if row is None else self.training.changes[row]
