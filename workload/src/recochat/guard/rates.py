"""How often one caller may ask: a token bucket per caller, in the process or in Redis.

A bucket is kept as one number, the time at which it is full again (generic cell rate algorithm): a
token taken moves that time by 1 / rate, and none is left when it lies burst / rate ahead.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from recochat.problems import StoreUnavailable
from recochat.resilience import CircuitBreaker

_CALLERS: Final = 50_000  # buckets kept in the process; one takes about 200 bytes


class RateLimiter(Protocol):
    """Counts the requests of each caller."""

    async def take(self, caller: str) -> float:
        """Take a token: 0.0, or the seconds until there is one.

        Raises StoreUnavailable, and nothing else, when the count can't be reached.
        """


class MemoryRateLimiter:
    """Buckets in the process. The callers who came first are forgotten first, which admits them."""

    def __init__(
        self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``per_s`` (above 0) tokens a second come in, and ``burst`` (1 or more) are kept."""
        self._gap, self._ahead, self._clock = 1 / per_s, (burst - 1) / per_s, clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def take(self, caller: str) -> float:
        """Take a token of ``caller``: 0.0, or the seconds until there is one. O(1)."""
        now = self._clock()
        full_at = max(self._full_at.get(caller, now), now)
        wait = full_at - now - self._ahead
        if wait > 1e-6:
            return wait
        self._full_at[caller] = full_at + self._gap
        self._full_at.move_to_end(caller)
        if len(self._full_at) > _CALLERS:
            self._full_at.popitem(last=False)
        return 0.0


class FallbackRateLimiter:
    """Counts in the process while the shared count can't be reached, and doesn't wait for it."""

    def __init__(self, shared: RateLimiter, own: RateLimiter, breaker: CircuitBreaker) -> None:
        """``breaker`` decides when ``shared`` isn't asked at all."""
        self._shared, self._own, self._breaker = shared, own, breaker

    async def take(self, caller: str) -> float:
        """Take a token of ``caller``. Never raises."""
        if self._breaker.allow():
            try:
                wait = await self._shared.take(caller)
            except StoreUnavailable:
                self._breaker.failed()
            else:
                self._breaker.succeeded()
                return wait
        return await self._own.take(caller)
