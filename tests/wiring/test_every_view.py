"""Every view at once: each score of the sweep is that of its own rows and genes, and ties share what they win."""

from __future__ import annotations

import importlib
from itertools import pairwise

import numpy as np
import pytest

from perturbviz.analyses.all_views import sweep, sweep_frame
from perturbviz.analyses.all_views.defensible import ViewFilter, defensible
from perturbviz.analyses.robustness import shares_of_views
from perturbviz.analyses.robustness.clicks import one_click
from perturbviz.analyses.robustness.shares import shares_by
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import SPLITS, View
from tests.wiring.test_scores import agree
from tests.wiring.world import BASELINES, METHODS, SEEDS

EVERY = (*METHODS, *BASELINES)
METRICS = ["l2", "mse", "wmse", "pearson_delta", "centroid_accuracy"]
SIZES = (7, 12)


def average(world, setting, rows, method, how) -> float:
    metric, reference, key = setting.metric, setting.reference, setting.subset.key
    values = [world.value(metric, reference, key, method, row, rows) for row in rows]
    values = [v for v in values if not np.isnan(v)]
    return float((np.mean if how == "mean" else np.median)(values)) if values else np.nan


def swept(bench, **more):
    return sweep(Evaluation(bench), metrics=METRICS, sizes=SIZES, direct_sizes=SIZES, threads=1, **more)


@pytest.mark.parametrize(
    ("base", "cells"),
    [
        (View(), 120_000),
        (View(rows="own"), 40),
        (View(context="y", show=("net", "partial", "mean", "half_sum")), 40),
        (View(size="singles", show=("net", "partial", "mean")), 120_000),
    ],
)
def test_every_score_is_the_average_of_its_own_rows(world, bench, base, cells, monkeypatch):
    monkeypatch.setattr(importlib.import_module(sweep.__module__), "CELLS", cells)
    found = swept(bench, base=base)
    assert {s.subset.key for s in found.settings if s.metric == "l2"} == {
        *("all", "expressed:7", "expressed:12", "de:7", "de:12", "all-targets"),
        *("expressed:7-targets", "expressed:12-targets", "de:7-targets", "de:12-targets"),
    } | {s.subset.key for s in found.settings if s.subset.n == len(world.genes)}
    for j, choice in enumerate(found.splits):
        rows = world.scored(SPLITS[choice.split], seeds=(choice.seed,) if choice.seed else SEEDS)
        rows = [r for r in rows if base.context in ("", r[1]) and (base.size == "all" or "+" not in r[2])]
        rows = world.common(rows, base.show or EVERY) if base.rows == "common" else rows
        assert rows, choice
        for i, setting in enumerate(found.settings):
            for h, how in enumerate(found.hows):
                for m, method in enumerate(found.methods):
                    expected = average(world, setting, rows, method, how)
                    assert agree(found.scores[i, j, h, m], expected), (setting, choice, how, method)


def test_written_views_hold_the_value_of_every_row(world, bench):
    lines = 0
    for table in sweep_frame(Evaluation(bench), metrics=METRICS, sizes=SIZES, direct_sizes=SIZES, threads=1):
        rows = world.scored()
        for line in table.sample(frac=0.25, random_state=1).itertuples():
            row = (line.seed, line.context, line.perturbation)
            expected = world.value(line.metric, line.reference, line.genes, line.method, row, rows)
            assert agree(line.value, expected), line
            assert line.n_genes == len(world.counted(line.genes, line.context, line.perturbation))
        lines += len(table)
    assert lines > 10_000


@pytest.fixture(scope="module")
def views(bench):
    """Views in which twins tie, among them many that they win."""
    found = swept(bench, base=View(show=("net", "twin", "flat", "partial", "mean"), rows="own"))
    return defensible(found, ViewFilter(sizes=SIZES))


def test_a_view_opened_shows_the_scores_it_was_ranked_by(bench, views):
    for i in range(0, len(views), 7):
        view = views.view(i)
        scores = score_view(Evaluation(bench, view.parts), view)
        reduce = np.nanmean if view.avg == "mean" else np.nanmedian
        expected = [np.nan if np.isnan(v).all() else reduce(v) for v in scores.values]
        np.testing.assert_allclose(views.scores[i], expected, rtol=1e-6, atol=1e-9, err_msg=view.token)
        better = sorted((v for v in expected if not np.isnan(v)), reverse=scores.card.better != "lower")
        best = scores.methods[int(np.nanargmin(views.ranks[i]))]
        assert expected[scores.methods.index(best)] == pytest.approx(better[0], rel=1e-6)


def test_methods_that_tie_for_first_share_the_view(views):
    table = shares_of_views(views)
    net, twin = views.methods.index("net"), views.methods.index("twin")
    np.testing.assert_array_equal(views.ranks[:, net], views.ranks[:, twin])
    wins = dict.fromkeys(views.methods, 0.0)
    for vote, ranks in zip(views.vote, views.ranks, strict=True):
        first = np.flatnonzero(ranks == np.nanmin(ranks))
        for m in first:
            wins[views.methods[m]] += vote / len(first)
    assert wins["net"] > 0.2  # it does win views, each together with its twin
    for method, share in wins.items():
        assert table.loc[method, "share"] == pytest.approx(share), method
    assert table["share"].sum() == pytest.approx(1) and table["views"].sum() == pytest.approx(len(views))
    assert table.loc["net", "views"] == pytest.approx(table.loc["twin", "views"])
    assert all(a >= b - 1e-12 for a, b in pairwise(table["share"]))


@pytest.mark.parametrize("factor", ["metric", "reference", "split", "family"])
def test_shares_among_the_views_of_a_choice_are_those_of_these_views(views, factor):
    table = shares_by(views, factor)
    for value in table.index:
        mine = np.flatnonzero((views.frame[factor] == value).to_numpy())
        some = shares_of_views(views.select(mine))["share"]
        np.testing.assert_allclose(table.loc[value], (some / some.sum())[table.columns])


def test_leaders_after_a_click_are_those_of_the_view_it_leads_to(bench):
    found, view = swept(bench, base=View(rows="own")), View(rows="own", n=12)
    lines = one_click(found, view)
    assert set(lines["field"]) >= {"metric", "genes", "split", "seed", "avg"}
    for line in lines.itertuples():
        scores = score_view(Evaluation(bench, line.view.parts), line.view)
        reduce = np.nanmean if line.view.avg == "mean" else np.nanmedian
        score = np.array([np.nan if np.isnan(v).all() else reduce(v) for v in scores.values])
        best = np.nanmax(score) if scores.card.better == "higher" else np.nanmin(score)
        assert set(line.leaders) == {m for m, v in zip(scores.methods, score, strict=True) if abs(v - best) < 1e-9}
