"""Linear models and their kin that a session added to the competition.

What was added is one parameter of the link, ``lm``: recipes and the benchmark each belongs to. Opening such a link
fits them again; nothing fitted is ever sent. A recipe that needs a file says so where the file is not here.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.models.compete import enter
from perturbviz.models.recipe import Recipe
from perturbviz.scoring.view import View
from perturbviz.ui import cache, cache_linear, session, sources
from perturbviz.ui.memo import memo


def _entries() -> list[tuple[str, str]]:
    """(recipe string, benchmark id) of everything added."""
    parts = [e.rpartition("__") for e in session.extra("lm").split("~") if "__" in e]
    return [(recipe, unquote(data)) for recipe, _, data in parts]


def added(data: str) -> list[str]:
    """Recipe strings added to a benchmark, in order."""
    return list(dict.fromkeys(recipe for recipe, d in _entries() if d == data))


def add(data: str, recipe: Recipe) -> None:
    """Enter a recipe into a benchmark's competition, and show it wherever methods are shown."""
    if recipe.link not in added(data):
        _write([*_entries(), (recipe.link, data)])
    shown = list(st.session_state.get("show") or [])
    if shown and recipe.slug not in shown:
        session.put("show", [*shown, recipe.slug])


def remove(data: str, link: str) -> None:
    """Take a recipe out again."""
    _write([entry for entry in _entries() if entry != (link, data)])


def _write(entries: list[tuple[str, str]]) -> None:
    quoted = [(r, quote(d, safe="").replace("_", "%5F").replace("~", "%7E")) for r, d in entries]
    session.set_extra("lm", "~".join(f"{r}__{d}" for r, d in quoted))


def with_added(benchmark: Benchmark, data: str) -> tuple[Benchmark, dict[str, str]]:
    """A benchmark with the recipes that were added to it, and for every one that could not be fitted the reason."""
    plain, problems = benchmark, {}
    for link in added(data):
        try:
            recipe = Recipe.from_link(link)
            benchmark = _entered(benchmark, plain, recipe, cache_linear.contents(recipe))
        except UserError as error:
            problems[link] = str(error)
    return benchmark, problems


@memo(16, spinner="Fitting the added methods …")
def _entered(benchmark: Benchmark, plain: Benchmark, recipe: Recipe, contents: cache_linear.Contents) -> Benchmark:
    found = cache_linear.predictions(cache.evaluation(plain, View()), recipe)
    competitor = recipe.competitor(cache_linear.tables(recipe, plain))
    return enter(benchmark, competitor, recipe.label, slug=recipe.slug, note=recipe.link, predictions=found)


def notices(data: str) -> list[str]:
    """A sentence for every added recipe that is not among the methods."""
    try:
        benchmark = sources.open_source(data)
    except UserError:
        return []
    if not isinstance(benchmark, Benchmark):
        return []
    out = []
    for link, why in with_added(benchmark, data)[1].items():
        try:
            name = Recipe.from_link(link).label
        except UserError:
            name = link
        out.append(f"Not among the methods: {name}. {why}")
    return out


def open_source(data: str) -> sources.Source:
    """The benchmark or score table of an id, with the methods that this session added to it."""
    source = sources.open_source(data)
    return with_added(source, data)[0] if isinstance(source, Benchmark) else source
