"""Beyond what training showed: a prediction among the training profiles, and without their common directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from perturbviz.benchmark.memo import Memo
from perturbviz.metrics.cards import Card, Metric, Parameter
from perturbviz.metrics.correlation import cosine
from perturbviz.metrics.retrieval import TIE, by_block
from perturbviz.stats.rounding import snap

#: A direction whose singular value is below this fraction of the first is rounding.
RANK = 1e-9


@dataclass(frozen=True, eq=False)
class Training:
    """Observed profiles of the training perturbations of each data set.

    Attributes
    ----------
    profiles
        Data set (seed and context) -> (T, G); without rows where none are stored.
    """

    profiles: Mapping[int, np.ndarray]
    memo: Memo = field(default_factory=Memo, repr=False)

    def factors(self, label: int, k: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Mean (G,) and the first k directions (k, G) of the centred profiles; None where they have no more than k."""
        return self.memo.once((label, k), lambda: _factors(self.profiles[label], k))


def _factors(profiles: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray] | None:
    if len(profiles) <= k + 1:  # centred rows span at most one direction less than there are rows
        return None
    mean = profiles.mean(axis=0)
    _, size, directions = np.linalg.svd(profiles - mean, full_matrices=False)
    if len(size) <= k or size[k] <= RANK * size[0]:
        return None
    return mean, directions[:k]


def residual_cosine(
    truth: np.ndarray, prediction: np.ndarray, *, block: np.ndarray, training: Training, k: int
) -> np.ndarray:
    """Cosine of what is left of truth and prediction without the k leading directions of training: -> (P,).

    Parameters
    ----------
    truth, prediction
        (P, G) profiles.
    block, training
        (P,) labels of data sets, and their training profiles. Their mean is subtracted from both sides, then the first
        k right singular vectors of the centred training profiles are projected out.
    k
        Number of directions; with 0 it would be the cosine of changes from the perturbation mean.

    Returns
    -------
    NaN where training spans no more than k directions and where nothing is left on either side.
    """

    def value(rows: np.ndarray) -> np.ndarray:
        found = training.factors(block[rows[0]], k)
        if found is None:
            return np.full(len(rows), np.nan)
        mean, directions = found
        size = np.maximum(np.abs(truth[rows]).max(axis=1), np.abs(mean).max())

        def rest(profile: np.ndarray) -> np.ndarray:
            change = snap(profile - mean, size)
            return snap(change - (change @ directions.T) @ directions, size)

        return cosine(rest(truth[rows]), rest(prediction[rows]))

    return by_block(block, value)


def retrieval_training(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    block: np.ndarray,
    training: Training,
    training_place: np.ndarray,
) -> np.ndarray:
    """Share of the training profiles that are farther from the prediction than its own truth, ties half: -> (P,).

    Parameters
    ----------
    truth, prediction
        (P, G) profiles; distances are Euclidean.
    block, training
        (P,) labels of data sets, and their training profiles.
    training_place
        (P,) which of the training profiles is the own truth, -1 where none is.

    Returns
    -------
    NaN where there is no other training profile.
    """

    def value(rows: np.ndarray) -> np.ndarray:
        known = training.profiles[block[rows[0]]]
        if not len(known):
            return np.full(len(rows), np.nan)
        centre = known.mean(axis=0)
        asks, others, own = prediction[rows] - centre, known - centre, truth[rows] - centre
        length = np.einsum("pg,pg->p", asks, asks)
        gap, scale = _squared(asks @ others.T, np.einsum("tg,tg->t", others, others)[None], length[:, None])
        mine, size = _squared(np.einsum("pg,pg->p", asks, own), np.einsum("pg,pg->p", own, own), length)
        tolerance = TIE * np.maximum(scale, size[:, None])
        itself = training_place[rows][:, None] == np.arange(len(known))
        before = ((gap < mine[:, None] - tolerance) & ~itself).sum(axis=1)
        tied = ((np.abs(gap - mine[:, None]) <= tolerance) & ~itself).sum(axis=1)
        n = len(known) - itself.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where((n > 0) & ~np.isnan(mine), 1 - (before + tied / 2) / n, np.nan)

    return by_block(block, value)


def _squared(dot: np.ndarray, length: np.ndarray, of_query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances up to the query's own length, and the size of what they are made of."""
    return length - 2 * dot, length + 2 * np.sqrt(length * of_query)


METRICS = (
    Metric(
        Card(
            id="retrieval_training",
            name="Retrieval among training",
            symbol="R train",
            formula=r"1-\frac{\#\{t:\ d_t<d_p\}+\frac12\#\{t:\ d_t=d_p\}}{|T|},\quad d_t=\|\hat Y_p-Y_t\|_S",
            better="higher",
            range="0 to 1",
            perfect=1.0,
            empty="not ½: the mean of training lies in their middle and scores low",
            summary="Share of the training profiles that are farther from the prediction than its own truth.",
            pro="Does a method go beyond what it has seen? A copy of a training profile loses to it.",
            con="Chance is not ½, and depends on how the held-out perturbations differ from training.",
            gaming="Move away from all training profiles.",
            source="Formula; the candidates of perturb-hd and cell-eval are held-out perturbations",
            family="retrieval among training",
            shared_genes=True,
            needs=("block", "training", "training_place"),
            undefined="there are no training profiles to compare with",
            traps="Candidates are the own truth and the training perturbations of the same split and context. Ties "
            "count half.",
        ),
        retrieval_training,
    ),
    Metric(
        Card(
            id="residual_cosine",
            name="Cosine without common directions",
            symbol="cos −k",
            formula=r"\cos\big((I-VV^\top)(Y_p-m),\,(I-VV^\top)(\hat Y_p-m)\big),\quad V=\text{first }k\text{ "
            r"directions of training}",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for the perturbation mean",
            summary="Angle between predicted and observed change once the k leading directions of training are out.",
            pro="Goes on where subtracting the perturbation mean stops: what is left is specific.",
            con="k is arbitrary. What is left is weak and holds much noise.",
            gaming="Predict no direction that training is rich in.",
            source="Formula (SVD of the centred training profiles); k = 0: cosine against the perturbation mean",
            family="specific direction",
            shared_genes=True,
            needs=("block", "training"),
            undefined="training spans no more than k directions, or no change is left without them",
            parameter=Parameter("k", "1", ("1", "2", "5", "10"), "number of directions", whole_numbers=True),
            traps="Directions come from training perturbations of the same split and context alone.",
        ),
        residual_cosine,
    ),
)
