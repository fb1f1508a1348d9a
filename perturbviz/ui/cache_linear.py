"""What the linear model page computes once: training sets, embeddings from them, predictions, maps and curves."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

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
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores, score, view_rows
from perturbviz.scoring.view import View
from perturbviz.ui import embeddings

DIMS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50)
RIDGES = (0.0, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
#: The map and the learning curve average over at most so many splits.
MAX_SPLITS = 5
#: Random orders of the training set behind a learning curve, over all its splits.
DRAWS = 5


def split(benchmark: Benchmark, how: str) -> Benchmark:
    """The benchmark split anew; raises UserError where it cannot be split like this."""
    return benchmark if how == "file" else _split(benchmark.content_id, how, benchmark)


@st.cache_resource(max_entries=8, show_spinner=False)
def _split(content_id: str, how: str, _benchmark: Benchmark) -> Benchmark:
    return resplit(_benchmark, how)


# -- what is fitted to ---------------------------------------------------------------------------------------------
class Prepared:
    """Training sets of one benchmark and the embeddings computed from them, made when first asked for."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.names = {*benchmark.genes, *benchmark.conditions, *(t for n in benchmark.conditions for t in targets(n))}
        self._training: dict[tuple[str, str], Training] = {}
        self._scores: dict[tuple[str, str, bool], pd.DataFrame] = {}

    def training(self, seed: str, context: str) -> Training:
        """Training perturbations of one seed and context."""
        if (seed, context) not in self._training:
            self._training[seed, context] = compete.training(self.benchmark, seed, context)
        return self._training[seed, context]

    def gene_scores(self, seed: str, context: str, recipe: Recipe) -> pd.DataFrame | None:
        """Gene embedding from the training set with all dimensions that may be asked for; None where not needed."""
        if "pca" not in (recipe.gene, recipe.perturbation) or recipe.kind != "linear":
            return None
        key = (seed, context, recipe.include_control)
        if key not in self._scores:
            self._scores[key] = gene_scores(self.training(seed, context), MAX_DIMS, recipe.include_control)
        return self._scores[key]


def prepared(benchmark: Benchmark) -> Prepared:
    """What is kept between fits to one benchmark."""
    return _prepared(benchmark.content_id, benchmark)


@st.cache_resource(max_entries=4, show_spinner=False)
def _prepared(content_id: str, _benchmark: Benchmark) -> Prepared:
    return Prepared(_benchmark)


def tables(recipe: Recipe, benchmark: Benchmark) -> dict[str, pd.DataFrame]:
    """The tables a recipe needs; raises UserError where one is not here."""
    return {source: embeddings.table(source, benchmark).table for source in recipe.tables}


def _key(evaluation: Evaluation, *more: object) -> str:
    """One text, since Streamlit's caches take long over many parameters."""
    return repr((evaluation.benchmark.content_id, evaluation.parts, *more))


def _recipe_key(recipe: Recipe) -> tuple[str, ...]:
    return (recipe.link, *(embeddings.key(source) for source in recipe.tables))


# -- predictions ---------------------------------------------------------------------------------------------------
def predictions(evaluation: Evaluation, recipe: Recipe) -> Predictions:
    """What a recipe predicts for the scored rows, fitted to the training part of every seed and context."""
    return _predictions(_key(evaluation, evaluation.truth_from, *_recipe_key(recipe)), evaluation, recipe)


@st.cache_resource(max_entries=12, show_spinner="Fitting …")
def _predictions(key: str, _evaluation: Evaluation, _recipe: Recipe) -> Predictions:
    ready = prepared(_evaluation.benchmark)
    competitor = _recipe.competitor(tables(_recipe, ready.benchmark), names=ready.names)

    def fit(seed: str, context: str):
        scores = ready.gene_scores(seed, context, _recipe)
        data = ready.training(seed, context)
        return competitor.fit(data, scores) if isinstance(competitor, LinearModel) else competitor.fit(data)

    with contextlib.suppress(UserError):  # predict() gives the sentence as the reason
        for seed, context in _blocks(_evaluation):  # made once for all recipes: not part of a fit's time
            ready.training(seed, context)
            ready.gene_scores(seed, context, _recipe)
    return compete.predict(_evaluation, competitor, fit)


def _blocks(evaluation: Evaluation) -> list[tuple[str, str]]:
    pairs = evaluation.rows[["seed", "context"]].drop_duplicates()
    return list(pairs.itertuples(index=False, name=None))


def ranking(
    evaluation: Evaluation,
    base: Evaluation,
    view: View,
    methods: Sequence[str],
    models: dict[str, tuple[str, Recipe]],
) -> Ranking:
    """Ranking of methods and of recipes (slug -> name, recipe) on the same rows.

    The methods' scores are kept: a changed recipe is scored alone. ``base`` has the rows of ``evaluation`` without the
    methods that the session added, so that adding one does not fit the others again.
    """
    methods = [m for m in methods if m not in models]
    key = _key(evaluation, view.with_(data="", show=()).token, *methods)
    whose = repr([(slug, name, *_recipe_key(recipe)) for slug, (name, recipe) in models.items()])
    return _ranking(key, whose, evaluation, base, view, tuple(methods), models)


@st.cache_resource(max_entries=60, show_spinner=False)
def _ranking(
    key: str,
    whose: str,
    _evaluation: Evaluation,
    _base: Evaluation,
    _view: View,
    _methods: tuple[str, ...],
    _models: dict[str, tuple[str, Recipe]],
) -> Ranking:
    candidates = {slug: (name, predictions(_base, recipe).values) for slug, (name, recipe) in _models.items()}
    both = compete.with_candidates(_evaluation, candidates)
    rows = view_rows(both, _view, [*_methods, *candidates])
    digest = hashlib.blake2b(rows.tobytes(), digest_size=8).hexdigest()
    others = _scores(key, digest, _evaluation, _view, _methods, rows)
    return rank(compete.side_by_side(others, _score(both, _view, tuple(candidates), rows)), _view.avg)


@st.cache_resource(max_entries=60, show_spinner=False)
def _scores(key: str, digest: str, _evaluation: Evaluation, _view: View, _methods: tuple, _rows: np.ndarray) -> Scores:
    return _score(_evaluation, _view, _methods, _rows)


def _score(evaluation: Evaluation, view: View, methods: tuple[str, ...], rows: np.ndarray) -> Scores:
    return score(
        evaluation,
        view.metric,
        view.ref,
        view.subset,
        methods,
        rows=rows,
        include_held_out_in_reference=view.ref_from == "all",
    )


# -- diagnostics ---------------------------------------------------------------------------------------------------
def spectrum_of(benchmark: Benchmark, evaluation: Evaluation, include_control: bool) -> tuple[pd.DataFrame, int]:
    """Spectrum of the first split's training data, and how many splits there are."""
    (seed, context), *others = _blocks(evaluation)
    return _spectrum(benchmark.content_id, seed, context, include_control, benchmark), 1 + len(others)


@st.cache_resource(max_entries=16, show_spinner=False)
def _spectrum(content_id: str, seed: str, context: str, include_control: bool, _benchmark: Benchmark) -> pd.DataFrame:
    return spectrum(prepared(_benchmark).training(seed, context), include_control)


def error_maps(evaluation: Evaluation, recipe: Recipe) -> tuple[ErrorMap, int]:
    """Errors at every K and λ, averaged over at most ``MAX_SPLITS`` splits, and their number."""
    any_knob = recipe.with_(dims=1, ridge=0.1)  # the map does not depend on them
    return _error_maps(_key(evaluation, *_recipe_key(any_knob)), evaluation, any_knob)


@st.cache_resource(max_entries=16, show_spinner="Trying all K and λ …")
def _error_maps(key: str, _evaluation: Evaluation, _recipe: Recipe) -> tuple[ErrorMap, int]:
    benchmark = _evaluation.benchmark
    ready, model = prepared(benchmark), _recipe.competitor(tables(_recipe, benchmark), cut_when_fitted=True)
    if not isinstance(model, LinearModel):
        raise UserError("The map over K and λ is that of the linear model.")
    maps, problem = [], UserError("No split has perturbations to compare with.")
    for seed, context in _blocks(_evaluation)[:MAX_SPLITS]:
        held = compete.held_out(benchmark, seed, context, _evaluation.parts)
        if held is None:
            continue
        try:
            data, genes = ready.training(seed, context), ready.gene_scores(seed, context, _recipe)
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


def curve(evaluation: Evaluation, recipe: Recipe) -> tuple[pd.DataFrame, int]:
    """Held-out error against the number of training perturbations over ``MAX_SPLITS`` splits at most; their number."""
    return _curve(_key(evaluation, *_recipe_key(recipe)), evaluation, recipe)


@st.cache_resource(max_entries=32, show_spinner="Fitting to fewer and fewer perturbations …")
def _curve(key: str, _evaluation: Evaluation, _recipe: Recipe) -> tuple[pd.DataFrame, int]:
    benchmark, ready = _evaluation.benchmark, prepared(_evaluation.benchmark)
    blocks = _blocks(_evaluation)[:MAX_SPLITS]
    parts = [(ready.training(*block), compete.held_out(benchmark, *block, _evaluation.parts)) for block in blocks]
    pairs = [(data, held) for data, held in parts if held is not None]
    if not pairs:
        raise UserError("No split has perturbations to compare with.")
    n = min(len(data.names) for data, _ in pairs)
    sizes = np.unique(np.round(np.geomspace(min(4, n), n, 7)).astype(int)).tolist()
    model, repeats = _recipe.competitor(tables(_recipe, benchmark), names=ready.names), -(-DRAWS // len(pairs))
    found = [learning_curve(model, data, held, sizes, repeats, seed=i) for i, (data, held) in enumerate(pairs)]
    return pd.concat([table.assign(split=i + 1) for i, table in enumerate(found)], ignore_index=True), len(pairs)
