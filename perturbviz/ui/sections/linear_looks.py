"""Closer looks at one recipe on the linear model page: error over K and λ, spectrum, distance to training, learning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from perturbviz.errors import UserError
from perturbviz.models.compete import Predictions
from perturbviz.models.error_by_distance import by_distance, leaving_out_the_nearest
from perturbviz.models.recipe import Recipe
from perturbviz.panels import captions
from perturbviz.panels.captions import linear as words
from perturbviz.panels.figures import linear as figures
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.theme import TEXT
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import Scores
from perturbviz.ui import cache_linear, choose, session
from perturbviz.ui.chart import chart

LOOKS = {"map": "K × λ map", "spectrum": "Spectrum", "distance": "Distance to training", "learning": "Learning curve"}


@dataclass(frozen=True, eq=False)
class Subject:
    """What is looked at.

    Parameters
    ----------
    recipe, evaluation, found
        The recipe, the rows it is scored on (without methods the session added), and its predictions of them.
    scores
        Of the recipe and others, by slug.
    axis
        Name, unit and direction of the score.
    colour
        Of the recipe.
    mark
        Marks a figure with the state shown and what its axes are.
    """

    recipe: Recipe
    evaluation: Evaluation
    found: Predictions
    scores: Scores
    axis: str
    colour: str
    mark: Callable[..., Drawing]

    @property
    def higher(self) -> bool:
        """Whether axes run from worse to better as scores grow."""
        return self.scores.card.rises


def draw(subject: Subject) -> None:
    """The choice of a look, which is part of the link, and its charts; a sentence where there is nothing to see."""
    if st.session_state.get("look") not in LOOKS:
        st.session_state["look"] = "map"
    look = choose.segmented_control("Look closer", LOOKS, key="look", words=LOOKS, persist_state="session")
    try:
        {"spectrum": _spectrum, "distance": _distance, "learning": _learning}.get(str(look), _maps)(subject)
    except UserError as error:
        st.info(str(error))


def _maps(subject: Subject) -> None:
    recipe = subject.recipe
    if recipe.kind != "linear":
        raise UserError("The map over K and λ is that of the linear model: choose it under “Model”.")
    maps, n_splits = cache_linear.error_maps(subject.evaluation, recipe)
    here = (recipe.dims, recipe.ridge)
    panels = (
        ("training", maps.training, "Which K and λ fit the training perturbations?", words.training_map(maps)),
        ("map", maps.held_out, "Which predict held-out ones?", words.maps(maps, n_splits)),
    )
    for place, (key, errors, question, note) in zip(st.columns(2, gap="medium"), panels, strict=True):
        with place:
            event = chart(
                subject.mark(figures.error_map(errors, maps.dims, maps.ridges, here), key),
                key,
                question=question,
                alt=f"L2 over {len(maps.dims)} K and {len(maps.ridges)} λ.",
                table=maps.to_frame,
                filename=f"error-{key}",
                note=note,
                select=True,
            )
        if event.clicked:
            k, _, ridge = str(event.clicked).partition("|")
            session.defer(lm_k=int(k), lm_l=float(ridge))


def _spectrum(subject: Subject) -> None:
    evaluation = subject.evaluation
    table, n_splits = cache_linear.spectrum_of(evaluation.benchmark, evaluation, subject.recipe.include_control)
    which = f" (first of {n_splits} splits)" if n_splits > 1 else ""
    chart(
        subject.mark(figures.spectrum(table, subject.recipe.dims), "spectrum"),
        "spectrum",
        filename="spectrum",
        question=f"How many dimensions matter{which}?",
        alt="Share of the variance per principal component.",
        table=lambda: table.reset_index(),
        note=words.spectrum(table, subject.recipe.dims),
    )


def _distance(subject: Subject) -> None:
    scores, slug = subject.scores, subject.recipe.slug
    methods = {"error": ("this model", subject.colour, "solid")}
    errors = {"error": scores.values[scores.methods.index(slug)]}
    if "mean" in scores.methods and not np.isnan(mean := scores.values[scores.methods.index("mean")]).all():
        methods["mean"], errors["mean"] = ("perturbation mean", TEXT, "dot"), mean
    distances = by_distance(scores.rows, subject.found, errors)
    if distances.empty:
        raise UserError(
            f"{subject.recipe.label} has no embedding of perturbations with a distance to the scored ones: there "
            "is nothing to draw."
        )
    curve = leaving_out_the_nearest(distances, list(errors))
    event = chart(
        subject.mark(
            figures.distance(distances, curve, methods, subject.axis, session.extra("p")),
            scores.metric,
            scores.reference,
        ),
        "distance",
        question="Is it worse far from the training perturbations?",
        filename="distance",
        alt=f"Score of {len(distances)} perturbations against distance.",
        table=lambda: distances.reset_index(),
        note=words.distance(distances, curve, subject.higher, "mean" if "mean" in errors else "")
        + captions.thinned(figures.MAX_DISTANCES, len(distances), "Drawn"),
        select=True,
    )
    if event.clicked:
        session.defer(p=str(event.clicked).partition(" · ")[0])


def _learning(subject: Subject) -> None:
    curve, n_splits = cache_linear.curve(subject.evaluation, subject.recipe)
    note = words.learning(curve, n_splits)
    if curve["l2"].isna().all():
        raise UserError(note)
    chart(
        subject.mark(figures.learning(curve, subject.colour), "learning"),
        "learning",
        filename="learning-curve",
        question="What would more perturbations buy?",
        table=lambda: curve,
        note=note,
        alt="Held-out error against the number of training perturbations.",
    )
