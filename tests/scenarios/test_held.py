"""A release that is held: without proof it neither goes on nor back, and not for ever."""

import pytest

from linnet.api.status import DecisionKind, Phase, Verdict
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.world import World, releasing


def holds(world: World) -> list[str]:
    return [e.reason for e in world.status.history if e.decision is DecisionKind.HELD]


def test_between_the_limits_it_holds_and_then_goes_on() -> None:
    world = releasing()
    world.readings["latencyP95"] = 300.0
    world.rest(30 * MINUTE)
    assert world.weights == [0, 5]
    assert world.status.message.startswith("Held at 5 %: latencyP95: 300 ms is above 200 ms")
    assert holds(world) == ["Hold"]
    world.readings["latencyP95"] = 100.0
    world.run(Phase.PROMOTED)


@pytest.mark.parametrize("outage", ["no data", "error", "prometheus away"])
def test_lost_telemetry_neither_promotes_nor_rolls_back(outage: str) -> None:
    world = releasing()
    world.rest(6 * MINUTE)
    if outage == "prometheus away":
        world.prometheus_away = True
    else:
        world.readings["errorRate"] = None if outage == "no data" else "timeout"
    at = world.status.weight.wanted
    world.rest(30 * MINUTE)
    assert (world.status.phase, world.status.weight.wanted) == (Phase.PROGRESSING, at)
    assert holds(world) == ["NoData" if outage == "no data" else "Error"]
    world.prometheus_away = False
    world.readings["errorRate"] = 0.0
    world.run(Phase.PROMOTED)


def test_silence_does_not_clear_the_breaches_before_it() -> None:
    world = releasing()
    world.readings["errorRate"] = 9.0
    world.run(lambda world: any(metric.breaches == 2 for metric in world.status.metrics))
    world.readings["errorRate"] = None
    world.rest(10 * MINUTE)
    assert world.status.phase is Phase.PROGRESSING
    world.readings["errorRate"] = 9.0
    world.rest(MINUTE)
    assert world.last.reason == "ErrorRateBreached"


def test_no_data_rolls_back_if_the_user_wants_that() -> None:
    metric = {"use": "errorRate", "noData": "Rollback"}
    world = releasing(make_spec(analysis={"metrics": [metric]}))
    world.readings["errorRate"] = None
    entered = world.now
    world.run(Phase.ROLLED_BACK)
    assert world.now - entered > MINUTE  # not before a first full window at the weight
    assert world.last.message == "errorRate: the query gave no number, 3 times in a row"


def test_no_data_is_ignored_if_the_user_wants_that_and_another_check_has_proof() -> None:
    metrics = [{"use": "errorRate", "noData": "Ignore"}, {"use": "latencyP95"}]
    world = releasing(make_spec(analysis={"metrics": metrics}))
    world.readings["errorRate"] = None
    world.run(Phase.PROMOTED)


@pytest.mark.thorough
def test_without_any_value_it_never_goes_on_though_every_check_may_be_silent() -> None:
    metrics = [{"use": "errorRate", "noData": "Ignore"}, {"use": "memory"}]
    world = releasing(
        make_spec(analysis={"metrics": metrics, "onHoldDeadline": "Wait"}), until=Phase.STARTING
    )
    assert world.stable is not None
    world.stable.limits = frozenset()
    world.readings["errorRate"] = None
    world.rest(5 * HOUR)
    assert world.weights == [0, 5]
    assert holds(world) == ["NoEvidence"]


def test_a_hold_beyond_its_deadline_is_rolled_back() -> None:
    world = releasing()
    world.readings["errorRate"] = None
    entered = world.now
    world.run(Phase.ROLLED_BACK)
    assert HOUR + 5 * MINUTE <= world.now - entered < HOUR + 6 * MINUTE
    assert world.last.reason == "HoldDeadlineExceeded"
    assert "errorRate: the query gave no number" in world.last.message


@pytest.mark.thorough
def test_a_hold_beyond_its_deadline_waits_if_the_user_wants_that() -> None:
    world = releasing(make_spec(analysis={"onHoldDeadline": "Wait"}))
    world.readings["errorRate"] = 0.8
    world.rest(3 * HOUR)
    assert world.status.phase is Phase.PROGRESSING
    assert world.condition("Stalled") == "HoldDeadlineExceeded"
    assert world.decisions.count(DecisionKind.STALLED) == 1
    world.readings["errorRate"] = 0.0
    world.run(Phase.PROMOTED)
    assert world.condition("Stalled") == ""


def test_a_release_that_is_getting_its_evidence_at_the_deadline_goes_on() -> None:
    world = releasing()
    world.readings["errorRate"] = None
    world.run(lambda world: holds(world) == ["NoData"])
    world.rest(HOUR - 40 * SECOND)
    world.readings["errorRate"] = 0.0
    world.run(Phase.PROMOTED)


def test_a_healthy_release_survives_a_long_outage_of_the_operator() -> None:
    world = releasing()
    world.rest(MINUTE)
    world.sleep(10 * HOUR)
    world.run(Phase.PROMOTED)


@pytest.mark.thorough
def test_many_samples_take_longer_than_the_deadline_and_that_is_no_hold() -> None:
    world = releasing(make_spec(100, analysis={"minSamples": 200, "interval": "1m"}))
    world.run(Phase.PROMOTED)
    assert holds(world) == []


@pytest.mark.thorough
def test_a_release_is_frozen_while_it_is_suspended() -> None:
    world = releasing()
    world.edit_spec(world.spec.model_copy(update={"suspend": True}))
    world.rest(10 * HOUR)
    assert world.weights == [0, 5]
    assert holds(world) == ["Suspended"]
    assert world.status.message.startswith("Suspended at 5 %")
    world.edit_spec(world.spec.model_copy(update={"suspend": False}))
    world.run(Phase.PROMOTED)


@pytest.mark.thorough
def test_the_time_in_suspension_does_not_count_as_held() -> None:
    world = releasing()
    world.readings["errorRate"] = None
    world.rest(10 * MINUTE)
    assert holds(world) == ["NoData"]
    for suspend in (True, False, True, False):
        world.edit_spec(world.spec.model_copy(update={"suspend": suspend}))
        world.rest(40 * MINUTE)
        assert world.status.phase is Phase.PROGRESSING
    assert holds(world) == ["NoData", "Suspended", "NoData", "Suspended", "NoData"]
    world.run(Phase.ROLLED_BACK, limit=HOUR)


def test_rollback_stays_armed_while_suspended() -> None:
    world = releasing()
    world.edit_spec(world.spec.model_copy(update={"suspend": True}))
    world.readings["errorRate"] = 9.0
    world.run(Phase.ROLLED_BACK)


def test_a_suspended_release_does_not_start() -> None:
    world = releasing(make_spec(suspend=True), until=Phase.IDLE)
    world.rest()
    assert world.status.message == "Suspended: v2 waits to be released"
    assert world.wake_after is None
    world.edit_spec(world.spec.model_copy(update={"suspend": False}))
    world.run(Phase.PROMOTED)


def test_a_canary_gets_no_traffic_if_it_is_suspended_while_starting() -> None:
    world = releasing(until=Phase.STARTING)
    world.edit_spec(world.spec.model_copy(update={"suspend": True}))
    world.rest(10 * HOUR)
    assert (world.status.phase, world.weights) == (Phase.STARTING, [0])
    world.edit_spec(world.spec.model_copy(update={"suspend": False}))
    world.run(Phase.PROMOTED)


def test_the_clock_does_not_start_before_the_route_accepts_the_weight() -> None:
    world = releasing()
    assert world.route is not None
    world.route.refuses = "no gateway programs it"
    world.rest(20 * MINUTE)
    assert world.status.weight.seen_since is None
    assert all(metric.passes == 0 for metric in world.status.metrics)
    assert holds(world) == ["WaitingForRoute"]
    assert world.condition("TrafficRouted") == ""
    assert world.status.message.endswith("report weight 5: no gateway programs it")
    world.route.refuses = ""
    accepted = world.now
    world.run(lambda world: world.status.weight.wanted == 10)
    assert world.now - accepted >= 5 * MINUTE


def test_a_route_that_never_accepts_the_weight_is_rolled_back_at_the_deadline() -> None:
    world = releasing()
    assert world.route is not None
    world.route.refuses = "no gateway programs it"
    world.run(Phase.ROLLING_BACK, limit=2 * HOUR)
    assert world.last.reason == "HoldDeadlineExceeded"


def test_a_route_that_refuses_the_canary_is_no_fault_of_the_version() -> None:
    world = releasing(until=Phase.STARTING)
    assert world.route is not None
    world.route.refuses = "no gateway programs it"
    world.rest(HOUR)
    assert world.status.phase is Phase.STARTING
    assert world.condition("Stalled") == "RouteNotAccepted"
    assert world.wake_after is None
    world.route.refuses = ""
    world.run(Phase.PROMOTED)


def test_evidence_from_before_the_route_was_edited_does_not_count() -> None:
    world = releasing(make_spec(5, 100, hold="0s", analysis={"interval": "5m"}))
    world.run(lambda world: any(metric.passes == 2 for metric in world.status.metrics))
    world.edit_weight(60)
    world.rest(SECOND)
    world.run(lambda world: world.status.weight.seen_since is not None)
    assert all(metric.passes == 0 for metric in world.status.metrics)


def test_pods_that_do_not_come_for_the_next_weight_hold_the_release() -> None:
    world = releasing(make_spec(10, 100), replicas=10)
    world.startup = 100 * HOUR
    world.rest(30 * MINUTE)
    assert world.weights == [0, 10]
    assert world.status.message == "1 of 10 canary pods are ready for 100 %"
    assert holds(world) == ["WaitingForCapacity"]
    world.run(Phase.ROLLED_BACK, limit=2 * HOUR)


@pytest.mark.parametrize(
    ("part", "reason"), [("stable", "TargetMissing"), ("route", "RouteMissing")]
)
def test_what_the_release_needs_is_gone_and_comes_back(part: str, reason: str) -> None:
    world = releasing()
    world.rest(MINUTE)
    away = getattr(world, part)
    setattr(world, part, None)
    world.rest(20 * MINUTE)
    assert world.status.phase is Phase.PROGRESSING
    assert world.condition("Stalled") == reason
    setattr(world, part, away)
    world.run(Phase.PROMOTED)


def test_what_the_release_needs_is_gone_for_too_long() -> None:
    world = releasing()
    world.route = None
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "HoldDeadlineExceeded"
    assert world.canary is None


def test_a_check_is_added_and_its_evidence_is_waited_for() -> None:
    world = releasing(make_spec(analysis={"metrics": [{"use": "errorRate"}]}))
    world.rest(4 * MINUTE)
    world.edit_spec(make_spec(analysis={"metrics": [{"use": "cpu"}, {"use": "memory"}]}))
    world.readings["memory"] = 85.0
    world.run(lambda world: world.status.weight.wanted == 10)
    assert [metric.verdict for metric in world.status.metrics] == [Verdict.PASS] * 2


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROMOTING])
def test_time_without_the_operator_does_not_count_against_a_version(phase: Phase) -> None:
    world = releasing(make_spec(100, hold="1m"), until=Phase.STARTING)
    if phase is Phase.STARTING:
        world.broken.add("v2")
    else:
        world.run(phase)
        assert world.stable is not None
        world.stable.stuck = True
    began = world.now
    deadline = world.spec.canary.ready_deadline
    if phase is Phase.PROMOTING:
        deadline = world.spec.promotion.progress_deadline
    world.rest(2 * MINUTE)
    world.sleep(5 * HOUR)
    world.rest(deadline - 3 * MINUTE)
    assert (world.status.phase, world.condition("Stalled")) == (phase, "")
    world.run(lambda world: bool(world.condition("Stalled")))
    assert deadline - MINUTE <= world.now - began - 5 * HOUR <= deadline + MINUTE


def test_time_without_the_operator_does_not_count_as_held() -> None:
    world = releasing(make_spec(100, hold="1m", analysis={"holdDeadline": "20m"}))
    world.readings["errorRate"] = None
    world.run(lambda world: world.last.decision is DecisionKind.HELD)
    world.sleep(5 * HOUR)
    world.rest(15 * MINUTE)
    assert world.status.phase is Phase.PROGRESSING
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
