"""Stable takes over, and something goes wrong: traffic stays on what works."""

from linnet.api.status import DecisionKind, Phase
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.looks import Kill
from tests.support.objects import Stable
from tests.support.world import World, adopted, releasing

ALL = make_spec(100, hold="1m")


def promoting() -> World:
    world = releasing(ALL, until=Phase.PROMOTING)
    world.rest(7 * SECOND)
    return world


def test_a_promotion_that_is_stuck_keeps_traffic_on_the_canary_and_recovers() -> None:
    world = releasing(ALL, until=Phase.PROMOTING)
    assert world.stable is not None
    world.stable.stuck = True
    world.rest(HOUR)
    assert world.status.phase is Phase.PROMOTING
    assert world.condition("Stalled") == "PromotionStuck"
    assert world.decisions.count(DecisionKind.STALLED) == 1
    assert (world.weight, world.wake_after) == (100, None)
    assert world.lost_requests == []
    world.stable.stuck = False
    world.run(Phase.PROMOTED)
    assert world.condition("Stalled") == ""


def test_the_alarm_for_a_stuck_promotion_is_set_though_resuming_it_failed() -> None:
    number = len(releasing(ALL, until=Phase.PROMOTING).trail) - 1
    world = adopted(ALL)
    world.kills[number] = Kill(survive=0, status_lost=False)
    world.push("v2")
    world.run(Phase.PROMOTING)
    assert world.stable is not None
    assert world.stable.paused
    world.run(Phase.PROMOTED)


def stable_of(world: World) -> Stable:
    assert world.stable is not None
    return world.stable


def served_by_stable_from(world: World) -> Stable:
    """Stable at the moment when traffic returns to it."""
    world.run(lambda world: world.weight == 0)
    return stable_of(world)


def test_a_template_changed_during_promotion_is_the_next_release() -> None:
    world = promoting()
    assert stable_of(world).asked == {"v1": 3, "v2": 1}
    world.push("v3")
    stable = served_by_stable_from(world)
    assert (stable.ready, stable.paused) == ({"v2": 4}, True)
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v2"
    world.run(Phase.STARTING)
    assert (world.status.stable_revision, world.status.canary_revision) == ("v2", "v3")
    world.run(Phase.PROMOTED)
    assert world.weights == [0, 100, 0, 100, 0]
    assert world.lost_requests == []


def test_pods_of_a_changed_template_are_gone_before_traffic_returns() -> None:
    world = promoting()
    world.push("v3")
    world.sleep(12 * SECOND)
    assert stable_of(world).asked.get("v3")
    assert served_by_stable_from(world).ready == {"v2": 4}
    world.run(Phase.PROMOTED)


def test_a_template_changed_before_stable_has_begun_supersedes_the_release() -> None:
    world = releasing(ALL, until=Phase.PROMOTING)
    stable_of(world).paused = True
    world.push("v3")
    assert served_by_stable_from(world).ready == {"v1": 4}
    assert world.last.decision is DecisionKind.SUPERSEDED
    world.run(Phase.STARTING)
    assert (world.status.stable_revision, world.status.canary_revision) == ("v1", "v3")
    assert world.lost_requests == []


def test_the_stable_template_put_back_during_promotion_makes_stable_whole_again() -> None:
    world = promoting()
    world.push("v1")
    assert served_by_stable_from(world).ready == {"v1": 4}
    world.run(Phase.IDLE)
    assert world.last.decision is DecisionKind.REVERTED
    assert world.lost_requests == []


def test_the_stable_template_put_back_too_late_is_the_next_release() -> None:
    world = promoting()
    world.sleep(10 * SECOND)
    stable_of(world).history.clear()
    stable_of(world).asked, stable_of(world).ready = {"v2": 4}, {"v2": 4}
    world.push("v1")
    world.run(Phase.PROMOTED)
    world.run(lambda world: world.status.stable_revision == "v1")


def test_a_stuck_promotion_whose_template_changes_returns_to_the_version_before() -> None:
    world = promoting()
    stable_of(world).stuck = True
    world.rest(HOUR)
    world.push("v3")
    world.rest(MINUTE)
    assert world.condition("Stalled") == "PromotionStuck"
    assert world.weight == 100
    stable_of(world).stuck = False
    assert served_by_stable_from(world).ready == {"v1": 4}
    assert world.last.decision is DecisionKind.SUPERSEDED
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v3"


def test_without_a_verified_version_in_stable_traffic_stays_on_the_canary() -> None:
    world = promoting()
    world.push("v3")
    world.sleep(HOUR)
    assert stable_of(world).ready == {"v3": 4}
    stable_of(world).history.clear()
    world.rest(HOUR)
    assert world.condition("Stalled") == "ChangedWhilePromoting"
    assert (world.weight, world.wake_after, stable_of(world).paused) == (100, None, True)
    world.push("v2")
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v2"
    assert world.lost_requests == []


def test_a_deletion_while_a_changed_template_is_settled_leaves_a_verified_version() -> None:
    world = promoting()
    world.push("v3")
    world.delete()
    world.run(lambda world: world.gone)
    world.sleep(HOUR)
    assert (stable_of(world).asked, stable_of(world).paused) == ({"v2": 4}, True)
    assert (world.canary, world.weight, world.lost_requests) == (None, 0, [])


def test_a_canary_lost_during_promotion_gives_its_traffic_to_stable() -> None:
    world = promoting()
    world.canary = None
    world.rest(SECOND)
    assert world.weight == 0
    world.run(Phase.PROMOTED)
    assert world.weights == [0, 100, 0]


def test_traffic_stays_on_the_canary_where_neither_has_a_ready_pod() -> None:
    world = promoting()
    assert world.stable is not None
    world.broken.add("v2")
    world.stable.ready = dict.fromkeys(world.stable.ready, 0)
    assert world.look().actions == ()
    assert world.weight == 100


def test_a_promotion_goes_on_without_its_route() -> None:
    world = promoting()
    world.route = None
    world.run(Phase.PROMOTED)


def test_a_deployment_deleted_during_promotion_holds_it_until_it_is_back() -> None:
    world = promoting()
    away, world.stable = world.stable, None
    world.rest(10 * MINUTE)
    assert world.condition("Stalled") == "TargetMissing"
    assert world.weight == 100
    world.stable = away
    world.run(Phase.PROMOTED)


def test_a_weight_edited_during_promotion_is_put_back() -> None:
    world = promoting()
    world.edit_weight(40)
    world.look()
    assert world.weight == 100


def test_a_deployment_paused_during_promotion_is_resumed() -> None:
    world = promoting()
    assert world.stable is not None
    world.stable.paused = True
    world.run(Phase.PROMOTED, limit=5 * MINUTE)


def test_a_promotion_under_way_is_finished_though_the_release_is_suspended() -> None:
    world = promoting()
    world.edit_spec(ALL.model_copy(update={"suspend": True}))
    world.run(Phase.PROMOTED)
