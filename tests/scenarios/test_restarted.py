"""The operator is killed between any two calls, and the release ends as it would have."""

from collections.abc import Callable

import pytest

from linnet.api.status import Phase
from tests.support.builders import MINUTE, make_spec
from tests.support.looks import Kill
from tests.support.oracle import assert_sound
from tests.support.world import World, adopted

SPEC = make_spec(20, 100, hold="1m", analysis={"minSamples": 2})

Event = Callable[[World], None]
End = Callable[[World], bool]


def nothing_happens(world: World) -> None:
    """The version is a good one."""


def canary_fails(world: World) -> None:
    world.readings["errorRate"] = 9.0


def another_version_comes(world: World) -> None:
    world.push("v3")


STORIES: dict[str, tuple[Event, End]] = {
    "good": (nothing_happens, lambda world: world.status.phase is Phase.PROMOTED),
    "bad": (canary_fails, lambda world: world.status.phase is Phase.ROLLED_BACK),
    "superseded": (another_version_comes, lambda world: world.status.canary_revision == "v3"),
    "deleted": (World.delete, lambda world: world.gone),
}


def told(story: str, kills: dict[int, Kill]) -> World:
    event, end = STORIES[story]
    world = adopted(SPEC)
    world.kills = kills
    world.push("v2")
    world.later(2 * MINUTE, event)
    world.run(end)
    return world


def outcome(world: World) -> tuple[object, ...]:
    assert world.stable is not None
    assert world.route is not None
    world.sleep(MINUTE)
    phase = None if world.gone else world.status.phase
    return phase, world.stable.asked, world.stable.paused, world.canary, world.route.served


@pytest.mark.thorough
@pytest.mark.parametrize("story", STORIES)
def test_a_release_ends_the_same_wherever_the_operator_is_killed(story: str) -> None:
    whole = told(story, {})
    expected = outcome(whole)
    for number, look in enumerate(whole.trail):
        for survive in range(len(look.decision.actions) + 1):
            for status_lost in (True, False):
                world = told(story, {number: Kill(survive, status_lost)})
                assert outcome(world) == expected, (number, survive, status_lost)
                assert world.lost_requests == []
                assert_sound(world)


@pytest.mark.parametrize("story", STORIES)
def test_a_release_ends_the_same_if_every_third_status_is_lost(story: str) -> None:
    kills = {number: Kill(survive=9, status_lost=True) for number in range(0, 400, 3)}
    assert outcome(told(story, kills)) == outcome(told(story, {}))
