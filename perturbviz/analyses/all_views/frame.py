"""The whole sweep as tables, one value a line, streamed so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import Event

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.collect import Progress
from perturbviz.analyses.all_views.settings import KINDS, Setting, offered_settings
from perturbviz.analyses.all_views.sum_values import SumValues, method_groups, sum_values
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneKind, GeneSubset
from perturbviz.scoring.references import Reference
from perturbviz.scoring.scores import COLUMNS, score_many

#: Lines per table.
LINES = 250_000


def sweep_frame(
    evaluation: Evaluation,
    *,
    methods: Iterable[str] | None = None,
    metrics: Sequence[str] | None = None,
    references: Sequence[Reference] = ("control", "perturbation"),
    kinds: Sequence[GeneKind] = KINDS,
    targets: Sequence[bool] = (True, False),
    sizes: Sequence[int] | None = None,
    direct_sizes: Sequence[int] | None = None,
    accumulated_only: bool = False,
    include_held_out_in_reference: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> Iterator[pd.DataFrame]:
    """Every value of every row under every setting, as ``perturbviz.scoring.scores.score`` would give it.

    Parameters are those of :func:`perturbviz.analyses.all_views.sweep`.

    Yields
    ------
    Tables with the columns ``scoring.scores.COLUMNS``; text columns are categorical with the same categories in
    every table, so that tables can be appended to one file. ``n_genes`` is the number of genes that counted.
    """
    methods = tuple(evaluation.methods if methods is None else methods)
    settings = offered_settings(
        evaluation, metrics, references, kinds, targets, sizes, direct_sizes, include_held_out_in_reference
    )
    if accumulated_only:
        settings = [s for s in settings if s.accumulates]
    if not settings or not methods or evaluation.rows.empty:
        return
    writer = _Writer(evaluation, methods, settings)
    done = 0.0
    for tables in (
        _summed(evaluation, methods, settings, writer, include_held_out_in_reference, threads, cancel),
        _scored(evaluation, methods, settings, writer, include_held_out_in_reference),
    ):
        for table, share in tables:
            yield table
            done += share
            if progress is not None:
                progress(done / len(settings))


#: A table and how many settings of all methods it completes.
_Tables = Iterator[tuple[pd.DataFrame, float]]


def _summed(
    evaluation: Evaluation,
    methods: tuple[str, ...],
    settings: list[Setting],
    writer: _Writer,
    include_held_out_in_reference: bool,
    threads: int | None,
    cancel: Event | None,
) -> _Tables:
    """Tables of the settings that are sums over genes, as many settings at once as make a table long enough."""
    summed = [s for s in settings if s.accumulates]
    pairs: dict[tuple[str, str], list[Setting]] = {}
    for setting in summed:
        pairs.setdefault((setting.metric, setting.reference), []).append(setting)
    for group in method_groups(evaluation, methods, summed) if summed else ():
        sums = sum_values(evaluation, group, summed, include_held_out_in_reference, threads, None, cancel)
        step = max(1, LINES // (len(group) * len(evaluation.rows)))
        for pair in pairs.values():
            for start in range(0, len(pair), step):
                some = pair[start : start + step]
                yield writer.sums(sums, some), len(some) * len(group) / len(methods)
        del sums


def _scored(
    evaluation: Evaluation,
    methods: tuple[str, ...],
    settings: list[Setting],
    writer: _Writer,
    include_held_out_in_reference: bool,
) -> _Tables:
    """Tables of all other settings, those on the same genes scored together."""
    by_subset: dict[GeneSubset, list[Setting]] = {}
    for setting in settings:
        if not setting.accumulates:
            by_subset.setdefault(setting.subset, []).append(setting)
    for subset, some in by_subset.items():
        pairs = [(s.metric, s.reference) for s in some]
        found = score_many(
            evaluation, pairs, subset, methods, include_held_out_in_reference=include_held_out_in_reference
        )
        for pair in pairs:
            yield writer.scores(found[pair]), 1.0


class _Writer:
    """Puts values into tables with the same categories."""

    def __init__(self, evaluation: Evaluation, methods: tuple[str, ...], settings: list[Setting]):
        rows = evaluation.rows
        self.methods = methods
        self.types = {
            "method": pd.CategoricalDtype(methods),
            "seed": pd.CategoricalDtype(pd.unique(rows["seed"])),
            "context": pd.CategoricalDtype(pd.unique(rows["context"])),
            "perturbation": pd.CategoricalDtype([*pd.unique(rows["perturbation"]), "*"]),
            "metric": pd.CategoricalDtype(list(dict.fromkeys(s.metric for s in settings))),
            "reference": pd.CategoricalDtype(["none", "control", "perturbation"]),
            "genes": pd.CategoricalDtype(list(dict.fromkeys(s.subset.key for s in settings))),
        }
        self.rows = {c: pd.Categorical(rows[c], dtype=self.types[c]) for c in ("seed", "context", "perturbation")}
        self.n_rows = len(rows)

    def _codes(self, column: str, codes: np.ndarray) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, dtype=self.types[column])

    def sums(self, sums: SumValues, settings: list[Setting]) -> pd.DataFrame:
        """Table of settings that share metric and reference."""
        mine = [self.methods.index(m) for m in sums.sums.methods]
        m, r, j = len(mine), self.n_rows, len(settings)
        columns = np.array([sums.column(s.subset) for s in settings])
        first = settings[0]
        values = np.stack(
            [sums.value(first.metric, first.reference, sums.moments(first.reference, i, columns)) for i in range(m)],
            axis=1,
        )  # (settings, methods, rows)
        key = self.types["genes"].categories.get_indexer([s.subset.key for s in settings])
        frame = {
            "method": self._codes("method", np.tile(np.repeat(mine, r), j)),
            **{c: self._codes(c, np.tile(self.rows[c].codes, m * j)) for c in ("seed", "context", "perturbation")},
            "metric": self._codes("metric", np.full(m * r * j, self.types["metric"].categories.get_loc(first.metric))),
            "reference": self._codes(
                "reference", np.full(m * r * j, self.types["reference"].categories.get_loc(first.reference))
            ),
            "genes": self._codes("genes", np.repeat(key, m * r)),
            "n_genes": np.concatenate([np.tile(sums.n_genes(c), m) for c in columns]),
            "value": values.ravel(),
        }
        return pd.DataFrame(frame)[COLUMNS]

    def scores(self, scores) -> pd.DataFrame:
        """Table of one setting that was scored directly."""
        return scores.to_frame().astype(self.types)
