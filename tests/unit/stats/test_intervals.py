"""Building blocks against published numbers; the sources are named."""

from math import inf, log

import numpy as np
import pytest
from scipy.special import betaln

from linnet.stats.intervals import (
    NOTHING,
    log_beta,
    log_marginal,
    mean_interval,
    quantile_interval,
    ratio_interval,
)


def test_beta_binomial_mixture_as_in_confseq() -> None:
    """confseq, test/uniform_boundaries_unittest.cpp, TestTwoSidedBetaBinomialMixture.

    Its mixture (v_opt 100, alpha 0.05, g 0.2, h 0.8) at s = 10, v = 100 is 135 events of chance
    0.2 among 625, with the prior (ρ - gh)/h, (ρ - gh)/g, where ρ = 12.60056 (best_rho there).
    """
    prior = (12.60056 - 0.16) / 0.8, (12.60056 - 0.16) / 0.2
    evidence = log_marginal(135, 490, prior) - 135 * log(0.2) - 490 * log(0.8)
    assert evidence == pytest.approx(-0.6941012, abs=1e-5)


def test_mean_interval_as_in_confseq() -> None:
    """The same file, TestTwoSidedNormalMixture: the bound at v = 100 is 30.35209."""
    interval = mean_interval(100, 0.0, 99.0, alpha=0.05, tightest=100)
    assert interval.high * 100 == pytest.approx(30.35209, abs=1e-4)
    assert interval.low == -interval.high


def test_mean_interval_as_in_gbstats() -> None:
    """GrowthBook's gbstats, tests/frequentist/test_tests.py, test_sequential_test_runs.

    6,461 users, an uplift of 0.50336 with the standard error 0.33341, tuned to 1,000.
    """
    squares = 0.33341**2 * 6461 * 6460
    interval = mean_interval(6461, 0.50336, squares, alpha=0.05, tightest=1000)
    assert (interval.low, interval.high) == pytest.approx((-0.55844, 1.56516), abs=1e-4)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1, 19), (3000.25, 7.5)])
def test_beta_function_as_in_scipy(a: float, b: float) -> None:
    assert log_beta(a, b) == pytest.approx(betaln(a, b), rel=1e-12)


@pytest.mark.parametrize(("canary", "stable"), [(0, 0), (0, 40), (7, 0), (3, 38), (5000, 95000)])
def test_the_ends_of_a_ratio_interval_are_where_the_evidence_crosses(
    canary: float, stable: float
) -> None:
    interval = ratio_interval(canary, stable, share=0.05)
    marginal = log_marginal(canary, stable, (1.0, 19.0))
    for end in (interval.low, interval.high):
        if 0 < end < inf:
            p = end * 0.05 / (end * 0.05 + 0.95)
            evidence = marginal - canary * log(p) - stable * log(1 - p)
            assert evidence == pytest.approx(log(20), abs=1e-3)
    assert interval.low <= (canary * 19 / stable if stable else inf) <= interval.high
    assert (interval.low == 0) or canary > 0


@pytest.mark.thorough
def test_a_ratio_interval_covers_at_all_times() -> None:
    """1,000 canaries, three times worse, looked at after each of 60 windows: 95 % and more."""
    rng = np.random.default_rng(5)
    canary = rng.poisson(0.6, (1000, 60)).cumsum(axis=1)
    stable = rng.poisson(3.8, (1000, 60)).cumsum(axis=1)
    looks = range(0, 60, 6)
    missed = 0
    for mine, theirs in zip(canary, stable, strict=True):
        intervals = (ratio_interval(mine[at], theirs[at], 0.05) for at in looks)
        missed += any(not interval.low <= 3 <= interval.high for interval in intervals)
    assert missed <= 50


@pytest.mark.parametrize(
    ("canary", "stable", "share"),
    [(1.0, 1.0, 0.0), (1.0, 1.0, 1.0), (float("nan"), 1.0, 0.5), (1.0, inf, 0.5), (-1.0, 1.0, 0.5)],
)
def test_where_nothing_can_be_said(canary: float, stable: float, share: float) -> None:
    assert ratio_interval(canary, stable, share) == NOTHING
    assert mean_interval(1, 0.5, 0.0).high == inf


def test_a_quantile_lies_between_edges() -> None:
    edges, slower = np.array([0.1, 0.25, 0.5, 1.0]), np.array([5000.0, 1000.0, 20.0, 0.0])
    interval = quantile_interval(0.95, edges, slower, 10_000)
    assert (interval.low, interval.high) == (0.25, 0.5)
    few = quantile_interval(0.95, edges, slower / 500, 20)
    assert (few.low, few.high) == (0.1, inf)
    assert quantile_interval(0.95, edges, np.zeros(4), 0) == NOTHING
