"""The operator's own metrics."""

from prometheus_client import Counter, Gauge, Histogram

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.controller.release import Key

RELEASE_PHASE = Gauge(
    "linnet_release_phase", "1 for the phase that a release is in", ("namespace", "name", "phase")
)
RELEASE_WEIGHT = Gauge(
    "linnet_release_weight_percent",
    "The canary's share of traffic, wanted and seen on the route",
    ("namespace", "name", "kind"),
)
DECISIONS = Counter(
    "linnet_decisions_total", "Decisions", ("namespace", "name", "decision", "reason")
)
RECONCILE_SECONDS = Histogram(
    "linnet_reconcile_duration_seconds",
    "Time of one look at a release",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RECONCILE_ERRORS = Counter(
    "linnet_reconcile_errors_total", "Looks at a release that failed", ("kind",)
)
LEADER = Gauge("linnet_leader", "1 while this replica leads")


def show(key: Key, status: CanaryReleaseStatus) -> None:
    """Set a release's gauges."""
    for phase in Phase:
        RELEASE_PHASE.labels(key.namespace, key.name, phase).set(phase is status.phase)
    RELEASE_WEIGHT.labels(key.namespace, key.name, "wanted").set(status.weight.wanted)
    seen = status.weight.seen
    RELEASE_WEIGHT.labels(key.namespace, key.name, "seen").set(-1 if seen is None else seen)


def forget(key: Key) -> None:
    """Drop the gauges of a release that is gone."""
    for phase in Phase:
        RELEASE_PHASE.remove(key.namespace, key.name, phase)
    for kind in ("wanted", "seen"):
        RELEASE_WEIGHT.remove(key.namespace, key.name, kind)
