"""Panels of how sure an order is: places in draws and on single perturbations, differences, averages, other data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from perturbviz.analyses.robustness import RANKING_METHODS, Across, Robustness
from perturbviz.panels.captions import views as captions
from perturbviz.panels.figures import rankings as order_figures
from perturbviz.panels.figures import views as figures
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.scoring.view import View

ELSEWHERE = "#8c4a2b"
"""Colour of methods that the current data do not have."""


def blobs(found: Robustness, look: Look, view: View) -> Panel:
    """In which share of the draws each method takes each place."""
    axis, question = "place in draws of all averages", "How sure is each place?"
    return _places("blobs", found, found.blobs, axis, question, captions.blobs(found), "places-in-draws", look, view)


def podium(found: Robustness, look: Look, view: View) -> Panel:
    """On which share of the perturbations each method takes each place."""
    axis, question = "place on single perturbations", "Who is on the podium, perturbation by perturbation?"
    return _places("podium", found, found.podium, axis, question, captions.podium(found), "podium", look, view)


def _places(
    key: str,
    found: Robustness,
    shares: np.ndarray,
    axis: str,
    question: str,
    said: str,
    filename: str,
    look: Look,
    view: View,
) -> Panel:
    return Panel(
        key=key,
        question=question,
        figure=figures.blobs(shares, found.names, [look.colours[m] for m in found.methods], axis),
        caption=said,
        alt=said,
        table=_square(shares, found, list(range(1, len(found.names) + 1))),
        filename=filename,
        axes=(view.token,),
    )


def _square(values: np.ndarray, found: Robustness, columns: list) -> Callable[[], pd.DataFrame]:
    """A table with one line a method."""
    return lambda: pd.DataFrame(values, found.names, columns).rename_axis("method").reset_index()


def significance(found: Robustness, view: View) -> Panel:
    """Which method is better than which, beyond chance."""
    said = captions.significance(found)
    return Panel(
        key="significance",
        question="Which differences are beyond chance?",
        figure=figures.significance(found.significance, found.better, found.names),
        caption=said,
        alt=said,
        table=_square(found.significance, found, list(found.names)),
        filename="significance",
        axes=(view.token,),
    )


def ways(found: Robustness, look: Look, view: View) -> Panel:
    """Whether the order depends on how one averages; the view's own way is marked."""
    wide = found.places.pivot(index="method", columns="ranking", values="rank").reindex(
        index=list(found.methods), columns=list(RANKING_METHODS)
    )
    said = captions.ways(wide, look.name)
    return Panel(
        key="ways",
        question="Does the order depend on how one averages?",
        figure=order_figures.bump(
            wide.set_axis(range(3), axis=1),
            list(RANKING_METHODS),
            dict(zip(found.methods, found.names, strict=True)),
            look.colours,
            RANKING_METHODS.index(f"{view.avg} then rank"),
        ),
        caption=said,
        alt=said,
        table=found.places,
        filename="ways-to-rank",
        axes=(view.token,),
    )


def across(found: Across, colours: Mapping[str, str], view: View) -> Panel:
    """The order on several data sets, of the methods that all of them have."""
    said = captions.across(found)
    return Panel(
        key="across",
        question="Does the order hold elsewhere?",
        figure=order_figures.bump(
            found.ranks.set_axis(range(found.ranks.shape[1]), axis=1),
            list(found.ranks.columns),
            dict(found.names),
            {m: colours.get(m, ELSEWHERE) for m in found.names},
            -1,
        ),
        caption=said,
        alt=said,
        table=found.ranks.reset_index,
        filename="across",
        axes=(view.token,),
    )
