"""Whatever happens, in whatever order, wherever the operator is killed: the rules hold."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.api.spec import CanaryReleaseSpec
from linnet.core.decide import decide
from linnet.core.stored import read
from tests.support.builders import SECOND, make_spec
from tests.support.events import EVENTS, PAUSES, TRACKED, History, live, settle
from tests.support.histories import make_history
from tests.support.looks import Kill, Look
from tests.support.oracle import assert_sound, promotes, went_up
from tests.support.world import HEALTHY, World

KILLS = st.dictionaries(
    st.integers(0, 150), st.builds(Kill, st.integers(0, 3), st.booleans()), max_size=8
)
HISTORIES = st.lists(
    st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from(PAUSES)), max_size=12
)
LAGS = st.sampled_from([0, 2, 40])
pytestmark = pytest.mark.thorough
FEWER = settings(max_examples=20)
"""Each example is a whole history; `make soak-histories` has a hundred thousand."""


@st.composite
def specs(draw: st.DrawFn) -> CanaryReleaseSpec:
    inner = draw(st.sets(st.integers(1, 99), max_size=3))
    policy = st.sampled_from(["Hold", "Rollback", "Ignore"])
    metrics = [
        {"use": use, "noData": draw(policy)}
        for use in draw(st.sets(st.sampled_from(sorted(HEALTHY)), max_size=3))
    ]
    return make_spec(
        *sorted(inner),
        100,
        hold=draw(st.sampled_from(["0s", "45s", "5m"])),
        analysis={
            "interval": draw(st.sampled_from(["10s", "30s", "2m"])),
            "minSamples": draw(st.integers(1, 4)),
            "metrics": sorted(metrics, key=lambda metric: metric["use"]),
            "profile": draw(st.sampled_from(["Standard", "Strict"])),
            "holdDeadline": "20m",
            "onHoldDeadline": draw(st.sampled_from(["Rollback", "Wait"])),
        },
        canary={"minReplicas": draw(st.integers(1, 3)), "readyDeadline": "3m"},
        trackedConfig=draw(st.sampled_from([[], [TRACKED]])),
    )


def world_of(spec: CanaryReleaseSpec, kills: dict[int, Kill], lag: int) -> World:
    world = World(spec)
    world.kills = kills
    assert world.route is not None
    world.route.lag = lag * SECOND
    return world


@FEWER
@given(specs(), HISTORIES, KILLS, LAGS, st.none() | st.integers(1, 200), st.booleans())
def test_every_decision_is_sound_and_every_state_has_a_way_out(
    spec: CanaryReleaseSpec,
    history: History,
    kills: dict[int, Kill],
    lag: int,
    last_look: int | None,
    deleted: bool,
) -> None:
    world = world_of(spec, kills, lag)
    world.last_look = last_look
    live(world, history)
    settle(world, deleted=deleted)
    assert_sound(world)


@FEWER
@given(specs(), HISTORIES, LAGS)
def test_a_status_that_lacks_something_decides_and_never_goes_further(
    spec: CanaryReleaseSpec, history: History, lag: int
) -> None:
    world = world_of(spec, {}, lag)
    live(world, history)
    for look in world.trail[::30]:
        stored = look.before.model_dump(mode="json", by_alias=True, exclude_none=True)
        # Who takes away what was answered asks again, and who takes alerts away lifts a freeze.
        for name in stored.keys() - {"request", "alerts"}:
            assert_goes_no_further(look, {**stored, name: None})
            assert_goes_no_further(look, {**stored, name: "unreadable"})
            assert_goes_no_further(look, {k: v for k, v in stored.items() if k != name})


def assert_goes_no_further(look: Look, stored: dict[str, object]) -> None:
    status = read(stored)
    decision = decide(look.spec, status, look.observed, look.at)
    less = Look(
        look.at,
        look.spec,
        status,
        look.observed,
        decision,
        look.served,
        look.served_since,
        decision.status,
    )
    assert not went_up(less) or went_up(look)
    assert not promotes(less) or promotes(look)


@pytest.mark.parametrize("seed", range(8))
def test_a_history_of_the_benchmark_is_sound(seed: int) -> None:
    history = make_history(Random(seed))  # noqa: S311 - a history, not a secret
    assert_sound(history.finish(history.begin()))
