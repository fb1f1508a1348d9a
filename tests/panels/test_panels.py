"""Panels: every chart says what it shows, of the numbers it draws, on two data sets; a report shows the pages'."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses import profiles, retrieval
from perturbviz.analyses.all_views import sweep
from perturbviz.analyses.all_views.defensible import Views, defensible
from perturbviz.analyses.robustness import RANKING_METHODS, agreement, deciding_choices, shares_of_views
from perturbviz.analyses.robustness import robustness as robustness_of
from perturbviz.benchmark import load
from perturbviz.panels import all_views, ceiling, errors, rankings, robustness
from perturbviz.panels import profiles as profile_panels
from perturbviz.panels import retrieval as retrieval_panels
from perturbviz.panels.look import Look, look_of
from perturbviz.panels.panel import Panel
from perturbviz.report import Direct, Item, build, sections
from perturbviz.scoring.genesets import resolve
from perturbviz.scoring.rank_table import FIRST, asked_first
from perturbviz.scoring.view import DEFAULT_N, View
from tests.charts import figures
from tests.pages.conftest import ROOT, open_page
from tests.wiring.world import World

__all__ = ["open_page"]  # a fixture
OWN = View(genes="own", own=("g07", "A", "g31", "g03", "g19", "g12"))
VIEWS = {
    "demo": View(metric="pearson_delta", ref="perturbation", n=300),
    "world": OWN.with_(metric="mse", avg="median"),
}


class Subject:
    """A data set under a view, computed without the pages."""

    def __init__(self, benchmark, view: View) -> None:
        self.view, self.compute = view, Direct()
        self.evaluation = self.compute.evaluation(benchmark, view)
        self.ranking = self.compute.ranking(benchmark, view)
        self.table = self.compute.rank_table(benchmark, view)
        self.look: Look = look_of(self.evaluation)


@pytest.fixture(scope="module", params=VIEWS)
def subject(request) -> Subject:
    source = load(ROOT / "data" / "demo.h5ad") if request.param == "demo" else World().benchmark
    return Subject(source, VIEWS[request.param])


def said(panel: Panel) -> None:
    """What every panel must bring."""
    assert panel.question[-1] in "?w" and panel.caption and panel.alt.endswith(".")
    assert "nan" not in re.findall(r"\w+", f"{panel.caption} {panel.alt} {panel.question}")
    assert bool(panel.hint) == panel.select, "what a click does is said where clicks are reported"
    assert len(panel.numbers()) and panel.filename
    panel.figure.figure()  # raises on what Plotly does not know


def test_the_order_is_that_of_the_scores(subject):
    panel = rankings.order(subject.ranking, subject.look)
    said(panel)
    scores = subject.ranking.table["score"]
    drawn = panel.figure.data[0]
    assert dict(zip(drawn["ids"], drawn["x"], strict=True)) == scores.dropna().to_dict()
    assert panel.numbers().set_index("method")["score"].equals(scores)
    leader = subject.ranking.lines[subject.ranking.defined[0]]
    assert f"1st {leader['name']} {leader['score']:.3g}" in panel.alt
    assert panel.axes == (subject.view.metric, subject.ranking.scores.reference)


def test_the_ceiling_is_a_line_in_figure_caption_and_table(subject):
    panel = rankings.order(subject.ranking, subject.look, perfect=0.25)
    assert "a perfect prediction of the mean gets 0.25" in panel.caption
    assert next(t for t in panel.figure.data if t.get("uid") == "ceiling")["x"] == [0.25, 0.25]
    last = panel.numbers().iloc[-1]
    assert (last["name"], last["score"]) == (ceiling.NAME, 0.25) and np.isnan(last["rank"])
    undefined = errors.distribution(subject.ranking, subject.look, perfect=np.nan)
    assert "has no score here" in undefined.caption
    assert not [t for t in undefined.figure.data if t.get("uid") == "ceiling"]


def test_the_distribution_names_the_worst_perturbation_and_brings_every_score(subject):
    panel, scores = errors.distribution(subject.ranking, subject.look), subject.ranking.scores
    said(panel)
    lead = scores.values[scores.methods.index(subject.ranking.defined[0])]
    worst = scores.rows["perturbation"].iloc[int(np.nanargmin(scores.card.goodness(lead)))]
    assert f"worst on {worst}" in panel.caption and f"Red bar: {subject.view.avg}" in panel.caption
    assert len(panel.numbers()) == scores.values.size


def test_paired_differences_are_those_of_the_named_methods(subject):
    ranking, look = subject.ranking, subject.look
    against = ranking.defined[-1]
    panel = errors.paired(ranking, against, look)
    said(panel)
    assert look.name(against) in panel.question and against in panel.axes
    numbers, values = panel.numbers(), dict(zip(ranking.scores.methods, ranking.scores.values, strict=True))
    assert list(numbers["perturbation"]) == list(ranking.scores.rows["perturbation"])
    for method in ranking.defined[:-1]:
        np.testing.assert_array_equal(numbers[look.name(method)], values[method] - values[against])


def test_curves_are_drawn_over_the_numbers_of_genes(subject):
    scores, n = subject.ranking.scores, np.array([10, 20])
    averages = np.arange(2.0 * len(scores.methods)).reshape(-1, 2)
    panel = errors.over_n(n, averages, scores, subject.look, how="mean", order="expressed", here=20)
    said(panel)
    first = subject.look.name(scores.methods[0 if scores.card.better == "lower" else -1])
    assert panel.caption == f"{first} is first at every number of genes."
    assert "by expression in control" in panel.alt and panel.axes[-1] == "expressed"
    assert list(panel.numbers()[subject.look.name(scores.methods[1])]) == [2.0, 3.0]


def test_the_shift_of_the_order_is_the_table_of_ranks(subject):
    panel = rankings.bump(subject.table, subject.ranking, subject.look)
    said(panel)
    plain = rankings.bump(subject.table, subject.ranking, subject.look, count=False)
    assert panel.caption.startswith(f"Of {len(subject.table.settings) - len(subject.table.no_lead)} metrics: ")
    assert panel.caption.endswith(plain.caption)
    numbers = panel.numbers().set_index("method")
    for method, line in zip(subject.table.ranks.index, subject.table.ranks.to_numpy(), strict=True):
        np.testing.assert_array_equal(numbers.loc[subject.look.name(method)], line)
    here = subject.table.place(subject.view.metric, subject.ranking.scores.reference)
    box = panel.figure.layout["shapes"][0]
    assert here >= 0 and (box["x0"] + box["x1"]) / 2 == here


def test_the_score_table_has_families_in_one_piece_and_a_line_a_score(subject):
    table = subject.table.by_family()
    families = [card.family for card in table.cards]
    assert sum(a != b for a, b in zip(families, families[1:], strict=False)) == len(set(families)) - 1
    panel = rankings.score_table(table, subject.ranking, subject.look, subject.view)
    said(panel)
    lines = panel.numbers().set_index(["metric", "reference", "method"]).sort_index()
    here = subject.view.metric, subject.ranking.scores.reference
    expected = subject.ranking.table["score"].sort_index()
    pd.testing.assert_series_equal(lines.loc[here]["score"], expected, check_names=False, rtol=1e-9)


def test_what_is_shown_first_is_of_five_families_with_the_current_metric(subject):
    here = subject.view.metric, subject.ranking.scores.reference
    every = subject.table.settings
    family = {s: card.family for s, card in zip(every, subject.table.cards, strict=True)}
    for now in (here, ("gene_correlation", "none")):
        first, few = (asked_first(every, which, now) for which in ("first", "few"))
        assert set(first) == {s for s in every if family[s] in FIRST} | {now}
        kinds = [(family[s], s[1]) for s in few]
        assert now in few and len(kinds) == len(set(kinds))
        assert set(kinds) == {(family[s], s[1]) for s in first}
    assert asked_first(every, "all", here) == every


def test_profiles_are_predicted_and_observed_less_the_reference(subject):
    view, evaluation, scores = subject.view, subject.evaluation, subject.ranking.scores
    row = len(scores.rows) - 1
    name = scores.rows["perturbation"].iloc[row]
    found = profiles.of_perturbation(evaluation, view, scores, row)
    values = scores.values[:, row]
    panel = profile_panels.perturbation(found, subject.look, name, scores.card.symbol, values)
    said(panel)
    assert name in panel.question and f"profile-{name}" == panel.filename
    numbers = panel.numbers()
    assert len(numbers) == scores.n_genes[row]
    gene = numbers["gene"].iloc[0]
    across = profiles.of_gene(evaluation, view, scores, gene)
    followed = profile_panels.gene(across, subject.look, gene, name)
    said(followed)
    line = followed.numbers().iloc[row]  # rows of both are in the same order
    assert line["perturbation"] == name
    for method in ("observed", *map(subject.look.name, scores.methods)):
        assert np.isclose(line[method], numbers[method].iloc[0], equal_nan=True)


@pytest.fixture(scope="module")
def views(subject) -> Views:
    """A few views of the data set."""
    view = View(n=DEFAULT_N)
    swept = sweep(subject.evaluation, metrics=("l2", "pearson_delta"), kinds=("all",), base=view, threads=1)
    return defensible(swept)


def test_shares_of_views_and_what_decides_add_up(subject, views):
    won, decided = shares_of_views(views), deciding_choices(views)
    panel = all_views.shares(won, views, subject.look.colours, subject.view, False)
    said(panel)
    assert f"{len(views):,} views" in panel.question and won["name"].iloc[0] in panel.alt
    assert sum(panel.figure.data[0]["x"]) == pytest.approx(1)
    assert list(panel.numbers()["share"]) == list(won["share"])
    panel = all_views.deciding(decided, dict(zip(views.methods, views.names, strict=True)), subject.view)
    said(panel)
    assert panel.caption.startswith(f"The {decided['all'].idxmax()} decides most")


def test_a_method_stands_in_every_view_where_its_rank_says(subject, views):
    method = views.methods[1]
    panel = all_views.curve(views, method, "#123456", subject.view)
    said(panel)
    points, rank = panel.figure.data[0], views.ranks[:, 1]
    assert list(points["y"]) == [rank[i] for i in points["customdata"]] == sorted(points["y"])
    np.testing.assert_array_equal(panel.numbers()["rank"], rank)
    assert views.names[1] in panel.question and panel.axes == (subject.view.token, method)
    found = agreement(views)
    panel = all_views.agreement(found, subject.view)
    said(panel)
    np.testing.assert_array_equal(panel.numbers().drop(columns="metric"), found.tau)


def test_robustness_is_drawn_as_computed(subject):
    found = robustness_of(subject.ranking.scores, subject.view.avg)
    made = [
        robustness.podium(found, subject.look, subject.view),
        robustness.ways(found, subject.look, subject.view),
        *([] if found.problem else [robustness.blobs(found, subject.look, subject.view)]),
        *([] if found.problem else [robustness.significance(found, subject.view)]),
    ]
    for panel in made:
        said(panel)
    np.testing.assert_array_equal(made[0].numbers().drop(columns="method"), found.podium)
    assert list(made[0].numbers()["method"]) == list(found.names)
    box = made[1].figure.layout["shapes"][0]
    assert (box["x0"] + box["x1"]) / 2 == RANKING_METHODS.index(f"{subject.view.avg} then rank")


def test_distances_of_retrieval_are_those_to_the_truth(subject):
    evaluation, view = subject.evaluation, subject.view
    rows = np.arange(5)
    method = "mean"
    matrix = retrieval.distances(evaluation, method, rows, view.subset)
    (block,) = resolve(view.subset, evaluation, rows)
    of, to = 1, 3
    gap = evaluation.prediction(method, rows, block.genes)[of] - evaluation.truth(rows, block.genes)[to]
    assert matrix[of, to] == pytest.approx(np.linalg.norm(gap), rel=1e-4)
    names = evaluation.rows["perturbation"].to_numpy()[rows]
    panel = retrieval_panels.distances(matrix, names, np.full(5, 0.5), method, "Mean", view)
    said(panel)
    assert panel.question == "Whose truth is closest to what Mean predicts?" and "0.50" in panel.caption
    best = retrieval.nearest(matrix, names, of)
    assert list(best["L2 distance"]) == sorted(matrix[of])
    assert best["truth of"].iloc[0] == names[np.argmin(matrix[of])]


def test_a_report_shows_the_panels_of_the_pages(open_page):
    view = View(metric="pearson_delta", ref="perturbation", n=300)
    benchmark = load(ROOT / "data" / "demo.h5ad")
    (section,) = sections([Item(benchmark, view)])
    made = {panel.key: panel for panel in section.panels}
    text = html.unescape(build([Item(benchmark, view)]))
    drawn = {
        chart["key"]: chart
        for page in ("rankings", "errors")
        for chart in figures(open_page(page, **{k: v[0] for k, v in view.to_query().items()}))
    }
    for key in ("order", "distribution"):
        page, panel = drawn[key], made[key]
        assert (page["question"], page["alt"]) == (panel.question, panel.alt)
        assert page["note"].startswith(f"{panel.caption} {panel.hint}".strip())
        for part in (panel.question, panel.alt, panel.caption):
            assert part in text
    assert drawn["bump"]["question"] == made["bump"].question
    assert "Click" not in text
