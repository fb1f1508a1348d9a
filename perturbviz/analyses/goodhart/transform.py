"""Transform predictions with nothing but the predictions, control and training perturbations.

``transform`` gets an :class:`Allowed`, which does not hold the truth of any scored perturbation: it cannot be used.
``Arena`` makes these for the rows of an evaluation, one a seed and context.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perturbviz.analyses.goodhart.knobs import CARDS, DEFAULT, Knobs
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class Allowed:
    """All that a transformation sees of one seed and context (R rows, G genes, T training perturbations).

    Attributes
    ----------
    names
        Perturbations of the rows: only a key for noise, and to keep a scored training row from copying itself.
    prediction
        (R, G) float32 predictions, NaN rows where there is none.
    control, mean
        (G,) control mean and mean of the training perturbations; NaN where unknown.
    unit
        Root mean square change from control over training perturbations and genes: the unit of noise.
    training, training_names
        (T, G) observed profiles of training perturbations; (0, G) where none are needed or stored.
    other
        (R, G) predictions of the method to blend with; None where none is.
    """

    names: tuple[str, ...]
    prediction: np.ndarray
    control: np.ndarray
    mean: np.ndarray
    unit: float
    training: np.ndarray
    training_names: tuple[str, ...] = ()
    other: np.ndarray | None = None

    @property
    def base(self) -> np.ndarray:
        """(G,) what changes are counted from: the control mean, or the training mean where control is unknown."""
        return self.mean if np.isnan(self.control).any() else self.control


def transform(allowed: Allowed, knobs: Knobs) -> np.ndarray:
    """Apply the knobs in their order (see :class:`Knobs`): (R, G) float32, a new array unless nothing is turned.

    Raises
    ------
    UserError
        Where a knob needs a mean or profiles that the benchmark does not hold.
    """
    _check(allowed, knobs)
    y = allowed.prediction
    if knobs.shuffle:
        y = _shuffled(y, knobs.seed)
    if knobs.copy:
        y = _nearest(y, allowed)
    if knobs.blend:
        y = _blended(y, _blend_target(allowed, knobs.blend_to), knobs.blend)
    if not _ON_CHANGES & set(knobs.turned):
        return y
    base = allowed.base.astype(np.float32)
    change = y - base
    if 0 < knobs.top < change.shape[1]:
        size = np.abs(change)
        change[size < -np.partition(-size, knobs.top - 1, axis=1)[:, knobs.top - 1 : knobs.top]] = 0
    if knobs.small or knobs.clip:
        rms = np.sqrt(np.einsum("rg,rg->r", change, change) / change.shape[1])[:, None]
        if knobs.small:
            change[np.abs(change) < np.float32(knobs.small) * rms] = 0
        if knobs.clip:
            np.clip(change, -np.float32(knobs.clip) * rms, np.float32(knobs.clip) * rms, out=change)
    change *= np.float32(knobs.amplify)
    if knobs.shift:
        change += np.float32(knobs.shift) * (allowed.mean - base).astype(np.float32)
    if knobs.noise:
        change += np.float32(knobs.noise * allowed.unit) * _noise(allowed.names, change.shape[1], knobs.seed)
    if knobs.positive:
        np.maximum(change, 0, out=change)
    change += base
    return change


#: Knobs that work on changes from control.
_ON_CHANGES = {"top", "small", "clip", "amplify", "shift", "noise", "positive"}


def _check(allowed: Allowed, knobs: Knobs) -> None:
    needs_base = (_ON_CHANGES - {"noise"}) & set(knobs.turned)
    if needs_base and np.isnan(allowed.base).any():
        raise UserError("There is neither a control mean nor a training mean, so predicted changes are not known.")
    if knobs.shift and (np.isnan(allowed.mean).any() or np.isnan(allowed.control).any()):
        raise UserError("The systematic shift needs a control mean and training perturbations; one is missing here.")
    if knobs.copy and not len(allowed.training):
        raise UserError("There are no observed training profiles here, so none can be copied.")


def _shuffled(y: np.ndarray, seed: int) -> np.ndarray:
    """The predicted rows in another order."""
    rows = np.flatnonzero(~np.isnan(y[:, 0]))
    out = y.copy()
    out[rows] = y[np.random.default_rng(seed).permutation(rows)]
    return out


def _nearest(y: np.ndarray, allowed: Allowed) -> np.ndarray:
    """Training profile of smallest Euclidean distance to each prediction, never that of the row's own perturbation."""
    train = allowed.training
    distance = np.einsum("tg,tg->t", train, train)[None] - 2 * (y @ train.T)  # up to |y|², the same for all t
    own = np.array(allowed.names, object)[:, None] == np.array(allowed.training_names, object)[None]
    distance[own] = np.inf
    have = ~np.isnan(distance).all(axis=1)
    out = np.full_like(y, np.nan)
    out[have] = train[np.nanargmin(distance[have], axis=1)]
    return out


def _blend_target(allowed: Allowed, target: str) -> np.ndarray:
    vector = {"control": allowed.control, "mean": allowed.mean}.get(target, allowed.other)
    if vector is None or (target in ("control", "mean") and np.isnan(vector).any()):
        raise UserError(f"There is no {target} to blend with in this data set.")
    return vector.astype(np.float32, copy=False)


def _blended(y: np.ndarray, other: np.ndarray, weight: float) -> np.ndarray:
    """Rows that the other does not predict stay as they are, and so do missing ones."""
    w = np.float32(weight)
    mixed = np.where(np.isnan(y), y, other) if weight == 1 else (1 - w) * y
    if weight != 1:
        mixed += w * other
    return np.where(np.isnan(other), y, mixed) if np.isnan(other).any() else mixed


def _noise(names: tuple[str, ...], n: int, seed: int) -> np.ndarray:
    """Standard normal noise that depends on a perturbation's name and the seed, not on which others are scored."""
    out = np.empty((len(names), n), np.float32)
    for row, name in zip(out, names, strict=True):
        key = hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=8).digest()
        np.random.Generator(np.random.SFC64(int.from_bytes(key, "big"))).standard_normal(out=row, dtype=np.float32)
    return out


# -- rows of an evaluation -----------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Arena:
    """Predictions of one method for some scored rows, ready to be transformed.

    Attributes
    ----------
    evaluation, method
        Where the predictions come from. Its truth is read for training rows only.
    rows
        (R,) positions in ``evaluation.rows``.
    before
        A transformation that makes the starting point, before any other.
    """

    evaluation: Evaluation
    method: str
    rows: np.ndarray
    before: Knobs = DEFAULT

    def transform(self, knobs: Knobs | Mapping[str, Knobs]) -> np.ndarray:
        """Transformed predictions of the rows, all genes: (R, G) float32; ``knobs`` one setting, or one a seed."""
        out = np.empty((len(self.rows), self.evaluation.benchmark.adata.n_vars), np.float32)
        for seed, context, at in self._blocks:
            mine = knobs if isinstance(knobs, Knobs) else knobs[seed]
            out[at] = transform(self.allowed(seed, context, at, mine), mine)
        return out

    @cached_property
    def start(self) -> np.ndarray:
        """(R, G) float32 predictions before any knob is turned."""
        plain = self.evaluation.prediction(self.method, self.rows).astype(np.float32)
        if self.before == DEFAULT:
            return plain
        out = np.empty_like(plain)
        for seed, context, at in self._blocks:
            out[at] = transform(self._allowed(seed, context, at, self.before, plain), self.before)
        return out

    @cached_property
    def _blocks(self) -> list[tuple[str, str, np.ndarray]]:
        frame = self.evaluation.rows.iloc[self.rows].reset_index(drop=True)
        return [
            (s, c, index.to_numpy()) for (s, c), index in frame.groupby(["seed", "context"], sort=False).groups.items()
        ]

    def allowed(self, seed: str, context: str, at: np.ndarray, knobs: Knobs) -> Allowed:
        """What ``transform`` may see of the rows ``at`` (positions in ``rows``) of one seed and context."""
        return self._allowed(seed, context, at, knobs, self.start)

    def _allowed(self, seed: str, context: str, at: np.ndarray, knobs: Knobs, start: np.ndarray) -> Allowed:
        b, rows = self.evaluation.benchmark, self.rows[at]
        train = self._training_rows(seed, context) if knobs.copy else np.array([], int)
        other = None
        if knobs.blend and knobs.blend_to not in ("control", "mean"):
            if knobs.blend_to not in self.evaluation.methods:
                raise UserError(f"There is no method {knobs.blend_to!r} to blend with in this data set.")
            other = self.evaluation.prediction(knobs.blend_to, rows).astype(np.float32)
        control = b.control(context)
        mean = self.evaluation.reference("perturbation", rows[:1])[0].astype(np.float32)
        unit = self._unit(seed, context, mean if np.isnan(control).any() else control) if knobs.noise else 0.0
        return Allowed(
            tuple(self.evaluation.rows["perturbation"].to_numpy()[rows]),
            start[at],
            control,
            mean,
            unit,
            b.truth[train],
            tuple(b.conditions[train]),
            other,
        )

    def _training_rows(self, seed: str, context: str) -> np.ndarray:
        """Rows of the AnnData with the fully observed training perturbations of a seed and context."""
        b = self.evaluation.benchmark
        train = np.flatnonzero((b.splits[seed] == "train") & ~b.is_control & (b.row_contexts == context))
        return train[~np.isnan(b.truth[train]).any(axis=1)]

    @cached_property
    def _units(self) -> dict[tuple[str, str], float]:
        return {}

    def _unit(self, seed: str, context: str, base: np.ndarray) -> float:
        """Root mean square training change; of the predicted changes where no training profile is stored."""
        if (seed, context) not in self._units:
            train = self._training_rows(seed, context)
            values = (
                self.evaluation.benchmark.truth[train]
                if len(train)
                else self.evaluation.prediction(self.method, self.rows)
            )
            self._units[seed, context] = float(np.sqrt(np.nanmean((values - base) ** 2)))
        return self._units[seed, context]


def unavailable(evaluation: Evaluation) -> dict[str, str]:
    """Knobs that mean nothing on a benchmark -> why, as a sentence."""
    b = evaluation.benchmark
    out: dict[str, str] = {}
    if not b.has_control and not b.has_training:
        why = "Needs a control mean or training perturbations, to know what a change is."
        out |= {c.name: why for c in CARDS if c.name not in ("shuffle", "copy", "blend")}
    if not (b.has_control and b.has_training):
        out["shift"] = "Needs a control mean and training perturbations."
    if not any(((s == "train") & ~b.is_control).any() for s in b.splits.values()):
        out["copy"] = "Needs observed training profiles, and this data set stores none."
    return out


def game(evaluation: Evaluation, method: str, knobs: Knobs, rows: np.ndarray) -> np.ndarray:
    """Predictions of a method for some scored rows, transformed: (R, G) float32, all genes."""
    return Arena(evaluation, method, np.asarray(rows)).transform(knobs)
