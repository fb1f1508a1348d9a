"""The panel of a lesson: what its two views and those between show, with the methods it is about drawn strongest."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from perturbviz.panels.figures.lessons import lines
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel


def reveal(
    lesson: str,
    numbers: pd.DataFrame,
    look: Look,
    *,
    question: str,
    x_title: str,
    y_title: str,
    kind: str = "value",
    heroes: Sequence[str] = (),
) -> Panel:
    """Values or ranks of every method over what the lesson compares.

    Parameters
    ----------
    lesson
        Its id.
    numbers
        One line per method and place on the horizontal axis: method, name, x, value.
    kind
        As of :func:`perturbviz.panels.figures.lessons.lines`.
    heroes
        Methods to look at.
    """
    return Panel(
        key=f"lesson-{lesson}",
        question=question,
        figure=lines(numbers, look.colours, x_title, y_title, kind, heroes),
        caption="Computed on the held-out perturbations of the data set.",
        alt=f"{question} {y_title} of {numbers['method'].nunique()} methods over {x_title}.",
        table=numbers,
        axes=(lesson,),
    )
