"""A world as a person describes it: what `linnet simulate --world` reads.

Every field has a default, so that a description says only what is special. Percentages are in
percent, times are durations as everywhere in Linnet (`90s`, `5m`).
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from linnet.api.types import Duration, Model

Percent = Annotated[float, Field(ge=0, le=100)]
Portion = Annotated[float, Field(ge=0, le=1)]
Times = Annotated[float, Field(gt=0, le=1000)]


class Part(Model):
    """A record that refuses fields that it doesn't know."""

    model_config = ConfigDict(extra="forbid")


class TrafficLevel(Part):
    """How much the service gets to do."""

    requests_per_second: Annotated[float, Field(gt=0, le=1e6)] = 200.0
    """Of stable and canary together, on average over the day."""
    day_curve: Portion = 0.0
    """How much more it is at the busiest hour than on average, and less at the quietest, 0 to 1.
    A release begins at any hour."""


class ErrorLevel(Part):
    """What a healthy version fails."""

    percent: Percent = 0.2
    """Share of requests answered 5xx."""
    cluster: Annotated[float, Field(ge=1, le=100)] = 1.0
    """Mean number of failed requests per failure: retries come in clusters."""


class LatencyLevel(Part):
    """How long a healthy version takes."""

    p50: Duration = timedelta(milliseconds=40)
    """Half of the requests take no longer."""
    p95: Duration = timedelta(milliseconds=95)
    """95 % of them do."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta() < self.p50 < self.p95:
            raise ValueError("p50 must be more than 0 and less than p95: raise p95 or lower p50")
        return self


class UsageLevel(Part):
    """What a pod of a healthy version uses, in percent of its limit, with its share of traffic."""

    memory: Percent = 45.0
    """Memory."""
    cpu: Percent = 35.0
    """CPU, when it gets as much traffic as stable's pods do before the release."""


class Pods(Part):
    """The pods, and the machinery that moves them."""

    stable: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Replicas of the Deployment."""
    start_up: Duration = timedelta(seconds=20)
    """Time from a pod's beginning until it is ready."""
    route_lag: Duration = timedelta(seconds=1)
    """Time that a new weight takes to be accepted by the route."""
    restarts_per_day: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Times that a version's counters begin anew."""


class Noise(Part):
    """What makes healthy versions look bad. Standard deviations are of a logarithm."""

    drift: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Slow drift of the error rate that both versions suffer, as a standard deviation."""
    drift_of_latency: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The same of latencies."""
    incidents_per_day: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Incidents that both versions suffer, of `incident` on average."""
    incident: Duration = timedelta(minutes=5)
    """How long one lasts on average."""
    incident_errors: Times = 8.0
    """How many times more errors there are then."""
    incident_slower: Times = 1.5
    """How many times longer requests take then."""
    bad_minutes: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How much one pod's error rate varies from minute to minute: the square of its coefficient of
    variation."""
    bad_minutes_of_latency: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The same of latencies, as a standard deviation."""
    unlike: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How much pods differ in their error rates for good, as a standard deviation."""
    unlike_latency: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The same of latencies."""


REALISTIC = Noise(
    drift=0.4,
    drift_of_latency=0.1,
    incidents_per_day=1.0,
    bad_minutes=0.2,
    bad_minutes_of_latency=0.02,
    unlike=0.1,
    unlike_latency=0.02,
)
"""What services in production are like."""


class DefectKind(StrEnum):
    """The kinds of defect."""

    ERRORS = "errors"
    LATENCY = "latency"
    CPU = "cpu"
    MEMORY = "memory"
    CRASH = "crash"
    UNREADY = "unready"
    RESTARTS = "restarts"


_SIZE = {
    DefectKind.ERRORS: "percent",
    DefectKind.LATENCY: "times",
    DefectKind.CPU: "times",
    DefectKind.MEMORY: "percent_per_hour",
    DefectKind.RESTARTS: "per_hour",
}
"""The field that says how bad a defect of a kind is."""


class Defect(Part):
    """What is wrong with the new version.

    errors: `percent` of requests fail. latency: requests take `times` as long. cpu: pods use
    `times` as much. memory: pods need `percentPerHour` more of their limit each hour. crash: pods
    crash-loop. unready: pods never get ready. restarts: each pod restarts `perHour` times an hour,
    too seldom to be a crash loop.
    """

    kind: DefectKind
    """errors, latency, cpu, memory, crash, unready or restarts."""
    percent: Percent | None = None
    """Of requests that fail, for errors."""
    times: Times | None = None
    """How much worse, for latency and cpu."""
    percent_per_hour: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Of the memory limit, for memory."""
    per_hour: Annotated[float, Field(gt=0, le=1000)] | None = None
    """Of restarts of each pod."""
    after: Duration = timedelta()
    """Time from the canary's first traffic until it shows. A defect with 0 is there from the
    beginning."""
    lasting: Duration | None = None
    """How long it shows; to the end if left out."""
    shared: bool = False
    """Stable suffers it, too, for errors and latency: an incident, and no fault of the version."""

    @model_validator(mode="after")
    def _has_its_size(self) -> Self:
        wanted = _SIZE.get(self.kind)
        for field in ("percent", "times", "percent_per_hour", "per_hour"):
            name = type(self).model_fields[field].alias or field
            if field == wanted and getattr(self, field) is None:
                raise ValueError(f"a defect of kind {self.kind} needs {name}: set it")
            if field != wanted and getattr(self, field) is not None:
                raise ValueError(f"a defect of kind {self.kind} has no {name}: remove it")
        if self.shared and self.kind not in (DefectKind.ERRORS, DefectKind.LATENCY):
            raise ValueError(f"shared has no use with a defect of kind {self.kind}: remove it")
        return self


class OutageKind(StrEnum):
    """What may be away."""

    PROMETHEUS = "prometheus"
    SCRAPES = "scrapes"


class Outage(Part):
    """A time without telemetry, from the canary's first traffic on."""

    of: OutageKind = OutageKind.PROMETHEUS
    """prometheus: no query is answered. scrapes: the answers are empty, as nothing is scraped."""
    after: Duration = timedelta()
    """Time from the canary's first traffic until it begins."""
    lasting: Duration = timedelta(minutes=5)
    """How long it lasts."""


class Described(Part):
    """A world: what a release meets on its way."""

    name: str = "your world"
    """What it is called in tables and pictures."""
    about: str = ""
    """What is special about it, for people."""
    traffic: TrafficLevel = TrafficLevel()
    """How much the service gets to do."""
    errors: ErrorLevel = ErrorLevel()
    """What a healthy version fails."""
    latency: LatencyLevel = LatencyLevel()
    """How long a healthy version takes."""
    usage: UsageLevel = UsageLevel()
    """What a pod of a healthy version uses."""
    pods: Pods = Pods()
    """The pods, and the machinery that moves them."""
    noise: Noise = Noise()
    """What makes healthy versions look bad."""
    scrape_interval: Annotated[Duration, Field(gt=timedelta(), le=timedelta(minutes=5))] = (
        timedelta(seconds=15)
    )
    """Time between two scrapes of Prometheus."""
    defects: tuple[Defect, ...] = ()
    """What is wrong with the new version; nothing if left out."""
    outages: tuple[Outage, ...] = ()
    """Times without telemetry."""
    readings: dict[str, float] = Field(default_factory=dict)
    """What queries of your own give, by the metric's name. One that is not here passes."""

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong with the new version itself."""
        return all(defect.shared for defect in self.defects)

    @property
    def onset(self) -> timedelta:
        """Time from the first traffic until the first defect of the new version shows."""
        own = [defect.after for defect in self.defects if not defect.shared]
        return min(own, default=timedelta())
