"""What may happen to a release, as named events, and how all of it is made well again."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from linnet.api.config import TrackedConfig
from linnet.api.request import RequestAction
from linnet.api.status import Phase
from linnet.core.revision import config_part, template_part
from linnet.core.transitions import RESTING
from tests.support.asking import ask, fire, hear, resolve
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.looks import Stopped
from tests.support.world import HEALTHY, Reading, World

Event = Callable[[World], None]
History = list[tuple[str, timedelta]]
TRACKED = {"name": "settings", "mountedAs": "settings-live"}
PAUSES = [seconds * SECOND for seconds in (0, 1, 7, 30, 31, 60, 90, 300, 1200, 7200)]


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


def freeze(value: bool) -> Event:
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


def asking(action: str) -> Event:
    def event(world: World) -> None:
        ask(world, action)

    return event


def fires(severity: str, track: str = "canary") -> Event:
    def event(world: World) -> None:
        fire(world, severity=severity, track=track)

    return event


def hear_again(world: World) -> None:
    """Alertmanager repeats what it has told before."""
    told = [alert for look in world.trail[-20:] for alert in look.observed.alerts]
    hear(world, *told)


def all_resolved(world: World) -> None:
    for look in world.trail:
        for alert in look.observed.alerts:
            resolve(world, alert)


def operator_is_away(world: World) -> None:
    world.sleep(3 * HOUR)


EVENTS: dict[str, Event] = {
    **{f"push {revision}": push(revision) for revision in ("v1", "v2", "v3")},
    **{f"push {revision} unseen": push_unseen(revision) for revision in ("v1", "v3")},
    **{f"errors {r}": measure("errorRate", r) for r in (0.0, 0.7, 5.0, None, "timeout")},
    **{f"memory {r}": measure("memory", r) for r in (40.0, 99.0, None)},
    **{f"weight {weight}": edit_weight(weight) for weight in (0, 33, 100, None)},
    "suspend": freeze(True),
    "go on": freeze(False),
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
    **{f"alert {severity}": fires(severity) for severity in ("critical", "warning", "info")},
    "alert stable": fires("critical", "stable"),
    "alerts again": hear_again,
    "alerts resolved": all_resolved,
    **{f"ask {action}": asking(action) for action in (*RequestAction, "Dance")},
}


def live(world: World, history: History) -> None:
    """Guard v1, begin to release v2, and let a history happen, up to the world's last look."""
    with suppress(Stopped):
        world.rest(MINUTE)
        world.push("v2")
        world.rest(MINUTE)
        for event, pause in history:
            EVENTS[event](world)
            world.rest(pause)
    world.last_look = None


def settle(world: World, *, deleted: bool) -> None:
    """The way out: the resource goes, or all is well again and the next version gets promoted.

    Raises:
        Stuck: there is no way out.
    """
    if deleted:
        world.delete()
        world.run(lambda world: world.gone, limit=HOUR)
        return
    heal(world)
    world.run(lambda world: world.status.phase in RESTING - {Phase.PENDING})
    world.push("v9")
    world.run(lambda world: template_part(world.status.stable_revision) == "v9")
    world.run(Phase.PROMOTED)


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
    freeze(False)(world)
    all_resolved(world)
    world.config.taken = False
    world.config.source = world.config.source or "c1"
    world.config.live = world.config.live or "c1"
    if world.status.phase is Phase.PROMOTING:
        # The one thing that nobody else has: what was verified.
        world.config.source = config_part(world.status.canary_revision) or "c1"
