"""`CanaryRelease.spec`: what a user asks for. Every docstring here is read by `kubectl explain`."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from linnet.api.types import Duration, Model

Name = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
Weight = Annotated[int, Field(ge=0, le=100)]


def _rules(*rules: tuple[str, str]) -> dict[str, Any]:
    """CEL rules for a schema: pairs of (rule, message that names the field and the remedy)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": text} for rule, text in rules]}


class TargetRef(Model):
    """The workload to guard, in the namespace of the CanaryRelease."""

    model_config = ConfigDict(
        json_schema_extra=_rules(
            (
                "self.apiVersion == 'apps/v1' && self.kind == 'Deployment'",
                "spec.targetRef must name an apps/v1 Deployment: other kinds are not supported",
            ),
        )
    )

    api_version: str = Field("apps/v1", max_length=63)
    """API version of the workload. Only apps/v1."""
    kind: str = Field("Deployment", max_length=63)
    """Kind of the workload. Only Deployment."""
    name: Annotated[
        str, Field(min_length=1, max_length=55, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    ]
    """Name of the Deployment. At most 55 characters, as its canary is called NAME-canary."""


class Traffic(Model):
    """How traffic is split between stable and canary."""

    http_route: Name
    """Name of the HTTPRoute whose backend weights are moved. Each of its rules that has the
    stable Service as a backend is split; other rules and other backends are left alone."""
    service: Name | None = None
    """Name of the Service of the stable pods. The target's name if left out."""


class Step(Model):
    """One share of traffic, how long to stay there, and nothing else."""

    weight: Annotated[int, Field(ge=1, le=100)]
    """Share of traffic that the canary takes in this step, in percent."""
    hold: Duration = timedelta(minutes=5)
    """Least time at this weight, counted from the moment the route reports the weight as
    accepted, e.g. 30s, 5m, 24h."""


DEFAULT_STEPS = tuple(Step(weight=weight) for weight in (5, 10, 50, 100))


class ReadyMade(StrEnum):
    """Checks that need no PromQL."""

    ERROR_RATE = "errorRate"
    LATENCY_P95 = "latencyP95"
    MEMORY = "memory"
    CPU = "cpu"
    AVAILABILITY = "availability"


class Profile(StrEnum):
    """A set of limits for the ready-made checks."""

    STANDARD = "Standard"
    STRICT = "Strict"


class NoDataPolicy(StrEnum):
    """What a check without a value does."""

    HOLD = "Hold"
    ROLLBACK = "Rollback"
    IGNORE = "Ignore"


class RollbackLimit(Model):
    """The limit beyond which the canary is rolled back."""

    model_config = ConfigDict(
        json_schema_extra=_rules(
            (
                "!(has(self.above) && has(self.below))",
                "rollback takes either above or below, not both: remove one",
            ),
        )
    )

    above: float | None = None
    """Breach when the value is greater than this."""
    below: float | None = None
    """Breach when the value is less than this."""
    consecutive: Annotated[int, Field(ge=1, le=100)] | None = None
    """Number of breaches in a row that roll back. 3 if neither this nor a ready-made check says
    otherwise."""


class AdvanceLimit(Model):
    """The stricter limit that lets the release go on. Between the two limits it holds."""

    model_config = ConfigDict(
        json_schema_extra=_rules(
            (
                "!(has(self.atMost) && has(self.atLeast))",
                "advance takes either atMost or atLeast, not both: remove one",
            ),
        )
    )

    at_most: float | None = None
    """Go on when the value is at most this."""
    at_least: float | None = None
    """Go on when the value is at least this."""


class Metric(Model):
    """A check: a ready-made one (`use`) or an own PromQL query (`query`)."""

    model_config = ConfigDict(
        json_schema_extra=_rules(
            (
                "has(self.use) != has(self.query)",
                "a metric has either use (a ready-made check) or query (own PromQL): "
                "set exactly one",
            ),
            (
                "has(self.use) || has(self.name)",
                "a metric with a query needs a name: set metrics[].name",
            ),
            (
                "has(self.use) || (has(self.rollback) && "
                "(has(self.rollback.above) || has(self.rollback.below)))",
                "a metric with a query needs a limit: set rollback.above or rollback.below",
            ),
            (
                "!(has(self.rollback) && has(self.rollback.above) && has(self.advance) "
                "&& has(self.advance.atMost)) || self.advance.atMost <= self.rollback.above",
                "advance.atMost must not exceed rollback.above: lower advance.atMost",
            ),
            (
                "!(has(self.rollback) && has(self.rollback.below) && has(self.advance) "
                "&& has(self.advance.atLeast)) || self.advance.atLeast >= self.rollback.below",
                "advance.atLeast must not be less than rollback.below: raise advance.atLeast",
            ),
            (
                "!(has(self.rollback) && has(self.rollback.above) && has(self.advance) "
                "&& has(self.advance.atLeast)) && !(has(self.rollback) && has(self.rollback.below) "
                "&& has(self.advance) && has(self.advance.atMost))",
                "rollback and advance must face the same way: "
                "above goes with atMost, below with atLeast",
            ),
        )
    )

    name: (
        Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-zA-Z][-a-zA-Z0-9]*$")]
        | None
    ) = None
    """Name of the check in status, events and history. The ready-made check's own name if left
    out."""
    use: ReadyMade | None = None
    """A ready-made check: errorRate (percent of requests answered 5xx), latencyP95
    (milliseconds), memory and cpu (percent of the container's limit, of the worst pod),
    availability (percent of requests not answered 5xx)."""
    query: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Own PromQL that gives one number. {{namespace}}, {{release}}, {{target}}, {{track}},
    {{workload}}, {{pods}} (a regular expression for the track's pod names) and {{window}} are
    filled in."""
    rollback: RollbackLimit | None = None
    """Roll back beyond this limit. A ready-made check brings its own."""
    advance: AdvanceLimit | None = None
    """Go on within this limit. The rollback limit if left out."""
    no_data: NoDataPolicy = NoDataPolicy.HOLD
    """When the query gives no value: Hold (stay at the weight), Rollback (count as a breach) or
    Ignore."""


_KEY_OF = "(has({0}.name) ? {0}.name : has({0}.use) ? {0}.use : '')"
"""CEL: the name that a metric goes by."""


class HoldOutcome(StrEnum):
    """How a hold that lasted too long ends."""

    ROLLBACK = "Rollback"
    WAIT = "Wait"


class Analysis(Model):
    """How the service level is measured and judged."""

    model_config = ConfigDict(
        json_schema_extra=_rules(
            (
                "duration(self.interval) >= duration('1s')",
                "spec.analysis.interval must be at least 1s",
            ),
            (
                "duration(self.window) >= duration('1s')",
                "spec.analysis.window must be at least 1s: it should cover several scrapes",
            ),
        )
    )

    interval: Duration = timedelta(seconds=30)
    """Time between two measurements, e.g. 30s."""
    window: Duration = timedelta(minutes=1)
    """Range of the queries ({{window}}). Should cover at least four scrapes. A weight's first
    window counts for a rollback only: it takes a full window at a weight to go on."""
    min_samples: Annotated[int, Field(ge=1, le=1000)] = 3
    """Measurements in a row within the advance limit, all taken at the step's weight, that each
    check needs before the step is passed."""
    profile: Profile = Profile.STANDARD
    """Limits of the ready-made checks. Standard: rollback at error rate > 1 % x3, p95 > 500 ms
    x3, memory > 85 % x2, CPU > 80 % x3. Strict: rollback at p95 > 200 ms and availability < 99 %
    too, and error rate < 0.5 %, p95 < 100 ms, availability > 99.95 % to go on."""
    metrics: Annotated[
        tuple[Metric, ...],
        Field(
            max_length=20,
            json_schema_extra=_rules(
                (
                    "self.all(a, self.exists_one(b, "
                    f"{_KEY_OF.format('a')} == {_KEY_OF.format('b')}))",
                    "spec.analysis.metrics must have different names: set metrics[].name",
                ),
            ),
        ),
    ] = ()
    """The checks. All ready-made checks of the profile if left out."""
    hold_deadline: Duration = timedelta(hours=1)
    """Longest time that a step may be held after its own hold time: because a check is between
    its limits, or without data."""
    on_hold_deadline: HoldOutcome = HoldOutcome.ROLLBACK
    """What happens then: Rollback, or Wait (stay at the weight, say so in the Stalled condition,
    and go on when the checks allow)."""


class Canary(Model):
    """The canary's pods."""

    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Least number of canary pods. The canary has as many pods as its share of the stable
    Deployment's replicas, rounded up, and they are ready before the traffic moves."""
    ready_deadline: Duration = timedelta(minutes=5)
    """Longest time that the canary's pods may take to become ready. Then: rollback."""
    drain_period: Duration = timedelta(seconds=10)
    """Time between the route's report that the canary takes no traffic and the removal of its
    pods, so that open requests finish."""


class Promotion(Model):
    """How stable takes over the new version."""

    progress_deadline: Duration = timedelta(minutes=10)
    """Longest time that the stable Deployment may take to roll out the new version while the
    canary serves. After it the release is marked Stalled, and traffic stays on the canary."""


class CanaryReleaseSpec(Model):
    """Which Deployment to guard, and how a new version of it gets its traffic."""

    model_config = ConfigDict(
        json_schema_extra=_rules(
            (
                "self.targetRef.name == oldSelf.targetRef.name",
                "spec.targetRef.name can't be changed: delete the CanaryRelease and create another",
            ),
            (
                "self.traffic == oldSelf.traffic",
                "spec.traffic can't be changed: delete the CanaryRelease and create another",
            ),
        )
    )

    target_ref: TargetRef
    """The Deployment to guard. It stays the stable one; a changed template runs as
    NAME-canary until it is promoted."""
    traffic: Traffic
    """Where traffic is split."""
    steps: Annotated[
        tuple[Step, ...],
        Field(
            min_length=1,
            max_length=20,
            json_schema_extra=_rules(
                (
                    "self[self.size() - 1].weight == 100",
                    "spec.steps must end with weight 100: add a last step with weight 100",
                ),
                (
                    "self.map(step, step.weight).isSorted() && "
                    "self.all(a, self.exists_one(b, a.weight == b.weight))",
                    "spec.steps must rise: give each step a greater weight than the one before",
                ),
            ),
        ),
    ] = DEFAULT_STEPS
    """Shares of traffic, rising, the last one 100. Default 5, 10, 50, 100, five minutes each."""
    analysis: Analysis = Analysis()
    """What is measured, and the limits."""
    canary: Canary = Canary()
    """The canary's pods."""
    promotion: Promotion = Promotion()
    """The take-over by stable."""
    suspend: bool = False
    """Freeze: no new release starts and none goes on. Rollback stays armed."""
