"""Telling of decisions: an Event, a log line and a metric for each."""

import logging
from datetime import datetime
from typing import Any

from linnet.api.status import CanaryReleaseStatus, DecisionKind, HistoryEntry
from linnet.controller import telemetry
from linnet.controller.release import Release
from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import CANARYRELEASES, EVENTS, KubernetesClient

log = logging.getLogger("linnet.decisions")

NOTE_BYTES = 1024
_WARNINGS = frozenset(
    {DecisionKind.ROLLED_BACK, DecisionKind.STALLED, DecisionKind.HELD, DecisionKind.REFUSED}
)


def new_entries(
    before: CanaryReleaseStatus, after: CanaryReleaseStatus
) -> tuple[HistoryEntry, ...]:
    """What the history has gained."""
    known = set(before.history)
    return tuple(entry for entry in after.history if entry not in known)


def record_alerts(release: Release, after: CanaryReleaseStatus) -> None:
    """Log the alerts that a status has learned of. What they moved has an entry of its own."""
    known = {(each.fingerprint, each.starts_at) for each in release.status.alerts}
    for alert in after.alerts:
        if (alert.fingerprint, alert.starts_at) not in known:
            where = {"namespace": release.key.namespace, "release": release.key.name}
            log.info("%s: %s", alert.message, alert.outcome, extra=where)


async def record(
    client: KubernetesClient, release: Release, entry: HistoryEntry, identity: str
) -> None:
    """Tell of one decision. A refused Event is logged and costs nothing else."""
    key = release.key
    telemetry.DECISIONS.labels(entry.decision, entry.reason).inc()
    log.log(
        logging.WARNING if entry.decision in _WARNINGS else logging.INFO,
        entry.message,
        extra={
            "namespace": key.namespace,
            "release": key.name,
            "decision": str(entry.decision),
            "reason": entry.reason,
            "revision": entry.revision,
            "weight": entry.weight,
            "step": entry.step,
        },
    )
    try:
        await client.create(EVENTS, event(release, entry, identity))
    except ApiError as error:
        log.warning("The event was not written: %s", error)


def event(release: Release, entry: HistoryEntry, identity: str) -> dict[str, Any]:
    """The Event of a decision: its reason is the kind of decision, its note the message."""
    metadata = release.manifest["metadata"]
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {"namespace": release.key.namespace, "generateName": f"{release.key.name}-"},
        "eventTime": _micro_time(entry.at),
        "reportingController": "linnet.dev/operator",
        "reportingInstance": identity[:128],
        "type": "Warning" if entry.decision in _WARNINGS else "Normal",
        "reason": str(entry.decision),
        "action": entry.reason,
        "note": _cut(entry.message),
        "regarding": {
            "apiVersion": CANARYRELEASES.api_version,
            "kind": CANARYRELEASES.kind,
            "namespace": release.key.namespace,
            "name": release.key.name,
            "uid": metadata.get("uid", ""),
        },
    }


def _cut(text: str) -> str:
    """As much as the API takes of a note, which it counts in bytes."""
    return text.encode()[:NOTE_BYTES].decode(errors="ignore")


def _micro_time(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
