"""`CanaryRelease.spec`: what a user asks for. Every docstring here is read by `kubectl explain`."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from linnet.api.alerts import AlertRule
from linnet.api.analysis import Analysis
from linnet.api.approvals import Approvals
from linnet.api.comparison import ONE_SERVICE
from linnet.api.config import TrackedConfigs
from linnet.api.experiment_step import StepExperiment
from linnet.api.notifications import Subscription
from linnet.api.rules import Span, Spelled, rules
from linnet.api.types import Duration, Model

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

Name = Annotated[
    str,
    Field(max_length=63, pattern=rf"^{_LABEL}$"),
    Spelled("must be a name in the same namespace: lower-case letters, digits and dashes"),
]
RouteName = Annotated[
    str,
    Field(max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*$"),
    Spelled("must be a name in the same namespace: lower-case letters, digits, dashes and dots"),
]

HttpToken = Annotated[
    str,
    Field(max_length=63, pattern=r"^[A-Za-z0-9][-_A-Za-z0-9]*$"),
    Spelled("must have letters, digits, dashes and underscores only, a letter or digit first"),
]


class TargetRef(Model):
    """The workload to guard, in the namespace of the CanaryRelease."""

    model_config = ConfigDict(
        json_schema_extra=rules(
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
        str,
        Field(max_length=55, pattern=rf"^{_LABEL}$"),
        Spelled(
            "must be the name of a Deployment in the same namespace: lower-case letters, digits "
            "and dashes; one with dots can't be guarded"
        ),
    ]
    """Name of the Deployment, without dots. At most 55 characters, as its canary is called
    NAME-canary."""


class StickyCookie(Model):
    """A cookie that the gateway sets, and reads again."""

    name: HttpToken
    """Name of the cookie. Another one for each CanaryRelease behind the same host name."""
    max_age: Annotated[Duration, Span("1m", why="it should cover a release")] = timedelta(hours=24)
    """How long a browser keeps the cookie. Should cover a whole release: a user whose cookie has
    expired is drawn anew."""


class HeaderMatchType(StrEnum):
    """How the gateway compares the header, in Gateway API's words."""

    EXACT = "Exact"
    REGULAR_EXPRESSION = "RegularExpression"


class StickyHeader(Model):
    """A header that the caller sends with each request of a user."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(self.name.lowerAscii() in ['cookie', 'host'])",
                "spec.traffic.sticky.header.name must be a header of your own, e.g. X-User-Bucket",
            ),
        )
    )

    name: HttpToken
    """Name of the header. Its value is the user's bucket, a whole number from 0 to 99: those below
    the weight get the canary. A request without a bucket gets stable until the weight is 100."""
    type: HeaderMatchType = HeaderMatchType.EXACT
    """How the gateway compares it. Exact works everywhere, and needs one match of the HTTPRoute
    for each bucket of the canary. RegularExpression needs one, and a gateway that knows it."""


class Sticky(Model):
    """One user stays on one version, as the weight rises."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.cookie) != has(self.header)",
                "spec.traffic.sticky has either cookie or header: set exactly one",
            ),
        )
    )

    cookie: StickyCookie | None = None
    """The gateway tells users apart by a cookie that it sets. For browsers. Needs a gateway with
    regular expressions in header matches and with filters on single backends."""
    header: StickyHeader | None = None
    """The gateway tells users apart by a header that the caller sends."""


class Provider(StrEnum):
    """The ways to split traffic."""

    GATEWAY_API = "GatewayAPI"
    REPLICAS = "Replicas"


class Traffic(Model):
    """How traffic is split between stable and canary."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.provider != 'GatewayAPI' || has(self.httpRoute)",
                "spec.traffic.httpRoute is required with provider GatewayAPI: name the HTTPRoute "
                "that leads to the Service, or set spec.traffic.provider to Replicas where there "
                "is no gateway",
            ),
            (
                "self.provider != 'Replicas' || !has(self.httpRoute)",
                "spec.traffic.httpRoute has no use with provider Replicas, which splits by the "
                "pods behind spec.traffic.service: remove it",
            ),
            (
                "self.provider != 'Replicas' || !has(self.sticky)",
                "spec.traffic.sticky needs provider GatewayAPI: behind one Service nobody tells "
                "users apart. Remove it",
            ),
        )
    )

    provider: Provider = Provider.GATEWAY_API
    """How traffic is split. GatewayAPI: by the weights of an HTTPRoute, exact to one percent.
    Replicas: by the number of pods behind one Service, for clusters without a gateway; between 0
    and 100 % only the shares that whole pods give can be had, up to 50 %, and the condition
    WeightsReachable names the steps that get another share than they ask for."""
    http_route: RouteName | None = None
    """Name of the HTTPRoute whose backend weights are moved, with provider GatewayAPI only. Each
    of its rules that has the stable Service as a backend is split; other rules and other backends
    are left alone."""
    service: Name | None = None
    """Name of the Service of the stable pods. The target's name if left out. With provider
    Replicas the canary's pods stand behind it too."""
    sticky: Sticky | None = None
    """Keep each user on one version, with provider GatewayAPI only. If left out, each request is
    drawn for itself."""


class Step(Model):
    """One share of traffic, and how long to stay there."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.experiment) || self.weight < 100",
                "a step with an experiment needs a weight below 100: at 100 there are no users of "
                "stable to compare with",
            ),
        )
    )

    weight: Annotated[int, Field(ge=1, le=100)]
    """Share of traffic that the canary takes in this step, in percent."""
    hold: Duration = timedelta(minutes=5)
    """Least time at this weight, counted from the moment the route reports the weight as
    accepted, or the Service's endpoints show the pods that it takes, e.g. 30s, 5m, 24h. A step
    takes longer where its evidence does: one analysis.window, then minSamples measurements."""
    replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Number of canary pods in this step, whatever spec.canary says. Also at 100 %, where the
    canary otherwise is as large as stable."""
    approvals: Approvals | None = None
    """People who have to approve the version in this step before the release goes on from it. If
    left out, nobody has to."""
    experiment: StepExperiment | None = None
    """An A/B experiment that has to be a success before the release goes on from this step. It may
    take longer than hold. {} takes the defaults; none is made if left out."""


DEFAULT_STEPS = tuple(Step(weight=weight) for weight in (5, 10, 50, 100))


class Canary(Model):
    """The canary's pods."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(has(self.replicas) && has(self.minReplicas))",
                "spec.canary takes either replicas (a fixed number) or minReplicas (a share of "
                "stable, at least this many): remove one",
            ),
        )
    )

    min_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Least number of canary pods, 1 if left out. The canary has as many pods as its share of the
    stable Deployment's replicas, rounded up, and they are ready before the traffic moves. Stable
    counts with the most replicas that it had since the release started."""
    replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Number of canary pods in all steps below 100 %, in place of a share. At 100 % the canary
    serves alone, and is as large as stable. A step's own replicas go before this."""
    ready_deadline: Annotated[Duration, Span("1s", why="pods need time to become ready")] = (
        timedelta(minutes=5)
    )
    """Longest time that the canary's pods may take to become ready. Then: rollback."""
    drain_period: Annotated[
        Duration, Span(at_most="24h", why="every release ends with this wait")
    ] = timedelta(seconds=10)
    """Time between the route's report that the canary takes no traffic and the removal of its
    pods, so that open requests finish. At most 24h."""


class Promotion(Model):
    """How stable takes over the new version."""

    progress_deadline: Annotated[Duration, Span("1s", why="pods need time to become ready")] = (
        timedelta(minutes=10)
    )
    """Longest time that the stable Deployment may take to roll out the new version while the
    canary serves. After it the release is marked Stalled, and traffic stays on the canary."""


class CanaryReleaseSpec(Model):
    """Which Deployment to guard, and how a new version of it gets its traffic."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.targetRef.name == oldSelf.targetRef.name",
                "spec.targetRef.name can't be changed: delete the CanaryRelease and create another",
            ),
            (
                "self.traffic == oldSelf.traffic",
                "spec.traffic can't be changed: delete the CanaryRelease and create another",
            ),
            (
                "!has(self.traffic.sticky) || !has(self.traffic.sticky.cookie) || "
                "duration(self.traffic.sticky.cookie.maxAge) >= "
                "self.steps.map(step, duration(step.hold)).sum()",
                "spec.traffic.sticky.cookie.maxAge must not be shorter than all steps' hold "
                "together: raise it, or shorten spec.steps[].hold",
            ),
            (
                "!has(self.traffic.sticky) || !has(self.traffic.sticky.cookie) || "
                "self.steps.all(step, !has(step.experiment) || "
                "duration(self.traffic.sticky.cookie.maxAge) >= "
                "duration(step.experiment.duration))",
                "spec.traffic.sticky.cookie.maxAge must not be shorter than the experiment's "
                "duration, or users change sides: raise it",
            ),
            (
                "has(self.traffic.sticky) || !self.steps.exists(step, has(step.experiment))",
                "spec.steps[].experiment needs spec.traffic.sticky, with provider GatewayAPI: each "
                "user has to stay on one version",
            ),
            (
                "self.traffic.provider != 'Replicas' || (!self.?canary.?replicas.hasValue() && "
                "!self.steps.exists(step, has(step.replicas)))",
                "spec.canary.replicas and spec.steps[].replicas have no use with provider "
                "Replicas, where the number of pods is the share of traffic: remove them",
            ),
            (
                "self.traffic.provider != 'Replicas' || self.?analysis.?comparison.?use.?http"
                f".orValue('application') in {[str(each) for each in ONE_SERVICE]}",
                "spec.analysis.comparison.use.http must be application or istio with provider "
                "Replicas: the others don't tell the two versions behind one Service apart",
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
            json_schema_extra=rules(
                (
                    "self.size() == 0 || self[self.size() - 1].weight == 100",
                    "spec.steps must end with weight 100: add a last step with weight 100",
                ),
                (
                    "self.map(step, step.weight).isSorted() && "
                    "self.all(a, self.exists_one(b, a.weight == b.weight))",
                    "spec.steps must rise: give each step a greater weight than the one before",
                ),
                (
                    "self.filter(step, has(step.experiment)).size() <= 1",
                    "spec.steps has several experiments: a release has one at most",
                ),
            ),
        ),
    ] = DEFAULT_STEPS
    """Shares of traffic, rising, the last one 100. Default 5, 10, 50, 100, five minutes each."""
    analysis: Analysis = Analysis()
    """What is measured, and the limits."""
    tracked_config: TrackedConfigs = ()
    """ConfigMaps and Secrets whose change is a release: the canary runs with the new content,
    stable keeps the old until the promotion."""
    canary: Canary = Canary()
    """The canary's pods."""
    promotion: Promotion = Promotion()
    """The take-over by stable."""
    alerts: Annotated[tuple[AlertRule, ...], Field(max_length=16)] = ()
    """What alerts of Alertmanager do to a release that is under way. The first rule that matches
    counts; an alert that none matches is recorded. If left out: alerts with track="stable" or
    severity info or none are recorded, severity warning freezes, anything else rolls back."""
    notifications: Annotated[tuple[Subscription, ...], Field(max_length=10)] | None = None
    """Who hears of decisions. If left out: the operator's receivers that are told by
    default. An empty list: nobody."""
    suspend: bool = False
    """Freeze: no new release starts and none goes on. Rollback stays armed."""
