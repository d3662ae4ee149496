"""`CanaryRelease.spec.analysis.comparison`: the canary against stable, and what it may cost."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from linnet.api.rules import Span, rules
from linnet.api.types import Duration, Model, Time


class HttpSource(StrEnum):
    """Whose metrics count the requests that are compared."""

    APPLICATION = "application"
    TRAEFIK = "traefik"
    ISTIO = "istio"
    ENVOY_GATEWAY = "envoyGateway"
    INGRESS_NGINX = "ingressNginx"


class ContainerSource(StrEnum):
    """Whose metrics tell what containers use."""

    CADVISOR = "cadvisor"


class RestartSource(StrEnum):
    """Whose metrics count the restarts of containers."""

    KUBE_STATE_METRICS = "kubeStateMetrics"


ONE_SERVICE = (HttpSource.APPLICATION, HttpSource.ISTIO)
"""Sources that tell stable from canary where both are behind one Service."""


class ComparisonMode(StrEnum):
    """What follows from a finding."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class ComparisonSource(Model):
    """Where the two versions' requests are counted, and what their pods use and do."""

    http: HttpSource = HttpSource.APPLICATION
    """application (http_requests_total and http_request_duration_seconds by pod, with a label
    status or code), traefik, istio, envoyGateway or ingressNginx."""
    cpu: ContainerSource | None = None
    """cadvisor (container_cpu_usage_seconds_total by pod), to compare CPU seconds per request, too.
    Not compared if left out."""
    memory: ContainerSource | None = None
    """cadvisor (container_memory_working_set_bytes and container_start_time_seconds by pod), to
    compare the growth of memory with that of stable's pods at the same age, too. Not compared if
    left out."""
    restarts: RestartSource | None = None
    """kubeStateMetrics (kube_pod_container_status_restarts_total by pod), to compare how often pods
    restart, too. Not compared if left out."""
    oom_kills: ContainerSource | None = None
    """cadvisor (container_oom_events_total by pod), to compare how often processes are killed for
    memory, too. Not compared if left out."""


class Comparison(Model):
    """Canary against stable by sequential tests: errors, latency, and what else is asked for.

    However often it looks, a healthy canary is rolled back with at most the chance given.
    """

    # Said again as rules, because the API server cuts a bound's fraction off before it compares a
    # whole number with it.
    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.falseRollbackPercent >= 0.01",
                "falseRollbackPercent must be at least 0.01: without any risk of a false rollback "
                "no evidence is ever enough",
            ),
            (
                "self.objectivePercent >= 0.001",
                "objectivePercent must be at least 0.001: an objective that one failed request in "
                "a lifetime misses can't be tested",
            ),
        )
    )

    use: ComparisonSource = ComparisonSource()
    """Where requests are counted. No PromQL is needed."""
    mode: ComparisonMode = ComparisonMode.ENFORCE
    """Enforce: a finding ends or holds the release. Observe: it is only shown in status."""
    false_rollback_percent: Annotated[float, Field(ge=0.01, le=20)] = 1.0
    """Chance, in percent, of rolling back a healthy version, for the whole release."""
    objective_percent: Annotated[float, Field(ge=0.001, le=50)] = 1.0
    """Requests that may fail, in percent, where there is nothing to compare with: at weight 100."""
    advance_when_clear: bool = False
    """Whether a step may end before its hold time once the canary is shown to be no worse than a
    small margin. The other checks keep their say."""
    warm_up: Annotated[Duration, Span("0s", "1h")] = timedelta(seconds=30)
    """Time after the canary's first traffic in which its latency is not compared: a cold cache is
    no defect. Errors always count."""


class FindingStatus(Model):
    """What the comparison says of one metric, since the release began."""

    name: str
    """errors, latency, cpu, memory, restarts or oomKills."""
    verdict: str
    """Breach, Clear, Continue, SharedIncident (stable suffers too), Invalid (traffic isn't split
    as asked for), NoData or Error."""
    message: str = ""
    """The finding in words."""
    effect: float | None = None
    """How many times stable's rate; of memory how many times as much a day makes of it, beside
    stable's. Absent where there is nothing to compare with."""
    low: float | None = None
    """Lower end of the effect's interval, which holds it with 95 % at all times; of memory at one
    look."""
    high: float | None = None
    """Upper end."""
    e_value: float = 1.0
    """Odds against a healthy canary."""
    needed: float
    """Odds that end the release."""
    requests_needed: int | None = None
    """About how many more canary requests it takes to know, at the present rates. Absent where no
    end is in sight."""
    time_needed: Duration | None = None
    """About how much longer it takes to know, where it isn't requests that are counted."""


class ComparisonStatus(Model):
    """The last look at both versions, and what is remembered of all of them."""

    until: Time
    """Requests up to here are counted in, each once."""
    weight: int
    """The weight that the last look was made at, in percent."""
    findings: tuple[FindingStatus, ...] = ()
    """One for each metric."""
    state: str = ""
    """What the tests remember, compressed, for the operator."""
