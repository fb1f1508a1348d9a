"""Closer looks at one recipe on the linear model page: error over K and λ, spectrum, distance to training, learning."""

from __future__ import annotations

import numpy as np
import streamlit as st

from perturbviz.errors import UserError
from perturbviz.models.error_by_distance import by_distance
from perturbviz.panels import linear as panels
from perturbviz.panels.captions import linear as words
from perturbviz.ui import cache_linear, choose, session
from perturbviz.ui.chart import draw
from perturbviz.ui.sections.linear_fit import Fit

LOOKS = {"map": "K × λ map", "spectrum": "Spectrum", "distance": "Distance to training", "learning": "Learning curve"}


def look_closer(fit: Fit) -> None:
    """The choice of a look, which is part of the link, and its charts; a sentence where there is nothing to see."""
    if st.session_state.get("look") not in LOOKS:
        st.session_state["look"] = "map"
    look = choose.segmented_control("Look closer", LOOKS, key="look", words=LOOKS, persist_state="session")
    try:
        {"spectrum": _spectrum, "distance": _distance, "learning": _learning}.get(str(look), _maps)(fit)
    except UserError as error:
        st.info(str(error))


def _maps(fit: Fit) -> None:
    recipe, split = fit.recipe, fit.subject.split
    if recipe.kind != "linear":
        raise UserError("The map over K and λ is that of the linear model: choose it under “Model”.")
    maps, n_splits = cache_linear.error_maps(fit.base, recipe)
    here = (recipe.dims, recipe.ridge)
    both = panels.training_map(maps, here, split), panels.held_out_map(maps, n_splits, here, split)
    for place, panel in zip(st.columns(2, gap="medium"), both, strict=True):
        with place:
            event = draw(panel, fit.token)
        if event.clicked:
            dims, ridge = panels.clicked_setting(str(event.clicked))
            session.defer(lm_k=dims, lm_l=ridge)


def _spectrum(fit: Fit) -> None:
    table, n_splits = cache_linear.spectrum_of(fit.base.benchmark, fit.base, fit.recipe.include_control)
    draw(panels.spectrum(table, fit.recipe.dims, n_splits, fit.subject.split), fit.token)


def _distance(fit: Fit) -> None:
    scores = fit.subject.ranking.scores
    values = dict(zip(scores.methods, scores.values, strict=True))
    errors = {"error": values[fit.recipe.slug]}
    if "mean" in values and not np.isnan(values["mean"]).all():
        errors["mean"] = values["mean"]
    distances = by_distance(scores.rows, fit.own, errors)
    if distances.empty:
        raise UserError(
            f"{fit.recipe.label} has no embedding of perturbations with a distance to the scored ones: there "
            "is nothing to draw."
        )
    event = draw(panels.distance(distances, fit.subject, session.extra("p")), fit.token)
    if event.clicked:
        session.defer(p=str(event.clicked).partition(" · ")[0])


def _learning(fit: Fit) -> None:
    curve, n_splits = cache_linear.curve(fit.base, fit.recipe)
    if curve["l2"].isna().all():
        raise UserError(words.learning(curve, n_splits))
    draw(panels.learning(curve, n_splits, fit.subject.colours[fit.recipe.slug], fit.subject.split), fit.token)
