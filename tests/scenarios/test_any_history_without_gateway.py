"""The rules of every history, where the weights are pods behind one Service."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linnet.api.spec import CanaryReleaseSpec, Provider, Traffic
from linnet.api.status import Phase
from tests.scenarios.test_any_history import FEWER, HISTORIES, KILLS, LAGS, specs
from tests.scenarios.test_restarted import STORIES
from tests.support import events
from tests.support.builders import MINUTE, SECOND
from tests.support.events import History, settle
from tests.support.looks import Kill
from tests.support.oracle import assert_sound
from tests.support.shared_world import SharedWorld, adopted, shared_spec

pytestmark = pytest.mark.thorough
SCALES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 90)), max_size=6)


def live(
    spec: CanaryReleaseSpec, history: History, kills: dict[int, Kill], lag: int
) -> SharedWorld:
    traffic = Traffic(provider=Provider.REPLICAS)
    world = SharedWorld(spec.model_copy(update={"traffic": traffic}))
    world.kills = kills
    world.service.lag = lag * SECOND
    events.live(world, history)
    return world


@FEWER
@given(specs(), HISTORIES, KILLS, LAGS)
def test_every_decision_is_sound_and_the_next_good_version_gets_promoted(
    spec: CanaryReleaseSpec, history: History, kills: dict[int, Kill], lag: int
) -> None:
    world = live(spec, history, kills, lag)
    assert_sound(world)

    settle(world, deleted=False)
    world.rest(MINUTE)
    assert (world.service.listed, world.canary) == (False, None)


@FEWER
@given(specs(), HISTORIES, KILLS, LAGS)
def test_a_deleted_resource_goes_whatever_happened_before(
    spec: CanaryReleaseSpec, history: History, kills: dict[int, Kill], lag: int
) -> None:
    world = live(spec, history, kills, lag)
    settle(world, deleted=True)
    assert_sound(world)


@FEWER
@given(SCALES, KILLS)
def test_an_autoscaler_and_a_killed_operator_keep_no_good_version_from_its_promotion(
    scales: list[tuple[int, int]], kills: dict[int, Kill]
) -> None:
    world = adopted(shared_spec(5, 30, 50, 100, hold="1m"))
    world.kills = kills
    world.push("v2")
    for replicas, pause in scales:
        if len(world._deployment.asked) == 1:
            world.scale(replicas)
        world.rest(pause * SECOND)
    world.run(Phase.PROMOTED)
    assert_sound(world)
    assert (world.leaks, world.lost_requests) == ([], [])


@pytest.mark.parametrize("story", STORIES)
def test_a_release_ends_the_same_wherever_the_operator_is_killed(story: str) -> None:
    event, end = STORIES[story]

    def told(kills: dict[int, Kill]) -> SharedWorld:
        world = adopted(shared_spec(20, 100, hold="1m", analysis={"minSamples": 2}))
        world.kills = kills
        world.push("v2")
        world.later(2 * MINUTE, event)
        world.run(end)
        return world

    def outcome(world: SharedWorld) -> tuple[object, ...]:
        world.sleep(MINUTE)
        phase = None if world.gone else world.status.phase
        stable = world._deployment
        return phase, stable.asked, stable.paused, world.canary, world.service.real_share

    whole = told({})
    expected = outcome(whole)
    for number, look in enumerate(whole.trail):
        for survive in range(len(look.decision.actions) + 1):
            for status_lost in (True, False):
                world = told({number: Kill(survive, status_lost)})
                assert outcome(world) == expected, (number, survive, status_lost)
                assert (world.leaks, world.lost_requests) == ([], [])
                assert_sound(world)
