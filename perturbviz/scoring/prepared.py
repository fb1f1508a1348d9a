"""Scoring in two steps: what no prediction changes is gathered once, then any number of predictions is scored.

Rows and genes are worked on in pieces: rectangles that fit the processor's cache. For each piece truth, references and
what metrics need besides are gathered once, a prediction is read once, and all settings are applied to what lies in
the cache. Where everything is small the pieces are kept, so that a further prediction takes a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, cast

import numpy as np

from perturbviz.metrics import Card, Metric, parse_metric
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset, resolve
from perturbviz.scoring.inputs import Need, needed
from perturbviz.scoring.references import Reference
from perturbviz.stats import average
from perturbviz.stats.rounding import snap

#: (metric id with parameter, "none", "control" or "perturbation")
Setting: TypeAlias = tuple[str, str]
#: Values handled at once (rows x genes), to stay in the processor's cache.
CHUNK = 500_000
#: Values (rows x genes) of which everything is kept in memory; larger ones are gathered again for every call.
KEPT = 1_500_000
#: From so many values on a single prediction is scored in several threads.
MANY, THREADS = 50_000, 2

#: What several metrics read of one prediction: (what computes it, label of the data set) -> arguments.
Shared = dict[tuple[Callable[..., dict[str, Any]], int], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Asked:
    """One setting as it is computed.

    Attributes
    ----------
    metric, name, reference
        What is computed; ``name`` is the metric's id with parameter, ``reference`` "none" where it has no use for one.
    needs, parameter
        Further arguments of the function: names of ``perturbviz.scoring.inputs``, and its parameter.
    """

    metric: Metric
    name: str
    reference: Reference
    needs: tuple[str, ...]
    parameter: dict[str, str | int]

    @classmethod
    def of(cls, setting: Setting) -> Asked:
        """A setting, taken apart; raises :class:`UserError` for a metric that does not exist."""
        name, reference = setting
        metric, value = parse_metric(name)
        card = metric.card
        return cls(
            metric,
            name,
            cast(Reference, reference) if card.reference == "delta" else "none",
            card.needs_of(value),
            {card.parameter.name: card.parameter.value(value)} if card.parameter else {},
        )

    @property
    def card(self) -> Card:
        """The metric's card."""
        return self.metric.card

    @property
    def by_row(self) -> bool:
        """Whether there is one value a perturbation, not one a data set."""
        return self.card.unit == "perturbation"

    @property
    def whole(self) -> bool:
        """Whether all rows of a data set must be seen together."""
        return not self.by_row or "block" in self.needs


@dataclass(frozen=True, eq=False)
class Base:
    """Truth minus one reference, the reference itself (None: none), and the size rounding is judged against."""

    truth: np.ndarray
    vector: np.ndarray | None
    size: np.ndarray

    @classmethod
    def of(
        cls, evaluation: Evaluation, block: GeneBlock, truth: np.ndarray, reference: Reference, include_held_out: bool
    ) -> Base:
        """Of the rows and genes of a block, whose ``truth`` is (rows, genes)."""
        if reference == "none":
            return cls(truth, None, np.empty(0))
        vector = evaluation.reference(reference, block.rows, block.genes, include_held_out)
        size = np.maximum(np.abs(truth).max(axis=1, initial=0), np.abs(vector).max(axis=1, initial=0))
        return cls(snap(truth - vector, size), vector, size)

    @cached_property
    def defined(self) -> np.ndarray:
        """(rows,) bool: whether truth and reference are known in full."""
        return ~np.isnan(self.truth.sum(axis=1))

    def change(self, prediction: np.ndarray) -> np.ndarray:
        """A prediction minus the same reference."""
        return prediction if self.vector is None else snap(prediction - self.vector, self.size)


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows and genes with everything that does not depend on a prediction; build with :func:`gather`.

    Attributes
    ----------
    block, labels
        Rows and genes, and the rows' seed-and-context labels.
    asked, bases, arguments
        Settings, truth minus each reference, and the further arguments of each setting's metric.
    lacking, notes
        For each setting why -> rows (bool) that lack something it needs; what to say about how it is computed.
    unobserved
        (rows,) bool: a gene is missing in the observed profile.
    """

    block: GeneBlock
    labels: np.ndarray
    asked: Mapping[Setting, Asked]
    bases: Mapping[Reference, Base]
    arguments: Mapping[Setting, dict[str, Any]]
    lacking: Mapping[Setting, Mapping[str, np.ndarray]]
    notes: Mapping[Setting, Sequence[str]]
    unobserved: np.ndarray

    def score(
        self, prediction: np.ndarray, settings: Iterable[Setting] | None = None, threads: int = 1
    ) -> dict[Setting, np.ndarray | dict[int, float]]:
        """Values of a (rows, genes) prediction: (rows,) a setting, or label -> value for one value a data set."""
        gap = np.isnan(prediction.sum(axis=1))
        have = ~gap
        have[gap] = ~np.isnan(prediction[gap]).all(axis=1)  # a metric sees which genes are missing
        settings = list(self.asked) if settings is None else [s for s in settings if s in self.asked]
        changes = {r: self.bases[r].change(prediction) for r in {self.asked[s].reference for s in settings}}
        shared: dict[Reference, Shared] = {reference: {} for reference in changes}

        def one(setting: Setting) -> np.ndarray | dict[int, float]:
            asked = self.asked[setting]
            base, change = self.bases[asked.reference], changes[asked.reference]
            if asked.by_row:
                return _by_row(asked.metric, base.truth, change, have, self.arguments[setting])
            return self._by_data_set(setting, change, ~gap & base.defined, shared[asked.reference])

        groups: dict[Any, list[Setting]] = {}  # metrics that share what they compute stay in one thread
        for setting in settings:
            groups.setdefault(self.asked[setting].metric.shared or setting, []).append(setting)
        if threads == 1 or len(groups) == 1 or prediction.size < MANY:
            return {setting: one(setting) for setting in settings}
        with ThreadPoolExecutor(threads) as pool:  # NumPy works outside the interpreter's lock
            found = pool.map(lambda some: {setting: one(setting) for setting in some}, groups.values())
            return {setting: value for some in found for setting, value in some.items()}

    def _by_data_set(self, setting: Setting, change: np.ndarray, have: np.ndarray, shared: Shared) -> dict[int, float]:
        """Call a metric on the completely predicted and observed rows of each data set; without any it is left out."""
        asked, out = self.asked[setting], {}
        truth, arguments = self.bases[asked.reference].truth, self.arguments[setting]
        for label in np.unique(self.labels).tolist():
            rows = (self.labels == label) & have
            if rows.any():
                out[label] = _of_data_set(asked.metric, truth, change, rows, arguments, shared, label)
        return out


def gather(
    evaluation: Evaluation,
    block: GeneBlock,
    asked: Mapping[Setting, Asked],
    subset: GeneSubset,
    include_held_out: bool = False,
) -> Piece:
    """Everything that scoring some rows and genes of ``subset`` takes besides predictions."""
    truth = evaluation.truth(block.rows, block.genes)
    needs: dict[str, Need] = {}
    bases: dict[Reference, Base] = {}
    arguments: dict[Setting, dict[str, Any]] = {}
    lacking: dict[Setting, dict[str, np.ndarray]] = {}
    notes: dict[Setting, list[str]] = {}
    for setting, one in asked.items():
        if one.reference not in bases:
            bases[one.reference] = Base.of(evaluation, block, truth, one.reference, include_held_out)
        base, lacks = bases[one.reference], lacking.setdefault(setting, {})
        if base.vector is not None:
            lacks[f"the {one.reference} mean of its context is not known"] = np.isnan(base.vector.sum(axis=1))
        for name in one.needs:
            if name not in needs:
                needs[name] = needed(name, evaluation, block, subset)
            need = needs[name]
            if need.lacking is not None:
                lacks[need.why] = lacks.get(need.why, False) | need.lacking
        notes[setting] = [needs[name].note for name in one.needs if needs[name].note]
        arguments[setting] = {name: needs[name].value for name in one.needs} | one.parameter
        if one.metric.of_truth:
            arguments[setting] |= one.metric.of_truth(base.truth)
    labels = evaluation.rows["block"].to_numpy()[block.rows]
    return Piece(block, labels, asked, bases, arguments, lacking, notes, np.isnan(truth.sum(axis=1)))


#: Predicted values of the rows and genes of a block, and of the rows' positions among those that were prepared.
Predict: TypeAlias = Callable[[GeneBlock, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Filled:
    """Values of several methods, and what is missing.

    Attributes
    ----------
    values, n_genes
        For each setting (methods, columns) and (columns,); a column is a row, or a data set for metrics of that unit.
    lacking, notes
        For each setting why -> (rows,) bool; what to say about how it was computed (an ordered set).
    unpredicted, partial, unobserved
        Why values may be missing, whatever the metric: (methods, rows), (methods, rows) and (rows,) bool.
    """

    values: Mapping[Setting, np.ndarray]
    n_genes: Mapping[Setting, np.ndarray]
    unpredicted: np.ndarray
    partial: np.ndarray
    unobserved: np.ndarray
    lacking: Mapping[Setting, dict[str, np.ndarray]] = field(default_factory=dict)
    notes: Mapping[Setting, dict[str, None]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What scoring fixed rows on fixed settings takes besides predictions.

    Attributes
    ----------
    evaluation, rows
        Whose truth, and (R,) positions in ``evaluation.rows``. Candidates of retrieval metrics are among these rows.
    settings, subset
        (metric, reference) pairs that make sense together (see ``perturbviz.scoring.validity``), and the genes.
    include_held_out
        Reference "perturbation" is the mean over all perturbations.
    """

    evaluation: Evaluation
    rows: np.ndarray
    settings: tuple[Setting, ...]
    subset: GeneSubset
    include_held_out: bool = False

    @cached_property
    def asked(self) -> dict[Setting, Asked]:
        """The settings, taken apart."""
        return {setting: Asked.of(setting) for setting in self.settings}

    @cached_property
    def labels(self) -> np.ndarray:
        """Seed-and-context labels in order of appearance: data sets of the metrics with one value a data set."""
        return np.array(list(dict.fromkeys(self._block.tolist())), int)

    @cached_property
    def blocks(self) -> list[GeneBlock]:
        """Rows and the genes they are scored on."""
        return resolve(self.subset, self.evaluation, self.rows)

    @cached_property
    def light(self) -> bool:
        """Whether everything is kept in memory, so that a score takes a moment only."""
        return sum(len(b.rows) * b.n for b in self.blocks) <= KEPT

    @property
    def _block(self) -> np.ndarray:
        return self.evaluation.rows["block"].to_numpy()[self.rows]

    # -- scoring -----------------------------------------------------------------------------------------------------
    def values(self, prediction: np.ndarray, settings: Sequence[Setting] | None = None) -> dict[Setting, np.ndarray]:
        """Values of (R, G) predictions: (R,) a setting; (data sets,) for a metric with one value a data set.

        NaN where nothing is predicted or the metric is undefined.
        """
        settings = self.settings if settings is None else settings
        out = {setting: np.full(self._columns(setting), np.nan) for setting in settings}
        for piece, at in self._pieces:
            self._write(piece, at, self.evaluation.gather(prediction, at, piece.block.genes), out, THREADS)
        return out

    def averages(self, prediction: np.ndarray, how: str = "mean") -> dict[Setting, float]:
        """Mean or median over the rows, a setting."""
        return {s: float(average(values, how)) for s, values in self.values(prediction).items()}

    def fill(self, predictions: Sequence[Predict]) -> Filled:
        """Values of several predictions, every piece gathered once, and why some are missing."""
        shape = (len(predictions), len(self.rows))
        values = {s: np.full((len(predictions), self._columns(s)), np.nan) for s in self.settings}
        n_genes = {s: np.zeros(self._columns(s), int) for s in self.settings}
        lacking: dict[Setting, dict[str, np.ndarray]] = {s: {} for s in self.settings}
        notes: dict[Setting, dict[str, None]] = {s: {} for s in self.settings}
        unpredicted, partial, unobserved = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape[1], bool)
        for piece, at in self._pieces:
            unobserved[at] = piece.unobserved
            for setting, one in piece.asked.items():
                n_genes[setting][at if one.by_row else np.isin(self.labels, piece.labels)] = piece.block.n
                notes[setting] |= dict.fromkeys(piece.notes[setting])
                for why, rows in piece.lacking[setting].items():
                    if rows.any():
                        lacking[setting].setdefault(why, np.zeros(shape[1], bool))[at] |= rows
            for i, predict in enumerate(predictions):
                prediction = predict(piece.block, at)
                gap = np.isnan(prediction.sum(axis=1))
                none = gap.copy()
                none[gap] = np.isnan(prediction[gap]).all(axis=1)
                unpredicted[i, at], partial[i, at] = none, gap & ~none
                self._write(piece, at, prediction, {s: values[s][i] for s in piece.asked})
        return Filled(values, n_genes, unpredicted, partial, unobserved, lacking, notes)

    def _columns(self, setting: Setting) -> int:
        return len(self.rows if self.asked[setting].by_row else self.labels)

    def _write(
        self, piece: Piece, at: np.ndarray, prediction: np.ndarray, out: Mapping[Setting, np.ndarray], threads: int = 1
    ) -> None:
        """Score a piece, whose rows stand at ``at``, into the columns of ``out``."""
        for setting, found in piece.score(prediction, out, threads).items():
            if isinstance(found, dict):
                for label, value in found.items():
                    out[setting][self.labels == label] = value
            else:
                out[setting][at] = found

    # -- what no prediction changes ----------------------------------------------------------------------------------
    @property
    def _pieces(self) -> Iterable[tuple[Piece, np.ndarray]]:
        return self._kept if self.light else self._gathered()

    @cached_property
    def _kept(self) -> list[tuple[Piece, np.ndarray]]:
        return list(self._gathered())

    def _gathered(self) -> Iterator[tuple[Piece, np.ndarray]]:
        """Pieces, and where their rows stand among all."""
        for block in self.blocks:
            for whole, asked in self._passes(block):
                for part in cut(self.evaluation, block, whole):
                    piece = gather(self.evaluation, part, asked, self.subset, self.include_held_out)
                    yield piece, _locate(self.rows, part.rows)

    def _passes(self, block: GeneBlock) -> list[tuple[bool, dict[Setting, Asked]]]:
        """Settings that read the values together, with whether data sets stay whole.

        Those that can be cut come apart from those that cannot where a data set does not fit the cache.
        """
        groups = {whole: {s: a for s, a in self.asked.items() if a.whole is whole} for whole in (False, True)}
        largest = np.bincount(self.evaluation.rows["block"].to_numpy()[block.rows]).max(initial=0)
        if all(groups.values()) and largest * block.n <= CHUNK:
            return [(True, self.asked)]
        return [(whole, some) for whole, some in groups.items() if some]


def cut(evaluation: Evaluation, block: GeneBlock, whole: bool) -> Iterator[GeneBlock]:
    """Pieces of a block that fit the cache; ``whole``: all rows of a seed and context stay together, in order."""
    index = np.arange(len(block.rows))
    step = max(1, CHUNK // max(block.n, 1))
    if whole:
        label = evaluation.rows["block"].to_numpy()[block.rows]
        index = np.argsort(label, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(label[index])) + 1, len(index))
        cuts, start = [], 0
        for before, end in zip([0, *ends[:-1]], ends, strict=True):
            if end - start > step and before > start:
                cuts.append(before)
                start = before
        split = np.split(index, cuts)
    else:
        split = np.split(index, np.arange(step, len(index), step))
    for piece in split:
        if len(piece):
            genes = block.genes if block.genes is None or block.genes.ndim == 1 else block.genes[piece]
            yield GeneBlock(block.rows[piece], genes, block.n)


def _locate(positions: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where each of ``rows`` stands in ``positions``."""
    if (np.diff(positions) > 0).all():
        return np.searchsorted(positions, rows)
    order = np.argsort(positions, kind="stable")
    return order[np.searchsorted(positions[order], rows)]


def _of_rows(arguments: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Arguments of some rows: arrays have one line a row, everything else is the same for all."""
    return {k: v[rows] if isinstance(v, np.ndarray) else v for k, v in arguments.items()}


def _by_row(
    metric: Metric, truth: np.ndarray, prediction: np.ndarray, have: np.ndarray, arguments: dict[str, Any]
) -> np.ndarray:
    """Call a metric on the rows that have a prediction, NaN elsewhere; for retrieval their truths stay candidates."""
    if have.all() or "block" in arguments:
        return metric.function(truth, prediction, **arguments)
    out = np.full(len(truth), np.nan)
    if have.any():
        out[have] = metric.function(truth[have], prediction[have], **_of_rows(arguments, have))
    return out


def _of_data_set(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    rows: np.ndarray,
    arguments: dict[str, Any],
    shared: Shared,
    label: int,
) -> float:
    """Value of a metric on some rows (bool), one data set; ``shared`` keeps what metrics read of one prediction."""
    if not rows.all():
        truth, prediction, arguments = truth[rows], prediction[rows], _of_rows(arguments, rows)
    if metric.shared is not None:
        if (key := (metric.shared, label)) not in shared:
            own = metric.card.parameter.name if metric.card.parameter else ""
            shared[key] = metric.shared(truth, prediction, **{k: v for k, v in arguments.items() if k != own})
        arguments = arguments | shared[key]
    return metric.function(truth, prediction, **arguments)
