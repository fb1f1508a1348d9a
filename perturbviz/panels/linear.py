"""Panels of the linear model page: a model among the methods, and closer looks at what it has learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from perturbviz.models.diagnostics import ErrorMap
from perturbviz.models.error_by_distance import leaving_out_the_nearest
from perturbviz.panels import captions
from perturbviz.panels.captions import linear as words
from perturbviz.panels.figures import linear as figures
from perturbviz.panels.figures.theme import TEXT
from perturbviz.panels.panel import Panel
from perturbviz.scoring.rankings import Ranking, n_units
from perturbviz.stats import MIN_UNITS


@dataclass(frozen=True, eq=False, kw_only=True)
class Subject:
    """A model among methods and other models, on the same perturbations.

    Attributes
    ----------
    ranking
        Of all of them.
    names, colours
        Method or slug of a model -> display name, colour.
    model, models
        Slug of the model that is looked at; slugs of all models made on the page.
    split
        How perturbations are held out: zoom is kept while this stays the same.
    """

    ranking: Ranking
    names: Mapping[str, str]
    colours: Mapping[str, str]
    model: str
    models: tuple[str, ...]
    split: str

    @property
    def axis(self) -> str:
        """Name, unit and direction of the score."""
        card = self.ranking.scores.card
        return f"{card.axis or card.name} · {card.arrow}"

    @property
    def higher(self) -> bool:
        """Whether axes run from worse to better as scores grow."""
        return self.ranking.scores.card.rises

    @property
    def few(self) -> bool:
        """Whether there are too few perturbations to say anything about others."""
        return n_units(self.ranking.scores.rows) < MIN_UNITS

    @cached_property
    def table(self) -> pd.DataFrame:
        """The ranking under the names shown here."""
        return self.ranking.table.assign(name=[self.names[m] for m in self.ranking.table.index])

    @cached_property
    def values(self) -> Mapping[str, pd.Series]:
        """Method -> mean over splits of every perturbation (with its context where there are several)."""
        scores = self.ranking.scores
        label = scores.rows["perturbation"]
        if scores.rows["context"].nunique() > 1:
            label = label.str.cat(scores.rows["context"], sep=" · ")
        means = pd.DataFrame(scores.values.T, index=label, columns=scores.methods).groupby(level=0).mean()
        return {m: means[m] for m in scores.methods}

    @property
    def axes(self) -> tuple[object, ...]:
        """What the axes of a chart of scores show."""
        return self.split, self.ranking.scores.metric, self.ranking.scores.reference


def standing(subject: Subject, common: Mapping[str, int] | None = None) -> Panel:
    """Where the model stands among the methods.

    Parameters
    ----------
    common
        Where perturbations are few: how many there would be without each model (``words.common_without``).
    """
    figure = figures.standing(
        subject.table, subject.values, subject.colours, subject.axis, subject.higher, list(subject.models)
    )
    return Panel(
        key="standing",
        question="Where does it stand among the methods?",
        figure=figure,
        caption=words.intervals(subject.ranking, subject.few, common)
        + captions.thinned(figures.POINTS, max(map(len, subject.values.values()))),
        alt=captions.alt_order(subject.ranking),
        table=subject.table.reset_index,
        filename=f"linear-{subject.ranking.scores.metric}",
        axes=subject.axes,
    )


def arrows(subject: Subject, start: str, end: str, marked: str = "") -> Panel:
    """From one method's scores to another's; a click reports the perturbation. ``marked``: one drawn thick."""
    before, after, pair = subject.values[start], subject.values[end], (subject.names[start], subject.names[end])
    return Panel(
        key="arrows",
        question="Which perturbations gain?",
        figure=figures.arrows(before, after, pair, subject.axis, subject.higher, marked),
        caption=words.arrows(before, after, pair, subject.higher, figures.MAX_ARROWS),
        hint="Click an arrow to follow its perturbation.",
        alt=f"Arrows from {pair[0]} to {pair[1]}, {len(before)} perturbations.",
        table=lambda: pd.DataFrame(
            {"perturbation": before.index, pair[0]: before.to_numpy(), pair[1]: after.reindex(before.index).to_numpy()}
        ),
        filename="arrows",
        select=True,
        height=max(400, 15 + 36 * len(subject.table)),  # ends where the chart beside it ends
        axes=(*subject.axes, start, end),
    )


def training_map(maps: ErrorMap, here: tuple[int, float], split: str) -> Panel:
    """Error of the training perturbations over K and λ; ``here``: the current ones."""
    question = "Which K and λ fit the training perturbations?"
    return _error_map("training", maps.training, question, words.training_map(maps), maps, here, split)


def held_out_map(maps: ErrorMap, n_splits: int, here: tuple[int, float], split: str) -> Panel:
    """Error of the held-out perturbations over K and λ; ``here``: the current ones."""
    question = "Which predict held-out ones?"
    return _error_map("map", maps.held_out, question, words.maps(maps, n_splits), maps, here, split)


def _error_map(
    key: str, errors: np.ndarray, question: str, caption: str, maps: ErrorMap, here: tuple[int, float], split: str
) -> Panel:
    """One of the two maps; a click reports what :func:`clicked_setting` reads."""
    return Panel(
        key=key,
        question=question,
        figure=figures.error_map(errors, maps.dims, maps.ridges, here),
        caption=caption,
        hint="Click a cell to use it.",
        alt=f"L2 over {len(maps.dims)} K and {len(maps.ridges)} λ.",
        table=maps.to_frame,
        filename=f"error-{key}",
        select=True,
        axes=(split, key),
    )


def clicked_setting(cell: str) -> tuple[int, float]:
    """K and λ of a cell of a map."""
    dims, _, ridge = cell.partition("|")
    return int(dims), float(ridge)


def spectrum(table: pd.DataFrame, dims: int, n_splits: int, split: str) -> Panel:
    """How many dimensions the training data have; ``table``: as from :func:`perturbviz.models.spectrum`."""
    which = f" (first of {n_splits} splits)" if n_splits > 1 else ""
    return Panel(
        key="spectrum",
        question=f"How many dimensions matter{which}?",
        figure=figures.spectrum(table, dims),
        caption=words.spectrum(table, dims),
        alt="Share of the variance per principal component.",
        table=table.reset_index,
        filename="spectrum",
        axes=(split, "spectrum"),
    )


def distance(distances: pd.DataFrame, subject: Subject, marked: str = "") -> Panel:
    """The model's score against the distance to training; a click reports the perturbation.

    Parameters
    ----------
    distances
        From :func:`perturbviz.models.error_by_distance.by_distance`: column "error", and "mean" where that is defined.
    marked
        Perturbation drawn large.
    """
    methods = {"error": ("this model", subject.colours[subject.model], "solid")}
    if "mean" in distances:
        methods["mean"] = ("perturbation mean", TEXT, "dot")
    curve = leaving_out_the_nearest(distances, list(methods))
    return Panel(
        key="distance",
        question="Is it worse far from the training perturbations?",
        figure=figures.distance(distances, curve, methods, subject.axis, marked),
        caption=words.distance(distances, curve, subject.higher, "mean" if "mean" in methods else "")
        + captions.thinned(figures.MAX_DISTANCES, len(distances), "drawn"),
        hint="Click a point to follow its perturbation.",
        alt=f"Score of {len(distances)} perturbations against distance.",
        table=distances.reset_index,
        filename="distance",
        select=True,
        axes=subject.axes,
    )


def learning(curve: pd.DataFrame, n_splits: int, colour: str, split: str) -> Panel:
    """What more training perturbations would buy; ``curve``: :func:`perturbviz.models.diagnostics.learning_curve`."""
    return Panel(
        key="learning",
        question="What would more perturbations buy?",
        figure=figures.learning(curve, colour),
        caption=words.learning(curve, n_splits),
        alt="Held-out error against the number of training perturbations.",
        table=curve,
        filename="learning-curve",
        axes=(split, "learning"),
    )
