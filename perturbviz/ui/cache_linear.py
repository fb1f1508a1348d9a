"""What the linear model page computes once: training sets, embeddings from them, predictions, maps and curves."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.perturbations import targets
from perturbviz.errors import UserError
from perturbviz.models import compete
from perturbviz.models.compete import Predictions
from perturbviz.models.diagnostics import ErrorMap, error_map, learning_curve, spectrum
from perturbviz.models.embeddings import gene_scores
from perturbviz.models.held_out import resplit
from perturbviz.models.linear import LinearModel
from perturbviz.models.recipe import MAX_DIMS, Recipe
from perturbviz.models.training import Training
from perturbviz.scoring import scores as scoring
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.prepared import Prepared
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Given, Scores, prepare_view, view_rows
from perturbviz.scoring.view import View
from perturbviz.ui import embeddings
from perturbviz.ui.memo import memo

DIMS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50)
RIDGES = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
#: The map and the learning curve average over at most so many splits.
MAX_SPLITS = 5
#: Random orders of the training set behind a learning curve, over all its splits.
DRAWS = 5


def split(benchmark: Benchmark, how: str) -> Benchmark:
    """The benchmark split anew; raises UserError where it cannot be split like this."""
    return benchmark if how == "file" else _split(benchmark, how)


_split = memo(8)(resplit)


# -- what is fitted to ---------------------------------------------------------------------------------------------
@memo(64)
def training(benchmark: Benchmark, seed: str, context: str) -> Training:
    """Training perturbations of one seed and context."""
    return compete.training(benchmark, seed, context)


@memo(64)
def _all_scores(benchmark: Benchmark, seed: str, context: str, include_control: bool) -> pd.DataFrame:
    return gene_scores(training(benchmark, seed, context), MAX_DIMS, include_control)


def _gene_scores(benchmark: Benchmark, seed: str, context: str, recipe: Recipe) -> pd.DataFrame | None:
    """Gene embedding from the training set with all dimensions that may be asked for; None where not needed."""
    if "pca" not in (recipe.gene, recipe.perturbation) or recipe.kind != "linear":
        return None
    return _all_scores(benchmark, seed, context, recipe.include_control)


@memo(4)
def _names(benchmark: Benchmark) -> set[str]:
    """All that the rows of an embedding may be called."""
    return {*benchmark.genes, *benchmark.conditions, *(t for n in benchmark.conditions for t in targets(n))}


def tables(recipe: Recipe, benchmark: Benchmark) -> dict[str, pd.DataFrame]:
    """The tables a recipe needs; raises UserError where one is not here."""
    return {source: embeddings.table(source, benchmark).table for source in recipe.tables}


Contents = tuple[str, ...]


def contents(recipe: Recipe) -> Contents:
    """What the tables of a recipe hold, for caches; raises UserError where one is not here."""
    return tuple(embeddings.key(source) for source in recipe.tables)


def _with_contents(evaluation: Evaluation, recipe: Recipe, _: Contents) -> tuple[Evaluation, Recipe, Contents]:
    return evaluation, recipe, contents(recipe)


# -- predictions ---------------------------------------------------------------------------------------------------
@memo(12, plain=_with_contents, spinner="Fitting …")
def predictions(evaluation: Evaluation, recipe: Recipe, contents: Contents = ()) -> Predictions:
    """What a recipe predicts for the scored rows, fitted to the training part of every seed and context.

    ``contents`` is filled in: see :func:`contents`.
    """
    benchmark = evaluation.benchmark
    competitor = recipe.competitor(tables(recipe, benchmark), names=_names(benchmark))

    def fit(seed: str, context: str):
        scores, data = _gene_scores(benchmark, seed, context, recipe), training(benchmark, seed, context)
        return competitor.fit(data, scores) if isinstance(competitor, LinearModel) else competitor.fit(data)

    with contextlib.suppress(UserError):  # predict() gives the sentence as the reason
        for seed, context in _blocks(evaluation):  # made once for all recipes: not part of a fit's time
            training(benchmark, seed, context)
            _gene_scores(benchmark, seed, context, recipe)
    return compete.predict(evaluation, competitor, fit)


def _blocks(evaluation: Evaluation) -> list[tuple[str, str]]:
    pairs = evaluation.rows[["seed", "context"]].drop_duplicates()
    return list(pairs.itertuples(index=False, name=None))


#: Slug, display name, recipe, what its tables hold.
Model = tuple[str, str, Recipe, Contents]


def ranking(
    evaluation: Evaluation,
    base: Evaluation,
    view: View,
    methods: Sequence[str],
    models: Mapping[str, tuple[str, Recipe]],
) -> Ranking:
    """Ranking of methods and of recipes (slug -> name, recipe) on the same rows.

    The methods' scores are kept: a changed recipe is scored alone. ``base`` has the rows of ``evaluation`` without the
    methods that the session added, so that adding one does not fit the others again.
    """
    models_here = tuple((slug, name, recipe, contents(recipe)) for slug, (name, recipe) in models.items())
    others = tuple(m for m in methods if m not in models)
    return _ranking(evaluation, base, view.with_(data="", show=()), others, models_here)


@memo(60)
def _ranking(
    evaluation: Evaluation, base: Evaluation, view: View, methods: tuple[str, ...], models: tuple[Model, ...]
) -> Ranking:
    given = [Given(slug, name, predictions(base, recipe).values) for slug, name, recipe, _ in models]
    rows = view_rows(evaluation, view, methods, given)
    others = _scores(evaluation, view, methods, rows)
    (own,) = scoring.tables(_prepared(evaluation, view, rows), given=given).values()
    return rank(compete.side_by_side(others, own), view.avg)


@memo(6)
def _prepared(evaluation: Evaluation, view: View, rows: np.ndarray) -> Prepared:
    return prepare_view(evaluation, view, rows)


@memo(60)
def _scores(evaluation: Evaluation, view: View, methods: tuple[str, ...], rows: np.ndarray) -> Scores:
    (scores,) = scoring.tables(_prepared(evaluation, view, rows), methods).values()
    return scores


# -- diagnostics ---------------------------------------------------------------------------------------------------
def spectrum_of(benchmark: Benchmark, evaluation: Evaluation, include_control: bool) -> tuple[pd.DataFrame, int]:
    """Spectrum of the first split's training data, and how many splits there are."""
    (seed, context), *others = _blocks(evaluation)
    return _spectrum(benchmark, seed, context, include_control), 1 + len(others)


@memo(16)
def _spectrum(benchmark: Benchmark, seed: str, context: str, include_control: bool) -> pd.DataFrame:
    return spectrum(training(benchmark, seed, context), include_control)


def _any_knobs(evaluation: Evaluation, recipe: Recipe, _: Contents) -> tuple[Evaluation, Recipe, Contents]:
    """The map goes through them by itself."""
    return evaluation, recipe.with_(dims=1, ridge=0.1), contents(recipe)


@memo(16, plain=_any_knobs, spinner="Trying all K and λ …")
def error_maps(evaluation: Evaluation, recipe: Recipe, contents: Contents = ()) -> tuple[ErrorMap, int]:
    """Errors at every K and λ, averaged over at most ``MAX_SPLITS`` splits, and their number."""
    benchmark = evaluation.benchmark
    model = recipe.competitor(tables(recipe, benchmark), cut_when_fitted=True)
    if not isinstance(model, LinearModel):
        raise UserError("The map over K and λ is that of the linear model.")
    maps, problem = [], UserError("No split has perturbations to compare with.")
    for seed, context in _blocks(evaluation)[:MAX_SPLITS]:
        held = compete.held_out(benchmark, seed, context, evaluation.parts)
        if held is None:
            continue
        try:
            data, genes = training(benchmark, seed, context), _gene_scores(benchmark, seed, context, recipe)
            maps.append(error_map(data, held, DIMS, RIDGES, model, genes))
        except UserError as error:
            problem = error
    if not maps:
        raise problem
    weights = np.array([m.n_held_out for m in maps], float)
    seen = [np.where(w > 0, m.held_out, 0) * w for m, w in zip(maps, weights, strict=True)]
    held_out = np.sum(seen, axis=0) / weights.sum() if weights.sum() else np.full_like(maps[0].held_out, np.nan)
    reasons = {name: why for m in maps for name, why in m.reasons.items()}
    return ErrorMap(
        DIMS,
        RIDGES,
        np.mean([m.training for m in maps], axis=0),
        held_out,
        int(np.mean([m.n_training for m in maps])),
        int(weights.sum()),
        reasons,
    ), len(maps)


@memo(32, plain=_with_contents, spinner="Fitting to fewer and fewer perturbations …")
def curve(evaluation: Evaluation, recipe: Recipe, contents: Contents = ()) -> tuple[pd.DataFrame, int]:
    """Held-out error against the number of training perturbations over ``MAX_SPLITS`` splits at most; their number."""
    benchmark, blocks = evaluation.benchmark, _blocks(evaluation)[:MAX_SPLITS]
    both = [(training(benchmark, *block), compete.held_out(benchmark, *block, evaluation.parts)) for block in blocks]
    pairs = [(data, held) for data, held in both if held is not None]
    if not pairs:
        raise UserError("No split has perturbations to compare with.")
    n = min(len(data.names) for data, _ in pairs)
    sizes = np.unique(np.round(np.geomspace(min(4, n), n, 7)).astype(int)).tolist()
    model, repeats = recipe.competitor(tables(recipe, benchmark), names=_names(benchmark)), -(-DRAWS // len(pairs))
    found = [learning_curve(model, data, held, sizes, repeats, seed=i) for i, (data, held) in enumerate(pairs)]
    return pd.concat([table.assign(split=i + 1) for i, table in enumerate(found)], ignore_index=True), len(pairs)
