"""Metrics that do not accumulate over genes: ranks, retrieval, values per data set; at few numbers of genes."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

import numpy as np

from perturbviz.analyses.all_views.collect import Progress, parallel
from perturbviz.analyses.all_views.settings import Setting
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import Scores, score_many
from perturbviz.stats import averages


def direct_averages(
    evaluation: Evaluation,
    methods: tuple[str, ...],
    settings: list[Setting],
    positions: Sequence[np.ndarray],
    hows: Sequence[str],
    include_held_out: bool = False,
    threads: int = 1,
    progress: Progress | None = None,
    cancel: Event | None = None,
) -> np.ndarray:
    """Averages over each choice of rows: (settings, choices, hows, methods).

    All settings on the same genes are scored in one pass over the values. Metrics that take the rows of a data set
    together (candidates of retrieval) are scored again for a choice of rows that is not made of whole data sets.
    """
    out = np.full((len(settings), len(positions), len(hows), len(methods)), np.nan)
    block = evaluation.rows["block"].to_numpy()
    every = np.unique(np.concatenate(list(positions) or [np.empty(0, int)])).astype(int)
    together = _candidate_sets(positions, block)
    jobs: dict[tuple[GeneSubset, int], list[int]] = {}  # (genes, candidate set or -1) -> settings
    for i, setting in enumerate(settings):
        card = setting.card
        sets = together if card.shared_genes or card.unit != "perturbation" else {-1: list(range(len(positions)))}
        for rows in sets:
            jobs.setdefault((setting.subset, rows), []).append(i)

    def task(job: tuple[tuple[GeneSubset, int], list[int]]) -> None:
        (subset, which), indices = job
        rows = every if which < 0 else positions[which]
        if not len(rows):
            return
        pairs = [(settings[i].metric, settings[i].reference) for i in indices]
        found = score_many(evaluation, pairs, subset, methods, rows, include_held_out_in_reference=include_held_out)
        for i, pair in zip(indices, pairs, strict=True):
            choices = list(range(len(positions))) if which < 0 else together[which]
            picks = [_columns(found[pair], rows, positions[c], block) for c in choices]
            out[i, choices] = np.moveaxis(averages(found[pair].values, picks, hows), -1, 2)

    # large subsets first, so that no thread is left with a long one at the end
    g = evaluation.benchmark.adata.n_vars
    size = {job: (g if job[0].kind == "all" else job[0].n) * len(i) for job, i in jobs.items()}
    parallel(task, sorted(jobs.items(), key=lambda item: -size[item[0]]), threads, progress, cancel)
    return out


def _candidate_sets(positions: Sequence[np.ndarray], block: np.ndarray) -> dict[int, list[int]]:
    """Choice to score -> choices it serves: one made of whole data sets of an earlier one needs no own scores."""
    sets: dict[int, list[int]] = {}
    for c, rows in enumerate(positions):
        for first in sets:
            if np.array_equal(positions[first][np.isin(block[positions[first]], block[rows])], rows):
                sets[first].append(c)
                break
        else:
            sets[c] = [c]
    return sets


def _columns(found: Scores, scored: np.ndarray, wanted: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Columns of the scores that belong to the wanted rows."""
    if found.card.unit == "perturbation":
        return np.flatnonzero(np.isin(scored, wanted))
    labels = block[scored][np.sort(np.unique(block[scored], return_index=True)[1])]  # in order of appearance
    return np.flatnonzero(np.isin(labels, block[wanted]))
