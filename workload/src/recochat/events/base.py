"""What an event is, and what a log of events has to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a person did, or that was shown to them. "" and None: not known."""

    name: str
    user_id: str
    at: float
    """Seconds since the epoch."""
    item_id: str = ""
    session_id: str = ""
    experiment: str = ""
    variant: str = ""
    value: float | None = None
    version: str = ""
    """Version of the service that took it."""
    track: str = ""
    correlation_id: str = ""
    event_id: str = ""
    """Of two entries with the same one, the second is a repetition."""


class EventLog(Protocol):
    """Takes events in order; the oldest go when it is full.

    Every method raises StoreUnavailable, and nothing else, when the log doesn't answer.
    """

    async def record(self, events: Sequence[Event]) -> None:
        """Add all of ``events`` (at least one), or none."""

    async def latest(self, count: int) -> list[Event]:
        """Up to ``count`` of the latest events, oldest first."""
