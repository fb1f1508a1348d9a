"""Who wins where: the ranking among weak and among strong perturbations, by the size of the observed change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneBlock
from perturbviz.scoring.prepared import cut
from perturbviz.scoring.rankings import ranks
from perturbviz.scoring.references import Reference
from perturbviz.scoring.scores import Scores
from perturbviz.stats import average

#: Strata, from the weakest to the strongest quarter of the scored perturbations.
NAMES = ("weakest quarter", "second", "third", "strongest quarter")


@dataclass(frozen=True, eq=False)
class Strata:
    """Scores of methods in each quarter of the perturbations.

    Attributes
    ----------
    scores
        What was averaged, with its methods.
    bounds
        (5,) sizes of change between which the quarters lie.
    counts
        (4,) rows of each quarter.
    averages, ranks
        (4, methods); NaN where undefined.
    how
        "mean" or "median".
    """

    scores: Scores
    bounds: np.ndarray
    counts: np.ndarray
    averages: np.ndarray
    ranks: np.ndarray
    how: str

    def first(self, stratum: int) -> list[str]:
        """Methods that are first in a quarter, by name."""
        rank = self.ranks[stratum]
        if np.isnan(rank).all():
            return []
        return [n for n, r in zip(self.scores.names, rank, strict=True) if r == np.nanmin(rank)]


def effect_sizes(evaluation: Evaluation, rows: np.ndarray) -> np.ndarray:
    """L2 length of the observed change over all genes, from control or, without one, from the training mean: (R,)."""
    reference: Reference = "control" if evaluation.benchmark.has_control else "perturbation"
    out = np.full(len(rows), np.nan)
    at = {row: i for i, row in enumerate(rows.tolist())}
    for piece in cut(evaluation, GeneBlock(rows, None, evaluation.benchmark.adata.n_vars), False):
        change = evaluation.truth(piece.rows) - evaluation.reference(reference, piece.rows)
        out[[at[row] for row in piece.rows.tolist()]] = np.sqrt(np.einsum("pg,pg->p", change, change))
    return out


def strata(scores: Scores, sizes: np.ndarray, how: str = "mean") -> Strata:
    """Averages and ranks of scores in quarters of their rows by ``sizes`` (R,); equal sizes stay together.

    Raises
    ------
    UserError
        For a metric with one value a data set, and with fewer than eight perturbations of known size.
    """
    if scores.card.unit != "perturbation":
        raise UserError(f"{scores.card.name} has one value a data set, so perturbations cannot be told apart by it.")
    known = ~np.isnan(sizes)
    if known.sum() < 8:
        raise UserError("Quarters of weak and strong perturbations need at least eight whose change is known.")
    bounds = np.quantile(sizes[known], [0, 0.25, 0.5, 0.75, 1])
    quarter = np.searchsorted(bounds[1:4], sizes, side="left")
    picks = [np.flatnonzero(known & (quarter == k)) for k in range(4)]
    averages = np.stack([average(scores.values[:, pick], how) for pick in picks])
    placed = ranks(averages, scores.card)
    return Strata(scores, bounds, np.array([len(p) for p in picks]), averages, placed, how)
