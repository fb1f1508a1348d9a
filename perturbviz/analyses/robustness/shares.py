"""In how many defensible views does each method win?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.defensible import Views
from perturbviz.stats import first


def wins(views: Views) -> np.ndarray:
    """Share of first place in each view, ties shared: (views, methods); rows sum to 1."""
    leads = first(views.ranks)
    return leads / leads.sum(axis=1, keepdims=True)


def shares_of_views(views: Views) -> pd.DataFrame:
    """How often each method wins.

    Returns
    -------
    Indexed by method, most wins first: name, share (of the votes), views (number of views won, ties shared), defined
    (share of votes in which it has a score), mean_rank, best_rank, worst_rank.
    """
    won, defined = wins(views), ~np.isnan(views.ranks)
    vote = views.vote[:, None]
    total = (vote * defined).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_rank = np.where(defined, views.ranks * vote, 0).sum(axis=0) / total
    seen = np.where(defined, views.ranks, np.nan)
    any_ = defined.any(axis=0)
    table = pd.DataFrame(
        {
            "name": views.names,
            "share": (won * vote).sum(axis=0),
            "views": won.sum(axis=0),
            "defined": total,
            "mean_rank": np.where(any_, mean_rank, np.nan),
            "best_rank": np.fmin.reduce(seen, axis=0, initial=np.nan),
            "worst_rank": np.fmax.reduce(seen, axis=0, initial=np.nan),
        },
        index=pd.Index(views.methods, name="method"),
    )
    return table.sort_values(["share", "mean_rank"], ascending=[False, True], kind="stable")


def shares_by(views: Views, factor: str) -> pd.DataFrame:
    """Share of votes won among views with each value of a factor or "family": values x methods, rows sum to 1."""
    weighted = pd.DataFrame(wins(views) * views.vote[:, None], columns=list(views.methods))
    sums = weighted.groupby(views.frame[factor].to_numpy(), sort=False).sum()
    return sums.div(sums.sum(axis=1), axis=0).rename_axis(factor)
