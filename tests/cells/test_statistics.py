"""Sums, t-tests, adjusted p-values and energy distance equal their definitions on small arrays."""

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.spatial.distance import cdist, pdist

from perturbviz.cells import AggregateError
from perturbviz.cells.de import benjamini_hochberg, mean_variance, two_sided_p, welch_overestimated
from perturbviz.cells.energy import energy_to_control
from perturbviz.cells.sums import GroupSums, add_block, merge
from tests.cells.simulated import plain_de


def moments_of(x):
    n, sums = sums_of(x)
    return n, mean_variance(n, sums)


def sums_of(x):
    return np.array([len(x)]), np.stack([x.sum(0), (x**2).sum(0)], axis=-1)[None]


def test_mean_and_variance_have_ddof_one_and_constant_genes_have_none():
    x = np.random.default_rng(0).normal(3, 1, (7, 4))
    x[:, 2] = 0.1
    mean, variance = mean_variance(*sums_of(x))
    np.testing.assert_allclose(mean[0], x.mean(0))
    np.testing.assert_allclose(variance[0, [0, 1, 3]], x.var(0, ddof=1)[[0, 1, 3]])
    assert variance[0, 2] == 0


def test_variance_of_one_cell_and_mean_of_none_are_undefined():
    mean, variance = mean_variance(np.array([1, 0]), np.ones((2, 3, 2)) * [[[2.0, 4.0]], [[0.0, 0.0]]])
    assert (mean[0] == 2).all()
    assert np.isnan(mean[1]).all()
    assert np.isnan(variance).all()


def test_welch_divides_the_variance_of_the_others_by_the_size_of_the_group():
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.3, 1, (6, 50)), rng.normal(0, 2, (40, 50))
    t, p = welch_overestimated(*moments_of(x), *moments_of(y))
    by_hand = (x.mean(0) - y.mean(0)) / np.sqrt(x.var(0, ddof=1) / 6 + y.var(0, ddof=1) / 6)
    np.testing.assert_allclose(t[0], by_hand)
    np.testing.assert_allclose(benjamini_hochberg(p)[0], plain_de(x, y)[1], rtol=1e-9)
    assert np.abs(t[0]).max() < np.abs(stats.ttest_ind(x, y, equal_var=False).statistic).max()


def test_gene_without_variance_scores_zero_and_too_few_cells_are_undefined():
    x, y = np.zeros((5, 2)), np.zeros((9, 2))
    t, p = welch_overestimated(*moments_of(x), *moments_of(y))
    assert (t == 0).all()
    assert (p == 1).all()
    assert np.isnan(welch_overestimated(*moments_of(x[:1]), *moments_of(y))[0]).all()
    assert np.isnan(welch_overestimated(*moments_of(x), *moments_of(y[:1]))[1]).all()


def test_p_values_equal_student_t_over_the_whole_range():
    t, df = np.meshgrid(np.linspace(-40, 40, 401), [1.0, 3.5, 49.9, 50.0, 51.0, 200.0, 1e5])
    np.testing.assert_allclose(two_sided_p(t, df), 2 * stats.t.sf(np.abs(t), df), rtol=3e-8, atol=1e-300)


def test_adjusted_p_values_equal_scipy():
    p = np.random.default_rng(2).uniform(size=(3, 200)) ** 3
    p[0, :50] = p[0, 50:100]  # ties
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p, axis=1))
    assert np.isnan(benjamini_hochberg(np.full((1, 4), np.nan))).all()


NO_LIMITS = (-1e300, 1e300)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("target_sum", [None, 100.0])
def test_compiled_loop_equals_matrix_products_equals_dense(threads, target_sum):
    rng = np.random.default_rng(3)
    cells = sparse.random(80, 30, 0.2, format="csr", random_state=rng, data_rvs=lambda n: rng.integers(1, 9, n))
    cells.data[cells.indptr[7] : cells.indptr[8]] = 0
    slot = rng.integers(-1, 5, 80)
    slot[7] = 2
    x = cells.toarray()
    if target_sum:
        x = np.log1p(x / np.maximum(x.sum(1, keepdims=True), 1) * target_sum)
    for block in (cells, cells.astype(np.float32), cells.tocsc(), cells.toarray()):
        total = GroupSums.zeros(np.arange(5), slice(0, 30))
        n_empty, sound = add_block(total, block, slot, slice(0, 30), NO_LIMITS, target_sum, threads=threads)
        assert (n_empty, sound) == (1 if target_sum else 0, True)
        for s in range(5):
            np.testing.assert_allclose(total.sums[s, :, 0], x[slot == s].sum(0), rtol=1e-12)
            np.testing.assert_allclose(total.sums[s, :, 1], (x[slot == s] ** 2).sum(0), rtol=1e-12)


@pytest.mark.parametrize("form", ["csr", "csc"])
def test_indices_outside_the_matrix_are_refused(form):
    cells = sparse.random(20, 10, 0.5, format=form, random_state=np.random.default_rng(0))
    for index in (20, -1):
        cells.indices[4] = index
        with pytest.raises(AggregateError, match="damaged"):
            add_block(GroupSums.zeros(np.arange(1), slice(0, 10)), cells, np.zeros(20, int), slice(0, 10), NO_LIMITS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 9.5])
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, np.asarray])
def test_a_value_outside_the_limits_is_seen_unless_its_cell_is_left_out(value, form):
    dense = np.ones((6, 4))
    dense[3, 2] = value
    slot = np.zeros(6, int)
    for dropped, expected in ((1, False), (3, True)):
        slot[:] = 0
        slot[dropped] = -1
        total = GroupSums.zeros(np.arange(1), slice(0, 4))
        assert add_block(total, form(dense), slot, slice(0, 4), (0.0, 9.0)) == (0, expected)


def test_merging_parts_in_any_shape_equals_the_sum_over_all_cells():
    rng = np.random.default_rng(4)
    x, slot = rng.poisson(1.0, (50, 12)).astype(float), rng.integers(-1, 4, 50)

    def part(cells, genes):
        total = GroupSums.zeros(np.unique(slot[cells][slot[cells] >= 0]), genes)
        total.n[:] = [(slot[cells] == s).sum() for s in total.slots]
        add_block(total, x[cells, genes], slot[cells], genes, NO_LIMITS)
        return total

    whole = part(slice(0, 50), slice(0, 12))
    by_cells = merge(
        merge(part(slice(0, 3), slice(0, 12)), part(slice(3, 30), slice(0, 12))), part(slice(30, 50), slice(0, 12))
    )
    by_genes = merge(part(slice(0, 50), slice(0, 5)), part(slice(0, 50), slice(5, 12)))
    for other in (by_cells, by_genes):
        np.testing.assert_array_equal(other.n, whole.n)
        np.testing.assert_allclose(other.sums, whole.sums)
    n, found = whole.rows(np.array([1, 99]))
    assert n.tolist() == [(slot == 1).sum(), 0]
    np.testing.assert_allclose(found[0, :, 0], x[slot == 1].sum(0))
    assert (found[1] == 0).all()


def test_energy_distance_equals_its_definition_and_is_undefined_for_one_cell():
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 1, (8, 6)), rng.normal(1, 1, (11, 6))
    expected = 2 * cdist(x, y).mean() - pdist(x).mean() - pdist(y).mean()
    group = np.array([1] * 8 + [0] * 11 + [2])
    result = energy_to_control(sparse.csr_matrix(np.vstack([x, y, x[:1]])), group, np.array([0, 0, 0, -1]))
    assert result[1] == pytest.approx(expected)
    assert np.isnan(result[[0, 2, 3]]).all()
