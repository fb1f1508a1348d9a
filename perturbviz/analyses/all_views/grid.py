"""The axes of a sweep: numbers of genes, gene orderings, parts and seeds of the split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.view import SPLITS, View

#: Numbers of genes that people use; every grid holds those below the number of genes.
ROUND_SIZES = (20, 50, 100, 200, 500, 1000, 2000, 5000)
#: Numbers of genes for metrics that cannot be accumulated over genes; all genes come on top.
DIRECT_SIZES = (20, 100, 1000, 5000)
N_SIZES = 60
SMALLEST = 10


def gene_counts(n_genes: int, count: int = N_SIZES, smallest: int = SMALLEST) -> np.ndarray:
    """About ``count`` numbers of genes, evenly spaced on a log scale, with the round ones and all genes: (J,) int.

    The grid point next to a round number gives way to it, so that the spacing stays even.
    """
    grid = np.unique(np.geomspace(min(smallest, n_genes), n_genes, count).round().astype(int))
    for size in ROUND_SIZES:
        if grid[0] < size < n_genes:
            inner = grid[:-1]  # all genes always stay
            grid[np.abs(np.log(inner / size)).argmin()] = size
    return np.unique(grid)


@dataclass(frozen=True)
class SplitChoice:
    """Which scored rows count: a part of the split (key of ``scoring.view.SPLITS``) and a seed ("" = all)."""

    split: str = "held-out"
    seed: str = ""

    @property
    def label(self) -> str:
        """``held-out``, or ``held-out:2`` for one seed."""
        return self.split + (f":{self.seed}" if self.seed else "")


def split_choices(evaluation: Evaluation) -> tuple[SplitChoice, ...]:
    """All scored rows together, then each seed alone, then the test part alone where validation rows are scored too."""
    b = evaluation.benchmark
    name = next((k for k, parts in SPLITS.items() if set(parts) == set(evaluation.parts)), "held-out")
    choices = [SplitChoice(name)]
    if len(b.seeds) > 1:
        choices += [SplitChoice(name, seed) for seed in b.seeds]
    if len(evaluation.parts) > 1 and "test" in evaluation.parts:
        parts = row_parts(evaluation)
        if (parts == "test").any() and (parts != "test").any():
            choices.append(SplitChoice("test"))
    return tuple(choices)


def row_parts(evaluation: Evaluation) -> np.ndarray:
    """Part of the split of every scored row: (R,) object."""
    rows = evaluation.rows
    out = np.empty(len(rows), object)
    for seed, split in evaluation.benchmark.splits.items():
        here = (rows["seed"] == seed).to_numpy()
        out[here] = split[rows["obs"].to_numpy()[here]]
    return out


def has_targets(evaluation: Evaluation) -> bool:
    """Whether any scored perturbation has a measured target, so that leaving targets out changes anything."""
    return any(len(t) for t in evaluation.target_columns)


def canonical(subset: GeneSubset, n_genes: int, targets_matter: bool = True) -> GeneSubset:
    """The simplest subset that asks the same: n of all genes is all genes, absent targets cannot be left out."""
    targets = subset.targets or not targets_matter
    if subset.kind in ("expressed", "de") and subset.n < n_genes:
        return GeneSubset(subset.kind, subset.n, targets)
    return GeneSubset("all", targets=targets) if subset.kind != "own" else subset


def choose_rows(
    evaluation: Evaluation, base: View, methods: Sequence[str], choices: Sequence[SplitChoice]
) -> list[np.ndarray]:
    """For each choice the scored rows of ``base`` with that split and seed, as ``scoring.scores.view_rows``."""
    frame, parts = evaluation.rows, row_parts(evaluation)
    predicted = [evaluation.predicted(m) for m in methods] if base.rows == "common" else []
    out = []
    for choice in choices:
        keep = np.isin(parts, SPLITS[choice.split])
        if base.context:
            keep &= (frame["context"] == base.context).to_numpy()
        if choice.seed:
            keep &= (frame["seed"] == choice.seed).to_numpy()
        if base.size != "all":
            keep &= (frame["n_perturbed"] == 1).to_numpy() == (base.size == "singles")
        for have in predicted:
            if have[keep].any():  # a method that predicts none of them is undefined, not a reason to show nothing
                keep = keep & have
        out.append(np.flatnonzero(keep))
    return out
