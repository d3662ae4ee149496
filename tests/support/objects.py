"""The objects of the simulated world: a Deployment, a canary and a route, as plain data."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from linnet.core.observed import CanaryObserved, ConfigObserved, RouteObserved, StableObserved
from linnet.core.references import Reference
from linnet.core.revision import revision, template_part
from tests.support.builders import SECOND, START

POD_TIME = 5 * SECOND
"""Time that a rolling update takes for one pod."""


class Refused(Exception):
    """An action that an object doesn't let happen: those after it aren't carried out."""


class ImpossibleWorld(ValueError):
    """A state that no cluster can be in."""


@dataclass
class Stable:
    """The user's Deployment. A rolling update moves one pod at a time, none unavailable.

    stuck: new pods of it don't get ready, for a reason that spares the canary's.
    config: what the operator has annotated the template with. names: what the template names.
    reads: what new pods find there; None: nothing, so they wait. started_with: what they found.
    """

    template: str
    replicas: int
    paused: bool = False
    limits: frozenset[str] = frozenset({"memory", "cpu"})
    asked: dict[str, int] = field(default_factory=dict)
    ready: dict[str, int] = field(default_factory=dict)
    stuck: bool = False
    roll_at: datetime | None = None
    config: str = ""
    reads: str | None = ""
    names: frozenset[Reference] = frozenset()
    started_with: dict[str, set[str]] = field(default_factory=dict)
    history: set[str] = field(default_factory=set)
    refused: str = ""

    def __post_init__(self) -> None:
        self.asked = self.asked or {self.template: self.replicas}
        self.ready = self.ready or dict(self.asked)
        self.check()

    def check(self) -> None:
        if self.replicas < 1:
            raise ImpossibleWorld("a Deployment without pods serves nothing")
        if any(count > self.asked.get(name, 0) for name, count in self.ready.items()):
            raise ImpossibleWorld("more pods are ready than there are")

    def observe(self) -> StableObserved:
        serving = {name: count for name, count in self.asked.items() if count}
        return StableObserved(
            template_revision=self.template,
            serving=serving,
            replicas=self.replicas,
            ready=sum(self.ready.values()),
            rolled_out=self._rolled_out,
            paused=self.paused,
            limits=self.limits,
            config=self.config,
            reads=self.names,
            versions=frozenset(self.asked) | frozenset(self.history),
            refused=self.refused,
        )

    @property
    def version(self) -> str:
        """What Kubernetes rolls out."""
        return revision(self.template, self.config)

    @property
    def _rolled_out(self) -> bool:
        whole = {self.version: self.replicas}
        return {k: v for k, v in self.asked.items() if v} == whole and self.ready == whole

    def next_change(self, now: datetime, broken: Set[str]) -> datetime | None:
        """When the rolling update does its next pod; None if it has nothing to do."""
        settled = self.paused and (len(self.asked) != 1 or self.ready == self.asked)
        if settled or self._rolled_out or self._waits_for_pod(broken):
            self.roll_at = None
        elif self.roll_at is None or self.roll_at < now:
            self.roll_at = now + POD_TIME
        return self.roll_at

    def settle(self, version: str) -> None:
        """Have pods of this version alone. Those that go are gone at once."""
        if version not in self.history | self.asked.keys() or not self.paused:
            raise ImpossibleWorld(f"no paused ReplicaSet of {version}")
        self.asked = {version: self.replicas}
        self.ready = {version: self.ready.get(version, 0)}

    def scale(self, replicas: int) -> None:
        """Have more pods, or fewer, at once, of the version that has the most."""
        while self.replicas != replicas:
            version = max(self.asked, key=lambda name: self.asked[name])
            one = 1 if replicas > self.replicas else -1
            self.replicas += one
            self.asked[version] += one
            self.ready[version] = max(0, self.ready.get(version, 0) + one)

    def _fails(self, broken: Set[str]) -> bool:
        (template,) = map(template_part, self.asked) if self.paused else (self.template,)
        failing = self.stuck or bool(self.refused) or template in broken
        return failing or self.reads is None

    def _waits_for_pod(self, broken: Set[str]) -> bool:
        new = self.asked.get(self.version, 0)
        waits = self.paused or new > self.ready.get(self.version, 0)
        return waits and self._fails(broken)

    def roll(self, now: datetime, broken: Set[str]) -> None:
        """Do the next pod of the rolling update if its time has come."""
        due = self.next_change(now, broken)
        if due is None or due > now:
            return
        self.roll_at = None
        self.history |= self.asked.keys()
        if self.paused:
            self.ready = dict(self.asked)
            return
        new = self.asked.get(self.version, 0)
        old = next((name for name in self.asked if name != self.version), None)
        self.asked[self.version] = min(new + 1, self.replicas)
        if self._fails(broken):
            return  # the new pod is there and never gets ready: the update waits for it
        self.ready[self.version] = self.asked[self.version]
        self.started_with.setdefault(self.version, set()).add(self.reads or "")
        if old is not None:
            self.asked[old] -= 1
            self.ready[old] = min(self.ready.get(old, 0), self.asked[old])
            if not self.asked[old]:
                del self.asked[old], self.ready[old]


@dataclass
class Canary:
    """The canary's Deployment and Service."""

    revision: str
    ready_at: list[datetime] = field(default_factory=list)
    unready: bool = False
    service: bool = True
    asked: int = 0
    refused: str = ""

    def scale(self, replicas: int, ready_at: datetime) -> None:
        if replicas < 1:
            raise ImpossibleWorld("a canary has at least one pod")
        self.asked = replicas
        self.ready_at = self.ready_at[:replicas]
        if not self.refused:
            self.ready_at += [ready_at] * (replicas - len(self.ready_at))

    def observe(
        self, now: datetime, broken: Set[str], crashing: Mapping[str, str]
    ) -> CanaryObserved:
        failure = crashing.get(self.revision, "") or ("" if self.service else "ServiceMissing")
        down = bool(failure) or self.unready or self.revision in broken
        return CanaryObserved(
            revision=self.revision,
            replicas=max(self.asked, len(self.ready_at)),
            ready=0 if down else sum(1 for at in self.ready_at if at <= now),
            failure=failure,
            refused=self.refused,
        )


@dataclass
class Config:
    """One tracked ConfigMap. Contents go by their hashes.

    source: what people ask for. live: what stable's pods read. taken: somebody else's is there.
    """

    source: str | None = "c1"
    live: str | None = "c1"
    copies: set[str] = field(default_factory=set)
    taken: bool = False

    def observe(self) -> ConfigObserved:
        problem = None
        if self.source is None:
            problem = ("ConfigMissing", "there is no ConfigMap settings")
        if self.taken:
            problem = ("NameTaken", "settings-live was not made for this CanaryRelease")
        own = None if self.taken else self.live
        return ConfigObserved(
            source=self.source or "",
            live="" if self.taken else own or self.source or "",
            written=own is not None,
            copies=dict.fromkeys(self.copies, True),
            problem=problem,
        )

    def keep(self, content: str) -> None:
        if content not in self.copies | {self.source, self.live}:
            raise ImpossibleWorld(f"{content} is nowhere: it can't be copied")
        self.copies.add(content)

    def write(self, content: str) -> None:
        self.keep(content)
        if not self.taken:
            self.live = content

    def remove(self, keep: str, read: str) -> None:
        """Remove the copies but one; `read` is the canary's."""
        if read not in ("", keep):
            raise ImpossibleWorld("the canary's pods read a copy that is removed")
        self.copies &= {keep}


@dataclass
class Route:
    """The HTTPRoute, and the weight that its gateway serves.

    lag: time that the gateway takes to accept a change. refuses: its words if it never does.
    unfit: the rules have no room for a canary with traffic. full: not even for one without.
    """

    weight: int | None = 0
    listed: bool = False
    accepted_at: datetime = START
    lag: timedelta = 2 * SECOND
    refuses: str = ""
    unfit: bool = False
    full: bool = False
    generation: int = 1
    experiment: str = ""
    served: int = 0
    served_since: datetime = START

    def split(self, weight: int | None, now: datetime, experiment: str = "") -> None:
        if weight is not None and not 0 <= weight <= 100:
            raise ImpossibleWorld(f"a weight of {weight} %")
        if (weight, True, experiment) != (self.weight, self.listed, self.experiment):
            self.weight, self.listed, self.experiment = weight, True, experiment
            self.generation += 1
            self.accepted_at = now + self.lag

    def set_weight(self, weight: int, now: datetime, experiment: str = "") -> None:
        """What the operator asks for, which the rules may have no room for."""
        if self.unfit and weight:
            raise Refused("the route can't be split")
        if self.full and weight == 0:
            self.restore(now)
        else:
            self.split(weight, now, experiment)

    def restore(self, now: datetime) -> None:
        if self.listed:
            self.weight, self.listed, self.experiment = 0, False, ""
            self.generation += 1
            self.accepted_at = now + self.lag

    def settle(self, now: datetime, backend_exists: bool) -> None:
        """The gateway serves what it has accepted."""
        if self.observe(now, backend_exists).accepted and self.served != (self.weight or 0):
            self.served, self.served_since = self.weight or 0, now

    def observe(self, now: datetime, backend_exists: bool) -> RouteObserved:
        message = self.refuses
        if self.listed and not backend_exists:
            message = "BackendNotFound: shop-canary"
        return RouteObserved(
            weight=self.weight,
            canary_listed=self.listed,
            accepted=not message and now >= self.accepted_at,
            message=message,
            problem=("TooManyBackends", "remove a backend") if self.unfit else None,
            generation=self.generation,
            experiment=self.experiment,
        )
