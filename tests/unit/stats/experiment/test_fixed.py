"""Tests with a fixed end, against scipy, statsmodels and published results."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from linnet.stats.experiment import distributions, fixed
from linnet.stats.experiment.arms import Arm, mean
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.sums import Sums

RNG = np.random.default_rng(3)


def test_welch_as_published() -> None:
    """GrowthBook's gbstats, tests/frequentist/test_tests.py, test_two_sided_ttest."""
    control, treatment = Arm(0.41, 3.9**2 / 3407, 3407), Arm(0.7, 6.2**2 / 3461, 3461)
    found = fixed.welch(control, treatment)
    assert found.p_value == pytest.approx(0.02016, abs=5e-6)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.04538, 0.53462), abs=5e-6)


@pytest.mark.parametrize(("n", "m", "sd"), [(5, 9, 1.0), (40, 300, 4.0), (5000, 5000, 0.2)])
def test_welch_as_in_scipy_and_statsmodels(n: int, m: int, sd: float) -> None:
    one, other = RNG.normal(0, 1, n), RNG.normal(0.2, sd, m)
    found = fixed.welch(mean(Sums.of(one)), mean(Sums.of(other)))
    scipys = stats.ttest_ind(other, one, equal_var=False)
    assert found.statistic == pytest.approx(scipys.statistic, rel=1e-9)
    assert found.freedom == pytest.approx(scipys.df, rel=1e-9)
    assert found.p_value == pytest.approx(scipys.pvalue, rel=1e-8)
    compared = CompareMeans(DescrStatsW(other), DescrStatsW(one))
    interval = compared.tconfint_diff(usevar="unequal")
    assert (found.interval.low, found.interval.high) == pytest.approx(interval, rel=1e-8)


@pytest.mark.parametrize(
    ("counts", "users"), [((7, 20), (40, 50)), ((310, 365), (3000, 3100)), ((0, 4), (90, 80))]
)
def test_proportions_as_in_statsmodels(counts: tuple[int, int], users: tuple[int, int]) -> None:
    sums = [Sums(float(n), float(y), float(y)) for y, n in zip(counts, users, strict=True)]
    found = fixed.proportions(sums[0], sums[1])
    z, p = proportions_ztest(counts[::-1], users[::-1])
    assert (found.statistic, found.p_value) == pytest.approx((z, p), rel=1e-9)
    low, high = confint_proportions_2indep(
        counts[1], users[1], counts[0], users[0], method="wald", compare="diff"
    )
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), rel=1e-9)


def test_where_nothing_can_be_said() -> None:
    nothing, same = Sums(), Sums(10.0, 10.0, 10.0)
    assert fixed.welch(mean(nothing), mean(same)) == fixed.UNKNOWN
    assert fixed.welch(mean(same), mean(same)) == fixed.UNKNOWN
    assert fixed.proportions(nothing, same) == fixed.UNKNOWN
    assert fixed.proportions(same, same) == fixed.UNKNOWN
    assert fixed.normal(Effect(1.0, 0.0)) == fixed.UNKNOWN


def test_a_normal_test() -> None:
    found = fixed.normal(Effect(1.959964, 1.0))
    assert found.p_value == pytest.approx(0.05, abs=1e-7)
    assert found.interval.low == pytest.approx(0, abs=1e-6)


@settings(max_examples=200, deadline=None)
@given(a=st.floats(0.5, 1e5), b=st.floats(0.5, 1e5), x=st.floats(0, 1))
def test_the_beta_distribution_as_in_scipy(a: float, b: float, x: float) -> None:
    assert distributions.beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(freedom=st.floats(1, 1e6), alpha=st.floats(1e-6, 0.5))
def test_students_t_as_in_scipy(freedom: float, alpha: float) -> None:
    t = distributions.student_two_sided(alpha, freedom)
    assert t == pytest.approx(stats.t.isf(alpha / 2, freedom), rel=1e-6)
    assert distributions.student_beyond(t, freedom) == pytest.approx(alpha, rel=1e-6)


def test_the_normal_distribution() -> None:
    assert distributions.student_two_sided(0.05, inf) == pytest.approx(1.959963984540054)
    assert distributions.beyond(3.0) == pytest.approx(2 * stats.norm.sf(3))
    assert distributions.density(1.3) == pytest.approx(stats.norm.pdf(1.3))
