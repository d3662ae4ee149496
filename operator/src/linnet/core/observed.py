"""`Observed`: the world as it was read just before a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from linnet.core.references import Reference
from linnet.core.sources import Arms
from linnet.experiment.data import Data


@dataclass(frozen=True)
class StableObserved:
    """The user's Deployment.

    template_revision: hash of `spec.template`: what the user wants to run.
    serving: revision -> number of pods asked of its ReplicaSet, only where that is not 0; with
    tracked config the revision names the content that the pods were promoted with, if they were.
    replicas: pods asked for. ready: pods available.
    rolled_out: every pod runs `spec.template`, is available, and no old pod is left.
    paused: `spec.paused`. limits: resources ("memory", "cpu") that some container limits.
    config: hash of the tracked config that the template was last promoted with; '' without.
    reads: the ConfigMaps and Secrets that the template reads by name.
    versions: those that have a ReplicaSet, as `serving` names them. Between promotions those
    without pods may be left out.
    refused: why the API server refuses its pods, in its words; '' if it doesn't.
    """

    template_revision: str
    serving: Mapping[str, int]
    replicas: int
    ready: int
    rolled_out: bool
    paused: bool
    limits: frozenset[str] = frozenset()
    config: str = ""
    reads: frozenset[Reference] = frozenset()
    versions: frozenset[str] = frozenset()
    refused: str = ""


@dataclass(frozen=True)
class ConfigObserved:
    """The tracked config. Each hash is of all of it together, '' where some of it isn't there.

    source: what people ask for. live: what stable's pods read, or will where it isn't written yet.
    written: all that the template names is there. copies: hash -> whether its copies are whole.
    problem: (reason, message) where it can't be used as it is.
    """

    source: str
    live: str
    written: bool
    copies: Mapping[str, bool] = field(default_factory=dict)
    problem: tuple[str, str] | None = None

    def has(self, config: str) -> bool:
        """Whether that content is to be had from somewhere."""
        return self.copies.get(config, False) or config in (self.source, self.live)


@dataclass(frozen=True)
class CanaryObserved:
    """The canary, where there is one: its Deployment, or at least its Service.

    revision: hash of the template it was made from. replicas: pods asked for, 0 without a
    Deployment. ready: available.
    failure: why its pods can't come up ("CrashLoopBackOff: ..."), empty if they can.
    refused: why the API server refuses its pods, in its words; '' if it doesn't.
    """

    revision: str
    replicas: int
    ready: int
    failure: str = ""
    refused: str = ""


@dataclass(frozen=True)
class RouteObserved:
    """What splits traffic: an HTTPRoute, or a Service with the pods of both tracks behind it.

    weight: the canary's share in percent as it was asked for; None where that can't be told:
    rules differ, shares are not whole, a selector was edited.
    canary_listed: the canary may get traffic: some rule of the route names it, or the Service
    is split; or what was written for that has not all been given up.
    accepted: the data plane has the weight: every parent reports the route's generation as
    accepted with its references resolved, or the Service's endpoints are as the weight asks.
    message: what is missing where it has not.
    problem: (reason, message) where it can't be split. Weight 0 can be had even so.
    generation: of the route's rules, another one after every edit; 0 where there is none.
    experiment: the one that it tells the application of; '' for none, None where rules differ.

    Only where pods are the weights: share: the canary's real share of the endpoints in percent,
    None while that isn't known. near: not accepted, but near enough not to begin again, as after
    a change by an autoscaler. pods: pods of the canary that are there and aren't ending.
    """

    weight: int | None
    canary_listed: bool
    accepted: bool
    message: str = ""
    problem: tuple[str, str] | None = None
    generation: int = 0
    experiment: str | None = ""
    share: int | None = None
    near: bool = False
    pods: int = 0


@dataclass(frozen=True)
class Sample:
    """The outcome of one query: a finite value, or None (no data), or an error text."""

    value: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Table:
    """The outcome of one query with several rows, or an error text.

    rows: the values of some labels -> a finite value, or None (no data).
    """

    rows: Mapping[tuple[str, ...], float | None] = field(default_factory=dict)
    error: str = ""

    def sample(self, row: tuple[str, ...]) -> Sample:
        """One row's outcome; a row that isn't there has no data."""
        return Sample(self.rows.get(row), self.error)


@dataclass(frozen=True)
class Tally:
    """What both versions answered from one moment to another; `arms` is None with an error."""

    since: datetime
    until: datetime
    arms: Arms | None = None
    error: str = ""


@dataclass(frozen=True)
class ExperimentObserved:
    """What the users of an experiment have done; data: None where that can't be told.

    id: the experiment that was asked about. error: why there are no data; '' if there are.
    """

    id: str
    data: Data | None = None
    error: str = ""


@dataclass(frozen=True)
class Alert:
    """An alert that was heard of: firing, or resolved.

    fingerprint: hash of its labels. starts_at: when it began to fire, in milliseconds; the two
    tell it from others. summary: what it says of itself.
    """

    fingerprint: str
    starts_at: datetime
    labels: Mapping[str, str]
    resolved: bool = False
    summary: str = ""


@dataclass(frozen=True)
class Observed:
    """Everything a decision may look at.

    name, namespace: the CanaryRelease's.
    config: None where nothing is tracked.
    problem: (reason, message) where an object can't be used as it is; `stable` or `route` may
    then be missing. deleting_since: when the resource's deletion was asked for.
    reviewed: the request is what this process wrote for a caller whose name and rights it knows.
    samples: name of a check -> its outcome; empty unless a measurement was due. tally: both
    versions' requests since the last look; None unless they were to be compared. experiment: its
    data; None unless they were due.
    """

    generation: int
    stable: StableObserved | None
    canary: CanaryObserved | None
    route: RouteObserved | None
    config: ConfigObserved | None = None
    deleting_since: datetime | None = None
    problem: tuple[str, str] | None = None
    samples: Mapping[str, Sample] = field(default_factory=dict)
    tally: Tally | None = None
    request: str = ""
    reviewed: bool = False
    alerts: tuple[Alert, ...] = ()
    experiment: ExperimentObserved | None = None
    name: str = ""
    namespace: str = ""

    @property
    def splittable(self) -> RouteObserved | None:
        """What splits traffic, where the canary can be given some by it."""
        return self.route if self.route is not None and self.route.problem is None else None
