"""The operator's own metrics. What a release is at is made into gauges only when somebody asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from linnet.api.alerts import AlertOutcome
from linnet.api.analysis import Analysis
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, MetricStatus, Phase
from linnet.controller.release import Key
from linnet.core.catalog import checks
from linnet.core.conditions import stalled_by
from linnet.providers.telemetry import FAST, counter, family, gauge, histogram

DECISIONS = counter("linnet_decisions_total", "Decisions", "decision", "reason")
RECONCILE_SECONDS = histogram(
    "linnet_reconcile_duration_seconds", "Time of one look at a release", buckets=FAST
)
RECONCILE_ERRORS = counter(
    "linnet_reconcile_errors_total", "Looks at a release that failed", "kind"
)
LEADER = gauge("linnet_leader", "1 while this replica leads")
QUEUE = gauge("linnet_queue_length", "Releases that wait for a worker")
NOTIFICATIONS = counter(
    "linnet_notifications_total",
    "Notifications of decisions by outcome: delivered, rejected by the receiver, given_up after "
    "ten minutes, dropped as too many waited, failed, or unknown where there is no such receiver",
    "receiver",
    "outcome",
)
NOTIFICATIONS_WAITING = gauge(
    "linnet_notifications_waiting", "Notifications that wait for their receiver", "receiver"
)
DETECTION_SECONDS = histogram(
    "linnet_detection_duration_seconds",
    "From the first bad measurement, or the beginning of an alert, to the decision to roll back",
    "by",
    buckets=(0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 900),
)
ROLLBACK_SECONDS = histogram(
    "linnet_rollback_duration_seconds",
    "From the decision to roll back to the route's report that the canary has no traffic",
    buckets=FAST,
)

_RELEASE = ("namespace", "name")
_INFO = family(
    "linnet_release_info",
    "1; the Deployment, and the versions that stable runs and that is or was under release",
    *_RELEASE,
    *("target", "stable", "canary"),
)
_PHASE = family("linnet_release_phase", "1 for the phase that a release is in", *_RELEASE, "phase")
_STEP = family("linnet_release_step", "The present step, from 1; 0 between releases", *_RELEASE)
_WEIGHT = family(
    "linnet_release_weight_percent",
    "The canary's share of traffic, wanted and seen on the route; -1: not seen",
    *_RELEASE,
    "kind",
)
_STALLED = family(
    "linnet_release_stalled",
    "1 while a release waits for somebody, by what it waits for",
    *_RELEASE,
    "reason",
)
_VALUE = family(
    "linnet_release_metric_value",
    "A check's last value, in its unit, while a release is measured",
    *_RELEASE,
    "metric",
)
_LIMIT = family(
    "linnet_release_metric_limit",
    "A check's limit: kind rollback or advance",
    *_RELEASE,
    *("metric", "kind"),
)
_VERDICT = family(
    "linnet_release_metric_verdict",
    "1 for what a check's last measurement says",
    *_RELEASE,
    *("metric", "verdict"),
)


@dataclass(frozen=True, slots=True)
class _Shown:
    """bad_since: when the measurements that now are bad began to be; None while none is.

    returned: whether a rollback's traffic is back. analysis, metrics: while there is traffic.
    """

    phase: Phase
    step: int
    wanted: int
    seen: int | None
    stalled: str
    versions: tuple[str, str, str]
    bad_since: datetime | None
    returned: bool
    analysis: Analysis | None
    metrics: tuple[MetricStatus, ...]


class Releases(Collector):
    """What each release is at."""

    def __init__(self) -> None:
        self._shown: dict[Key, _Shown] = {}

    def show(self, key: Key, spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> None:
        """Take in what a release is at."""
        before, weight = self._shown.get(key), status.weight
        bad = any(metric.breaches for metric in status.metrics)
        since = before.bad_since if before is not None else None
        measured = status.phase is Phase.PROGRESSING
        shown = self._shown[key] = _Shown(
            phase=status.phase,
            step=status.step or 0,
            wanted=weight.wanted,
            seen=weight.seen,
            stalled=stalled_by(status),
            versions=(spec.target_ref.name, status.stable_revision, status.canary_revision),
            bad_since=(since or status.analysed_at) if bad else None,
            returned=status.phase is Phase.ROLLING_BACK and weight.seen_since is not None,
            analysis=spec.analysis if measured else None,
            metrics=status.metrics if measured else (),
        )
        if before is not None:
            _time(before, shown, status)

    def forget(self, key: Key) -> None:
        """Drop a release that is gone."""
        self._shown.pop(key, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        info, phase, step, weight, stalled = _INFO(), _PHASE(), _STEP(), _WEIGHT(), _STALLED()
        value, limit, verdict = _VALUE(), _LIMIT(), _VERDICT()
        for key, shown in list(self._shown.items()):
            where = (key.namespace, key.name)
            info.add_metric((*where, *shown.versions), 1)
            phase.add_metric((*where, shown.phase), 1)
            step.add_metric(where, shown.step)
            weight.add_metric((*where, "wanted"), shown.wanted)
            weight.add_metric((*where, "seen"), -1 if shown.seen is None else shown.seen)
            if shown.stalled:
                stalled.add_metric((*where, shown.stalled), 1)
            for metric in shown.metrics:
                verdict.add_metric((*where, metric.name, metric.verdict), 1)
                if metric.value is not None:
                    value.add_metric((*where, metric.name), metric.value)
            for name, kind, bound in _limits(shown.analysis):
                limit.add_metric((*where, name, kind), bound)
        yield from (info, phase, step, weight, stalled, value, limit, verdict)


def _limits(analysis: Analysis | None) -> Iterator[tuple[str, str, float]]:
    """(name, kind, limit) of each check of a release that is measured."""
    for check in checks(analysis) if analysis is not None else ():
        for kind, bounds in (
            ("rollback", (check.above, check.below)),
            ("advance", (check.at_most, check.at_least)),
        ):
            yield from ((check.name, kind, bound) for bound in bounds if bound is not None)


def _time(before: _Shown, shown: _Shown, status: CanaryReleaseStatus) -> None:
    """Count what has just been decided or come about; what nobody saw begin is left out."""
    decided = status.phase_since
    if decided is None:
        return
    if shown.phase is Phase.ROLLING_BACK and before.phase is not Phase.ROLLING_BACK:
        began = _began(before, shown, status)
        if began is not None:
            by, since = began
            DETECTION_SECONDS.labels(by).observe((decided - since).total_seconds())
    returned = status.weight.seen_since
    if shown.returned and not before.returned and returned is not None:
        ROLLBACK_SECONDS.observe(max(0.0, (returned - decided).total_seconds()))


def _began(
    before: _Shown, shown: _Shown, status: CanaryReleaseStatus
) -> tuple[str, datetime] | None:
    last = status.history[-1] if status.history else None
    if last is None or last.decision is not DecisionKind.ROLLED_BACK:
        return None
    if last.reason.endswith("Breached"):
        since = shown.bad_since or before.bad_since
        return ("measurement", since) if since is not None else None
    acted = [a for a in status.alerts if a.outcome is AlertOutcome.ROLLED_BACK]
    return ("alert", acted[-1].starts_at) if acted and last.reason == "AlertFired" else None


RELEASES = Releases()
REGISTRY.register(RELEASES)
