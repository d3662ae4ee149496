"""The operator's own metrics."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.controller.release import Key
from linnet.core.conditions import stalled_by

DECISIONS = Counter("linnet_decisions_total", "Decisions", ("decision", "reason"))
RECONCILE_SECONDS = Histogram(
    "linnet_reconcile_duration_seconds",
    "Time of one look at a release",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RECONCILE_ERRORS = Counter(
    "linnet_reconcile_errors_total", "Looks at a release that failed", ("kind",)
)
LEADER = Gauge("linnet_leader", "1 while this replica leads")


@dataclass(frozen=True, slots=True)
class _Shown:
    phase: Phase
    wanted: int
    seen: int | None
    stalled: str


class Releases(Collector):
    """What each release is at, made into gauges only when somebody asks."""

    def __init__(self) -> None:
        self._shown: dict[Key, _Shown] = {}

    def show(self, key: Key, status: CanaryReleaseStatus) -> None:
        """Take in what a release is at."""
        weight = status.weight
        self._shown[key] = _Shown(status.phase, weight.wanted, weight.seen, stalled_by(status))

    def forget(self, key: Key) -> None:
        """Drop a release that is gone."""
        self._shown.pop(key, None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        release = ("namespace", "name")
        phase = GaugeMetricFamily(
            "linnet_release_phase",
            "1 for the phase that a release is in",
            labels=(*release, "phase"),
        )
        weight = GaugeMetricFamily(
            "linnet_release_weight_percent",
            "The canary's share of traffic, wanted and seen on the route; -1: not seen",
            labels=(*release, "kind"),
        )
        stalled = GaugeMetricFamily(
            "linnet_release_stalled",
            "1 while a release waits for somebody, by what it waits for",
            labels=(*release, "reason"),
        )
        for key, shown in list(self._shown.items()):
            where = (key.namespace, key.name)
            phase.add_metric((*where, shown.phase), 1)
            weight.add_metric((*where, "wanted"), shown.wanted)
            if shown.stalled:
                stalled.add_metric((*where, shown.stalled), 1)
            weight.add_metric((*where, "seen"), -1 if shown.seen is None else shown.seen)
        yield phase
        yield weight
        yield stalled


RELEASES = Releases()
REGISTRY.register(RELEASES)
