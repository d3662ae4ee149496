"""What a release needs of a cluster: a Deployment, a canary, and what splits traffic.

It answers the actions of `decide` as a cluster does: later. Pods take their time to be ready, and a
route takes a moment to be accepted. Nothing in it has a fault of its own.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.core import actions, shares
from linnet.core.observed import CanaryObserved, RouteObserved, StableObserved
from linnet.core.route import WHOLE
from linnet.core.service import Endpoints, observed

OLD, NEW = "v1", "v2"
LIMITED = frozenset({"memory", "cpu"})


@dataclass
class Stable:
    """The user's Deployment. A rolling update moves a quarter of the pods at a time.

    new: pods that run the new template. wave_at: when the next ones do.
    """

    replicas: int
    start_up: timedelta
    template: str = OLD
    paused: bool = False
    new: int = 0
    wave_at: datetime | None = None

    def observe(self) -> StableObserved:
        """As the operator reads it."""
        pods = {OLD: self.replicas - self.new, NEW: self.new}
        serving = {version: count for version, count in pods.items() if count}
        return StableObserved(
            template_revision=self.template,
            serving=serving,
            replicas=self.replicas,
            ready=self.replicas,
            rolled_out=set(serving) == {self.template},
            paused=self.paused,
            limits=LIMITED,
            versions=frozenset(serving),
        )

    def settle(self, now: datetime) -> None:
        """Do what is due of a rolling update."""
        rolling = not self.paused and self.template == NEW and self.new < self.replicas
        if not rolling:
            self.wave_at = None
        elif self.wave_at is None:
            self.wave_at = now + self.start_up
        elif self.wave_at <= now:
            self.new = min(self.replicas, self.new - (-self.replicas // 4))
            self.wave_at = None if self.new == self.replicas else now + self.start_up


@dataclass
class Canary:
    """The canary's Deployment. ready_at: when each pod is."""

    revision: str
    ready_at: list[datetime] = field(default_factory=list)

    def scale(self, replicas: int, ready_at: datetime) -> None:
        """Have this many pods; new ones are ready later."""
        more = replicas - len(self.ready_at)
        self.ready_at = [*self.ready_at[:replicas], *[ready_at] * more]

    def ready(self, now: datetime) -> int:
        """Pods that are ready, if none of them fails."""
        return sum(1 for at in self.ready_at if at <= now)


@dataclass
class Split:
    """The route's weights, or the Service's selector. served: what the data plane does by now."""

    lag: timedelta
    accepted_at: datetime
    weight: int = 0
    listed: bool = False
    served: int = 0
    generation: int = 1
    experiment: str = ""

    def write(
        self, weight: int, now: datetime, *, listed: bool = True, experiment: str = ""
    ) -> None:
        """Ask for another weight, or to tell of another experiment."""
        wanted = (weight, listed, experiment)
        if wanted != (self.weight, self.listed, self.experiment):
            self.weight, self.listed, self.experiment = wanted
            self.generation += 1
            self.accepted_at = now + self.lag

    def settle(self, now: datetime) -> None:
        """Serve what was accepted."""
        if now >= self.accepted_at:
            self.served = self.weight


class Cluster:
    """One release's part of a cluster. failure: why the canary's pods can't serve; '' if they can.

    unready: they don't get ready, and nobody knows why.
    """

    def __init__(
        self,
        spec: CanaryReleaseSpec,
        replicas: int,
        start_up: timedelta,
        lag: timedelta,
        now: datetime,
    ) -> None:
        self._by_pods, self._start_up = shares.by_pods(spec), start_up
        self.stable = Stable(replicas, start_up)
        self.canary: Canary | None = None
        self.split = Split(lag, now)
        self.failure, self.unready = "", False

    def observe(self, now: datetime) -> tuple[StableObserved, CanaryObserved | None, RouteObserved]:
        """As the operator reads it."""
        return self.stable.observe(), self._canary(now), self._route(now)

    def _canary(self, now: datetime) -> CanaryObserved | None:
        if self.canary is None:
            return None
        pods = len(self.canary.ready_at)
        return CanaryObserved(self.canary.revision, pods, self.ready(now), self.failure)

    def ready(self, now: datetime) -> int:
        """Pods of the canary that can serve."""
        if self.failure or self.unready or self.canary is None:
            return 0
        return self.canary.ready(now)

    def share(self, now: datetime) -> float:
        """The canary's share of traffic, 0 to 1."""
        served = self.split.served
        if not self._by_pods or served in (0, WHOLE):
            return served / WHOLE
        ready = self.ready(now)
        return ready / (ready + self.stable.replicas)

    def _route(self, now: datetime) -> RouteObserved:
        split, there = self.split, now >= self.split.accepted_at
        if not self._by_pods:
            return RouteObserved(
                split.weight,
                split.listed,
                there,
                generation=split.generation,
                experiment=split.experiment,
            )
        pods = len(self.canary.ready_at) if self.canary else 0
        if not split.listed:
            return RouteObserved(None if pods else 0, pods > 0, accepted=not pods, pods=pods)
        behind = Endpoints(
            self.ready(now) if split.served else 0,
            self.stable.replicas if split.served < WHOLE else 0,
            current=there,
        )
        return observed(split.weight, self.stable.replicas, behind, pods)

    def apply(self, action: actions.Action, now: datetime) -> None:
        """Carry out an action. Those that are for config and for deletion have no use here."""
        match action:
            case actions.SetWeight(weight, experiment):
                self.split.write(weight, now, experiment=experiment)
            case actions.RestoreRoute():
                self.split.write(0, now, listed=False)
            case actions.EnsureCanary(revision, replicas):
                self.canary = self.canary or Canary(revision)
                self.canary.scale(replicas, now + self._start_up)
            case actions.RemoveCanary():
                self.canary = None
            case actions.HoldStable():
                self.stable.paused = True
            case actions.ResumeStable():
                self.stable.paused = False
            case _:
                pass

    def settle(self, now: datetime) -> None:
        """Do what has become due."""
        self.split.settle(now)
        self.stable.settle(now)

    def next_change(self, now: datetime) -> datetime | None:
        """When something changes by itself."""
        times = [self.split.accepted_at, *(self.canary.ready_at if self.canary else ())]
        if self.stable.wave_at is not None:
            times.append(self.stable.wave_at)
        return min((time for time in times if time > now), default=None)

    def state(self) -> tuple[object, ...]:
        """What the operator's watches would tell of, to be compared."""
        return repr(self.stable), repr(self.canary), repr(self.split), self.failure, self.unready
