"""Values and their variances: against formulas written out, simulation and published results."""

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import confint_proportions_2indep

from linnet.stats.experiment import fixed
from linnet.stats.experiment.arms import adjusted, mean, proportion, ratio
from linnet.stats.experiment.effects import Effect, absolute, relative
from linnet.stats.experiment.sums import Sums
from linnet.stats.state import Array

RNG = np.random.default_rng(7)


def of(y: list[float], d: list[float]) -> Sums:
    return Sums.of(np.array(y), np.array(d))


def test_a_ratio_as_in_the_delta_method() -> None:
    """Deng, Knoblich, Lu, KDD 2018, equation 4: of the mean y by the mean d, over n users."""
    y, d = np.array([0.3, 0.5, 0.9, 22.0]), np.array([2.0, 1.0, 5.0, 3.0])
    (yy, yd), (_, dd) = np.cov(y, d)
    m, n = y.mean(), d.mean()
    expected = (yy / n**2 + m**2 * dd / n**4 - 2 * m * yd / n**3) / 4
    arm = ratio(Sums.of(y, d))
    assert (arm.value, arm.variance) == pytest.approx((23.7 / 11, expected))


def test_a_ratio_as_by_a_regression_through_the_origin() -> None:
    """Independent: the sandwich variance (HC0) of y on d with weights 1/d, of statsmodels."""
    d = (RNG.poisson(5, 400) + 1).astype(np.float64)
    y = RNG.binomial(d.astype(int), 0.2).astype(float)
    model = OLS(y / np.sqrt(d), np.sqrt(d)[:, None]).fit(cov_type="HC0")
    arm = ratio(Sums.of(y, d))
    assert arm.value == pytest.approx(model.params[0], rel=1e-9)
    assert arm.variance * 399 / 400 == pytest.approx(model.cov_HC0[0, 0], rel=1e-9)


def test_a_ratio_varies_as_its_variance_says() -> None:
    d = (RNG.poisson(4, (2000, 150)) + 1).astype(np.float64)
    y = RNG.binomial(d.astype(int), RNG.beta(2, 8, (2000, 150))).astype(float)
    arms = ratio(Sums.of(y, d))
    assert np.mean(arms.variance) == pytest.approx(np.var(arms.value), rel=0.12)


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_a_covariate_takes_its_share_of_the_variance(rho: float) -> None:
    """Deng, Xu, Kohavi, Walker, WSDM 2013, equation 5: var(Y - θX) = var(Y) (1 - ρ²)."""
    x = RNG.normal(size=(2, 50_000))
    y = rho * x + np.sqrt(1 - rho**2) * RNG.normal(size=(2, 50_000))
    arms = [Sums.of(y[i], x=x[i]) for i in range(2)]
    found = adjusted(arms[0], arms[1], is_ratio=False)
    for i in range(2):
        assert found[i].variance / mean(arms[i]).variance == pytest.approx(1 - rho**2, rel=0.02)


def test_an_adjusted_effect_as_by_a_regression() -> None:
    """Of statsmodels, on treatment and covariate, to the slope's own precision."""
    x = RNG.normal(3, 1, 4000)
    treated = RNG.integers(0, 2, 4000)
    y = 2 * x + 0.3 * treated + RNG.normal(size=4000)
    model = OLS(y, np.column_stack([np.ones(4000), treated, x])).fit(cov_type="HC1")
    arms = [Sums.of(y[treated == i], x=x[treated == i]) for i in (0, 1)]
    found = absolute(*adjusted(arms[0], arms[1], is_ratio=False))
    assert found.size == pytest.approx(model.params[1], abs=1e-3)
    assert np.sqrt(found.variance) == pytest.approx(model.bse[1], rel=0.01)


def test_an_adjusted_ratio_estimates_the_same_with_less_variance() -> None:
    def draw() -> tuple[Array, Array, Array]:
        x = RNG.gamma(4, 1, (1000, 150))
        d = (RNG.poisson(x) + 1).astype(np.float64)
        return RNG.binomial(d.astype(int), 0.02 * x.clip(0, 40)).astype(float), d, x

    one, other = (Sums.of(*draw()) for _ in range(2))
    plain = absolute(ratio(one), ratio(other))
    found = absolute(*adjusted(one, other, is_ratio=True))
    assert np.mean(found.size) == pytest.approx(0, abs=4 * np.std(found.size) / np.sqrt(1000))
    assert np.mean(found.variance) == pytest.approx(np.var(found.size), rel=0.15)
    assert np.mean(found.variance) < 0.9 * np.mean(plain.variance)


def test_a_covariate_that_never_varies_changes_nothing() -> None:
    sums = Sums.of(RNG.normal(size=50), x=np.full(50, 3.0)), Sums.of(RNG.normal(size=60))
    for arm, one in zip(adjusted(*sums, is_ratio=False), sums, strict=True):
        assert arm.value == pytest.approx(float(mean(one).value))
        assert arm.variance == pytest.approx(float(mean(one).variance))


def test_no_success_at_all_is_not_certainty() -> None:
    arm = proportion(Sums(50.0, 0.0, 0.0))
    assert arm.value == 0
    assert arm.variance == pytest.approx(1 / 52 * 51 / 52 / 52)
    assert proportion(Sums()).variance == np.inf


def test_a_proportions_interval_is_agresti_and_caffos() -> None:
    """Its width is that of statsmodels; its middle stays where the data are."""
    one, other = proportion(Sums(40.0, 7.0, 7.0)), proportion(Sums(50.0, 20.0, 20.0))
    low, high = confint_proportions_2indep(20, 50, 7, 40, method="agresti-caffo", compare="diff")
    variance = float(absolute(one, other).variance)
    assert 2 * 1.959964 * np.sqrt(variance) == pytest.approx(high - low, rel=1e-6)


def test_what_is_unknown() -> None:
    assert np.isnan(mean(Sums()).value)
    assert mean(Sums(1.0, 2.0, 4.0)).variance == np.inf
    assert ratio(of([1, 2], [0, 0])).variance == np.inf
    assert Effect(np.nan, np.inf).z() == 0
    zero, some = mean(Sums.of(np.zeros(3))), mean(Sums.of(np.array([1.0, 2.0, 3.0])))
    assert relative(zero, some).variance == np.inf
    assert fixed.normal(relative(zero, some)) == fixed.UNKNOWN


def test_a_relative_effect_varies_as_its_variance_says() -> None:
    one, other = RNG.gamma(4, 1, (2000, 200)), RNG.gamma(4, 2, (2000, 200))
    found = relative(mean(Sums.of(one)), mean(Sums.of(other)))
    assert np.mean(found.size) == pytest.approx(1, abs=0.01)
    assert np.mean(found.variance) == pytest.approx(np.var(found.size), rel=0.12)
