"""Sentences about all views and about how sure one ranking is, computed from the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.robustness import Across, Agreement, Robustness, stability
from perturbviz.panels.captions import counted, escape, firsts, names, ordinal
from perturbviz.panels.figures.text import percent
from perturbviz.stats import first

__all__ = [
    "across",
    "agreement",
    "blobs",
    "curve",
    "decided",
    "escape",
    "family_votes",
    "no_vote",
    "podium",
    "retrieval",
    "score_table",
    "significance",
    "ways",
    "won",
]


def won(shares: pd.DataFrame, n: int) -> str:
    """Who wins most views, and who wins none."""
    first = shares.iloc[0]
    text = f"Over {n:,} defensible views **{escape(first['name'])}** wins {first['share']:.0%} of the votes"
    winners = shares[shares["share"] > 0.005]
    if len(winners) > 1:
        text += ", before " + names(
            [f"{escape(line['name'])} ({line['share']:.0%})" for _, line in winners.iloc[1:4].iterrows()]
        )
    never = [escape(v) for v in shares.loc[shares["views"] == 0, "name"]]
    return text + "." + (f" {names(never)} win{'s' if len(never) == 1 else ''} none." if never else "")


def family_votes(raw: bool) -> str:
    """How views were counted."""
    return (
        "Every view counts alike, so families with many metrics weigh more."
        if raw
        else "Each family of metrics has one vote, spread evenly over its views."
    )


def no_vote(left_out: Sequence[tuple[str, str]]) -> str:
    """Which families of metrics do not count here on some or all genes, and why; "" where all do."""
    return " ".join(f"No vote, on these or some genes: {family}. {why}" for family, why in left_out)


def decided(shares: pd.DataFrame, method_names: Mapping[str, str]) -> str:
    """The most important choice, overall and where a method differs."""
    overall = shares["all"].dropna().sort_values(ascending=False)
    if overall.empty:
        return "No rank changes over these views, so no choice decides."
    top = overall.index[0]
    text = (
        f"The {top} decides most ({overall.iloc[0]:.0%} of the variance of ranks), then the {overall.index[1]} "
        f"({overall.iloc[1]:.0%})."
    )
    each = shares.drop(columns="all").dropna(axis=1)
    other = each.idxmax()
    differs = other[other != top]
    if len(differs):
        method = differs.index[0]
        text += f" For {method_names[method]} it is the {differs.iloc[0]} ({each.loc[differs.iloc[0], method]:.0%})."
    return text


def curve(name: str, rank: np.ndarray, drawn: int, n: int) -> str:
    """Range and typical rank of a method."""
    text = (
        f"{name} stands between {ordinal(float(rank.min()))} and {ordinal(float(rank.max()))}, in the middle of "
        f"views {ordinal(float(np.median(rank)))}."
    )
    thin = f" Drawn: {drawn} of {n:,} views, evenly chosen." if drawn < n else ""
    return text + thin


def agreement(found: Agreement, labels: Sequence[str]) -> str:
    """The pair of metrics that disagrees most."""
    tau = np.where(np.eye(len(found.tau), dtype=bool), np.nan, found.tau)
    if np.isnan(tau).all():
        return "No two metrics share a view to compare."
    i, j = map(int, np.unravel_index(np.nanargmin(tau), tau.shape))
    return (
        f"Mean τ-b between different metrics is {np.nanmean(tau):.2f}; {labels[i]} and {labels[j]} disagree most "
        f"({tau[i, j]:.2f}). Blocks along the diagonal are families that order alike."
    )


def blobs(found: Robustness) -> str:
    """How often the leader is first, over how many perturbations."""
    if found.problem:
        return f"No draws: {found.problem}."
    what = f"{found.names[0]} is first in {percent(found.blobs[0, 0])} of bootstrap resamples of all averages together"
    return f"{what}, over {counted(found.n_units, 'perturbation')}; a blob's area is the share."


def podium(found: Robustness) -> str:
    """Who is first on most single perturbations."""
    first = found.podium[:, 0]
    if np.isnan(first).all():
        return "No perturbation has a score of every method."
    top = found.together
    verb = "is first" if len(top) == 1 else "share first"
    text = f"{names([found.names[i] for i in top])} {verb} on {first[top[0]]:.0%} of the single perturbations"
    return text + ("." if 0 in top else f", although {found.names[0]} is first on average.")


def score_table(ranks: np.ndarray, names: Sequence[str]) -> str:
    """Who is first how often over the rows (metrics × methods), and how to read the table."""
    return (
        f"Of {counted(len(ranks), 'metric')}: {firsts(first(ranks).T, names, 4)}. Colour: rank within the row, the "
        "strongest is first (bold); – no score. Rows have no common scale, so no total is given."
    )


def significance(found: Robustness) -> str:
    """How many pairs can be told apart."""
    if found.problem:
        return f"Nothing can be told apart: {found.problem}."
    n = len(found.names)
    pairs, apart = n * (n - 1) // 2, int(found.better.sum())
    return (
        f"{apart} of {pairs} pairs differ beyond chance (paired, shared targets allowed for, Holm-corrected, 5%); "
        "blue: the row is better."
    )


def ways(ranks: pd.DataFrame, name: Callable[[str], str]) -> str:
    """Whether another way of averaging changes the order."""
    moved = (ranks.max(axis=1) - ranks.min(axis=1)).sort_values(ascending=False)
    if moved.empty or not moved.iloc[0] > 0:
        return "The order is the same in all three ways."
    return (
        f"{name(moved.index[0])} moves most: "
        f"{', '.join(f'{ordinal(v)} by {k}' for k, v in ranks.loc[moved.index[0]].items())}."
    )


def across(found: Across) -> str:
    """Who is first among the methods that all data sets have, or that there are too few of them."""
    if len(found.names) < 2:
        return "Not comparable: fewer than two methods have a score on two or more of these data sets."
    said = []
    for data, column in found.ranks.items():
        best = [found.names[m] for m in column.index[column == column.min()]]
        said.append(f"{names(best)} {'is' if len(best) == 1 else 'are'} first on {data}")
    others = counted(len(found.left_out), "other")
    lacking = f" ({others} {'has' if len(found.left_out) == 1 else 'have'} not)" if found.left_out else ""
    tau = stability(found)
    return (
        f"Compared are the {len(found.names)} methods with a score on every data set{lacking}. {'; '.join(said)}."
        + ("" if np.isnan(tau) else f" Mean τ-b between the orders: {tau:.2f}.")
    )


def retrieval(name: str, matrix: np.ndarray, labels: np.ndarray, own: np.ndarray) -> str:
    """How often a prediction is closest to its own truth, and which truth attracts most."""
    nearest = np.nanargmin(np.where(np.isnan(matrix), np.inf, matrix), axis=1)
    hits = int((nearest == np.arange(len(labels))).sum())
    values, counts = np.unique(nearest, return_counts=True)
    hub = int(values[counts.argmax()])
    return (
        f"{name} is closest to its own truth for {hits} of {len(labels)} perturbations (centroid accuracy "
        f"{np.nanmean(own):.2f}); the truth of {labels[hub]} is the nearest for {counts.max()} of them."
    )
