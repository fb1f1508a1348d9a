from threading import Event

import numpy as np
import pandas as pd
import pytest

from perturbviz.analyses.all_views import (
    Setting,
    SplitChoice,
    SweepCancelled,
    default_metrics,
    split_choices,
    sweep,
    sweep_frame,
)
from perturbviz.analyses.all_views.formulas import FORMULAS
from perturbviz.metrics import CATALOGUE
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import COLUMNS, score, score_view
from perturbviz.scoring.view import SPLITS, View
from perturbviz.stats import average
from tests.analyses.all_views.builders import random_benchmark

SIZES = (1, 2, 5, 13, 21, 22, 23)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)


def quick_metrics():
    """Every metric but those whose threshold is fitted to each gene subset, which takes seconds."""
    return [m for m in default_metrics() if CATALOGUE[m.partition("@")[0]].card.family != "non-additive effects"]


def view_of(setting, choice, how):
    s = setting.subset
    ref = setting.reference if setting.reference != "none" else "control"
    return View(
        metric=setting.metric,
        ref=ref,
        genes=s.kind,
        n=s.n,
        targets=s.targets,
        split=choice.split,
        seed=choice.seed,
        avg=how,
    )


@pytest.mark.parametrize(("space", "seed"), [("lognorm", 0), ("lognorm", 1), ("delta", 2)])
def test_a_random_tenth_of_all_views_equals_direct_evaluation(seed, space):
    benchmark = random_benchmark(seed, space=space)
    evaluation = {name: Evaluation(benchmark, SPLITS[name]) for name in ("held-out", "test")}
    found = sweep(evaluation["held-out"], metrics=quick_metrics(), sizes=SIZES, direct_sizes=(3, 23), threads=2)
    rng = np.random.default_rng(seed)
    undefined = 0
    for i in rng.choice(len(found.settings), len(found.settings) // 10, replace=False):
        s = rng.integers(len(found.splits))
        choice = found.splits[s]
        direct = score_view(evaluation[choice.split], view_of(found.settings[i], choice, "mean"))
        for h, how in enumerate(found.hows):
            close(found.scores[i, s, h], average(direct.values, how))
        undefined += np.isnan(found.scores[i]).sum()
    assert undefined > 0  # undefined views are among them


@pytest.mark.parametrize("metric", sorted(FORMULAS))
def test_values_of_every_sum_metric_equal_direct_evaluation(metric):
    if metric not in CATALOGUE:
        pytest.skip("not in the catalogue")
    evaluation = Evaluation(random_benchmark(9, contexts=1))
    found = sweep(evaluation, metrics=[metric], sizes=SIZES, base=View(rows="own"))
    assert found.settings
    for setting in found.settings:
        direct = score(evaluation, metric, setting.reference, setting.subset)
        close(found.values(setting), direct.values)


def test_the_reference_itself_is_undefined_at_every_number_of_genes():
    found = sweep(Evaluation(random_benchmark(1)), metrics=["pearson_delta", "cosine"], sizes=SIZES)
    against_control = [i for i, s in enumerate(found.settings) if s.reference == "control"]
    assert against_control
    for method in ("flat", "no_change"):
        assert np.isnan(found.scores[against_control][..., found.methods.index(method)]).all()


def test_a_missing_target_gene_spoils_only_subsets_that_contain_it():
    benchmark = random_benchmark(2, contexts=1)
    name = benchmark.conditions[8]
    evaluation = Evaluation(benchmark)
    rows = np.flatnonzero(evaluation.rows["perturbation"] == name)
    if not len(rows) or "g0" not in name.split("+"):
        pytest.fail("the ninth perturbation should be held out and have g0 as a target")
    found = sweep(evaluation, metrics=["mse"], sizes=SIZES, base=View(rows="own"))
    gappy = found.methods.index("gappy")
    assert np.isnan(found.values(Setting("mse", "none", GeneSubset("all")))[gappy, rows]).all()
    assert np.isfinite(found.values(Setting("mse", "none", GeneSubset("all", targets=False)))[gappy, rows]).all()


def test_splits_are_all_rows_each_seed_and_the_test_part():
    evaluation = Evaluation(random_benchmark(0))
    assert split_choices(evaluation) == (
        SplitChoice("held-out"),
        SplitChoice("held-out", "1"),
        SplitChoice("held-out", "2"),
        SplitChoice("test"),
    )
    assert split_choices(Evaluation(evaluation.benchmark, ("test",)))[0] == SplitChoice("test")


def test_score_of_a_view_is_looked_up():
    evaluation = Evaluation(random_benchmark(3))
    found = sweep(evaluation, metrics=["rmse", "spearman"], sizes=SIZES, direct_sizes=(5,))
    view = View(metric="rmse", genes="expressed", n=13, seed="2", avg="median")
    close(found.score_of(view), average(score_view(evaluation, view).values, "median"))
    close(found.score_of(view.with_(n=1000)), found.score_of(view.with_(genes="all")))
    assert found.score_of(view.with_(n=9)) is None
    assert found.score_of(view.with_(split="train")) is None


def test_frame_holds_what_direct_evaluation_gives():
    evaluation = Evaluation(random_benchmark(4))
    metrics = ["mse", "pearson_delta", "spearman", "gene_correlation"]
    told = []
    frames = list(sweep_frame(evaluation, metrics=metrics, sizes=(2, 8), direct_sizes=(8,), progress=told.append))
    table = pd.concat(frames)
    assert list(table.columns) == COLUMNS
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    assert not table.duplicated(COLUMNS[:-2]).any()
    for (metric, reference, genes), part in table.astype(object).groupby(["metric", "reference", "genes"]):
        kind, _, rest = genes.removesuffix("-targets").partition(":")
        subset = GeneSubset(kind, int(rest or 1000), not genes.endswith("-targets"))
        direct = score(evaluation, metric, reference, subset).to_frame()
        close(part["value"].astype(float), direct["value"])
        assert (part.drop(columns="value").to_numpy() == direct.drop(columns="value").to_numpy()).all()
    dtypes = {tuple(f.dtypes.astype(str)) for f in frames}
    assert len({d[:7] for d in dtypes}) == 1


def test_frame_in_groups_of_methods_is_the_same(monkeypatch):
    evaluation = Evaluation(random_benchmark(4))
    arguments = {"metrics": ["mae", "cosine"], "sizes": (8,)}
    whole = pd.concat(sweep_frame(evaluation, **arguments)).astype(object)
    everything = sweep(evaluation, **arguments).scores
    import perturbviz.analyses.all_views.engine
    import perturbviz.analyses.all_views.frame

    for module in (perturbviz.analyses.all_views.engine, perturbviz.analyses.all_views.frame):
        monkeypatch.setattr(module, "method_groups", lambda e, methods, s: [methods[:2], methods[2:]])
    keys = COLUMNS[:-1]
    grouped = pd.concat(sweep_frame(evaluation, **arguments)).astype(object)
    pd.testing.assert_frame_equal(
        whole.sort_values(keys, ignore_index=True), grouped.sort_values(keys, ignore_index=True)
    )
    split = sweep(evaluation, **arguments)
    close(split.scores, everything)
    assert split.sums is None
    close(split.values(split.settings[0]), sweep(evaluation, **arguments).values(split.settings[0]))


def test_a_sweep_can_be_watched_and_cancelled():
    evaluation, told, stop = Evaluation(random_benchmark(5)), [], Event()
    sweep(evaluation, metrics=["mse", "spearman"], sizes=(8,), direct_sizes=(8,), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    stop.set()
    with pytest.raises(SweepCancelled):
        sweep(evaluation, cancel=stop)
