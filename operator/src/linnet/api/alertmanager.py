"""What Alertmanager's webhook sends, payload version 4, as far as it is read."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from linnet.api.types import Model, Time

ALERTS_MOST = 5000
LABELS_MOST = 200


class AlertState(StrEnum):
    """What an alert is at."""

    FIRING = "firing"
    RESOLVED = "resolved"


class SentAlert(Model):
    """One alert of a notification."""

    status: AlertState
    """firing or resolved."""
    labels: Annotated[dict[str, str], Field(max_length=LABELS_MOST)]
    """Its labels."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Its annotations. summary, or else description, goes to the history."""
    starts_at: Time
    """When it began to fire."""
    fingerprint: Annotated[str, Field(min_length=1, max_length=64)]
    """Alertmanager's hash of its labels."""


class Notification(Model):
    """One notification of a group of alerts. Fields that are not named here are ignored."""

    version: Literal["4"]
    """The version of the payload."""
    truncated_alerts: Annotated[int, Field(ge=0)] = 0
    """How many alerts were left out because of the receiver's max_alerts."""
    alerts: Annotated[tuple[SentAlert, ...], Field(max_length=ALERTS_MOST)]
    """The alerts."""
