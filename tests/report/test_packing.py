"""Packed numbers: rounded once, to the four digits that are shown."""

import math

import numpy as np

from perturbviz.report.packing import from_planes, in_planes


def shown(value):
    return value if not math.isfinite(value) else float(f"{value:.3e}")


def test_what_comes_back_is_the_number_to_four_digits():
    rng = np.random.default_rng(0)
    values = [
        0.0,
        -0.0,
        np.nan,
        np.inf,
        -np.inf,
        1,
        2.5,
        -3.5,
        9999.5,
        99995,
        0.12345,
        1.0005,
        1.00049999999999,
        1e-9,
        1e99,
    ]
    values += list(rng.normal(size=2000)) + list(rng.normal(size=500) * 10.0 ** rng.integers(-30, 30, 500))
    values += [float(f"{k}5e-{e}") for k in range(1000, 1100) for e in (3, 4, 5, 9)]  # at the edge of rounding
    values += [10.0**e for e in range(-20, 21)] + [np.nextafter(10.0**e, 0) for e in range(-20, 21)]
    back = from_planes(in_planes(np.array(values)))
    np.testing.assert_array_equal(back, [shown(v) for v in values])


def test_what_is_undefined_is_never_zero_and_what_vanishes_is():
    back = from_planes(in_planes(np.array([np.nan, 1e-200, -1e-200, 1e300, -1e300])))
    np.testing.assert_array_equal(back, [np.nan, 0, 0, np.inf, -np.inf])


def test_three_bytes_a_number():
    assert len(in_planes(np.arange(7.0))) == 21 and from_planes(b"").size == 0
