"""Everything that is kept outside of one request, in the process or in Redis."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from recochat.events.base import EventLog
from recochat.events.memory import MemoryEventLog
from recochat.events.metrics import METRICS
from recochat.experiments.base import OutcomeStore
from recochat.experiments.memory import MemoryOutcomes
from recochat.guard.rates import FallbackRateLimiter, MemoryRateLimiter, RateLimiter
from recochat.guard.replies import MemoryReplies, Replies
from recochat.resilience import CircuitBreaker
from recochat.sessions.base import SessionStore
from recochat.sessions.memory import MemorySessionStore
from recochat.settings import Settings

_EVENTS_IN_PROCESS: Final = 10_000
_EVENTS_IN_REDIS: Final = 1_000_000
_EVENTS_TTL_S: Final = 30 * 24 * 3600
_REPLY_TTL_S: Final = 24 * 3600
# A count that doesn't answer may cost one request in a second its time limit, not every one.
_BREAKER_FAILURES: Final = 3
_BREAKER_OPEN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Stores:
    """What the service keeps. Closing the sessions closes what the others share with them."""

    sessions: SessionStore
    events: EventLog
    replies: Replies
    rates: RateLimiter | None
    """None: callers aren't limited."""
    outcomes: OutcomeStore | None
    """None: no experiments are counted."""
    connections: Callable[[], tuple[int, int, int]] | None = None
    """To Redis: in use, idle, and at most; None without one."""


def stores(settings: Settings) -> Stores:
    """What ``settings`` choose: Redis if there is a URL, else the process."""
    per_s, burst = settings.rate_per_s, settings.rate_burst
    own_rates = MemoryRateLimiter(per_s, burst) if per_s else None
    if settings.redis_url is None:
        sessions = MemorySessionStore(
            settings.session_ttl_s, settings.session_turns, settings.session_max
        )
        events, replies = MemoryEventLog(_EVENTS_IN_PROCESS), MemoryReplies(_REPLY_TTL_S)
        own = MemoryOutcomes(METRICS, settings.experiment_day_s) if settings.experiments else None
        return Stores(sessions, events, replies, own_rates, own)
    # Here, not above: the client takes time and memory that a pod without Redis needn't spend.
    from recochat.events.redis import RedisEventLog
    from recochat.experiments.redis import RedisOutcomes
    from recochat.guard.redis import RedisRateLimiter, RedisReplies
    from recochat.redis_client import connect, connections
    from recochat.sessions.redis import RedisSessionStore

    client = connect(
        settings.redis_url.get_secret_value(),
        settings.redis_timeout_ms,
        settings.redis_connections,
    )
    rates = None
    if own_rates is not None:
        shared = RedisRateLimiter(client, per_s, burst)
        breaker = CircuitBreaker(_BREAKER_FAILURES, _BREAKER_OPEN_S, time.monotonic)
        rates = FallbackRateLimiter(shared, own_rates, breaker)
    return Stores(
        RedisSessionStore(
            client,
            settings.session_ttl_s,
            settings.session_turns,
            form=settings.session_form,
            replicas=settings.redis_replicas,
        ),
        RedisEventLog(client, _EVENTS_IN_REDIS, _EVENTS_TTL_S),
        RedisReplies(client, _REPLY_TTL_S),
        rates,
        RedisOutcomes(client, METRICS, settings.experiment_day_s) if settings.experiments else None,
        lambda: connections(client),
    )
