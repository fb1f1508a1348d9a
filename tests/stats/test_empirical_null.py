import time

import numpy as np
import patsy
import pytest
from scipy.stats import norm
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from perturbviz.analyses.interactions import fit_null
from perturbviz.errors import UserError
from perturbviz.stats.empirical_null import N_BINS, SPLINE_DF, _log_spline

DELTA, SIGMA = 0.007, 0.0576


def simulated(strength, n=124_000, p0=0.95, seed=0):
    """Deviations of which a share p0 is null; the rest shifted by ± `strength` null standard deviations (60 : 40)."""
    rng = np.random.default_rng(seed)
    null = rng.random(n) < p0
    shift = np.where(rng.random(n) < 0.6, strength, -strength)
    z = DELTA + SIGMA * (rng.normal(size=n) + np.where(null, 0, shift))

    def true_fdr(values):
        u = (values - DELTA) / SIGMA
        other = 0.6 * norm.pdf(u, strength) + 0.4 * norm.pdf(u, -strength)
        return p0 * norm.pdf(u) / (p0 * norm.pdf(u) + (1 - p0) * other)

    return z, null, true_fdr


# Weak interactions overlap the null, so sigma and p0 come out too large there (the null takes some of them in) and
# fewer are found; that bias is the method's, and its size is stated here.
@pytest.mark.parametrize("method", ["ml", "cm"])
@pytest.mark.parametrize(
    ("strength", "sigma_bias", "p0_bias", "fdr_error", "least_power"),
    [(2.5, 0.025, 0.025, 0.05, 0.65), (4, 0.02, 0.015, 0.03, 0.95), (6, 0.025, 0.02, 0.06, 0.98)],
)
def test_recovers_a_planted_null(method, strength, sigma_bias, p0_bias, fdr_error, least_power):
    fits = []
    for seed in range(3):
        z, null, true_fdr = simulated(strength, seed=seed)
        fit = fit_null(z, method)
        truth = true_fdr(z)
        called = (z >= fit.upper) | (z <= fit.lower)
        boundary = (truth > 0.01) & (truth < 0.5)
        error = np.abs(fit.fdr(z) - truth)[boundary].mean()
        oracle = (truth <= 0.05)[~null].mean()
        false_share = null[called].mean()
        promised = fit.fdr(z)[called].mean()
        fits.append([fit.delta, fit.sigma, fit.p0, error, called[~null].mean() / oracle, false_share, promised])
    delta, sigma, p0, error, power, false_share, promised = np.mean(fits, axis=0)
    assert delta == pytest.approx(DELTA, abs=0.01 * SIGMA)
    assert sigma == pytest.approx(SIGMA, rel=sigma_bias)
    assert p0 == pytest.approx(0.95, abs=p0_bias)
    assert error < fdr_error
    assert power > least_power
    # every call has local fdr ≤ .05, so fewer than 5 % are false, and as many as the mean local fdr promises
    assert false_share < 0.05
    assert false_share == pytest.approx(promised, abs=0.01)


@pytest.mark.parametrize("strength", [4, 6])
def test_few_values_and_many_interactions(strength):
    z, null, _ = simulated(strength, n=5_000, p0=0.8)
    fit = fit_null(z)
    called = (z >= fit.upper) | (z <= fit.lower)
    assert fit.sigma == pytest.approx(SIGMA, rel=0.06)
    assert fit.p0 == pytest.approx(0.8, abs=0.04)
    assert null[called].mean() < 0.05
    assert called[~null].mean() > 0.7


def test_pure_noise_has_no_threshold_and_says_so():
    for seed in range(5):
        fit = fit_null(np.random.default_rng(seed).normal(3, 2, size=20_000))
        assert fit.p0 == pytest.approx(1, abs=0.03)
        assert np.isnan(fit.lower) and np.isnan(fit.upper)
        assert "negative" in fit.reason and "positive" in fit.reason


def test_scale_and_sign_do_not_matter():
    z, _, _ = simulated(4, n=20_000)
    one, scaled, mirrored = fit_null(z), fit_null(100 * z + 5), fit_null(-z)
    assert scaled.upper == pytest.approx(100 * one.upper + 5, rel=1e-4)
    assert scaled.p0 == pytest.approx(one.p0, rel=1e-4)
    assert mirrored.lower == pytest.approx(-one.upper, rel=1e-2)
    assert mirrored.sigma == pytest.approx(one.sigma, rel=1e-4)


def test_fdr_is_monotone_and_crosses_the_level_at_the_thresholds():
    z, _, _ = simulated(4)
    fit = fit_null(z, level=0.1)
    assert fit.fdr([fit.lower, fit.upper]) == pytest.approx([0.1, 0.1], abs=1e-6)
    right = np.linspace(fit.delta + 0.01, z.max() + 1, 500)
    for values in (fit.fdr(right), fit.tail_fdr(right)):
        assert (np.diff(values) <= 1e-9).all() and (values >= 0).all() and (values <= 1).all()
    assert fit.tail_fdr(fit.upper) < fit.fdr(fit.upper)
    assert np.isnan(fit.fdr(np.nan))
    assert fit_null(z, level=0.01).upper > fit.upper


def test_tail_fdr_is_the_false_share_beyond():
    z, null, _ = simulated(4)
    fit = fit_null(z)
    for cut in (0.15, 0.2):
        assert fit.tail_fdr(cut) == pytest.approx(null[z >= cut].mean(), rel=0.15)


def test_decomposition_adds_up():
    z, null, _ = simulated(6)
    fit = fit_null(z)
    assert fit.counts.sum() + fit.n_outside == fit.n == len(z)
    assert fit.f.sum() * fit.width == pytest.approx(1, abs=0.01)
    assert fit.p0_f0.sum() * fit.width == pytest.approx(fit.p0, abs=0.01)
    assert fit.n_nonnull == pytest.approx((~null).sum(), rel=0.1)
    centre = np.abs(fit.qq_null - fit.delta) < fit.sigma
    np.testing.assert_allclose(fit.qq_observed[centre], fit.qq_null[centre], atol=0.15 * fit.sigma)


@pytest.mark.parametrize("method", ["ml", "cm"])
def test_heavy_tails_and_a_single_far_value(method):
    rng = np.random.default_rng(0)
    tails = fit_null(rng.standard_t(3, size=50_000), method)
    assert tails.sigma == pytest.approx(1, abs=0.15) and tails.lower < -2.5 and tails.upper > 2.5
    z, _, _ = simulated(4, n=20_000)
    one, far = fit_null(z, method), fit_null(np.append(z, 1e6), method)
    assert far.n_outside == 1
    assert far.sigma == pytest.approx(one.sigma, rel=0.02) and far.upper == pytest.approx(one.upper, rel=0.05)
    assert far.fdr(1e6) < 0.05


def test_spike_of_equal_values_shows_as_misfit():
    rng = np.random.default_rng(0)
    assert fit_null(rng.normal(size=10_000)).misfit < 1.5
    assert fit_null(np.append(rng.normal(size=7_000), np.zeros(3_000))).misfit > 10


def test_two_humps_show_as_misfit_of_the_null():
    rng = np.random.default_rng(0)
    humps = fit_null(np.append(rng.normal(-5, 1, 5_000), rng.normal(5, 1, 5_000)))
    assert humps.null_misfit > 10 > 2 > fit_null(rng.normal(size=10_000)).null_misfit


def test_refuses_with_a_reason():
    with pytest.raises(UserError, match="at least 200"):
        fit_null(np.append(np.random.default_rng(0).normal(size=199), [np.nan, np.inf]))
    with pytest.raises(UserError, match="same value"):
        fit_null(np.full(5_000, 0.3))
    with pytest.raises(UserError, match="same value"):
        fit_null(np.append(np.zeros(5_000), np.random.default_rng(0).normal(size=1_000)))
    with pytest.raises(UserError, match="bell-shaped"):
        fit_null(np.random.default_rng(0).beta(0.5, 0.5, size=5_000), "cm")
    with pytest.raises(UserError, match='"ml" or "cm"'):
        fit_null(np.random.default_rng(0).normal(size=500), "mle")


def test_full_size_is_fast():
    z, _, _ = simulated(4, n=300_000)
    fit_null(z[:1000])  # imports
    start = time.perf_counter()
    fit_null(z)
    assert time.perf_counter() - start < 0.3


def _reference_fit(t, counts):
    """Expected counts and deviance of the same regression by statsmodels on patsy's natural splines."""
    knots = 2 * np.sinh(np.linspace(np.arcsinh(t[0] / 2), np.arcsinh(t[-1] / 2), SPLINE_DF))
    known = {"t": t, "inner": knots[1:-1], "low": knots[0], "high": knots[-1]}
    design = np.asarray(patsy.dmatrix("cr(t, knots=inner, lower_bound=low, upper_bound=high) - 1", known))
    fit = GLM(counts, design, family=families.Poisson()).fit(maxiter=200, tol=1e-12)
    return fit.mu, fit.deviance / fit.df_resid


def test_density_equals_statsmodels_where_bins_are_filled():
    rng = np.random.default_rng(0)
    t = np.linspace(-6, 6, N_BINS)
    counts = rng.poisson(2000 * np.exp(-(t**2) / 3) + 3)
    log_rate, misfit = _log_spline(t, counts, t)
    mu, deviance = _reference_fit(t, counts)
    np.testing.assert_allclose(np.exp(log_rate), mu, rtol=1e-6)
    assert misfit == pytest.approx(deviance, rel=1e-9)


@pytest.mark.filterwarnings("ignore")  # statsmodels warns that it does not converge: that is the point
def test_density_is_never_fitted_worse_than_by_statsmodels_where_bins_are_empty():
    rng = np.random.default_rng(0)
    for _ in range(5):
        t = np.linspace(-10, 10, N_BINS)
        counts = rng.poisson(np.where(np.abs(t) < 2.5, 8, 0)) + (np.arange(N_BINS) == N_BINS - 1)
        assert _log_spline(t, counts, t)[1] <= _reference_fit(t, counts)[1] + 1e-6
