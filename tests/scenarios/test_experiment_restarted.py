"""The operator is killed anywhere in an experiment, and it has the same result."""

from collections.abc import Callable

import pytest

from linnet.api.experiment import ExperimentResult
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import Phase
from tests.support.builders import MINUTE, make_spec
from tests.support.looks import Kill
from tests.support.oracle import assert_sound
from tests.support.tried import Users, decide, nothing_new, silent, users, with_adoption
from tests.support.world import World, adopted

End = Callable[[World], bool]


def spec() -> CanaryReleaseSpec:
    """Half of the users get the canary for two minutes, and at least one."""
    plain = make_spec(50, 100, hold="20s", analysis={"interval": "10s", "window": "10s"})
    asked = plain.model_dump(mode="json", by_alias=True, exclude_none=True)
    asked["traffic"]["sticky"] = {"header": {"name": "X-User-Bucket"}}
    asked["steps"][0]["experiment"] = {"duration": "2m", "minimumDuration": "1m"}
    return CanaryReleaseSpec.model_validate(asked)


def waits(world: World) -> bool:
    known = world.status.experiment
    return known is not None and known.result is ExperimentResult.CONDITIONAL


STORIES: dict[str, tuple[Users, End]] = {
    "a success": (users(), lambda world: world.status.phase is Phase.PROMOTED),
    "harm": (
        users(with_adoption(42, 30)),
        lambda world: world.status.phase is Phase.ROLLED_BACK,
    ),
    "wrongly drawn": (
        users(treated=0.45),
        lambda world: world.status.phase is Phase.ROLLED_BACK,
    ),
    "no answer": (users(nothing_new()), waits),
    "no data": (silent, waits),
}


def told(story: str, kills: dict[int, Kill]) -> World:
    does, end = STORIES[story]
    world = adopted(spec())
    world.kills, world.users = kills, does
    world.push("v2")
    world.run(end)
    return world


def outcome(world: World) -> tuple[object, ...]:
    """What has come of it, once it was told; what was lost is made up after the restart."""
    world.kills = {}
    world.look()
    world.rest(MINUTE)
    known, route = world.status.experiment, world.route
    assert known is not None
    assert route is not None
    (record,) = world.records.values()
    assert (record.result, record.ended_at) == (known.result, known.ended_at)
    where = (world.status.phase, route.served, route.experiment)
    return where, known.id, known.attempt, known.result, known.rule, record.data.users


@pytest.mark.thorough
@pytest.mark.parametrize("story", STORIES)
def test_it_has_the_same_result_wherever_the_operator_is_killed(story: str) -> None:
    whole = told(story, {})
    trail = list(whole.trail)
    expected = outcome(whole)
    for number, look in enumerate(trail):
        for survive in range(len(look.decision.actions) + 1):
            for status_lost in (True, False):
                world = told(story, {number: Kill(survive, status_lost)})
                assert outcome(world) == expected, (number, survive, status_lost)
                assert_sound(world)


@pytest.mark.parametrize("story", STORIES)
def test_it_has_the_same_result_if_every_third_status_is_lost(story: str) -> None:
    kills = {number: Kill(survive=9, status_lost=True) for number in range(0, 900, 3)}
    assert outcome(told(story, kills)) == outcome(told(story, {}))


def test_a_persons_word_is_kept_over_a_restart() -> None:
    world = told("no answer", {})
    decide(world, "Success")
    world.kills = {len(world.trail): Kill(survive=0, status_lost=True)}
    world.run(Phase.PROMOTED)
    known = world.status.experiment
    assert known is not None
    assert (known.result, known.decided and known.decided.by) == ("Success", "jane")
