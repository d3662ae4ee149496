"""Events in a stream of Redis, which whoever evaluates them reads with XREAD or XRANGE.

Each entry has one field, ``event``: a JSON object with the fields of Event that are known. Fields
may be added, never renamed or given another meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from recochat.events.base import Event
from recochat.redis_client import available

STREAM: Final = "recochat:events"


class RedisEventLog:
    """One round trip a call; all events of a call in one transaction."""

    def __init__(self, client: Redis, most: int, ttl_s: int) -> None:
        """Keep about ``most`` events, until none has come for ``ttl_s`` seconds."""
        self._redis, self._most, self._ttl_s = client, most, ttl_s

    async def record(self, events: Sequence[Event]) -> None:
        """Add all of ``events``, or none."""
        async with available(), self._redis.pipeline(transaction=True) as pipe:
            for event in events:
                pipe.xadd(STREAM, {"event": _dump(event)}, maxlen=self._most, approximate=True)
            pipe.expire(STREAM, self._ttl_s)
            await pipe.execute()

    async def latest(self, count: int) -> list[Event]:
        """Up to ``count`` of the latest events, oldest first; what can't be read is left out."""
        async with available():
            entries: Any = await self._redis.xrevrange(STREAM, count=count)
        events = (load(fields.get(b"event", b"")) for _, fields in reversed(entries))
        return [event for event in events if event is not None]


def _dump(event: Event) -> bytes:
    return orjson.dumps({k: v for k, v in asdict(event).items() if v not in ("", None)})


def load(record: bytes) -> Event | None:
    """The event, or None if it can't be read. Unknown fields are ignored."""
    try:
        data = orjson.loads(record)
        known = {name: data[name] for name in Event.__slots__ if name in data}
        return Event(**known)
    except (ValueError, TypeError):
        return None
