"""The bench of detection, in short: a few releases in each world, with generous bars."""

import numpy as np
import pytest

from linnet.simulation import trials
from linnet.simulation.trials import Trial
from linnet.simulation.worlds import CLEAN, NOISY, Defect, World
from tests.bench import bench_detection

WORLDS = pytest.mark.parametrize("world", [CLEAN, NOISY], ids=["clean", "noisy"])


@WORLDS
def test_a_bad_canary_is_found_within_a_minute(world: World) -> None:
    times = trials.errors(Trial(world, 0.05, 60, 3, Defect(0, 0.05)))
    assert np.median(times.first["linnet"]) <= 60
    assert np.median(times.first["linnet"]) < np.median(times.first["three in a row"])


@WORLDS
def test_a_healthy_canary_stays_and_is_cleared(world: World) -> None:
    times = trials.errors(Trial(world, 0.5, 60, 4))
    assert np.isfinite(times.first["linnet"]).sum() <= 2
    assert np.median(times.first["clear"]) < 600


def test_an_incident_of_both_versions_is_no_reason_for_a_rollback() -> None:
    shared = Defect(600, 0.016, shared=True)
    times = trials.errors(Trial(CLEAN, 0.4, 60, 5, shared))
    assert np.isinf(times.first["linnet"]).all()
    assert np.isfinite(times.first["three in a row"]).all()


def test_a_late_defect_is_found_as_an_early_one() -> None:
    times = trials.errors(Trial(CLEAN, 1.05, 40, 6, Defect(3600, 0.05)))
    assert times.false_alarms("linnet") == 0
    assert np.median(times.found("linnet")) <= 30


def test_a_slower_canary_is_found_below_the_objective_of_the_others() -> None:
    times = trials.latencies(Trial(CLEAN, 0.1, 20, 7, Defect(0, slower=1.3)))
    assert np.median(times.first["linnet"]) <= 60
    assert np.isinf(times.first["three in a row"]).all()


def test_a_whole_healthy_release_stays() -> None:
    times = trials.whole(Trial(NOISY, 0.2, 20, 8))
    assert set(times.first) == set(trials.METRICS)
    assert sum(np.isfinite(first).sum() for first in times.first.values()) <= 1


def test_a_fast_leak_is_found_and_a_healthy_warm_up_is_not_one() -> None:
    fast = trials.leak(6.0, 10.0, 20, 9, control=True).first["linnet"]
    steady = trials.leak(0.0, 10.0, 20, 9, control=True).first["linnet"]
    assert np.isfinite(fast).mean() > 0.8
    assert np.isfinite(steady).sum() <= 1


def test_every_row_of_the_bench_has_a_name_of_its_own() -> None:
    names = [row.name for row in bench_detection.rows()]
    assert len(set(names)) == len(names)


def test_no_test_can_be_faster_than_wald_allows() -> None:
    assert bench_detection.wald_s(CLEAN, 0.01) == 30
