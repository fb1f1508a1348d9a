import numpy as np
import pytest

from perturbviz.analyses.interactions import (
    additive_expectation,
    deviation,
    deviation_se,
    is_additive,
    se_from_halves,
    z_scores,
)
from perturbviz.errors import UserError

CONTROL = np.array([1, 2, 0.5, 3, 1.5, 0])
A = np.array([[2, 2, 0.5, 2.5, 1.5, 0.2]])
B = np.array([[1, 3, 0.5, 3, 1, 0]])
AB = np.array([[1.6, 2.9, 0.5, 2.2, 1, 0.6]])


def test_worked_example():
    additive = additive_expectation(A, B, CONTROL)
    np.testing.assert_allclose(additive, [[2, 3, 0.5, 2.5, 1, 0.2]], atol=1e-12)
    np.testing.assert_allclose(deviation(AB, additive), [[-0.4, -0.1, 0, -0.3, 0, 0.4]], atol=1e-12)


def test_changes_need_no_control():
    shifted = deviation(AB, additive_expectation(A, B, CONTROL))
    changes = deviation(AB - CONTROL, additive_expectation(A - CONTROL, B - CONTROL))
    np.testing.assert_allclose(changes, shifted, atol=1e-12)


def test_missing_single_is_missing_not_zero():
    result = deviation(
        np.vstack([AB, AB]), additive_expectation(np.vstack([A, A * np.nan]), np.vstack([B, B]), CONTROL)
    )
    assert np.isfinite(result[0]).all() and np.isnan(result[1]).all()


def test_singles_must_match():
    with pytest.raises(UserError, match="align"):
        additive_expectation(A, np.vstack([B, B]), CONTROL)


def test_additive_prediction_is_recognised_after_single_precision():
    rng = np.random.default_rng(0)
    a, b, ab = rng.gamma(2, size=(3, 20, 50))
    control = rng.gamma(2, size=50)
    additive = additive_expectation(a, b, control)
    observed = deviation(ab, additive)
    stored = deviation(additive.astype(np.float32), additive)
    assert np.abs(stored).max() > 0
    assert is_additive(stored, observed)
    assert not is_additive(observed * 1e-3, observed)
    assert is_additive(np.full_like(observed, np.nan), observed)


def test_propagated_error_is_the_spread_of_the_deviation():
    rng = np.random.default_rng(1)
    sd = np.array([0.3, 0.4, 0.5, 0.2])
    draws = rng.normal(size=(4, 200_000)) * sd[:, None]
    spread = deviation(draws[0], additive_expectation(draws[1], draws[2], draws[3])).std()
    assert deviation_se(*sd) == pytest.approx(spread, rel=0.01)


@pytest.mark.parametrize(("pool", "tolerance"), [("genes", 0.15), ("both", 0.15)])
@pytest.mark.parametrize("share", [0.5, 0.3])
def test_error_from_halves_recovers_the_error_of_the_mean(pool, tolerance, share):
    rng = np.random.default_rng(2)
    n_cells, n_rows = 100, 400
    sd = rng.uniform(0.5, 2, size=60)
    half_a = rng.normal(size=(n_rows, 60)) * sd / np.sqrt(share * n_cells)
    half_b = rng.normal(size=(n_rows, 60)) * sd / np.sqrt((1 - share) * n_cells)
    se = se_from_halves(half_a, half_b, share_a=share, pool=pool)
    np.testing.assert_allclose(se.mean(axis=0), sd / np.sqrt(n_cells), rtol=tolerance)


def test_error_from_halves_sees_noisy_rows_and_absent_ones():
    rng = np.random.default_rng(3)
    noise = np.where(np.arange(50) < 25, 1.0, 3.0)[:, None]
    half_a, half_b = rng.normal(size=(2, 50, 300)) * noise
    half_a[7] = np.nan
    se = se_from_halves(half_a, half_b)
    assert np.isnan(se[7]).all()
    assert np.nanmean(se[25:]) / np.nanmean(se[:25]) == pytest.approx(3, rel=0.05)
    np.testing.assert_allclose(se_from_halves(half_a, half_b, pool="none")[0], np.abs(half_a[0] - half_b[0]) / 2)
    with pytest.raises(UserError, match="Pooling"):
        se_from_halves(half_a, half_b, pool="rows")


def test_z_scores_without_error_are_undefined():
    z = z_scores([1.0, 1.0, np.nan, 1.0], [0.5, 0.0, 1.0, np.nan])
    assert z[0] == 2 and np.isnan(z[1:]).all()
