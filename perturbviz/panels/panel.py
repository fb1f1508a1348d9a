"""What a page draws: a figure with the question it answers and all that is said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pandas as pd

from perturbviz.panels.figures.drawing import Figure

Table: TypeAlias = pd.DataFrame | Callable[[], pd.DataFrame]


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """One chart, the same on the page, in the report and in tests.

    Attributes
    ----------
    key
        Unique name of the chart on its page; the same key is the same chart, which moves to its new state.
    question
        The chart's title: the question it answers. Plain text.
    figure
        What is drawn. ``ids`` and trace names tell which point and trace is which after a change.
    caption
        What to notice, computed from the data; stands under the chart. Plain text, "" where there is nothing to say.
    hint
        What a click in it does, after the caption where clicks are reported; a report leaves it out. Plain text.
    alt
        Alternative text: what the chart shows, for those who cannot see it.
    table
        The numbers drawn, for the CSV download; a callable is called on download only. None: nothing to download.
    filename
        Name of downloaded files without extension; "" for the key.
    select
        Whether clicks and box or lasso selections are reported.
    height
        Pixels; None: the figure's own height, or the usual one.
    axes
        What the axes show (metric, reference, gene, …): zoom is kept from one state to the next while these stay the
        same, and always where there are none.
    """

    key: str
    question: str
    figure: Figure
    caption: str = ""
    alt: str
    table: Table | None = None
    filename: str = ""
    hint: str = ""
    select: bool = False
    height: int | None = None
    axes: tuple[object, ...] = ()

    def numbers(self) -> pd.DataFrame:
        """The table, made now; an empty one where there is none."""
        if self.table is None:
            return pd.DataFrame()
        return self.table() if callable(self.table) else self.table
