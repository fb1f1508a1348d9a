"""What the linear model page works on: rows and metric, the fitted models, and their ranking with the methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.models.compete import Predictions
from perturbviz.models.recipe import Recipe
from perturbviz.panels import captions
from perturbviz.panels.captions import linear as words
from perturbviz.panels.figures.theme import method_colours
from perturbviz.panels.linear import Subject
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking
from perturbviz.scoring.validity import view_problem
from perturbviz.scoring.view import View
from perturbviz.ui import cache, cache_linear, embeddings
from perturbviz.ui.colours import chosen
from perturbviz.ui.current import Current, stop

Models = Mapping[str, tuple[str, Recipe]]  # slug -> short name and recipe


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """A recipe and those beside it, fitted, scored and ranked.

    Attributes
    ----------
    recipe
        What the page is about.
    models
        Slug -> short name and recipe, the page's own first.
    base
        The scored rows, without the methods that the session added.
    fitted
        Slug -> predictions of those rows.
    subject
        All of them and the methods, as panels draw them.
    token
        Mark of the state shown.
    """

    recipe: Recipe
    models: Models
    base: Evaluation
    fitted: Mapping[str, Predictions]
    subject: Subject
    token: str

    @property
    def own(self) -> Predictions:
        """Those of the page's recipe."""
        return self.fitted[self.recipe.slug]

    @property
    def named(self) -> Mapping[str, Predictions]:
        """Predictions by display name."""
        return {self.subject.names[slug]: found for slug, found in self.fitted.items()}


def fit(
    current: Current, plain: Benchmark, recipe: Recipe, companions: Mapping[str, tuple[str, Recipe]], how: str
) -> Fit:
    """Everything the page shows; ends the page with a sentence where a recipe cannot be fitted or nothing is held out.

    Parameters
    ----------
    plain
        The benchmark without the methods that the session added.
    companions
        Models to be shown beside; one whose table is not here is left out with a sentence.
    how
        How perturbations are held out; "file" for the benchmark's own split.
    """
    view, evaluation, base = _rows(current, plain, how)
    models = {recipe.slug: ("This model", recipe)}
    for slug, (name, companion) in companions.items():
        try:
            cache_linear.tables(companion, plain)
            models[slug] = (name, companion)
        except UserError as error:
            st.caption(f"{name}: {error}")
    try:
        found = cache_linear.predictions(base, recipe)
        for source in recipe.tables:
            st.caption(f":material/table: {captions.escape(embeddings.table(source, plain).report)}")
    except UserError as error:
        stop(str(error), icon=":material/table_chart:")
    ranking = _ranking(evaluation, base, view, models, own_split=how == "file")
    others = {slug: cache_linear.predictions(base, r) for slug, (_, r) in models.items() if slug != recipe.slug}
    return Fit(
        recipe=recipe,
        models=models,
        base=base,
        fitted={recipe.slug: found, **others},
        subject=_subject(evaluation, ranking, recipe, models, how),
        token=f"{current.token}|{how}|{recipe.link}",
    )


def _rows(current: Current, plain: Benchmark, how: str) -> tuple[View, Evaluation, Evaluation]:
    """The view with a metric that these rows have, the scored rows, and the same without methods that were added."""
    own_split = how == "file"
    view = current.view if own_split else current.view.with_(seed="", size="all", show=(), split="held-out")
    try:
        evaluation = cache.evaluation(current.benchmark if own_split else cache_linear.split(plain, how), view)
    except UserError as error:
        stop(str(error))
    base = cache.evaluation(plain, view) if own_split else evaluation
    if evaluation.rows.empty:
        stop("No perturbation is held out under this split: choose another one above.")
    if problem := view_problem(view, evaluation):
        view = view.with_(metric="l2")
        st.caption(f"{problem} Here L2 is shown instead.")
    return view, evaluation, base


def _ranking(evaluation: Evaluation, base: Evaluation, view: View, models: Models, own_split: bool) -> Ranking:
    """Methods that are shown and all models, under a metric with a value for every perturbation."""
    methods = [m for m in evaluation.methods if (not view.show or m in view.show) and m not in models]
    if not own_split:  # baselines for combinations, where none is held out
        methods = [m for m in methods if evaluation.predicted(m).any()]
    ranking = cache_linear.ranking(evaluation, base, view, methods, dict(models))
    if "*" in set(ranking.scores.rows["perturbation"]):
        st.caption("The metric gives one value a data set; this page shows L2, one value a perturbation.")
        ranking = cache_linear.ranking(evaluation, base, view.with_(metric="l2"), methods, dict(models))
    return ranking


def _subject(evaluation: Evaluation, ranking: Ranking, recipe: Recipe, models: Models, how: str) -> Subject:
    names = {m: models[m][0] if m in models else evaluation.name(m) for m in ranking.scores.methods}
    if recipe == recipe.self_trained and recipe.kind == "linear":
        names[recipe.slug] = "This model (self-trained)"
    everyone = [*evaluation.methods, *(m for m in models if m not in evaluation.methods)]
    colours = method_colours(everyone, [m for m in evaluation.methods if evaluation.is_baseline(m)]) | chosen()
    return Subject(ranking=ranking, names=names, colours=colours, model=recipe.slug, models=tuple(models), split=how)


def say_result(fit: Fit) -> None:
    """Whether the model beats the mean, and what it predicts."""
    subject, ranking, slug = fit.subject, fit.subject.ranking, fit.recipe.slug
    means = ["mean", *(m for m, (_, r) in fit.models.items() if r.perturbation == "zero" and m != slug)]
    mean = next((m for m in means if m in ranking.defined), "mean")
    mean_name = "" if mean == "mean" else subject.names[mean]
    st.markdown(words.against_mean(ranking, slug, subject.names[slug], mean, mean_name=mean_name))
    rows, lost = fit.base.rows, words.unpredicted(fit.base.rows, fit.own)
    said = [f"{fit.recipe.label}.", words.coverage(rows, lost), words.fit_time(fit.own)]
    st.caption(" ".join([*said, *([words.reach(rows, fit.named)] if len(fit.models) > 1 else [])]))


def show_lost(fit: Fit) -> None:
    """Perturbations without a prediction, with the reasons."""
    lost = words.unpredicted(fit.base.rows, fit.own)
    if not len(lost):
        return
    why = st.expander(
        f"Perturbations that cannot be predicted, and why ({len(lost)})", key="lm_lost", on_change="rerun"
    )
    if why.open:  # closed, thousands of lines would cost every click their time
        why.dataframe(lost, hide_index=True, height=min(38 + 35 * len(lost), 300))


def why_not_entering(current: Current, plain: Benchmark, fit: Fit) -> str:
    """Why the recipe cannot enter the competition; "" where it can."""
    official = current.view.with_(split="held-out", truth="all")  # what that is about, whatever is shown here
    competing = cache.evaluation(plain, official)
    entry = fit.own if competing is fit.base else cache_linear.predictions(competing, fit.recipe)
    if entry.predicted.any():
        return ""
    return (
        "It predicts none of the perturbations that the data set itself holds out, so it has no rank: switch "
        "on sums for combinations under “More knobs”, or choose another P."
    )
