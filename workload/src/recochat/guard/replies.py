"""What was answered to a write, kept under its idempotency key so that a repetition gets the same.

A key is first claimed, then holds the reply. A claim ends by itself after a minute, for a process
may die in between.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

CLAIM_S: Final = 60
_KEPT: Final = 10_000  # replies kept in the process


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a request with this fingerprint; a status of 0: it isn't known yet."""

    fingerprint: str
    status: int = 0
    media_type: str = ""
    body: str = ""


class Replies(Protocol):
    """Keeps replies. Every method raises StoreUnavailable, and nothing else, if it can't."""

    async def claim(self, key: str, fingerprint: str) -> Reply | None:
        """None: the key is claimed now. Otherwise what is kept under it, and nothing changes."""

    async def keep(self, key: str, reply: Reply) -> None:
        """Keep the reply to what had claimed the key."""

    async def drop(self, key: str) -> None:
        """Give up a claim: the request may be tried again."""


class MemoryReplies:
    """Replies in the process; the oldest go first."""

    def __init__(self, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep replies for ``ttl_s`` seconds."""
        self._ttl_s, self._clock = ttl_s, clock
        self._kept: OrderedDict[str, tuple[float, Reply]] = OrderedDict()

    async def claim(self, key: str, fingerprint: str) -> Reply | None:
        """Claim the key, or tell what is under it."""
        ends_at, reply = self._kept.get(key, (0.0, None))
        if reply is not None and ends_at > self._clock():
            return reply
        self._put(key, Reply(fingerprint), CLAIM_S)
        return None

    async def keep(self, key: str, reply: Reply) -> None:
        """Keep the reply."""
        self._put(key, reply, self._ttl_s)

    async def drop(self, key: str) -> None:
        """Give up a claim."""
        self._kept.pop(key, None)

    def _put(self, key: str, reply: Reply, ttl_s: float) -> None:
        self._kept[key] = (self._clock() + ttl_s, reply)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
