"""The pure world without a gateway: one Service with the pods of both tracks behind it.

Traffic goes to every ready pod that the Service's endpoints name, in equal parts. The endpoints
follow the pods at once, and the selector some time after it was written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import Phase
from linnet.core import actions, service
from linnet.core.observed import RouteObserved
from linnet.core.service import Endpoints
from tests.support.builders import SECOND, make_spec
from tests.support.objects import Refused, Route
from tests.support.world import World

PODS_END = 3 * SECOND
"""Time between the end of a Deployment and that of its pods."""


@dataclass(frozen=True)
class Pods:
    """Ready pods of both tracks, all pods of the canary, and what stable is to have."""

    canary: int
    stable: int
    all_canary: int
    replicas: int


def tracks(weight: int | None) -> str:
    """Whose pods the selector picks; an edited one picks all."""
    return {0: "stable", 100: "canary"}.get(-1 if weight is None else weight, "both")


@dataclass
class SharedService(Route):
    """The Service. `weight` is what was asked for, `picks` what its endpoints are made from."""

    pods: Callable[[], Pods] = field(kw_only=True)
    picks: str = "both"
    lag: timedelta = SECOND

    def split(self, weight: int | None, now: datetime, experiment: str = "") -> None:
        before = self._selected
        self.weight, self.listed = weight, True
        if before != self._selected:
            self.accepted_at = now + self.lag

    def set_weight(self, weight: int, now: datetime, experiment: str = "") -> None:
        if experiment:
            raise Refused("there is no gateway that could set a header")
        self.split(weight, now)

    def restore(self, now: datetime) -> None:
        if self.listed:
            self.weight, self.listed = 0, False
            self.accepted_at = now + self.lag

    def settle(self, now: datetime, backend_exists: bool) -> None:
        """The endpoints follow the selector; traffic follows the endpoints."""
        if now >= self.accepted_at:
            self.picks = self._selected
        seen = self._seen(now)
        asked = self.weight if self.listed else 0
        kept = seen.accepted or (seen.near and self.served == asked)
        # While the share is what the weight comes to, the weight is what is served.
        served = asked if kept and asked is not None else self.real_share
        if served != self.served:
            self.served, self.served_since = served, now

    def observe(self, now: datetime, backend_exists: bool) -> RouteObserved:
        if not self.listed:
            there = self.pods().all_canary
            return RouteObserved(None if there else 0, there > 0, accepted=not there, pods=there)
        return self._seen(now)

    @property
    def real_share(self) -> int:
        """The canary's share of the traffic in percent, as its users have it."""
        canary, stable = self._behind
        return round(100 * canary / (canary + stable)) if canary + stable else 0

    @property
    def _selected(self) -> str:
        return tracks(self.weight) if self.listed else "both"

    @property
    def _behind(self) -> tuple[int, int]:
        pods = self.pods()
        return (
            0 if self.picks == "stable" else pods.canary,
            0 if self.picks == "canary" else pods.stable,
        )

    def _seen(self, now: datetime) -> RouteObserved:
        pods, current = self.pods(), now >= self.accepted_at
        behind = Endpoints(*self._behind, current=current)
        return service.observed(self.weight, pods.replicas, behind, pods.all_canary)


class SharedWorld(World):
    """A world whose traffic is split by pods.

    leaks: moments at which the canary's pods had traffic and nobody had asked for that.
    """

    def __init__(self, spec: CanaryReleaseSpec | None = None, *, replicas: int = 4) -> None:
        super().__init__(spec or shared_spec(), replicas=replicas)
        self.service = SharedService(pods=self._pods)
        self.route = self.service
        self.ending: list[datetime] = []
        self.leaks: list[datetime] = []
        self.shares: list[int] = [0]

    def scale(self, replicas: int) -> None:
        """An autoscaler changes stable; its pods come and go at once."""
        stable = self._deployment
        (version,) = stable.asked
        stable.replicas = replicas
        stable.asked, stable.ready = {version: replicas}, {version: replicas}

    def apply(self, action: actions.Action) -> None:
        if isinstance(action, actions.RemoveCanary):
            self.end_canary()
        super().apply(action)

    def end_canary(self) -> None:
        """The canary's Deployment goes; its pods serve on until they are told to end."""
        if self.canary is not None:
            self.ending += [self.now + PODS_END] * len(self.canary.ready_at)
            self.canary = None

    def _pods(self) -> Pods:
        stable, canary = self.stable, self.canary
        seen = canary.observe(self.now, self.broken, self.crashing) if canary else None
        left = sum(1 for end in self.ending if end > self.now)
        return Pods(
            canary=(seen.ready if seen else 0) + left,
            stable=sum(stable.ready.values()) if stable else 0,
            all_canary=(seen.replicas if seen else 0) + left,
            replicas=stable.replicas if stable else 0,
        )

    def _next_change(self) -> datetime | None:
        others = super()._next_change()
        times = [end for end in self.ending if end > self.now] + ([others] if others else [])
        return min(times, default=None)

    def _turn_clock(self, to: datetime) -> None:
        super()._turn_clock(to)
        share = self.service.real_share
        if share != self.shares[-1]:
            self.shares.append(share)
        settled = self.now >= self.service.accepted_at
        if share and settled and self.service.weight == 0:
            self.leaks.append(self.now)

    @property
    def works(self) -> bool:
        """Whether some pod is ready behind the Service."""
        canary, stable = self.service._behind
        return canary + stable > 0


def shared_spec(*weights: int, **parts: Any) -> CanaryReleaseSpec:
    """A spec whose traffic is split by pods."""
    return make_spec(*weights, traffic={"provider": "Replicas"}, **parts)


def adopted(spec: CanaryReleaseSpec | None = None, *, replicas: int = 4) -> SharedWorld:
    """A world whose Deployment serves v1 and is guarded."""
    world = SharedWorld(spec, replicas=replicas)
    world.run(Phase.IDLE)
    world.rest(SECOND)
    return world


def releasing(
    spec: CanaryReleaseSpec | None = None, *, replicas: int = 4, until: Phase = Phase.PROGRESSING
) -> SharedWorld:
    """A guarded world in which v2 is on its way."""
    world = adopted(spec, replicas=replicas)
    world.push("v2")
    world.run(until)
    return world
