import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.panels import captions
from perturbviz.panels.figures import errors, profiles
from perturbviz.panels.figures.profiles import Multiple
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from tests.charts import figures
from tests.pages.conftest import ROOT


def by_key(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def test_every_perturbation_is_a_point_and_the_bar_is_the_mean(open_page):
    at = open_page("errors", metric="mse")
    evaluation = Evaluation(load(ROOT / "data" / "demo.h5ad"))
    scores = score_view(evaluation, View(metric="mse"))
    figure = by_key(at, "distribution")
    keys = [scores.rows["context"], scores.rows["perturbation"]]
    means = pd.DataFrame(scores.values.T, columns=scores.methods).groupby([k.to_numpy() for k in keys]).mean()
    assert len(means) == 75 and "mean over its splits" in figure["note"]
    swarms = next(t for t in figure["data"] if t.get("uid") == "swarms")
    drawn = dict(zip(swarms["ids"], swarms["y"], strict=True))
    for method in scores.methods:
        expected = {f"{method}|{c}|{p}": v for (c, p), v in means[method].items()}
        got = {name: v for name, v in drawn.items() if name.startswith(f"{method}|")}
        assert got == pytest.approx(expected, rel=1e-5)
    bar = next(t for t in figure["data"] if t.get("uid") == "average-bar")
    heights = [v for v in bar["y"] if v is not None][::2]
    np.testing.assert_allclose(sorted(heights), sorted(scores.values.mean(axis=1)), rtol=1e-6)


def test_paired_differences_are_against_the_chosen_method(open_page):
    at = open_page("errors")
    at.selectbox(key="against").set_value("mean").run()
    assert "Perturbation mean" in by_key(at, "paired")["question"]
    assert at.query_params["against"] in ("mean", ["mean"])


def test_a_profile_shows_observed_and_predicted_changes(open_page):
    at = open_page("profiles", genes="de", n="50")
    evaluation = Evaluation(load(ROOT / "data" / "demo.h5ad"))
    perturbation = at.selectbox(key="p").value
    figure = by_key(at, "profile")
    assert perturbation in figure["question"]
    genes = evaluation.benchmark.genes
    row = evaluation.benchmark.conditions.tolist().index(perturbation)
    change = dict(zip(genes, evaluation.benchmark.truth[row] - evaluation.benchmark.control("A"), strict=True))
    trace = next(t for t in figure["data"] if t.get("uid") == "points-additive")
    assert len(trace["ids"]) == 50
    np.testing.assert_allclose(trace["x"], [change[g] for g in trace["ids"]], atol=1e-5)


def test_a_gene_can_be_followed_over_perturbations(open_page):
    at = open_page("profiles", genes="de", n="50")
    gene = at.selectbox(key="gene").options[3]
    at.selectbox(key="gene").set_value(gene).run()
    assert gene in by_key(at, "gene")["question"]
    assert at.query_params["gene"] in (gene, [gene])


def test_an_unknown_gene_in_a_link_is_ignored(open_page):
    at = open_page("profiles", gene="<b>no</b>")
    assert at.selectbox(key="gene").value == ""


def test_many_methods_share_the_points_of_a_chart_and_the_note_says_so():
    rng = np.random.default_rng(0)
    n, methods = 200, [f"m{i}" for i in range(14)]
    rows = pd.DataFrame({"context": "c", "perturbation": [f"p{i}" for i in range(n)], "n": 1})
    values = rng.normal(size=(14, n))
    named = dict.fromkeys(methods, "x"), dict.fromkeys(methods, "#123456"), dict.fromkeys(methods, 0.0)
    points, _ = errors.distribution(values, rows, methods, *named, "L2", marked="p7").figure().data
    most = errors.points_a_method(14)
    assert most == 71
    for i, (method, line) in enumerate(zip(methods, values, strict=True)):
        own = [k for k, name in enumerate(points.ids) if name.startswith(f"{method}|")]
        assert most <= len(own) <= most + 1  # and the marked one
        assert "p7" in {points.customdata[k] for k in own}
        heights = points.y[own]
        np.testing.assert_allclose([heights.min(), heights.max()], [line.min(), line.max()], rtol=1e-6)
        assert (abs(points.x[own] - i) < 0.5).all()
    assert "71 of 200" in captions.thinned(most, n) and captions.thinned(71, 71) == ""
    assert errors.points_a_method(1) == errors.MAX_POINTS and errors.points_a_method(100) == errors.MIN_POINTS


def test_the_outstanding_genes_of_many_panels_are_fewer_and_no_panel_is_left_with_none():
    rng = np.random.default_rng(0)
    observed, labels = rng.normal(size=500), [str(i) for i in range(500)]
    for count, most in ((1, 120), (10, 90), (30, 60)):
        every = [Multiple(f"m{i}", "M", "#123456", rng.normal(size=500), ()) for i in range(count)]
        drawn = profiles.panels(observed, every, labels, "x", "y").figure().data
        points = [t for t in drawn if t.uid.startswith("points-")]
        assert [len(t.x) for t in points] == [most] * count
        furthest = str(np.argmax(np.abs(observed - every[0].predicted)))
        assert furthest in points[0].customdata


def test_any_number_of_panels_fits_the_chart():
    observed = np.linspace(-1, 1, 50)
    for count in range(1, 31):
        panels = [Multiple(f"m{i}", f"M{i}", "#123456", observed * 0.5, ()) for i in range(count)]
        layout = profiles.panels(observed, panels, [str(i) for i in range(50)], "x", "y").figure().layout
        for name in ("xaxis", "yaxis"):
            low, high = layout[name if count == 1 else f"{name}{count}"].domain
            assert 0 <= low < high <= 1
        diagonals = [s for s in layout.shapes if (s.x0, s.x1) == (s.y0, s.y1)]
        assert {(s.xref, s.yref) for s in diagonals} == {(f"x{n}", f"y{n}") for n in ["", *range(2, count + 1)]}
