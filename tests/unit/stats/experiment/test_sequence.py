"""Confidence sequences: published values, duality, and what they promise."""

from math import exp, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.stats.experiment import sequence
from linnet.stats.experiment.distributions import NORMAL
from linnet.stats.experiment.effects import Effect

CLOCKS = st.floats(1e-3, 1e3)


def test_the_bound_as_in_confseq() -> None:
    """confseq, test/uniform_boundaries_unittest.cpp, TestTwoSidedNormalMixture.

    Best at v = 100 for α = 0.05, the bound on the sum at v = 100 is 30.35209, on z a tenth of it.
    """
    assert sequence.critical(sequence.tuned(0.05), 0.05) == pytest.approx(3.035209, abs=1e-5)


def test_the_interval_as_in_gbstats() -> None:
    """GrowthBook's gbstats, test_sequential_test_runs: 6,461 users, tuned to 1,000."""
    effect, r = Effect(0.50336, 0.33341**2), sequence.clock(6.461, 0.05)
    found = sequence.interval(effect, float(r), 0.05)
    assert (found.low, found.high) == pytest.approx((-0.55844, 1.56516), abs=1e-4)


@settings(max_examples=100, deadline=None)
@given(z=st.floats(-8, 8), r=CLOCKS, alpha=st.sampled_from([0.2, 0.05, 0.01, 0.001]))
def test_interval_p_value_and_evidence_say_the_same(z: float, r: float, alpha: float) -> None:
    beyond = abs(z) >= float(sequence.critical(r, alpha))
    found = sequence.interval(Effect(z, 1.0), r, alpha)
    assert beyond == (found.low >= 0 or found.high <= 0)
    bound = Effect(float(sequence.critical(r, alpha)), 1.0)
    assert sequence.p_value(bound.z(), r) == pytest.approx(alpha, rel=1e-9)
    assert sequence.log_evidence(bound.z(), r) == pytest.approx(log(1 / alpha), rel=1e-9)


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(r=CLOCKS)
def test_the_mean_of_the_evidence_is_one_without_an_effect(r: float) -> None:
    """Over a normal z, by quadrature; the exponential's tail needs a wide grid."""
    reach = 12 * sqrt(1 + r)
    z = np.linspace(-reach, reach, 200_001)
    density = np.exp(sequence.log_evidence(z, r) - z * z / 2) / sqrt(2 * np.pi)
    assert np.trapezoid(density, z) == pytest.approx(1, rel=1e-6)


def test_nothing_is_said_at_the_start() -> None:
    assert sequence.critical(0.0, 0.05) == inf
    assert sequence.p_value(9.0, 0.0) == 1
    nothing = sequence.interval(Effect(1.0, 1.0), 0.0, 0.05)
    assert (nothing.low, nothing.high) == (-inf, inf)
    unknown = sequence.interval(Effect(np.nan, inf), 1.0, 0.05)
    assert (unknown.low, unknown.high) == (-inf, inf)


@pytest.mark.parametrize("growth", [1, 2])
def test_hundreds_of_looks_keep_the_promise(growth: int) -> None:
    """Knowledge that grows with time, and with its square; four planned times long."""
    rng = np.random.default_rng(growth)
    times = np.geomspace(1e-4, 4, 400)
    known = times**growth
    steps = rng.normal(size=(1000, 400)) * np.sqrt(np.diff(known, prepend=0))
    z = steps.cumsum(axis=1) / np.sqrt(known)
    ever = (sequence.p_value(z, sequence.clock(times, 0.05)) <= 0.05).any(axis=1).mean()
    assert ever <= 0.05 + 2 * sqrt(0.05 * 0.95 / 1000)


def test_the_chance_at_the_end_as_by_simulation() -> None:
    """Half of the time has passed: an effect of 0.1 ± 1 so far, and 2.0 from now on."""
    rng = np.random.default_rng(9)
    r = sequence.tuned(0.05)
    found = sequence.chance_at_end(Effect(0.1, 1.0), 2.0, 0.5, 0.05, r)
    second = rng.normal(2.0, 1.0, 200_000)
    z = (0.1 + second) / 2 / sqrt(0.5)
    assert found == pytest.approx((z > sequence.critical(r, 0.05)).mean(), abs=0.005)
    assert sequence.chance_at_end(Effect(np.nan, inf), 2.0, 0.5, 0.05, r) == 1


def test_the_largest_evidence_can_be_written() -> None:
    assert sequence.p_value(1e6, 8.0) == pytest.approx(exp(-700))
    assert NORMAL.cdf(0) == 0.5
