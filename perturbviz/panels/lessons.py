"""Panel of a lesson: what the loaded data reveal."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from perturbviz.panels.figures.lessons import lines
from perturbviz.panels.panel import Panel


def reveal(
    name: str,
    question: str,
    numbers: pd.DataFrame,
    titles: tuple[str, str],
    kind: str,
    colours: Mapping[str, str],
) -> Panel:
    """One line a method over the settings that a lesson compares.

    Parameters
    ----------
    name
        Id of the lesson.
    numbers
        Columns method, name, x, value.
    titles
        Of the x and the y axis.
    kind
        As of :func:`perturbviz.panels.figures.lessons.lines`.
    """
    x_title, y_title = titles
    return Panel(
        key=f"lesson-{name}",
        question=question,
        figure=lines(numbers, colours, x_title, y_title, kind),
        caption="Computed on the held-out perturbations of the loaded benchmark.",
        alt=f"{question} {y_title} of {numbers['method'].nunique()} methods over {x_title}.",
        table=numbers,
        filename=f"lesson-{name}",
        axes=(name,),
    )
