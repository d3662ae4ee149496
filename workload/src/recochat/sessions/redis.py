"""Sessions in Redis: shared by all pods and by both versions during a release.

Layout, per session and with one hash tag, so that a cluster keeps both keys on one node:
``recochat:{<id>}:turns`` is a list of turns (see records), ``recochat:{<id>}:meta`` a hash of
created, updated, count, the correlation id of the last writer (``by``) and facts (``fact:<name>``).
``recochat:sessions`` scores every id with its expiry, for counting; ``recochat:user:{<id>}`` scores
the ids of a user's sessions with the time of the last turn.
Fields may be added, never renamed or given another meaning: an older version reads what a newer
one wrote, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from redis.asyncio import Redis

from recochat import context
from recochat.clock import wall
from recochat.redis_client import available
from recochat.sessions.base import NO_CHANGE, USER_SESSIONS, Change, Session, Turn
from recochat.sessions.records import Form, dump, load

INDEX: Final = "recochat:sessions"
_FACT: Final = "fact:"


def turns_key(session_id: str) -> str:
    """The list that holds the turns of a session."""
    return f"recochat:{{{session_id}}}:turns"


def meta_key(session_id: str) -> str:
    """The hash that holds what is known of a session besides its turns."""
    return f"recochat:{{{session_id}}}:meta"


def user_key(user_id: str) -> str:
    """The sorted set of the sessions of a user."""
    return f"recochat:user:{{{user_id}}}"


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
        async with available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(meta_key(session_id))
            pipe.lrange(turns_key(session_id), 0, -1)
            self._slide(pipe, session_id, now, only_existing=True)
            meta, turns, *_ = await pipe.execute()
        return _session(session_id, meta, turns) if meta else None

    async def append(
        self, session_id: str, turns: Sequence[Turn], change: Change = NO_CHANGE
    ) -> Session:
        """Add ``turns`` at once: answers given at the same time by two pods are both kept."""
        now = self._clock()
        turns_at, meta_at = turns_key(session_id), meta_key(session_id)
        async with available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(turns_at, *(dump(turn, self._form) for turn in turns))
            pipe.ltrim(turns_at, -self._max_turns, -1)
            pipe.hsetnx(meta_at, "created", repr(now))
            written: dict[Any, Any] = {"updated": repr(now), "by": context.correlation_id()}
            facts = {_FACT + name: fact for name, fact in change.facts.items()}
            pipe.hset(meta_at, mapping=written | facts)
            if change.forget:
                pipe.hdel(meta_at, *(_FACT + name for name in change.forget))
            pipe.hincrby(meta_at, "count", len(turns))
            self._slide(pipe, session_id, now, only_existing=False)
            if change.user_id:
                mine = user_key(change.user_id)
                pipe.zadd(mine, {session_id: now})
                pipe.zremrangebyrank(mine, 0, -USER_SESSIONS - 1)
                pipe.expire(mine, self._ttl_s)
            pipe.hgetall(meta_at)
            pipe.lrange(turns_at, 0, -1)
            *_, meta, kept = await pipe.execute()
        return _session(session_id, meta, kept)

    async def of_user(self, user_id: str) -> list[Session]:
        """The user's sessions, latest first. Two round trips: ids, then what is known of each."""
        async with available():
            # Typed for every form of the command's answer; without scores it is a list of ids.
            mine: list[Any] = await self._redis.zrevrange(user_key(user_id), 0, -1)
            ids = [found.decode() for found in mine]
            async with self._redis.pipeline(transaction=False) as pipe:
                for session_id in ids:
                    pipe.hgetall(meta_key(session_id))
                metas = await pipe.execute()
        found = [_session(i, meta, ()) for i, meta in zip(ids, metas, strict=True) if meta]
        return [replace(session, facts={}) for session in found]

    async def delete(self, session_id: str) -> bool:
        """Forget the session at once. Whether there was one."""
        async with available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(meta_key(session_id))
            pipe.delete(turns_key(session_id))
            pipe.zrem(INDEX, session_id)
            known, *_ = await pipe.execute()
        return bool(known)

    async def count(self) -> int:
        """How many sessions are live, over all pods; takes expired ones out of the index."""
        async with available(), self._redis.pipeline(transaction=True) as pipe:
            pipe.zremrangebyscore(INDEX, "-inf", self._clock())
            pipe.zcard(INDEX)
            _, live = await pipe.execute()
        return int(live)

    async def ping(self) -> None:
        """Return if Redis answers in time."""
        async with available():
            # ping() itself is typed as "awaitable or not" for both clients of the package.
            await self._redis.execute_command("PING")  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    def _slide(self, pipe: Any, session_id: str, now: float, *, only_existing: bool) -> None:
        pipe.expire(turns_key(session_id), self._ttl_s)
        pipe.expire(meta_key(session_id), self._ttl_s)
        pipe.zadd(INDEX, {session_id: now + self._ttl_s}, xx=only_existing)


def _session(session_id: str, meta: Mapping[bytes, bytes], raw: Sequence[bytes]) -> Session:
    turns = tuple(turn for item in raw if (turn := load(item)) is not None)
    return Session(
        session_id,
        created_at=float(meta.get(b"created", 0)),
        updated_at=float(meta.get(b"updated", 0)),
        turn_count=int(meta.get(b"count", len(turns))),
        turns=turns,
        facts={
            name.decode().removeprefix(_FACT): fact.decode()
            for name, fact in meta.items()
            if name.startswith(_FACT.encode())
        },
    )
