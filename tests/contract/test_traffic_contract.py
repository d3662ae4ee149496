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
from tests.support.one_service import OneService


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


GATEWAYS = ("fake", "gateway-api", *PINS)


@pytest.fixture(params=["one service", *GATEWAYS])
def world(request: pytest.FixtureRequest) -> World:
    return made(request)


@pytest.fixture(params=GATEWAYS)
def naming(request: pytest.FixtureRequest) -> World:
    """A world that can tell the application of an experiment."""
    return made(request)


def made(request: pytest.FixtureRequest) -> World:
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


NAMED = "tone-7e8a1b"


async def test_all_requests_tell_of_an_experiment_until_it_ends(naming: World) -> None:
    await naming.add()
    await naming.provider.set_weight(naming.split, 50)
    await naming.accept()
    for weight, experiment in ((50, NAMED), (50, "tone-90c1d2"), (20, NAMED), (0, "")):
        await naming.provider.set_weight(naming.split, weight, experiment)
        seen = await naming.provider.observe(naming.split)
        assert seen is not None
        assert (seen.weight, seen.experiment, seen.accepted) == (weight, experiment, False)
        await naming.accept()
        await naming.provider.set_weight(naming.split, weight, experiment)
        seen = await naming.provider.observe(naming.split)
        assert seen is not None
        assert (seen.weight, seen.experiment, seen.accepted) == (weight, experiment, True)


async def test_a_restored_route_tells_of_no_experiment(naming: World) -> None:
    await naming.add()
    await naming.provider.set_weight(naming.split, 50, NAMED)
    await naming.provider.restore(naming.split)
    seen = await naming.provider.observe(naming.split)
    assert seen is not None
    assert (seen.experiment, seen.canary_listed) == ("", False)


async def test_without_a_gateway_no_request_can_tell_of_an_experiment(
    one_service: OneService,
) -> None:
    await one_service.add()
    with pytest.raises(Unusable) as caught:
        await one_service.provider.set_weight(one_service.split, 50, NAMED)
    assert caught.value.reason == "ExperimentNeedsGateway"
    assert "use GatewayAPI" in caught.value.message
    seen = await one_service.provider.observe(one_service.split)
    assert seen is not None
    assert (seen.weight, seen.experiment) == (0, "")


async def test_a_route_without_stable_cannot_be_used(world: World) -> None:
    await world.add_without_stable()
    seen = await world.provider.observe(world.split)
    assert seen is not None
    assert seen.problem is not None
    assert (seen.problem[0], seen.canary_listed) == ("NoStableBackend", False)
    with pytest.raises(Unusable):
        await world.provider.set_weight(world.split, 5)
    await world.provider.restore(world.split)
