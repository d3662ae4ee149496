"""The canary has the pods for its weight before the traffic comes, whatever scales stable."""

from collections.abc import Callable
from typing import Any

import pytest

from linnet.api.status import Phase
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.world import World, releasing

STEPS = make_spec(10, 50, 100)


def pods(world: World) -> int:
    return len(world.canary.ready_at) if world.canary else 0


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
