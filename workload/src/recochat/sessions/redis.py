"""Sessions in Redis: shared by all pods and by both versions during a release.

Layout, per session: ``recochat:{<id>}:turns`` is a list of turns (see records),
``recochat:{<id>}:meta`` a hash of created, updated, count, the correlation id of the last writer
(``by``) and facts (``fact:<name>``). ``recochat:sessions`` scores every id with its expiry, for
counting; ``recochat:user:{<id>}`` scores the ids of a user's sessions with the time of the last
turn. Fields may be added, never renamed or given another meaning: an older version reads what a
newer one wrote, and the other way round.

A script writes keys of a session, of its user and of all sessions together. Redis Cluster keeps
those on different nodes, so it can't be used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from redis.asyncio import Redis

from recochat import context
from recochat.clock import wall
from recochat.redis_client import Script, available
from recochat.sessions.base import NO_CHANGE, USER_SESSIONS, Change, Session, Turn
from recochat.sessions.records import Form, dump, load

INDEX: Final = "recochat:sessions"
_FACT: Final = "fact:"

# One command and one answer each: a transaction of as many steps costs the service twice the time.
# A full Redis still reads (allow-oom), and refuses a turn before any of it is written.
_GET: Final = """#!lua flags=allow-oom
local known = redis.call('HGETALL', KEYS[1])
if #known == 0 then return {} end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], 'XX', ARGV[2], ARGV[3])
return {known, redis.call('LRANGE', KEYS[2], 0, -1)}
"""
# KEYS[4] is there if the user is known. From ARGV[8] on: turns, then facts as names and values,
# then names of facts to forget.
_APPEND: Final = """#!lua
local ttl, ends, id, now, most = unpack(ARGV, 1, 5)
local turns, facts = tonumber(ARGV[6]), tonumber(ARGV[7])
redis.call('RPUSH', KEYS[2], unpack(ARGV, 8, 7 + turns))
redis.call('LTRIM', KEYS[2], -most, -1)
redis.call('HSETNX', KEYS[1], 'created', now)
redis.call('HSET', KEYS[1], unpack(ARGV, 8 + turns, 7 + turns + facts))
for n = 8 + turns + facts, #ARGV do redis.call('HDEL', KEYS[1], ARGV[n]) end
redis.call('EXPIRE', KEYS[1], ttl)
redis.call('EXPIRE', KEYS[2], ttl)
redis.call('ZADD', KEYS[3], ends, id)
if KEYS[4] then
  redis.call('ZADD', KEYS[4], now, id)
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, KEEP)
  redis.call('EXPIRE', KEYS[4], ttl)
end
return redis.call('HINCRBY', KEYS[1], 'count', turns)
""".replace("KEEP", str(-USER_SESSIONS - 1))


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
        replicas: int = 0,
    ) -> None:
        """Use ``client`` (made by ``connect``), and own it from now on; write turns in ``form``.

        A turn counts as written once so many ``replicas`` have it.
        """
        self._redis = client
        self._get, self._append = Script(client, _GET), Script(client, _APPEND, replicas)
        self._ttl_s = ttl_s
        self._max_turns = max_turns
        self._clock = clock
        self._form: Form = form

    async def get(self, session_id: str) -> Session | None:
        """The session, or None. O(1) in the number of sessions."""
        async with available():
            keys, ends = self._keys(session_id), self._clock() + self._ttl_s
            found = await self._get(keys, [self._ttl_s, repr(ends), session_id])
        if not found:
            return None
        flat, turns = found
        return _session(session_id, dict(zip(flat[::2], flat[1::2], strict=True)), turns)

    async def append(
        self, session_id: str, turns: Sequence[Turn], change: Change = NO_CHANGE
    ) -> int:
        """Add ``turns`` at once: answers given at the same time by two pods are both kept."""
        now = self._clock()
        facts = ["updated", repr(now), "by", context.correlation_id()]
        for name, fact in change.facts.items():
            facts += _FACT + name, fact
        keys = self._keys(session_id)
        if change.user_id:
            keys.append(user_key(change.user_id))
        about = [self._ttl_s, repr(now + self._ttl_s), session_id, repr(now), self._max_turns]
        records = [dump(turn, self._form) for turn in turns]
        forgotten = [_FACT + name for name in change.forget]
        async with available():
            counts = [len(records), len(facts)]
            return int(await self._append(keys, [*about, *counts, *records, *facts, *forgotten]))

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

    def _keys(self, session_id: str) -> list[str]:
        return [meta_key(session_id), turns_key(session_id), INDEX]


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
