"""Releases with an experiment, and users of whom it is known what they do."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from linnet.api.spec import CanaryReleaseSpec
from linnet.experiment.data import Data, Measured
from tests.support.asking import ask
from tests.support.builders import make_spec
from tests.support.experiments import good, shares
from tests.support.world import World, releasing

PLANNED = timedelta(minutes=40)
USERS = 5000.0
NAME = "tone-v2"

Users = Callable[[World, datetime], Data | str]


def trying(suspend: bool = False, **experiment: Any) -> CanaryReleaseSpec:
    """Half of the users get the canary for 40 minutes, at least 20, in the second step."""
    spec = make_spec(5, 50, 100, hold="5m", analysis={"holdDeadline": "10m"}, suspend=suspend)
    plain = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    plain["traffic"]["sticky"] = {"header": {"name": "X-User-Bucket"}}
    asked = {"name": "tone", "duration": "40m", "minimumDuration": "20m", **experiment}
    plain["steps"][1]["experiment"] = asked
    return CanaryReleaseSpec.model_validate(plain)


def users(
    metrics: dict[str, Measured] | None = None, treated: float = 0.5, coming: float = USERS
) -> Users:
    """So many users come in the planned time, at once, and do that."""

    def tell(world: World, started: datetime) -> Data | str:
        counts = (2 * coming * (1 - treated), 2 * coming * treated)
        return Data(started, world.now, counts, good() if metrics is None else metrics)

    return tell


def with_adoption(control: float, treatment: float) -> dict[str, Measured]:
    """What the good ones do, but so many percent of them adopt."""
    return good() | {"adoption": Measured(shares(control, treatment))}


def nothing_new() -> dict[str, Measured]:
    """The treatment changes nothing that a rule could go by."""
    return {"adoption": Measured(shares(30, 30.4))}


def silent(_: World, __: datetime) -> Data | str:
    return "Prometheus has no series"


def until_experiment(spec: CanaryReleaseSpec | None = None, told: Users | None = None) -> World:
    """A release that has begun its experiment."""
    world = releasing(spec or trying())
    world.users = told or users()
    world.run(lambda world: world.status.experiment is not None)
    return world


def decide(world: World, result: str, reason: str = "seen it", **more: Any) -> None:
    """The operator writes what somebody whom it has reviewed decides, and takes it in."""
    world.reviewed = True
    ask(world, "Decide", result=result, reason=reason, **more)
    world.look()
    world.reviewed = False


def headers(world: World) -> list[str]:
    """What the route told of, without repetitions."""
    found: list[str] = []
    for look in world.trail:
        route = look.observed.route
        told = "" if route is None else route.experiment or ""
        if not found or found[-1] != told:
            found.append(told)
    return found


def as_text(world: World) -> str:
    """The last request as it was written."""
    return str(json.loads(world.request)["action"])


def later(told: Users, other: Users, after: timedelta) -> Users:
    """One thing at first, another once the experiment has run for so long."""

    def tell(world: World, started: datetime) -> Data | str:
        return other(world, started) if world.now - started >= after else told(world, started)

    return tell


def old(told: Users, age: timedelta) -> Users:
    """Data of some time ago."""

    def tell(world: World, started: datetime) -> Data | str:
        found = told(world, started)
        return found if isinstance(found, str) else replace(found, until=world.now - age)

    return tell
