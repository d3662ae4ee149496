"""`Observed`: the world as it was read just before a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class StableObserved:
    """The user's Deployment.

    template_revision: hash of `spec.template`: what the user wants to run.
    serving: revision -> number of pods asked of its ReplicaSet, only where that is not 0.
    replicas: pods asked for. ready: pods available.
    rolled_out: every pod runs `spec.template`, is available, and no old pod is left.
    paused: `spec.paused`. limits: resources ("memory", "cpu") that some container limits.
    """

    template_revision: str
    serving: Mapping[str, int]
    replicas: int
    ready: int
    rolled_out: bool
    paused: bool
    limits: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CanaryObserved:
    """The canary Deployment, where there is one.

    revision: hash of the template it was made from. replicas: pods asked for. ready: available.
    failure: why its pods can't come up ("CrashLoopBackOff: ..."), empty if they can.
    """

    revision: str
    replicas: int
    ready: int
    failure: str = ""


@dataclass(frozen=True)
class RouteObserved:
    """The HTTPRoute.

    weight: the canary's share in percent; None where rules differ or shares are not whole.
    canary_listed: the canary Service is among the backends.
    accepted: every parent reports this generation as accepted, with its references resolved.
    message: the parent's words where it is not.
    """

    weight: int | None
    canary_listed: bool
    accepted: bool
    message: str = ""


@dataclass(frozen=True)
class Sample:
    """The outcome of one query: a finite value, or None (no data), or an error text."""

    value: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Observed:
    """Everything a decision may look at.

    problem: (reason, message) where an object can't be used as it is; `stable` or `route` may
    then be missing. deleting_since: when the resource's deletion was asked for.
    samples: name of a check -> its outcome; empty unless a measurement was due.
    """

    generation: int
    stable: StableObserved | None
    canary: CanaryObserved | None
    route: RouteObserved | None
    deleting_since: datetime | None = None
    problem: tuple[str, str] | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict)
