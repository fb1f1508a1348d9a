"""Panels of all views at once: who wins how many, which choice decides, one method in every view, alike metrics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.defensible import FACTORS, Views, in_words
from perturbviz.analyses.robustness import Agreement
from perturbviz.panels.captions import views as captions
from perturbviz.panels.figures import views as figures
from perturbviz.panels.panel import Panel
from perturbviz.scoring.view import View, metric_label

_REFERENCES = {"none": "no reference", "control": "vs control", "perturbation": "vs pert. mean"}


def shares(won: pd.DataFrame, found: Views, colours: Mapping[str, str], view: View, raw: bool) -> Panel:
    """How many views each method wins: ``won`` as of :func:`perturbviz.analyses.robustness.shares_of_views`.

    Parameters
    ----------
    view
        The current one; its methods were compared.
    raw
        Whether every view counts alike.
    """
    return Panel(
        key="shares",
        question=f"In how many of {len(found):,} views does each win?",
        figure=figures.shares(won["share"], won["name"].to_dict(), colours),
        caption=captions.family_votes(raw),
        alt=captions.won(won, len(found)),
        table=won.reset_index,
        filename="shares-of-views",
        axes=(view.token,),
    )


def deciding(decided: pd.DataFrame, names: Mapping[str, str], view: View) -> Panel:
    """Which choice decides: choices x methods, and "all", shares of the variance of ranks."""
    said = captions.decided(decided, names)
    return Panel(
        key="deciding",
        question="Which choice decides the order?",
        figure=figures.deciding(decided["all"].sort_values(ascending=False)),
        caption=said,
        alt=said,
        table=decided.reset_index,
        filename="deciding-choices",
        axes=(view.token,),
    )


def curve(found: Views, method: str, colour: str, view: View) -> Panel:
    """Where one method stands in every view, sorted; a click reports the number of the view."""
    column = found.methods.index(method)
    name, rank = found.names[column], found.ranks[:, column]
    known = np.flatnonzero(~np.isnan(rank))
    goodness = found.goodness[known, column]
    order = known[np.lexsort((-goodness, found.frame["family"].to_numpy()[known], rank[known]))]
    drawn = figures.thinned(order)
    words = [in_words(found.view(int(i))) for i in drawn]
    return Panel(
        key="curve",
        question=f"Where does {name} stand in every view?",
        figure=figures.specification_curve(rank[drawn], _choices(found.frame.iloc[drawn]), drawn, name, colour, words),
        caption=captions.curve(name, rank[known], len(drawn), len(order)),
        hint="Click a column to open that view.",
        alt=f"Rank of {name} over {len(order):,} views.",
        table=lambda: found.frame[list(FACTORS)].assign(rank=rank, vote=found.vote),
        filename=f"specification-{method}",
        select=True,
        axes=(view.token, method),
    )


def _choices(frame: pd.DataFrame) -> pd.DataFrame:
    """The choices of views in words."""
    genes = frame["genes"].str.replace("-targets", " without targets").replace(r"^de", "DE", regex=True)
    return pd.DataFrame(
        {
            "metric": frame["family"],
            "reference": frame["reference"].map(_REFERENCES),
            "genes": genes,
            "n": frame["n"].map("{:,}".format),
            "split": frame["split"],
            "average": frame["average"],
        }
    )


def agreement(found: Agreement, view: View) -> Panel:
    """Which metrics order the methods alike."""
    labels = [metric_label(g.metric, g.reference) for g in found.groups.itertuples()]
    said = captions.agreement(found, labels)
    return Panel(
        key="agreement",
        question="Which metrics order the methods alike?",
        figure=figures.agreement(found.tau, labels),
        caption=said,
        alt=said,
        table=lambda: pd.DataFrame(found.tau, labels, labels).rename_axis("metric").reset_index(),
        filename="agreement",
        axes=(view.token,),
    )
