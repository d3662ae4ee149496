"""Releases whose weights are pods behind one Service."""

import pytest

from linnet.api.status import DecisionKind, Phase
from linnet.core.actions import EnsureCanary, RemoveCanary, RestoreRoute, SetWeight
from tests.support.builders import HOUR, MINUTE, SECOND
from tests.support.oracle import assert_sound
from tests.support.shared_world import SharedWorld, adopted, releasing, shared_spec, tracks

TWO = shared_spec(50, 100, hold="5m")


def told(world: SharedWorld, kind: str = "WeightsReachable") -> tuple[str, str, str]:
    found = next(c for c in world.status.conditions if c.type == kind)
    return found.status, found.reason, found.message


def at(world: SharedWorld, weight: int) -> SharedWorld:
    """The same world, with the clock of this weight running."""
    world.run(lambda world: world.status.weight.wanted == weight)
    world.run(lambda world: world.status.weight.seen_since is not None)
    return world


def pods(world: SharedWorld) -> int:
    assert world.canary is not None
    return len(world.canary.ready_at)


def test_a_good_version_is_promoted() -> None:
    world = releasing(until=Phase.PROMOTED)
    world.rest()
    assert world.weights == [0, 5, 10, 50, 100, 0]
    assert world.shares == [0, 20, 50, 100, 0]
    assert (world.leaks, world.lost_requests, world.canary) == ([], [], None)
    assert (world.service.listed, world.service.picks) == (False, "both")
    assert_sound(world)


def test_weights_out_of_reach_are_told_before_anything_moves() -> None:
    world = adopted()
    assert told(world) == (
        "False",
        "TooFewPods",
        "with 4 stable pods step 1 asks for 5 % and gets 20 % (1 canary pod), step 2 asks for "
        "10 % and gets 20 % (1 canary pod): have more pods, or change spec.steps",
    )
    assert adopted(shared_spec(20, 50, 100)).status.conditions[-1].reason == "EnoughPods"
    world.scale(21)
    world.look()
    assert told(world)[1:] == (
        "TooFewPods",
        "with 21 stable pods step 2 asks for 10 % and gets 9 % (2 canary pods): have more pods, "
        "or change spec.steps",
    )


def test_no_share_above_a_half_but_the_whole_can_be_had() -> None:
    world = adopted(shared_spec(50, 75, 100))
    assert "step 2 asks for 75 % and gets 50 % (4 canary pods)" in told(world)[2]
    world.push("v2")
    world.run(Phase.PROMOTED)
    assert world.shares == [0, 50, 100, 0]


def test_the_real_share_is_in_status_and_history() -> None:
    world = at(releasing(), 5)
    world.rest(MINUTE)
    assert (world.status.weight.wanted, world.status.weight.seen) == (5, 20)
    assert world.last.message == "The canary is ready; it gets 20 % (5 % asked for) of traffic"
    assert world.status.message == "At 20 % (5 % asked for), measuring"
    assert told(world, "TrafficRouted")[0] == "True"
    at(world, 50)
    assert world.last.message.endswith("hold at 20 % (10 % asked for); the canary gets 50 %")


def test_the_service_is_narrowed_to_stable_before_the_canary_has_a_pod() -> None:
    world = releasing(until=Phase.STARTING)
    world.service.lag = 10 * MINUTE  # longer than the canary may take to get ready
    first = world.look()
    assert first.actions == (SetWeight(0),)
    world.rest(9 * MINUTE)
    assert (world.canary, world.status.phase) == (None, Phase.STARTING)
    assert world.condition("Stalled") == "RouteNotAccepted"
    world.run(lambda world: world.canary is not None)
    assert world.service.picks == "stable"
    assert world.leaks == []


def test_a_steps_clock_starts_when_its_pods_have_joined() -> None:
    world = releasing(TWO, replicas=10)
    world = at(world, 50)
    since = world.status.weight.seen_since
    assert since == world.service.served_since
    world.run(lambda world: world.status.weight.wanted == 100)
    assert since is not None
    assert world.now - since >= 5 * MINUTE
    assert_sound(world)


@pytest.mark.thorough
def test_pods_that_come_one_by_one_move_the_share_but_not_the_clock() -> None:
    world = releasing(shared_spec(20, 50, 100), replicas=4)
    world.run(lambda world: world.status.weight.wanted == 50)
    world.run(lambda _: pods(world) == 4)
    assert world.canary is not None
    world.canary.ready_at = [world.now + 20 * number * SECOND for number in range(4)]
    world.rest(50 * SECOND)
    assert (world.status.weight.seen, world.status.weight.seen_since) == (43, None)
    expected = "Waiting for the route to report weight 50: 3 of 7 ready pods are the canary's"
    assert world.status.message == expected
    world.rest(20 * SECOND)
    assert world.status.weight.seen_since == world.canary.ready_at[-1]


def test_pods_bring_traffic_so_the_next_ones_wait_for_the_evidence() -> None:
    world = at(releasing(shared_spec(20, 50, 100)), 20)
    world.readings["errorRate"] = 0.7  # neither good enough to go on, nor a breach
    world.rest(30 * MINUTE)
    assert (pods(world), world.service.real_share) == (1, 20)
    world.readings["errorRate"] = 0.1
    at(world, 50)
    assert pods(world) == 4


def test_the_pods_for_serving_alone_are_there_before_stable_is_left_out() -> None:
    world = at(releasing(shared_spec(20, 100)), 20)
    world.readings["errorRate"] = 0.7
    world.rest(30 * MINUTE)
    assert pods(world) == 1
    world.readings["errorRate"] = 0.1
    world.run(lambda _: pods(world) == 4)
    assert (world.status.weight.wanted, world.service.picks) == (20, "both")
    world.run(lambda _: world.service.picks == "canary")
    assert world.shares == [0, 20, 50, 100]
    assert world.lost_requests == []


def test_a_suspended_release_gets_no_more_pods() -> None:
    world = at(releasing(shared_spec(20, 100)), 20)
    world.edit_spec(world.spec.model_copy(update={"suspend": True}))
    world.rest(HOUR)
    assert (pods(world), world.status.weight.wanted) == (1, 20)


@pytest.mark.parametrize("weight", [50, 100])
def test_a_rollback_is_one_write_and_the_selector_comes_back_after_the_pods(weight: int) -> None:
    world = at(releasing(TWO), weight)
    world.readings["errorRate"] = 9.0
    world.run(Phase.ROLLING_BACK)
    assert world.trail[-1].decision.actions[0] == SetWeight(0)
    assert world.weight == 0
    world.rest(SECOND)
    assert world.service.real_share == 0
    world.run(Phase.ROLLED_BACK)
    done = [action for look in world.trail for action in look.decision.actions]
    assert done.index(RemoveCanary()) < done.index(RestoreRoute())
    assert (world.service.listed, world.service.picks) == (False, "both")
    assert (world.leaks, world.lost_requests) == ([], [])
    assert_sound(world)


def test_a_canary_that_crashes_is_rolled_back_at_once() -> None:
    world = at(releasing(TWO), 50)
    world.crashing["v2"] = "CrashLoopBackOff"
    world.look()
    assert world.last.reason == "CanaryFailing"
    world.run(Phase.ROLLED_BACK)
    assert (world.leaks, world.lost_requests) == ([], [])


def test_a_selector_edited_by_hand_is_put_right_and_the_clock_starts_anew() -> None:
    world = at(releasing(TWO), 50)
    before = world.status.weight.seen_since
    world.rest(2 * MINUTE)
    world.service.weight = 0  # somebody narrows it to stable
    world.service.accepted_at = world.now + SECOND
    world.rest(2 * SECOND)
    assert (world.weight, world.status.weight.wanted) == (50, 50)
    at(world, 50)
    after = world.status.weight.seen_since
    assert before is not None
    assert after is not None
    assert after >= before + 2 * MINUTE
    world.run(Phase.PROMOTED)
    assert_sound(world)


def test_a_selector_widened_by_hand_before_the_first_step_is_narrowed_again() -> None:
    world = releasing(until=Phase.STARTING)
    world.run(lambda world: world.canary is not None)
    world.edit_weight(None)
    assert tracks(world.weight) == "both"
    assert world.look().actions[0] == SetWeight(0)
    world.run(Phase.PROGRESSING)
    assert world.leaks == []


def test_an_autoscaler_that_adds_a_few_pods_does_not_start_the_clock_anew() -> None:
    world = at(releasing(TWO), 50)
    since = world.status.weight.seen_since
    world.rest(2 * MINUTE)
    world.scale(5)
    world.rest(SECOND)
    assert (world.status.weight.seen, world.status.weight.seen_since) == (44, since)
    world.rest(MINUTE)
    assert (pods(world), world.status.weight.seen) == (5, 50)
    assert world.status.weight.seen_since == since


def test_an_autoscaler_that_doubles_stable_starts_the_clock_anew() -> None:
    world = at(releasing(TWO), 50)
    since = world.status.weight.seen_since
    world.rest(4 * MINUTE)
    world.scale(8)
    world.rest(MINUTE)
    assert (pods(world), world.status.weight.seen) == (8, 50)
    later = world.status.weight.seen_since
    assert since is not None
    assert later is not None
    assert later >= since + 4 * MINUTE
    world.run(lambda world: world.status.weight.wanted == 100)
    assert world.now >= later + 5 * MINUTE
    assert_sound(world)


def test_with_fewer_stable_pods_the_canary_gives_pods_back() -> None:
    world = at(releasing(TWO, replicas=8), 50)
    world.scale(4)
    world.look()
    assert world.status.weight.seen == 67
    assert EnsureCanary("v2", 4) in world.trail[-1].decision.actions
    world.rest(2 * SECOND)
    assert (pods(world), world.status.weight.seen) == (4, 50)


def test_pods_that_were_made_for_serving_alone_are_not_taken_back_at_once() -> None:
    world = at(releasing(shared_spec(20, 100)), 20)
    world.startup = 4 * MINUTE
    world.run(lambda _: pods(world) == 4)
    world.readings["errorRate"] = 0.7
    world.rest(10 * MINUTE)
    assert (pods(world), world.status.weight.wanted) == (4, 20)
    world.scale(3)
    world.rest(MINUTE)
    assert pods(world) == 1


def test_pods_that_outlive_their_deployment_get_no_traffic() -> None:
    world = at(releasing(TWO), 50)
    world.end_canary()
    world.look()
    assert world.last.reason == "CanaryMissing"
    world.rest(2 * SECOND)
    assert world.service.picks == "stable"
    world.run(Phase.ROLLED_BACK)
    assert (world.leaks, world.service.listed) == ([], False)


def test_pods_that_are_left_from_who_knows_where_go_before_the_selector_comes_back() -> None:
    world = at(releasing(TWO), 50)
    world.status = world.status.model_copy(update={"phase": Phase.IDLE})
    world.push("v1")
    world.rest(MINUTE)
    assert (world.canary, world.service.listed) == (None, False)
    done = [action for look in world.trail[-12:] for action in look.decision.actions]
    assert done.index(SetWeight(0)) < done.index(RemoveCanary()) < done.index(RestoreRoute())


def test_deleting_the_resource_gives_the_selector_back_after_the_pods_are_gone() -> None:
    world = at(releasing(TWO), 50)
    world.delete()
    world.run(lambda world: world.gone, limit=HOUR)
    assert (world.canary, world.service.listed, world.ending[-1] <= world.now) == (
        None,
        False,
        True,
    )
    assert (world.leaks, world.lost_requests) == ([], [])


def test_a_canary_that_dies_while_stable_takes_over_leaves_the_traffic_to_stable() -> None:
    world = releasing(shared_spec(100, hold="1m"), until=Phase.PROMOTING)
    assert world.stable is not None
    world.rest(7 * SECOND)
    world.crashing["v2"] = "CrashLoopBackOff"
    world.rest(3 * SECOND)
    assert (world.weight, world.service.real_share) == (0, 0)
    world.run(Phase.PROMOTED)
    assert world.decisions[-1] is DecisionKind.PROMOTED
