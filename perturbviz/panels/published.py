"""Panels of a paper's source data as published, beside what is computed here."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from perturbviz.analyses.interactions.classes import PAPER_CLASSES
from perturbviz.analyses.interactions.published import Published
from perturbviz.panels.captions import interactions as words
from perturbviz.panels.figures import interactions as figures
from perturbviz.panels.figures import published as published_figures
from perturbviz.panels.figures.theme import BASELINE_COLOURS, method_colours
from perturbviz.panels.panel import Panel


def _baselines(layer: Published) -> list[str]:
    return [m for m in dict.fromkeys(layer.curves["method"]) if m.startswith("No change")]


def _colours(layer: Published) -> Mapping[str, str]:
    methods, base = list(dict.fromkeys(layer.curves["method"])), _baselines(layer)
    return method_colours(methods, base) | dict.fromkeys(base, BASELINE_COLOURS[0])


def curves(layer: Published) -> Panel:
    """The published curves."""
    said = words.published_curves(layer)
    dashes = dict.fromkeys(_baselines(layer), "dash")
    return Panel(
        key="published-curves",
        question="As published: who finds the pairs that are not additive?",
        figure=published_figures.curves(layer.curves, _colours(layer), dashes),
        caption=said,
        alt=said,
        table=layer.curves,
        filename="published-tpr-fdp",
    )


def composition(layer: Published) -> Panel:
    """Classes of the published calls."""
    table = layer.composition()
    names = {m: m for m in dict.fromkeys(layer.curves["method"])}
    said = words.composition(table, names, 500)
    return Panel(
        key="published-calls",
        question="As published: what are the 500 pairs each method sets furthest from additive?",
        figure=figures.stacked(table, names, "calls, all five splits together"),
        caption=said,
        alt=said,
        table=table.reset_index,
        filename="published-calls",
    )


def classes(layer: Published, here: Mapping[str, int] | None = None) -> Panel:
    """Shares of the classes as published, and of those computed here (class -> pairs) where there are any."""
    shares = {"as published": pd.Series(layer.classes).reindex(PAPER_CLASSES, fill_value=0)}
    if here is not None:
        shares["computed here"] = pd.Series(here).reindex(PAPER_CLASSES, fill_value=0)
    table = pd.DataFrame(shares).T
    table = 100 * table.div(table.sum(axis=1), axis=0).drop(columns="additive")
    said = words.compared(table)
    return Panel(
        key="published-classes",
        question="How many pairs are not additive, as published" + ("?" if here is None else " and here?"),
        figure=figures.stacked(table, {}, "non-additive pairs, % of all pairs"),
        caption=said,
        alt=said,
        table=lambda: table.rename_axis("source").reset_index(),
        filename="published-classes",
    )


def pairs(layer: Published) -> Panel:
    """Predicted against observed deviation of the published calls."""
    return Panel(
        key="published-pairs",
        question="As published: do the calls deviate from additive as predicted?",
        figure=published_figures.calls(layer.calls, list(layer.methods), _colours(layer)),
        caption="Chosen because the prediction is far from additive, so there are none in the middle: not a measure "
        "of accuracy.",
        alt=f"{len(layer.calls)} published calls of {len(layer.methods)} methods.",
        table=layer.calls,
        filename="published-pairs",
    )
