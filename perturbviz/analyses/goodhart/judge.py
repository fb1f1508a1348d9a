"""Score one changing prediction on many metrics, at slider speed.

Everything about the truth (values, references, weights, thresholds, ...) is gathered once; then only the metric
functions run. Results equal those of ``perturbviz.scoring.scores.score_many`` for the same values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, cast

import numpy as np

from perturbviz.metrics import Metric, parse_metric
from perturbviz.scoring.blocks import Shared, by_row, of_data_set
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock, GeneSubset, resolve
from perturbviz.scoring.inputs import needed
from perturbviz.scoring.references import Reference
from perturbviz.stats import average
from perturbviz.stats.rounding import snap

#: (metric id with parameter, "none", "control" or "perturbation")
Setting: TypeAlias = tuple[str, str]
#: Values (rows x genes) of which everything is kept in memory; larger parts are gathered again at every call.
KEPT = 1_500_000
#: From so many values on the settings are scored in several threads.
MANY, THREADS = 50_000, 2


@dataclass(frozen=True, eq=False)
class _Part:
    """Some rows with everything that does not depend on the prediction.

    Attributes
    ----------
    at, labels
        Positions among the judge's rows, and their seed-and-context labels.
    genes
        Columns as in :class:`GeneBlock`.
    bases
        Reference -> truth minus reference, the reference and the size that rounding is judged against.
    arguments
        Setting -> further arguments of its metric.
    """

    at: np.ndarray
    labels: np.ndarray
    genes: np.ndarray | None
    bases: Mapping[str, tuple[np.ndarray, np.ndarray | None, np.ndarray | None]]
    arguments: Mapping[Setting, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Judge:
    """Scores predictions of fixed rows on fixed settings.

    Attributes
    ----------
    evaluation, rows
        Whose truth, and (R,) positions in ``evaluation.rows``. Candidates of retrieval metrics are among these rows.
    settings, subset
        (metric, reference) pairs, all valid (see ``perturbviz.scoring.validity.offered_pairs``), and the genes.
    include_held_out
        Reference "perturbation" is the mean over all perturbations.
    """

    evaluation: Evaluation
    rows: np.ndarray
    settings: tuple[Setting, ...]
    subset: GeneSubset
    include_held_out: bool = False

    def score(self, prediction: np.ndarray, settings: Sequence[Setting] | None = None) -> dict[Setting, np.ndarray]:
        """Values of (R, G) predictions: (R,) a setting; (data sets,) for a metric with one value a data set.

        NaN where nothing is predicted or the metric is undefined.
        """
        settings = self.settings if settings is None else settings
        out = {
            s: np.full(len(self.labels if self._metrics[s].card.unit != "perturbation" else self.rows), np.nan)
            for s in settings
        }
        for part in self._parts:
            self._score_part(part, prediction, settings, out)
        return out

    def averages(self, prediction: np.ndarray, how: str = "mean") -> dict[Setting, float]:
        """Mean or median over the rows, a setting."""
        return {s: float(average(values, how)) for s, values in self.score(prediction).items()}

    @cached_property
    def labels(self) -> np.ndarray:
        """Seed-and-context labels in order of appearance: data sets of the metrics with one value a data set."""
        return np.array(list(dict.fromkeys(self.evaluation.rows["block"].to_numpy()[self.rows])))

    @cached_property
    def _metrics(self) -> dict[Setting, Metric]:
        return {s: parse_metric(s[0])[0] for s in self.settings}

    # -- what does not depend on the prediction ----------------------------------------------------------------------
    @property
    def _parts(self) -> Sequence[_Part] | Iterator[_Part]:
        return self._kept if self.light else self._gathered()

    @cached_property
    def light(self) -> bool:
        """Whether everything fits into memory, so that a score takes a moment only."""
        return sum(len(b.rows) * b.n for b in self.blocks) <= KEPT

    @cached_property
    def blocks(self) -> list[GeneBlock]:
        """Rows and the genes they are scored on."""
        return resolve(self.subset, self.evaluation, self.rows)

    @cached_property
    def _kept(self) -> list[_Part]:
        return list(self._gathered())

    def _gathered(self) -> Iterator[_Part]:
        block_of = self.evaluation.rows["block"].to_numpy()
        position = {row: i for i, row in enumerate(self.rows)}
        for block in self.blocks:
            labels = block_of[block.rows]
            for label in [None] if len(block.rows) * block.n <= KEPT else list(dict.fromkeys(labels)):
                here = slice(None) if label is None else np.flatnonzero(labels == label)
                genes = block.genes if block.genes is None or block.genes.ndim == 1 else block.genes[here]
                part = GeneBlock(block.rows[here], genes, block.n)
                yield self._part(part, np.array([position[r] for r in part.rows], int), labels[here])

    def _part(self, part: GeneBlock, at: np.ndarray, labels: np.ndarray) -> _Part:
        truth = self.evaluation.truth(part.rows, part.genes)
        bases: dict[str, tuple[np.ndarray, np.ndarray | None, np.ndarray | None]] = {"none": (truth, None, None)}
        for reference in {r for _, r in self.settings if r != "none"}:
            vector = self.evaluation.reference(cast(Reference, reference), part.rows, part.genes, self.include_held_out)
            size = np.maximum(np.abs(truth).max(axis=1, initial=0), np.abs(vector).max(axis=1, initial=0))
            bases[reference] = snap(truth - vector, size), vector, size
        shared: dict[str, Any] = {}
        arguments = {}
        for setting in self.settings:
            metric, value = parse_metric(setting[0])
            card, mine = metric.card, {}
            for name in card.needs_of(value):
                if name not in shared:
                    shared[name] = needed(name, self.evaluation, part, self.subset).value
                mine[name] = shared[name]
            if card.parameter:
                mine[card.parameter.name] = card.parameter.value(value)
            if metric.of_truth:
                mine |= metric.of_truth(bases[setting[1]][0])
            arguments[setting] = mine
        return _Part(at, labels, part.genes, bases, arguments)

    # -- what does ---------------------------------------------------------------------------------------------------
    def _score_part(
        self, part: _Part, prediction: np.ndarray, settings: Sequence[Setting], out: dict[Setting, np.ndarray]
    ) -> None:
        if part.genes is None:
            raw = prediction[part.at].astype(np.float64)
        else:
            columns = part.genes if part.genes.ndim == 2 else part.genes[None]
            raw = prediction[part.at[:, None], columns].astype(np.float64)
        missing = np.isnan(raw.sum(axis=1))
        empty = missing.copy()
        empty[missing] = np.isnan(raw[missing]).all(axis=1)
        changes = {
            reference: raw if vector is None or size is None else snap(raw - vector, size)
            for reference, (_, vector, size) in part.bases.items()
            if any(s[1] == reference for s in settings)
        }
        shared: dict[str, Shared] = {reference: {} for reference in changes}

        def fill(setting: Setting) -> None:
            metric, truth, change = self._metrics[setting], part.bases[setting[1]][0], changes[setting[1]]
            arguments = part.arguments[setting]
            if metric.card.unit != "perturbation":
                for k, label in enumerate(self.labels):
                    rows = ~missing & ~np.isnan(truth.sum(axis=1)) & (part.labels == label)
                    if rows.any():
                        out[setting][k] = of_data_set(metric, truth, change, rows, arguments, shared[setting[1]], k)
            else:
                out[setting][part.at] = by_row(metric, truth, change, ~empty, arguments)

        def fill_all(together: list[Setting]) -> None:
            for setting in together:
                fill(setting)

        groups: dict[Any, list[Setting]] = {}  # metrics that share what they compute stay in one thread
        for setting in settings:
            groups.setdefault(self._metrics[setting].shared or setting, []).append(setting)
        if len(groups) == 1 or raw.size < MANY:
            return fill_all(list(settings))
        with ThreadPoolExecutor(THREADS) as pool:  # NumPy works outside the interpreter's lock
            list(pool.map(fill_all, groups.values()))
