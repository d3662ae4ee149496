"""The canary against stable: what the comparison ends, holds, and lets through early."""

from itertools import pairwise

import pytest

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import DecisionKind, Phase
from tests.support.builders import MINUTE, SECOND, make_spec
from tests.support.world import World, releasing


def comparing(hold: str = "5m", interval: str = "15s", **settings: object) -> CanaryReleaseSpec:
    return make_spec(
        5, 50, 100, hold=hold, analysis={"interval": interval, "comparison": {**settings}}
    )


def verdicts(world: World) -> dict[str, str]:
    assert world.status.comparison is not None
    return {each.name: each.verdict for each in world.status.comparison.findings}


@pytest.mark.thorough
def test_a_healthy_version_is_promoted() -> None:
    world = releasing(comparing())
    world.run(Phase.PROMOTED)
    assert world.lost_requests == []
    assert world.weights == [0, 5, 50, 100, 0]


def test_a_worse_one_goes_long_before_a_limit_is_reached() -> None:
    world = releasing(comparing())
    world.later(MINUTE, lambda world: setattr(world.requests, "canary_fails", 0.02))
    begun = world.now
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "ErrorsWorse"
    assert "times stable's errors" in world.last.message
    ended = world.last.at - begun
    assert MINUTE < ended <= 3 * MINUTE


def test_a_slower_one_goes_but_not_for_its_cold_caches() -> None:
    world = releasing(comparing(warmUp="2m"))
    world.requests.canary_slow = 0.5
    world.later(2 * MINUTE, lambda world: setattr(world.requests, "canary_slow", 0.1))
    world.run(lambda world: world.status.step == 2)
    world.requests.canary_slow = 0.5
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "LatencyWorse"
    assert "requests slower than 100 ms" in world.last.message


@pytest.mark.thorough
def test_one_that_needs_more_cpu_for_a_request_goes_where_that_is_compared() -> None:
    world = releasing(comparing("1h", use={"cpu": "cadvisor"}))
    world.requests.canary_cpu_s = 0.02
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "CpuWorse"
    assert world.last.message.startswith("2 times stable's CPU per request")
    world = releasing(comparing())
    world.requests.canary_cpu_s = 0.02
    world.run(Phase.PROMOTED)


PODS = {"memory": "cadvisor", "restarts": "kubeStateMetrics", "oomKills": "cadvisor"}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("what", "an_hour", "reason", "said"),
    [
        ("canary_restarts", 60.0, "RestartsWorse", "restarts in"),
        ("canary_kills", 60.0, "OomKillsWorse", "OOM kills in"),
        ("canary_grows", 0.5, "MemoryWorse", "memory grows"),
    ],
)
def test_one_whose_pods_are_worse_goes_where_that_is_compared(
    what: str, an_hour: float, reason: str, said: str
) -> None:
    world = releasing(comparing("12h", "2m", use=PODS))
    setattr(world.requests, what, an_hour)
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == reason
    assert said in world.last.message


def test_healthy_pods_hold_nothing_up() -> None:
    world = releasing(comparing("20m", use=PODS, advanceWhenClear=True))
    world.run(lambda world: world.status.step == 2)
    assert {name: verdicts(world)[name] for name in PODS} == dict.fromkeys(PODS, "Continue")
    world.run(Phase.PROMOTED)
    without = releasing(comparing("20m", advanceWhenClear=True))
    without.run(Phase.PROMOTED)
    assert world.now - without.now < 5 * MINUTE  # the budget has more parts


def test_pods_that_nobody_tells_of_hold() -> None:
    world = releasing(comparing(use=PODS))
    world.requests.pods_told = False
    world.rest(10 * MINUTE)
    assert world.weight == 5
    assert {name: verdicts(world)[name] for name in PODS} == dict.fromkeys(PODS, "NoData")
    assert "nobody told of the canary's pods" in world.status.message


@pytest.mark.thorough
def test_what_stable_suffers_from_too_holds() -> None:
    world = releasing(comparing())
    world.requests.stable_fails = world.requests.canary_fails = 0.1
    world.rest(10 * MINUTE)
    assert (world.status.phase, world.weight) == (Phase.PROGRESSING, 5)
    assert verdicts(world)["errors"] == "SharedIncident"
    assert world.status.message.startswith("Held at 5 %: errors: stable suffers, too: ")
    world.requests.stable_fails = world.requests.canary_fails = 0.002
    world.rest(50 * MINUTE)
    assert world.status.step is None or world.status.step > 1


def test_traffic_that_goes_elsewhere_is_no_comparison_and_holds() -> None:
    world = releasing(comparing())
    world.requests.share = 0.2
    world.rest(10 * MINUTE)
    assert world.weight == 5
    assert verdicts(world)["errors"] == "Invalid"


@pytest.mark.thorough
@pytest.mark.parametrize("away", ["connection refused", ""])
def test_without_counts_it_holds_and_each_request_is_counted_once_afterwards(away: str) -> None:
    world = releasing(comparing())
    world.rest(MINUTE)
    assert world.status.comparison is not None
    before = world.status.comparison.until
    world.requests.away, world.requests.share = away, None if away else 0.0
    world.rest(6 * MINUTE)
    assert world.weight == 5
    assert verdicts(world)["errors"] == ("Error" if away else "NoData")
    if away:
        assert world.status.comparison.until == before
    world.requests.away, world.requests.share = "", None
    world.run(Phase.PROMOTED)
    spans = [look.observed.tally for look in world.trail if look.observed.tally]
    told = [(tally.since, tally.until) for tally in spans if tally.arms is not None]
    assert all(until == since for (_, until), (since, _) in pairwise(told))


@pytest.mark.thorough
def test_a_healthy_version_may_go_on_before_its_time() -> None:
    slow, fast = releasing(comparing("20m")), releasing(comparing("20m", advanceWhenClear=True))
    slow.run(Phase.PROMOTED)
    fast.run(Phase.PROMOTED)
    assert slow.now - fast.now > 30 * MINUTE
    steps = [look for look in fast.trail if look.decision.status.step == 2]
    assert steps[0].at - fast.trail[0].at > MINUTE + 45 * SECOND  # a whole window, three passes


@pytest.mark.thorough
def test_what_is_only_observed_ends_nothing() -> None:
    world = releasing(comparing(mode="Observe"))
    world.requests.canary_fails = 0.05
    world.run(lambda world: world.status.step == 2)
    assert verdicts(world)["errors"] == "Breach"
    world.run(Phase.PROMOTED)
    assert DecisionKind.ROLLED_BACK not in world.decisions


def test_a_restart_in_the_middle_decides_the_same() -> None:
    world = releasing(comparing())
    world.later(MINUTE, lambda world: setattr(world.requests, "canary_fails", 0.01))
    world.run(Phase.ROLLED_BACK)
    again = releasing(comparing())
    again.later(MINUTE, lambda world: setattr(world.requests, "canary_fails", 0.01))
    again.rest(90 * SECOND)
    again.sleep(10 * SECOND)
    again.run(Phase.ROLLED_BACK)
    assert again.last.reason == world.last.reason == "ErrorsWorse"
    assert abs(again.last.at - world.last.at) <= 15 * SECOND
