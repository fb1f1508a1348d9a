"""Panels of the Goodhart lab: a transformed prediction among the methods, what tuning to a metric buys, the class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.goodhart import Setting
from perturbviz.analyses.goodhart.effects import ranks_with
from perturbviz.analyses.goodhart.gameability import COLUMNS, Gameability
from perturbviz.analyses.goodhart.optimise import Optimum
from perturbviz.metrics import parse_metric
from perturbviz.panels.captions import counted
from perturbviz.panels.captions import goodhart as words
from perturbviz.panels.figures import goodhart as figures
from perturbviz.panels.figures import rankings as ranking_figures
from perturbviz.panels.figures.theme import method_colours
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.scoring.genesets import GeneSubset, parse_subset
from perturbviz.scoring.rankings import ranks
from perturbviz.scoring.view import View, metric_label, metric_name

Values = Mapping[Setting, float]
"""Score of a prediction under every setting (metric and reference)."""


# -- playground ----------------------------------------------------------------------------------------------------
def plane(
    scores: pd.DataFrame,
    settings: Sequence[Setting],
    axes: tuple[Setting, Setting],
    start: str,
    trail: Sequence[tuple[Values, str]],
    view: View,
    look: Look,
) -> Panel:
    """Where the transformed prediction stands among the methods under two metrics.

    Parameters
    ----------
    scores
        Methods x settings (columns 0 ...).
    axes
        The setting drawn across, and the one drawn up.
    start
        Method whose prediction is transformed.
    trail
        Scores and words of the last transformations, the current one last.
    """
    x, y = axes
    cards = [parse_metric(s[0])[0].card for s in axes]
    labels = (metric_label(*x), metric_label(*y))
    methods, (after, setting) = list(scores.index), trail[-1]
    across, up = (scores[list(settings).index(s)] for s in axes)
    figure = figures.plane(
        across,
        up,
        {m: look.name(m) for m in methods},
        look.colours,
        start,
        [(of[x], of[y], said) for of, said in trail],
        (f"{metric_name(*x)} ({cards[0].arrow})", f"{metric_name(*y)} ({cards[1].arrow})"),
        (cards[0].better == "lower", cards[1].better == "lower"),
    )
    return Panel(
        key="plane",
        question="Where does the transformed prediction move?",
        figure=figure,
        caption=words.position(labels, (across[start], up[start]), (after[x], after[y]), look.name(start)),
        alt=f"{labels[1]} against {labels[0]}: {len(methods)} methods and the transformed prediction.",
        table=lambda: pd.DataFrame(
            {
                "method": [*map(look.name, methods), "transformed"],
                "setting": [""] * len(methods) + [setting],
                labels[0]: [*across, after[x]],
                labels[1]: [*up, after[y]],
            }
        ),
        filename="goodhart-plane",
        axes=(x, y, view.token),
    )


def strip(
    scores: pd.DataFrame, settings: Sequence[Setting], start: str, before: Values, after: Values, view: View, look: Look
) -> Panel:
    """What happens to the rank of a prediction on all metrics when it is transformed.

    Parameters
    ----------
    scores
        Methods x settings (columns 0 ...).
    start
        Method whose prediction is transformed.
    before, after
        Its scores as it was handed in, and transformed.
    """
    others = scores.drop(index=start)
    labels, names = [metric_label(*s) for s in settings], [metric_name(*s) for s in settings]
    was, now = (ranks_with(tuple(settings), others, dict(values)) for values in (before, after))
    first, last = (place.iloc[-1].to_numpy() for place in (was, now))
    figure = figures.strip(
        labels,
        first,
        last,
        len(scores),
        look.colours[start],
        names,
        (was.iloc[:-1], now.iloc[:-1]),
        {m: look.name(m) for m in others.index},
        look.colours,
    )
    return Panel(
        key="strip",
        question="What happens to its rank on all metrics?",
        figure=figure,
        caption=words.steps(labels, first, last, look.name(start)),
        alt=f"Rank of {look.name(start)} before and after on {len(labels)} metrics.",
        table=lambda: pd.DataFrame(
            {
                "metric": names,
                "symbol": labels,
                "before": [before[s] for s in settings],
                "after": [after[s] for s in settings],
                "rank before": first,
                "rank after": last,
            }
        ),
        filename="goodhart-ranks",
        axes=(view.token,),
    )


# -- optimiser -----------------------------------------------------------------------------------------------------
def climb(found: Optimum, look: Look, token: str) -> Panel:
    """How far the target climbed, where it was tuned and where it was not; ``token``: mark of the search."""
    label = metric_name(*found.setting)
    tune, report = (np.array([getattr(t, side) for t in found.seeds], float) for side in ("tune", "report"))
    figure = figures.climb(
        [t.seed for t in found.seeds],
        tune,
        report,
        f"{label} ({found.card.arrow})",
        found.card.better == "lower",
        look.colours[found.method],
    )
    return Panel(
        key="climb",
        question=f"How much did {metric_label(*found.setting)} improve, also on test perturbations?",
        figure=figure,
        caption=words.climbed(found),
        alt=f"{label} before and after tuning, {len(found.seeds)} seeds.",
        table=lambda: pd.DataFrame(
            {
                "seed": [t.seed for t in found.seeds],
                "setting": [t.knobs.link for t in found.seeds],
                "tuned before": tune[:, 0],
                "tuned after": tune[:, 1],
                "reported before": report[:, 0],
                "reported after": report[:, 1],
            }
        ),
        filename="goodhart-climb",
        axes=(token,),
    )


def scales(table: pd.DataFrame, setting: Setting, one: str, token: str) -> Panel:
    """What tuning to one metric did to every metric.

    Parameters
    ----------
    table
        From :func:`perturbviz.analyses.goodhart.effects.effects`.
    setting
        The target.
    one
        What scores 1, in words.
    token
        Mark of the search.
    """
    at = np.flatnonzero((table["metric"] == setting[0]) & (table["reference"] == setting[1]))
    better, worse, same = (int((table["change"] == sign).sum()) for sign in (1, -1, 0))
    return Panel(
        key="scales",
        question="What did it do to every metric?",
        figure=figures.scales(table, int(at[0]) if len(at) else -1, one),
        caption=f"On perturbations it was not tuned on: {better} of {len(table)} metrics better, {worse} worse, "
        f"{same} much the same. 0 is the training mean (no change where that is undefined), 1 {one}; "
        "triangles stand for values beyond the edge.",
        alt=f"Scores before and after on {len(table)} metrics, from an empty prediction (0) to {one} (1).",
        table=table,
        filename="goodhart-effects",
        axes=(token,),
    )


# -- gameability ---------------------------------------------------------------------------------------------------
def gameability(result: Gameability, subset: GeneSubset, n_methods: int, token: str) -> Panel:
    """How far each metric can be moved by who knows nothing, or little.

    Parameters
    ----------
    subset
        The view's genes; rows of other genes name them.
    n_methods
        Number of shown methods.
    token
        Mark of the lab.
    """
    table = result.table
    lines = list(dict.fromkeys(zip(table["label"], table["genes"], strict=True)))
    shape = (len(lines), len(COLUMNS))
    passed, text, hover = np.full(shape, np.nan), np.full(shape, "", object), np.full(shape, "", object)
    for _, line in table.iterrows():
        at = lines.index((line["label"], line["genes"])), list(COLUMNS).index(line["column"])
        passed[at], text[at], hover[at] = line["passed"], words.cell(line), words.hover(line, words.genes(subset))
    arrows = dict(zip(table["label"], table["better"].map({"lower": "↓", "higher": "↑", "one": "→1"}), strict=True))
    rows = [
        f"{label} {arrows[label]}" + ("" if genes == subset.key else f" ({parse_subset(genes).n} DE genes)")
        for label, genes in lines
    ]
    return Panel(
        key="gameability",
        question="How far can each metric be moved without knowing more?",
        figure=figures.table(rows, list(COLUMNS.values()), passed, text, hover, n_methods),
        caption=words.gameable(result),
        alt=f"Best gain on {len(rows)} metrics from an empty and from a weak prediction.",
        table=lambda: table.rename(columns={"link": "setting"}),
        filename="gameability",
        axes=(token,),
    )


# -- challenge -----------------------------------------------------------------------------------------------------
def revealed(
    teams: Mapping[str, Values],
    untouched: Mapping[str, Values],
    settings: Sequence[Setting],
    others: tuple[int, int, int],
    code: str,
) -> Panel:
    """Ranks of the teams of a class on the metrics that they did not play for.

    Parameters
    ----------
    teams, untouched
        Name -> scores of the teams, and of the predictions they began with, as those were.
    settings
        The target first.
    others
        How many other families of metrics got better and worse, and how many there are.
    code
        Of the class.
    """
    scores = {**teams, **untouched}
    places = {
        i: ranks(np.array([of.get(s, np.nan) for of in scores.values()]), parse_metric(s[0])[0].card)
        for i, s in enumerate(settings)
    }
    table, labels = pd.DataFrame(places, index=list(scores)), [metric_label(*s) for s in settings]
    colours = method_colours([*sorted(teams), *untouched], list(untouched))
    return Panel(
        key="reveal",
        question="And on the metrics nobody played for?",
        figure=ranking_figures.bump(table, labels, {t: t for t in scores}, colours, 0, list(untouched)),
        caption=words.revealed(table, labels, 0, list(untouched), others),
        alt=f"{counted(len(teams), 'team')} and the untouched prediction: ranks on {len(labels)} metrics.",
        table=lambda: table.set_axis(labels, axis=1).rename_axis("team").reset_index(),
        filename="challenge",
        axes=(code,),
    )
