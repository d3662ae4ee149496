"""Events in the process: for development; they end with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from recochat.events.base import Event


class MemoryEventLog:
    """Keeps the latest events."""

    def __init__(self, most: int) -> None:
        """Keep up to ``most`` events."""
        self._events: deque[Event] = deque(maxlen=most)

    async def record(self, events: Sequence[Event]) -> None:
        """Add ``events``."""
        self._events.extend(events)

    async def latest(self, count: int) -> list[Event]:
        """Up to ``count`` of the latest events, oldest first."""
        return list(self._events)[-count:]
