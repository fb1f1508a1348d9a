"""The one tie rule, ranks and the exact sign test: against worked examples and scipy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, rankdata

from perturbviz.stats import average, first, ranks, sign_test, signs, tied


def test_correlations_are_compared_absolutely_and_errors_relatively():
    assert tied(0.001, 0.001 + 9e-7, perfect=1.0) and not tied(0.001, 0.001 + 1.1e-6, perfect=1.0)
    assert tied(1000.0, 1000.0009, perfect=0.0) and not tied(1e-9, 1.1e-9, perfect=0.0)
    assert tied(0.0, 0.0, perfect=np.nan) and not tied(np.nan, np.nan, perfect=1.0)


def test_an_infinite_error_loses_to_any_other_and_ties_with_another():
    assert signs([-np.inf, -np.inf, np.nan], [-5.0, -np.inf, 1.0]).tolist() == [-1, 0, 0]


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf, np.nan]), min_size=4, max_size=4), max_size=6))
def test_ranks_are_mid_ranks_of_what_is_defined(lines):
    goodness = np.array(lines).reshape(-1, 4)
    for line, found in zip(goodness, ranks(goodness, 1.0), strict=True):
        have = ~np.isnan(line)
        assert np.isnan(found[~have]).all()
        np.testing.assert_allclose(found[have], rankdata(-line[have]))


def test_each_line_may_have_its_own_perfect_score():
    lines = [[0.1, 0.1 + 5e-7, 0.0]] * 2
    assert ranks(lines, [1.0, 0.0]).tolist() == [[1.5, 1.5, 3], [2, 1, 3]]


def test_first_places_are_shared_and_nobodys_where_all_are_undefined():
    found = first(np.array([[1.5, 1.5, 3], [np.nan, 1, 2], [np.nan] * 3]))
    assert found.tolist() == [[True, True, False], [False, True, False], [False] * 3]


@pytest.mark.parametrize(("wins", "losses"), [(59, 5), (80, 5), (23, 52), (44, 30), (3, 3), (1, 0)])
def test_sign_test_equals_the_exact_binomial_test(wins, losses):
    assert sign_test(wins, losses) == pytest.approx(binomtest(wins, wins + losses).pvalue)
    assert sign_test(wins, losses) == sign_test(losses, wins)


def test_sign_test_without_any_win_or_loss_says_nothing():
    assert sign_test(0, 0) == 1


@pytest.mark.parametrize("how", ["mean", "median"])
def test_averages_of_any_shape_leave_nan_out(how):
    values = np.random.default_rng(0).normal(size=(2, 3, 5))
    values[0, 1, :2], values[1, 2] = np.nan, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what is all NaN
        expected = (np.nanmedian if how == "median" else np.nanmean)(
            np.where(np.isnan(values), np.nan, values), axis=-1
        )
    np.testing.assert_allclose(average(values, how), expected)
    assert np.isnan(average(np.empty((2, 0)), how)).all() and ranks(np.empty((0, 3))).shape == (0, 3)
