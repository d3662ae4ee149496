"""Where requests are counted: the metrics of applications, meshes and gateways, by name.

Each source says how the two arms of a release are told apart in its series, and is then read in the
same way (`linnet.core.series`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from linnet.api.comparison import ContainerSource, HttpSource
from linnet.core.pods import UNSEEN, PodsSeen
from linnet.core.queries import fill
from linnet.core.series import Matrix, Span, counted

MILLISECONDS = 1e-3
VARIABLES = (
    "namespace",
    "stable",
    "canary",
    "stablePods",
    "canaryPods",
    "stableService",
    "canaryService",
    "route",
)
"""What a source's selectors are filled in with: names, and patterns of pods' names."""


@dataclass(frozen=True)
class Source:
    """How a source counts.

    requests, buckets: names of the counter and of the histogram's. matching: further label
    matchers. arm: the label whose value tells stable from canary, by matching their patterns
    whole. status: labels of which one has the HTTP status. edge_s: seconds that the histogram's
    `le` of 1 comes to. owner: the label of the counting process.
    """

    requests: str
    buckets: str
    arm: str
    stable: str
    canary: str
    status: tuple[str, ...]
    matching: str = ""
    edge_s: float = 1.0
    owner: str = "pod"


def _traefik(service: str) -> str:
    """Traefik's name for a backend: newer versions begin it with the route."""
    backend = f"{{{{namespace}}}}-{{{{{service}}}}}-[0-9a-z]+@kubernetesgateway"
    return f"httproute-{{{{namespace}}}}-{{{{route}}}}-gw-.+-svc-{backend}|{backend}"


SOURCES: dict[HttpSource, Source] = {
    # Names that the Prometheus client libraries' guides use; `code` is what Go's gives.
    HttpSource.APPLICATION: Source(
        requests="http_requests_total",
        buckets="http_request_duration_seconds_bucket",
        matching='namespace="{{namespace}}"',
        arm="pod",
        stable="{{stablePods}}",
        canary="{{canaryPods}}",
        status=("status", "code"),
    ),
    HttpSource.TRAEFIK: Source(
        requests="traefik_service_requests_total",
        buckets="traefik_service_request_duration_seconds_bucket",
        arm="service",
        stable=_traefik("stableService"),
        canary=_traefik("canaryService"),
        status=("code",),
    ),
    # Of the receiving side, which has seen what the version itself answered.
    HttpSource.ISTIO: Source(
        requests="istio_requests_total",
        buckets="istio_request_duration_milliseconds_bucket",
        matching='reporter="destination",destination_workload_namespace="{{namespace}}"',
        arm="destination_workload",
        stable="{{stable}}",
        canary="{{canary}}",
        status=("response_code",),
        edge_s=MILLISECONDS,
    ),
    # One cluster for each backend there is only where a backend of the rule has a filter.
    HttpSource.ENVOY_GATEWAY: Source(
        requests="envoy_cluster_upstream_rq",
        buckets="envoy_cluster_upstream_rq_time_bucket",
        arm="envoy_cluster_name",
        stable="httproute/{{namespace}}/{{route}}/rule/[0-9]+/backend/0",
        canary="httproute/{{namespace}}/{{route}}/rule/[0-9]+/backend/1",
        status=("envoy_response_code",),
        edge_s=MILLISECONDS,
    ),
    HttpSource.INGRESS_NGINX: Source(
        requests="nginx_ingress_controller_requests",
        buckets="nginx_ingress_controller_request_duration_seconds_bucket",
        matching='namespace="{{namespace}}"',
        arm="service",
        stable="{{stableService}}",
        canary="{{canaryService}}",
        status=("status",),
        owner="controller_pod",
    ),
}

CONTAINERS = 'namespace="{{namespace}}",container!="",container!="POD"'
"""Matchers for series of containers, without those of whole pods and of their pause."""

CPU_SECONDS: dict[ContainerSource, Source] = {
    ContainerSource.CADVISOR: Source(
        requests="container_cpu_usage_seconds_total",
        buckets="",
        matching=CONTAINERS,
        arm="pod",
        stable="{{stablePods}}",
        canary="{{canaryPods}}",
        status=(),
    ),
}

FAILED = re.compile("5..")
"""The statuses that count as errors."""


@dataclass(frozen=True)
class Arm:
    """What one version answered between two looks.

    requests: number of all. errors: those among them that count as errors. timed: requests in the
    latency histogram. faster: its edges in seconds -> those that took no longer. cpu_s: seconds of
    CPU, None where nobody told of them.
    """

    requests: float = 0.0
    errors: float = 0.0
    timed: float = 0.0
    faster: Mapping[float, float] = field(default_factory=dict)
    cpu_s: float | None = None


@dataclass(frozen=True)
class Arms:
    """Both versions. None: nobody told of it, which is not the same as no requests.

    pods: what their pods did beside.
    """

    stable: Arm | None
    canary: Arm | None
    pods: PodsSeen = UNSEEN


def selectors(source: Source, variables: Mapping[str, str], lookback: str) -> tuple[str, str]:
    """PromQL for the raw samples of the source's requests and buckets, both arms in each.

    variables: a value for each of `VARIABLES`. lookback: a PromQL duration that reaches back to
    before the earlier look.
    """
    stable, canary = patterns(source, variables)
    matching = fill(source.matching, dict(variables), VARIABLES)
    arms = f'{source.arm}=~"{stable}|{canary}"'
    inside = ",".join(part for part in (matching, arms) if part)
    return f"{source.requests}{{{inside}}}[{lookback}]", f"{source.buckets}{{{inside}}}[{lookback}]"


def arms(
    source: Source, variables: Mapping[str, str], requests: Matrix, buckets: Matrix, span: Span
) -> Arms:
    """What both versions answered in a span, out of the answers to `selectors`.

    An error status that was never seen is zero where the total is there.
    """
    total = _by_arm(source, requests, span, source.status)
    slow = _by_arm(source, buckets, span, ("le",))
    stable, canary = (
        _arm(source, re.compile(pattern), total, slow) for pattern in patterns(source, variables)
    )
    return Arms(stable, canary)


def with_cpu(
    found: Arms, source: Source, variables: Mapping[str, str], answer: Matrix, span: Span
) -> Arms:
    """The arms with their CPU seconds, out of the answer to the first of `selectors`."""
    used = _by_arm(source, answer, span, ())

    def arm(known: Arm | None, pattern: str) -> Arm | None:
        mine = [seconds for (pod,), seconds in used.items() if re.fullmatch(pattern, pod)]
        return known and replace(known, cpu_s=sum(mine) if mine else None)

    stable, canary = patterns(source, variables)
    return replace(found, stable=arm(found.stable, stable), canary=arm(found.canary, canary))


Counts = dict[tuple[str, ...], float]
"""What was counted, by the value of the source's `arm` and then by kind."""


def patterns(source: Source, variables: Mapping[str, str]) -> tuple[str, str]:
    """Of stable and of the canary, in the values of the source's `arm`."""
    known = dict(variables)
    return fill(source.stable, known, VARIABLES), fill(source.canary, known, VARIABLES)


def _by_arm(source: Source, matrix: Matrix, span: Span, kinds: tuple[str, ...]) -> Counts:
    found: Counts = {}
    for counts in counted(matrix.series, span, source.owner, (source.arm, *kinds)).values():
        for kind, count in counts.items():
            found[kind] = found.get(kind, 0.0) + count
    return found


def _arm(source: Source, pattern: re.Pattern[str], total: Counts, slow: Counts) -> Arm | None:
    answered = [(kind, count) for kind, count in total.items() if pattern.fullmatch(kind[0])]
    if not answered:
        return None
    faster: dict[float, float] = {}
    for (arm, edge), count in slow.items():
        if pattern.fullmatch(arm):
            seconds = float(edge) * source.edge_s
            faster[seconds] = faster.get(seconds, 0.0) + count
    return Arm(
        requests=sum(count for _, count in answered),
        errors=sum(count for kind, count in answered if any(map(FAILED.fullmatch, kind[1:]))),
        timed=faster.pop(inf, 0.0),
        faster=dict(sorted(faster.items())),
    )
