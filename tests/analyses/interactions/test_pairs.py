import numpy as np
import pytest

from perturbviz.analyses.interactions import class_counts
from perturbviz.analyses.interactions.pairs import every_pair, make_pairs
from perturbviz.analyses.interactions.summary import calls, false_calls, finding, recurrence, takes_part
from perturbviz.analyses.interactions.threshold import Threshold, fitted
from perturbviz.benchmark import Benchmark
from perturbviz.errors import UserError
from perturbviz.scoring.additivity import interaction_null
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import score

ALL = GeneSubset("all")


@pytest.fixture
def evaluation(random_benchmark):
    return Evaluation(random_benchmark(n_single=7, n_genes=40))


@pytest.fixture
def wide():
    """Bounds that about a tenth of the random deviations exceed."""
    return Threshold("effect", -3.0, 3.0, by_hand=True)


def test_deviations_are_those_of_the_definition(evaluation):
    pairs = make_pairs(evaluation, ALL)
    b = evaluation.benchmark
    row = {c: i for i, c in enumerate(b.conditions)}
    control = b.control("c").astype(float)
    for line, name in enumerate(pairs.rows["perturbation"]):
        first, second = name.split("+")
        additive = b.truth[row[first]].astype(float) + b.truth[row[second]] - control
        at = pairs.double[line]
        np.testing.assert_allclose(pairs.deviation[at], b.truth[row[name]] - additive, atol=1e-6)
        predicted = b.prediction("good", "1")[row[name]] - additive
        np.testing.assert_allclose(pairs.predicted("good")[line], predicted, atol=1e-6)
        np.testing.assert_allclose(pairs.delta_a[at] + pairs.delta_b[at] + control, additive, atol=1e-6)
    assert len(pairs.doubles) == 21 and len(pairs.rows) == 41 and len(pairs.blocks) == 2
    assert takes_part(pairs, "additive") == "additive" and takes_part(pairs, "good") == ""


def test_permuting_rows_and_genes_changes_nothing(evaluation, wide):
    adata = evaluation.benchmark.adata
    rng = np.random.default_rng(3)
    shuffled = Benchmark.from_adata(adata[rng.permutation(adata.n_obs), rng.permutation(adata.n_vars)].copy())
    one, other = (make_pairs(e, ALL) for e in (evaluation, Evaluation(shuffled)))
    a = {
        (d, g): v
        for d, line in zip(one.doubles["perturbation"], one.deviation, strict=True)
        for g, v in zip(one.genes, line, strict=True)
    }
    for d, line in zip(other.doubles["perturbation"], other.deviation, strict=True):
        np.testing.assert_allclose(line, [a[d, g] for g in other.genes], atol=1e-6)
    for key in ("average_precision", "auroc", "recall"):
        x, y = (finding(p, "poor", wide, n=30).table[key].sort_values() for p in (one, other))
        np.testing.assert_allclose(x, y, atol=1e-9)


@pytest.mark.parametrize("subset", [ALL, GeneSubset("expressed", 25), GeneSubset("own", own=("g3", "g30", "g7"))])
def test_scores_are_those_of_the_catalogue(evaluation, subset):
    every = every_pair(evaluation, subset)
    bound = fitted(every, subset)
    if bound.null is None:
        assert "at least 200 values" in bound.problem and bound.by_hand
        return
    found = finding(make_pairs(evaluation, subset), "poor", bound, n=100)
    for metric, column in (
        ("nonadditive_recall@100", "recall"),
        ("nonadditive_precision@100", "precision"),
        ("average_precision", "average_precision"),
        ("auroc", "auroc"),
    ):
        expected = score(evaluation, metric, subset=subset, methods=["poor"]).values[0]
        np.testing.assert_allclose(found.table[column], expected, atol=1e-12, equal_nan=True)


def test_the_null_is_fitted_to_every_double_once(evaluation, random_benchmark):
    pairs, every = make_pairs(evaluation, ALL), every_pair(evaluation, ALL)
    null = interaction_null(evaluation, ALL)
    assert null.n == 21 * 40 == every.deviation.size  # two seeds hold 41 rows; a training double counts too
    one_seed = random_benchmark(n_single=7, n_genes=40, split={"1": ["train"] * 8 + ["train"] * 20 + ["test"]})
    few = Evaluation(one_seed)
    assert interaction_null(few, ALL).n == 21 * 40 and len(make_pairs(few, ALL).rows) == 1
    assert fitted(every, ALL, level=0.3).upper < fitted(every, ALL, level=0.2).upper
    assert null.at(0.05) is null and null.at(0.3).level == 0.3
    assert len(pairs.rows) == 41


def test_missing_single_leaves_a_double_out(make_benchmark):
    rng = np.random.default_rng(0)
    names = ["ctrl", "g0", "g1", "g0+g1", "g0+g2"]
    b = make_benchmark(rng.normal(size=(5, 30)), names, control=np.zeros(30))
    pairs = make_pairs(Evaluation(b), ALL)
    assert list(pairs.rows["perturbation"]) == ["g0+g1"]


def test_contexts_with_different_genes_share_columns(make_benchmark):
    rng = np.random.default_rng(1)
    names = ["g0", "g1", "g0+g1"] * 2
    control = {"x": np.arange(20.0), "y": np.arange(20.0)[::-1]}
    b = make_benchmark(rng.normal(size=(6, 20)), names, contexts=["x"] * 3 + ["y"] * 3, control=control)
    pairs = make_pairs(Evaluation(b), GeneSubset("expressed", 6))
    assert set(pairs.genes) == {f"g{i}" for i in (*range(6), *range(14, 20))}
    known = {
        c: set(pairs.genes[np.isfinite(line)])
        for c, line in zip(pairs.doubles["context"], pairs.deviation, strict=True)
    }
    assert known["x"] == {f"g{i}" for i in range(14, 20)} and known["y"] == {f"g{i}" for i in range(6)}
    codes = Threshold("effect", -0.1, 0.1).true_classes(pairs)
    assert class_counts(codes).sum() == 12
    np.testing.assert_allclose(
        pairs.deviation[0][np.isfinite(pairs.deviation[0])],
        [b.truth[2, i] - b.truth[0, i] - b.truth[1, i] + b.control("x")[i] for i in (19, 18, 17, 16, 15, 14)],
        rtol=1e-5,
    )


def test_significance_divides_by_the_standard_error(random_benchmark):
    plain = random_benchmark(n_single=7, n_genes=40)
    se = np.full(plain.adata.shape, 0.5, np.float32)
    b = random_benchmark(n_single=7, n_genes=40, layers={"se": se})
    every = every_pair(Evaluation(b), ALL)
    np.testing.assert_allclose(every.se, 1.0)  # four means with 0.5 each
    np.testing.assert_allclose(every.z(), every.deviation)
    assert fitted(every, ALL, "significance").kind == "significance"
    without = every_pair(Evaluation(plain), ALL)
    back = fitted(without, ALL, "significance")
    assert back.kind == "effect" and "neither standard errors nor half-cell means" in back.problem
    se[b.conditions == "g0+g1", 3] = np.nan
    b.adata.layers["se"] = se
    gap = every_pair(Evaluation(Benchmark.from_adata(b.adata)), ALL)
    codes = Threshold("significance", -1, 1).true_classes(gap)
    assert (codes == -1).sum() == 1  # an unknown error is no evidence either way


def test_false_calls_are_the_furthest_that_are_additive(evaluation, wide):
    pairs = make_pairs(evaluation, ALL)
    table = false_calls(pairs, "poor", wide, 4)
    assert len(table) == 4 and (table["observed"].abs() < 3).all()
    additive = np.abs(pairs.observed()) < 3
    assert table["predicted"].abs().iloc[0] == pytest.approx(np.abs(pairs.predicted("poor"))[additive].max())
    assert table["predicted"].abs().is_monotonic_decreasing
    assert not table.duplicated(["perturbation", "gene"]).any()
    assert false_calls(pairs, "additive", wide).empty


def test_calls_and_recurrence_count_per_split(evaluation):
    pairs = make_pairs(evaluation, ALL)
    weights = calls(pairs, "good", 20)
    assert [weights[rows].sum() for rows in pairs.blocks] == pytest.approx([20, 20])
    for axis in ("genes", "doubles"):
        found = recurrence(pairs, {"good": weights}, axis, k=3)
        assert found.counts.sum() == pytest.approx(20)


@pytest.mark.parametrize(
    ("subset", "sentence"),
    [(GeneSubset("de", 10), "DE genes differ"), (GeneSubset("all", targets=False), "own targets the genes differ")],
)
def test_subsets_that_differ_are_refused(evaluation, subset, sentence):
    with pytest.raises(UserError, match=sentence):
        make_pairs(evaluation, subset)


def test_singles_only(make_benchmark):
    b = make_benchmark(np.ones((4, 10)), ["ctrl", "g0", "g1", "g2"], control=np.ones(10))
    with pytest.raises(UserError, match="holds none"):
        every_pair(Evaluation(b), ALL)
    lonely = make_benchmark(np.ones((3, 10)), ["ctrl", "g0", "g1+g2"], control=np.ones(10))
    with pytest.raises(UserError, match="both of its singles"):
        make_pairs(Evaluation(lonely), ALL)
