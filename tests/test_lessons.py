"""Lessons: which hold on the demo and on real data, and that what they say follows the data."""

import re
from pathlib import Path

import numpy as np
import pytest

from perturbviz.baselines.recipe import Recipe, data_source
from perturbviz.benchmark import load
from perturbviz.cli import main
from perturbviz.evaluation import Evaluation
from perturbviz.lessons import LESSONS, lesson
from perturbviz.scores import score_view
from perturbviz.talk import TALK
from perturbviz.validity import view_problem
from perturbviz.view import View

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
IDS = [item.id for item in LESSONS]


@pytest.fixture(scope="module")
def demo():
    return Evaluation(load(ROOT / "data" / "demo.h5ad"))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    def open_(name: str) -> Evaluation:
        source = REAL / f"{name}.npz"
        if not source.exists():
            pytest.skip(f"{source.name} is not here")
        out = tmp_path_factory.mktemp("real") / f"{name}.h5ad"
        assert main(["convert", "--truth", str(source), "-o", str(out)]) == 0
        return Evaluation(load(out))

    return open_


def mean_of(evaluation, view, method):
    scores = score_view(evaluation, view)
    return np.nanmean(scores.values[scores.methods.index(method)])


def value(reveal, method, x):
    found = reveal.numbers.query("method == @method and x == @x")["value"]
    assert len(found) == 1
    return found.iloc[0]


def test_there_are_ten_with_names_of_their_own():
    assert len(set(IDS)) == len(IDS) == 10
    assert all(lesson(i).id == i for i in IDS) and lesson("nonsense") is LESSONS[0]
    assert all(item.question.endswith("?") and item.reading and item.change for item in LESSONS)


@pytest.mark.parametrize("name", IDS)
def test_every_lesson_holds_on_the_demo(demo, name):
    item = lesson(name)
    found = item.reveal(demo)
    assert found.holds is True, found.sentence
    assert re.search(r"\d", found.sentence) and not found.numbers.empty
    evaluation = demo if item.view(demo.benchmark).truth == "all" else Evaluation(demo.benchmark, truth_from="half_a")
    for after in (False, True):
        assert view_problem(item.view(demo.benchmark, after=after), evaluation) == ""
        query = item.query(demo.benchmark, "demo", after)
        assert View.from_query(query) == item.view(demo.benchmark, "demo", after)


EXPECTED = {
    "norman_pseudobulk": {"pearson": None, "duplicate": None},  # changes only; no halves of the cells
    "carpool_thp1_pseudobulk": {"duplicate": False},  # there a replicate beats the mean everywhere
}


@pytest.mark.parametrize("data", EXPECTED)
def test_lessons_on_real_data_hold_or_say_why(real, data):
    evaluation = real(data)
    found = {item.id: item.reveal(evaluation) for item in LESSONS}
    assert {k: r.holds for k, r in found.items()} == dict.fromkeys(IDS, True) | EXPECTED[data]
    for name, holds in EXPECTED[data].items():
        assert ("cannot be asked" in found[name].sentence) == (holds is None)
    assert "no metric prefers the average" in found["duplicate"].sentence or found["duplicate"].holds is None


def test_what_is_said_is_what_is_scored(demo):
    r = lesson("pearson").reveal(demo)
    assert value(r, "no_change", "profiles") == pytest.approx(mean_of(demo, View(metric="pearson"), "no_change"))
    assert f"{value(r, 'no_change', 'profiles'):.3f}" in r.sentence
    shrink = lesson("shrinking").reveal(demo)
    view = View(metric="mse", genes="all")
    for method in ("overconfident", "additive"):
        assert value(shrink, method, 1.0) == pytest.approx(mean_of(demo, view, method), rel=1e-6)
    assert value(shrink, "additive", 0.0) == pytest.approx(mean_of(demo, view, "no_change"), rel=1e-6)
    recall = lesson("no-change").reveal(demo)
    want = mean_of(demo, View(metric="nonadditive_recall"), "no_change")
    assert value(recall, "no_change", "recall") == pytest.approx(want) and f"{want:.1%}" in recall.sentence


def test_no_change_with_a_control_of_its_own_gets_the_score_of_the_mean(demo):
    text = lesson("average").reveal(demo).sentence
    said = float(re.search(r"it would get (\d\.\d\d)", text)[1])
    assert said == pytest.approx(mean_of(demo, View(metric="pearson_delta"), "mean"), abs=0.005)


def test_a_lesson_that_does_not_hold_says_so(random_benchmark):
    evaluation = Evaluation(random_benchmark(n_single=8, n_genes=60))  # changes as large as expression, no shared shift
    raw = lesson("pearson").reveal(evaluation)
    assert raw.holds is False and "not near 1" in raw.sentence
    mean = lesson("mean-wins").reveal(evaluation)
    assert mean.holds is False and "does not do well" in mean.sentence


def test_a_lesson_without_what_it_needs_says_what(make_benchmark):
    truth = np.random.default_rng(0).normal(size=(3, 30))
    bare = Evaluation(make_benchmark(truth, ["g1", "g2", "g3"], split=["test"] * 3, predictions={"m": truth}))
    for item in LESSONS:
        found = item.reveal(bare)
        assert found.holds is None and found.sentence.startswith("This cannot be asked of these data."), item.id


def test_names_from_files_are_escaped(make_benchmark):
    rng = np.random.default_rng(0)
    names = ["g1", "g2", "g3", "g4", "g1+g2", "g3+g4", "g1+g3"]
    control = rng.gamma(2, 1, 40)
    truth = control + rng.normal(size=(7, 40)) * 0.3
    split = ["train"] * 4 + ["test"] * 3
    b = make_benchmark(truth, names, control=control, split=split, predictions={"m": truth + 3})
    b.adata.uns["perturbviz"]["methods"] = {"m": {"name": "<b>**x**</b>"}}
    sentence = lesson("pearson").reveal(Evaluation(b)).sentence
    assert "**x**" not in sentence and "<b>" not in sentence


def test_the_talk_has_twelve_links_in_order(demo):
    assert len(TALK) == 12
    assert [link.problem(demo.benchmark) for link in TALK] == [""] * 12
    asked = [link.view(demo.benchmark) for link in TALK]
    assert (asked[0].metric, asked[1].metric, asked[2].genes) == ("l2", "pearson_delta", "de")
    assert [v.ref for v in asked[9:11]] == ["control", "perturbation"] and asked[11].metric == "wmse"
    assert all("data" in link.query("demo", demo.benchmark) for link in TALK)


def test_the_talks_pretrained_model_predicts_what_the_demo_holds_out(demo):
    query = TALK[7].query("demo", demo.benchmark)
    recipe = Recipe.from_link(query["recipe"][0])
    assert recipe.sum_doubles  # all that is held out is combinations
    assert recipe.perturbation == data_source("demo-b")


def test_the_talk_says_what_the_data_lack(real):
    norman = real("norman_pseudobulk").benchmark
    problems = [link.problem(norman, "norman") for link in TALK]
    assert "replicate" in problems[11] and "second data set" in problems[7] and not problems[0]
