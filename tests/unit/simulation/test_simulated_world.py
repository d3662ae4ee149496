"""A described service answers and is measured as described."""

import numpy as np
import pytest

from linnet.api.analysis import Profile, ReadyMade
from linnet.core.catalog import LIMITS, Check
from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.simulation.described import DefectKind, Described
from linnet.simulation.service import AWAY, Service, Setting
from linnet.simulation.worlds import CANARY, STABLE

LIMITED = LIMITS[Profile.STANDARD]
HALF = Setting(weight=0.5, canary=5, stable=10)


def after(seconds: float, setting: Setting = HALF, **parts: object) -> Service:
    """A service that has had the setting for a while, after a minute with stable alone."""
    service = Service(Described.model_validate(parts), np.random.default_rng(3))
    service.pass_time(60.0, Setting(stable=10))
    service.pass_time(60.0, setting)
    service.pass_time(60.0 + seconds, setting)
    return service


def test_traffic_is_split() -> None:
    toll = after(600).toll
    assert toll.served == pytest.approx(100 * 600, rel=0.05)
    assert toll.stable_served == pytest.approx(200 * 60 + 100 * 600, rel=0.05)
    assert toll.reached == 0


def test_errors_and_latency_are_measured() -> None:
    service = after(600, errors={"percent": 1}, latency={"p50": "200ms", "p95": "450ms"})
    for version in (CANARY, STABLE):
        assert service.reading(ReadyMade.ERROR_RATE, version, 300) == pytest.approx(1, rel=0.2)
        assert service.reading(ReadyMade.AVAILABILITY, version, 300) == pytest.approx(99, rel=0.01)
        latency = service.reading(ReadyMade.LATENCY_P95, version, 300)
        assert latency == pytest.approx(470, rel=0.1)


def test_a_defect_shows_when_its_time_has_come() -> None:
    late = {"kind": "errors", "percent": 100, "after": "5m"}
    assert after(299, defects=[late]).toll.reached == 0
    service = after(360, defects=[late])
    assert service.toll.failed == pytest.approx(100 * 60, rel=0.1)
    assert service.toll.reached == service.toll.failed - _before(late)
    assert service.reading(ReadyMade.ERROR_RATE, CANARY, 40) == 100


def test_a_defect_may_pass() -> None:
    short = {"kind": "errors", "percent": 100, "after": "1m", "lasting": "1m"}
    toll = after(300, defects=[short]).toll
    assert toll.failed == pytest.approx(100 * 60, rel=0.1)
    assert toll.reached == pytest.approx(100 * 60, rel=0.1)


def test_pods_restart_and_leak_as_described_and_healthy_ones_never() -> None:
    bad = [{"kind": "restarts", "perHour": 6}, {"kind": "memory", "percentPerHour": 10}]
    seen, fine = after(3600, defects=bad).pods(60.0), after(3600).pods(60.0)
    assert fine.restarts == fine.oom_kills == seen.oom_kills
    assert fine.restarts == Happened((0.0, 36000.0), (0.0, 18000.0))
    assert seen.restarts is not None
    assert seen.restarts.canary is not None
    assert seen.restarts.canary[0] == pytest.approx(30, abs=15)
    for pods, used in ((fine, 45), (seen, 55)):
        assert pods.memory is not None
        assert pods.memory.age_s == 3600
        assert pods.memory.canary["canary"] == pytest.approx(used, rel=0.1)
        assert pods.memory.then["stable"] == pytest.approx(45, rel=0.1)


def test_without_a_canary_nobody_tells_of_its_pods() -> None:
    alone = after(60, Setting(weight=0.0, canary=0, stable=10)).pods(60.0)
    assert alone == PodsSeen(
        Happened((0.0, 600.0), None), Happened((0.0, 600.0), None), MemorySeen()
    )


def _before(late: object) -> int:
    return after(300, defects=[late]).toll.failed


def test_an_incident_is_stables_too() -> None:
    shared = {"kind": "errors", "percent": 50, "shared": True}
    service = after(120, defects=[shared])
    assert service.reading(ReadyMade.ERROR_RATE, STABLE, 60) == pytest.approx(50, rel=0.1)
    assert service.toll.reached == 0


def test_cpu_follows_the_traffic_of_a_pod() -> None:
    def cpu(setting: Setting, *defects: object) -> float:
        found = after(60, setting, defects=defects).reading(ReadyMade.CPU, CANARY, 60)
        assert found is not None
        return found

    assert cpu(HALF) == pytest.approx(35, rel=0.1)
    assert cpu(Setting(weight=0.5, canary=2, stable=10)) == pytest.approx(87.5, rel=0.1)
    assert cpu(HALF, {"kind": "cpu", "times": 2}) == pytest.approx(70, rel=0.1)


def test_memory_leaks() -> None:
    leak = {"kind": "memory", "percentPerHour": 60}
    used = after(1200, defects=[leak]).reading(ReadyMade.MEMORY, CANARY, 60)
    assert used == pytest.approx(65, rel=0.1)
    assert after(60).reading(ReadyMade.MEMORY, CANARY, 60) == pytest.approx(45, rel=0.1)


def test_without_pods_requests_fail_and_nothing_is_scraped() -> None:
    gone = Setting(weight=0.5, canary=0, stable=10)
    service = after(120, gone)
    assert service.toll.failed == service.toll.served > 0
    assert service.sample(LIMITED[ReadyMade.ERROR_RATE], 60).value is None
    assert service.reading(ReadyMade.MEMORY, CANARY, 60) is None
    assert service.reading(ReadyMade.CPU, CANARY, 60) is None


@pytest.mark.parametrize(("of", "error"), [("prometheus", AWAY.error), ("scrapes", "")])
def test_telemetry_is_away_for_a_while(of: str, error: str) -> None:
    outage = {"of": of, "after": "2m", "lasting": "4m"}
    check = LIMITED[ReadyMade.ERROR_RATE]
    assert after(60, outages=[outage]).sample(check, 60).value is not None
    during = after(300, outages=[outage]).sample(check, 60)
    assert (during.value, during.error) == (None, error)
    assert after(600, outages=[outage]).sample(check, 60).value is not None


def test_a_query_of_ones_own_passes_unless_it_is_told_what_it_gives() -> None:
    own = Check("failures", "up", above=5.0, at_most=3.0)
    assert after(60).sample(own, 60).value == 3.0
    assert after(60, readings={"failures": 9}).sample(own, 60).value == 9
    below = Check("stock", "up", below=5.0, at_least=7.0)
    assert after(60).sample(below, 60).value == 7.0


def test_a_crash_is_a_change_of_the_pods() -> None:
    service = after(10, defects=[{"kind": "crash", "after": "30s"}])
    assert service.active(DefectKind.CRASH) is None
    assert service.next_change() == 90.0
    service.pass_time(90.0, HALF)
    assert service.active(DefectKind.CRASH) is not None
