"""What the operator would do about a request, found by its own decisions, and written nowhere.

The first look is at the cluster as it is. Those after it are at what will be once each action has
had its effect, so that the end of the release is told as well.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from linnet.api.config import ConfigKind
from linnet.api.request import Request
from linnet.api.status import CanaryReleaseStatus
from linnet.cli.cluster.connection import Cluster
from linnet.cli.cluster.imagined import imagined
from linnet.controller.apply import Actor
from linnet.controller.observe import Providers, objects
from linnet.controller.record import event, new_entries
from linnet.controller.release import Release, write_status
from linnet.core.decide import decide
from linnet.core.decision import Decision
from linnet.core.observed import Observed, Sample, Table
from linnet.core.series import Matrix
from linnet.core.transitions import RESTING
from linnet.providers.config import ConfigCopies
from linnet.providers.dry import Call, DryClient
from linnet.providers.kubernetes import CANARYRELEASES, EVENTS
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.traffic.registry import EveryTraffic
from linnet.providers.workloads import Workloads

MOST_LOOKS = 30
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Foreseen:
    """One look of the operator's that does something. after: since the request was made."""

    after: timedelta
    status: CanaryReleaseStatus
    calls: tuple[Call, ...]


class Unasked:
    """Metrics that nobody asks for: a request is answered without a measurement."""

    async def query(self, promql: str) -> Sample:
        """See `MetricsProvider`."""
        return Sample()

    async def table(self, promql: str, by: Sequence[str]) -> Table:
        """See `MetricsProvider`."""
        return Table()

    async def series(self, promql: str, at: datetime) -> Matrix:
        """See `MetricsProvider`."""
        return Matrix()

    async def instant(self, promql: str) -> Matrix:
        """See `MetricsProvider`."""
        return Matrix()

    async def close(self) -> None:
        """See `MetricsProvider`."""


async def foresee(cluster: Cluster, release: Release, asked: Request) -> list[Foreseen]:
    """The looks until the release rests again, or nothing more follows by itself."""
    client = DryClient(cluster.client)
    providers = Providers(
        Workloads(client),
        EveryTraffic(client),
        SharedMetrics(Unasked(), cluster.now),
        ConfigCopies(client, tuple(ConfigKind)),
    )
    actor = Actor(client, providers)
    seen = await objects(release, providers)
    observed = replace(seen, request=asked.model_dump_json(by_alias=True))
    begun = now = cluster.now()
    looks: list[Foreseen] = []
    for _ in range(MOST_LOOKS):
        decision = decide(release.spec, release.status, observed, now)
        await _carry_out(client, actor, release, decision)
        if client.calls:
            looks.append(Foreseen(now - begun, decision.status, tuple(client.calls)))
            client.calls.clear()
        release = replace(release, status=decision.status)
        observed = _after(observed, decision)
        if decision.status.phase in RESTING or not (decision.actions or decision.wake_after):
            break
        now += decision.wake_after or SECOND
    return looks


async def _carry_out(client: DryClient, actor: Actor, release: Release, decision: Decision) -> None:
    """The calls of one look, in the operator's order: act, remember, tell."""
    for action in decision.actions:
        await actor.apply(replace(release, status=decision.status), action)
    if decision.status == release.status:
        return
    place = (CANARYRELEASES, release.key.namespace, release.key.name)
    patch = [{"op": "add", "path": "/status", "value": write_status(decision.status)}]
    await client.patch(*place, patch, "status")
    for entry in new_entries(release.status, decision.status):
        await client.create(EVENTS, event(release, entry, socket.gethostname()))


def _after(observed: Observed, decision: Decision) -> Observed:
    for action in decision.actions:
        observed = imagined(observed, action)
    return observed
