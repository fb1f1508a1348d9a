"""What the cards of metrics claim holds on the demo and on two real screens: every claim that can be computed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from perturbviz.benchmark import load as load_benchmark
from perturbviz.catalogue import demo, demo_screen
from perturbviz.metrics import CATALOGUE
from perturbviz.metrics.spread import gene_correlations
from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve
from perturbviz.scoring.inputs import needed
from perturbviz.scoring.scores import score

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SETS = ("demo", "norman", "carpool_thp1")
F = {name: metric.function for name, metric in CATALOGUE.items()}
CARDS = {name: metric.card for name, metric in CATALOGUE.items()}


@cache
def evaluation(name: str) -> Evaluation:
    if name == "demo":
        return Evaluation(load_benchmark(ROOT / "data" / "demo.h5ad"))
    file = DATA / f"{name}_pseudobulk.npz"
    if not file.is_file():
        pytest.skip(f"{file.name} is not here")
    return Evaluation(assemble(load(file))[0])


class First:
    """The first split of a data set, rows that the additive model predicts: truth, references, predictions."""

    def __init__(self, name: str) -> None:
        self.name, e = name, evaluation(name)
        rows = np.flatnonzero(e.rows["block"] == 0)
        self.rows = rows[~np.isnan(e.prediction("additive", rows)).any(axis=1)]
        self.e, self.n = e, len(self.rows)
        self.y, self.control, self.mean = e.truth(self.rows), self.reference("control"), self.reference("perturbation")
        self.block = np.zeros(self.n, int)

    def reference(self, kind) -> np.ndarray:
        return self.e.reference(kind, self.rows)

    def predicted(self, method: str) -> np.ndarray:
        return self.e.prediction(method, self.rows)

    def overshooting(self) -> np.ndarray:
        """A prediction of changes that are too large: the sum on real data, the overconfident one of the demo."""
        return self.predicted("overconfident" if self.name == "demo" else "additive")

    def need(self, name: str) -> np.ndarray:
        (block,) = resolve(GeneSubset("all"), self.e, self.rows)
        return needed(name, self.e, block, GeneSubset("all")).value

    def retrieval(self, metric: str, prediction: np.ndarray) -> float:
        more = {"own_gene": np.full(self.n, -1)} if metric == "pds" else {}
        return F[metric](self.y, prediction, block=self.block, **more).mean()


@pytest.fixture(scope="module", params=SETS)
def data(request) -> First:
    return First(request.param)


# -- what saying nothing earns --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "expected"), [("norman", -3.063), ("carpool_thp1", -0.220), ("demo", -0.108)])
def test_saying_nothing_earns_less_than_the_average_change_by_r2(name, expected):
    values = score(evaluation(name), "r2_delta", "control", GeneSubset("de", 50), ["no_change"]).values
    assert np.nanmean(values) == pytest.approx(expected, rel=1e-2)
    assert np.nanmax(values) <= 0
    assert "average observed change given to every gene" in CARDS["r2_delta"].pro


def test_r2_of_the_average_change_given_to_every_gene_is_0(data):
    change = data.y - data.control
    flat = np.broadcast_to(change.mean(axis=1, keepdims=True), change.shape)
    np.testing.assert_allclose(F["r2_delta"](change, flat), 0, atol=1e-12)


def test_errors_of_no_change_are_the_size_of_the_observed_change(data):
    change = data.y - data.control
    np.testing.assert_allclose(F["l2"](data.y, data.control), np.linalg.norm(change, axis=1))
    np.testing.assert_allclose(F["mse"](data.y, data.control), np.square(change).mean(axis=1))
    np.testing.assert_allclose(F["mae"](data.y, data.control), np.abs(change).mean(axis=1))


def test_raw_correlations_are_near_1_for_no_change(data):
    if data.e.benchmark.value_space != "lognorm":
        pytest.skip("holds changes, where raw profiles are not defined")
    for metric in ("pearson", "spearman", "r2"):
        assert F[metric](data.y, data.control).mean() > 0.9, metric


@pytest.mark.parametrize("metric", ["pearson_delta", "cosine", "weighted_pearson_delta"])
def test_the_mean_earns_much_of_a_correlation_with_control_and_nothing_with_itself(data, metric):
    more = {"weights": data.need("weights")} if "weights" in CARDS[metric].needs else {}
    against_control = F[metric](data.y - data.control, data.mean - data.control, **more)
    assert np.nanmean(against_control) > 0.35
    assert np.isnan(F[metric](data.y - data.mean, np.zeros_like(data.y), **more)).all()


def test_a_constant_prediction_gets_chance_in_retrieval(data):
    n = data.n
    assert data.retrieval("centroid_accuracy", data.mean) == pytest.approx(0.5, abs=1e-9)
    assert data.retrieval("pds", data.mean) == pytest.approx((n + 1) / (2 * n), abs=1e-9)
    assert data.retrieval("perturbench_rank", data.mean) == pytest.approx((n - 1) / (2 * n), abs=1e-9)


def test_a_constant_prediction_does_not_vary_and_correlates_with_nothing(data):
    assert F["sd_ratio"](data.y, data.mean) == 0
    assert np.isnan(F["gene_correlation"](data.y, data.mean))


def test_a_random_order_finds_k_of_all_genes(data):
    change, g = data.y - data.control, data.y.shape[1]
    random = np.random.default_rng(0).normal(size=change.shape)
    assert np.nanmean(F["de_overlap"](change, random, k=50)) == pytest.approx(50 / g, rel=0.25)
    assert np.isnan(F["de_overlap"](change, np.zeros_like(change), k=50)).all()
    assert (F["direction_match"](change, np.zeros_like(change), k=50) == 0).all()


# -- blind to size: against control only ----------------------------------------------------------------------------
@pytest.mark.parametrize("metric", ["pearson_delta", "cosine", "weighted_pearson_delta"])
def test_blind_to_size_against_control_only(data, metric):
    half = data.predicted("half_sum") - data.control
    more = {"weights": data.need("weights")} if "weights" in CARDS[metric].needs else {}
    control = [F[metric](data.y - data.control, x * half, **more) for x in (0.5, 1, 2, 3)]
    for other in control[1:]:
        np.testing.assert_allclose(other, control[0], atol=1e-6)
    shift = data.control - data.mean
    mean = [np.nanmean(F[metric](data.y - data.mean, shift + x * half, **more)) for x in (0.5, 3)]
    assert abs(mean[1] - mean[0]) > 0.1
    assert "gainst control" in CARDS[metric].con.partition("lind to the size")[0]


def test_size_decides_a_correlation_against_the_mean_on_the_demo():
    d = First("demo")
    half = d.predicted("half_sum") - d.control
    control = [F["pearson_delta"](d.y - d.control, x * half).mean() for x in (0.5, 1, 2, 3)]
    mean = [F["pearson_delta"](d.y - d.mean, d.control + x * half - d.mean).mean() for x in (0.5, 1, 2, 3)]
    np.testing.assert_allclose(control, 0.810, atol=1e-3)
    np.testing.assert_allclose(mean, [-0.07, 0.33, 0.57, 0.57], atol=0.01)


def test_a_shift_of_all_genes_counts_for_the_cosine_alone(data):
    change, p = data.y - data.control, data.predicted("half_sum") - data.control
    np.testing.assert_allclose(F["pearson_delta"](change, p + 1), F["pearson_delta"](change, p), atol=1e-6)
    assert np.abs(F["cosine"](change, p + 1) - F["cosine"](change, p)).max() > 0.1


# -- gaming --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("metric", ["l2", "mse", "rmse", "mae"])
def test_shrinking_towards_the_mean_lowers_errors(data, metric):
    p = data.overshooting()
    assert F[metric](data.y, data.mean + 0.5 * (p - data.mean)).mean() < F[metric](data.y, p).mean()


@pytest.mark.parametrize("metric", ["centroid_accuracy", "pds"])
def test_amplifying_small_changes_raises_retrieval(data, metric):
    half = data.predicted("half_sum")
    assert data.retrieval(metric, data.control + 2 * (half - data.control)) > data.retrieval(metric, half)


def test_shrinking_large_changes_improves_the_rank_among_own_predictions(data):
    p = data.overshooting()
    shrunk = data.mean + 0.5 * (p - data.mean)
    assert data.retrieval("perturbench_rank", shrunk) < data.retrieval("perturbench_rank", p)


def test_moving_weak_perturbations_away_makes_the_rank_among_own_predictions_worse():
    d = First("demo")
    weakest, found = np.argsort(np.square(d.y - d.control).sum(axis=1)), []
    for share in (0, 0.1, 0.25, 0.5):
        moved = d.predicted("overconfident").copy()
        moved[weakest[: int(share * d.n)]] += 100
        found.append(d.retrieval("perturbench_rank", moved))
    np.testing.assert_allclose(found, [0.082, 0.145, 0.241, 0.375], atol=1e-3)
    assert "far away" not in CARDS["perturbench_rank"].gaming


def test_shrinking_weak_perturbations_raises_r2_where_they_overshoot(data):
    p, change = data.overshooting() - data.control, data.y - data.control
    weak = np.argsort(np.square(change).sum(axis=1))[: data.n // 4]
    shrunk = p.copy()
    shrunk[weak] *= 0.5
    assert F["r2_delta"](change, shrunk).mean() > F["r2_delta"](change, p).mean()


def test_the_usual_genes_and_the_usual_direction_beat_chance(data):
    change, usual = data.y - data.control, data.mean - data.control
    assert np.nanmean(F["de_overlap"](change, usual, k=50)) > 5 * 50 / data.y.shape[1]
    assert np.nanmean(F["direction_match"](change, 1e-3 * usual, k=50)) > 0.8


def test_multiplying_changes_multiplies_their_variation(data):
    p = data.predicted("half_sum")
    twice = data.control + 2 * (p - data.control)
    assert F["sd_ratio"](data.y, twice) == pytest.approx(2 * F["sd_ratio"](data.y, p), rel=1e-6)


# -- pros and cons -------------------------------------------------------------------------------------------------
def test_l2_grows_with_the_square_root_of_the_number_of_genes(data):
    some = slice(0, None, 4)
    ratio = F["l2"](data.y, data.control).mean() / F["l2"](data.y[:, some], data.control[:, some]).mean()
    assert ratio == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(("relative", "error"), [("r2_delta", "mse"), ("weighted_r2_delta", "wmse")])
def test_r2_of_change_orders_methods_within_a_perturbation_as_the_error_does(data, relative, error):
    more = {"weights": data.need("weights")} if "weights" in CARDS[error].needs else {}
    methods = [data.predicted(m) for m in ("mean", "additive", "half_sum")]
    by_r2 = np.array([F[relative](data.y - data.control, p - data.control, **more) for p in methods])
    by_error = np.array([F[error](data.y, p, **more) for p in methods])
    np.testing.assert_array_equal(by_r2.argsort(axis=0), (-by_error).argsort(axis=0))


def test_weak_perturbations_can_dominate_the_mean_of_r2():
    for name in SETS[1:]:
        d = First(name)
        change = d.y - d.control
        weak = np.argsort(np.square(change).sum(axis=1))[: d.n // 4]
        value = F["r2_delta"](change, d.mean - d.control)
        away = np.abs(value - np.median(value))
        assert away[weak].sum() > 0.5 * away.sum(), name


def test_few_genes_decide_the_weighted_error(data):
    def deciding(error: np.ndarray) -> np.ndarray:
        """Genes that make half of the error, per perturbation."""
        largest = np.sort(error, axis=1)[:, ::-1].cumsum(axis=1)
        return (largest < 0.5 * largest[:, -1:]).sum(axis=1) + 1

    squared = np.square(data.y - data.mean)
    weighted = deciding(data.need("weights") * squared)
    assert (weighted < 10).mean() > 0.5
    assert np.median(weighted) < np.median(deciding(squared))


def test_the_median_is_what_the_absolute_error_favours(data):
    middle, mean = np.median(data.y, axis=0), data.y.mean(axis=0)
    assert F["mae"](data.y, np.tile(middle, (data.n, 1))).mean() < F["mae"](data.y, np.tile(mean, (data.n, 1))).mean()


def test_de_overlap_sees_neither_size_nor_direction_and_direction_no_size(data):
    change, p = data.y - data.control, data.predicted("half_sum") - data.control
    for other in (-p, 3 * p):
        np.testing.assert_array_equal(F["de_overlap"](change, other, k=50), F["de_overlap"](change, p, k=50))
    np.testing.assert_array_equal(F["direction_match"](change, 3 * p, k=50), F["direction_match"](change, p, k=50))


def test_genes_without_predicted_variation_are_left_out_of_the_correlation_per_gene(data):
    p = data.predicted("half_sum").copy()
    before = F["gene_correlation"](data.y, p)
    each = gene_correlations(data.y, p)
    hard = each < np.nanmedian(each)
    p[:, hard] = p[:, hard].mean(axis=0)
    assert F["gene_correlation"](data.y, p) > before


# -- precision at k ------------------------------------------------------------------------------------------------
def test_significant_calls_beyond_the_kth_place_count_as_wrong():
    truth = np.arange(60, 0, -1.0)[None]
    called = truth * 0.001
    called[0, 20:40] += 5
    padj = np.where(truth > 10, 0.001, 0.5)
    assert (padj[0, 20:40] < 0.05).all()
    assert F["precision_at_k"](truth, called, k=20, padj=padj)[0] == 0
    assert "among the k most changed significant genes" in CARDS["precision_at_k"].summary
    assert "trust" not in CARDS["precision_at_k"].pro


# -- variation -----------------------------------------------------------------------------------------------------
def expectation() -> np.ndarray:
    """What the simulation of the demo expects of every condition: a perfect prediction of the mean."""
    draws = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(demo.SEED).spawn(8)]
    return demo_screen.draw_screen(demo_screen.draw_biology(draws[0]), draws[1]).expected.astype(np.float32)


@pytest.mark.parametrize(("subset", "biased"), [(GeneSubset("all"), 0.249), (GeneSubset("expressed", 1000), 0.457)])
def test_a_perfect_mean_varies_as_much_as_the_truth_where_noise_is_known(subset, biased):
    perfect = load_benchmark(ROOT / "data" / "demo.h5ad").with_predictions("perfect", "Perfect", {"": expectation()})
    found = score(Evaluation(perfect), "sd_ratio", subset=subset, methods=["perfect"])
    assert found.values.mean() == pytest.approx(1, abs=0.02)
    assert "standard errors are taken off" in found.note
    half = score(Evaluation(perfect, truth_from="half_a"), "sd_ratio", subset=subset, methods=["perfect"])
    assert "stays below 1" in half.note  # standard errors are those of all cells
    e = Evaluation(perfect)
    rows = np.flatnonzero(e.rows["block"] == 0)
    columns = resolve(subset, e, rows)[0].genes
    plain = F["sd_ratio"](e.truth(rows, columns), e.prediction("perfect", rows, columns))
    assert plain == pytest.approx(biased, abs=0.05)


def test_variation_is_undefined_where_the_truth_varies_no_more_than_its_noise():
    truth = np.random.default_rng(0).normal(size=(6, 5))
    assert np.isnan(F["sd_ratio"](truth, truth, noise=np.full((6, 5), 10.0)))
    assert F["sd_ratio"](truth, truth, noise=np.zeros((6, 5))) == pytest.approx(1)
    noise = np.full((6, 5), np.nan)
    assert np.isnan(F["sd_ratio"](truth, truth, noise=noise))
    noise[:3] = 0.3  # rows without a standard error do not count towards the mean one
    expected = np.sqrt(truth.var(axis=0, ddof=1).sum() / (truth.var(axis=0, ddof=1) - 0.09).sum())
    assert F["sd_ratio"](truth, truth, noise=noise) == pytest.approx(expected)
