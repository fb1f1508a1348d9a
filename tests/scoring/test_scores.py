"""The chain from benchmark to score table: alignment, needs, many settings at once, reasons."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from perturbviz.analyses.interactions import EmpiricalNull
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE, nonadditive
from perturbviz.metrics.nonadditive.per_data_set import ranked
from perturbviz.metrics.weighted import de_weights
from perturbviz.panels.captions import predicted_by
from perturbviz.scoring import prepared as scoring
from perturbviz.scoring.additivity import interaction_null
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import COLUMNS, score, score_many, score_view
from perturbviz.scoring.validity import metric_problem, reference_problem
from perturbviz.scoring.view import View


def all_settings(parameters: bool = True) -> list[tuple[str, str]]:
    names = []
    for name, metric in CATALOGUE.items():
        choices = metric.card.parameter.choices if metric.card.parameter and parameters else ()
        names += [(m, metric.card) for m in (name, *(f"{name}@{c}" for c in choices))]
    return [
        (m, r) for m, card in names for r in (("control", "perturbation") if card.reference == "delta" else ("none",))
    ]


@pytest.fixture
def rich(random_benchmark):
    """With DE layers, a method that predicts some rows only and one that lacks a gene."""
    b = random_benchmark()
    rng = np.random.default_rng(3)
    partial, gap = np.array(b.prediction("good", "")), np.array(b.prediction("good", ""))
    partial[-4:] = np.nan
    gap[-2, 3] = np.nan
    b = b.with_predictions("partial", "Partial", {"": partial}).with_predictions("gap", "Gap", {"": gap})
    b.adata.layers["de_score"] = rng.normal(size=b.adata.shape).astype(np.float32)
    b.adata.layers["de_padj"] = rng.uniform(0, 0.2, b.adata.shape).astype(np.float32)
    b.adata.layers["se"] = rng.uniform(0.01, 0.1, b.adata.shape).astype(np.float32)
    return Benchmark.from_adata(b.adata)


@pytest.mark.parametrize(
    "subset", [GeneSubset("all"), GeneSubset("expressed", 20), GeneSubset("own", own=("g7", "g3", "g1", "g9"))]
)
def test_many_settings_at_once_equal_one_by_one(rich, subset):
    settings = all_settings()
    together, evaluation = score_many(Evaluation(rich), settings, subset), Evaluation(rich)
    assert list(together) == settings
    for metric, reference in settings:
        alone = score(evaluation, metric, reference, subset)
        same = together[metric, reference]
        np.testing.assert_array_equal(same.values, alone.values)
        assert (same.reasons, same.note, same.genes, same.reference) == (
            alone.reasons,
            alone.note,
            alone.genes,
            alone.reference,
        )
        np.testing.assert_array_equal(same.n_genes, alone.n_genes)


def test_subsets_that_differ_between_perturbations(rich):
    settings = [s for s in all_settings() if not CATALOGUE[s[0].partition("@")[0]].card.shared_genes]
    subset = GeneSubset("de", 12, targets=False)
    together = score_many(Evaluation(rich), settings, subset)
    for setting in settings:
        np.testing.assert_array_equal(together[setting].values, score(Evaluation(rich), *setting, subset).values)


@pytest.mark.parametrize("chunk", [1, 100, 400])
def test_pieces_make_no_difference(rich, chunk, monkeypatch):
    settings = all_settings(parameters=False)
    whole = score_many(Evaluation(rich), settings)
    monkeypatch.setattr(scoring, "CHUNK", chunk)
    for subset, wanted in ((settings, whole), ([("mse", "none"), ("pearson_delta", "control")], whole)):
        for setting, result in score_many(Evaluation(rich), subset).items():
            np.testing.assert_allclose(result.values, wanted[setting].values, rtol=1e-9, atol=1e-12)


def test_order_of_rows_and_genes_in_the_file_does_not_matter(rich):
    rng = np.random.default_rng(0)
    rows, genes = rng.permutation(rich.adata.n_obs), rng.permutation(rich.adata.n_vars)
    shuffled = Evaluation(Benchmark.from_adata(rich.adata[rows][:, genes].copy()))
    for setting, result in score_many(Evaluation(rich), all_settings()).items():
        other = score(shuffled, *setting)
        keys = ["seed", "perturbation"]
        at = result.rows[keys].merge(other.rows[keys].reset_index(), on=keys)["index"].to_numpy()
        np.testing.assert_allclose(other.values[:, at], result.values, rtol=1e-6, atol=1e-9, err_msg=str(setting))


def test_rows_in_any_order(rich):
    evaluation = Evaluation(rich)
    rows = np.random.default_rng(1).permutation(len(evaluation.rows))
    for metric in ("mse", "centroid_accuracy", "wmse"):
        whole, mixed = score(evaluation, metric), score(evaluation, metric, rows=rows)
        np.testing.assert_allclose(mixed.values, whole.values[:, rows], rtol=1e-12)
        assert list(mixed.rows["perturbation"]) == list(whole.rows["perturbation"].iloc[rows])


def test_candidates_are_among_the_scored_rows(rich):
    evaluation = Evaluation(rich)
    assert np.isnan(score(evaluation, "centroid_accuracy", rows=np.array([0])).values).all()
    two = score(evaluation, "centroid_accuracy", methods=["good"], rows=np.array([0, 1])).values
    assert set(two.ravel()) <= {0.0, 1.0}


# -- reasons -------------------------------------------------------------------------------------------------------
def test_reasons_say_what_is_true(rich):
    evaluation = Evaluation(rich)  # 15 rows of seed 1 (last four not in "partial") and 14 of seed 2 (last three)
    reasons = score(evaluation, "pearson_delta", "control").reasons
    assert set(reasons) == {"partial", "gap", "no_change"}
    assert reasons["partial"] == "undefined for 7 of 29: not predicted"
    assert reasons["gap"] == "undefined for 2 of 29: a gene is missing in the prediction"
    assert reasons["no_change"] == "undefined: it is the reference, so its predicted change is zero everywhere"
    assert "it is the reference" in score(evaluation, "cosine", "perturbation").reasons["mean"]
    assert score(evaluation, "mse").reasons.keys() == {"partial", "gap"}
    none = score(evaluation, "mse", methods=["partial"], rows=np.arange(11, 15))
    assert none.reasons == {"partial": "undefined: it predicts none of these perturbations"}


def test_reasons_are_counted_where_there_are_several(rich):
    rich.adata.layers["de_score"][-3] = np.nan  # one row of each seed, not predicted by "partial" anyway
    rich.adata.layers["de_score"][-6] = np.nan
    reasons = score(Evaluation(rich), "wmse").reasons
    assert reasons["good"] == "undefined for 4 of 29: the data set holds no DE scores for it"
    assert reasons["partial"] == "undefined for 9 of 29: not predicted (7); the data set holds no DE scores for it (2)"


def test_every_undefined_value_has_a_reason(rich):
    for setting, result in score_many(Evaluation(rich), all_settings()).items():
        undefined = {m for m, v in zip(result.methods, result.values, strict=True) if np.isnan(v).any()}
        assert undefined == set(result.reasons), setting


def test_a_context_without_control_is_said(make_benchmark):
    b = make_benchmark(
        np.random.default_rng(0).normal(size=(4, 5)),
        ["A", "B", "A", "B"],
        contexts=["u", "u", "v", "v"],
        control={"u": np.ones(5)},
        predictions={"m": np.random.default_rng(1).normal(size=(4, 5))},
        split=["test"] * 4,
    )
    result = score(Evaluation(b), "pearson_delta", "control", methods=["m"])
    assert list(np.isnan(result.values[0])) == [False, False, True, True]
    assert result.reasons["m"] == "undefined for 2 of 4: the control mean of its context is not known"


# -- weights -------------------------------------------------------------------------------------------------------
def test_weights_are_defined_over_all_genes_then_restricted(rich):
    evaluation, genes = Evaluation(rich), ("g7", "g3", "g1", "g9")
    at = rich.genes.get_indexer(list(genes))
    result = score(evaluation, "wmse", subset=GeneSubset("own", own=genes), methods=["good"])
    rows = evaluation.rows["obs"].to_numpy()
    weights = de_weights(rich.adata.layers["de_score"][rows])[:, at]
    squared = (evaluation.truth()[:, at] - evaluation.prediction("good")[:, at]) ** 2
    np.testing.assert_allclose(result.values[0], (weights * squared).sum(axis=1) / weights.sum(axis=1), rtol=1e-6)
    assert result.note.startswith("Genes weighted by the data set's DE scores")


def test_effect_size_weights_say_that_they_are_not_millers(random_benchmark):
    b = random_benchmark()
    result = score(Evaluation(b), "wmse", methods=["good"])
    rows = Evaluation(b).rows["obs"].to_numpy()
    change = b.truth[rows].astype(float) - b.control("c")
    squared = (Evaluation(b).truth() - Evaluation(b).prediction("good")) ** 2
    np.testing.assert_allclose(result.values[0], (de_weights(change) * squared).sum(axis=1), rtol=1e-9)
    assert "|observed − control mean|" in result.note and "not Miller" in result.note


def test_half_truth_takes_the_weights_of_its_half_only(random_benchmark):
    b = random_benchmark()
    rng = np.random.default_rng(0)
    b.adata.layers["half_a"] = b.adata.layers["half_b"] = b.truth.copy()
    b.adata.layers["de_score"] = rng.normal(size=b.adata.shape).astype(np.float32)
    half = Evaluation(b, truth_from="half_a")
    assert "not Miller" in score(half, "wmse").note  # scores of all cells have seen the other half
    b.adata.layers["de_score_a"] = rng.normal(size=b.adata.shape).astype(np.float32)
    half, whole = Evaluation(b, truth_from="half_a"), Evaluation(b)
    assert "DE scores" in score(half, "wmse").note
    assert not np.allclose(score(half, "wmse").values, score(whole, "wmse").values)
    b.adata.layers["de_padj"] = np.full(b.adata.shape, 0.01, np.float32)
    with pytest.raises(UserError, match="half of the cells"):
        score(half, "precision_at_k")


# -- interactions --------------------------------------------------------------------------------------------------
@pytest.fixture
def screen(random_benchmark):
    """105 doubles x 60 genes with noise around additive and a few large deviations."""
    b = random_benchmark(n_single=15, n_genes=60, predictions=None)
    rng = np.random.default_rng(4)
    truth = b.truth.astype(float).copy()
    at = {c: i for i, c in enumerate(b.conditions)}
    for name, i in at.items():
        if "+" in name:
            first, second = name.split("+")
            truth[i] = truth[at[first]] + truth[at[second]] - b.control("c") + 0.1 * rng.normal(size=60)
    planted = (b.n_perturbed == 2)[:, None] & (rng.random(truth.shape) < 0.03)
    truth[planted] += 2.0
    adata = b.adata.copy()
    adata.X = truth.astype(np.float32)
    b = Benchmark.from_adata(adata)
    return b.with_predictions("perfect", "Perfect", {"": truth}), planted


def test_what_metrics_share_is_computed_once_a_prediction(screen, monkeypatch):
    asked = []
    monkeypatch.setattr(nonadditive, "ranked", lambda *arrays: asked.append(0) or ranked(*arrays))
    names = ["average_precision", "auroc", "nonadditive_recall@100", "nonadditive_recall@500"]
    evaluation = Evaluation(screen[0])
    found = score_many(evaluation, [(m, "none") for m in names])
    assert len(asked) == len(evaluation.methods) * 2  # seeds
    for name in names:
        np.testing.assert_array_equal(found[name, "none"].values, score(evaluation, name).values)


def test_interaction_metrics_find_planted_deviations(screen):
    b, planted = screen
    evaluation = Evaluation(b)
    null = interaction_null(evaluation, GeneSubset("all"))
    assert isinstance(null, EmpiricalNull) and null.n == 105 * 60  # every double once, not once a seed
    assert null is interaction_null(evaluation, GeneSubset("all"))
    assert 0.15 < null.upper < 2
    result = score(evaluation, "average_precision")
    assert list(result.rows["perturbation"]) == ["*", "*"] and list(result.rows["seed"]) == ["1", "2"]
    values = dict(zip(result.methods, result.values, strict=True))
    assert (values["perfect"] == 1).all() and (values["no_change"] < 0.3).all()
    assert (
        np.isnan(values["additive"]).all()
        and result.reasons["additive"] == "undefined: by definition it predicts no interaction"
    )
    np.testing.assert_allclose(values["half_sum"], values["no_change"], atol=1e-3)  # the same order
    assert f"{null.upper:.3f}" in result.note and "local fdr of 5%" in result.note
    held = evaluation.rows["obs"][evaluation.rows["seed"] == "1"].to_numpy()
    n = int(planted[held].sum())
    recall = score(evaluation, f"nonadditive_recall@{n}", methods=["perfect"]).values[0, 0]
    assert recall > 0.9


def test_too_few_pairs_for_a_threshold_are_undefined_with_the_reason(make_benchmark):
    truth = np.random.default_rng(0).normal(size=(3, 20))
    b = make_benchmark(truth, ["A", "B", "A+B"], control=np.zeros(20), predictions={"m": truth + 0.1})
    result = score(Evaluation(b), "nonadditive_recall", methods=["m"])
    assert np.isnan(result.values).all()
    assert "no threshold could be fitted" in result.reasons["m"] and "200" in result.reasons["m"]


def test_evaluating_singles_has_no_combination_to_look_at(screen):
    result = score(Evaluation(screen[0], ("train",)), "auroc", rows=np.arange(5), methods=["perfect"])
    assert np.isnan(result.values).all() and "no combination" in result.reasons["perfect"]


# -- what is refused -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("metric", "space", "conditions", "says"),
    [
        ("pearson", "delta", ["A", "B", "A+B"], "Use Pearson delta"),
        ("precision_at_k", "lognorm", ["A", "B", "A+B"], "adjusted p-values"),
        ("de_overlap@significant", "lognorm", ["A", "B", "A+B"], "DE overlap .significant. needs adjusted"),
        ("auroc", "lognorm", ["A", "B", "C"], "only meaningful for double"),
        ("auroc", "lognorm", ["A+B", "B+C", "A+C"], "no singles"),
        ("auroc", "signed_logp", ["A", "B", "A+B"], "do not add up"),
    ],
)
def test_metrics_a_benchmark_cannot_serve(make_benchmark, metric, space, conditions, says):
    b = make_benchmark(np.eye(3), conditions, control=np.zeros(3), space=space, split=["test"] * 3)
    with pytest.raises(UserError, match=says):
        score(Evaluation(b), metric)
    assert metric_problem(metric, b) and not metric_problem("mse", b)


def test_without_control(make_benchmark):
    b = make_benchmark(np.eye(3), ["A", "B", "C"], split=["train", "test", "test"], predictions={"m": np.eye(3)})
    for metric in ("pds@cosine", "perturbench_rank@cosine"):
        assert "control mean" in metric_problem(metric, b)
    assert not metric_problem("pds", b) and not metric_problem("wmse", b)
    assert "perturbation mean" in score(Evaluation(b), "wmse").note
    assert "control mean" in reference_problem("pearson_delta", "control", b)
    assert not reference_problem("pearson_delta", "perturbation", b)


def test_a_metric_of_changes_without_reference_names_its_twin(rich):
    with pytest.raises(UserError, match="Its plain twin is pearson"):
        score(Evaluation(rich), "pearson_delta", "none")
    with pytest.raises(UserError, match="no reference 'mean'; there are: none, control, perturbation"):
        score(Evaluation(rich), "pearson_delta", "mean")
    assert score(Evaluation(rich), "mse", "control").reference == "none"


@pytest.mark.parametrize("metric", [n for n, m in CATALOGUE.items() if m.card.shared_genes])
def test_comparing_perturbations_needs_shared_genes(rich, metric):
    for subset in (GeneSubset("de", 5), GeneSubset("all", targets=False)):
        with pytest.raises(UserError, match="from one perturbation to the next"):
            score(Evaluation(rich), metric, subset=subset)


# -- the table -----------------------------------------------------------------------------------------------------
def test_frame_and_selection(rich):
    result = score(Evaluation(rich), "mse", subset=GeneSubset("expressed", 20))
    frame = result.to_frame()
    assert list(frame.columns) == COLUMNS and len(frame) == result.values.size
    assert set(frame["genes"]) == {"expressed:20"} and set(frame["n_genes"]) == {20}
    line = frame[(frame["method"] == "poor") & (frame["seed"] == "2")].iloc[3]
    at = result.rows.query("seed == '2'").index[3]
    assert line["value"] == result.values[result.methods.index("poor"), at]
    few = result.select(["poor", "partial"], np.arange(5))
    assert few.methods == ("poor", "partial") and few.values.shape == (2, 5) and set(few.reasons) == {"partial"}
    np.testing.assert_array_equal(few.values[0], result.values[result.methods.index("poor"), :5])


def test_a_view_is_scored_on_what_every_shown_method_predicts(rich):
    evaluation, view = Evaluation(rich), View(genes="all")
    assert len(score_view(evaluation, view).rows) == 22
    assert len(score_view(evaluation, view.with_(rows="own")).rows) == 29
    without = score_view(evaluation, view.with_(show=("good", "poor")))
    assert without.methods == ("good", "poor") and len(without.rows) == 29
    assert set(score_view(evaluation, view.with_(seed="2")).rows["seed"]) == {"2"}
    assert len(score_view(evaluation, view.with_(size="singles")).rows) == 0


@pytest.fixture
def partial(make_benchmark) -> Evaluation:
    """Eight perturbations: a predicts the first five, b the last five, c the first two, d none, e the last two."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(9, 6))
    first, last = {"a": 5, "c": 2}, {"b": 5, "e": 2}
    predictions = {m: np.full(truth.shape, np.nan) for m in "abcde"}
    for method, n in first.items():
        predictions[method][1 : 1 + n] = truth[1 : 1 + n] + 0.1
    for method, n in last.items():
        predictions[method][-n:] = truth[-n:] + 0.1
    names = ["ctrl", *(f"g{i}" for i in range(8))]
    benchmark = make_benchmark(truth, names, control=truth[0], predictions=predictions, split=["train"] + ["test"] * 8)
    return Evaluation(benchmark)


def test_what_every_shown_method_predicts_does_not_depend_on_their_order(partial):
    view = View(metric="l2", rows="common")
    for order in itertools.permutations("abd"):
        scores = score_view(partial, view, list(order))
        assert list(scores.rows["perturbation"]) == ["g3", "g4"]
        assert predicted_by(scores) == "predicted by every shown method but d (no prediction)"
    assert predicted_by(score_view(partial, view, ["a", "b"])) == "predicted by every shown method"


def test_where_no_perturbation_is_predicted_by_every_method_it_is_said(partial):
    for order in itertools.permutations("ce"):
        with pytest.raises(UserError, match=r"^No perturbation is predicted by every shown method\.$"):
            score_view(partial, View(metric="l2", rows="common"), list(order))
    assert len(score_view(partial, View(metric="l2", rows="own"), ["c", "e"]).rows) == 8
    assert np.isnan(score_view(partial, View(metric="l2", rows="common"), ["d"]).values).all()
