"""Panels of the linear model page on two data sets: what they say are the numbers they bring."""

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.models.compete import predict
from perturbviz.models.diagnostics import ErrorMap
from perturbviz.models.error_by_distance import by_distance
from perturbviz.models.recipe import Recipe
from perturbviz.panels import linear as panels
from perturbviz.panels.figures.theme import method_colours
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import Given, score
from tests.pages.conftest import ROOT
from tests.panels.test_panels import said
from tests.wiring.world import World

RECIPE = Recipe(sum_doubles=True, dims=3)
SETTINGS = {"demo": ("pearson_delta", "control"), "world": ("l2", "none")}


@pytest.fixture(scope="module", params=SETTINGS)
def fitted(request):
    """Subject, predictions and rows, computed without the page."""
    benchmark = load(ROOT / "data" / "demo.h5ad") if request.param == "demo" else World().benchmark
    evaluation = Evaluation(benchmark)
    found = predict(evaluation, RECIPE.competitor())
    given = [Given(RECIPE.slug, "Mine", found.values)]
    methods = ["mean", *[m for m in evaluation.methods if m in ("additive", "noisy-oracle")]]
    scored = score(evaluation, *SETTINGS[request.param], subset=GeneSubset("all"), methods=methods, given=given)
    ranking = rank(scored, "mean")
    methods.append(RECIPE.slug)
    subject = panels.Subject(
        ranking=ranking,
        names={m: "This model" if m == RECIPE.slug else evaluation.name(m) for m in methods},
        colours=method_colours(methods, ["mean"]),
        model=RECIPE.slug,
        models=(RECIPE.slug,),
        split="file",
    )
    return subject, found, evaluation.rows


def test_standing_draws_every_mean_under_the_names_of_the_page(fitted):
    subject, *_ = fitted
    panel = panels.standing(subject)
    said(panel)
    numbers = panel.numbers().set_index("method")
    assert numbers.loc[RECIPE.slug, "name"] == "This model"
    drawn = next(t for t in panel.figure.data if t.get("uid") == "means")
    assert dict(zip(drawn["ids"], drawn["x"], strict=True)) == numbers["score"].dropna().to_dict()
    assert panel.axes == ("file", subject.ranking.scores.metric, subject.ranking.scores.reference)


def test_arrows_count_who_gains_in_the_direction_of_the_metric(fitted):
    subject, *_ = fitted
    panel = panels.arrows(subject, "mean", RECIPE.slug)
    said(panel)
    numbers = panel.numbers().set_index("perturbation")
    assert list(numbers.columns) == [subject.names["mean"], "This model"]
    change = (numbers["This model"] - numbers[subject.names["mean"]]).dropna() * (1 if subject.higher else -1)
    assert panel.caption.startswith(f"{int((change > 0).sum())} of {len(change)} perturbations are predicted better")
    assert panels.arrows(subject, RECIPE.slug, "mean").axes[-2:] == (RECIPE.slug, "mean")


def test_distance_brings_the_nearest_of_every_perturbation(fitted):
    subject, found, rows = fitted
    values = dict(zip(subject.ranking.scores.methods, subject.ranking.scores.values, strict=True))
    distances = by_distance(rows, found, {"error": values[RECIPE.slug]})
    panel = panels.distance(distances, subject)
    said(panel)
    assert "mean)" not in panel.caption and f"{len(distances)} perturbations" in panel.alt
    assert list(panel.numbers()["nearest"]) == list(distances["nearest"])
    beside = panels.distance(by_distance(rows, found, {"error": values[RECIPE.slug], "mean": values["mean"]}), subject)
    assert {t["uid"] for t in beside.figure.data} - {"beyond-error"} <= {"perturbations", "beyond-mean"}


@pytest.mark.parametrize("best", [(0, 1), (1, 0)])
def test_maps_name_their_smallest_error_and_a_click_is_its_setting(best):
    errors = np.full((2, 2), 3.0)
    errors[best] = 1.5
    maps = ErrorMap((2, 5), (0.1, 10.0), errors, errors + 1, 40, 9, {})
    for panel in (panels.training_map(maps, (5, 0.1), "file"), panels.held_out_map(maps, 3, (5, 0.1), "file")):
        said(panel)
        assert f"K {maps.dims[best[0]]}, λ {maps.ridges[best[1]]:g}" in panel.caption
        cells = panel.figure.data[-1]["customdata"]
        assert [panels.clicked_setting(c) for c in cells] == [(2, 0.1), (2, 10.0), (5, 0.1), (5, 10.0)]
        assert panel.axes == ("file", panel.key)


@pytest.mark.parametrize("dims", [1, 2])
def test_the_spectrum_says_what_the_first_hold(dims):
    shares = pd.DataFrame(
        {"change_explained": [0.7, 0.3], "change_cumulative": [0.7, 1.0], "cumulative": [0.9, 1.0]}, index=[1, 2]
    )
    panel = panels.spectrum(shares, dims, 5, "file")
    said(panel)
    assert panel.question.endswith("(first of 5 splits)?")
    assert f"The first {dims} of 2 components hold {shares['change_cumulative'][dims]:.0%}" in panel.caption


@pytest.mark.parametrize("ends", [2.0, 0.5])
def test_the_learning_curve_says_where_the_error_ends(ends):
    curve = pd.DataFrame({"size": [4, 8], "l2": [1.0, ends], "mean_l2": [1.0, 1.0], "reason": ""})
    panel = panels.learning(curve, 2, "#123456", "file")
    said(panel)
    assert f"from 1 to {ends:.3g} ({ends - 1:+.0%})" in panel.caption
    assert panel.caption.count("above the model" if ends < 1 else "below the model") == 1
