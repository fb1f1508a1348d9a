"""Six simulated predictors for the demo, named for what they do; none of them is, or imitates, a real system.

Four are built from the training rows alone. Two ("DE specialist", "Noisy oracle") are given noisy or partial truth, as
no real predictor could be, to show what a metric rewards; their notes say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbviz.benchmark.perturbations import targets

#: Principal components kept of the training singles' changes where a predictor smooths them.
RANK = 14


@dataclass(frozen=True)
class Task:
    """What a predictor sees for one split: training rows, names to predict, and (oracles only) the expected truth.

    Attributes
    ----------
    control
        Measured control mean, one value per gene.
    training
        Canonical name -> measured mean of every training perturbation.
    names
        Doubles to predict, both of whose singles are in ``training``.
    expected
        Names × genes: noise-free truth. Only the two oracles may look.
    rng
        This predictor's own random stream for this split.
    """

    control: np.ndarray
    training: dict[str, np.ndarray]
    names: list[str]
    expected: np.ndarray
    rng: np.random.Generator

    @property
    def mean(self) -> np.ndarray:
        """Unweighted mean of the training perturbations."""
        return np.mean(list(self.training.values()), axis=0)

    def additive(self, names: list[str] | None = None) -> np.ndarray:
        """Sum of the two measured single changes, one row per double."""
        single = {name: mean - self.control for name, mean in self.training.items()}
        return np.array([sum(single[t] for t in targets(name)) for name in names or self.names])

    def smooth_additive(self) -> np.ndarray:
        """The same from singles projected on their leading principal components (removes measurement noise)."""
        singles = np.array([v - self.control for k, v in self.training.items() if len(targets(k)) == 1])
        axes = np.linalg.svd(singles, full_matrices=False)[2][:RANK]
        return self.additive() @ axes.T @ axes

    def noise(self, sd: float) -> np.ndarray:
        """Normal noise per predicted value, smaller where a gene is little expressed."""
        return self.rng.normal(0.0, sd, (len(self.names), self.control.size)) * self.control / (self.control + 0.3)


def cautious(task: Task) -> np.ndarray:
    """Right direction, a third of the size."""
    return task.control + 0.35 * task.smooth_additive() + task.noise(0.01)


def overconfident(task: Task) -> np.ndarray:
    """Right direction, far too large."""
    return task.control + 1.8 * task.smooth_additive() + task.noise(0.03)


def average_seeker(task: Task) -> np.ndarray:
    """The training mean and a little of the perturbation's own change."""
    mean = task.mean
    return mean + 0.12 * (task.control + task.additive() - mean) + task.noise(0.035)


def de_specialist(task: Task) -> np.ndarray:
    """Right about the 200 strongest changes, raises every other gene at random."""
    change = task.expected - task.control
    rank = np.argsort(np.argsort(-np.abs(change), axis=1, kind="stable"), axis=1)
    elsewhere = task.rng.exponential(0.3, change.shape) * task.control / (task.control + 0.3)
    return task.control + np.where(rank < 200, change + task.noise(0.03), elsewhere)


def noisy_oracle(task: Task) -> np.ndarray:
    """The truth behind heavy noise."""
    return task.expected + task.noise(0.2)


def additive_twist(task: Task) -> np.ndarray:
    """Additive, plus interaction calls on the genes that deviated most in the training doubles."""
    doubles = [name for name in task.training if len(targets(name)) == 2]
    measured = np.array([task.training[name] - task.control for name in doubles])
    deviation = (measured - task.additive(doubles)).mean(axis=0)
    recurring = np.argsort(-np.abs(deviation), kind="stable")[:30]
    additive = task.additive()
    calls = np.zeros_like(additive)
    size = task.rng.uniform(0.15, 0.5, (len(task.names), recurring.size))
    called = task.rng.random(size.shape) < 0.7
    calls[:, recurring] = np.sign(deviation[recurring]) * size * called
    return task.control + additive + calls + task.noise(0.01)


@dataclass(frozen=True)
class Predictor:
    """A simulated predictor: its name, how it was made, the function that makes it, and whether that is an oracle."""

    name: str
    note: str
    predict: Callable[[Task], np.ndarray]
    sees_truth: bool = False

    @property
    def meta(self) -> dict[str, Any]:
        """Its entry in a benchmark's ``uns``."""
        seen = {"sees_truth": True} if self.sees_truth else {}
        return {"name": self.name, "kind": "model", "note": self.note, **seen}


PREDICTORS: dict[str, Predictor] = {
    "cautious": Predictor(
        "Cautious",
        f"Simulated from training rows: control + 0.35 × the sum of both singles' changes (smoothed on {RANK} "
        "principal components). Right direction, strongly shrunk.",
        cautious,
    ),
    "overconfident": Predictor(
        "Overconfident",
        f"Simulated from training rows: control + 1.8 × the sum of both singles' changes (smoothed on {RANK} principal "
        "components). Right direction, amplified.",
        overconfident,
    ),
    "average-seeker": Predictor(
        "Average-seeker",
        "Simulated from training rows: the training mean + 0.12 × the difference between the additive expectation and "
        "that mean. Nearly the same for every perturbation.",
        average_seeker,
    ),
    "de-specialist": Predictor(
        "DE specialist",
        "Simulated with a look at the truth: the expected change (with little noise) on the 200 genes that change most "
        "in the perturbation itself; every other gene is raised at random.",
        de_specialist,
        sees_truth=True,
    ),
    "noisy-oracle": Predictor(
        "Noisy oracle",
        (
            "Simulated with a look at the truth: the expected profile of the perturbation itself + heavy noise on "
            "every gene."
        ),
        noisy_oracle,
        sees_truth=True,
    ),
    "additive-twist": Predictor(
        "Additive + twist",
        "Simulated from training rows: the sum of both singles' changes, plus interaction calls, mostly on the same "
        "30 genes that deviated most from additivity in the training doubles.",
        additive_twist,
    ),
}
