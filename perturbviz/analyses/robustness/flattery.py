"""Make it look best: the most and the least flattering defensible view of a method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perturbviz.analyses.all_views.defensible import Views, in_words
from perturbviz.scoring.view import View
from perturbviz.stats.ranks import ordinal


@dataclass(frozen=True)
class Portrait:
    """A method in one view.

    Attributes
    ----------
    view, position
        The view and its line among the views.
    rank, of
        The method's rank among how many.
    margin
        Lead over the next method behind (most flattering) or distance to the next one ahead (least flattering), as a
        share of the range of scores in that view; 0 where nobody is there.
    rival
        Display name of that next method, "" where nobody is there.
    words
        The whole as a sentence.
    """

    view: View
    position: int
    rank: float
    of: int
    margin: float
    rival: str
    words: str


def margins(goodness: np.ndarray, ranks: np.ndarray, method: int, ahead: bool) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest method ranked behind (or ahead), relative to the range in each view, and who it is.

    -1 where there is nobody; who is tied is neither behind nor ahead.
    """
    there = ranks < ranks[:, [method]] if ahead else ranks > ranks[:, [method]]
    gap = np.where(there, np.abs(goodness - goodness[:, [method]]), np.inf)
    nearest = gap.argmin(axis=1)
    distance = gap[np.arange(len(gap)), nearest]
    nobody = np.isinf(distance)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.fmax.reduce(goodness, axis=1) - np.fmin.reduce(goodness, axis=1)
        relative = np.where(nobody, 0, distance / spread)
    return np.nan_to_num(relative), np.where(nobody, -1, nearest)


def flattering(views: Views, method: str, n_genes: int | None = None) -> tuple[Portrait, Portrait] | None:
    """The most and least flattering view of a method: by rank, then by margin; None where it has no score."""
    m = views.methods.index(method)
    defined = np.flatnonzero(~np.isnan(views.ranks[:, m]))
    if not len(defined):
        return None
    found = []
    for ahead in (False, True):
        distance, rival = margins(views.goodness[defined], views.ranks[defined], m, ahead)
        rank = views.ranks[defined, m]
        best = np.lexsort((-distance, -rank if ahead else rank))[0]
        found.append(_portrait(views, m, int(defined[best]), float(distance[best]), int(rival[best]), ahead, n_genes))
    return found[0], found[1]


def _portrait(views: Views, m: int, i: int, margin: float, rival: int, ahead: bool, n_genes: int | None) -> Portrait:
    view, rank, of = views.view(i), float(views.ranks[i, m]), int(views.frame["n_defined"].iloc[i])
    other = views.names[rival] if rival >= 0 else ""
    next_to = f", {'behind' if ahead else 'ahead of'} {other}" if other else ""
    words = f"{views.names[m]} is {ordinal(rank)} of {of}{next_to}: {in_words(view, n_genes)}."
    return Portrait(view, i, rank, of, margin, other, words)
