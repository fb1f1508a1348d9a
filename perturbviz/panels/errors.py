"""Panels of errors: the score over perturbations, paired differences, the score against the number of genes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.error_parts import PARTS
from perturbviz.panels import captions, ceiling
from perturbviz.panels.figures import errors as figures
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.scoring.rankings import Ranking, one_value_a_set, per_unit
from perturbviz.scoring.scores import Scores
from perturbviz.scoring.view import View
from perturbviz.stats import average

PAIRED_POINTS = 560  # that chart has half the width
#: Kind of gene subset -> the order in which genes are added, in words.
GENE_ORDERS = {"expressed": "by expression in control", "de": "by observed change, per perturbation"}


def distribution(ranking: Ranking, look: Look, marked: str = "", perfect: float | None = None) -> Panel:
    """The score of every perturbation, a swarm a method.

    Parameters
    ----------
    marked
        Perturbation drawn with a ring.
    perfect
        Score of a perfect prediction of the mean: see :mod:`perturbviz.panels.ceiling`.
    """
    scores, card, order = ranking.scores, ranking.scores.card, list(ranking.table.index)
    points, perturbations = per_unit(scores.values[[scores.methods.index(m) for m in order]], scores.rows, ranking.unit)
    figure = figures.distribution(
        points,
        perturbations,
        order,
        look.names,
        look.colours,
        ranking.table["score"].to_dict(),
        f"{card.axis or card.name} · {card.arrow}",
        marked,
        ranking.table["reason"].to_dict(),
    )
    return Panel(
        key="distribution",
        question=f"How is the {card.name} spread over perturbations?",
        figure=ceiling.drawn(figure, perfect),
        caption=captions.spread(ranking, ranking.how)
        + captions.a_point_is(perturbations)
        + ceiling.note(perfect)
        + captions.thinned(figures.points_a_method(len(order)), len(perturbations)),
        hint="Click a point to follow its perturbation." if ranking.defined and not one_value_a_set(scores) else "",
        alt=captions.alt_order(ranking),
        table=scores.to_frame,
        filename=f"scores-{scores.metric}",
        select=True,
        axes=(scores.metric, scores.reference),
    )


def paired(ranking: Ranking, against: str, look: Look, marked: str = "") -> Panel:
    """Differences of every other method to one, perturbation by perturbation; both must have a score."""
    scores, names = ranking.scores, look.names
    others = [m for m in ranking.defined if m != against]
    at = {m: i for i, m in enumerate(scores.methods)}
    differences = scores.values[[at[m] for m in others]] - scores.values[at[against]]
    points, perturbations = per_unit(differences, scores.rows, ranking.unit)
    figure = figures.distribution(
        points,
        perturbations,
        others,
        names,
        look.colours,
        dict(zip(others, average(differences, ranking.how), strict=True)),
        f"{scores.card.symbol} − {names[against]}'s",
        marked,
        zero=True,
        points=PAIRED_POINTS,
    )

    def table() -> pd.DataFrame:
        numbers = pd.DataFrame(differences.T, columns=[names[m] for m in others])
        return numbers.assign(**scores.rows[["seed", "context", "perturbation"]])

    return Panel(
        key="paired",
        question=f"Perturbation by perturbation, who beats {names[against]}?",
        figure=figure,
        caption=captions.paired(ranking, against, differences, others)
        + captions.thinned(figures.points_a_method(len(others), PAIRED_POINTS), len(perturbations)),
        alt=f"Paired differences of {len(others)} methods to {names[against]}.",
        table=table,
        filename=f"paired-{scores.metric}",
        axes=(scores.metric, scores.reference, against),
    )


def parts_of_errors(methods: Sequence[str], parts: np.ndarray, look: Look, view: View) -> Panel:
    """Why the squared error of each method is as large as it is: (methods, 3) shift, scale and pattern, best first."""
    total = parts.sum(axis=1)
    order = [i for i in np.argsort(total, kind="stable") if not np.isnan(total[i])]
    names = [look.name(methods[i]) for i in order]
    table = pd.DataFrame(parts[order], columns=list(PARTS))
    table.insert(0, "method", names)
    said = captions.parts_of_errors(names, parts[order])
    return Panel(
        key="error-parts",
        question="Why is the squared error as large as it is?",
        figure=figures.parts_of_errors(parts[order], names, list(PARTS)),
        caption=said + " " + " ".join(f"{part.capitalize()}: {meaning}." for part, meaning in PARTS.items()),
        alt=f"Bars of {len(names)} methods in three pieces. {said}",
        table=table.assign(mse=total[order]),
        filename="error-parts",
        axes=(view.token,),
    )


def over_n(
    n: np.ndarray,
    averages: np.ndarray,
    scores: Scores,
    look: Look,
    *,
    how: str,
    order: str,
    here: int | None = None,
) -> Panel:
    """The average score against the number of genes that count.

    Parameters
    ----------
    n
        (N,) numbers of genes.
    averages
        (methods, N), the methods being those of the scores.
    scores
        Of the same metric, at the view's number of genes.
    how, order
        Which average; the kind of gene subset whose order of genes is followed.
    here
        The current number of genes, marked.
    """
    curves = {m: (n, averages[i]) for i, m in enumerate(scores.methods)}
    card, words = scores.card, GENE_ORDERS[order]
    return Panel(
        key="over-n",
        question="Does the order depend on how many genes count?",
        figure=figures.over_n(
            curves,
            look.names,
            look.colours,
            f"{how} {card.axis or card.name}",
            f"number of genes, {words}",
            here,
            look.controls,
        ),
        caption=captions.crossings(n, averages, scores.methods, look.name, card),
        alt=f"{card.name} of {len(curves)} methods against the number of genes, {words}.",
        table=lambda: pd.DataFrame({"n": n, **{look.names[m]: v for m, (_, v) in curves.items()}}),
        filename=f"over-n-{scores.metric}",
        axes=(scores.metric, scores.reference, order),
    )
