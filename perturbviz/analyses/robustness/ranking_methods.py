"""How robust is one ranking? The views of challengeR (Wiesenfarth et al. 2021, Scientific Reports 11, 2369).

Blob plot: in how many draws of all averages does each method take each place. Podium: which place does it take on
single perturbations. Significance map: which pairs differ. Ranking methods: does the order depend on whether one
averages scores and ranks the averages, or ranks each perturbation and averages the ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz import stats
from perturbviz.metrics import Card
from perturbviz.scoring.rankings import Comparisons, compare, how_made
from perturbviz.scoring.scores import Scores

RANKING_METHODS = ("mean then rank", "median then rank", "rank then mean")


@dataclass(frozen=True, eq=False)
class Robustness:
    """Robustness of one ranking; methods in the order of ``methods``, best first, those without a score left out.

    Attributes
    ----------
    methods, names
        Slugs and display names.
    blobs
        (methods, places): share of draws in which a method takes a place (ties take the better one); NaN where there
        are no draws.
    podium
        (methods, places): share of single perturbations on which it does.
    significance
        (methods, methods): Holm-adjusted two-sided p-value of the paired difference; NaN on the diagonal, and where
        there is no interval.
    better
        (methods, methods) bool: row is better than column, at the 5% level over the whole map.
    places
        Per ranking method (rows) the rank of each method, with low_ and high_ limits of its 95% interval: columns
        method, name, ranking, rank, low, high.
    n_units
        Number of perturbations, all seeds of one together.
    together
        Positions of the methods that share the most first places of the podium: the same ones, on every perturbation.
    problem
        Why there are no draws; "" where there are.
    """

    methods: tuple[str, ...]
    names: tuple[str, ...]
    blobs: np.ndarray
    podium: np.ndarray
    significance: np.ndarray
    better: np.ndarray
    places: pd.DataFrame
    n_units: int
    together: tuple[int, ...]
    problem: str


def robustness(scores: Scores, how: str = "mean", n: int = stats.N_DRAWS, seed: int = 0) -> Robustness:
    """Draw the averages of one view and rank again and again.

    Parameters
    ----------
    scores
        Scores of one view.
    how
        "mean" or "median": how the view averages.
    n, seed
        Draws, and where the random numbers start.
    """
    score = scores.card.goodness(stats.average(scores.values, how))
    scores = scores.select([scores.methods[i] for i in np.argsort(-score, kind="stable") if not np.isnan(score[i])])
    compared = {h: compare(scores, h) for h in ("mean", "median")}
    by_row = _row_ranks(scores.values, scores.card)
    drawn, original = {}, {}
    for h, name in (("mean", "mean then rank"), ("median", "median then rank")):
        drawn[name] = scores.card.goodness(compared[h].draws(n, seed))
        original[name] = scores.card.goodness(stats.average(scores.values, h))
    mean_rank = stats.estimate(by_row, compared["mean"].unit, compared["mean"].sharing)
    drawn["rank then mean"] = (
        np.full((n, len(by_row)), np.nan) if compared["mean"].whole else -stats.draws(mean_rank, n=n, seed=seed)
    )
    original["rank then mean"] = -mean_rank.value
    current, perfect = f"{how} then rank", scores.card.perfect
    p = _holm(_paired_p(compared[how]))
    lead = stats.signs(original[current][:, None], original[current][None], perfect) > 0
    reasons = [r.removeprefix("none: ") for r in how_made(compared[how]) if r.startswith("none: ")]
    return Robustness(
        scores.methods,
        scores.names,
        place_shares(stats.ranks(drawn[current], perfect)),
        place_shares(by_row.T),
        p,
        lead & (np.nan_to_num(p, nan=1.0) < 1 - stats.LEVEL),
        _places(scores, original, drawn),
        len(np.unique(compared[how].unit)),
        _together(by_row),
        reasons[0] if reasons else "",
    )


def _row_ranks(values: np.ndarray, card: Card) -> np.ndarray:
    """Rank of each method on each row all of them have a value for: (methods, rows), NaN elsewhere."""
    complete = ~np.isnan(values).any(axis=0)
    out = np.full(values.shape, np.nan)
    if complete.any() and len(values):
        out[:, complete] = stats.ranks(card.goodness(values[:, complete].T), card.perfect).T
    return out


def _together(by_row: np.ndarray) -> tuple[int, ...]:
    """Methods (rows of the ranks) with the most first places, and those that share each of them."""
    first = stats.first(by_row.T)
    if not first.any():
        return ()
    top = first[:, first.sum(axis=0).argmax()]
    return tuple(np.flatnonzero((first == top[:, None]).all(axis=0)).tolist())


def place_shares(ranks: np.ndarray) -> np.ndarray:
    """Share of rankings (n, M) in which each method takes each place: (M, M); tied methods all take the better one."""
    m = ranks.shape[1]
    tied = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)
    place = ranks - (tied - 1) / 2
    counts = np.stack([(place == k + 1).sum(axis=0) for k in range(m)], axis=1) if m else np.zeros((0, 0))
    total = (~np.isnan(ranks)).sum(axis=0)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, counts / total, np.nan)


def _paired_p(compared: Comparisons) -> np.ndarray:
    """Two-sided p-value of each paired difference, 1 where two methods are tied: (M, M)."""
    m = len(compared.scores.methods)
    p = np.full((m, m), np.nan)
    for i in range(m):
        for j in range(m):
            if i != j:
                p[i, j] = compared.p(i, j)
    return p


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction over all pairs (upper triangle) of a symmetric matrix of p-values."""
    first, second = np.triu_indices(len(p), 1)
    raw = p[first, second]
    order = np.argsort(raw, kind="stable")
    have = int((~np.isnan(raw)).sum())
    adjusted = np.full(len(raw), np.nan)
    steps = raw[order[:have]] * (have - np.arange(have))
    adjusted[order[:have]] = np.minimum(np.maximum.accumulate(steps), 1) if have else []
    out = np.full(p.shape, np.nan)
    out[first, second] = out[second, first] = adjusted
    return out


def _places(scores: Scores, original: dict[str, np.ndarray], drawn: dict[str, np.ndarray]) -> pd.DataFrame:
    """Rank and its interval for each ranking method."""
    tables = []
    for name in RANKING_METHODS:
        perfect = 0.0 if name == "rank then mean" else scores.card.perfect
        low, high = stats.quantiles(stats.ranks(drawn[name], perfect))
        place = stats.ranks(original[name], perfect)
        table = {"method": scores.methods, "name": scores.names, "rank": place, "low": low, "high": high}
        tables.append(pd.DataFrame(table).assign(ranking=name))
    return pd.concat(tables, ignore_index=True)
