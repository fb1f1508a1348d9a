"""Lessons: which hold on the demo and on real data, and that what they say follows the data."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import load
from perturbviz.cli import main
from perturbviz.guide import reveals
from perturbviz.guide.lessons import LESSONS, lesson
from perturbviz.guide.named import TALK
from perturbviz.guide.stage import Stage, swaps
from perturbviz.metrics import parse_metric
from perturbviz.models.recipe import Recipe, data_source
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import Ranking, rank
from perturbviz.scoring.scores import Scores, score_view
from perturbviz.scoring.validity import view_problem
from perturbviz.scoring.view import View

ROOT = Path(__file__).parents[2]
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
    assert all(item.question.endswith("?") and item.reading and item.views[0] != item.views[1] for item in LESSONS)


DEMO = dict.fromkeys(IDS, "holds") | {
    "duplicate": "partly",  # not with the interpolated duplicate, which contains the mean
    "company": "partly",  # accuracy is lost, but nobody clearly falls behind
    "average": "partly",  # mean of ranks only
}


@pytest.mark.parametrize("name", IDS)
def test_every_lesson_holds_on_the_demo_at_least_in_part(demo, name):
    item = lesson(name)
    found = item.reveal(demo)
    assert found.verdict == DEMO[name], found.sentence
    assert re.search(r"\d", found.sentence) and not found.numbers.empty
    evaluation = demo if item.view(demo.benchmark).truth == "all" else Evaluation(demo.benchmark, truth_from="half_a")
    for after in (False, True):
        assert view_problem(item.view(demo.benchmark, after=after), evaluation) == ""
        query = item.views[after].query(demo.benchmark, "demo")
        assert View.from_query(query) == item.view(demo.benchmark, "demo", after)


REAL_VERDICTS = {
    "norman_pseudobulk": {
        "pearson": "cannot be asked",  # changes only
        "mean-wins": "partly",
        "mean-undefined": "holds",
        "de-genes": "partly",
        "n-genes": "holds",
        "shrinking": "partly",
        "duplicate": "cannot be asked",  # no halves of the cells
        "company": "partly",
        "no-change": "cannot be asked",  # no model
        "average": "not here",
    },
    "carpool_thp1_pseudobulk": {
        "pearson": "holds",
        "mean-wins": "partly",  # the mean is last, and there is no model
        "de-genes": "holds",
        "n-genes": "holds",
        "shrinking": "partly",
        "duplicate": "not here",  # there a replicate beats the mean everywhere
        "company": "partly",
        "no-change": "cannot be asked",
        "average": "not here",
    },
}


@pytest.mark.parametrize("data", REAL_VERDICTS)
def test_lessons_on_real_data_have_their_grade_and_say_why(real, data):
    evaluation = real(data)
    found = {name: lesson(name).reveal(evaluation) for name in REAL_VERDICTS[data]}
    assert {k: r.verdict for k, r in found.items()} == REAL_VERDICTS[data]
    for r in found.values():
        assert ("cannot be asked" in r.sentence) == (r.verdict == "cannot be asked")
    assert "no metric prefers the average" in found["duplicate"].sentence or found["duplicate"].verdict != "not here"


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
    assert raw.verdict == "not here" and "not near 1" in raw.sentence
    mean = lesson("mean-wins").reveal(evaluation)
    assert mean.verdict == "not here" and "does not do well" in mean.sentence and "a weak shift" in mean.sentence


def test_a_lesson_without_what_it_needs_says_what(make_benchmark):
    truth = np.random.default_rng(0).normal(size=(3, 30))
    bare = Evaluation(make_benchmark(truth, ["g1", "g2", "g3"], split=["test"] * 3, predictions={"m": truth}))
    for item in LESSONS:
        found = item.reveal(bare)
        assert found.verdict == "cannot be asked" and found.sentence.startswith(
            "This cannot be asked of these data."
        ), item.id


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
    assert all("data" in link.query(demo.benchmark, "demo") for link in TALK)


def test_the_talks_pretrained_model_predicts_what_the_demo_holds_out(demo):
    query = TALK[7].query(demo.benchmark, "demo")
    recipe = Recipe.from_link(query["recipe"][0])
    assert recipe.sum_doubles  # all that is held out is combinations
    assert recipe.perturbation == data_source("demo-b")


def test_the_talk_says_what_the_data_lack(real):
    norman = real("norman_pseudobulk").benchmark
    problems = [link.problem(norman, "norman") for link in TALK]
    assert "replicate" in problems[11] and "second data set" in problems[7] and not problems[0]


# -- verdicts ------------------------------------------------------------------------------------------------------
def simulated(make_benchmark, amplitude=1.0, own=0.5, models=None, noise=0.0):
    """Singles (training) and doubles of 8 genes: a shared shift of the given size and a change of one's own."""
    rng = np.random.default_rng(1)
    single, genes = [f"g{i}" for i in range(8)], 80
    control, shift = rng.gamma(4, 1, genes), amplitude * rng.normal(size=genes)
    change = {s: shift / 2 + own * rng.normal(size=genes) for s in single}
    doubles = [f"{a}+{b}" for i, a in enumerate(single) for b in single[i + 1 :]]
    exact = np.array([control, *(control + change[s] for s in single)])
    exact = np.vstack([exact, [control + sum(change[s] for s in d.split("+")) for d in doubles]])
    truth = exact + noise * rng.normal(size=exact.shape)
    predicted = {name: make(truth, control, rng) for name, make in (models or {}).items()}
    split = ["train"] * 9 + ["test"] * len(doubles)
    names = ["ctrl", *single, *doubles]
    return Evaluation(make_benchmark(truth, names, control=control, predictions=predicted, split=split))


@pytest.mark.parametrize(
    ("size", "verdict"),
    [(0.1, "holds"), (0.3, "partly"), (3.0, "not here")],
)
def test_raw_pearson_reaches_every_grade(make_benchmark, size, verdict):
    evaluation = simulated(make_benchmark, amplitude=0, own=2.6 * size)
    found = lesson("pearson").reveal(evaluation)
    assert found.verdict == verdict, found.sentence


def test_the_mean_does_well_by_the_shift_and_by_whom_it_beats(make_benchmark):
    poor = {"poor": lambda truth, control, rng: control + rng.normal(size=truth.shape)}
    perfect = {**poor, "perfect": lambda truth, control, rng: truth}
    strong = lesson("mean-wins").reveal(simulated(make_benchmark, 2, 0.3, poor))
    assert strong.verdict == "holds" and "a strong shift" in strong.sentence
    last = lesson("mean-wins").reveal(simulated(make_benchmark, 2, 0.3))
    assert last.verdict == "partly" and "which is last" in last.sentence  # however well it does
    led = lesson("mean-wins").reveal(simulated(make_benchmark, 1.2, 0.6, perfect))  # a perfect leader denies no shift
    assert "a strong shift" in led.sentence and "a constant prediction gets ½ whatever it is" in led.sentence


def test_a_perfect_prediction_has_nothing_to_gain_from_shrinking(demo):
    b = demo.benchmark.with_predictions("truth", "Truth", {"": demo.benchmark.truth})
    found = lesson("shrinking").reveal(Evaluation(b))
    assert "4 of 7 models" in found.sentence and value(found, "truth", 1.0) == pytest.approx(0, abs=1e-12)
    observed = np.random.default_rng(0).normal(size=(5, 7))
    assert reveals.shrunk(observed, observed, np.ones(1))[:2] == (pytest.approx(1), 0.0)
    best, gain, error = reveals.shrunk(observed, 2 * observed, np.array([0.5, 1.0]))
    assert (best, gain) == (pytest.approx(0.5), pytest.approx(1)) and error[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("factors", "verdict"),
    [((2.0, 1.0), "holds"), ((2.0, 1.0, 1.0), "partly"), ((1.0, 0.5), "not here")],
)
def test_shrinking_reaches_every_grade(make_benchmark, factors, verdict):
    scaled = {f"m{i}": lambda truth, control, rng, f=f: control + f * (truth - control) for i, f in enumerate(factors)}
    found = lesson("shrinking").reveal(simulated(make_benchmark, models=scaled))
    assert found.verdict == verdict, found.sentence


def test_one_constant_is_said_to_be_the_only_one_with_a_score(make_benchmark):
    truth = np.random.default_rng(0).normal(size=(31, 40)) + np.linspace(0, 9, 40)
    names = ["ctrl", *(f"g{i}" for i in range(30))]
    split = ["train"] * 16 + ["test"] * 15
    b = make_benchmark(truth, names, control=truth[0], split=split, predictions={"flat": np.tile(truth[0], (31, 1))})
    b.adata.uns["perturbviz"]["methods"] = {"flat": {"name": "Constant"}}
    found = lesson("pearson").reveal(Evaluation(b)).sentence
    assert re.search(r"only Perturbation mean has a defined one: 0\.\d\d", found) and "spread" not in found
    switched = lesson("mean-undefined").reveal(Evaluation(b))
    assert "Constant and No change now share first place" in switched.sentence and "First was" not in switched.sentence
    assert switched.verdict == "partly"


@dataclass(frozen=True, eq=False)
class Played(Stage):
    """A stage whose rankings are given."""

    give: Callable[[View], Ranking] = field(kw_only=True)

    def ranking(self, view: View) -> Ranking:
        return self.give(view)


def table(values: dict[str, np.ndarray], metric: str = "rmse", how: str = "mean") -> Ranking:
    n = len(next(iter(values.values())))
    rows = pd.DataFrame({"seed": "", "context": "c", "perturbation": [f"p{i}" for i in range(n)], "n_perturbed": 1})
    card, matrix = parse_metric(metric)[0].card, np.array(list(values.values()), float)
    names = tuple(values)
    return rank(Scores(card, metric, "none", "all", names, names, rows, matrix, np.full(n, 9), {}), how)


def levels(metric: str = "rmse", **level: float) -> Ranking:
    """A ranking in which all that differs can be told apart: 40 perturbations, little noise of each method's own."""
    rng = np.random.default_rng(0)
    return table({m: v + 0.01 * rng.normal(size=40) * (v > 0) for m, v in level.items()}, metric)


def test_leaders_share_and_swaps_are_clear():
    same = np.linspace(1, 2, 40)
    assert table({"a": same, "b": same, "c": same + 1}).leaders == ["a", "b"]
    one, two = levels(a=1, b=2, c=3), levels(a=2, b=1, c=3)
    assert swaps(one, two) == [("a", "b")] and swaps(one, one) == []
    noisy = table({"a": same, "b": same[::-1] - 0.001, "c": same + 2})
    assert swaps(one, noisy) == []  # b is before a there, but cannot be told apart from it


def lead(before: Ranking, after: Ranking, evaluation: Evaluation) -> tuple[str, bool]:
    return reveals._new_lead(Stage(evaluation, View(), View()), before, after)


def test_a_lead_is_said_to_pass_only_where_it_does(random_benchmark):
    evaluation = Evaluation(random_benchmark())
    same = np.linspace(1, 2, 40)
    shared = table({"good": same, "poor": same, "mean": same + 1})
    alone = levels(good=1, poor=2, mean=3)
    assert lead(shared, alone, evaluation) == (" good is now first alone.", True)
    assert lead(alone, alone, evaluation) == ("", False)
    assert lead(levels(good=2, poor=1, mean=3), alone, evaluation) == (" First was poor; now it is good.", True)
    assert lead(alone, shared, evaluation) == (" good and poor now share first place.", False)
    words, clear = lead(alone, table({"good": same, "poor": same[::-1] - 0.001}), evaluation)
    assert words == " First was good; now it is poor, in a statistical tie with good." and not clear
    assert lead(alone, levels(good=1), evaluation) == (" Only good has a score then.", False)
    assert lead(alone, levels(poor=1), evaluation) == (" Only poor has a score then.", False)


def test_the_mean_without_a_score_before_has_none_to_lose(make_benchmark):
    truth = np.random.default_rng(0).normal(size=(9, 30))
    truth[:4] = truth[0]  # the training perturbations change nothing
    names, split = ["ctrl", *(f"g{i}" for i in range(8))], ["train"] * 4 + ["test"] * 5
    b = make_benchmark(truth, names, control=truth[0], split=split, predictions={"m": truth + 1})
    found = lesson("mean-undefined").reveal(Evaluation(b))
    assert found.verdict == "not here" and "no score with either reference" in found.sentence


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ({"big": 3, "small": 2, "mean": 1}, {"big": 1, "small": 2, "mean": 3}, "holds"),
        ({"big": 2, "small": 1, "mean": 3}, {"big": 1, "small": 2, "mean": 3}, "partly"),
        ({"big": 1, "small": 3, "mean": 2}, {"big": 2, "small": 1, "mean": 3}, "not here"),
    ],
)
def test_de_genes_reach_every_grade(make_benchmark, before, after, verdict):
    scaled = {
        m: lambda truth, control, rng, f=f: control + f * (truth - control) for m, f in (("big", 3), ("small", 0.3))
    }
    evaluation = simulated(make_benchmark, models=scaled)
    give = lambda view: levels(**(after if view.genes == "de" else before))  # noqa: E731
    stage = Played(evaluation, View(metric="rmse", genes="all"), View(metric="rmse", genes="de", n=20), give=give)
    found = reveals.no_negatives(stage)
    assert found.verdict == verdict, found.sentence
    assert ("not the over-predictors" in found.sentence) == (verdict == "not here")


@pytest.mark.parametrize(
    ("few", "many", "verdict"),
    [
        ({"good": 1, "poor": 2, "additive": 3}, {"good": 2, "poor": 1, "additive": 3}, "holds"),
        ({"good": 2, "poor": 3, "additive": 1}, {"good": 3, "poor": 2, "additive": 1}, "partly"),
        ({"good": 1, "poor": 2, "additive": 3}, {"good": 1.1, "poor": 2, "additive": 4}, "not here"),
    ],
)
def test_the_number_of_genes_reaches_every_grade(random_benchmark, few, many, verdict):
    give = lambda view: levels(**(few if view.n == 20 else many))  # noqa: E731
    view = View(metric="rmse", genes="de", n=20)
    found = reveals.order_over_n(Played(Evaluation(random_benchmark(n_genes=60)), view, view, give=give))
    assert found.verdict == verdict, found.sentence


def with_halves(make_benchmark, noise: float) -> Evaluation:
    base = simulated(make_benchmark).benchmark.adata
    rng = np.random.default_rng(2)
    halves = {f"half_{x}": base.X + noise * rng.normal(size=base.shape) for x in "ab"}
    control, split = base.varm["control_mean"]["c"], list(base.obs["split"])
    return Evaluation(make_benchmark(base.X, list(base.obs["condition"]), control=control, split=split, layers=halves))


@pytest.mark.parametrize(("noise", "verdict"), [(3.0, "holds"), (0.01, "not here")])
def test_a_replicate_reaches_the_other_grades(make_benchmark, noise, verdict):
    found = lesson("duplicate").reveal(with_halves(make_benchmark, noise))
    assert found.verdict == verdict, found.sentence
    assert "Technical duplicate: clearly better" in found.sentence and "Interpolated" not in found.sentence


def test_company_reaches_the_other_grades(make_benchmark, monkeypatch):
    evaluation = simulated(make_benchmark, own=1)
    found = lesson("company").reveal(evaluation)
    assert found.verdict == "not here" and "hardly matters" in found.sentence

    def given(evaluation, metric, subset, rows):
        """Among all, the additive is ahead of the mean; among similar ones, behind it."""
        level = (0.9, 0.8, 0.7) if len(rows) == len(evaluation.rows) else (0.6, 0.75, 0.65)
        names, rng = ("additive", "mean", "half_sum"), np.random.default_rng(0)
        values = np.array(level)[:, None] + 0.001 * rng.normal(size=(3, len(rows)))
        card, frame = parse_metric(metric)[0].card, evaluation.rows.iloc[rows].reset_index(drop=True)
        return Scores(card, metric, "none", "all", names, names, frame, values, np.full(len(rows), 9), {})

    monkeypatch.setattr(reveals, "score", given)
    found = lesson("company").reveal(evaluation)
    assert found.verdict == "holds", found.sentence
    assert "3 of 3 methods lose, and Additive falls clearly behind Perturbation mean" in found.sentence


@pytest.mark.parametrize(
    ("recall", "verdict"),
    [
        ((0.3, 0.1, 0.5), "holds"),
        ((0.3, 0.1), "partly"),  # two models say little
        ((0.6, 0.1), "partly"),
        ((0.6, 0.1, 0.7, 0.1), "partly"),
        ((0.6, 0.7), "not here"),
        ((), "cannot be asked"),
    ],
)
def test_no_change_is_compared_with_models(make_benchmark, recall, verdict):
    models = {f"m{i}": lambda truth, control, rng: truth for i in range(len(recall))}
    evaluation = simulated(make_benchmark, models=models)
    line = dict(zip(models, recall, strict=True)) | {"no_change": 0.46, "mean": 0.9, "additive": 0.0}
    view = View(metric="nonadditive_recall")
    stage = Played(evaluation, view, View(metric="l2"), give=lambda _: levels("nonadditive_recall", **line))
    found = reveals.no_change_recall(stage)
    assert found.verdict == verdict, found.sentence
    if recall:
        assert f"{sum(r > 0.5 for r in recall)} of {len(recall)} models" in found.sentence  # 0.5 is not 1.1 times 0.46


def test_the_average_holds_where_mean_and_median_differ_clearly(random_benchmark):
    often, never = np.full(60, 1.0), np.full(60, 1.5)
    often[::4] = 8
    jitter = 1e-3 * np.random.default_rng(0).normal(size=60)
    give = lambda view: table({"good": often + jitter, "poor": never}, how=view.avg)  # noqa: E731
    view = View(metric="rmse")
    stage = Played(Evaluation(random_benchmark()), view, view.with_(avg="median"), give=give)
    found = reveals.averages(stage)
    assert found.verdict == "holds", found.sentence
    assert "poor is clearly ahead of good by the mean and clearly behind it by the median" in found.sentence


def test_every_grade_has_its_words():
    for item in LESSONS:
        assert list(item.criterion) == ["holds", "partly", "not here"] and all(item.criterion.values())
