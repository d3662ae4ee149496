"""What people ask of a release, and what alerts tell about it."""

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from linnet.core.observed import Alert

if TYPE_CHECKING:
    from tests.support.world import World


def ask(world: "World", action: str, **more: Any) -> str:
    """Jane asks for something; returns the request's id, another one each time."""
    number = json.loads(world.request)["id"] if world.request else "r0"
    name = f"r{int(number[1:]) + 1}"
    asked = {"id": name, "action": action, "by": "jane", "at": world.now.isoformat(), **more}
    world.request = json.dumps(asked)
    return name


def fire(world: "World", name: str = "HighErrors", **labels: str) -> Alert:
    """An alert about the release begins to fire."""
    alert = Alert(
        fingerprint=f"{name}{sorted(labels.items())}",
        starts_at=world.now,
        labels={"alertname": name, "severity": "critical", "track": "canary", **labels},
        summary="too many errors",
    )
    hear(world, alert)
    return alert


def hear(world: "World", *alerts: Alert) -> None:
    """Alertmanager tells of alerts, perhaps once more."""
    world.alerts = (*world.alerts, *alerts)


def resolve(world: "World", alert: Alert) -> None:
    """Alertmanager tells that an alert is over."""
    hear(world, replace(alert, resolved=True))


def action_of(text: str) -> str:
    """What is asked for; '' if nothing is."""
    return str(json.loads(text)["action"]) if text else ""


def id_of(text: str) -> str:
    """The id of what is asked for; '' if nothing is."""
    return str(json.loads(text)["id"]) if text else ""
