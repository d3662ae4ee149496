"""The ready-made checks and their limits, and a spec's metrics as complete checks."""

from dataclasses import dataclass, replace
from functools import lru_cache

from linnet.api.analysis import Analysis, Metric, NoDataPolicy, Profile, ReadyMade

BY = ("namespace", "workload")
"""The labels of an answer's rows: a ready-made query is asked once for all canaries."""


def _by_workload(vector: str) -> str:
    """The vector, its pods' names turned into their Deployment's."""
    return f'label_replace({vector}, "workload", "{{{{workload}}}}", "pod", "{{{{owner}}}}")'


def _sum(vector: str, *more: str) -> str:
    return f"sum by ({', '.join((*BY, *more))}) ({_by_workload(vector)})"


def _rate(metric: str, more: str = "") -> str:
    return f"rate({metric}{{{{{{canaries}}}}{more}}}[{{{{window}}}}])"


_CONTAINER = ',container!="",container!="POD"'
_POD = "sum by (namespace, pod, container)"
_TOTAL = _sum(_rate("http_requests_total"))
_FAILED = _sum(_rate("http_requests_total", ',status=~"5.."'))
_BUCKETS = _sum(_rate("http_request_duration_seconds_bucket"), "le")
_MEMORY_USED = f"{_POD} (container_memory_working_set_bytes{{{{{{canaries}}}}{_CONTAINER}}})"
_MEMORY_LIMIT = f"{_POD} (container_spec_memory_limit_bytes{{{{{{canaries}}}}{_CONTAINER}}})"
_CPU_USED = f"{_POD} ({_rate('container_cpu_usage_seconds_total', _CONTAINER)})"
_CPU_LIMIT = (
    f"({_POD} (container_spec_cpu_quota{{{{{{canaries}}}}{_CONTAINER}}})"
    f" / {_POD} (container_spec_cpu_period{{{{{{canaries}}}}{_CONTAINER}}}))"
)


def _worst(vector: str) -> str:
    return f"100 * max by ({', '.join(BY)}) ({_by_workload(vector)})"


QUERIES: dict[ReadyMade, str] = {
    # A missing series of failures is zero only where requests were counted at all.
    ReadyMade.ERROR_RATE: f"100 * ({_FAILED} or 0 * {_TOTAL}) / {_TOTAL}",
    ReadyMade.LATENCY_P95: f"1000 * histogram_quantile(0.95, {_BUCKETS})",
    ReadyMade.MEMORY: _worst(f"{_MEMORY_USED} / ({_MEMORY_LIMIT} > 0)"),
    ReadyMade.CPU: _worst(f"{_CPU_USED} / {_CPU_LIMIT}"),
    ReadyMade.AVAILABILITY: f"100 * (1 - ({_FAILED} or 0 * {_TOTAL}) / {_TOTAL})",
}


@dataclass(frozen=True)
class Check:
    """A metric with nothing left open.

    above, below: the rollback limit, one of them. at_most, at_least: the advance limit that
    faces the same way. consecutive: breaches in a row that roll back. unit: for people.
    shared: the query's answer has a row for each canary (`BY`), instead of one number.
    requires: a resource that some container must limit for the check to mean anything.
    """

    name: str
    query: str
    above: float | None = None
    below: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    consecutive: int = 3
    unit: str = ""
    requires: str | None = None
    shared: bool = False
    no_data: NoDataPolicy = NoDataPolicy.HOLD


def _ready_made(use: ReadyMade, unit: str, requires: str | None = None) -> Check:
    return Check(name=use.value, query=QUERIES[use], unit=unit, requires=requires, shared=True)


_ERROR_RATE = _ready_made(ReadyMade.ERROR_RATE, " %")
_LATENCY_P95 = _ready_made(ReadyMade.LATENCY_P95, " ms")
_MEMORY = _ready_made(ReadyMade.MEMORY, " %", requires="memory")
_CPU = _ready_made(ReadyMade.CPU, " %", requires="cpu")
_AVAILABILITY = _ready_made(ReadyMade.AVAILABILITY, " %")

LIMITS: dict[Profile, dict[ReadyMade, Check]] = {
    Profile.STANDARD: {
        ReadyMade.ERROR_RATE: replace(_ERROR_RATE, above=1.0, at_most=0.5),
        ReadyMade.LATENCY_P95: replace(_LATENCY_P95, above=500.0, at_most=200.0),
        ReadyMade.MEMORY: replace(_MEMORY, above=85.0, at_most=85.0, consecutive=2),
        ReadyMade.CPU: replace(_CPU, above=80.0, at_most=80.0),
        ReadyMade.AVAILABILITY: replace(_AVAILABILITY, below=99.0, at_least=99.5),
    },
    Profile.STRICT: {
        ReadyMade.ERROR_RATE: replace(_ERROR_RATE, above=1.0, at_most=0.5),
        ReadyMade.LATENCY_P95: replace(_LATENCY_P95, above=200.0, at_most=100.0),
        ReadyMade.MEMORY: replace(_MEMORY, above=85.0, at_most=85.0, consecutive=2),
        ReadyMade.CPU: replace(_CPU, above=80.0, at_most=80.0),
        ReadyMade.AVAILABILITY: replace(_AVAILABILITY, below=99.0, at_least=99.95),
    },
}


def checks(analysis: Analysis) -> tuple[Check, ...]:
    """The checks that an analysis asks for, each with its limits complete.

    Without metrics of its own an analysis gets every ready-made check of its profile.
    """
    if not analysis.metrics:
        return tuple(LIMITS[analysis.profile].values())
    return tuple(_complete(metric, analysis.profile) for metric in analysis.metrics)


def contradiction(analysis: Analysis) -> str:
    """Where a check's limits can't both be meant, in words; empty where there is none.

    A ready-made check's own limits are not in the manifest, so the API server can't see this.
    """
    for check in checks(analysis):
        if check.above is not None and check.at_most is not None and check.at_most > check.above:
            return (
                f"{check.name}: goes on at up to {check.at_most:g} but rolls back above "
                f"{check.above:g}: lower advance.atMost"
            )
        if check.below is not None and check.at_least is not None and check.at_least < check.below:
            return (
                f"{check.name}: goes on at {check.at_least:g} but rolls back below "
                f"{check.below:g}: raise advance.atLeast"
            )
    return ""


@lru_cache(maxsize=1024)
def _complete(metric: Metric, profile: Profile) -> Check:
    if metric.use is not None:
        base = LIMITS[profile][metric.use]
    else:
        base = Check(name=metric.name or "", query=metric.query or "")
    return _with_limits(
        replace(base, name=metric.name or base.name, no_data=metric.no_data), metric
    )


def _with_limits(base: Check, metric: Metric) -> Check:
    rollback, advance = metric.rollback, metric.advance
    if rollback is not None:
        base = replace(base, consecutive=rollback.consecutive or base.consecutive)
        if rollback.above is not None:
            at_most = rollback.above if base.at_most is None else min(base.at_most, rollback.above)
            base = replace(base, above=rollback.above, below=None, at_most=at_most, at_least=None)
        elif rollback.below is not None:
            floor = rollback.below if base.at_least is None else max(base.at_least, rollback.below)
            base = replace(base, below=rollback.below, above=None, at_least=floor, at_most=None)
    if advance is not None:
        if advance.at_most is not None:
            base = replace(base, at_most=advance.at_most)
        elif advance.at_least is not None:
            base = replace(base, at_least=advance.at_least)
    return base
