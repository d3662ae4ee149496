"""What each subject finds, and what it leaves alone; how fast is measured by the bench."""

from dataclasses import replace
from math import expm1, inf, log

import numpy as np
import pytest
from scipy.stats import theilslopes

from linnet.stats import dispersion, latency, memory, mixture, ratio, share
from linnet.stats.counts import Window
from linnet.stats.cpu import CpuTest
from linnet.stats.errors import ERRORS
from linnet.stats.exposure import RESTARTS
from linnet.stats.intervals import Interval
from linnet.stats.latency import Histograms, LatencyTest
from linnet.stats.objective import ObjectiveTest, shown_below
from linnet.stats.share import ShareTest
from linnet.stats.state import Array

SURE = log(600)


def _errors(canary: float, stable: float, ticks: int) -> ratio.RatioState:
    state = ERRORS.begin()
    for _ in range(ticks):
        state = ERRORS.advance(state, Window(canary, 750.0, stable, 14250.0))
    return state


def test_many_errors_of_the_canary_are_found_in_one_window() -> None:
    assert mixture.log_evidence(_errors(38, 28, 1).worse) > SURE


def test_errors_that_both_have_are_no_evidence() -> None:
    assert mixture.log_evidence(_errors(60, 1140, 50).worse) < 0
    assert mixture.log_evidence(_errors(60, 1140, 50).better) > log(20)


def test_a_new_weight_keeps_what_speaks_against_and_asks_anew_for_what_speaks_for() -> None:
    before = _errors(1, 28, 40)
    after = ratio.at_new_weight(before)
    assert (after.worse.log_wealth == before.worse.log_wealth).all()
    assert mixture.log_evidence(after.better) == pytest.approx(0, abs=1e-5)
    assert after.total.sum() == 0
    assert dispersion.factor(after.scatter) == dispersion.factor(before.scatter)


def test_counts_in_clusters_are_tempered() -> None:
    rng = np.random.default_rng(1)
    state, alike = ERRORS.begin(), ERRORS.begin()
    for _ in range(400):
        one, other = rng.poisson(3), rng.poisson(57)
        alike = ERRORS.advance(alike, Window(one, 750.0, other, 14250.0))
        state = ERRORS.advance(state, Window(3 * one, 750.0, 3 * other, 14250.0))
    assert dispersion.factor(alike.scatter) < 1.3
    assert 2.5 < dispersion.factor(state.scatter) < 4


def test_one_jolt_is_no_scatter() -> None:
    quiet = _errors(3, 57, 100)
    jolted = ERRORS.advance(quiet, Window(3.0, 750.0, 2000.0, 14250.0))
    assert dispersion.factor(jolted.scatter) < 1.1


def test_in_an_incident_scatter_counts_by_how_much_more_there_is_of_all() -> None:
    state = _errors(3, 57, 2)
    usual, eight = (dispersion.at_surge(state.scatter, np.asarray(n), 15.0) for n in (60.0, 480.0))
    assert usual == dispersion.factor(state.scatter) > 1
    assert eight - 1 == pytest.approx(8 * (usual - 1), rel=0.01)
    assert dispersion.at_surge(dispersion.begin(), np.asarray(480.0), 15.0) == dispersion.PRIOR


def test_a_crash_of_the_canary_counts_by_the_pods_it_has() -> None:
    few, many = RESTARTS.begin(), RESTARTS.begin()
    for _ in range(5):
        few = RESTARTS.advance(few, Window(1.0, 15.0, 0.0, 285.0))
        many = RESTARTS.advance(many, Window(1.0, 150.0, 0.0, 150.0))
    assert mixture.log_evidence(few.worse) > SURE
    assert mixture.log_evidence(many.worse) < 2


def _latencies(canary: Array, windows: int) -> latency.LatencyState:
    test, stable = LatencyTest(), np.array([8000.0, 700.0, 20.0])
    state = test.begin(3)
    for window in range(windows + 1):
        live = float(window > 0)  # stable is watched once before
        seen = Histograms(live * canary, np.asarray(live * 750), stable, np.asarray(14250.0))
        state = test.advance(state, seen)
    return state


def test_a_slower_canary_is_found_at_the_edge_that_shows_it() -> None:
    state = _latencies(np.array([425.0, 100.0, 1.0]), 2)
    assert latency.worse(state) > SURE
    assert latency.worst_edge(state) == 1


def test_an_equal_canary_is_cleared() -> None:
    state = _latencies(np.array([421.0, 37.0, 1.0]), 30)
    assert latency.worse(state) < 0
    assert latency.better(state) > log(20)


def test_without_a_failure_a_tenth_of_the_objective_takes_so_many_requests() -> None:
    """The figure that docs/statistics.md gives."""
    before, after = shown_below(np.zeros(2), np.array([7700.0, 7800.0]), 0.001) + log(0.05)
    assert before < log(20) <= after


def test_where_all_are_faster_than_the_edges_few_slow_ones_have_to_be_shown() -> None:
    stable, none = np.array([10.0, 0.0]), np.zeros(2)
    state = LatencyTest().begin(2)
    for canary in [none] * 4:
        seen = Histograms(canary, np.asarray(750.0), stable, np.asarray(14250.0))
        state = LatencyTest().advance(state, seen)
    assert latency.better(state) > log(20)
    slow = Histograms(np.array([75.0, 0.0]), np.asarray(750.0), stable, np.asarray(14250.0))
    assert latency.better(LatencyTest().advance(state, slow)) < 0


def test_edges_below_all_latencies_clear_nobody() -> None:
    assert latency.better(_latencies(np.array([421.0, 37.0, 1.0]), 0)) < log(20)
    slower = np.full(1, 14000.0)
    seen = Histograms(np.full(1, 737.0), np.asarray(750.0), slower, np.asarray(14250.0))
    state = LatencyTest().advance(LatencyTest().begin(1), seen)
    assert latency.better(LatencyTest().advance(state, seen)) == 0


def test_latency_waits_until_stable_is_known() -> None:
    slow = Histograms(np.full(2, 750.0), np.asarray(750.0), np.full(2, 100.0), np.asarray(14250.0))
    assert latency.worse(LatencyTest().advance(LatencyTest().begin(2), slow)) <= 0


def test_a_rate_above_its_objective_is_found_and_one_below_is_cleared() -> None:
    test = ObjectiveTest(limit=0.01)
    above, below = test.begin(), test.begin()
    for _ in range(20):
        above, below = test.advance(above, 30, 1000), test.advance(below, 2, 1000)
    assert mixture.log_evidence(above.worse) > SURE
    assert mixture.log_evidence(below.worse) < 0
    assert mixture.log_evidence(below.better) > log(20)


@pytest.mark.parametrize(("canary", "wrong"), [(50, False), (57, False), (90, True), (10, True)])
def test_traffic_shares(canary: float, wrong: bool) -> None:
    state = ShareTest().begin()
    for _ in range(20):
        state = ShareTest().advance(state, canary, 1000 - canary, 0.05)
    assert bool(share.wrong(state) > SURE) is wrong


def test_a_share_is_not_tested_at_the_ends() -> None:
    state = ShareTest().begin()
    assert ShareTest().advance(state, 10, 10, 1.0) is state


def test_cpu_needs_a_dozen_minutes_of_excess() -> None:
    test = CpuTest()
    heavy, fair = test.begin(), test.begin()
    for _ in range(4 * 16):
        heavy = test.advance(heavy, Window(15.0, 750.0, 190.0, 14250.0))
        fair = test.advance(fair, Window(10.5, 750.0, 190.0, 14250.0))
    assert mixture.log_evidence(heavy.worse) > SURE
    assert mixture.log_evidence(fair.worse) < 0 < mixture.log_evidence(fair.better)
    assert heavy.moments[:2] == pytest.approx([16, log(1.5)], abs=0.1)


def _memory(
    rate_per_day: float, hours: int, *, noise: float = 0.0, then: float = 0.0, now: float = 0.0
) -> memory.MemoryState:
    """Samples each minute; then, now: how stable's memory grows a day, at that age and now."""
    rng, state = np.random.default_rng(3), memory.begin()
    for minute in range(hours * 60):
        own, *others = (
            4e8 * np.exp(log(1 + rate) * minute / 1440) for rate in (rate_per_day, then, now)
        )
        used = 1.2 * float(own * np.exp(noise * rng.standard_normal()))
        state = memory.advance(state, used, minute * 60.0, tuple(map(float, others)))
    return state


def test_growth_is_found_where_it_matters() -> None:
    state = _memory(0.5, 8, noise=0.01)
    assert memory.growth_per_day(state) == pytest.approx(0.5, rel=0.1)
    between = memory.growth_interval(state)
    assert 0.3 < between.low < 0.5 < between.high < 0.7
    assert memory.grows(state, SURE)
    assert memory.seconds_needed(state, SURE) == 0
    small = _memory(0.03, 8)
    assert mixture.log_evidence(small.growth) > SURE
    assert not memory.grows(small, SURE)
    assert memory.seconds_needed(small, SURE) == inf


def test_growth_up_to_what_stable_has_does_not_matter() -> None:
    state = memory.begin()
    for minute in range(8 * 60):
        used = 3e8 * np.exp(0.2 * minute / 480)
        state = memory.advance(state, float(used), minute * 60.0, (3e8, 4e8))
    assert mixture.log_evidence(state.growth) > SURE
    assert memory.growth_per_day(state) > 0.5
    assert not memory.grows(state, SURE)


@pytest.mark.parametrize(("then", "now"), [(0.5, 0.0), (0.0, 0.5), (0.6, 0.6)])
def test_what_stable_did_at_that_age_or_does_now_is_no_growth(then: float, now: float) -> None:
    state = _memory(0.5, 8, then=then, now=now)
    assert mixture.log_evidence(state.growth) < 0
    assert not memory.grows(state, SURE)


def test_how_long_growth_takes_to_be_shown() -> None:
    early, seconds = _memory(0.5, 1), 0.0
    needed = memory.seconds_needed(early, SURE)
    while not memory.grows(_memory(0.5, 1 + round(seconds / 3600)), SURE):
        seconds += 1800
    assert needed == pytest.approx(seconds, rel=0.6)
    assert needed < memory.least_seconds(SURE) == 600 * 15


def test_without_a_control_its_own_growth_is_all_there_is() -> None:
    state = memory.begin((), 0)
    for minute in range(8 * 60):
        state = memory.advance(state, 4e8 * (1 + minute / 960), minute * 60.0)
    assert memory.grows(state, SURE)


def test_before_there_are_four_blocks_nothing_is_known_of_the_size() -> None:
    assert memory.growth_interval(memory.begin()) == Interval(-1.0, inf)
    assert memory.growth_interval(_memory(0.5, 1)).high < inf


def test_steady_memory_does_not_grow() -> None:
    state = _memory(0.0, 8, noise=0.05)
    assert abs(memory.growth_per_day(state)) < 0.1
    assert not memory.grows(state, SURE)


def test_slopes_as_in_scipy() -> None:
    state = _memory(0.3, 7, noise=0.02)
    kept = int(state.kept)
    slope = theilslopes(state.history[:kept], state.ages[:kept]).slope
    assert kept > 20
    assert memory.growth_per_day(state) == pytest.approx(expm1(slope * 86400), rel=1e-9)


def test_restarted_pods_begin_new_blocks_and_keep_the_evidence() -> None:
    grown = _memory(0.5, 4)
    anew = memory.advance(grown, 4e8, 30.0, (4e8, 4e8))
    assert anew.kept == 0
    assert mixture.log_evidence(anew.growth) == pytest.approx(
        mixture.log_evidence(grown.growth), abs=0.01
    )
    assert memory.growth_per_day(anew) == 0


def test_a_week_is_kept_as_small_as_an_hour() -> None:
    state = replace(_memory(0.1, 14), merged=np.asarray(2.0))
    assert state.history.shape == (memory.HISTORY,)
    assert np.count_nonzero(state.ages) == state.kept <= memory.HISTORY
