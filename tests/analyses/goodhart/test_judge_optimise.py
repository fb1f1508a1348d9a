"""Arrays get the scores of methods; partitions share no perturbation; the optimiser climbs and keeps to its time."""

from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.goodhart import Arena, Knobs
from perturbviz.analyses.goodhart.effects import (
    better,
    changes,
    effects,
    empty_scores,
    on_scale,
    opening_target,
    other_families,
    ranks_with,
    scale_for,
    score_table,
)
from perturbviz.analyses.goodhart.optimise import optimise
from perturbviz.analyses.goodhart.partition import partition
from perturbviz.benchmark import load
from perturbviz.errors import UserError
from perturbviz.scoring import prepared as scoring
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.prepared import Prepared
from perturbviz.scoring.scores import score_many
from perturbviz.scoring.validity import offered_pairs


@pytest.mark.parametrize(
    "subset",
    [GeneSubset("all"), GeneSubset("expressed", 12), GeneSubset("de", 8), GeneSubset("all", targets=False)],
    ids=lambda s: s.key,
)
@pytest.mark.parametrize("kept", [10**9, 1], ids=["kept", "gathered"])
def test_arrays_get_the_scores_of_methods(random_benchmark, monkeypatch, subset, kept):
    monkeypatch.setattr(scoring, "KEPT", kept)
    evaluation = Evaluation(random_benchmark())
    evaluation.benchmark.adata.layers["pred__good"][9] = np.nan  # a row that is not predicted
    evaluation.benchmark.adata.layers["pred__good"][11, 3] = np.nan  # a gene that is missing
    evaluation = Evaluation(type(evaluation.benchmark).from_adata(evaluation.benchmark.adata))
    settings = offered_pairs(evaluation, subset)
    rows = np.arange(len(evaluation.rows))[1::2]
    prepared = Prepared(evaluation, rows, tuple(settings), subset)
    for method in ("good", "additive", "no_change"):
        expected = score_many(evaluation, settings, subset, [method], rows)
        found = prepared.values(evaluation.prediction(method, rows))
        for setting in settings:
            np.testing.assert_allclose(
                found[setting], expected[setting].values[0], rtol=1e-9, atol=1e-12, err_msg=str(setting)
            )


def _split(benchmark, part):
    adata = benchmark.adata.copy()
    del adata.obs["split__2"]
    doubles = np.flatnonzero(benchmark.n_perturbed == 2)
    split = np.array(benchmark.splits["1"], object)
    split[doubles] = part(len(doubles))
    adata.obs["split__1"] = split
    return Evaluation(type(benchmark).from_adata(adata))


def test_partition_uses_validation_rows_or_halves_by_name(random_benchmark):
    with_val = _split(random_benchmark(), lambda n: np.where(np.arange(n) % 2, "val", "test"))
    p = partition(with_val, np.arange(len(with_val.rows)))
    part = with_val.benchmark.splits["1"][with_val.rows["obs"]]
    assert set(part[p.tune["1"]]) == {"val"}
    assert set(part[p.report["1"]]) == {"test"}
    assert "validation" in p.how

    without = _split(random_benchmark(8), lambda n: np.full(n, "test"))
    p = partition(without, np.arange(len(without.rows)))
    assert "no validation" in p.how
    assert "hash" in p.how
    names = without.rows["perturbation"].to_numpy()
    assert not set(names[p.tune["1"]]) & set(names[p.report["1"]])
    assert len(p.tune["1"]) + len(p.report["1"]) == len(names)
    fewer = partition(without, np.arange(len(without.rows)), most=5)
    assert {len(fewer.tune["1"]), len(fewer.report["1"])} == {5}

    with pytest.raises(UserError, match="at least 4"):
        partition(without, np.arange(5))


def test_the_optimiser_undoes_a_shrinking_and_reports_elsewhere(random_benchmark):
    evaluation = _split(random_benchmark(8), lambda n: np.full(n, "test"))
    b = evaluation.benchmark
    tiny = b.control("c") + 0.4 * (b.adata.layers["pred__good"] - b.control("c"))
    evaluation = Evaluation(b.with_predictions("tiny", "Tiny", {"": tiny}))
    parts = partition(evaluation, np.arange(len(evaluation.rows)))
    seen = []
    found = optimise(
        evaluation,
        "tiny",
        ("mse", "none"),
        GeneSubset("all"),
        parts,
        names=("amplify",),
        seconds=5,
        progress=lambda share, text: seen.append(share),
    )
    assert found.complete
    assert seen[-1] == 1.0
    (tuned,) = found.seeds
    assert tuned.knobs.amplify == pytest.approx(2.5 * 0.9, rel=0.15)  # 1 / 0.4, a little less for the noise in it
    assert tuned.knobs.turned == ("amplify",)
    assert tuned.report[1] < tuned.report[0]
    assert (np.diff(tuned.path) >= 0).all()
    prepared = Prepared(evaluation, parts.report[tuned.seed], (("mse", "none"),), GeneSubset("all"))
    arena = Arena(evaluation, "tiny", parts.report[tuned.seed])
    assert prepared.averages(arena.transform(tuned.knobs))["mse", "none"] == pytest.approx(tuned.report[1])


def test_the_optimiser_keeps_to_its_time_and_its_knobs(random_benchmark):
    evaluation = _split(random_benchmark(8), lambda n: np.full(n, "test"))
    parts = partition(evaluation, np.arange(len(evaluation.rows)))
    found = optimise(evaluation, "good", ("mse", "none"), GeneSubset("all"), parts, seconds=0.0)
    assert not found.complete
    assert found.seeds[0].knobs == Knobs()
    with pytest.raises(UserError, match="permit others"):
        optimise(evaluation, "good", ("mse", "none"), GeneSubset("all"), parts, names=())


def test_tuning_never_sees_the_rows_reported_on(random_benchmark):
    evaluation = _split(random_benchmark(8), lambda n: np.full(n, "test"))
    rows = np.arange(len(evaluation.rows))
    parts = partition(evaluation, rows)
    adata = evaluation.benchmark.adata.copy()
    adata.X[evaluation.rows["obs"].to_numpy()[parts.reported]] *= -2
    changed = Evaluation(type(evaluation.benchmark).from_adata(adata))
    for setting in (("mse", "none"), ("pds", "none"), ("pearson_delta", "control")):
        a, b = (optimise(e, "poor", setting, GeneSubset("all"), parts, seconds=20) for e in (evaluation, changed))
        assert a.complete
        assert b.complete
        assert a.knobs == b.knobs


# -- effects -------------------------------------------------------------------------------------------------------
def test_the_scale_runs_from_empty_to_perfect():
    assert on_scale(("mse", "none"), 0.0, 0.4) == 1.0
    assert on_scale(("mse", "none"), 0.4, 0.4) == 0.0
    assert on_scale(("mse", "none"), 0.6, 0.4) == pytest.approx(-0.5)
    assert on_scale(("pearson_delta", "control"), 0.9, 0.5) == pytest.approx(0.8)
    assert np.isnan(on_scale(("mse", "none"), np.nan, 0.4))
    assert better(("mse", "none"), 0.4, 0.3, 0.4) == 1
    assert better(("pearson_delta", "control"), 0.6, 0.5, 0.4) == -1
    assert better(("pearson_delta", "control"), 0.6, 0.6001, 0.4) == 0
    assert better(("pearson_delta", "control"), np.nan, 0.6, 0.4) == 0


def test_effects_and_ranks(random_benchmark):
    evaluation = Evaluation(random_benchmark())
    rows, settings = np.arange(len(evaluation.rows)), offered_pairs(evaluation, GeneSubset("all"))
    prepared = Prepared(evaluation, rows, settings, GeneSubset("all"))
    arena = Arena(evaluation, "good", rows)
    table = effects(prepared, arena.start, arena.transform(Knobs(amplify=4.0)))
    by = table.set_index(["metric", "reference"])
    assert by.loc[("mse", "none"), "change"] == -1
    assert by.loc[("pearson_delta", "control"), "change"] == 0
    np.testing.assert_allclose(by.loc[("mse", "none"), "before"], prepared.averages(arena.start)["mse", "none"])
    assert np.isfinite(
        empty_scores(prepared)["pearson_delta", "perturbation"]
    )  # of no change, where the mean is undefined

    methods = ("good", "poor", "additive")
    scores = score_table(prepared, methods)
    at = ranks_with(settings, scores.drop(index="good"), prepared.averages(arena.start)).loc["yours"]
    assert at[settings.index(("mse", "none"))] == 1
    assert not (
        ranks_with(settings, scores.drop(index="good"), dict.fromkeys(settings, np.nan)).loc["yours"] == 1
    ).any()


def test_where_there_is_no_replicate_the_scale_ends_at_perfect(random_benchmark):
    evaluation = Evaluation(random_benchmark())
    prepared = Prepared(evaluation, np.arange(4), (("mse", "none"),), GeneSubset("all"))
    scale = scale_for(prepared)
    assert (scale.prepared, scale.positive, scale.words) == (prepared, "", "a perfect prediction")


def test_the_calibrated_scale_is_one_at_the_replicate(random_benchmark):
    b = random_benchmark()
    rng = np.random.default_rng(1)
    halves = {f"half_{h}": (b.truth + 0.1 * rng.normal(size=b.truth.shape)).astype(np.float32) for h in "ab"}
    adata = b.adata.copy()
    adata.layers.update(halves)
    evaluation = Evaluation(type(b).from_adata(adata))
    rows = np.arange(len(evaluation.rows))
    prepared = Prepared(evaluation, rows, (("mse", "none"), ("pearson_delta", "control")), GeneSubset("all"))
    scale = scale_for(prepared)
    assert scale.positive
    replicate = halves["half_b"][evaluation.rows["obs"].to_numpy()]
    mean = evaluation.prediction("mean", rows)
    table = effects(prepared, mean, replicate, scale=scale)
    np.testing.assert_allclose(table["scaled_before"], 0, atol=1e-6)
    np.testing.assert_allclose(table["scaled_after"], 1, atol=1e-6)
    assert (table["change"] == 1).all()


def test_the_opening_target_shows_the_effect():
    """On the demo, from its first model, the target that the lab opens on harms more families than it helps."""
    evaluation = Evaluation(load(Path(__file__).parents[3] / "data" / "demo.h5ad"))
    subset, start = GeneSubset("expressed", 1000), evaluation.methods[0]
    settings = tuple(offered_pairs(evaluation, subset))
    target = opening_target(settings)
    assert target == ("pearson_delta", "control")
    parts = partition(evaluation, np.arange(len(evaluation.rows)))
    turned = ("amplify", "shift", "blend", "small", "positive")
    found = optimise(evaluation, start, target, subset, parts, names=turned, seconds=60)
    assert found.complete
    arena, prepared = Arena(evaluation, start, parts.reported), Prepared(evaluation, parts.reported, settings, subset)
    table = effects(prepared, arena.start, arena.transform(found.best.knobs))
    helped, harmed, _ = other_families(table, target)
    assert harmed > helped
    before, after = (prepared.averages(p) for p in (arena.start, arena.transform(found.best.knobs)))
    same = changes(before, after, empty_scores(prepared))
    assert other_families(same, target) == other_families(table, target)


def test_the_opening_target_gives_way_where_it_is_not_offered():
    assert opening_target((("mse", "none"), ("pds", "none"))) == ("pds", "none")
    assert opening_target((("mse", "none"), ("l2", "none"))) == ("mse", "none")
