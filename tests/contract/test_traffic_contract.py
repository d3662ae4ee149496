"""What every traffic provider must do.

The suite runs on the fake, and on HTTPRoutes and Services of a real API server where the test
plays the gateway that reports them, or the controllers that fill endpoints.
"""

from dataclasses import replace
from typing import Protocol

import pytest

from linnet.providers.errors import NotFound, Unusable
from linnet.providers.traffic.base import Split, TrafficProvider
from tests.support.fake_traffic import FakeTraffic
from tests.support.one_route import PINS, OneRoute


class World(Protocol):
    """A provider, and a hand that makes routes and plays their gateway."""

    @property
    def provider(self) -> TrafficProvider: ...
    @property
    def split(self) -> Split: ...
    async def add(self) -> None: ...
    async def add_without_stable(self) -> None: ...
    async def accept(self) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakeTraffic()
        self.provider: TrafficProvider = self.fake
        self.split = Split("default", "shop", "shop", "shop-canary")

    async def add(self) -> None:
        self.fake.add("shop")

    async def add_without_stable(self) -> None:
        self.fake.add("shop")
        self.fake.without_stable.add("shop")

    async def accept(self) -> None:
        self.fake.accept("shop")


@pytest.fixture(params=["fake", "one service", "gateway-api", *PINS])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "fake":
        return FakeWorld()
    if request.param == "one service":
        service: World = request.getfixturevalue("one_service")
        return service
    real: OneRoute = request.getfixturevalue("gateway")
    real.split = replace(real.split, pins=PINS.get(request.param))
    return real


async def test_no_route(world: World) -> None:
    assert await world.provider.observe(world.split) is None
    with pytest.raises(NotFound):
        await world.provider.set_weight(world.split, 5)
    await world.provider.restore(world.split)


async def test_a_new_route_gives_the_canary_nothing(world: World) -> None:
    await world.add()
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert (seen.weight, seen.canary_listed) == (0, False)


@pytest.mark.parametrize("weight", [0, 1, 50, 100])
async def test_a_weight_counts_once_the_gateway_has_it(world: World, weight: int) -> None:
    await world.add()
    await world.accept()
    await world.provider.set_weight(world.split, weight)
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert (seen.weight, seen.canary_listed, seen.accepted) == (weight, True, False)
    await world.accept()
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert (seen.weight, seen.accepted) == (weight, True)


async def test_the_same_weight_again_changes_nothing(world: World) -> None:
    await world.add()
    await world.provider.set_weight(world.split, 10)
    await world.accept()
    await world.provider.set_weight(world.split, 10)
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert (seen.weight, seen.accepted) == (10, True)


async def test_the_last_weight_counts(world: World) -> None:
    await world.add()
    for weight in (5, 100, 30):
        await world.provider.set_weight(world.split, weight)
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert seen.weight == 30


async def test_restoring_takes_the_canary_out(world: World) -> None:
    await world.add()
    await world.provider.set_weight(world.split, 30)
    await world.provider.restore(world.split)
    await world.accept()
    await world.provider.restore(world.split)
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert (seen.weight, seen.canary_listed, seen.accepted) == (0, False, True)


async def test_a_route_without_stable_cannot_be_used(world: World) -> None:
    await world.add_without_stable()
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert seen.problem is not None
    assert (seen.problem[0], seen.canary_listed) == ("NoStableBackend", False)
    with pytest.raises(Unusable):
        await world.provider.set_weight(world.split, 5)
    await world.provider.restore(world.split)
