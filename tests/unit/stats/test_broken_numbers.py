"""Whatever a counter shows, nothing raises, and nonsense alone never decides."""

import json
from math import inf, log, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.stats import latency, memory, mixture, share
from linnet.stats.counts import MOST, Window
from linnet.stats.cpu import CpuTest
from linnet.stats.errors import ERRORS
from linnet.stats.exposure import OOM_KILLS
from linnet.stats.latency import Histograms, LatencyTest
from linnet.stats.objective import ObjectiveTest
from linnet.stats.share import ShareTest

ANYTHING = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-5, 5).map(float),
    st.sampled_from([nan, inf, -inf, 1e300, -1.0, MOST * 2, 0.0]),
)
FOUR = st.lists(st.tuples(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING), max_size=5)
BROKEN = st.sampled_from([nan, inf, -inf, -1.0, 1e12, 1e300])


@pytest.mark.thorough
@settings(max_examples=50, deadline=None)
@given(windows=FOUR)
def test_nothing_raises(windows: list[tuple[float, ...]]) -> None:
    """Warnings are errors in these tests, so no overflow or division by zero goes unseen either."""
    cpu, objective, split, slow = CpuTest(), ObjectiveTest(0.01), ShareTest(), LatencyTest()
    states: list[Any] = [ERRORS.begin(), OOM_KILLS.begin(), cpu.begin(), objective.begin()]
    more: list[Any] = [split.begin(), slow.begin(2), memory.begin()]
    for c, n, s, m, seconds in windows:
        window = Window(c, n, s, m, seconds)
        states[0] = ERRORS.advance(states[0], window)
        states[1] = OOM_KILLS.advance(states[1], window)
        states[2] = cpu.advance(states[2], window)
        states[3] = objective.advance(states[3], c, n, seconds)
        more[0] = split.advance(more[0], n, m, 0.1, seconds)
        more[1] = slow.advance(
            more[1],
            Histograms(np.array([n, c]), np.array(n), np.array([m, s]), np.array(m), seconds),
        )
        more[2] = memory.advance(more[2], c, n, (s, m))
        memory.grows(more[2], 0.0)
        memory.growth_interval(more[2])
        memory.seconds_needed(more[2], seconds)
    for state in states + more:
        assert json.dumps(state.to_json(), allow_nan=False)


@settings(max_examples=25, deadline=None)
@given(broken=BROKEN, place=st.integers(0, 3))
def test_nonsense_alone_never_decides(broken: float, place: int) -> None:
    numbers = [30.0, 50.0, 1.0, 950.0]
    numbers[place] = broken
    errors, cpu = ERRORS.begin(), CpuTest().begin()
    for _ in range(20):
        errors = ERRORS.advance(errors, Window(*numbers))
        cpu = CpuTest().advance(cpu, Window(*numbers))
    for side in (errors.worse, errors.better, cpu.worse, cpu.better):
        assert mixture.log_evidence(side) < 0.01


@pytest.mark.thorough
@settings(max_examples=25, deadline=None)
@given(broken=BROKEN, place=st.integers(0, 3))
def test_nonsense_alone_never_decides_of_pods(broken: float, place: int) -> None:
    """Nor does any number of samples without one good one."""
    numbers = [3.0, 300.0, 0.0, 5700.0]
    numbers[place] = broken
    killed, grown, samples = OOM_KILLS.begin(), memory.begin(), [4e8, 60.0, 4e8, 4e8]
    samples[place] = min(broken, 0.0) if place != 1 else broken
    for at in range(400):
        killed = OOM_KILLS.advance(killed, Window(*numbers))
        used, age, then, now = samples
        grown = memory.advance(grown, used, age * (at if place != 1 else 1.0), (then, now))
    if not 0 <= broken <= MOST:
        assert mixture.log_evidence(killed.worse) < 0.01
    assert not memory.grows(grown, log(20))


def test_more_failures_than_requests_are_no_measurement() -> None:
    state = ERRORS.advance(ERRORS.begin(), Window(51.0, 50.0, 1.0, 950.0))
    assert mixture.log_evidence(state.worse) <= 0


def test_broken_windows_of_one_release_leave_the_others_alone() -> None:
    canary = np.array([5.0, nan, 5.0])
    window = Window(canary, np.full(3, 50.0), np.full(3, 1.0), np.full(3, 950.0))
    evidence = mixture.log_evidence(ERRORS.advance(ERRORS.begin((3,)), window).worse)
    assert evidence[0] == evidence[2] > log(2)
    assert evidence[1] < 0


def test_no_traffic_is_no_evidence() -> None:
    state, split, slow = ERRORS.begin(), ShareTest().begin(), LatencyTest().begin(3)
    for _ in range(20):
        state = ERRORS.advance(state, Window(0.0, 0.0, 0.0, 0.0))
        split = ShareTest().advance(split, 0.0, 0.0, 0.05)
        slow = LatencyTest().advance(
            slow, Histograms(np.zeros(3), np.zeros(()), np.zeros(3), np.zeros(()))
        )
    for evidence in (
        mixture.log_evidence(state.worse),
        mixture.log_evidence(state.better),
        share.wrong(split),
        latency.worse(slow),
        latency.better(slow),
    ):
        assert -1 < evidence <= 0
