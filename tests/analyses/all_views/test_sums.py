from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbviz.analyses.all_views.grid import gene_counts
from perturbviz.analyses.all_views.sums import Layout, RowSums
from perturbviz.scoring.genesets import descending
from perturbviz.stats import averages


def test_gene_counts_hold_round_numbers_and_all_genes():
    counts = gene_counts(19264)
    assert 50 <= len(counts) <= 62
    assert {20, 50, 100, 200, 500, 1000, 2000, 5000, 19264} <= set(counts)
    assert (np.diff(counts) > 0).all()
    assert gene_counts(7).tolist() == [7]
    assert gene_counts(1000)[-1] == 1000


@given(st.lists(st.sampled_from([0.0, -0.0, 0.5, 1.0, 2.5, np.inf]), min_size=1, max_size=40))
def test_descending_is_a_stable_sort(values):
    values = np.abs(np.array(values, np.float32))
    np.testing.assert_array_equal(descending(values), np.argsort(-values, kind="stable"))


def test_descending_puts_missing_values_last():
    assert descending(np.array([np.nan, 1, 3], np.float32)).tolist() == [2, 1, 0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_sums_of_one_row_equal_plain_sums(seed):
    rng = np.random.default_rng(seed)
    g, m = 600, 2  # more than are gathered at once
    sizes = np.array([1, 4, 255, 256, 257, 598, 599, 600])
    layout = Layout(("none", "control"), True, ("expressed", "all"), (sizes, sizes))
    truth = rng.normal(size=g).astype(np.float32)
    predictions = [rng.normal(size=g).astype(np.float32) for _ in range(m)]
    control, w, order = rng.normal(size=g), rng.random(g), rng.permutation(g)
    targets = rng.choice(g, rng.integers(0, 4), replace=False)
    errors = np.empty((m, layout.n_errors, layout.n_columns))
    truths = np.empty((layout.n_truths, layout.n_columns))
    RowSums(layout, m, g).add(truth, predictions, [None, control], w, [order, None], targets, errors, truths)
    for kind, kept in product(("expressed", "all"), (True, False)):
        genes = order if kind == "expressed" else np.arange(g)
        genes = genes if kept else genes[~np.isin(genes, targets)]
        for j, n in enumerate(sizes):
            s, column = genes[:n], layout.offset(kind == "all") + j + (0 if kept else len(sizes))
            y, v = truth[s].astype(float), w[s]
            z = y - control[s]
            for i, x in enumerate(predictions):
                d = x[s] - y
                plain = [d.sum(), np.abs(d).sum(), d @ d, d @ y, d @ z]
                np.testing.assert_allclose(
                    errors[i, :, column], [*plain, d @ v, d @ (v * d), d @ (v * y), d @ (v * z)], rtol=1e-9, atol=1e-9
                )
            plain = [y.sum(), y @ y, z.sum(), z @ z]
            weighted = [v.sum(), y @ v, y @ (v * y), z @ v, z @ (v * z)]
            np.testing.assert_allclose(truths[:, column], plain + weighted, rtol=1e-9, atol=1e-9)


def test_columns_that_are_not_on_the_grid_are_refused():
    layout = Layout(("none",), False, ("de",), (np.array([5, 10]),))
    assert layout.column("all", 3, True) == layout.column("de", 99, True) == 1
    with pytest.raises(KeyError):
        layout.column("de", 7, True)
    with pytest.raises(KeyError):
        layout.column("expressed", 5, True)


def test_averages_leave_out_what_is_undefined():
    values = np.array([[1.0, np.nan, 4.0, 2.0], [np.nan] * 4])
    found = averages(values, [np.arange(4), np.array([0, 2]), np.array([1]), np.empty(0, int)], ["mean", "median"])
    np.testing.assert_allclose(found[:, :, 0], [[7 / 3, 2], [2.5, 2.5], [np.nan, np.nan], [np.nan, np.nan]])
    assert np.isnan(found[:, :, 1]).all()
