"""A bad version: what ends a release, how fast, and what is left afterwards."""

from datetime import timedelta

import pytest

from linnet.api.status import DecisionKind, Phase
from linnet.core.actions import HoldStable, SetWeight
from tests.support.builders import MINUTE, SECOND, START, make_spec
from tests.support.looks import Kill
from tests.support.world import HEALTHY, World, releasing


def assert_back_on_stable(world: World) -> None:
    assert world.phases[-2:] == [Phase.ROLLING_BACK, Phase.ROLLED_BACK]
    assert world.stable is not None
    assert (world.stable.asked, world.stable.paused) == ({"v1": 4}, True)
    assert world.canary is None
    assert world.route is not None
    assert (world.route.listed, world.route.served) == (False, 0)
    assert world.status.failed_revision == "v2"


@pytest.mark.parametrize(
    ("check", "value", "reason", "times"),
    [
        ("errorRate", 1.1, "ErrorRateBreached", 3),
        ("latencyP95", 501.0, "LatencyP95Breached", 3),
        ("memory", 86.0, "MemoryBreached", 2),
        ("cpu", 81.0, "CpuBreached", 3),
        ("availability", 98.9, "AvailabilityBreached", 3),
    ],
)
def test_a_breach_rolls_back_after_so_many_in_a_row(
    check: str, value: float, reason: str, times: int
) -> None:
    world = releasing()
    healthy = HEALTHY[check]
    world.readings[check] = lambda world: (
        value if world.route and world.route.served >= 50 else healthy
    )
    world.run(Phase.ROLLED_BACK)

    assert world.last.reason == reason
    assert f"{times} times in a row" in world.last.message
    assert (world.last.weight, world.last.step) == (50, 3)
    assert world.weights == [0, 5, 10, 50, 0]
    assert world.lost_requests == []
    assert_back_on_stable(world)


def test_breaches_that_are_not_in_a_row_do_not_roll_back() -> None:
    world = releasing(make_spec(5, 100, hold="1m"))
    world.readings["errorRate"] = lambda world: 9.0 if (world.now - START).seconds % 90 < 60 else 0
    world.rest(20 * MINUTE)
    assert world.status.phase is Phase.PROGRESSING
    assert world.weights == [0, 5]


def test_the_strict_profile_rolls_back_where_the_standard_one_holds() -> None:
    for profile, reason in (("Strict", "LatencyP95Breached"), ("Standard", "Hold")):
        world = releasing(make_spec(analysis={"profile": profile}))
        world.readings["latencyP95"] = 250.0
        world.run(lambda world: DecisionKind.ADVANCED is not world.last.decision)
        assert world.last.reason == reason


def test_an_own_query_is_judged_by_its_own_limits() -> None:
    metric = {
        "name": "queue",
        "query": "queue_length",
        "rollback": {"above": 10, "consecutive": 1},
        "advance": {"atMost": 5},
    }
    world = releasing(make_spec(analysis={"metrics": [metric]}))
    world.readings["queue"] = 11.0
    world.run(Phase.ROLLED_BACK)
    assert world.last.message == "queue: 11 is above 10"


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_a_crash_loop_is_decided_at_once(phase: Phase) -> None:
    world = releasing(until=phase)
    world.run(lambda world: world.canary is not None)
    world.crashing["v2"] = "CrashLoopBackOff: container app exited with code 1"
    seen = world.now
    world.run(Phase.ROLLING_BACK)
    assert world.now == seen
    assert world.last.reason == "CanaryFailing"
    assert world.last.message.startswith("CrashLoopBackOff")
    world.run(Phase.ROLLED_BACK)
    assert_back_on_stable(world)


def test_a_canary_that_never_gets_ready_is_rolled_back_at_its_deadline() -> None:
    world = releasing(until=Phase.STARTING)
    world.broken.add("v2")
    started = world.now
    world.run(Phase.ROLLING_BACK)
    assert world.now - started == timedelta(minutes=5)
    assert world.last.reason == "CanaryNotReady"
    assert world.last.message == "0 of 1 canary pods are ready after 5m"
    world.run(Phase.ROLLED_BACK)
    assert_back_on_stable(world)


def test_a_canary_that_is_ready_when_the_operator_returns_is_not_too_late() -> None:
    world = releasing(until=Phase.STARTING)
    world.run(lambda world: world.canary is not None)
    world.sleep(20 * MINUTE)
    world.run(Phase.PROGRESSING)


def test_a_canary_without_a_ready_pod_is_rolled_back_at_once() -> None:
    world = releasing()
    assert world.canary is not None
    world.canary.unready = True
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "CanaryDown"
    assert_back_on_stable(world)


def test_a_deleted_canary_ends_the_release_though_the_route_is_not_accepted() -> None:
    world = releasing()
    world.rest(MINUTE)
    world.canary = None
    world.run(Phase.ROLLED_BACK, limit=MINUTE)
    assert world.last.reason == "CanaryMissing"
    assert_back_on_stable(world)


def test_a_canary_without_its_service_leaves_the_route_though_that_is_not_accepted() -> None:
    world = releasing()
    world.rest(MINUTE)
    assert world.canary is not None
    world.canary.service = False
    world.run(Phase.ROLLED_BACK, limit=5 * MINUTE)
    assert world.last.reason == "CanaryFailing"
    assert_back_on_stable(world)


def test_a_failed_version_is_not_tried_again() -> None:
    world = releasing()
    world.crashing["v2"] = "OOMKilled: ran out of memory"
    world.run(Phase.ROLLED_BACK)
    world.crashing.clear()
    looks = len(world.trail)
    world.rest()
    assert world.status.phase is Phase.ROLLED_BACK
    assert world.wake_after is None
    assert len(world.trail) == looks + 1
    assert world.condition("Stalled") == "RolledBack"
    assert world.condition("Ready") == ""
    assert world.status.message == "OOMKilled: ran out of memory"


def test_a_failed_version_is_tried_again_once_the_template_was_put_back() -> None:
    world = releasing()
    world.crashing["v2"] = "OOMKilled: ran out of memory"
    world.run(Phase.ROLLED_BACK)
    world.crashing.clear()
    world.push("v1")
    world.run(Phase.IDLE)
    assert world.last.decision is DecisionKind.REVERTED
    world.push("v2")
    world.run(Phase.PROMOTED)


def test_a_failed_version_is_tried_again_after_another_one_was_pushed() -> None:
    world = releasing()
    world.crashing["v2"] = "OOMKilled: ran out of memory"
    world.run(Phase.ROLLED_BACK)
    world.crashing.clear()
    world.push("v3")
    world.run(Phase.STARTING)
    world.push("v2")
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v2"


def test_a_failed_version_is_tried_again_though_the_deployment_was_away_meanwhile() -> None:
    world = releasing()
    world.crashing["v2"] = "OOMKilled: ran out of memory"
    world.run(Phase.ROLLED_BACK)
    world.crashing.clear()
    world.problem = ("ServiceMissing", "there is no Service shop")
    world.run(Phase.PENDING)
    world.problem = None
    world.run(Phase.IDLE)
    world.rest()
    assert world.status.phase is Phase.IDLE
    assert world.status.failed_revision == "v2"
    world.push("v1")
    world.rest(SECOND)
    world.push("v2")
    world.run(Phase.PROMOTED)


def test_traffic_returns_first_and_again_if_the_write_was_lost() -> None:
    world = releasing()
    world.rest(MINUTE)
    world.crashing["v2"] = "CrashLoopBackOff"
    world.kills[len(world.trail)] = Kill(survive=0, status_lost=True)
    decision = world.look()
    assert decision.actions[0] == SetWeight(0)
    assert world.weight == 5
    world.rest(SECOND)
    assert world.weight == 0


def test_traffic_returns_before_a_resumed_deployment_is_paused() -> None:
    world = releasing()
    world.resume()
    world.crashing["v2"] = "CrashLoopBackOff"
    assert world.look().actions == (SetWeight(0), HoldStable())


def test_the_canary_drains_before_its_pods_go() -> None:
    world = releasing()
    world.rest(MINUTE)
    world.readings["errorRate"] = 50.0
    world.run(lambda world: world.status.weight.seen == 0)
    quiet = world.now
    world.run(lambda world: world.canary is None)
    assert world.now - quiet >= 10 * SECOND


def test_the_canary_drains_though_its_first_weight_was_never_reported() -> None:
    world = releasing()
    world.crashing["v2"] = "CrashLoopBackOff"
    world.run(lambda world: world.status.weight.seen == 0)
    quiet = world.now
    world.run(lambda world: world.canary is None)
    assert world.now - quiet >= 10 * SECOND
