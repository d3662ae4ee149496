"""A policy's queries, asked about stable: between releases there is no canary to ask about."""

from datetime import timedelta

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.types import format_duration
from linnet.core.catalog import checks
from linnet.core.looks import BUCKETS, REQUESTS, selectors
from linnet.core.pod_sources import MEMORY, STARTS
from linnet.core.queries import fill, pods_of
from linnet.simulation.rehearsal import START

_FIELDS = {
    REQUESTS: "http (requests)",
    BUCKETS: "http (latency)",
    MEMORY: "memory (bytes)",
    STARTS: "memory (start times)",
}


def asked_of_stable(spec: CanaryReleaseSpec, namespace: str, release: str) -> dict[str, str]:
    """Field of the policy -> PromQL that gives a number if the field's metrics are there."""
    name = spec.target_ref.name
    pods = pods_of(name)
    variables = {
        "namespace": namespace,
        "release": release,
        "target": name,
        "track": "stable",
        "workload": name,
        "pods": pods,
        "window": format_duration(spec.analysis.window),
        "canaries": f'namespace="{namespace}",pod=~"{pods}"',
        "owner": ".*",
    }
    asked = {
        f"spec.analysis.metrics[{check.name}]": fill(check.query, variables, tuple(variables))
        for check in checks(spec.analysis)
    }
    if spec.analysis.comparison is not None:
        due = (START - timedelta(minutes=5), START)
        for what, selector in selectors(spec, spec.analysis.comparison, namespace, due).items():
            field = _FIELDS.get(what, what)
            asked[f"spec.analysis.comparison.use.{field}"] = f"count(last_over_time({selector}))"
    return asked
