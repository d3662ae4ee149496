"""A good version, from the changed template until stable runs it."""

from linnet.api.status import DecisionKind, Phase, Verdict
from linnet.core.actions import SetWeight
from tests.support.builders import MINUTE, SECOND, make_spec
from tests.support.oracle import assert_sound
from tests.support.world import World, adopted, releasing


def test_a_good_version_takes_every_step_and_is_promoted() -> None:
    world = adopted()
    world.push("v2")
    world.run(Phase.PROMOTED)

    assert world.weights == [0, 5, 10, 50, 100, 0]
    assert world.phases[1:] == [
        Phase.IDLE,
        Phase.STARTING,
        Phase.PROGRESSING,
        Phase.PROMOTING,
        Phase.RETURNING,
        Phase.PROMOTED,
    ]
    assert world.stable is not None
    assert world.stable.asked == {"v2": 4}
    assert world.stable.paused
    assert world.canary is None
    assert world.route is not None
    assert not world.route.listed
    assert world.lost_requests == []


def test_the_history_tells_the_whole_release() -> None:
    world = releasing(until=Phase.PROMOTED)
    assert world.decisions == [
        DecisionKind.ADOPTED,
        DecisionKind.STARTED,
        *[DecisionKind.ADVANCED] * 4,
        DecisionKind.PROMOTING,
        DecisionKind.RETURNED,
        DecisionKind.PROMOTED,
    ]
    passed = next(entry for entry in world.status.history if entry.reason == "StepPassed")
    assert (passed.weight, passed.step, passed.revision) == (5, 1, "v2")
    assert "errorRate 0.1 %, limit 0.5 %" in passed.message


def test_each_step_is_passed_only_with_evidence_from_that_weight() -> None:
    world = releasing(until=Phase.PROMOTED)
    steps = [
        look
        for look in world.trail
        if look.before.phase is Phase.PROGRESSING and look.decision.status.step != look.before.step
    ]
    assert len(steps) == 3
    for look in steps:
        seen = look.before.weight
        assert seen.seen_since is not None
        assert look.at - seen.seen_since >= 5 * MINUTE
        assert all(metric.passes >= 3 for metric in look.before.metrics)


def test_the_canary_has_its_pods_before_it_gets_the_traffic() -> None:
    world = releasing(replicas=10, until=Phase.PROMOTED)
    for look in world.trail:
        for action in look.decision.actions:
            if isinstance(action, SetWeight) and action.weight:
                canary = look.observed.canary
                assert canary is not None
                assert canary.ready * 10 >= action.weight
    assert DecisionKind.HELD not in world.decisions


def test_a_promoted_release_is_ready_and_costs_nothing() -> None:
    world = releasing(until=Phase.PROMOTED)
    world.rest()
    looks = len(world.trail)
    world.rest()
    assert world.wake_after is None
    assert len(world.trail) == looks + 1
    assert world.condition("Ready") == "Promoted"
    assert world.status.message == "Promoted v2"
    assert (world.status.step, world.status.progress) == (None, "")


def test_the_next_version_is_released_beside_the_promoted_one() -> None:
    world = releasing(until=Phase.PROMOTED)
    world.push("v3")
    world.run(Phase.STARTING)
    assert (world.status.stable_revision, world.status.canary_revision) == ("v2", "v3")
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v3"


def test_a_version_pushed_while_traffic_returns_is_released_afterwards() -> None:
    world = releasing(until=Phase.RETURNING)
    world.push("v3")
    world.run(Phase.PROMOTED)
    world.run(Phase.STARTING)
    assert world.status.canary_revision == "v3"
    assert world.lost_requests == []


def test_a_single_step_of_all_traffic_is_measured_too() -> None:
    world = releasing(make_spec(100, hold="1m"), until=Phase.PROMOTED)
    assert world.weights == [0, 100, 0]
    assert next(e for e in world.status.history if e.decision is DecisionKind.PROMOTING).weight


def test_a_step_without_hold_time_still_waits_for_its_evidence() -> None:
    world = releasing(make_spec(20, 100, hold="0s"))
    entered = world.now
    world.run(lambda world: world.status.weight.wanted == 100)
    assert world.now - entered >= 2 * MINUTE  # the first window, then three measurements


def test_evidence_does_not_pass_on_to_the_next_weight_however_fast_the_route_is() -> None:
    world = releasing(make_spec(20, 60, 100, hold="0s"), until=Phase.STARTING)
    assert world.route is not None
    world.route.lag = 0 * SECOND
    world.run(Phase.PROMOTED)
    assert_sound(world)


def test_a_check_that_cannot_apply_is_skipped() -> None:
    world = adopted()
    assert world.stable is not None
    world.stable.limits = frozenset({"cpu"})
    world.readings["memory"] = None
    world.push("v2")
    world.run(lambda world: world.status.weight.wanted == 10)
    memory = next(metric for metric in world.status.metrics if metric.name == "memory")
    assert memory.verdict is Verdict.SKIPPED
    assert memory.message == "no container has a memory limit"


def test_adoption_waits_for_the_rollout_that_is_under_way() -> None:
    world = World()
    world.push("v2")
    world.sleep(6 * SECOND)
    world.run(Phase.IDLE)
    assert world.status.stable_revision == "v2"
    assert world.weights == []


def test_a_paused_deployment_is_adopted_and_its_waiting_template_released() -> None:
    world = World()
    assert world.stable is not None
    world.stable.paused = True
    world.push("v2")
    world.run(Phase.PROGRESSING)
    assert (world.status.stable_revision, world.status.canary_revision) == ("v1", "v2")


def test_a_rollout_by_somebody_else_is_followed() -> None:
    world = releasing(make_spec(100, hold="1m"), until=Phase.PROMOTED)
    assert world.stable is not None
    world.stable.asked = world.stable.ready = {"v7": 4}
    world.push("v7")
    world.rest(SECOND)
    assert world.status.stable_revision == "v7"
    assert world.last.reason == "RolledOutElsewhere"
    assert world.last.revision == "v7"
    assert world.status.phase is Phase.PROMOTED
