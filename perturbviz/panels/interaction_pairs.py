"""Panels of single genes and doubles: which come back among the calls, and one of each in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.interactions.classes import PAPER_CLASSES, class_counts, class_names
from perturbviz.analyses.interactions.pairs import Pairs
from perturbviz.analyses.interactions.recurrence import Recurrence
from perturbviz.analyses.interactions.summary import double_labels, over_splits, takes_part
from perturbviz.analyses.interactions.threshold import Threshold
from perturbviz.panels.captions import interactions as words
from perturbviz.panels.figures import interaction_pairs as figures
from perturbviz.panels.figures import interactions as interaction_figures
from perturbviz.panels.interactions import labels
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel

TOP = 24  # genes or doubles shown
DOUBLES = 30  # lines of the gene view


def recurrence(found: Recurrence, axis: str, n: int, look: Look, bound: Threshold) -> Panel:
    """Which genes or doubles (``axis``) are among the top n calls again and again."""
    said = words.recurring(found, labels(look), axis)
    figure = interaction_figures.recurrence_bars(
        found.names[:TOP], found.counts[:TOP], found.layers, labels(look), f"{axis} named most often"
    )
    return Panel(
        key="recurrence",
        question=f"Which {axis} are among the top {n:,} calls again and again?",
        figure=figure,
        caption=said + words.convention(bound),
        alt=said,
        table=lambda: pd.DataFrame(
            found.counts, columns=list(found.layers), index=pd.Index(found.names, name=axis)
        ).reset_index(),
        filename=f"recurrence-{axis}",
        axes=(axis,),
    )


def gene(
    pairs: Pairs, name: str, codes: np.ndarray, double: str, methods: Sequence[str], look: Look, bound: Threshold
) -> Panel:
    """One gene in all doubles: sum of the singles, observation, predictions; a click reports the double's label.

    Parameters
    ----------
    codes
        (D, G) classes of the truth.
    double
        Name of a double that is drawn whatever its deviation, and marked.
    methods
        Those whose predictions are drawn.
    """
    column, doubles = int(pairs.genes.get_loc(name)), np.array(double_labels(pairs), dtype=object)
    classes = class_names(codes[:, column])
    additive, observed = pairs.delta_a[:, column] + pairs.delta_b[:, column], pairs.delta_ab[:, column]
    predicted = {
        m: over_splits(pairs, pairs.predicted(m)[:, column]) + additive
        for m in methods
        if takes_part(pairs, m) != "additive"
    }
    order = np.argsort(-np.nan_to_num(np.abs(pairs.deviation[:, column])), kind="stable")
    mine = np.flatnonzero((pairs.doubles["perturbation"] == double).to_numpy())
    shown = np.concatenate([order[:DOUBLES], np.setdiff1d(mine, order[:DOUBLES])])
    said = words.one_gene(name, observed, additive, list(classes), doubles.tolist(), predicted, look.names)
    said += words.convention(bound) + " Arrows: from the sum to the observation, coloured by class."
    if len(shown) < len(order):
        said += f" Drawn: the {len(shown)} of {len(order)} doubles furthest from additive."
    figure = figures.gene_view(
        doubles[shown].tolist(),
        additive[shown],
        observed[shown],
        {m: v[shown] for m, v in predicted.items()},
        list(classes[shown]),
        dict(look.names),
        look.colours,
        doubles[mine[0]] if len(mine) else "",
    )
    return Panel(
        key="gene",
        question=f"{name}: where does it leave the sum of the singles?",
        figure=figure,
        caption=said,
        hint="Click a double to see its genes.",
        alt=f"Sum of the singles, observation and predictions of {name} in {len(shown)} doubles.",
        table=lambda: pd.DataFrame(
            {"double": doubles, "additive": additive, "observed": observed, "class": classes, **predicted}
        ),
        filename=f"gene-{name}",
        select=True,
        axes=(name,),
    )


def clicked_double(pairs: Pairs, label: str) -> str:
    """Name of the double of a label, "" for none."""
    every = double_labels(pairs)
    return str(pairs.doubles["perturbation"].iloc[every.index(label)]) if label in every else ""


def double(pairs: Pairs, at: int, codes: np.ndarray, gene: str, method: str, look: Look, bound: Threshold) -> Panel:
    """All genes of one double: sum of the singles, observation, one prediction; a click reports the gene.

    Parameters
    ----------
    at
        Line of the double in ``pairs.doubles``.
    codes
        (G,) classes of its genes.
    gene
        The one that is marked.
    """
    name, classes = str(pairs.doubles["perturbation"].iloc[at]), class_names(codes)
    additive, genes = pairs.delta_a[at] + pairs.delta_b[at], pairs.genes.to_numpy().astype(str)
    values = pairs.predicted(method)[np.flatnonzero(pairs.double == at)]
    known = np.isfinite(values).any(axis=1)
    predicted = values[known].mean(axis=0) + additive if known.any() else None
    counts: Mapping[str, int] = dict(zip(PAPER_CLASSES, class_counts(codes).tolist(), strict=True))
    figure = figures.pair_view(
        genes, additive, pairs.delta_ab[at], classes, predicted, look.name(method), look.colours[method], gene
    )
    return Panel(
        key="double",
        question=f"{name}: which genes leave the sum of the singles?",
        figure=figure,
        caption=words.one_pair(name, counts, gene) + words.convention(bound),
        hint="Click a gene to follow it.",
        alt=f"Observed change of {len(genes)} genes in {name} against the sum of its singles.",
        table=lambda: pd.DataFrame(
            {"gene": genes, "additive": additive, "observed": pairs.delta_ab[at], "class": classes}
        ).assign(**({} if predicted is None else {method: predicted})),
        filename=f"double-{name}",
        select=True,
        axes=(name,),
    )
