"""The sweep: scores of every method under every setting, averaged over every choice of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import cast

import numpy as np

from perturbviz.analyses.all_views.collect import Progress, n_threads, parallel
from perturbviz.analyses.all_views.direct import direct_averages
from perturbviz.analyses.all_views.grid import SplitChoice, choose_rows, split_choices
from perturbviz.analyses.all_views.settings import KINDS, Setting, offered_settings
from perturbviz.analyses.all_views.sum_values import SumValues, method_groups, sum_values
from perturbviz.metrics import canonical
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneKind, GeneSubset
from perturbviz.scoring.references import Reference
from perturbviz.scoring.scores import score
from perturbviz.scoring.view import View
from perturbviz.stats import averages

#: Values of one metric handled at once (gene subsets x rows): few enough for the processor's cache, and enough for each
#: step to last so long that threads do not wait for each other's turn in the interpreter.
CELLS = 120_000
HOWS = ("mean", "median")


@dataclass(frozen=True, eq=False)
class Sweep:
    """Scores of all methods under all settings.

    Attributes
    ----------
    evaluation, base
        What was scored, and the view whose other fields (rows, context, size, reference from) all scores share.
    methods, names
        Slugs and display names: last axis of ``scores``.
    settings
        Metric, reference and genes: first axis of ``scores``.
    splits
        Choices of rows: second axis.
    hows
        "mean" and "median": third axis.
    scores
        (settings, splits, hows, methods) float64; NaN where undefined.
    positions
        For each split the scored rows (positions in ``evaluation.rows``).
    sums
        What values per row are derived from; None where they would need too much memory.
    """

    evaluation: Evaluation
    base: View
    methods: tuple[str, ...]
    names: tuple[str, ...]
    settings: tuple[Setting, ...]
    splits: tuple[SplitChoice, ...]
    hows: tuple[str, ...]
    scores: np.ndarray
    positions: tuple[np.ndarray, ...]
    sums: SumValues | None = field(default=None, repr=False)

    @cached_property
    def _index(self) -> dict[Setting, int]:
        """Where each setting is."""
        return {s: i for i, s in enumerate(self.settings)}

    def setting_of(self, view: View) -> Setting:
        """Setting of a view; more genes than there are, or all of them, are the same setting."""
        g = self.evaluation.benchmark.adata.n_vars
        subset = GeneSubset("all", targets=view.targets) if view.genes == "all" else view.subset
        if subset.kind in ("expressed", "de"):
            subset = GeneSubset(subset.kind, min(subset.n, g), subset.targets)
        return Setting(canonical(view.metric), cast(Reference, view.reference), subset)

    def score_of(self, view: View) -> np.ndarray | None:
        """(methods,) scores of a view, or None where the sweep does not hold it."""
        i = self._index.get(self.setting_of(view))
        split = SplitChoice(view.split, view.seed)
        if i is None or split not in self.splits or view.avg not in self.hows:
            return None
        return self.scores[i, self.splits.index(split), self.hows.index(view.avg)]

    def values(self, setting: Setting) -> np.ndarray:
        """Values per row: (methods, rows of the evaluation); NaN for rows that are not among those of the sweep.

        Raises
        ------
        ValueError
            For a metric that gives one value a data set.
        """
        out = np.full((len(self.methods), len(self.evaluation.rows)), np.nan)
        rows = self.positions[0]
        if self.sums is not None and setting.accumulates and setting in self._index:
            columns = np.array([self.sums.column(setting.subset)])
            for m in range(len(self.methods)):
                moments = self.sums.moments(setting.reference, m, columns)
                out[m, rows] = self.sums.value(setting.metric, setting.reference, moments)[0, rows]
            return out
        if setting.card.unit != "perturbation":
            raise ValueError(f"{setting.metric} has one value a data set")
        found = score(
            self.evaluation,
            setting.metric,
            setting.reference,
            setting.subset,
            self.methods,
            rows=rows,
            include_held_out_in_reference=self.base.ref_from == "all",
        )
        out[:, rows] = found.values
        return out


def sweep(
    evaluation: Evaluation,
    *,
    methods: Iterable[str] | None = None,
    metrics: Sequence[str] | None = None,
    references: Sequence[Reference] = ("control", "perturbation"),
    kinds: Sequence[GeneKind] = KINDS,
    targets: Sequence[bool] = (True, False),
    sizes: Sequence[int] | None = None,
    direct_sizes: Sequence[int] | None = None,
    splits: Sequence[SplitChoice] | None = None,
    hows: Sequence[str] = HOWS,
    base: View | None = None,
    accumulated_only: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> Sweep:
    """Score all views at once.

    Parameters
    ----------
    evaluation
        The scored rows and where their values come from.
    methods
        Slugs; where None those that ``base`` shows.
    metrics
        ``id`` or ``id@value``; the whole catalogue where None (with L2 instead of the slower L1 retrieval). What is
        not valid on this benchmark is left out.
    references, kinds, targets
        References of delta metrics, kinds of gene subsets, with and without the perturbed genes.
    sizes
        Numbers of genes for metrics that are sums over genes; ``gene_counts(G)`` where None.
    direct_sizes
        Numbers of genes for all other metrics; at most five where None.
    splits, hows
        Choices of rows and ways to average; all where None.
    base
        View whose fields that are not swept (context, size, rows, ref_from, show) hold for every score.
    accumulated_only
        Leave out metrics that are not sums over genes (ranks, retrieval, non-additive effects), which take longer.
    threads
        Number of threads; one per processor where None.
    progress, cancel
        Called with the share that is done; an event that stops the sweep with :class:`SweepCancelled`.
    """
    base = base or View()
    methods = tuple(m for m in (methods or evaluation.methods) if not base.show or m in base.show)
    include_held_out = base.ref_from == "all"
    settings = offered_settings(evaluation, metrics, references, kinds, targets, sizes, direct_sizes, include_held_out)
    if accumulated_only:
        settings = [s for s in settings if s.accumulates]
    splits = tuple(splits or split_choices(evaluation))
    positions = choose_rows(evaluation, base, methods, splits)
    job = _Job(evaluation, methods, positions, tuple(hows), include_held_out, threads, cancel)
    scores, sums = job.averages(settings, progress)
    names = tuple(evaluation.name(m) for m in methods)
    return Sweep(evaluation, base, methods, names, tuple(settings), splits, job.hows, scores, tuple(positions), sums)


@dataclass(frozen=True, eq=False)
class _Job:
    """What all scores of a sweep share: see :func:`sweep`."""

    evaluation: Evaluation
    methods: tuple[str, ...]
    positions: list[np.ndarray]
    hows: tuple[str, ...]
    include_held_out: bool
    threads: int | None
    cancel: Event | None

    def averages(self, settings: list[Setting], progress: Progress | None) -> tuple[np.ndarray, SumValues | None]:
        """(settings, splits, hows, methods) scores, and what those that are sums over genes are derived from."""
        scores = np.full((len(settings), len(self.positions), len(self.hows), len(self.methods)), np.nan)
        summed = [i for i, s in enumerate(settings) if s.accumulates]
        rest = [i for i, s in enumerate(settings) if not s.accumulates]
        share = 0.0 if not summed else 1.0 if not rest else 0.3
        sums = None
        if summed:
            scores[summed], sums = self._summed([settings[i] for i in summed], _part(progress, 0, share))
        if rest:
            scores[rest] = direct_averages(
                self.evaluation,
                self.methods,
                [settings[i] for i in rest],
                self.positions,
                self.hows,
                self.include_held_out,
                n_threads(self.threads),
                _part(progress, share, 1),
                self.cancel,
            )
        return scores, sums

    def _summed(self, settings: list[Setting], progress: Progress | None) -> tuple[np.ndarray, SumValues | None]:
        """Averages of sums over genes, as many methods at once as memory allows; the sums where that is all of them."""
        out = np.full((len(settings), len(self.positions), len(self.hows), len(self.methods)), np.nan)
        groups = method_groups(self.evaluation, self.methods, settings)
        sums = None
        for i, group in enumerate(groups):
            sums = None  # those of the group before go before these come
            at = [(i + part) / len(groups) for part in (0, 0.6, 1)]
            told, told_then = _part(progress, *at[:2]), _part(progress, *at[1:])
            sums = sum_values(self.evaluation, group, settings, self.include_held_out, self.threads, told, self.cancel)
            found = _sum_averages(sums, settings, self.positions, self.hows, self.threads, told_then, self.cancel)
            out[..., [self.methods.index(m) for m in group]] = found
        return out, sums if len(groups) == 1 else None


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Progress of a part of the whole."""
    return None if progress is None else lambda done: progress(start + (end - start) * done)


def _sum_averages(
    sums: SumValues,
    settings: list[Setting],
    positions: list[np.ndarray],
    hows: Sequence[str],
    threads: int | None,
    progress: Progress | None,
    cancel: Event | None,
) -> np.ndarray:
    """Averages of the sum-type settings: (settings, splits, hows, methods)."""
    pairs: dict[tuple[Reference, str], list[int]] = {}
    for i, setting in enumerate(settings):
        pairs.setdefault((setting.reference, setting.metric), []).append(i)
    column_of = {subset: sums.column(subset) for subset in {s.subset for s in settings}}
    column = np.array([column_of[s.subset] for s in settings])
    used = np.unique(column)
    at = np.searchsorted(used, column)
    methods = range(len(sums.sums.methods))
    step = max(1, CELLS // max(sums.sums.truths.shape[-1], 1))
    out = np.full((len(settings), len(positions), len(hows), len(methods)), np.nan)

    def task(job: tuple[int, int]) -> None:
        m, start = job
        columns = used[start : start + step]
        moments = {}
        for (reference, metric), indices in pairs.items():
            if reference not in moments:
                moments[reference] = sums.moments(reference, m, columns)
            found = averages(sums.value(metric, reference, moments[reference]), positions, hows)
            here = [i for i in indices if start <= at[i] < start + step]
            out[here, :, :, m] = np.moveaxis(found[:, :, at[here] - start], -1, 0)

    parallel(task, [(m, s) for m in methods for s in range(0, len(used), step)], n_threads(threads), progress, cancel)
    return out
