"""Alertmanager's notifications as it sends them."""

from datetime import datetime
from typing import Any
from zlib import crc32

from tests.support.builders import START

Body = dict[str, Any]


def sent_alert(
    name: str = "HighErrors", *, status: str = "firing", at: datetime = START, **labels: str
) -> Body:
    """One alert; its labels name the release `shop` in the namespace `default`."""
    known = {"alertname": name, "namespace": "default", "linnet_release": "shop", **labels}
    over = "0001-01-01T00:00:00Z" if status == "firing" else "2030-01-01T13:00:00Z"
    return {
        "status": status,
        "labels": known,
        "annotations": {"summary": "5 % of all requests fail", "runbook_url": "https://x.example"},
        "startsAt": at.isoformat(timespec="microseconds").replace("+00:00", "123Z"),
        "endsAt": over,
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": f"{crc32(repr(sorted(known.items())).encode()):016x}",
    }


def notification(*alerts: Body, truncated: int = 0) -> Body:
    """A whole payload of version 4."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighErrors"}',
        "truncatedAlerts": truncated,
        "status": "firing",
        "receiver": "linnet",
        "groupLabels": {"alertname": "HighErrors"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
    }
