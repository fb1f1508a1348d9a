"""What is computed once and then shared: keyed by content ids and view tokens, never by arrays."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from perturbviz.benchmark import Benchmark
from perturbviz.evaluation import Evaluation
from perturbviz.rankings import Ranking, average, rank, ranks
from perturbviz.scores import Scores, score_view
from perturbviz.scoretable import ScoreTable
from perturbviz.view import View


def evaluation(benchmark: Benchmark, view: View) -> Evaluation:
    """The scored rows of a benchmark under a view's split and truth."""
    return _evaluation(benchmark.content_id, view.parts, view.truth, benchmark)


@st.cache_resource(max_entries=12, show_spinner=False)
def _evaluation(content_id: str, parts: tuple[str, ...], truth: str, _benchmark: Benchmark) -> Evaluation:
    return Evaluation(_benchmark, parts, truth)


def scores(source: Benchmark | ScoreTable, view: View) -> Scores:
    """Scores of the shown methods under a view; raises UserError where the view makes no sense here."""
    if isinstance(source, ScoreTable):
        table = source.scores(view.metric)
        return table.select([m for m in table.methods if not view.show or m in view.show])
    plain = view.with_(data="", avg="mean")
    if plain.reference == "none":
        plain = plain.with_(ref="control")
    return _scores(source.content_id, plain.token, evaluation(source, view), plain)


@st.cache_resource(max_entries=400, show_spinner=False)
def _scores(content_id: str, token: str, _evaluation: Evaluation, _view: View) -> Scores:
    return score_view(_evaluation, _view)


def ranking(source: Benchmark | ScoreTable, view: View) -> Ranking:
    """Ranking of the shown methods under a view, with bootstrap intervals."""
    return _ranking(source.content_id, view.token, scores(source, view), view.avg)


@st.cache_resource(max_entries=400, show_spinner=False)
def _ranking(content_id: str, token: str, _scores: Scores, how: str) -> Ranking:
    return rank(_scores, how)


def rank_table(benchmark: Benchmark, view: View, settings: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """Ranks of the shown methods under several (metric, reference) settings on the view's genes: methods x settings."""
    columns = {}
    for i, (metric, reference) in enumerate(settings):
        changed = view.with_(metric=metric, ref=view.ref if reference == "none" else reference)
        score = scores(benchmark, changed)
        columns[i] = pd.Series(ranks(average(score.values, view.avg), score.card), index=score.methods)
    return pd.DataFrame(columns)
