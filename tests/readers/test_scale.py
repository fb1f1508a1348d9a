"""What numbers can be: expression, changes or counts, by what decides and not by the share of negative values."""

import numpy as np
import pytest

from perturbviz.benchmark import scale


@pytest.fixture
def screen():
    """Control, measured rows, and changes; most genes hardly expressed, as in a real screen."""
    rng = np.random.default_rng(0)
    control = np.where(np.arange(300) < 90, rng.gamma(2, 0.8, 300), rng.uniform(0, 0.02, 300)).astype("f4")
    change = (rng.normal(0, 0.2, (8, 300)) * (control > 0.1)).astype("f4")
    return control, np.maximum(control + change, 0), change


def test_agreement_by_hand():
    truth = np.log1p(np.array([[1.0, 2, 3], [2, 2, 2]]))
    values = np.log1p(np.array([[3.0, 6, 9], [np.nan, 1, 1]]))
    control = np.log1p(np.array([[1.0, 2, 3], [1, 2, 3]]))
    got = scale.agreement(values, truth, control)
    assert got.total == pytest.approx(18 / 6)
    assert got.correlation == pytest.approx(np.corrcoef(values[0], control[0])[0, 1])
    np.testing.assert_allclose(scale.totals(truth), [6, 6])


def test_many_small_negative_values_are_expression(screen):
    control, truth, change = screen
    rng = np.random.default_rng(1)
    predicted = control + 0.7 * change + np.where(control < 0.1, rng.normal(0, 0.05, change.shape), 0)
    assert (predicted < 0).mean() > 0.25 and scale.many_negative(predicted)
    got = scale.agreement(predicted, truth, np.tile(control, (8, 1)))
    assert got.expression and not got.changes


def test_changes_are_changes_of_whatever_size(screen):
    control, truth, change = screen
    control = np.tile(control, (8, 1))
    for values in (change, change * 0.1, np.maximum(change, -0.01)):
        got = scale.agreement(values, truth, control)
        assert got.changes and not got.expression, got.words()


def test_without_control_the_mean_of_the_truth_stands_for_it(screen):
    control, truth, change = screen
    unknown = np.full((8, 300), np.nan, "f4")
    assert scale.agreement(truth, truth, unknown).expression and scale.agreement(change, truth, unknown).changes


def test_rows_that_do_not_vary_have_no_correlation(screen):
    control, truth, _ = screen
    got = scale.agreement(np.zeros_like(truth), truth, np.tile(control, (8, 1)))
    assert np.isnan(got.correlation) and got.total == 0 and got.changes and "no correlation" in got.words()
    assert np.isnan(scale.agreement(truth[:0], truth, truth[:0]).total)
