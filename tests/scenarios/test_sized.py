"""The canary has the pods for its weight before the traffic comes, whatever scales stable."""

from collections.abc import Callable
from typing import Any

import pytest

from linnet.api.status import DecisionKind, Phase
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.world import World, releasing

STEPS = make_spec(10, 50, 100)
QUOTA = 'pods "shop-canary-1" is forbidden: exceeded quota: small, requested: pods=1'


def pods(world: World) -> int:
    return len(world.canary.ready_at) if world.canary else 0


def refuse_pods(world: World, message: str = "") -> None:
    """The API server refuses the canary's pods from now on, or no longer."""
    world.refuses = message
    if world.canary is not None:
        world.canary.refused = message
        world.canary.scale(world.canary.asked, world.now + world.startup)


def seen(weight: int) -> Callable[[World], bool]:
    return lambda world: world.status.weight.seen == weight


def autoscale(world: World, full: int, least: int) -> None:
    """An HPA: every 15 s stable gets as many pods as its part of the load needs."""
    assert world.stable is not None
    assert world.route is not None
    load = full * (100 - world.route.served)
    world.stable.scale(max(least, -(-load // 100)))
    world.later(15 * SECOND, lambda world: autoscale(world, full, least))


def test_an_autoscaler_that_takes_pods_from_stable_takes_none_from_the_canary() -> None:
    world = releasing(STEPS, replicas=10)
    autoscale(world, full=10, least=2)
    world.run(seen(50))
    assert pods(world) == 5
    world.run(lambda world: world.stable is not None and world.stable.replicas == 5)
    world.run(lambda world: world.status.weight.wanted == 100)
    assert pods(world) == 10
    world.run(lambda world: world.stable is not None and world.stable.replicas == 2)
    world.run(Phase.PROMOTING)
    assert pods(world) == 10
    world.run(Phase.PROMOTED, limit=HOUR)
    assert world.lost_requests == []


def test_a_stable_that_grows_in_mid_release_makes_the_canary_grow() -> None:
    world = releasing(STEPS, replicas=4)
    world.run(seen(50))
    assert (pods(world), world.status.stable_replicas) == (2, 4)
    assert world.stable is not None
    world.stable.scale(12)
    world.rest(SECOND)
    assert (pods(world), world.status.stable_replicas) == (6, 12)
    world.run(lambda world: world.status.weight.wanted == 100)
    assert pods(world) == 12
    world.run(Phase.PROMOTED, limit=HOUR)


def test_the_next_release_is_sized_by_stable_as_it_is_then() -> None:
    world = releasing(STEPS, replicas=10, until=Phase.PROMOTED)
    assert world.stable is not None
    world.stable.scale(4)
    world.push("v3")
    world.run(lambda world: world.status.weight.wanted == 50)
    assert (pods(world), world.status.stable_replicas) == (2, 4)


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        ({"canary": {"replicas": 3}}, [3, 3, 10]),
        ({"canary": {"minReplicas": 2}}, [2, 5, 10]),
        (
            {
                "canary": {"replicas": 3},
                "steps": [
                    {"weight": 10},
                    {"weight": 50, "replicas": 7},
                    {"weight": 100, "replicas": 8},
                ],
            },
            [3, 7, 8],
        ),
    ],
)
def test_the_canary_is_as_large_as_told(parts: dict[str, Any], sizes: list[int]) -> None:
    world = releasing(make_spec(10, 50, 100, **parts), replicas=10)
    found = []
    for weight in (10, 50, 100):
        world.run(seen(weight))
        found.append(pods(world))
    assert found == sizes
    world.run(Phase.PROMOTED)


def test_no_pod_of_the_canary_goes_before_the_release_ends() -> None:
    world = releasing(make_spec(50, 100, canary={"replicas": 6}), replicas=4)
    world.run(seen(100))
    world.edit_spec(make_spec(50, 100, canary={"replicas": 1}))
    world.rest(MINUTE)
    assert pods(world) == 6


def test_a_quota_that_refuses_the_first_pod_is_told_at_once_and_decided_at_the_deadline() -> None:
    world = releasing(STEPS, until=Phase.STARTING)
    world.refuses = QUOTA
    world.rest(5 * SECOND)
    assert world.condition("Stalled") == "QuotaExceeded"
    assert "0 of 1 canary pods are ready: " + QUOTA in world.status.message
    assert world.status.message.endswith("raise the ResourceQuota, or make room in it")
    world.run(Phase.ROLLED_BACK, limit=6 * MINUTE)
    assert (world.last.reason, world.weights) == ("QuotaExceeded", [0])
    assert world.last.message.startswith("After 5m: 0 of 1 canary pods are ready: ")


def test_room_that_is_made_in_time_lets_the_release_go_on() -> None:
    world = releasing(STEPS, until=Phase.STARTING)
    world.refuses = QUOTA
    world.rest(MINUTE)
    refuse_pods(world)
    world.run(Phase.PROMOTED)
    assert world.condition("Stalled") == ""


def test_a_quota_met_in_mid_release_holds_at_the_weight_that_works() -> None:
    world = releasing(STEPS, replicas=10)
    refuse_pods(world, QUOTA)
    world.rest(10 * MINUTE)
    assert (world.weight, world.condition("Stalled")) == (10, "QuotaExceeded")
    assert world.status.message.startswith("1 of 5 canary pods are ready: ")
    assert [e.reason for e in world.status.history if e.decision is DecisionKind.HELD] == [
        "QuotaExceeded"
    ]
    refuse_pods(world)
    world.run(Phase.PROMOTED)


def test_a_quota_that_stays_ends_the_hold_at_its_deadline() -> None:
    world = releasing(STEPS, replicas=10)
    refuse_pods(world, QUOTA)
    world.run(Phase.ROLLED_BACK, limit=70 * MINUTE)
    assert world.last.reason == "HoldDeadlineExceeded"
    assert QUOTA in world.last.message


def test_pods_that_a_policy_refuses_have_another_remedy() -> None:
    world = releasing(STEPS, until=Phase.STARTING)
    world.refuses = 'pods "shop-canary-1" is forbidden: violates PodSecurity "restricted:latest"'
    world.rest(5 * SECOND)
    assert world.condition("Stalled") == "PodsRefused"
    assert world.status.message.endswith("change the template, or what refuses its pods")


def test_a_quota_that_stops_the_promotion_leaves_the_traffic_on_the_canary() -> None:
    world = releasing(STEPS, until=Phase.PROMOTING)
    world.rest(2 * SECOND)
    assert world.stable is not None
    for _ in range(3):  # it comes and goes with the pods of a rolling update
        world.stable.refused = QUOTA
        world.look()
        assert (world.weight, world.condition("Stalled")) == (100, "QuotaExceeded")
        world.stable.refused = ""
        world.look()
    assert world.decisions.count(DecisionKind.STALLED) == 1
    world.stable.refused = QUOTA
    world.rest(HOUR)
    assert (world.status.phase, world.weight) == (Phase.PROMOTING, 100)
    assert world.condition("Stalled") == "QuotaExceeded"
    world.stable.refused = ""
    world.run(Phase.PROMOTED)
    assert world.lost_requests == []


def deleted_while_refused() -> World:
    world = releasing(STEPS, until=Phase.PROMOTING)
    world.rest(2 * SECOND)
    assert world.stable is not None
    world.stable.refused = QUOTA
    world.rest(SECOND)
    world.delete()
    return world


def test_a_deletion_waits_for_a_promotion_whose_pods_are_refused_for_a_while() -> None:
    world = deleted_while_refused()
    assert world.stable is not None
    world.rest(MINUTE)
    assert (world.gone, world.weight) == (False, 100)
    world.stable.refused = ""
    world.run(lambda world: world.gone, limit=10 * MINUTE)
    assert (world.weight, world.canary) == (0, None)
    assert world.lost_requests == []


def test_a_deletion_does_not_wait_for_refused_pods_beyond_the_deadline() -> None:
    world = deleted_while_refused()
    world.run(lambda world: world.gone, limit=11 * MINUTE)
    assert world.weight == 100
    assert world.lost_requests == []


def test_a_stable_without_replicas_cannot_take_over_and_is_told_so() -> None:
    world = releasing(STEPS, until=Phase.PROMOTING)
    assert world.stable is not None
    world.stable.scale(0)
    world.look()
    assert (world.weight, world.condition("Stalled")) == (100, "ScaledToZero")
    world.stable.scale(4)
    world.run(Phase.PROMOTED)


def test_a_stable_that_has_shrunk_is_told_with_the_remedy_until_the_release_is_over() -> None:
    world = releasing(STEPS, replicas=10)
    assert world.stable is not None

    def told() -> list[str]:
        return [c.message for c in world.status.conditions if c.type == "StableSized"]

    assert told() == []
    world.stable.scale(4)
    world.look()
    [message] = told()
    assert message.startswith("stable has 4 of the 10 replicas that it had in this release")
    assert "behavior.scaleDown.stabilizationWindowSeconds" in message
    world.run(Phase.PROMOTED)
    assert told() == []
