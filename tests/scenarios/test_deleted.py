"""The resource is deleted: the operator goes soon, and leaves a service that works."""

import pytest

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.core.actions import LetGo, ReleaseStable, RestoreRoute
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.world import World, adopted, releasing

ALL = make_spec(100, hold="1m")


def gone(world: World) -> bool:
    return world.gone


def in_phase(phase: Phase) -> World:
    if phase is Phase.PENDING:
        return World()
    if phase is Phase.IDLE:
        return adopted()
    world = releasing(ALL)
    if phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        world.readings["errorRate"] = 9.0
    if phase is Phase.STARTING:
        world = releasing(ALL, until=phase)
    world.run(phase)
    return world


@pytest.mark.parametrize("seconds", [0, 1, 3, 11])
@pytest.mark.parametrize("phase", Phase)
def test_deletion_in_any_phase_ends_soon_and_leaves_a_working_service(
    phase: Phase, seconds: int
) -> None:
    world = in_phase(phase)
    world.rest(seconds * SECOND)
    world.delete()
    world.run(gone, limit=2 * MINUTE)
    world.sleep(MINUTE)

    assert world.canary is None
    assert world.route is not None
    assert (world.route.listed, world.route.served) == (False, 0)
    assert world.lost_requests == []
    assert world.stable is not None
    assert world.stable.paused == (world.stable.asked != {world.stable.template: 4})


def test_a_failed_template_stays_paused_when_the_resource_goes() -> None:
    world = in_phase(Phase.ROLLED_BACK)
    world.delete()
    world.run(gone)
    assert world.trail[-1].decision.actions == (ReleaseStable(""), LetGo())
    assert world.stable is not None
    assert world.stable.paused


def test_a_promotion_under_way_is_finished_before_the_resource_goes() -> None:
    world = in_phase(Phase.PROMOTING)
    world.delete()
    world.run(gone)
    assert world.stable is not None
    assert (world.stable.asked, world.stable.paused) == ({"v2": 4}, False)


def test_a_stuck_promotion_leaves_the_canary_serving() -> None:
    world = in_phase(Phase.PROMOTING)
    assert world.stable is not None
    world.stable.stuck = True
    world.rest(HOUR)
    world.delete()
    world.run(gone)
    world.sleep(HOUR)
    assert (world.weight, world.stable.paused) == (100, False)  # the version has proven itself
    assert world.canary is not None
    assert world.lost_requests == []


def test_a_template_changed_during_promotion_is_not_rolled_out_when_the_resource_goes() -> None:
    world = in_phase(Phase.PROMOTING)
    assert world.stable is not None
    world.rest(7 * SECOND)
    world.push("v3")
    world.delete()
    world.run(gone)
    world.sleep(HOUR)
    assert world.stable.paused
    assert world.stable.asked == {"v2": 4}
    assert world.weight == 0
    assert world.lost_requests == []


def test_a_stuck_promotion_whose_canary_is_down_gives_traffic_to_stable() -> None:
    world = in_phase(Phase.PROMOTING)
    assert world.stable is not None
    world.stable.stuck = True
    world.rest(HOUR)
    world.broken.add("v2")
    world.delete()
    world.run(gone)
    assert (world.canary, world.weight) == (None, 0)


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.PROGRESSING, Phase.ROLLING_BACK])
def test_a_route_that_reports_nothing_does_not_keep_the_resource(phase: Phase) -> None:
    world = in_phase(phase)
    assert world.route is not None
    world.route.refuses = "no gateway programs it"
    world.delete()
    world.run(gone, limit=2 * MINUTE)
    assert world.canary is None


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.PROGRESSING, Phase.PROMOTING])
def test_neither_route_nor_deployment_is_needed_to_go(phase: Phase) -> None:
    world = in_phase(phase)
    world.route = world.stable = None
    world.delete()
    world.run(gone, limit=2 * MINUTE)
    assert world.canary is None


def test_a_weight_that_somebody_sets_again_and_again_is_no_hot_loop() -> None:
    world = in_phase(Phase.PROGRESSING)
    world.delete()
    world.rest(HOUR)
    assert world.gone
    world = in_phase(Phase.PROGRESSING)
    world.delete()
    for _ in range(60):
        world.edit_weight(50)
        decision = world.look()
        assert decision.wake_after != 0 * SECOND
        world.sleep(SECOND)
    assert world.canary is not None  # it serves half of the traffic
    world.run(gone)


def test_a_release_that_never_adopted_leaves_another_ones_canary_alone() -> None:
    world = releasing(ALL)
    world.run(Phase.PROGRESSING)
    first = world.status
    world.status = CanaryReleaseStatus()
    world.problem = ("AlreadyGuarded", "another CanaryRelease guards the Deployment")
    world.delete()
    world.run(gone)
    assert world.trail[-1].decision.actions[-1] == LetGo()
    assert not any(isinstance(a, RestoreRoute) for a in world.trail[-1].decision.actions)
    assert world.canary is not None
    assert world.route is not None
    assert world.route.listed
    assert first.phase is Phase.PROGRESSING
