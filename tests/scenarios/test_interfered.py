"""People who don't wait: new versions, edits by hand and a resumed rollout in mid-release."""

import pytest

from linnet.api.status import DecisionKind, Phase
from linnet.core.actions import SetWeight
from linnet.core.resting import LOOK_AGAIN
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.looks import Kill
from tests.support.oracle import assert_sound
from tests.support.world import World, adopted, releasing


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_a_new_version_in_mid_release_starts_from_step_one(phase: Phase) -> None:
    world = releasing(until=phase)
    world.rest(7 * MINUTE if phase is Phase.PROGRESSING else SECOND)
    world.push("v3")
    decision = world.look()
    assert decision.actions[0] == SetWeight(0)
    assert world.last.decision is DecisionKind.SUPERSEDED
    world.run(Phase.STARTING)
    assert (world.status.stable_revision, world.status.canary_revision) == ("v1", "v3")
    assert world.canary is None
    world.run(Phase.PROMOTED)
    assert world.weights[-5:] == [5, 10, 50, 100, 0]
    assert world.lost_requests == []


def test_a_new_version_while_the_bad_one_is_rolled_back_is_released_afterwards() -> None:
    world = releasing()
    world.crashing["v2"] = "CrashLoopBackOff"
    world.run(Phase.ROLLING_BACK)
    world.push("v3")
    world.run(Phase.STARTING)
    assert Phase.ROLLED_BACK in world.phases
    assert world.status.canary_revision == "v3"


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING, Phase.ROLLING_BACK])
def test_putting_the_template_back_ends_the_release(phase: Phase) -> None:
    world = releasing()
    if phase is Phase.STARTING:
        world = releasing(until=phase)
    if phase is Phase.ROLLING_BACK:
        world.crashing["v2"] = "CrashLoopBackOff"
        world.run(phase)
    world.push("v1")
    world.run(Phase.IDLE)
    assert world.last.decision is DecisionKind.REVERTED
    world.rest()
    assert world.status.failed_revision == ""
    assert world.condition("Ready") == "Idle"
    assert world.status.message == "Guarding: stable runs v1"
    assert (world.canary, world.weight) == (None, 0)


def test_a_version_that_was_put_back_in_mid_release_may_be_tried_again() -> None:
    world = releasing()
    world.push("v1")
    world.run(Phase.IDLE)
    world.push("v2")
    world.run(Phase.PROMOTED)


def test_a_template_put_back_before_there_is_a_canary_ends_the_release() -> None:
    world = adopted()
    world.push("v2")
    world.look()
    assert world.status.phase is Phase.STARTING
    world.push("v1")
    world.run(Phase.IDLE, limit=MINUTE)
    world.rest()
    assert world.route is not None
    assert not world.route.listed


@pytest.mark.parametrize("weight", [0, 3, 80, None])
def test_a_weight_edited_by_hand_is_put_back_and_its_clock_starts_again(
    weight: int | None,
) -> None:
    world = releasing()
    world.rest(4 * MINUTE)
    world.edit_weight(weight)
    world.look()
    assert world.weight == 5
    edited = world.now
    world.run(lambda world: world.status.weight.wanted == 10)
    assert world.now - edited >= 5 * MINUTE


def test_a_weight_edited_by_hand_while_starting_is_put_back_at_once() -> None:
    world = releasing(until=Phase.STARTING)
    world.broken.add("v2")
    world.run(lambda world: world.canary is not None)
    world.edit_weight(50)
    world.rest(SECOND)
    assert world.weight == 0


def test_a_canary_listed_by_hand_between_releases_is_taken_out_again() -> None:
    world = adopted()
    world.edit_weight(50)
    world.rest(MINUTE)
    assert (world.status.phase, world.weight) == (Phase.IDLE, 0)
    assert world.route is not None
    assert not world.route.listed


def test_what_an_earlier_release_left_is_cleared_away_before_the_next_one() -> None:
    world = adopted()
    left = releasing()
    world.canary, world.route = left.canary, left.route
    world.push("v2")
    world.run(lambda world: world.canary is None)
    assert world.route is not None
    assert world.now >= world.route.accepted_at
    world.run(Phase.PROMOTED)


def test_an_earlier_canary_in_the_way_is_removed_first() -> None:
    world = releasing(until=Phase.STARTING)
    earlier = releasing()
    world.canary = earlier.canary
    assert world.canary is not None
    world.canary.revision = "v0"
    world.crashing["v0"] = "CrashLoopBackOff"
    world.run(Phase.PROMOTED)


def test_an_earlier_canary_that_has_traffic_loses_it_before_it_goes() -> None:
    world = releasing(until=Phase.STARTING)
    earlier = releasing()
    world.canary, world.route = earlier.canary, earlier.route
    assert world.canary is not None
    world.canary.revision = "v0"
    world.run(Phase.PROMOTED)
    assert_sound(world)
    assert world.lost_requests == []


def lose_room(world: World, *, full: bool = False) -> None:
    assert world.route is not None
    world.route.unfit, world.route.full = True, full


def test_a_route_that_loses_its_room_in_mid_release_holds_the_release() -> None:
    world = releasing()
    world.rest(MINUTE)
    lose_room(world)
    world.resume()
    world.rest(MINUTE)
    assert (world.weight, world.condition("Stalled")) == (5, "TooManyBackends")
    assert world.stable is not None
    assert world.stable.paused
    assert world.route is not None
    world.route.unfit = False
    world.run(Phase.PROMOTED)


@pytest.mark.thorough
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_traffic_returns_through_a_route_without_room_before_the_canary_goes(
    phase: Phase, full: bool
) -> None:
    def crash(world: World) -> None:
        world.crashing["v2"] = "CrashLoopBackOff"

    def delete(world: World) -> None:
        world.delete()

    for event in (crash, delete, lambda world: world.push("v3")):
        world = releasing(make_spec(100, hold="1m"), until=phase)
        world.rest(3 * SECOND)
        lose_room(world, full=full)
        event(world)
        world.rest(20 * MINUTE)
        assert world.route is not None
        assert (world.route.served, world.route.listed, world.canary) == (0, False, None)
        assert_sound(world)


def test_a_promotion_is_finished_though_its_route_has_lost_its_room() -> None:
    world = releasing(make_spec(100, hold="1m"), until=Phase.PROMOTING)
    lose_room(world)
    world.run(Phase.PROMOTED)
    assert world.lost_requests == []
    assert world.canary is None


def test_a_resumed_deployment_is_paused_again() -> None:
    world = releasing()
    world.rest(MINUTE)
    world.resume()
    world.look()
    assert world.stable is not None
    assert world.stable.paused
    assert world.stable.asked == {"v1": 4}
    world.run(Phase.PROMOTED)


def test_a_deployment_rolled_out_by_hand_in_mid_release_is_followed_after_the_rollback() -> None:
    world = releasing()
    world.rest(MINUTE)
    world.resume()
    world.sleep(MINUTE)
    world.crashing["v2"] = "CrashLoopBackOff"
    world.run(Phase.ROLLED_BACK)
    world.rest()
    assert world.status.phase is Phase.IDLE
    assert world.status.stable_revision == "v2"


def test_removed_steps_are_skipped_and_added_ones_are_taken() -> None:
    world = releasing()
    world.run(lambda world: world.status.weight.wanted == 10)
    world.edit_spec(make_spec(20, 70, 100))
    world.rest(30 * SECOND)
    assert world.status.progress == "1/3"
    assert world.weight == 10
    assert world.status.message == "At 10 %, measuring"
    world.run(Phase.PROMOTED)
    assert world.weights == [0, 5, 10, 20, 70, 100, 0]


def test_stable_scaled_up_in_mid_release_gets_its_canary_more_pods() -> None:
    world = releasing(make_spec(50, 100, hold="1h"))
    assert world.stable is not None
    world.stable.replicas = 8
    world.stable.asked = world.stable.ready = {"v1": 8}
    world.rest(MINUTE)
    assert world.canary is not None
    assert len(world.canary.ready_at) == 4


def test_a_target_that_goes_between_releases_is_adopted_again() -> None:
    world = adopted()
    away, world.stable = world.stable, None
    world.run(Phase.PENDING)
    world.rest()
    assert world.condition("Stalled") == "TargetMissing"
    assert world.wake_after == LOOK_AGAIN
    world.stable = away
    world.run(Phase.IDLE)


def test_nothing_is_adopted_before_there_is_a_target() -> None:
    world = World()
    away, world.stable = world.stable, None
    world.rest(10 * MINUTE)
    assert world.status.phase is Phase.PENDING
    assert world.decisions == [DecisionKind.STALLED]
    world.stable = away
    world.run(Phase.IDLE, limit=HOUR)


def test_the_next_version_waits_until_the_withdrawn_ones_failures_are_out_of_the_window() -> None:
    world = releasing()
    world.push("v3")
    world.run(Phase.IDLE)
    withdrawn = world.now
    world.run(Phase.STARTING)
    assert world.now - withdrawn >= world.spec.analysis.window
    assert world.status.canary_revision == "v3"


def test_after_a_promotion_the_next_version_starts_at_once() -> None:
    world = releasing()
    world.run(Phase.PROMOTED)
    promoted = world.now
    world.push("v3")
    world.run(Phase.STARTING)
    assert world.now - promoted < world.spec.analysis.window


def test_a_weight_that_is_put_back_by_an_operator_that_forgets_it_starts_the_clock_again() -> None:
    world = releasing(make_spec(5, 100, hold="3m"))
    assert world.route is not None
    world.route.lag = 0 * SECOND
    world.rest(150 * SECOND)
    world.edit_weight(0)
    world.kills[len(world.trail)] = Kill(survive=1, status_lost=True)
    world.rest(SECOND)
    assert world.weight == 5
    edited = world.now
    world.run(lambda world: world.status.weight.wanted == 100)
    assert world.now - edited >= 170 * SECOND
    assert_sound(world)
