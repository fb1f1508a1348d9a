"""Rules of papers on made predictions whose verdict is known, on the demo and on two real screens."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.protocols import CHOICES, PAPERS, board, verdict
from perturbviz.analyses.protocols.switchboard import measure_of
from perturbviz.analyses.protocols.verdicts import compared, models_of
from perturbviz.benchmark import load as load_benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score
from perturbviz.stats import average

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"


@cache
def evaluation(name: str) -> Evaluation:
    if name == "demo":
        return Evaluation(load_benchmark(ROOT / "data" / "demo.h5ad"))
    file = SHARED / f"{name}_pseudobulk.npz"
    if not file.is_file():
        pytest.skip(f"{file.name} of ../shared/data is not here")
    return Evaluation(assemble(load(file))[0])


@pytest.fixture
def singles(make_benchmark):
    """Twelve training and forty held-out singles; a model near the truth, a copy of the mean, a poor one."""
    rng = np.random.default_rng(0)
    control, n = rng.gamma(2, 1, 60), 52
    shared = rng.normal(size=60)
    truth = np.vstack([control, control + shared + rng.normal(size=(n, 60))])
    mean = truth[1:13].mean(axis=0)
    predictions = {
        "near": truth + 0.1 * rng.normal(size=truth.shape),
        "copy": np.tile(mean, (n + 1, 1)),
        "poor": truth + 5 * rng.normal(size=truth.shape),
    }
    names = ["ctrl", *(f"P{i:02}" for i in range(n))]
    split = ["train"] * 13 + ["test"] * 40
    return Evaluation(make_benchmark(truth, names, control=control, split=split, predictions=predictions))


def test_papers_are_data_that_can_be_read():
    assert len(PAPERS) == 8
    for paper in PAPERS.values():
        assert paper.measures and paper.concludes and paper.average and paper.source
        for measure in paper.measures:
            card = parse_metric(measure.metric)[0].card
            assert (card.reference == "delta") == (measure.reference != "none"), (paper.id, measure)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_near_model_is_better_and_a_poor_one_is_not(singles, paper):
    found = verdict(PAPERS[paper], singles)
    assert found.models == ("copy", "near", "poor")
    assert found.holds and "near" in found.better
    if paper not in ("systema", "vcc-2025", "vcc-2026", "miller"):  # correlation and retrieval forgive noise
        assert "poor" not in found.better
    if paper != "vcc-2025":  # cut off at 0, so that rounding above the mean counts
        assert "copy" not in found.better


@pytest.mark.parametrize("paper", PAPERS)
def test_where_all_models_are_poor_no_rule_that_asks_for_errors_finds_a_better_one(singles, paper):
    b = singles.benchmark.without_method("near")
    found = verdict(PAPERS[paper], Evaluation(b))
    if paper in ("ahlmann-eltze", "perturbench", "scperturbench"):
        assert found.holds is False and found.better == ()


def test_ahlmann_eltze_on_doubles_is_the_mean_error_against_additive():
    e = evaluation("demo")
    found = verdict(PAPERS["ahlmann-eltze"], e)
    assert found.baseline == "additive" and found.holds is False
    scores = score(e, "l2", "none", PAPERS["ahlmann-eltze"].measures[0].subset(e), ["additive", *found.models])
    mean = dict(zip(scores.methods, average(scores.values, "mean"), strict=True))
    lines = found.lines.set_index("method")
    for model in found.models:
        assert lines.loc[model, "score"] == pytest.approx(mean[model], rel=1e-9)
        assert lines.loc[model, "better"] == (mean[model] < mean["additive"])


def test_the_paired_test_is_bonferroni_corrected(singles):
    scores = score(singles, "mse", methods=["near", "poor", "mean"])
    one, many = (compared(scores, ["near", "poor"], "mean", "paired", n).set_index("method")["p"] for n in (1, 7))
    np.testing.assert_allclose(many, np.minimum(1, 7 * one))
    assert one["near"] < 1e-6 and one["poor"] > 0.99


def test_a_paper_says_what_it_cannot_compute():
    left = dict(verdict(PAPERS["vcc-2026"], evaluation("norman")).left_out)
    assert "needs standard errors" in left["nMSE"] and "adjusted p-values" in left["NMAE vs control"]


def test_without_models_the_simple_combinations_are_judged():
    e = evaluation("norman")
    assert models_of(e, "additive") == ("half_sum",) and models_of(e, "mean") == ("additive", "half_sum")
    assert verdict(PAPERS["ahlmann-eltze"], e).better == ("half_sum",)  # L2 17.2 against 19.3


# -- the switchboard --------------------------------------------------------------------------------------------------
def test_every_setting_has_an_outcome_and_the_ends_are_the_papers():
    found = board(evaluation("demo"))
    assert len(found.outcomes) == 2 ** len(CHOICES) and not found.missing
    first, last = found.ends
    assert (first.flipped, last.flipped) == (frozenset(), frozenset(CHOICES))
    assert measure_of(first.flipped).metric == "l2" and measure_of(last.flipped).metric == "weighted_pearson_delta"
    assert first.holds is verdict(PAPERS["ahlmann-eltze"], evaluation("demo")).holds is False
    assert last.holds is True
    for end in found.ends:
        assert found.deciding(end) == ["test"]  # whom one compares with decides
        for choice, other in found.singly(end).items():
            assert other.flipped ^ end.flipped == {choice}


@pytest.mark.parametrize(
    ("name", "from_first", "missing"),
    [("norman", ["centring", "weighting"], {"positive"}), ("carpool_thp1", ["centring", "weighting"], set())],
)
def test_one_choice_turns_the_verdict_on_real_screens(name, from_first, missing):
    found = board(evaluation(name))
    first, last = found.ends
    assert set(found.missing) == missing
    assert first.better == ("half_sum",) and found.deciding(first) == from_first
    assert set(last.better) == {"additive", "half_sum"} and found.deciding(last) == ["test"]


def test_nothing_to_compare_is_one_sentence(make_benchmark):
    e = Evaluation(
        make_benchmark(np.ones((3, 4)), ["A", "B", "C"], split=["test"] * 3, predictions={"m": np.ones((3, 4))})
    )
    with pytest.raises(UserError, match="need models and a baseline"):
        board(e)
    assert verdict(PAPERS["miller"], e).holds is None
