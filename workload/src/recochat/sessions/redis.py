"""Sessions in Redis: shared by all pods and by both versions during a release.

Layout, per session and with one hash tag, so that a cluster keeps both keys on one node:
``recochat:{<id>}:turns`` is a list of turns (see records), ``recochat:{<id>}:meta`` a hash of
created, updated and count. ``recochat:sessions`` scores every id with its expiry, for counting.
Fields may be added, never renamed or given another meaning: an older version reads what a newer
one wrote, and the other way round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from recochat.clock import wall
from recochat.sessions.base import Session, SessionStoreUnavailable, Turn
from recochat.sessions.records import Form, dump, load

INDEX: Final = "recochat:sessions"


def turns_key(session_id: str) -> str:
    """The list that holds the turns of a session."""
    return f"recochat:{{{session_id}}}:turns"


def meta_key(session_id: str) -> str:
    """The hash that holds what is known of a session besides its turns."""
    return f"recochat:{{{session_id}}}:meta"


class RedisSessionStore:
    """One round trip per call, bounded connections, short time limits, one retry."""

    kind = "redis"

    def __init__(
        self,
        client: Redis,
        ttl_s: int,
        max_turns: int,
        clock: Callable[[], float] = wall,
        form: Form = 1,
    ) -> None:
        """Use ``client`` (made by ``connect``), and own it from now on; write turns in ``form``."""
        self._redis = client
        self._ttl_s = ttl_s
        self._max_turns = max_turns
        self._clock = clock
        self._form: Form = form

    async def get(self, session_id: str) -> Session | None:
        """The session, or None. O(1) in the number of sessions."""
        now = self._clock()
        async with _available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(meta_key(session_id))
            pipe.lrange(turns_key(session_id), 0, -1)
            self._slide(pipe, session_id, now, only_existing=True)
            meta, turns, *_ = await pipe.execute()
        return _session(session_id, meta, turns) if meta else None

    async def append(self, session_id: str, turns: Sequence[Turn]) -> Session:
        """Add ``turns`` at once: answers given at the same time by two pods are both kept."""
        now = self._clock()
        turns_at, meta_at = turns_key(session_id), meta_key(session_id)
        async with _available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(turns_at, *(dump(turn, self._form) for turn in turns))
            pipe.ltrim(turns_at, -self._max_turns, -1)
            pipe.hsetnx(meta_at, "created", repr(now))
            pipe.hset(meta_at, "updated", repr(now))
            pipe.hincrby(meta_at, "count", len(turns))
            self._slide(pipe, session_id, now, only_existing=False)
            pipe.hgetall(meta_at)
            pipe.lrange(turns_at, 0, -1)
            *_, meta, kept = await pipe.execute()
        return _session(session_id, meta, kept)

    async def delete(self, session_id: str) -> bool:
        """Forget the session at once. Whether there was one."""
        async with _available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(meta_key(session_id))
            pipe.delete(turns_key(session_id))
            pipe.zrem(INDEX, session_id)
            known, *_ = await pipe.execute()
        return bool(known)

    async def count(self) -> int:
        """How many sessions are live, over all pods; takes expired ones out of the index."""
        async with _available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(INDEX, "-inf", self._clock())
            pipe.zcard(INDEX)
            _, live = await pipe.execute()
        return int(live)

    async def ping(self) -> None:
        """Return if Redis answers in time."""
        async with _available():
            # ping() itself is typed as "awaitable or not" for both clients of the package.
            await self._redis.execute_command("PING")  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    def _slide(self, pipe: Any, session_id: str, now: float, *, only_existing: bool) -> None:
        pipe.expire(turns_key(session_id), self._ttl_s)
        pipe.expire(meta_key(session_id), self._ttl_s)
        pipe.zadd(INDEX, {session_id: now + self._ttl_s}, xx=only_existing)


def connect(url: str, timeout_ms: int, max_connections: int) -> Redis:
    """A client for ``url``. Doesn't connect yet: Redis may come up after the service."""
    seconds = timeout_ms / 1000
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=seconds,  # waiting for a free connection
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        # Once, without a pause: a connection that Redis closed while idle isn't worth a 503.
        # A time-out isn't retried, for that would double the wait.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        health_check_interval=0,
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def _available() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise SessionStoreUnavailable(str(error)) from error


def _session(session_id: str, meta: Mapping[bytes, bytes], raw: Sequence[bytes]) -> Session:
    turns = tuple(turn for item in raw if (turn := load(item)) is not None)
    return Session(
        session_id,
        created_at=float(meta.get(b"created", 0)),
        updated_at=float(meta.get(b"updated", 0)),
        turn_count=int(meta.get(b"count", len(turns))),
        turns=turns,
    )
