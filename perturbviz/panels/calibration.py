"""Panels of calibration: the two controls against each other, the map of all metrics, systematic variation."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.calibration import Calibration, Variation
from perturbviz.analyses.calibration.controls import control_name, in_words
from perturbviz.analyses.calibration.table import family_of, table
from perturbviz.analyses.calibration.verdict import WIDE
from perturbviz.panels import captions
from perturbviz.panels.captions import calibration as words
from perturbviz.panels.figures import calibration as figures
from perturbviz.panels.figures.text import escape
from perturbviz.panels.panel import Panel
from perturbviz.scoring.view import View, metric_label, metric_name


def paired(found: Calibration) -> Panel:
    """The replicate against the empty prediction, perturbation by perturbation."""
    high, low, _ = found.values
    names = control_name(found.positive), control_name(found.negative)
    return Panel(
        key="paired",
        question=f"Is the {in_words(found.positive)} better, perturbation by perturbation?",
        figure=figures.paired(high, low, words.row_signs(found), found.rows, names, found.card.symbol),
        caption=f"{found.card.arrow.capitalize()}. {words.paired_note(found)}" + _thinned(high + low),
        alt=f"{found.card.name} of {names[0]} against {names[1]} for {found.n} perturbations.",
        table=lambda: _rows(found),
        filename=f"controls-{found.metric}",
        axes=(found.metric, found.reference),
    )


def fractions(found: Calibration) -> Panel:
    """The dynamic range fraction of every perturbation."""
    fraction = found.values[2]
    return Panel(
        key="drf",
        question=f"How much of the way to a perfect score does the {in_words(found.positive)} cover?",
        figure=figures.fractions(fraction, found.rows, found.drf, WIDE),
        caption=words.fractions_note(found) + _thinned(fraction),
        alt=f"Dynamic range fraction of {found.n} perturbations, "
        + ("undefined." if np.isnan(found.drf) else f"median {found.drf:.2f}."),
        table=lambda: _rows(found),
        filename=f"drf-{found.metric}",
        axes=(found.metric, found.reference),
    )


def variation(found: Variation) -> Panel:
    """How much all perturbations shift alike, and what that earns the perturbation mean."""
    cosine, delta = (found.rows[c].to_numpy() for c in ("cosine", "pearson_delta"))
    return Panel(
        key="variation",
        question="How much do all perturbations shift alike?",
        figure=figures.variation(cosine, delta, found.rows, found.score),
        caption=words.variation_note(found) + _thinned(cosine + delta),
        alt="Mean cosine with the average shift " + ("undefined." if np.isnan(found.score) else f"{found.score:.2f}."),
        table=found.rows,
        filename="systematic-variation",
    )


def verdicts(
    found: Sequence[Calibration],
    pairs: Sequence[tuple[str, str]],
    columns: Sequence[View],
    view: View,
    positive: str,
    total: int,
) -> Panel:
    """Which metrics can be trusted: metrics by gene subsets; a click reports what :func:`clicked` reads.

    Parameters
    ----------
    found
        The verdicts that there are.
    pairs
        (metric, reference) of the rows.
    columns
        One view a gene subset.
    view
        The current one, ringed.
    positive
        The replicate.
    total
        Number of genes of the data.
    """
    families = list(dict.fromkeys(family_of(m) for m, _ in pairs))
    rows = sorted(pairs, key=lambda p: families.index(family_of(p[0])))  # a family in one piece
    here = (view.metric, view.reference)
    column = next((k for k, v in enumerate(columns) if v.genes == view.genes), None)
    figure = figures.verdict_map(
        _cells(found, rows, columns, total),
        [metric_label(m, r) for m, r in rows],
        [family_of(m) for m, _ in rows],
        [genes(v, total) for v in columns],
        (rows.index(here), column) if here in rows and column is not None else None,
    )
    return Panel(
        key="map",
        question=f"Which metrics can tell the {in_words(positive)} from the average?",
        figure=figure,
        caption=words.map_note(found),
        hint="Click a cell to open its view.",
        alt=f"Dynamic range fraction of {len(rows)} metrics on {len(columns)} gene subsets.",
        table=lambda: table(list(found)),
        filename="calibration",
        select=True,
    )


def genes(view: View, total: int, full: bool = False) -> str:
    """Head of a column, or its genes in full for a sentence. ``total``: number of genes of the data."""
    n = f"{min(view.n, total):,}"
    said = {"all": "all genes", "expressed": f"{n} expressed", "de": f"{n} DE", "own": "own genes"}[view.genes]
    if full and not said.endswith("genes"):
        said += " genes"
    return said + ("" if view.targets else ", targets left out")


def clicked(cell: str) -> dict:
    """What a click on a cell of the map sets in the sidebar."""
    return json.loads(cell)


def _cells(
    found: Sequence[Calibration], rows: Sequence[tuple[str, str]], columns: Sequence[View], total: int
) -> list[figures.Cell]:
    """One cell a row and column, empty where the metric is not offered on these genes."""
    judged = {(c.metric, c.reference, c.genes): c for c in found}
    cells = []
    for r, (metric, reference) in enumerate(rows):
        for k, column in enumerate(columns):
            one = judged.get((metric, reference, column.subset.key))
            if one is None:
                cells.append(figures.Cell(r, k, float("nan"), "", "", ""))
                continue
            wanted = {"metric": metric, "genes": column.genes, "n": column.n}
            click = json.dumps(wanted if reference == "none" else wanted | {"ref": reference})  # else it stays as it is
            cells.append(figures.Cell(r, k, one.drf, one.verdict, _hover(one, genes(column, total)), click))
    return cells


def _hover(one: Calibration, where: str) -> str:
    """Everything known of a cell."""
    both = one.says + (f"; but {one.other.says}" if one.disputed and one.other else "")
    text = (
        f"<b>{escape(metric_name(one.metric, one.reference))}</b> on {escape(where)}<br>"
        f"{escape(both)}<br>median dynamic range fraction {one.drf:.3f} "
        f"({one.drf_interval[0]:.3f} to {one.drf_interval[1]:.3f})<br>bound discrimination {one.bds:.3f} "
        f"({one.bds_interval[0]:.3f} to {one.bds_interval[1]:.3f})<br>better for {one.duel.better}, equal for "
        f"{one.duel.equal}, worse for {one.duel.worse} of {one.n}"
    )
    return text.replace("nan (nan to nan)", "undefined").replace(" (nan to nan)", "")


def _rows(found: Calibration) -> pd.DataFrame:
    """Both scores and the fraction of every row."""
    high, low, fraction = found.values
    return found.rows.assign(positive=high, negative=low, drf=fraction)


def _thinned(values: np.ndarray) -> str:
    """What is said of points that are left out of a chart."""
    return captions.thinned(figures.MOST, int((~np.isnan(values)).sum()), "drawn")
