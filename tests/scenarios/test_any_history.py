"""Whatever happens, in whatever order, wherever the operator is killed: the rules hold."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from linnet.api.config import TrackedConfig
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import Phase
from linnet.core.revision import config_part, template_part
from linnet.core.transitions import RESTING
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.oracle import assert_sound
from tests.support.world import HEALTHY, Kill, Reading, World

Event = Callable[[World], None]
TRACKED = {"name": "settings", "mountedAs": "settings-live"}
MINUTES = st.sampled_from([0, 1, 7, 30, 31, 60, 90, 300, 1200, 7200]).map(
    lambda seconds: seconds * SECOND
)
KILLS = st.dictionaries(
    st.integers(0, 150), st.builds(Kill, st.integers(0, 3), st.booleans()), max_size=8
)


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


def push(revision: str) -> Event:
    return lambda world: world.push(revision) if world.stable else None


def measure(name: str, reading: Reading) -> Event:
    return lambda world: world.readings.update({name: reading})


def push_unseen(revision: str) -> Event:
    """The template changes while the operator is away, perhaps in the middle of a rollout."""

    def event(world: World) -> None:
        push(revision)(world)
        world.sleep(17 * SECOND)

    return event


def suspend(value: bool) -> Event:
    return lambda world: world.edit_spec(world.spec.model_copy(update={"suspend": value}))


def take_steps(*weights: int) -> Event:
    steps = make_spec(*weights).steps
    return lambda world: world.edit_spec(world.spec.model_copy(update={"steps": steps}))


def edit_weight(weight: int | None) -> Event:
    return lambda world: world.edit_weight(weight) if world.route else None


def resume(world: World) -> None:
    if world.stable:
        world.resume()


def scale(world: World) -> None:
    if world.stable:
        world.stable.scale(max(9, world.stable.replicas))


def shrink(world: World) -> None:
    if world.stable and world.stable.replicas > 1:
        world.stable.scale(world.stable.replicas - 1)


def lose_canary(world: World) -> None:
    world.canary = None


def lose_canary_service(world: World) -> None:
    if world.canary:
        world.canary.service = False


def crash(world: World) -> None:
    world.crashing["v2"] = "CrashLoopBackOff"


def turn_unready(world: World) -> None:
    if world.canary:
        world.canary.unready = not world.canary.unready


def lose_prometheus(world: World) -> None:
    world.prometheus_away = not world.prometheus_away


def refuse_route(world: World) -> None:
    if world.route:
        world.route.refuses = "" if world.route.refuses else "no gateway programs it"


def have_no_room(world: World) -> None:
    if world.route:
        world.route.unfit = not world.route.unfit


def be_full(world: World) -> None:
    have_no_room(world)
    if world.route:
        world.route.full = world.route.unfit


def find_problem(world: World) -> None:
    world.problem = None if world.problem else ("ServiceMissing", "there is no Service")


def get_stuck(world: World) -> None:
    if world.stable:
        world.stable.stuck = not world.stable.stuck


def edit_config(content: str | None) -> Event:
    return lambda world: setattr(world.config, "source", content)


def edit_live(content: str | None) -> Event:
    return lambda world: setattr(world.config, "live", content)


def lose_copies(world: World) -> None:
    world.config.copies.clear()


def take_name(world: World) -> None:
    world.config.taken = not world.config.taken


def track(world: World) -> None:
    now_and_then = () if world.spec.tracked_config else (TrackedConfig.model_validate(TRACKED),)
    world.edit_spec(world.spec.model_copy(update={"tracked_config": now_and_then}))


def operator_is_away(world: World) -> None:
    world.sleep(3 * HOUR)


EVENTS: dict[str, Event] = {
    **{f"push {revision}": push(revision) for revision in ("v1", "v2", "v3")},
    **{f"push {revision} unseen": push_unseen(revision) for revision in ("v1", "v3")},
    **{f"errors {r}": measure("errorRate", r) for r in (0.0, 0.7, 5.0, None, "timeout")},
    **{f"memory {r}": measure("memory", r) for r in (40.0, 99.0, None)},
    **{f"weight {weight}": edit_weight(weight) for weight in (0, 33, 100, None)},
    "suspend": suspend(True),
    "go on": suspend(False),
    "two steps": take_steps(50, 100),
    "one step": take_steps(100),
    "resume": resume,
    "scale": scale,
    "shrink": shrink,
    "lose canary": lose_canary,
    "lose canary's service": lose_canary_service,
    "crash": crash,
    "unready or ready": turn_unready,
    "prometheus away or back": lose_prometheus,
    "route refuses or accepts": refuse_route,
    "route unfit or fit": have_no_room,
    "route full or not": be_full,
    "problem or none": find_problem,
    "stuck or not": get_stuck,
    "deployment away or back": World.hide_stable,
    "route away or back": World.hide_route,
    "operator is away": operator_is_away,
    **{f"config {content}": edit_config(content) for content in ("c1", "c2", "c3", None)},
    **{f"live {content}": edit_live(content) for content in ("c2", "c9", None)},
    "lose copies": lose_copies,
    "name taken or not": take_name,
    "track or not": track,
}
HISTORIES = st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), MINUTES), max_size=12)


History = list[tuple[str, timedelta]]


def live(spec: CanaryReleaseSpec, history: History, kills: dict[int, Kill], lag: int) -> World:
    world = World(spec)
    world.kills = kills
    assert world.route is not None
    world.route.lag = lag * SECOND
    world.rest(MINUTE)
    world.push("v2")
    world.rest(MINUTE)
    for event, pause in history:
        EVENTS[event](world)
        world.rest(pause)
    return world


def heal(world: World) -> None:
    """Everything is well again."""
    if world.stable is None:
        world.hide_stable()
    if world.route is None:
        world.hide_route()
    assert world.stable is not None
    assert world.route is not None
    world.readings = dict(HEALTHY)
    world.prometheus_away = False
    world.problem = None
    world.crashing.clear()
    world.stable.stuck = False
    world.route.refuses = ""
    world.route.unfit = world.route.full = False
    if world.canary:
        world.canary.unready = False
    suspend(False)(world)
    world.config.taken = False
    world.config.source = world.config.source or "c1"
    world.config.live = world.config.live or "c1"
    if world.status.phase is Phase.PROMOTING:
        # The one thing that nobody else has: what was verified.
        world.config.source = config_part(world.status.canary_revision) or "c1"


@given(specs(), HISTORIES, KILLS, st.sampled_from([0, 2, 40]))
def test_every_decision_is_sound_and_the_next_good_version_gets_promoted(
    spec: CanaryReleaseSpec, history: History, kills: dict[int, Kill], lag: int
) -> None:
    world = live(spec, history, kills, lag)
    assert_sound(world)

    heal(world)
    world.run(lambda world: world.status.phase in RESTING - {Phase.PENDING})
    world.push("v9")
    world.run(lambda world: template_part(world.status.stable_revision) == "v9")
    world.run(Phase.PROMOTED)


@given(specs(), HISTORIES, KILLS, st.sampled_from([0, 2, 40]))
def test_a_deleted_resource_goes_whatever_happened_before(
    spec: CanaryReleaseSpec, history: History, kills: dict[int, Kill], lag: int
) -> None:
    world = live(spec, history, kills, lag)
    world.delete()
    world.run(lambda world: world.gone, limit=HOUR)
    assert_sound(world)
